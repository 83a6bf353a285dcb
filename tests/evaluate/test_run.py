"""Tests of irkit.evaluate.run: suites made of suites."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError, IrkitError
from irkit.evaluate import load_suite, run_suite

RATINGS = """\
name: small-ratings
ratings:
  - {name: planted-factors, split: {kind: random, fraction: 0.3, seed: 1}}
  - {name: planted-item-step, split: {kind: time, fraction: 0.1}}
measures: RMSE
baseline: bias
systems: [bias, {name: heavy, recipe: bias, settings: {damping: 50.0}}]
seed: 5
"""
LISTS = """\
name: small-lists
ratings: [{name: planted-factors, split: {kind: random, fraction: 0.3, seed: 1}}]
measures: nDCG@10
liked: 4.5
systems: [popularity, ease]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A home with two suites and one of both."""
    suites = tmp_path / "eval" / "suites"
    suites.mkdir(parents=True)
    for text in (RATINGS, LISTS, "name: both\nparts: [small-ratings, small-lists]\nseed: 9\n"):
        (suites / f"{text.split()[1]}.yaml").write_text(text)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path))
    return suites


def test_parts_are_run_as_one_with_one_seed(folder):
    told: list[str] = []
    result = run_suite("both", progress=told.append)
    assert [(board.kind, board.data) for board in result.boards] == [
        ("ratings", "planted-factors"),
        ("ratings", "planted-item-step"),
        ("top-n", "planted-factors"),
    ]
    assert (result.suite, result.seed, result.command) == ("both", 9, "irkit leaderboard both")
    assert told[0] == "planted-factors:random, fraction 0.3, seed 1: bias"
    alone = run_suite(load_suite("small-ratings").changed(seed=9)).boards[0]
    whole = result.boards[0]
    assert [row.cells for row in whole.rows] == [row.cells for row in alone.rows]
    with_own_seed = run_suite("small-ratings").boards[0]
    cells = [board.rows[0].cells["RMSE"] for board in (alone, with_own_seed)]
    assert cells[0].mean == cells[1].mean
    assert cells[0].low != cells[1].low


def test_a_choice_leaves_out_the_parts_without_it(folder, monkeypatch):
    result = run_suite("both", only=["planted-item-step"])
    assert [board.data for board in result.boards] == ["planted-item-step"]
    assert result.command == "irkit leaderboard both --only planted-item-step"
    with pytest.raises(ConfigError, match="suite both: there is no collection 'planted' in it; did you mean planted-"):
        run_suite("both", only=["planted"])


def test_names_of_a_suite_of_suites_are_those_of_its_parts(folder):
    both = load_suite("both")
    assert both.boards == ["planted-factors", "planted-item-step", "planted-factors"]
    assert both.rows == ["bias", "heavy", "popularity", "ease"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nparts: []\n", r"x\.yaml:2: parts: name one suite or more, got none"),
        ("name: x\nparts: [small-lists, small-lists]\n", r"x\.yaml:2: parts: 'small-lists' occurs twice; name it once"),
        (
            "name: x\nparts: [small-lists]\nbaseline: ease\n",
            r"x\.yaml:3: baseline: a suite of parts has name, about, parts and seed",
        ),
        ("name: x\nparts: [both]\n", r"parts: 'both' has parts itself; name these"),
        ("name: x\nparts: [small-list]\n", r"suites: there is no 'small-list'; did you mean small-lists"),
    ],
)
def test_parts_that_make_no_sense_are_explained(folder, text, message):
    (folder / "x.yaml").write_text(text)
    with pytest.raises(IrkitError, match=message) as caught:
        run_suite(folder / "x.yaml")
    assert "\n" not in str(caught.value)
