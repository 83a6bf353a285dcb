"""A board as a table to publish: LaTeX, CSV and Markdown.

All of them are written from one description of the table, as text on a screen is (`irkit.table`).
"""

from __future__ import annotations

from irkit.learn.estimate import LEGEND
from irkit.report.numbers import count, megabytes, milliseconds, seconds
from irkit.report.view import Board, Measure, System
from irkit.table import Cell, Column, Table, words
from irkit.table import latex as _latex
from irkit.table import markdown as _markdown
from irkit.table.delimited import delimited

BESIDE = ("low", "high", "delta", "p")
"What CSV has of a cell beside its mean; p is the corrected one."


def latex(board: Board) -> str:
    """Write a board as a LaTeX table, for booktabs."""
    return _latex.latex([described(board)])


def csv(board: Board) -> str:
    """Write a board as CSV: means with the ends of their intervals, differences and corrected p, nothing rounded."""
    return delimited([described(board)])


def markdown(board: Board) -> str:
    """Write a board as a Markdown table with its legend."""
    return _markdown.markdown([described(board)])


def described(board: Board) -> Table:
    """Describe a board's table: a row a system, its measures and, where they are known, its costs."""
    columns = [Column("system", number=False, title="System")]
    rows = [[words(system.name)] for system in board.systems]
    for measure in board.measures:
        columns.append(Column(measure.name, lower=measure.lower, measure=True, beside=() if measure.whole else BESIDE))
        for row, system in zip(rows, board.systems, strict=True):
            row.append(_cell(system, measure))
    costs = (
        (
            board.has_parameters,
            Column("parameters", title="Parameters"),
            [(count(s.parameters), s.parameters) for s in board.systems],
        ),
        (
            board.has_costs,
            Column(f"ms/{board.timed}"),
            [(milliseconds(s.milliseconds), s.milliseconds) for s in board.systems],
        ),
        (board.has_fits, Column("s/fit"), [(seconds(s.fit_seconds), s.fit_seconds) for s in board.systems]),
        (
            board.has_memory,
            Column("MB", title="Memory (MB)"),
            [(megabytes(s.peak_memory_mb), s.peak_memory_mb) for s in board.systems],
        ),
    )
    for known, column, values in costs:
        if known:
            columns.append(column)
            for row, (text, value) in zip(rows, values, strict=True):
                row.append(Cell(text, value))
    own = [f"{system.name}: {note}" for system in board.systems for note in system.notes]
    return Table(
        columns=tuple(columns),
        rows=tuple(map(tuple, rows)),
        title=board.data,
        label=board.title,
        facts=board.facts,
        ranked=True,
        baseline=next((place for place, system in enumerate(board.systems) if system.baseline), None),
        against=f"the baseline {board.baseline} ({board.testing})" if board.baseline else "",
        interval=board.interval,
        legend=tuple(filter(None, [board.wholes, LEGEND if board.signs else ""])),
        notes=(*filter(None, [board.marks_floor]), *board.failed, *board.notes, *own),
    )


def _cell(system: System, measure: Measure) -> Cell:
    cell = system.cells[measure.name]
    beside = () if measure.whole else (cell.low, cell.high, cell.delta, cell.p_corrected)
    return Cell(cell.shown, cell.mean, cell.best, cell.mark, cell.interval, beside)
