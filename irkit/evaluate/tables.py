"""What the tables of measured systems hold: means with marks, for print and publication."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats
from irkit.evaluate.board import Cell, Measure
from irkit.table import Cell as Shown
from irkit.table import Column, Table, words
from irkit.table.numbers import DASH, digits_for, fixed

if TYPE_CHECKING:
    from irkit.evaluate.evaluation import Evaluation
    from irkit.evaluate.ratings import RatingScore

LEVEL = 0.05
"Corrected p below which a difference is marked in print."

BESIDE = ("low", "high", "delta", "p")
"What CSV has of a cell beside its mean; p is the corrected one."


def mark_of(cell: Cell, *, lower: bool, baseline_kind: str | None = None) -> str:
    """Say whether a system is `better` or `worse` than the baseline, significantly; else empty.

    The truth behind a lower bound may be anywhere above it: a bound is not worse, and nothing better than one.
    """
    if cell.p_corrected is None or cell.p_corrected >= LEVEL or not cell.delta:
        return ""
    mark = "better" if (cell.delta > 0) != lower else "worse"
    if (mark == "worse" and cell.kind == "lower_bound") or (mark == "better" and baseline_kind == "lower_bound"):
        return ""
    return mark


def best_of(means: Sequence[float], digits: int, *, lower: bool) -> str:
    """Print the best mean; empty where all print alike, and none is best."""
    alike = len({fixed(mean, digits) for mean in means}) < 2
    return "" if alike else fixed(min(means) if lower else max(means), digits)


def interval_of(cell: Cell, digits: int) -> str:
    """Print an interval; empty where there is none."""
    if cell.low is None:
        return ""
    low, high = fixed(cell.low, digits), fixed(cell.high, digits)
    return f"{low} to {high}" if low.startswith("-") else f"{low}\u2013{high}"


def measured(
    cells: Mapping[str, Mapping[str, Cell]], measures: Iterable[Measure]
) -> tuple[list[Column], list[list[Shown]]]:
    """Describe the columns of systems (rows) and measures: system -> measure -> cell."""
    columns, rows = [Column("system", number=False, title="System")], [[words(name)] for name in cells]
    for measure in measures:
        own = [row[measure.name] for row in cells.values()]
        means = [cell.mean for cell in own]
        digits = digits_for(means)
        best = best_of(means, digits, lower=measure.lower)
        columns.append(Column(measure.name, lower=measure.lower, measure=True, beside=() if measure.whole else BESIDE))
        for row, cell in zip(rows, own, strict=True):
            shown, mark = fixed(cell.mean, digits), mark_of(cell, lower=measure.lower)
            beside = () if measure.whole else (cell.low, cell.high, cell.delta, cell.p_corrected)
            row.append(Shown(shown, cell.mean, shown == best, mark, interval_of(cell, digits), beside))
    return columns, rows


def evaluated(found: Sequence[tuple[str, Evaluation]], *, per_query: bool = False) -> Table:
    """Describe what runs scored: a row a run, or a row a query and one, `all`, of the mean."""
    names = found[0][1].measures
    columns = [Column("run", number=False), Column("qid", number=False) if per_query else Column("queries")]
    columns += [Column(name, measure=True) for name in names]
    rows = [(words(run), *row) for run, one in found for row in _evaluated(one, per_query)]
    return Table((*columns,), tuple(rows))


def _evaluated(one: Evaluation, per_query: bool) -> list[list[Shown]]:
    means = [scored(value) for value in one.means.values()]
    if not per_query:
        queries = one.counts["evaluated"]
        return [[Shown(str(queries), queries), *means]]
    values = one.per_query
    columns = [  # of what all lists have together, no query has a value
        [scored(float(value)) for value in values[name]] if name in values else [Shown(DASH)] * len(values)
        for name in one.measures
    ]
    rows = [[words(str(qid)), *row] for qid, *row in zip(values.index, *columns, strict=True)]
    return [*rows, [words("all"), *means]]


def predicted(found: Sequence[tuple[str, RatingScore]], measures: Sequence[str]) -> Table:
    """Describe how far predictions are off: a row a file, with intervals."""
    columns = [Column("predictions", number=False), Column("pairs")]
    for name in measures:
        columns += [Column(name, lower=True, measure=True, beside=("low", "high")), Column("95 %")]
    rows = []
    for path, score in found:
        row = [words(path), Shown(f"{score.pairs:,}", score.pairs)]
        for name in measures:
            value, low, high = score.of(name)
            between = f"{fixed(low)}-{fixed(high)}"
            row += [Shown(fixed(value), value, beside=(low, high)), Shown(between, between)]
        rows.append(tuple(row))
    return Table((*columns,), tuple(rows))


def scored(value: float) -> Shown:
    """Describe a value of a measure that is not compared."""
    return Shown(fixed(value), value)


def tried(
    candidates: Sequence[Mapping[str, Any]],
    measure: str,
    scores: Sequence[float] | Floats,
    chosen: Sequence[Any],
    *,
    label: str,
    title: str,
    notes: Sequence[str],
) -> Table:
    """Describe candidates of settings: their values, what they scored and how often each was chosen."""
    names = list(dict.fromkeys(name for values in candidates for name in values))
    columns = [Column("candidate", number=False), *map(Column, names), Column(measure, measure=True), Column("chosen")]
    rows = []
    for place, (values, score) in enumerate(zip(candidates, np.asarray(scores, dtype=float).tolist(), strict=True), 1):
        own = [Shown("" if (v := values.get(name)) is None else _setting(v), _plain(v)) for name in names]
        times = list(chosen).count(values)
        rows.append((Shown(str(place), place), *own, scored(score), Shown(str(times) if times else "", times)))
    return Table(tuple(columns), tuple(rows), title=title, label=label, notes=tuple(notes))


def _setting(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> float | int | str | None:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)
