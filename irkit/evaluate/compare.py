"""Compare runs: means with intervals, differences from a baseline with tests, per-query tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.beyond import column
from irkit.evaluate.board import Cell
from irkit.evaluate.corrections import CORRECTION_TITLES, Correction, check_correction, corrected
from irkit.evaluate.evaluation import Evaluation, Evaluator
from irkit.evaluate.measures import Measures
from irkit.evaluate.significance import (
    LEAST_RANDOMISATION,
    RESAMPLES,
    TEST_TITLES,
    Contrast,
    Test,
    bootstrap_intervals,
    contrasts,
)
from irkit.evaluate.tables import LEVEL, measured
from irkit.frames import Qrels, Queries, Results
from irkit.hits import Hits
from irkit.table import Column, Table, number, p_value, words
from irkit.table.published import Published
from irkit.table.text import text

if TYPE_CHECKING:
    from irkit.recommend.table import RatingTable

NAMED = 3
"Systems that a sentence on some of them names; of more it gives the number."


@dataclass(frozen=True)
class Comparison(Published):
    """Several systems, measured on the same queries."""

    evaluations: dict[str, Evaluation]
    "System -> what it scored; all on the same queries."
    baseline: str | None
    "The system the others are compared with."
    test: Test = "t"
    "The test whose p-values are corrected."
    seed: int = 42
    correction: Correction = "holm"
    "How, over the systems, measure by measure."

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures."""
        return next(iter(self.evaluations.values())).measures

    @property
    def paired(self) -> tuple[str, ...]:
        """Names of those that queries have values of."""
        return tuple(map(str, next(iter(self.evaluations.values())).per_query.columns))

    @cached_property
    def qids(self) -> list[str]:
        """The evaluated queries."""
        return [str(qid) for qid in next(iter(self.evaluations.values())).per_query.index.tolist()]

    @cached_property
    def cells(self) -> dict[str, dict[str, Cell]]:
        """System -> measure -> statistics; intervals are 95 % bootstraps of the mean."""
        found = self.evaluations.items()
        values = {m: {name: one.per_query[m].to_numpy()[None] for name, one in found} for m in self.paired}
        means = {m: {name: one.means[m] for name, one in found} for m in self.measures}
        columns = cells_of_units(values, means, self.baseline, self.test, seed=self.seed, correction=self.correction)
        return {name: {measure: column[name] for measure, column in columns.items()} for name in self.evaluations}

    def per_query(self, measure: str) -> pd.DataFrame:
        """Return one measure, query by query: index `qid`, a column per system."""
        if measure not in self.measures:
            raise ConfigError(f"compare: {measure!r} was not measured; {near_misses(measure, self.measures)}")
        if measure not in self.paired:
            raise ConfigError(f"compare: {measure} is of all lists together, and no query has a value of it")
        return pd.DataFrame({name: found.per_query[measure] for name, found in self.evaluations.items()})

    def frame(self) -> pd.DataFrame:
        """Return one row per system and measure with all its statistics."""
        rows = [
            {"system": name, "measure": measure, **cell.statistics()}
            for name, row in self.cells.items()
            for measure, cell in row.items()
        ]
        return pd.DataFrame(rows)

    def tables(self) -> list[Table]:
        """Describe the means of all systems and measures, marked where they differ from the baseline's."""
        columns, rows = measured(self.cells, map(column, self.measures))
        said = {found.said() for found in self.evaluations.values()}
        told = list(filter(None, said)) if len(said) == 1 else self._told(floor=False)
        told += filter(None, [said_floor(self.cells) if self.test == "randomisation" else ""])
        whole = ", ".join(name for name in self.measures if name not in self.paired)
        correction = CORRECTION_TITLES[self.correction]
        test = f"{TEST_TITLES[self.test]}, {correction}-corrected p < {LEVEL}"
        return [
            Table(
                tuple(columns),
                tuple(map(tuple, rows)),
                facts=(counted(len(self.qids)),),
                ranked=len(rows) > 1,
                baseline=None if self.baseline is None else list(self.cells).index(self.baseline),
                against="" if self.baseline is None else f"the baseline {self.baseline} ({test})",
                interval="95 % bootstrap",
                legend=(f"of all queries together, so without interval and test: {whole}",) if whole else (),
                notes=tuple(told),
            )
        ]

    def __str__(self) -> str:
        blocks = [text(self._details(measure)) for measure in self.measures]
        return "\n\n".join([*blocks, "\n".join([counted(len(self.qids)), *self._told()])])

    def _told(self, *, floor: bool = True) -> list[str]:
        told = [f"{name}: {found.said()}" for name, found in self.evaluations.items() if found.said()]
        return [*told, *filter(None, [said_floor(self.cells) if floor else ""])]

    def _details(self, measure: str) -> Table:
        """Describe all statistics of one measure."""
        names = [f"p {self.test}", CORRECTION_TITLES[self.correction], "p Wilcoxon", "p random", "w/t/l", "RI"]
        rows = tuple(tuple(map(words, self._row(name, measure))) for name in self.evaluations)
        return Table(
            (Column(measure, number=False), *map(Column, ["mean", "delta", *names])),
            rows,
            baseline=None if self.baseline is None else list(self.evaluations).index(self.baseline),
        )

    def _row(self, name: str, measure: str) -> list[str]:
        cell = self.cells[name][measure]
        if name == self.baseline or self.baseline is None:
            return [name, number(cell.mean), *[""] * 7]
        return [
            name,
            number(cell.mean),
            f"{cell.delta:+.4f}",
            *map(p_value, (cell.p, cell.p_corrected, cell.p_wilcoxon, cell.p_randomisation)),
            "" if cell.wins is None else f"{cell.wins}/{cell.ties}/{cell.losses}",
            "" if cell.robustness is None else f"{cell.robustness:+.2f}",
        ]


