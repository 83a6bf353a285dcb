"""Every shipped recipe of a ranker by features loads, is fitted on a pool, ranks another and comes back."""

from __future__ import annotations

import pytest

from irkit import locate
from irkit.pipeline import Topics
from irkit.rank import FeatureRanker
from irkit.rank.measured import Measured
from irkit.recipe import load_recipe, setting_names, to_recipe
from irkit.registry import STAGES
from tests.rank.pools_toy import pool


def rankers():
    """Names of the stages that learn to rank by features."""
    return {name for name in STAGES.shipped if issubclass(STAGES.load(name), FeatureRanker)}


FOLDER = locate.shipped("pipelines") / "rank"
PATHS = [
    path for path in sorted(FOLDER.glob("*.yaml")) if {one["use"] for one in load_recipe(path).stages} <= rankers()
]
FEWER = {
    "epochs": 5, "trees": 10, "min_child_samples": 5, "threads": 1, "device": "cpu",
    "rounds": 2, "discriminator_passes": 5, "generator_passes": 5, "discriminator_rate": 0.02, "generator_rate": 0.02,
}  # fmt: skip
"Enough to see that a ranker learns."


@pytest.fixture(scope="module")
def train():
    return pool(30)


def test_there_is_a_recipe_of_its_own_for_every_ranker():
    assert {load_recipe(path).stages[0]["use"] for path in PATHS} == rankers()
    assert all(load_recipe(f"rank/{path.stem}").needs == ("train",) for path in PATHS)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_recipe_is_fitted_ranks_and_comes_back(path, train):
    recipe = load_recipe(path)
    paths = {path: path.rpartition(".")[2] for path in setting_names(recipe.stages)}
    quick = recipe.with_settings({path: FEWER[field] for path, field in paths.items() if field in FEWER})
    fitted, test = quick.build().fit(train), pool(10, seed=1, name="t")
    out = fitted.run(test.flow)
    score = Measured(Topics(out, test.qrels), "nDCG@10").mean(out.score)
    assert score > Measured(test, "nDCG@10").mean(test.flow.score) + 0.1
    again = to_recipe(fitted, quick.name, quick.about, quick.source)
    assert again.hash == quick.hash
    assert again.build().fit(train) == fitted
