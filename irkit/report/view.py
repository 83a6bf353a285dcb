"""A result as its readers see it: cleaned, ranked, with marks and best values worked out once.

Every report is drawn from these objects, so that text, Markdown and HTML cannot disagree.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from irkit.evaluate import board as shape
from irkit.evaluate.compare import said_floor
from irkit.evaluate.looks import Look, Looks, Seen
from irkit.evaluate.significance import TEST_TITLES
from irkit.evaluate.tables import LEVEL, best_of, interval_of, mark_of
from irkit.learn.estimate import SIGNS, printed
from irkit.report.curves import Line, lines
from irkit.report.numbers import digits_for, fixed, plain


@dataclass(frozen=True)
class Measure:
    """A column of a board."""

    name: str
    lower: bool
    "Small values are good."
    digits: int
    "Decimals that its values are printed with."
    whole: bool = False
    "It is of all units together, and has no interval and no test."
    possible: float | None = None
    "The best mean that anybody could reach, where that is known."

    def show(self, value: float | None, *, sign: bool = False) -> str:
        """Print one of its values, or a dash."""
        return fixed(value, self.digits, sign=sign)


@dataclass(frozen=True)
class Cell:
    """What one system scored by one measure; differences are from the baseline, None where there is none."""

    mean: float
    low: float | None
    high: float | None
    delta: float | None
    p: float | None
    p_corrected: float | None
    p_wilcoxon: float | None
    p_randomisation: float | None
    wins: int | None
    ties: int | None
    losses: int | None
    robustness: float | None
    sign: str
    "What stands before the mean where it is not exact, else empty."
    shown: str
    "The mean as it is printed, with its sign and its Monte Carlo error."
    interval: str
    "Its interval as it is printed, empty where there is none."
    mark: str
    "`better` or `worse` than the baseline where the corrected p is below the level, else empty."
    best: bool
    "No system of the board has a better mean, as printed."


@dataclass(frozen=True)
class Picture:
    """A small picture of a system."""

    caption: str
    address: str
    "A data address: the picture itself."


@dataclass(frozen=True)
class System:
    """A row of a board."""

    name: str
    about: str
    recipe: str
    recipe_hash: str
    recipe_yaml: str
    command: str
    notes: tuple[str, ...]
    baseline: bool
    cells: dict[str, Cell]
    "Measure -> cell."
    milliseconds: float | None
    "For one of what the board's times are of."
    milliseconds_range: list[float] | None
    "The least and the greatest over repeats, where there were several."
    peak_memory_mb: float | None
    fit_seconds: float | None
    parameters: int | None
    values: dict[str, dict[str, float]] = field(repr=False)
    "Measure -> unit -> value."
    pictures: dict[str, Picture] = field(repr=False)
    "What it shows -> picture."
    curves: tuple[Line, ...] = field(repr=False)
    "How its training went."


@dataclass(frozen=True)
class Board:
    """Systems on one collection, best first by the first measure."""

    title: str
    "What was measured on, with its conditions where there are boards of several."
    data: str
    about: str
    data_hash: str
    facts: tuple[str, ...]
    "How much there is of what, and the conditions, in a few words each."
    unit: tuple[str, str]
    "What values are paired over: one, many."
    timed: str
    "What a time is for one of."
    each: str
    "What stands before a measure where units' values do not average to its mean."
    measures: tuple[Measure, ...]
    baseline: str
    "Empty where nothing is compared."
    test: str
    correction: str
    floor: str
    "Which p-values are the least that their test can give; empty where none is."
    interval: str
    notes: tuple[str, ...]
    systems: tuple[System, ...]
    pictured: tuple[System, ...]
    "Those with pictures, in the order of the suite, which puts side by side what is to be compared."

    failed: tuple[str, ...]
    "Systems without numbers, each with the reason."
    looks: Looks | None = field(repr=False)
    "What was found for single queries; None where it is not known."

    @property
    def pictures(self) -> list[str]:
        """What pictures show, in the order they are laid out: each system's own, where they agree."""
        names: list[str] = []
        for system in self.pictured:
            at = 0
            for name in system.pictures:
                if name not in names:
                    names.insert(at, name)
                at = names.index(name) + 1
        return names

    @property
    def testing(self) -> str:
        """Say how differences are tested, as the tail of a legend: `paired t, Holm-corrected p < 0.05`."""
        return f"{self.test}, {self.correction}-corrected p < {LEVEL}"

    @property
    def marks_floor(self) -> str:
        """The same where marks are by that test, so that it bears on what is shown beside means."""
        return self.floor if self.test == TEST_TITLES["randomisation"] else ""

    @property
    def wholes(self) -> str:
        """Say which measures have no interval and no test; empty where all have."""
        names = ", ".join(measure.name for measure in self.measures if measure.whole)
        return f"of all {self.unit[1]} together, so without interval and test: {names}" if names else ""

    @property
    def has_costs(self) -> bool:
        """Whether the time of any system is known."""
        return any(system.milliseconds is not None for system in self.systems)

    @property
    def has_memory(self) -> bool:
        """Whether the memory of any system is known."""
        return any(system.peak_memory_mb is not None for system in self.systems)

    @property
    def has_fits(self) -> bool:
        """Whether any system's time of fitting is known."""
        return any(system.fit_seconds is not None for system in self.systems)

    @property
    def has_parameters(self) -> bool:
        """Whether it is known of any system how many numbers it learned."""
        return any(system.parameters is not None for system in self.systems)

    @property
    def signs(self) -> set[str]:
        """The signs that stand before means."""
        return {cell.sign for system in self.systems for cell in system.cells.values()} - {""}