def cells_of_units(
    values: Mapping[str, Mapping[str, Floats]],
    means: Mapping[str, Mapping[str, float]],
    baseline: str | None,
    test: Test,
    *,
    lower: Collection[str] = (),
    seed: int = 42,
    correction: Correction = "holm",
) -> dict[str, dict[str, Cell]]:
    """Compare systems by the values of units, such as queries; all measures at once, which share what is drawn.

    Parameters
    ----------
    values : mapping of measure to mapping of system to (r, n) float64
        A row for each time the system was fitted. Two systems are compared on the first units, which both have.
    means : mapping of measure to mapping of system to float
        Its value on the measure: the mean of its values, or their sum where the measure counts. A measure without
        values is of all units together, and has no interval and no test.
    baseline, test, seed, correction
        As in `compare`.
    lower : collection of str
        Measures of which small values are good: whoever is lower wins.

    Returns
    -------
    dict of measure to dict of system to Cell
    """
    units = {(m, name): rows.mean(axis=0) for m, column in values.items() for name, rows in column.items()}
    # A measure that counts is summed over units, and so are its intervals and differences.
    summed = {m for (m, name), own in units.items() if not np.isclose(means[m][name], own.mean(), equal_nan=True)}
    scale = {(m, name): len(own) if m in summed else 1 for (m, name), own in units.items()}
    ends = bootstrap_intervals([values[m][name] for m, name in units], seed=seed)
    tested = [(m, name) for m, name in units if baseline not in (None, name)]
    pairs = []
    for m, name in tested:
        own, other, sign = units[m, name], units[m, str(baseline)], -1 if m in lower else 1
        n = min(len(own), len(other))
        pairs.append((sign * own[:n], sign * other[:n]))
    against: dict[str, dict[str, Contrast]] = {m: {} for m in values}
    for (m, name), found in zip(tested, contrasts(pairs, test, seed=seed), strict=True):
        sign = -1 if m in lower else 1
        delta = sign * (found.delta or 0.0) * scale[m, name]
        if delta and len(units[m, name]) == len(units[m, str(baseline)]):
            delta = means[m][name] - means[m][str(baseline)]  # tests round differences a little, so that ties are ties
        against[m][name] = found._replace(delta=delta)
    intervals: dict[str, dict[str, tuple[float, float]]] = {m: {} for m in values}
    for (m, name), (low, high) in zip(units, ends, strict=True):
        intervals[m][name] = low * scale[m, name], high * scale[m, name]
    return {
        m: cells_of(of, intervals[m], baseline, against[m], correction) if m in values else _whole_cells(of, baseline)
        for m, of in means.items()
    }


def cells_of(
    means: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    baseline: str | None,
    against: Mapping[str, Contrast],
    correction: Correction = "holm",
) -> dict[str, Cell]:
    """Make the cells of one measure, by system; p-values are corrected over the systems.

    `against` compares each system but the baseline with it; without a baseline nothing is compared.
    """
    same = None if baseline is None else 0.0
    untested = Contrast(same, None, None, None, 0, 0, 0, same)
    p = np.array([one.p for one in against.values()])
    p_corrected = dict(zip(against, corrected(p, correction).tolist(), strict=True))
    return {
        name: Cell(
            mean=mean,
            low=intervals[name][0],
            high=intervals[name][1],
            p_corrected=p_corrected.get(name),
            **against.get(name, untested)._asdict(),
        )
        for name, mean in means.items()
    }


def _whole_cells(means: Mapping[str, float], baseline: str | None) -> dict[str, Cell]:
    """Make the cells of a measure of all units together: means and their differences."""
    nothing = dict.fromkeys(
        ("low", "high", "p", "p_corrected", "p_wilcoxon", "p_randomisation", "wins", "ties", "losses", "robustness")
    )
    base = None if baseline is None else means[baseline]
    return {
        name: Cell(mean=mean, delta=None if base is None else mean - base, **nothing) for name, mean in means.items()
    }


