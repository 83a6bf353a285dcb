"""A result as its readers see it: cleaned, ranked, with marks and best values worked out once.

Every report is drawn from these objects, so that text, Markdown and HTML cannot disagree.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from irkit.evaluate.compare import LEVEL
from irkit.evaluate.schema import check_result
from irkit.report.numbers import digits_for, fixed, lower_is_better, plain


@dataclass(frozen=True)
class Words:
    """What a board of some kind calls things."""

    document: tuple[str, str]
    "What was searched or learned from: one, many."
    query: tuple[str, str]
    "What values are paired over: one, many."
    split: str
    "What stands before the split."
    cost: str
    "What a time is for one of."
    value: str = ""
    "What stands before a measure where single values do not average to its mean."


WORDS = {
    "retrieval": Words(("document", "documents"), ("query", "queries"), "split", "query"),
    "ratings": Words(("item", "items"), ("user", "users"), "split", "pair", "each user's own "),
    "top-n": Words(("item", "items"), ("user", "users"), "split", "user"),
    "density": Words(("training row", "training rows"), ("test row", "test rows"), "binarised by", "row"),
}
"""By kind of board."""

SIGNS = {"lower_bound": "\u2265 ", "estimate": "~ "}
"Stand before a mean that is not exact."


BOUNDS = "\u2265 lower bound, the truth may be higher; ~ estimate; \u00b1 Monte Carlo standard error"
"Legend of the signs."


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
    sign: str
    "Of `SIGNS`, or empty."
    shown: str
    "The mean as it is printed, with its sign and its Monte Carlo error."
    interval: str
    "Its interval as it is printed."
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
    ms_per_query: float | None
    peak_memory_mb: float | None
    fit_seconds: float | None
    parameters: int | None
    per_query: dict[str, dict[str, float]] = field(repr=False)
    "Measure -> qid -> value."
    pictures: dict[str, Picture] = field(repr=False)
    "What it shows -> picture."


@dataclass(frozen=True)
class Board:
    """Systems on one collection, best first by the first measure."""

    words: Words
    title: str
    "The collection, with its split where there are boards of several."
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
    pictured: tuple[System, ...]
    "Those with pictures, in the order of the suite, which puts side by side what is to be compared."

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
    def facts(self) -> list[str]:
        """What was searched, in a few words each."""
        counts = [(self.documents, self.words.document), (self.queries, self.words.query)]
        facts = [f"{number:,} {one if number == 1 else many}" for number, (one, many) in counts if number is not None]
        return facts + ([f"{self.words.split} {self.split}"] if self.split else [])

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


def view(result: Mapping[str, Any]) -> Report:
    """Work out what is shown of a result.

    Raises
    ------
    DataError
        If it has not the shape of a result file (`irkit.evaluate.schema`).
    """
    check_result(dict(result), who="report")
    machine = result["machine"]
    names = [board["collection"] for board in result["boards"]]
    parts = [machine["cpu"], f"{machine['cores']} cores", machine["platform"], f"Python {machine['python']}"]
    return Report(
        **{key: plain(result[key]) for key in ("suite", "about", "date", "irkit", "code", "seed", "command")},
        machine=", ".join(plain(part) for part in parts if part),
        boards=tuple(_board(board, names.count(board["collection"]) > 1) for board in result["boards"]),
    )


def _board(board: Mapping[str, Any], several: bool) -> Board:
    """Draw up a board; `several` says that the collection has more than one."""
    names = list(dict.fromkeys(board["measures"]))
    measures = []
    for name in names:
        means = [system["measures"][name]["mean"] for system in board["systems"]]
        measures.append(Measure(plain(name), lower_is_better(name), digits_for(means)))
    best = [_best(name, measure, board["systems"]) for name, measure in zip(names, measures, strict=True)]
    kinds = [_kind_of_baseline(name, board) for name in names]
    columns = [_Column(*column) for column in zip(names, measures, best, kinds, strict=True)]
    systems = [_system(system, board["baseline"], columns) for system in board["systems"]]
    pictured = tuple(system for system in systems if system.pictures)
    if measures:
        first, sign = measures[0].name, 1 if measures[0].lower else -1
        systems.sort(key=lambda system: sign * system.cells[first].mean)  # stable
    collection, split = plain(board["collection"]), plain(board["split"])
    return Board(
        words=WORDS[board.get("kind", "retrieval")],
        title=f"{collection}, {split}" if several and split else collection,
        collection=collection,
        split=split,
        **{key: plain(board[key]) for key in ("about", "data_hash")},
        documents=board["documents"],
        queries=board["queries"],
        measures=tuple(measures),
        baseline=plain(board["baseline"]) if any(system.baseline for system in systems) else "",
        **{key: plain(board[key]) for key in ("test", "correction", "interval")},
        notes=_notes(board["notes"]),
        systems=tuple(systems),
        pictured=pictured,
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


def _system(system: Mapping[str, Any], baseline: str | None, columns: list[_Column]) -> System:
    return System(
        **{key: plain(system[key]) for key in ("name", "about", "recipe", "recipe_hash")},
        **{key: plain(system[key], lines=True) for key in ("recipe_yaml", "command")},
        notes=_notes(system["notes"]),
        baseline=system["name"] == baseline,
        cells={column.measure.name: _cell(system["measures"][column.name], column) for column in columns},
        ms_per_query=system["ms_per_query"],
        peak_memory_mb=system["peak_memory_mb"],
        fit_seconds=system.get("fit_seconds"),
        parameters=system.get("parameters"),
        per_query={
            column.measure.name: {plain(qid): value for qid, value in system["per_query"][column.name].items()}
            for column in columns
        },
        pictures={plain(figure["name"]): _picture(figure) for figure in system.get("figures", [])},
    )


def _picture(figure: Mapping[str, str]) -> Picture:
    media, content = figure["media"], figure["content"]
    if media == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    return Picture(plain(figure["caption"]), f"data:{media};base64,{content}")


def _cell(cell: Mapping[str, Any], column: _Column) -> Cell:
    measure, kind = column.measure, cell.get("kind")
    mark = ""
    if cell["p_corrected"] is not None and cell["p_corrected"] < LEVEL and cell["delta"]:
        mark = "better" if (cell["delta"] > 0) != measure.lower else "worse"
    # The truth behind a lower bound may be anywhere above it.
    if (mark == "worse" and kind == "lower_bound") or (mark == "better" and column.baseline == "lower_bound"):
        mark = ""
    sign, mean = SIGNS.get(kind or "", ""), measure.show(cell["mean"])
    error = measure.show(cell.get("stderr") or 0.0)
    shown = f"{sign}{mean}" + (f" \u00b1 {error}" if float(error) else "")
    low, high = measure.show(cell["low"]), measure.show(cell["high"])
    interval = f"{low} to {high}" if low.startswith("-") else f"{low}\u2013{high}"
    statistics = {key: value for key, value in cell.items() if key not in ("kind", "stderr", "ess")}
    return Cell(**statistics, sign=sign.strip(), shown=shown, interval=interval, mark=mark, best=mean == column.best)


def _kind_of_baseline(measure: str, board: Mapping[str, Any]) -> str | None:
    cells = [one["measures"][measure] for one in board["systems"] if one["name"] == board["baseline"]]
    return cells[0].get("kind") if cells else None


def _best(name: str, measure: Measure, systems: list[Mapping[str, Any]]) -> str:
    """Return the best mean as it is printed; nothing where all print alike."""
    means = [system["measures"][name]["mean"] for system in systems]
    if len({measure.show(mean) for mean in means}) < 2:
        return ""
    return measure.show(min(means) if measure.lower else max(means))


def _notes(notes: list[str]) -> tuple[str, ...]:
    return tuple(note for note in map(plain, notes) if note)
