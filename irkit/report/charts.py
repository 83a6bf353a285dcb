"""Charts of a board, to be printed: what the page draws by script, and the means with their intervals.

means         a dot for each system, its interval, and the baseline's mean as a line
differences   a bar for each query or user: a system's value minus the baseline's
costs         means against time; filled are those that no other beats beyond the noise
curves        how training went, of all systems on common axes
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from irkit.errors import ConfigError, near_misses
from irkit.evaluate import board as shape
from irkit.learn.drawing import COLOURS, ticks
from irkit.report.shapes import Anchor, Bar, Dot, Drawing, Line, Shape, Text, wide
from irkit.report.view import Board, Measure, System, view, view_board
from irkit.table import counted

Kind: TypeAlias = Literal["means", "differences", "costs", "curves"]

BETTER, WORSE, GRID, PALE = "#0060a0", "#858d95", "#dde2e6", "#5c656d"
WIDTH = 760


def chart(
    what: Any, kind: Kind = "means", *, measure: str | None = None, system: str | None = None, board: int = 0
) -> Drawing:
    """Draw a chart.

    Parameters
    ----------
    what : Experiment, RatingsExperiment, Result, or Board
        A result as `run_suite` and `irkit.evaluate.read_results` give it.
    kind : {"means", "differences", "costs", "curves"}
    measure : str, optional
        Default the first one; not of curves.
    system : str, optional
        Whose differences; default the best one that is not the baseline.
    board : int
        Which board of a result, from 0.

    Returns
    -------
    Drawing
        It shows itself in a notebook; `save("costs.png")` or `save("costs.svg")` writes it.

    Raises
    ------
    ConfigError
        If there is nothing to draw: no times, no baseline, no curves; or a name is not known.
    """
    if kind not in get_args(Kind):
        raise ConfigError(f"chart: there is no chart {kind!r}; {near_misses(str(kind), get_args(Kind))}")
    return _drawn(_board(what, board), kind, measure, system)


def charts(board: Board) -> dict[str, Drawing]:
    """Draw every chart that a board has the numbers of, by the first measure."""
    found = {}
    for kind in get_args(Kind):
        try:
            found[kind] = _drawn(board, kind, None, None)
        except ConfigError:
            continue
    return found


def _drawn(board: Board, kind: str, measure: str | None, system: str | None) -> Drawing:
    if not board.systems or not board.measures:
        raise ConfigError(f"chart: {board.title or 'the board'} has no system with figures; there is nothing to draw")
    if kind == "curves":
        return _curves(board)
    names = [one.name for one in board.measures]
    if measure is not None and measure not in names:
        raise ConfigError(f"chart: there is no measure {measure!r}; {near_misses(measure, names)}")
    one = board.measures[names.index(measure) if measure else 0]
    if kind == "differences":
        return _differences(board, one, system)
    return _costs(board, one) if kind == "costs" else _means(board, one)


def _board(what: Any, number: int) -> Board:
    if isinstance(what, Board):
        return what
    if hasattr(what, "to_board"):
        what = what.to_board()
    elif hasattr(what, "board"):
        what = what.board
    if isinstance(what, shape.Board):
        return view_board(what)
    boards = view(what).boards
    if not 0 <= number < len(boards):
        raise ConfigError(f"chart: there is no board {number}; their places are 0 to {len(boards) - 1}")
    return boards[number]


# ---------------------------------------------------------------------------------------- the charts


def _means(board: Board, measure: Measure) -> Drawing:
    cells = [system.cells[measure.name] for system in board.systems]
    left = 24 + min(300, max(wide(_short(system.name), bold=system.baseline) for system in board.systems))
    top, step = 40, 24
    bottom = top + step * len(cells)
    ends = [end for cell in cells for end in (cell.low, cell.high, cell.mean) if end is not None]
    if measure.possible is not None:
        ends.append(measure.possible)
    marks = ticks(min(ends), max(ends))
    x = _scale(marks[0], marks[-1], left, WIDTH - 90)
    shapes: list[Shape] = [Text(16, 20, _joined(_axis(measure), board.title), bold=True)]
    for mark in marks:
        shapes += [Line(((x(mark), top), (x(mark), bottom)), GRID), Text(x(mark), bottom + 16, f"{mark:g}", "middle")]
    base = next((system for system in board.systems if system.baseline), None)
    if base is not None:
        level = x(base.cells[measure.name].mean)
        shapes.append(Line(((level, top), (level, bottom)), BETTER, 1, True))
    if measure.possible is not None:
        shapes.append(Line(((x(measure.possible), top), (x(measure.possible), bottom)), WORSE, 1, True))
    for row, (system, cell) in enumerate(zip(board.systems, cells, strict=True)):
        y = top + step * (row + 0.5)
        shapes.append(Text(left - 10, y + 4, _short(system.name), "end", system.baseline))
        if cell.low is not None and cell.high is not None:
            shapes.append(Line(((x(cell.low), y), (x(cell.high), y)), width=1.5))
        shapes.append(Dot(x(cell.mean), y, BETTER if system.baseline else "#1d2126", square=system.baseline))
        sign = {"better": "+", "worse": "-"}.get(cell.mark, "")
        shapes.append(Text(WIDTH - 24, y + 4, cell.shown, "end", cell.best))
        shapes.append(Text(WIDTH - 20, y + 4, sign, bold=cell.best))
    notes = [f"lines: {board.interval} intervals"] if board.interval else []
    if base is not None:
        notes.append(f"+ better, - worse than {base.name} ({board.testing})")
    if measure.possible is not None:
        notes.append(f"grey line: best possible {measure.show(measure.possible)}")
    return _finished(_joined(measure.name, board.title), bottom + 28, shapes, notes)


def _differences(board: Board, measure: Measure, name: str | None) -> Drawing:
    base = next((system for system in board.systems if system.baseline), None)
    if base is None or measure.name not in base.values:
        raise ConfigError(
            f"chart: {board.title or 'the board'} has no baseline with values of {measure.name}; name one for it"
        )
    others = [one for one in board.systems if one is not base and measure.name in one.values]
    named = next((one for one in others if one.name == name), None) if name else next(iter(others), None)
    if named is None:
        known = [one.name for one in others]
        raise ConfigError(
            f"chart: there is no system {name or 'beside the baseline'!r}; {near_misses(name or '', known)}"
        )
    own, other = named.values[measure.name], base.values[measure.name]
    by = np.array([own[unit] - other[unit] for unit in own if unit in other])
    by = np.sort(by) if measure.lower else -np.sort(-by)
    left, right, top, bottom = 64, WIDTH - 12, 40, 290
    marks = ticks(min(0.0, *by.tolist(), 0.0), max(0.0, *by.tolist(), 0.0))
    y = _scale(marks[0], marks[-1], bottom, top)
    title = f"{board.each}{measure.name} of {named.name} minus {base.name}"
    shapes: list[Shape] = [Text(16, 20, _joined(title, board.title), bold=True), *_levels(marks, y, left, right)]
    slot = (right - left) / max(1, len(by))
    gap = min(4.0, 0.2 * slot) if slot > 3 else 0.0
    for place, value in enumerate(by.tolist()):
        if value:
            at, ends = left + place * slot + gap / 2, sorted((y(0), y(value)))
            good = (value > 0) != measure.lower
            shapes.append(Bar(at, ends[0], at + slot - gap, ends[1], BETTER if good else WORSE))
    shapes.append(Line(((left, y(0)), (right, y(0)))))
    good, bad = (
        int(((by < 0) if measure.lower else (by > 0)).sum()),
        int(((by > 0) if measure.lower else (by < 0)).sum()),
    )
    many = board.unit[1]
    notes = [
        f"{len(by):,} {many}, those most helped first: {good:,} better, {len(by) - good - bad:,} equal, {bad:,} worse"
    ]
    return _finished(f"{title}, {many}", bottom + 8, shapes, notes)


def _costs(board: Board, measure: Measure) -> Drawing:
    placed = sorted((s for s in board.systems if s.milliseconds), key=lambda s: s.milliseconds or 0.0)
    if len(placed) < 2:
        raise ConfigError(
            f"chart: {board.title or 'the board'} has no two systems whose times are known; there is nothing to draw"
        )
    cells = {system.name: system.cells[measure.name] for system in placed}
    left, right, top, bottom = 64, WIDTH - 16, 40, 380
    ends = [end for cell in cells.values() for end in (cell.low, cell.high, cell.mean) if end is not None]
    marks = ticks(min(ends), max(ends))
    y = _scale(marks[0], marks[-1], bottom, top)
    times = [time for s in placed for time in (s.milliseconds, *(s.milliseconds_range or ())) if time]
    low, high = math.log10(min(times)), math.log10(max(times))
    pad = max(0.02, 0.04 * (high - low))
    scale = _scale(low - pad, high + pad, left, right)

    def x(time: float) -> float:
        return scale(math.log10(time))

    shapes: list[Shape] = [Text(16, 20, _joined(_axis(measure), board.title), bold=True)]
    shapes += _levels(marks, y, left, right)
    for time in _decades(min(times), max(times)):
        shapes += [
            Line(((x(time), bottom), (x(time), bottom + 5)), PALE),
            Text(x(time), bottom + 19, f"{time:g}", "middle"),
        ]
    shapes.append(Line(((left, bottom), (right, bottom)), PALE))
    ranged = any(system.milliseconds_range for system in placed)
    warm = ranged or board.timed != "query"  # else a single run holds the warm-up of what was run first
    leads = [not warm or not any(_beats(other, one, measure) for other in placed if other is not one) for one in placed]
    points = {s.name: (x(s.milliseconds or 1.0), y(cells[s.name].mean)) for s in placed}
    if warm:
        leading = [(points[s.name], cells[s.name].mean) for s, led in zip(placed, leads, strict=True) if led]
        shapes.append(Line(_front(leading, lower=measure.lower), PALE, 1, True))
    for system in placed:
        cell, (at, level) = cells[system.name], points[system.name]
        if cell.low is not None and cell.high is not None:
            shapes.append(Line(((at, y(cell.low)), (at, y(cell.high))), WORSE))
        if system.milliseconds_range and all(system.milliseconds_range):
            shapes.append(Line(tuple((x(time), level) for time in system.milliseconds_range), WORSE))
    for system, led in zip(placed, leads, strict=True):
        colour = BETTER if system.baseline else "#1d2126"
        shapes.append(Dot(*points[system.name], colour, led, system.baseline, 5))
    named = _labels(placed, points, (left, top, right, bottom))
    shapes += named
    notes = [f"milliseconds per {board.timed}, log scale; square: the baseline"]
    if warm:
        notes.append("filled: no other system is better at no more time, or as good in less, beyond the noise")
    said = (
        "dashed: through those that gain by costing more"
        if warm
        else "times of a single run each: no frontier is drawn"
    )
    said += f"; vertical lines: {board.interval} intervals" if board.interval else ""
    notes.append(said + ("; horizontal: range of times over repeats" if ranged else ""))
    if (without := len(board.systems) - len(placed)) > 0:
        notes.append(f"{counted(without, 'system')} without a measured time left out")
    if (unnamed := len(placed) - len(named)) > 0:
        notes.append(f"no room for {unnamed} of {len(placed)} names")
    return _finished(_joined(f"{measure.name} against time", board.title), bottom + 30, shapes, notes)


def _curves(board: Board) -> Drawing:
    lines = [(system, line) for system in board.systems for line in system.curves]
    if not lines:
        raise ConfigError(f"chart: no system of {board.title} has a learning curve; there is nothing to draw")
    panels = list(dict.fromkeys((line.panel, line.unit) for _, line in lines))
    left, right, high = 64, WIDTH - 190, 200
    shapes: list[Shape] = [Text(16, 20, board.title, bold=True)]
    bottom = 20
    for panel, unit in panels:
        own = [(system, line) for system, line in lines if (line.panel, line.unit) == (panel, unit)]
        top, bottom = bottom + 44, bottom + 44 + max(high, 16 * len(own))
        across = ticks(min(0.0, *(min(line.x) for _, line in own)), max(max(line.x) for _, line in own))
        up = ticks(min(min(line.y) for _, line in own), max(max(line.y) for _, line in own))
        x, y = _scale(across[0], across[-1], left, right), _scale(up[0], up[-1], bottom, top)
        shapes += [Text(left, top - 10, panel, bold=True), *_levels(up, y, left, right)]
        shapes += [Text(x(mark), bottom + 16, f"{mark:g}", "middle") for mark in across]
        shapes.append(Text(right, bottom + 32, unit, "end"))
        for number, (system, line) in enumerate(own):
            colour = COLOURS[number % len(COLOURS)]
            points = tuple((x(a), y(b)) for a, b in zip(line.x, line.y, strict=True))
            shapes += [Line(points, colour, 1.5)] if len(points) > 1 else [Dot(*points[0], colour)]
            name = f"{system.name}, {line.name}" if line.name else system.name
            shapes += [
                Dot(right + 16, top + 16 * number, colour),
                Text(right + 26, top + 4 + 16 * number, _short(name, 24)),
            ]
        bottom += 36
    return _finished(_joined("learning curves", board.title), bottom, shapes, [])


# -------------------------------------------------------------------------------- beyond the noise


def _beats(one: System, other: System, measure: Measure) -> bool:
    """Say whether one is better without being slower, or as good and faster, beyond the noise."""
    better, worse = _clearly(one, other, measure), _clearly(other, one, measure)
    faster, slower = _longer(other, one), _longer(one, other)
    return (better and not slower) or (faster and not worse)


def _longer(one: System, other: System) -> bool:
    """Say whether every time of one is longer; by more than a tenth where a single one is known."""
    if one.milliseconds_range and other.milliseconds_range:
        return one.milliseconds_range[0] > other.milliseconds_range[1]
    return (one.milliseconds or 0.0) > 1.1 * (other.milliseconds or 0.0)


def _clearly(one: System, other: System, measure: Measure) -> bool:
    """Say whether the paired differences' 95 % interval (normal) lies on the good side of 0.

    Where single values are not known, intervals must be apart. The truth behind a lower bound may be anywhere above it.
    """
    sign = -1.0 if measure.lower else 1.0
    mine, yours = one.cells[measure.name], other.cells[measure.name]
    if yours.sign == "≥":
        return False
    own, theirs = one.values.get(measure.name), other.values.get(measure.name)
    if own and theirs:
        by = sign * np.array([own[unit] - theirs[unit] for unit in own if unit in theirs])
        return len(by) > 1 and bool(by.mean() > 1.96 * by.std(ddof=1) / math.sqrt(len(by)))
    if mine.low is None or mine.high is None or yours.low is None or yours.high is None:
        return False
    return mine.high < yours.low if measure.lower else mine.low > yours.high


def _front(points: Sequence[tuple[tuple[float, float], float]], *, lower: bool) -> tuple[tuple[float, float], ...]:
    """Lead a line in steps through points in order of cost, each that is better than all cheaper ones."""
    corners: list[tuple[float, float]] = []
    best: tuple[float, float] | None = None  # mean, and where it is drawn
    for (x, y), mean in points:
        if best is not None and (mean >= best[0] if lower else mean <= best[0]):
            continue
        corners += [(x, best[1])] if best is not None else []
        corners.append((x, y))
        best = mean, y
    return tuple(corners)


# ------------------------------------------------------------------------------------------- parts


def _labels(
    systems: Sequence[System], points: dict[str, tuple[float, float]], box: tuple[float, float, float, float]
) -> list[Shape]:
    """Name points where there is room, the baseline and the best first."""
    left, top, right, bottom = box
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in points.values()]
    shapes: list[Shape] = []
    order = [s for s in systems if s.baseline] + sorted(
        (s for s in systems if not s.baseline), key=lambda s: points[s.name][1]
    )
    for system in order:
        (x, y), name = points[system.name], _short(system.name, 28)
        size = wide(name)
        for dx, dy, anchor in (
            (10, 4, "start"),
            (-10, 4, "end"),
            (0, -10, "middle"),
            (0, 20, "middle"),
            (10, 16, "start"),
            (-10, 16, "end"),
        ):
            start = x + dx - {"start": 0.0, "middle": size / 2, "end": size}[anchor]
            place = (start, y + dy - 11, start + size, y + dy + 3)
            inside = place[0] >= left and place[2] <= right and place[1] >= top - 12 and place[3] <= bottom
            if inside and not any(_overlap(place, other) for other in taken):
                side: Anchor = "start" if anchor == "start" else "end" if anchor == "end" else "middle"
                shapes.append(Text(x + dx, y + dy, name, side, halo=True))
                taken.append(place)
                break
    return shapes


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


def _levels(marks: Sequence[float], y: Callable[[float], float], left: float, right: float) -> list[Shape]:
    shapes: list[Shape] = []
    for mark in marks:
        shapes += [Line(((left, y(mark)), (right, y(mark))), GRID), Text(left - 8, y(mark) + 4, f"{mark:g}", "end")]
    return shapes


def _decades(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10 and so on within a range; its ends where there is none."""
    found = [
        float(f"{digit}e{power}")
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digit in (1, 2, 5)
    ]
    inside = [value for value in found if low <= value <= high]
    return inside or [float(f"{value:.2g}") for value in dict.fromkeys((low, high))]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _joined(what: str, title: str) -> str:
    """Put the title of a board behind what is drawn; an experiment in Python has none."""
    return f"{what}, {title}" if title else what


def _axis(measure: Measure) -> str:
    return measure.name + (" (lower is better)" if measure.lower else "")


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _finished(title: str, height: float, shapes: Sequence[Shape], notes: Sequence[str]) -> Drawing:
    said = [Text(16, height + 16 * (row + 1), note, colour=PALE) for row, note in enumerate(notes)]
    return Drawing(title, WIDTH, math.ceil(height + 16 * len(notes) + 12), (*shapes, *said))
