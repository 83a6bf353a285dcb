"""Leaderboards as Markdown that GitHub, mkdocs and pandoc show alike; nothing in a name can break out of its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from irkit.learn.estimate import LEGEND
from irkit.report.numbers import count, megabytes, milliseconds, seconds
from irkit.report.view import Board, Measure, Report, System, view

MARKS = {"better": " ▲", "worse": " ▼", "": ""}


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


def escape(text: str) -> str:
    """Make text literal in Markdown, inside a table cell too.

    Examples
    --------
    >>> escape("a|b <b>*c*</b> ql_dirichlet")
    'a\\\\|b &lt;b&gt;\\\\*c\\\\*&lt;/b&gt; ql_dirichlet'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~$])", r"\\\1", text)
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)  # inside a word it is literal anyway
    return re.sub(r"^(\s*)([#+=-]|\d+[.)](?=\s))", r"\1\\\2", text)  # headings, lists, rules


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
    blocks.append(_table(board) if board.systems else "No systems.")
    blocks.append(_legend(board))
    own = [f"{system.name}: {note}" for system in board.systems for note in system.notes]
    if notes := [*filter(None, [board.marks_floor]), *board.failed, *board.notes, *own]:
        blocks.append("\n".join(f"- {escape(note)}" for note in notes))
    commands = [system.command for system in board.systems if system.command]
    if commands:
        blocks.append("One system at a time:")
        blocks.append(code_block("\n".join(commands), "sh"))
    return blocks


def _table(board: Board) -> str:
    header = ["System", *(escape(measure.name) + (" ↓" if measure.lower else "") for measure in board.measures)]
    rows = [[_name(system), *(_cell(system, measure) for measure in board.measures)] for system in board.systems]
    if board.has_parameters:
        header.append("Parameters")
        rows = [[*row, count(s.parameters)] for row, s in zip(rows, board.systems, strict=True)]
    if board.has_costs:
        header.append(f"ms/{board.timed}")
        rows = [[*row, milliseconds(s.milliseconds)] for row, s in zip(rows, board.systems, strict=True)]
    if board.has_fits:
        header.append("s/fit")
        rows = [[*row, seconds(s.fit_seconds)] for row, s in zip(rows, board.systems, strict=True)]
    if board.has_memory:
        header.append("Memory (MB)")
        rows = [[*row, megabytes(s.peak_memory_mb)] for row, s in zip(rows, board.systems, strict=True)]
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(_row(row) for row in (header, rule, *rows))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _name(system: System) -> str:
    return escape(system.name) + (" (baseline)" if system.baseline else "")


def _cell(system: System, measure: Measure) -> str:
    cell = system.cells[measure.name]
    mean = cell.shown.replace("~", r"\~")  # two of them would strike through what is between
    shown = f"**{mean}**" if cell.best else mean
    interval = f" ({cell.interval})" if cell.interval else ""
    return f"{shown}{interval}{MARKS[cell.mark]}"


def _legend(board: Board) -> str:
    parts = ["**Bold**: best of its column", f"in brackets: {escape(board.interval)} interval"]
    if any(measure.lower for measure in board.measures):
        parts.append("↓: lower is better")
    if board.wholes:
        parts.append(escape(board.wholes))
    if board.signs:
        parts.append(escape(LEGEND))
    if board.baseline:
        parts.append(f"▲ better, ▼ worse than the baseline {escape(board.baseline)} ({escape(board.testing)})")
    return "; ".join(parts) + "."


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
