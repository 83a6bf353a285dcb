"""Every shipped recipe of a ranker of answers loads, is fitted on a pool, ranks another and comes back."""

from __future__ import annotations

import numpy as np
import pytest

from irkit import locate
from irkit.documents import Document
from irkit.lucene import build_index
from irkit.rank.measured import Measured
from irkit.recipe import load_recipe, setting_names, to_recipe
from irkit.text.vectors import Vectors
from tests.rank.answers_toy import planted, precision_at_1

SHIPPED = locate.shipped("pipelines") / "rank"
PATHS = sorted(path for path in SHIPPED.glob("qa*.yaml") if path.stem != "qa-bm25")
FEWER = {"epochs": 2, "rounds": 1, "filters": 16, "threads": 1, "device": "cpu", "validation": 0.1}
"Enough to see that it runs."
VECTORS = Vectors([f"t{town}" for town in range(12)], np.random.default_rng(0).normal(size=(12, 8)))


@pytest.fixture(scope="module")
def train():
    return planted()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_recipe_is_fitted_ranks_and_comes_back(path, train):
    recipe = load_recipe(f"rank/{path.stem}")
    names = {name.rpartition(".")[2]: name for name in setting_names(recipe.stages)}
    untrained = {"epochs"} if path.stem == "qacnn-untrained" else set()
    quick = recipe.with_settings({names[field]: FEWER[field] for field in FEWER.keys() - untrained if field in names})
    resources = {"vectors": VECTORS} if "vectors" in recipe.needs else {}
    fitted, test = quick.build(**resources).fit(train), planted(10, seed=1)
    measured = Measured(test, "RR")
    assert measured.mean(scores(fitted, test)) > 0.5  # 0.52 is that of any order
    assert fitted.fitted_on == set(train.flow.queries["qid"])
    again = to_recipe(fitted, quick.name, quick.about, quick.source)
    assert again.hash == quick.hash
    assert again.build(**resources).fit(train) == fitted


def scores(stage, pool):
    """Return scores in the order of the pool."""
    frame = stage.run(pool.flow).frame().set_index(["qid", "docno"])["score"]
    return frame.loc[list(zip(*(pool.flow.frame()[name] for name in ("qid", "docno")), strict=True))].to_numpy()


def test_rows_that_are_compared_differ_in_one_thing():
    settings = {path.stem: dict(load_recipe(f"rank/{path.stem}").stages[0]) for path in PATHS}
    plain = settings["qacnn"]
    assert settings["qacnn-max"] == {**plain, "negatives": "max", "drawn": 4}
    assert settings["qacnn-overlap"] == {**plain, "overlap": True}
    assert settings["qacnn-untrained"] == {**plain, "epochs": 0}
    assert settings["qacnn-vectors"] == {**plain, "use": "qacnn-vectors"}


def test_the_players_of_the_game_start_as_the_row_beside_them():
    game, alone = (load_recipe(f"rank/{name}").build() for name in ("qa-irgan", "qacnn-max"))
    start = type(alone)(**game.config.start_settings())
    assert start.config.changed(validation=alone.config.validation) == alone.config


def test_bm25_ranks_candidates_over_an_index_of_them(tmp_path):
    pool = planted(10)
    documents = [Document(row.docno, row.text) for row in pool.flow.frame().itertuples()]
    with build_index(tmp_path / "index", documents) as index:
        found = load_recipe("rank/qa-bm25").build(index=index)
        assert precision_at_1(found, pool) == 1
