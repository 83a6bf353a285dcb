"""Every shipped recipe of a recommender loads, is fitted, recommends and survives the way to Python and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from irkit import locate
from irkit.recipe import load_recipe, setting_names, to_recipe
from irkit.recommend.simulate import planted_regime_change
from irkit.registry import RECOMMENDERS

PATHS = sorted((locate.shipped("pipelines") / "recommend").glob("*.yaml"))
GAME = {"dns_epochs": 2, "rounds": 1, "discriminator_passes": 2, "generator_passes": 2}
FEWER = {"epochs": 2, "mf_epochs": 2, "burn_in": 1, "draws": 2, **GAME}
"Enough to see that a model runs."
SLOW = {"cfnade", "ease-rrn", "i-autorec", "irgan", "rrn", "u-autorec"}
"They import torch."


@pytest.fixture(scope="module")
def train():
    """Ratings on a scale of half points, as models that take each distinct rating for a level need."""
    planted = planted_regime_change(30, 20, per_user=12).ratings
    return replace(planted, rating=np.round(2 * planted.rating) / 2)


def quick(name):
    recipe = load_recipe(name)
    paths = {path: path.rpartition(".")[2] for path in setting_names(recipe.stages)}
    return recipe.with_settings({path: FEWER[field] for path, field in paths.items() if field in FEWER})


def uses(stages):
    return {stage["use"] for stage in stages}.union(
        *(uses(part) for stage in stages for part in stage.get("of", [])),
    )


def test_there_is_a_recipe_for_every_recommender():
    assert set(RECOMMENDERS) <= set().union(*(uses(load_recipe(path).stages) for path in PATHS))
    assert all(load_recipe(f"recommend/{path.stem}").needs == ("train",) for path in PATHS)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in SLOW else [], id=path.stem) for path in PATHS],
)
def test_a_recipe_is_fitted_recommends_and_comes_back(path, train):
    recipe = quick(path)
    pipeline = recipe.build().fit(train)
    users = ["u3", "u11", "unheard"]
    results = pipeline(users)
    assert set(results["qid"]) == set(users)
    assert np.isfinite(results["score"]).all()
    rated = train.frame()
    seen = set(zip(rated["user_id"], rated["item_id"], strict=True))
    assert seen.isdisjoint(zip(results["qid"], results["docno"], strict=True))
    again = to_recipe(pipeline, recipe.name, recipe.about, recipe.source)
    assert again.hash == recipe.hash
    assert again.build().fit(train) == pipeline


def test_the_union_of_two_recommenders_is_their_weighted_sum(train):
    both = load_recipe("ease-popularity").build().fit(train)(["u3"]).set_index("docno")["score"]
    parts = []
    for name in ("ease", "popularity"):
        score = load_recipe(name).build().fit(train)(["u3"]).set_index("docno")["score"]
        parts.append((score - score.min()) / (score.max() - score.min()))
    expected = parts[0] + 0.2 * parts[1]
    np.testing.assert_allclose(both.sort_index(), expected.sort_index(), atol=1e-12)


def test_a_reranked_list_has_the_best_items_of_the_first_stage(train):
    recipe = quick("ease-rrn").with_settings({"0.n": 5})
    first = load_recipe("ease").with_settings({"n": 5}).build().fit(train)(["u3"])
    second = recipe.build().fit(train)(["u3"])
    assert sorted(second["docno"]) == sorted(first["docno"])
    assert not np.allclose(second.sort_values("docno")["score"], first.sort_values("docno")["score"])
