"""Leaderboards for a terminal: plain aligned text, the same on a screen, in a pipe and without colour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from irkit.report.publish import described
from irkit.report.view import Board, view
from irkit.table.text import WIDTH, cut, text

_HASH = 8  # digits of the data's hash; the other reports have all of them


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
    found = described(board)
    if board.data_hash:
        found = replace(found, facts=(*found.facts, f"data {board.data_hash[:_HASH]}"))
    if not board.systems:
        return "\n".join([cut(found.head, width), "no systems"])
    return text(found, width=width)
