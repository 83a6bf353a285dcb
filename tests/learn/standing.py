"""Toy models as a plug-in has them: named by entry points, killed in a suite's run folder, gone on with, on a board."""

from __future__ import annotations

from pathlib import Path

from irkit.evaluate import run_suite
from irkit.evaluate.board import Board
from irkit.learn import Model
from irkit.recipe import load_training
from irkit.recipe.runfolder import train_run
from irkit.report import html, table
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives, fit_and_die
from tests.plugins import installed

PROJECT = """[project]
name = "toys"
version = "1.0"
entry-points."irkit.models".{model} = "{module}:{kind}"
entry-points."irkit.sets".{data} = "{module}:{data}"
"""
SUITE = """name: toys
data: [{data}]
measures: [{measure}]
baseline: short
systems: [{{name: short, recipe: toy.yaml, settings: {{trainer.epochs: 1}}}}, {{name: long, recipe: toy.yaml}}]
"""


def check_that_it_stands(kind: type[Model], data: str, measure: str, trainer: str, folder: Path) -> tuple[Model, Board]:
    """Train, kill, resume and measure a model on a data set made by code; return it and its board."""
    (folder / "site").mkdir()
    words = {"model": kind.name, "module": kind.__module__, "kind": kind.__name__, "data": data, "measure": measure}
    (folder / "site" / "pyproject.toml").write_text(PROJECT.format(**words))
    (folder / "toy.yaml").write_text(f"model: {kind.name}\ndata: {data}\ntrainer: {trainer}\n")
    (folder / "suite.yaml").write_text(SUITE.format(**words).replace("toy.yaml", str(folder / "toy.yaml")))
    with installed(folder / "site"):
        recipe = load_training(folder / "toy.yaml")
        examples, model, rule = recipe.load_data(), recipe.build(), recipe.rule()
        check_model(model, examples, folder / "checked")
        fitted = check_that_it_survives(model, examples, rule, folder / "run", step=9)
        fit_and_die(model, examples, rule, folder / "runs" / recipe.name, step=9)
        (board,) = run_suite(folder / "suite.yaml", runs=folder / "runs").boards
        (whole,) = (result := run_suite(folder / "suite.yaml")).boards
        written = train_run(recipe, folder / "alone").result
    short, long = board.rows
    assert long.cells == whole.rows[1].cells, "what was killed and went on has the numbers of what was not"
    assert abs(written["measures"][measure]["value"] - long.cells[measure].mean) < 1e-5
    assert (long.cells[measure].mean < short.cells[measure].mean) == board.measures[0].lower, "it learns"
    assert measure in table(result)
    assert '"curves":[["' in html(result), "its learning curve is drawn"
    return fitted, board