@dataclass(frozen=True)
class Report:
    """A whole result file."""

    suite: str
    about: str
    date: str
    irkit: str
    code: str
    machine: str
    seed: str
    command: str
    boards: tuple[Board, ...]


def view(result: Any) -> Report:
    """Work out what is shown of a result.

    Parameters
    ----------
    result : Result
        Or its plain values, of schema 1 or 2; a report is returned as it is.

    Raises
    ------
    DataError
        If it has not the shape of a result file (`irkit.evaluate.board`).
    """
    if isinstance(result, Report):
        return result
    found = shape.as_result(result, who="report")
    names = [board.data for board in found.boards]
    machine = found.machine
    parts = [machine.cpu, f"{machine.cores} cores", machine.accelerator, machine.platform, f"Python {machine.python}"]
    return Report(
        **{key: plain(getattr(found, key)) for key in ("suite", "about", "date", "irkit", "code", "seed", "command")},
        machine=", ".join(plain(part) for part in parts if part),
        boards=tuple(_board(board, names.count(board.data) > 1) for board in found.boards),
    )


def view_board(board: shape.Board) -> Board:
    """Work out what is shown of one board."""
    return _board(board, several=False)


def _board(board: shape.Board, several: bool) -> Board:
    """Draw up a board; `several` says that there are more of the same data."""
    rows = [row for row in board.rows if not row.failed]
    columns = [_column(measure, board.baseline, rows) for measure in board.measures]
    shown = cache(plain)  # a unit stands in every column of every system
    systems = [_system(row, board.baseline, columns, shown) for row in rows]
    pictured = tuple(system for system in systems if system.pictures)
    if columns:
        first, sign = columns[0].measure.name, 1 if columns[0].measure.lower else -1
        systems.sort(key=lambda system: sign * system.cells[first].mean)  # stable
    data, conditions = plain(board.data), [(plain(name), plain(value)) for name, value in board.conditions.items()]
    tail = ", ".join(value for _, value in conditions)
    return Board(
        title=f"{data}, {tail}" if several and tail else data,
        data=data,
        facts=(*(plain(size) for size in board.sizes), *(f"{name} {value}" for name, value in conditions)),
        unit=(plain(board.unit.one), plain(board.unit.many)),
        each=f"{plain(board.each)} " if board.each else "",
        measures=tuple(column.measure for column in columns),
        baseline=plain(board.baseline) if any(system.baseline for system in systems) else "",
        **{
            key: plain(getattr(board, key)) for key in ("about", "data_hash", "timed", "test", "correction", "interval")
        },
        floor=plain(said_floor({row.name: row.cells for row in rows})),
        notes=_notes(board.notes),
        systems=tuple(systems),
        pictured=pictured,
        failed=tuple(f"{plain(row.name)} has no figures: {plain(row.failed)}" for row in board.rows if row.failed),
        looks=board.looks and _looks(board.looks),
    )


