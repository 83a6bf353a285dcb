"""Tests of irkit.recipe.base: what recipes of every kind share, and that no hash sees where and how they run."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError
from irkit.recipe import Recipe, TrainingRecipe, list_recipes, setting_names
from irkit.recipe.training import load_any
from irkit.yamlfile import parse_yaml

PLACES = {"device": "cpu", "progress": True, "scorer": "taat", "threads": 3}
"Another value of each setting that says only where and how something runs."

SHIPPED = [load_any(row.path) for row in list_recipes() if row.shipped]
every = pytest.mark.parametrize("recipe", SHIPPED, ids=lambda recipe: recipe.name)


def places(recipe: Recipe | TrainingRecipe) -> dict[str, object]:
    """Every such setting that a recipe has, by its full name."""
    if isinstance(recipe, TrainingRecipe):
        names = [f"trainer.{name}" for name in type(recipe.rule()).model_fields]
    else:
        names = setting_names(recipe.stages)
    found = {name: name.rpartition(".")[2] for name in names}
    return {name: PLACES[last] for name, last in found.items() if last in PLACES}


@every
def test_no_hash_sees_where_and_how_a_recipe_runs(recipe):
    for name, value in places(recipe).items():
        moved = recipe.with_settings({name: value})
        assert moved != recipe
        assert moved.hash == recipe.hash, name
        if isinstance(recipe, TrainingRecipe):
            assert moved.run_hash == recipe.run_hash, name
    if isinstance(recipe, Recipe):
        for n in (2, 3):
            assert recipe.changed(stages=[{"use": "parallel", "n": n, "of": [recipe.stages]}]).hash == recipe.hash


def test_every_kind_of_shipped_recipe_has_such_settings():
    found = {recipe.name: places(recipe) for recipe in SHIPPED}
    assert set(found["bm25"]) == {"0.scorer", "0.threads"}
    assert set(found["nade-digits"]) == {"trainer.device", "trainer.progress", "trainer.threads"}
    assert "0.threads" in found["rrn"]
    assert len(found["rrf-bm25-ql"]) == 4


def test_the_order_of_equal_scores_is_what_it_does():
    bm25 = next(recipe for recipe in SHIPPED if recipe.name == "bm25")
    assert bm25.with_settings({"ties": "anserini"}).hash != bm25.hash


@every
def test_what_is_written_is_read_back(recipe):
    values = parse_yaml(recipe.yaml()).value
    again = type(recipe)(**values)
    assert again == recipe
    assert again.yaml() == recipe.yaml()
    assert hash(again) == hash(recipe)
    assert list(values)[:2] == ["name", "about"]


def test_recipes_of_two_kinds_are_never_equal():
    one, other = Recipe(name="x", stages=[{"use": "reset"}]), TrainingRecipe(name="x", model="nade", data="digits")
    assert one != other
    assert one != "x"


def test_a_changed_recipe_is_checked_and_is_of_no_file():
    recipe = SHIPPED[0]
    assert recipe.path is not None
    assert recipe.changed(name="other").path is None
    with pytest.raises(ConfigError, match="recipe 'a b': name is not valid, got 'a b'; a name is letters, digits"):
        recipe.changed(name="a b")
    with pytest.raises(ConfigError, match="recipe 'x': unknown field 'file'; choose from about, name, needs, source"):
        Recipe(name="x", stages=[{"use": "reset"}], file="y")


def test_a_recipe_keeps_its_own_copy_of_its_values():
    config = {"hidden_size": 4}
    recipe = TrainingRecipe(name="x", model="nade", data="digits", config=config)
    config["hidden_size"] = 0
    assert recipe.config == {"hidden_size": 4}
    with pytest.raises(Exception, match="frozen"):
        recipe.name = "y"
