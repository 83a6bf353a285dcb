"""Compare runs: means with intervals, differences from a baseline with tests, per-query tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from irkit.errors import ConfigError, near_misses
from irkit.evaluate.board import Cell
from irkit.evaluate.evaluation import Evaluation, evaluate
from irkit.evaluate.measures import Measures
from irkit.evaluate.significance import TEST_TITLES, Contrast, Test, bootstrap_interval, contrast, holm
from irkit.frames import Qrels, Queries, Results
from irkit.hits import Hits
from irkit.table import number, text_table

LEVEL = 0.05
"Corrected p below which a difference is marked in print."


@dataclass(frozen=True)
class Comparison:
    """Several systems, measured on the same queries."""

    evaluations: dict[str, Evaluation]
    "System -> what it scored; all on the same queries."
    baseline: str | None
    "The system the others are compared with."
    test: Test = "t"
    "The test whose p-values are corrected."
    seed: int = 42

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures."""
        return next(iter(self.evaluations.values())).measures

    @property
    def qids(self) -> list[str]:
        """The evaluated queries."""
        return [str(qid) for qid in next(iter(self.evaluations.values())).per_query.index]

    @cached_property
    def cells(self) -> dict[str, dict[str, Cell]]:
        """System -> measure -> statistics.

        `mean`, `low` and `high` (95 % bootstrap of the mean); against the baseline `delta`, `p` (of the
        chosen test), `p_corrected` (Holm over the systems, measure by measure), `p_wilcoxon`,
        `p_randomisation`, `wins`, `ties`, `losses`, `robustness`. The baseline's own p-values are None,
        and so are all differences where there is no baseline.
        """
        cells: dict[str, dict[str, Cell]] = {name: {} for name in self.evaluations}
        for measure in self.measures:
            for name, cell in self._column(measure).items():
                cells[name][measure] = cell
        return cells

    def per_query(self, measure: str) -> pd.DataFrame:
        """Return one measure, query by query: index `qid`, a column per system."""
        self._check_measure(measure)
        return pd.DataFrame({name: found.per_query[measure] for name, found in self.evaluations.items()})

    def frame(self) -> pd.DataFrame:
        """Return one row per system and measure with all its statistics."""
        rows = [
            {"system": name, "measure": measure, **cell.statistics()}
            for name, row in self.cells.items()
            for measure, cell in row.items()
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        blocks = []
        for measure in self.measures:
            header = [measure, "mean", "delta", f"p {self.test}", "Holm", "p Wilcoxon", "p random", "w/t/l", "RI"]
            rows = [self._row(name, measure) for name in self.evaluations]
            blocks.append(text_table(header, rows, ruled=True))
        told = [f"{name}: {found.said()}" for name, found in self.evaluations.items() if found.said()]
        return "\n\n".join([*blocks, "\n".join([f"{len(self.qids)} queries; * is the baseline", *told])])

    def _row(self, name: str, measure: str) -> list[str]:
        cell = self.cells[name][measure]
        if name == self.baseline or self.baseline is None:
            return [f"{name} *" if self.baseline else name, number(cell.mean), *[""] * 7]
        return [
            name,
            number(cell.mean),
            f"{cell.delta:+.4f}",
            *map(number, (cell.p, cell.p_corrected, cell.p_wilcoxon, cell.p_randomisation)),
            f"{cell.wins}/{cell.ties}/{cell.losses}",
            f"{cell.robustness:+.2f}",
        ]

    def _column(self, measure: str) -> dict[str, Cell]:
        values = {name: found.per_query[measure].to_numpy() for name, found in self.evaluations.items()}
        means = {name: found.means[measure] for name, found in self.evaluations.items()}
        # A measure that counts is summed over queries, and so are its interval and differences.
        summed = not all(np.isclose(means[name], own.mean()) for name, own in values.items())
        scale = len(self.qids) if summed else 1
        out: dict[str, Cell] = {}
        for name, own in values.items():
            low, high = bootstrap_interval(own, seed=self.seed)
            against = None if self.baseline is None else contrast(own, values[self.baseline], seed=self.seed)
            delta = None if against is None else against.delta * scale
            tested = name != self.baseline
            out[name] = cell(means[name], (low * scale, high * scale), against, self.test, delta=delta, tested=tested)
        correct(out)
        return out

    def _check_measure(self, measure: str) -> None:
        if measure not in self.measures:
            raise ConfigError(f"compare: {measure!r} was not measured; {near_misses(measure, self.measures)}")


def cell(
    mean: float,
    interval: tuple[float, float],
    against: Contrast | None,
    test: Test,
    *,
    delta: float | None,
    tested: bool,
) -> Cell:
    """Return the statistics of one system on one measure, not yet corrected.

    Parameters
    ----------
    against : Contrast or None
        With the baseline, None where there is none.
    delta : float or None
        The difference from the baseline.
    tested : bool
        False for the baseline itself.
    """
    found = against if tested else None
    return Cell(
        mean=mean,
        low=interval[0],
        high=interval[1],
        delta=delta,
        p=None if found is None else found.p(test),
        p_corrected=None,
        p_wilcoxon=None if found is None else found.p_wilcoxon,
        p_randomisation=None if found is None else found.p_randomisation,
        wins=0 if found is None else found.wins,
        ties=0 if found is None else found.ties,
        losses=0 if found is None else found.losses,
        robustness=None if against is None else against.robustness,
    )


def correct(column: Mapping[str, Cell]) -> None:
    """Put Holm's correction of `p` into the cells of one measure, by system."""
    tested = [one for one in column.values() if one.p is not None]
    corrected = holm(np.array([one.p for one in tested]))
    for one, p in zip(tested, corrected.tolist(), strict=True):
        one.p_corrected = p


def compare(
    runs: Mapping[str, Hits | Results | str | Path] | Sequence[str | Path],
    qrels: Qrels | str | Path,
    measures: Measures,
    *,
    baseline: str | None = None,
    queries: Queries | Sequence[str] | None = None,
    exclude_self: bool | None = None,
    test: Test = "t",
    seed: int = 42,
) -> Comparison:
    """Measure runs on the same queries and compare them with a baseline.

    Parameters
    ----------
    runs : mapping of name to Hits, results frame or run file; or a sequence of run files
        Files are named by their stem. A run without a query that has qrels scores 0 there.
    qrels : qrels frame or file
    measures : see `parse_measures`
    baseline : str, optional
        Default the first run.
    queries : queries frame or sequence of qid, optional
        Default every query that has qrels.
    exclude_self : bool, optional
        As in `evaluate`.
    test : {"t", "wilcoxon", "randomisation"}
        The test whose p-values are corrected; all three are computed.

    Raises
    ------
    ConfigError
        If there are no runs, two share a name, or there is no such baseline or test.
    """
    named = runs if isinstance(runs, Mapping) else _by_stem(runs)
    if not named:
        raise ConfigError("compare: needs one run or more, got none")
    baseline = check_baseline(next(iter(named)) if baseline is None else baseline, named, who="compare")
    check_test(test, who="compare")
    judged = _read_qrels(qrels)
    evaluations = {
        name: evaluate(_read_run(run), judged, measures, queries=queries, exclude_self=exclude_self)
        for name, run in named.items()
    }
    return Comparison(evaluations, baseline, test, seed)


def check_baseline(baseline: str | None, names: Mapping[str, Any], *, who: str) -> str | None:
    """Return the baseline if it is one of the systems, or None."""
    if baseline is not None and baseline not in names:
        raise ConfigError(f"{who}: the baseline {baseline!r} is not among the systems; {near_misses(baseline, names)}")
    return baseline


def check_test(test: str, *, who: str) -> None:
    """Raise `ConfigError` unless there is such a test."""
    if test not in TEST_TITLES:
        raise ConfigError(f"{who}: there is no test {test!r}; choose from {', '.join(TEST_TITLES)}")


def _by_stem(paths: Any) -> dict[str, str | Path]:
    named: dict[str, str | Path] = {}
    for path in [paths] if isinstance(paths, (str, Path, Hits, pd.DataFrame)) else paths:
        if not isinstance(path, (str, Path)):
            what = f"runs are files, or a dict of name to results, got {type(path).__name__}; write {{'mine': results}}"
            raise ConfigError(f"compare: {what}")
        name = Path(path).stem
        if name in named:
            raise ConfigError(f"compare: two runs are called {name!r}, {named[name]} and {path}; name them in a dict")
        named[name] = path
    return named


def _read_qrels(qrels: Any) -> Qrels:
    if isinstance(qrels, (str, Path)):
        from irkit.io import read_qrels

        return read_qrels(qrels)
    return qrels


def _read_run(run: Any) -> Hits | Results:
    if isinstance(run, (str, Path)):
        from irkit.io import read_run

        return read_run(run)
    return run