class _Column(NamedTuple):
    """A measure of a board."""

    name: str
    "In the file."
    measure: Measure
    best: str
    "The best mean as it is printed."
    baseline: str | None
    "What kind the baseline's mean is."


def _column(measure: shape.Measure, baseline: str | None, rows: Sequence[shape.Row]) -> _Column:
    means = [row.cells[measure.name].mean for row in rows]
    shown = Measure(plain(measure.name), measure.lower, digits_for(means), measure.whole, measure.possible)
    kinds = [row.cells[measure.name].kind for row in rows if row.name == baseline]
    best = best_of(means, shown.digits, lower=measure.lower)
    return _Column(measure.name, shown, best, kinds[0] if kinds else None)


def _system(row: shape.Row, baseline: str | None, columns: list[_Column], shown: Callable[[str], str]) -> System:
    drawn = _curves(row.figures)
    return System(
        **{key: plain(getattr(row, key)) for key in ("name", "about", "recipe", "recipe_hash")},
        **{key: plain(getattr(row, key), lines=True) for key in ("recipe_yaml", "command")},
        milliseconds=row.milliseconds,
        milliseconds_range=row.milliseconds_range,
        peak_memory_mb=row.peak_memory_mb,
        fit_seconds=row.fit_seconds,
        parameters=row.parameters,
        notes=_notes(row.notes),
        baseline=row.name == baseline,
        cells={column.measure.name: _cell(row.cells[column.name], column) for column in columns},
        values={
            column.measure.name: {shown(unit): value for unit, value in row.values[column.name].items()}
            for column in columns
        },
        pictures={plain(figure.name): _picture(figure) for figure in row.figures if figure.name not in drawn},
        curves=tuple(one for own in drawn.values() for one in own),
    )


def _looks(found: Looks) -> Looks:
    """Make all texts safe to print."""
    return Looks(
        {plain(qid): plain(text) for qid, text in found.texts.items()},
        {
            plain(qid): Look(
                tuple(Seen(plain(one.docno), one.label, plain(one.passage)) for one in look.documents),
                {plain(system): own for system, own in look.found.items()},
                {
                    plain(system): {number: plain(text, lines=True) for number, text in trails.items()}
                    for system, trails in look.why.items()
                },
            )
            for qid, look in found.details.items()
        },
    )


def _curves(figures: Sequence[shape.Figure]) -> dict[str, tuple[Line, ...]]:
    """Return the curves of the drawings that are such, by the drawings' names."""
    found = {one.name: lines(one.content) for one in figures if one.media == "image/svg+xml"}
    return {
        name: tuple(one._replace(panel=plain(one.panel), name=plain(one.name), unit=plain(one.unit)) for one in own)
        for name, own in found.items()
        if own
    }


def _picture(figure: shape.Figure) -> Picture:
    content = figure.content
    if figure.media == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    return Picture(plain(figure.caption), f"data:{figure.media};base64,{content}")


def _cell(cell: shape.Cell, column: _Column) -> Cell:
    measure = column.measure
    mean, error = measure.show(cell.mean), measure.show(cell.stderr or 0.0)
    return Cell(
        **cell.statistics(),
        sign=SIGNS.get(cell.kind or "", ""),
        shown=printed(mean, cell.kind, error if float(error) else ""),
        interval=interval_of(cell, measure.digits),
        mark=mark_of(cell, lower=measure.lower, baseline_kind=column.baseline),
        best=mean == column.best,
    )


def _notes(notes: list[str]) -> tuple[str, ...]:
    return tuple(note for note in map(plain, notes) if note)
