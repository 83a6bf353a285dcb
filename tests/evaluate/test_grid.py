"""Tuning a pipeline by a dictionary: as the recipe that says the same, learned ones by nested folds too."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.evaluate import experiment, load_space, tune
from irkit.evaluate.grid import space_of
from irkit.expand import RM3
from irkit.io import load_collection
from irkit.pipeline import Learned, Rescore, Retrieve, apply
from irkit.rank import Lengths
from irkit.recipe import collection_index, load_recipe
from tests.evaluate.test_nested import PARTS, RECIPE, SPACE, job  # noqa: F401  # a fixture

GRID = {"k1": [0.2, 3.0], "b": [0.0, 0.4, 1.0]}


@pytest.fixture(scope="module")
def lee():
    return load_collection("lee")


@pytest.fixture(scope="module")
def index(lee):
    with collection_index(lee) as index:
        yield index


def same(a, b):
    assert (a.chosen, a.candidates, a.folds, a.inner) == (b.chosen, b.candidates, b.folds, b.inner)
    np.testing.assert_array_equal(a.means, b.means)
    pd.testing.assert_frame_equal(a.evaluation.per_query, b.evaluation.per_query)


def test_a_pipeline_is_tuned_as_its_recipe_is(lee, index):
    bm25 = Retrieve(index, n=1000, k1=0.9, b=0.4)
    queries, qrels, held = lee.queries(), lee.qrels(), {"index": index}
    by_recipe = tune(load_recipe("bm25"), space_of(GRID, "bm25"), queries, qrels, "AP", resources=held)
    for tuned in (
        tune(bm25, GRID, queries, qrels, "AP"),
        tune(bm25, GRID, lee, measures="AP"),
        tune("bm25", GRID, lee, measures="AP"),
        tune("bm25", GRID, queries, qrels, "AP", resources=held),
    ):
        same(tuned, by_recipe)
        assert str(tuned).startswith("bm25: 6 candidates, 5 folds, chosen by AP\n")
        for fold, values in enumerate(tuned.chosen, 1):
            line = next(line for line in str(tuned).splitlines() if line.startswith(f"fold {fold}: "))
            ends = [name for name in values if values[name] in (min(GRID[name]), max(GRID[name]))]
            assert line.partition(", at the edge of its space: ")[2] == ", ".join(ends)
    assert len({repr(values) for values in by_recipe.candidates}) == 6


def test_a_space_by_name_fits_a_pipeline_too(lee, index):
    tuned = tune(Retrieve(index), "bm25-search", lee, measures="AP", method="random", trials=3)
    assert tuned.space == load_space("bm25-search")


def test_a_learned_pipeline_is_tuned_by_inner_folds(job):  # noqa: F811
    resources, queries, qrels = job
    index = resources["index"]
    how = {"folds": 3, "inner": 2}
    features = Rescore(index) ** Rescore(index, model="tf-idf") ** Lengths(index)
    pipeline = Retrieve(index, n=25) >> features >> Learned(model="linear")
    grid = {"0.k1": [0.2, 3.0], "learned.model": ["linear", "logistic"]}
    tuned = tune(pipeline, grid, queries, qrels, "AP P@5", **how)
    want = tune(RECIPE, SPACE, queries, qrels, "AP P@5", resources=resources, **how)
    assert len(PARTS) == 3
    assert [tuple(values.values()) for values in tuned.chosen] == [tuple(values.values()) for values in want.chosen]
    pd.testing.assert_frame_equal(tuned.evaluation.per_query, want.evaluation.per_query)
    assert tuned.pipeline.parts[-1].fitted_on == frozenset(queries["qid"])
    assert tuned.stage().run(queries).score.tolist() == want.stage(resources).run(queries).score.tolist()


def test_the_pipeline_for_other_queries_has_the_best_values_and_knows_what_it_saw(lee, index):
    bm25 = Retrieve(index)
    train, test = lee.queries()[:30], lee.queries()[30:]
    tuned = tune(bm25 >> RM3(index) >> bm25, {"fb_terms": [5, 30], "k1": [0.5, 2.0]}, train, lee.qrels(), "AP")
    assert tuned.best == tuned.candidates[int(np.argmax(tuned.means))]
    first, _, second = tuned.pipeline.parts
    assert (first.config, second.config.k1) == (second.config, tuned.best["k1"])
    assert tuned.pipeline.parts[1].config.fb_terms == tuned.best["fb_terms"]
    assert bm25.config.k1 is None
    assert not hasattr(bm25, "fitted_on")
    further = tuned.pipeline >> apply.score(lambda row: row["score"])
    with pytest.raises(ConfigError, match="was fitted on 30 of the 50 test queries"):
        experiment({"tuned": further}, lee, measures="AP")
    assert experiment({"tuned": further, "bm25": bm25}, test, lee.qrels(), "AP").measures == ("AP",)
    by_fold = experiment([tuned.stage()], train, lee.qrels(), "AP").evaluations["by-fold(bm25 >> rm3 >> bm25)"]
    pd.testing.assert_frame_equal(by_fold.per_query, tuned.evaluation.per_query)


def test_values_may_be_an_array_one_value_or_a_range():
    space = space_of({"k1": np.array([0.5, 2.0]), "b": 0.4, "mu": {"low": 1, "high": 9}, "model": "bm25"}, "mine")
    assert space.parameters["k1"].values == (0.5, 2.0)
    assert type(space.parameters["k1"].values[0]) is float
    assert (space.parameters["b"].values, space.parameters["model"].values) == ((0.4,), ("bm25",))
    assert (space.parameters["mu"].low, space.parameters["mu"].high) == (1, 9)


@pytest.mark.parametrize(
    ("pipeline", "grid", "message"),
    [
        ("bm25", {"k1": []}, r"tune: k1 has no values to try, got list \[\]; write \{'k1': \[...\]\}"),
        ("bm25", {"k1": None}, r"tune: k1 has no values to try, got NoneType None; write \{'k1': \[...\]\}"),
        ("bm25", {}, r"tune: needs settings and their values, got dict \{\}; write \{'k1': \[0.9, 1.2\]\}"),
        ("bm25", {"k1": {"low": 3}}, "tune: k1: low must be less than high, got 3.0 and None"),
        ("bm25", {"k2": [1]}, "recipe 'bm25': there is no setting 'k2'; choose from b, k1"),
        (3, {"k1": [1]}, r"tune: needs a pipeline or a recipe, got int 3; write tune\(pipeline"),
        ("bm25-rm3", {"n": [1]}, r"'n' may be 0\.n or 2\.n; say which"),
    ],
)
def test_mistakes_are_one_line(lee, pipeline, grid, message):
    with pytest.raises(ConfigError, match=message) as error:
        tune(pipeline, grid, lee)
    assert "\n" not in str(error.value)


def test_a_recipe_without_its_resources_says_what_to_give(lee):
    with pytest.raises(ConfigError, match="tune: the recipe bm25 needs index"):
        tune("bm25", GRID, lee.queries(), lee.qrels())
    with pytest.raises(NotFoundError, match="bm52"):
        tune("bm52", GRID, lee)
