"""Leaderboards for a terminal: plain aligned text, the same on a screen, in a pipe and without colour."""

from __future__ import annotations

import textwrap
from typing import Any

from irkit.learn.estimate import LEGEND, in_ascii
from irkit.report.numbers import DASH, count, megabytes, milliseconds, seconds
from irkit.report.view import Board, Measure, view
from irkit.table import GAP, cells_wide, text_table

WIDTH = 100
"Columns of the terminal that a table fits into."
_NAME = 24  # a system's name is not cut shorter than this
_HASH = 8  # digits of the data's hash; the other reports have all of them
_BASELINE = " (baseline)"
_SIGNS = {"better": "+", "worse": "-", "": " "}


def table(result: Any, *, width: int = WIDTH) -> str:
    """Lay out every board of a result as text.

    Parameters
    ----------
    result : dict
        A result, schema 1.
    width : int
        Columns that may be used. Long names are cut to fit; measures that still do not fit go into
        further blocks below.

    Returns
    -------
    str
        Without a final line break. Means only; intervals are in the Markdown and HTML reports.

    Raises
    ------
    DataError
        If it has not the shape of a result file.
    """
    return "\n\n".join(board_table(board, width=width) for board in view(result).boards)


def board_table(board: Board, *, width: int = WIDTH) -> str:
    """Lay out one board as text."""
    facts = [*board.facts, *([f"data {board.data_hash[:_HASH]}"] if board.data_hash else [])]
    head = f"{board.data} ({', '.join(facts)})" if facts else board.data
    if not board.systems:
        return "\n".join([cut(head, width), "no systems"])
    columns = [_measure_column(board, measure) for measure in board.measures]
    if board.has_parameters:
        columns.append(["parameters", *(_ascii(count(system.parameters)) for system in board.systems)])
    if board.has_costs:
        header = f"ms/{board.timed}"
        columns.append([header, *(_ascii(milliseconds(system.milliseconds)) for system in board.systems)])
    if board.has_fits:
        columns.append(["s/fit", *(_ascii(seconds(system.fit_seconds)) for system in board.systems)])
    if board.has_memory:
        columns.append(["MB", *(_ascii(megabytes(system.peak_memory_mb)) for system in board.systems)])
    rows = (list(zip(*block, strict=True)) for block in _blocks(board, columns, width))
    blocks = [text_table(header, others, ruled=True) for header, *others in rows]
    tail = [_wrapped(line, width) for line in (*_legend(board), *_notes(board))]
    return "\n".join([cut(head, width), "", "\n\n".join(blocks), "", *tail])


def cut(text: str, width: int) -> str:
    """Cut a text to some columns, with three points at the end if anything is left out.

    Examples
    --------
    >>> cut("ql-dirichlet", 8), cut("bm25", 8)
    ('ql-di...', 'bm25')
    """
    if cells_wide(text) <= width:
        return text
    kept = ""
    for character in text:
        if cells_wide(kept + character) > width - 3:
            break
        kept += character
    return kept.rstrip() + "..."


def _measure_column(board: Board, measure: Measure) -> list[str]:
    cells = [system.cells[measure.name] for system in board.systems]
    shown = [("*" if cell.best else "") + _ascii(cell.shown) + _SIGNS[cell.mark] for cell in cells]
    return [measure.name + " ", *shown]


def _ascii(shown: str) -> str:
    return in_ascii(shown).replace(DASH, "-")


def _blocks(board: Board, columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """Share the columns out over blocks no wider than `width`, each with the names as its first column."""
    longest = max(map(cells_wide, _names(board, width)))
    widths = [max(map(cells_wide, column)) + len(GAP) for column in columns]
    room = max(width - sum(widths), min(longest, _NAME))
    names = _names(board, room)
    groups: list[list[list[str]]] = [[names]]
    used = room
    for column, wide in zip(columns, widths, strict=True):
        if used + wide > width and len(groups[-1]) > 1:
            groups.append([names])
            used = room
        groups[-1].append(column)
        used += wide
    return groups


def _names(board: Board, room: int) -> list[str]:
    """Return the first column, cut to `room`; names that would look alike keep their ends instead."""
    rooms = [room - (len(_BASELINE) if system.baseline else 0) for system in board.systems]
    short = [cut(system.name, wide) for system, wide in zip(board.systems, rooms, strict=True)]
    shown = [
        name if name == system.name or short.count(name) == 1 else "..." + _tail(system.name, wide - 3)
        for name, system, wide in zip(short, board.systems, rooms, strict=True)
    ]
    return ["system", *(n + (_BASELINE if s.baseline else "") for n, s in zip(shown, board.systems, strict=True))]


def _tail(text: str, width: int) -> str:
    while cells_wide(text) > width:
        text = text[1:]
    return text


def _legend(board: Board) -> list[str]:
    lines = ["* best of its column"]
    if any(measure.lower for measure in board.measures):
        lower = ", ".join(measure.name for measure in board.measures if measure.lower)
        lines.append(f"lower is better: {lower}")
    if board.wholes:
        lines.append(board.wholes)
    if board.signs:
        lines.append(in_ascii(LEGEND))
    if board.baseline:
        lines.append(f"+ better, - worse than the baseline {board.baseline} ({board.testing})")
    return lines


def _notes(board: Board) -> list[str]:
    own = [f"{system.name}: {note}" for system in board.systems for note in system.notes]
    return [*filter(None, [board.marks_floor]), *board.failed, *board.notes, *own]


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False)
