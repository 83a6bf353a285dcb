"""Boards of lists by measures beyond accuracy, and every report of them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.evaluate import read_results, run_suite, write_results
from irkit.report.html import html
from irkit.report.markdown import markdown
from irkit.report.text import table
from tests.evaluate.tasks.test_ratings import LISTS, rows_of, suite, toy  # noqa: F401

WHOLE = "Gini@3 Coverage@3 Novelty@3 Diversity@3 HitRate@3"


@pytest.mark.usefixtures("toy")
def test_a_board_has_measures_of_all_lists_together(tmp_path):
    result = run_suite(suite(LISTS.replace("nDCG@3 P@2", WHOLE)))
    result = read_results(write_results(result, tmp_path / "kept.json"))
    (board,) = result.boards
    assert [(m.name, m.lower, m.whole) for m in board.measures] == [
        ("Gini@3", True, True),
        ("Coverage@3", False, True),
        ("Novelty@3", False, False),
        ("Diversity@3", False, False),
        ("Success@3", False, False),
    ]
    popular, mf = (rows_of(board)[name] for name in ("popularity", "mf"))
    for name in ("Gini@3", "Coverage@3"):
        cell = mf.cells[name]
        assert cell.delta == pytest.approx(cell.mean - popular.cells[name].mean)
        assert [getattr(cell, key) for key in ("low", "high", "p", "p_corrected", "wins", "robustness")] == [None] * 6
        assert mf.values[name] == {}
    assert len(mf.values["Novelty@3"]) == board.unit.number
    assert mf.cells["Novelty@3"].p is not None
    plain = json.loads((tmp_path / "kept.json").read_text())["boards"][0]
    assert plain["measures"][0] == {"name": "Gini@3", "lower": True, "whole": True}
    assert plain["rows"][1]["cells"]["Gini@3"]["low"] is None

    said = "of all users together, so without interval and test: Gini@3, Coverage@3"
    assert said in table(result)
    assert "lower is better: Gini@3" in table(result)
    assert "HitRate@3 is called Success@3" in board.notes
    lines = [line for line in markdown(result).splitlines() if line.startswith("| mf")]
    assert lines[0].count("(") == 3  # intervals of the three others
    assert said in markdown(result)
    page = html(result)
    assert said[1:] in page
    assert "None" not in page.partition("<main>")[2].partition("</main>")[0]


@pytest.mark.usefixtures("toy")
def test_measures_of_all_lists_together_are_means_over_folds():
    text = LISTS.replace("nDCG@3 P@2", "Gini@3 P@2").replace("seeds: [1, 2]", "seeds: [1]")
    kinds = [f"{{kind: random, fraction: 0.3, seed: {seed}}}" for seed in (1, 2)]
    text = text.replace("{kind: random, fraction: 0.3, seed: 1}", f"[{', '.join(kinds)}]")
    row = rows_of(run_suite(suite(text)).boards[0])["popularity"]
    assert row.cells["Gini@3"].deviation is not None
    (said,) = [note for note in row.notes if note.startswith("by fold")]
    each = [float(value) for value in re.search(r"Gini@3 ([\d.]+), ([\d.]+)", said).groups()]
    assert row.cells["Gini@3"].mean == pytest.approx(np.mean(each), abs=1e-4)


def test_other_suites_refuse_them():
    with pytest.raises(ConfigError, match=r"measures: Gini@3 is of lists of recommendations, a suite of ratings"):
        suite("name: tiny\ncollections: [lee]\nmeasures: AP Gini@3\nsystems: [bm25]\n")
