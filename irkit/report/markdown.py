"""Leaderboards as Markdown that GitHub, mkdocs and pandoc show alike; nothing in a name can break out of its cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from irkit.report.publish import described
from irkit.report.view import Board, Report, view
from irkit.table.markdown import escape, grid, legend, notes


def markdown(result: Any) -> str:
    """Write a result as a Markdown document.

    Raises
    ------
    DataError
        If it has not the shape of a result file.
    """
    return "\n\n".join(_document(view(result), level=1)) + "\n"


def leaderboard(results: Sequence[Any], *, command: str) -> str:
    """Write several results as one Markdown document, by name of suite.

    Parameters
    ----------
    results : sequence of Result
        The content of `eval/results/*.json`.
    command : str
        What writes the document anew; it stands at the top.

    Raises
    ------
    DataError
        If one of them has not the shape of a result file.
    """
    blocks = [
        "# Leaderboards",
        f"Generated from `eval/results/*.json` by {code(command)}; do not edit by hand. "
        "Each section names the command that measures its numbers again.",
    ]
    for report in sorted(map(view, results), key=lambda report: report.suite):
        blocks += _document(report, level=2)
    return "\n\n".join(blocks) + "\n"


def code(text: str) -> str:
    """Write text as inline code, whatever back-ticks it holds."""
    fence = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def code_block(text: str, language: str) -> str:
    """Write text as a fenced block, whatever back-ticks it holds."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _document(report: Report, *, level: int) -> list[str]:
    """Return the blocks of one result."""
    provenance = [f"irkit {escape(report.irkit)} (code {code(report.code)})", escape(report.machine)]
    blocks = [
        f"{'#' * level} {escape(report.suite)}",
        escape(report.about),
        f"Measured: {escape(report.date)}; {'; '.join(provenance)}; seed {report.seed}.",
    ]
    if report.command:
        blocks.append(code_block(report.command, "sh"))
    for board in report.boards:
        blocks += _board(board, level=level + 1)
    return [block for block in blocks if block]


def _board(board: Board, *, level: int) -> list[str]:
    blocks = [f"{'#' * level} {escape(board.title)}"]
    facts = [*map(escape, board.facts), f"data {code(board.data_hash)}" if board.data_hash else ""]
    about = board.about.rstrip(".") + ". " if board.about else ""
    line = escape(about) + ", ".join(fact for fact in facts if fact)
    if line:
        blocks.append(line.rstrip(" .") + ".")
    table = described(board)
    blocks += [grid(table) if board.systems else "No systems.", legend(table), notes(table)]
    commands = [system.command for system in board.systems if system.command]
    if commands:
        blocks.append("One system at a time:")
        blocks.append(code_block("\n".join(commands), "sh"))
    return blocks


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
