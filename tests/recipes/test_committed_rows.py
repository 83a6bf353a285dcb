"""Recipes in committed results hash to what stands beside them; the command on each row makes this recipe."""

from __future__ import annotations

import shlex

import pytest

from irkit.evaluate import load_suite, read_results
from irkit.evaluate.board import kept_results
from irkit.recipe import Recipe, TrainingRecipe
from irkit.yamlfile import parse_yaml

ROWS = {
    f"{name}: {board.title}: {row.name}": (board, row)
    for name in kept_results()
    for board in read_results(name).boards
    for row in board.rows
    if row.recipe
}


@pytest.mark.parametrize("one", ROWS.values(), ids=ROWS)
def test_a_recipe_has_the_hash_that_stands_beside_it(one):
    _, row = one
    values = parse_yaml(row.recipe_yaml).value
    kind = TrainingRecipe if "model" in values else Recipe
    assert kind(**values).hash == row.recipe_hash


@pytest.mark.parametrize("one", ROWS.values(), ids=ROWS)
def test_the_command_on_a_row_makes_what_the_row_is_of(one):
    board, row = one
    program, command, suite, *options = shlex.split(row.command)
    assert (program, command, options) == ("irkit", "leaderboard", ["--only", board.title, "--system", row.name])
    parts = load_suite(suite).suites
    (task,) = {choice.name for part in parts for choice in part.tasks if board.title.partition(":")[0] == choice.name}
    (part,) = [part for part in parts if any(choice.name == task for choice in part.tasks)]
    (system,) = [choice for choice in part.systems if choice.name == row.name]
    recipe = type(part.tasks[0]).recipe(system)
    assert (recipe.changed(data=task) if system.data else recipe).hash == row.recipe_hash
