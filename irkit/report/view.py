"""A result as its readers see it: cleaned, ranked, with marks and best values worked out once.

Every report is drawn from these objects, so that text, Markdown and HTML cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from irkit.evaluate.compare import LEVEL
from irkit.evaluate.schema import check_result
from irkit.report.numbers import digits_for, fixed, lower_is_better, plain


@dataclass(frozen=True)
class Measure:
    """A column of a board."""

    name: str
    lower: bool
    "Small values are good."
    digits: int
    "Decimals that its values are printed with."

    def show(self, value: float | None, *, sign: bool = False) -> str:
        """Print one of its values, or a dash."""
        return fixed(value, self.digits, sign=sign)


@dataclass(frozen=True)
class Cell:
    """What one system scored by one measure; differences are from the baseline, None where there is none."""

    mean: float
    low: float
    high: float
    delta: float | None
    p: float | None
    p_corrected: float | None
    p_wilcoxon: float | None
    p_randomisation: float | None
    wins: int
    ties: int
    losses: int
    robustness: float | None
    mark: str
    "`better` or `worse` than the baseline where the corrected p is below the level, else empty."
    best: bool
    "No system of the board has a better mean, as printed."


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
    ms_per_query: float | None
    peak_memory_mb: float | None
    per_query: dict[str, dict[str, float]] = field(repr=False)
    "Measure -> qid -> value."


@dataclass(frozen=True)
class Board:
    """Systems on one collection, best first by the first measure."""

    collection: str
    about: str
    data_hash: str
    documents: int | None
    queries: int
    split: str
    measures: tuple[Measure, ...]
    baseline: str
    "Empty where nothing is compared."
    test: str
    correction: str
    interval: str
    notes: tuple[str, ...]
    systems: tuple[System, ...]

    @property
    def facts(self) -> list[str]:
        """What was searched, in a few words each."""
        counts = [(self.documents, "document", "documents"), (self.queries, "query", "queries")]
        facts = [f"{number:,} {one if number == 1 else many}" for number, one, many in counts if number is not None]
        return facts + ([f"split {self.split}"] if self.split else [])

    @property
    def testing(self) -> str:
        """Say how differences are tested, as the tail of a legend: `paired t, Holm-corrected p < 0.05`."""
        return f"{self.test}, {self.correction}-corrected p < {LEVEL}"

    @property
    def has_costs(self) -> bool:
        """Whether the time of any system is known."""
        return any(system.ms_per_query is not None for system in self.systems)

    @property
    def has_memory(self) -> bool:
        """Whether the memory of any system is known."""
        return any(system.peak_memory_mb is not None for system in self.systems)


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


def view(result: Mapping[str, Any]) -> Report:
    """Work out what is shown of a result.

    Raises
    ------
    DataError
        If it has not the shape of a result file (`irkit.evaluate.schema`).
    """
    check_result(dict(result), who="report")
    machine = result["machine"]
    parts = [machine["cpu"], f"{machine['cores']} cores", machine["platform"], f"Python {machine['python']}"]
    return Report(
        **{key: plain(result[key]) for key in ("suite", "about", "date", "irkit", "code", "seed", "command")},
        machine=", ".join(plain(part) for part in parts if part),
        boards=tuple(_board(board) for board in result["boards"]),
    )


def _board(board: Mapping[str, Any]) -> Board:
    names = list(dict.fromkeys(board["measures"]))
    measures = []
    for name in names:
        means = [system["measures"][name]["mean"] for system in board["systems"]]
        measures.append(Measure(plain(name), lower_is_better(name), digits_for(means)))
    best = [_best(name, measure, board["systems"]) for name, measure in zip(names, measures, strict=True)]
    columns = list(zip(names, measures, best, strict=True))
    systems = [_system(system, board["baseline"], columns) for system in board["systems"]]
    if measures:
        first, sign = measures[0].name, 1 if measures[0].lower else -1
        systems.sort(key=lambda system: sign * system.cells[first].mean)  # stable
    return Board(
        **{key: plain(board[key]) for key in ("collection", "about", "data_hash", "split")},
        documents=board["documents"],
        queries=board["queries"],
        measures=tuple(measures),
        baseline=plain(board["baseline"]) if any(system.baseline for system in systems) else "",
        **{key: plain(board[key]) for key in ("test", "correction", "interval")},
        notes=_notes(board["notes"]),
        systems=tuple(systems),
    )


def _system(system: Mapping[str, Any], baseline: str | None, columns: list[tuple[str, Measure, str]]) -> System:
    """Draw up a row; `columns` holds a measure's name in the file, the measure and its best value as printed."""
    return System(
        **{key: plain(system[key]) for key in ("name", "about", "recipe", "recipe_hash")},
        **{key: plain(system[key], lines=True) for key in ("recipe_yaml", "command")},
        notes=_notes(system["notes"]),
        baseline=system["name"] == baseline,
        cells={measure.name: _cell(system["measures"][name], measure, best) for name, measure, best in columns},
        ms_per_query=system["ms_per_query"],
        peak_memory_mb=system["peak_memory_mb"],
        per_query={
            measure.name: {plain(qid): value for qid, value in system["per_query"][name].items()}
            for name, measure, _ in columns
        },
    )


def _cell(cell: Mapping[str, Any], measure: Measure, best: str) -> Cell:
    mark = ""
    if cell["p_corrected"] is not None and cell["p_corrected"] < LEVEL and cell["delta"]:
        mark = "better" if (cell["delta"] > 0) != measure.lower else "worse"
    return Cell(**cell, mark=mark, best=measure.show(cell["mean"]) == best)


def _best(name: str, measure: Measure, systems: list[Mapping[str, Any]]) -> str:
    """Return the best mean as it is printed; nothing where all print alike."""
    means = [system["measures"][name]["mean"] for system in systems]
    if len({measure.show(mean) for mean in means}) < 2:
        return ""
    return measure.show(min(means) if measure.lower else max(means))


def _notes(notes: list[str]) -> tuple[str, ...]:
    return tuple(note for note in map(plain, notes) if note)
