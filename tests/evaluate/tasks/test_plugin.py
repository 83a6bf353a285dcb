"""A task of a new kind comes in by an entry point, in a file of at most 60 lines, and has a board like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.errors import ConfigError
from irkit.evaluate import read_results, run_suite, write_results
from irkit.evaluate.suite import SystemChoice, parse_suite
from irkit.report import html, markdown, table
from irkit.testing import check_task
from irkit.yamlfile import parse_yaml
from tests.plugins import installed

PLUGIN = Path(__file__).parents[1] / "plugin"
TEXT = """\
name: coins
coins: [few, {name: many, throws: 500}]
baseline: share
systems:
  - {name: share, recipe: guess, settings: {pseudo: 0.0}}
  - {name: smooth, recipe: guess, settings: {pseudo: 1.0}}
  - {name: stubborn, recipe: guess, settings: {pseudo: 1000.0}}
throws: 5
"""


@pytest.fixture
def plugin():
    """An installed package with the entry point."""
    with installed(PLUGIN):
        yield


def test_a_task_of_a_new_kind_has_a_board_and_reports(plugin, tmp_path):
    assert len((PLUGIN / "coins.py").read_text().splitlines()) <= 60
    result = run_suite(parse_suite(parse_yaml(TEXT, "coins.yaml")))
    few, many = result.boards
    assert (few.kind, few.data, few.timed, few.title, many.title) == ("coins", "few", "coin", "few", "many")
    error = {board.data: {row.name: row.cells["error"].mean for row in board.rows} for board in result.boards}
    assert error["few"]["smooth"] < error["few"]["share"] < error["few"]["stubborn"]
    assert error["many"]["share"] < error["few"]["share"]
    worse = few.rows[2].cells["error"]
    assert (worse.delta > 0, worse.p_corrected < 0.05) == (True, True)
    assert "lower is better: error" in table(result)
    assert "40 coins" in markdown(result)
    assert "ms/coin" in html(result)
    assert read_results(write_results(result, tmp_path / "coins.json")).boards[0].rows[0].cells == few.rows[0].cells


def test_it_keeps_to_the_contract_of_tasks(plugin):
    from coins import CoinChoice

    board = check_task(CoinChoice(name="few"), [SystemChoice(name="shares", recipe="shares")])
    assert [str(size) for size in board.sizes] == ["40 coins"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"field": "pennies"}, "the field 'pennies' is a name of the entry-point group"),
        ({"recipe": classmethod(lambda cls, choice: Uneven())}, "shares has the same numbers the second time"),
    ],
)
def test_what_a_task_does_not_keep_to_is_said(plugin, monkeypatch, wrong, told):
    from coins import CoinChoice

    for name, value in wrong.items():
        monkeypatch.setattr(CoinChoice, name, value)
    with pytest.raises(AssertionError, match=told):
        check_task(CoinChoice(name="few"), [SystemChoice(name="shares", recipe="shares")])


class Uneven:
    """A recipe that is another each time."""

    about, stages, made = "", (), 0
    yaml = staticmethod(lambda: "")

    def __init__(self):
        Uneven.made += 1
        self.pseudo, self.hash = float(Uneven.made), str(Uneven.made)


def test_without_the_plugin_the_field_is_unknown():
    with pytest.raises(ConfigError, match=r"coins\.yaml:\d: suite: unknown field 'coins'; choose from|did you mean"):
        parse_suite(parse_yaml(TEXT, "coins.yaml"))
