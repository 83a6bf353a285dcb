"""Figures that the guide takes from kept results are those of the results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from irkit.evaluate.board import read_results

ROOT = Path(__file__).parents[2]
GAME = {
    "`irgan-ml-100k`": ["start", "irgan", "constant-reward", "shuffled-reward", "discriminator-only"],
    "`irgan-ml-100k-paper`": ["start", "irgan", "constant-reward", "shuffled-reward", "discriminator-only"],
    "`ltr-mq2008`, pairs": [
        "irgan-pairwise-start",
        "irgan-pairwise",
        *(f"pairwise-{what}" for what in ("constant-reward", "shuffled-reward", "discriminator-only")),
    ],
    "`ltr-mq2008`, points": [
        "pointwise",
        "irgan-pointwise",
        *(f"pointwise-{what}" for what in ("constant-reward", "shuffled-reward", "discriminator-only")),
    ],
    "`qa-wikiqa`": [
        "qacnn-max",
        "qa-irgan",
        *(f"irgan-{what}" for what in ("constant-reward", "shuffled-reward", "discriminator-only")),
    ],
}
GAME["`qa-trecqa`"] = GAME["`qa-wikiqa`"]


@pytest.mark.parametrize("row", GAME)
def test_the_table_of_games_is_that_of_the_boards(row):
    page = (ROOT / "docs" / "guide" / "ranking.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| {re.escape(row)} \|(.*)\|$", page, re.MULTILINE)
    measure, *figures, _ = (cell.strip() for cell in line.split("|"))
    name = row.split("`")[1]
    board = read_results(ROOT / "eval" / "results" / f"{name}.json").boards[0]
    cells = {one.name: one.cells[measure].mean for one in board.rows}
    assert figures == [f"{cells[system]:.4f}" for system in GAME[row]]
