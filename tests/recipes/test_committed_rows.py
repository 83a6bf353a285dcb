"""Recipes in committed results hash to what stands beside them; the commands of trainings make these recipes."""

from __future__ import annotations

import json
import shlex

import pytest

from irkit import locate
from irkit.recipe import Recipe, TrainingRecipe, parse_settings
from irkit.recipe.training import load_any
from irkit.yamlfile import parse_yaml

ROWS = {
    f"{path.stem}: {board['collection']}: {row['name']}": row
    for path in sorted((locate.shipped("eval") / "results").glob("*.json"))
    for board in json.loads(path.read_bytes())["boards"]
    for row in board["systems"]
    if row["recipe"]
}
TRAININGS = {name: row for name, row in ROWS.items() if row["command"].startswith("irkit train ")}


def option(words: list[str], name: str) -> list[str]:
    return [words[place + 1] for place, word in enumerate(words) if word == name]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_recipe_has_the_hash_that_stands_beside_it(row):
    values = parse_yaml(row["recipe_yaml"]).value
    kind = TrainingRecipe if "model" in values else Recipe
    assert kind(**values).hash == row["recipe_hash"]


@pytest.mark.parametrize("row", TRAININGS.values(), ids=TRAININGS)
def test_a_command_on_a_training_makes_what_the_row_is_of(row):
    words = shlex.split(row["command"])
    recipe = load_any(words[2]).with_settings(parse_settings(option(words, "--set")))
    for data in option(words, "--data"):
        recipe = recipe.on(data)
    assert recipe.hash == row["recipe_hash"]