def compare(
    runs: Mapping[str, Hits | Results | str | Path] | Sequence[Hits | Results | str | Path],
    qrels: Qrels | str | Path,
    measures: Measures,
    *,
    baseline: str | None = None,
    queries: Queries | Sequence[str] | None = None,
    exclude_self: bool | None = None,
    train: RatingTable | None = None,
    test: Test = "t",
    correction: Correction = "holm",
    seed: int = 42,
) -> Comparison:
    """Measure runs on the same queries and compare them with a baseline.

    Parameters
    ----------
    runs : mapping of name to Hits, results frame or run file; or a sequence of such
        In a sequence files are named by their stem, results `run`, `run 2`, ... A run without a query that has qrels
        scores 0 there.
    qrels : qrels frame or file
    measures, queries, exclude_self, train
        As in `evaluate`.
    baseline : str, optional
        Default the first run.
    test : {"t", "wilcoxon", "randomisation"}
        The test whose p-values are corrected; all three are computed.
    correction : {"holm", "bonferroni", "benjamini-hochberg"}
        How they are corrected for the number of runs, measure by measure (`irkit.evaluate.corrections`).
    seed : int
        Of bootstrap and randomisation.

    Raises
    ------
    ConfigError
        If there are no runs, two share a name, or there is no such baseline, test or correction.
    """
    named = runs if isinstance(runs, Mapping) else _named(runs)
    if not named:
        raise ConfigError("compare: needs one run or more, got none")
    baseline = next(iter(named)) if baseline is None else baseline
    check_baseline(baseline, named, who="compare")
    check_test(test, who="compare")
    check_correction(correction, who="compare")
    evaluator = Evaluator(_read(qrels, "read_qrels"), measures, queries, exclude_self, train)
    evaluations = {name: evaluator(_read(run, "read_run")) for name, run in named.items()}
    return Comparison(evaluations, baseline, test, seed, correction)


def counted(queries: int) -> str:
    """Say how many queries there are."""
    return f"{queries:,} {'query' if queries == 1 else 'queries'}"


FEW = 50
"Queries up to which a p of 0 of Student's t means that all differences are the same."


def said_floor(cells: Mapping[str, Mapping[str, Cell]]) -> str:
    """Say where tests give a p that is a limit: the least one by random flips, or 0 of Student's t; else empty.

    Parameters
    ----------
    cells : mapping of system to mapping of measure to Cell
    """
    least = _where(cells, lambda cell: at_floor(cell.p_randomisation))
    # Of many queries a p may be too small for a number, so that 0 says nothing of how alike their differences are.
    alike = _where(cells, lambda cell: cell.p == 0 and sum(filter(None, (cell.wins, cell.ties, cell.losses))) <= FEW)
    said = []
    if least:
        draws, floor = f"{RESAMPLES:,}", f"1/{RESAMPLES + 1:,}"
        said.append(f"a randomisation test of {draws} draws gives no p below {floor}, which is that of {least}")
    if alike:
        said.append(f"all differences are alike, so that the t test has p 0 however few they are: {alike}")
    return "; ".join(said)


def _where(cells: Mapping[str, Mapping[str, Cell]], holds: Callable[[Cell], bool]) -> str:
    """Name the systems and measures whose cells are so, or count them where they are many."""
    found = {name: [m for m, cell in row.items() if holds(cell)] for name, row in cells.items()}
    named = [f"{name} on {', '.join(own)}" for name, own in found.items() if own]
    return "; ".join(named) if len(named) <= NAMED else f"{sum(map(len, found.values()))} differences"


def at_floor(p: float | None) -> bool:
    """Say whether a p-value is the least that a randomisation test by random flips can give."""
    return p is not None and p <= LEAST_RANDOMISATION


def check_baseline(baseline: str | None, names: Mapping[str, Any], *, who: str) -> None:
    """Raise `ConfigError` unless the baseline, if there is one, is among the systems."""
    if baseline is not None and baseline not in names:
        raise ConfigError(f"{who}: the baseline {baseline!r} is not among the systems; {near_misses(baseline, names)}")


def check_test(test: str, *, who: str) -> None:
    """Raise `ConfigError` unless there is such a test."""
    if test not in TEST_TITLES:
        raise ConfigError(f"{who}: there is no test {test!r}; choose from {', '.join(TEST_TITLES)}")


def _named(runs: Any) -> dict[str, Hits | Results | str | Path]:
    """Name files by their stem, and results `run`, `run 2`, ... as `experiment` does."""
    named: dict[str, Hits | Results | str | Path] = {}
    for run in [runs] if isinstance(runs, (str, Path, Hits, pd.DataFrame)) else runs:
        if isinstance(run, (Hits, pd.DataFrame)):
            name = next(name for name in ("run", *(f"run {n}" for n in range(2, 3 + len(named)))) if name not in named)
        elif isinstance(run, (str, Path)):
            name = Path(run).stem
        else:
            what = f"runs are files or results, or a dict of name to such, got {type(run).__name__}"
            raise ConfigError(f"compare: {what}; write {{'mine': results}}")
        if name in named:
            raise ConfigError(f"compare: two runs are called {name!r}, {named[name]} and {run}; name them in a dict")
        named[name] = run
    return named


def _read(given: Any, reader: str) -> Any:
    """Return a frame, or what a function of `irkit.io` reads from a file."""
    if not isinstance(given, (str, Path)):
        return given
    import irkit.io

    return getattr(irkit.io, reader)(given)
