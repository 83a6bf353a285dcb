"""The shape of what a suite gives, a `Result` of `Board`s of `Row`s of `Cell`s, and reading and writing it (schema 2).

Values of single units are rounded to 6 decimals in the file, which keeps it a third as long; means,
intervals and p-values are written in full. A mean made anew from the file's values therefore differs
from the one printed by at most 5e-7. Optional fields are left out where they say nothing. Files of
schema 1 are read too (`irkit.evaluate.schema1`).
"""

from __future__ import annotations

import json
import re
import reprlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from irkit.atomic import write_bytes
from irkit.errors import DataError, IrkitError, NotFoundError, near_misses
from irkit.evaluate.looks import Looks
from irkit.evaluate.schema1 import upgraded
from irkit.io.lines import content
from irkit.locate import find, home, shipped
from irkit.packing import bare
from irkit.streams import is_stream, readable

SCHEMA = 2
"Version of the shape."

DECIMALS = 6
"Decimals of a unit's value in a file."

STATISTICS = (
    "mean", "low", "high", "delta", "p", "p_corrected", "p_wilcoxon", "p_randomisation", "wins", "ties", "losses",
    "robustness",
)  # fmt: skip
"Of a cell, in the order they are shown."

FIGURE_LIMIT = 100_000
"Characters of a picture at most, so that a page of many can be mailed."

_PNG, _SVG = re.compile(r"iVBORw0K[A-Za-z0-9+/]*={0,2}\Z"), re.compile("<svg ")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True, use_attribute_docstrings=True)


class Figure(_Shape):
    """A small picture of a system."""

    name: str = Field(min_length=1)
    "What it shows, such as samples; systems of a board have theirs laid out by these names."
    caption: str
    media: Literal["image/png", "image/svg+xml"]
    content: str = Field(max_length=FIGURE_LIMIT)
    "A PNG file in base64, or the text of an SVG drawing."

    @model_validator(mode="after")
    def _readable(self) -> Figure:
        start = _PNG if self.media == "image/png" else _SVG
        if not start.match(self.content):
            raise ValueError(f"it is no {self.media}")
        return self


class Measure(_Shape):
    """What a column of a board holds."""

    name: str
    lower: bool = False
    "Small values are good."
    unit: str = ""
    "Of its values, such as nats; empty for a plain number."
    whole: bool = False
    "It is of all units together: none has a value of its own, and so there is no interval and no test."
    possible: float | None = None
    "The best mean that anybody could reach, where that is known."


class Cell(_Shape):
    """One system on one measure; differences are from the baseline, None where there is none."""

    mean: float
    low: float | None
    "Of its 95 % interval; None where units have no values."
    high: float | None
    delta: float | None
    p: float | None
    "Of the board's test."
    p_corrected: float | None
    "By the board's correction, over the systems."
    p_wilcoxon: float | None
    p_randomisation: float | None
    wins: int | None
    "None where units have no values."
    ties: int | None
    losses: int | None
    robustness: float | None
    deviation: float | None = None
    "Standard deviation over folds, where there are several."
    kind: Literal["exact", "lower_bound", "estimate"] | None = None
    "What a mean log-likelihood is; None where a measure has but one kind."
    stderr: float | None = None
    "Monte Carlo standard error of the mean."
    ess: float | None = None
    "Effective sample size, as a share of the samples."

    def statistics(self) -> dict[str, Any]:
        """Return what a comparison has, in the order it is shown."""
        return {name: getattr(self, name) for name in STATISTICS}


class Row(_Shape):
    """One system of a board."""

    name: str
    about: str = ""
    recipe: str = ""
    recipe_hash: str = ""
    recipe_yaml: str = ""
    command: str = ""
    "Makes the row's numbers again."
    cells: dict[str, Cell] = Field(default_factory=dict)
    "Measure -> statistics; none of a system that failed."
    values: dict[str, dict[str, float]] = Field(default_factory=dict)
    "Measure -> unit -> value."
    milliseconds: float | None = None
    "Time to use it, for one of what the board's times are of."
    milliseconds_range: list[float] | None = Field(None, min_length=2, max_length=2)
    "The shortest and the longest of the times that it is the median of, where there were several."
    peak_memory_mb: float | None = None
    fit_seconds: float | None = None
    "Seconds of one fit."
    parameters: int | None = None
    "Numbers that were learned."
    notes: list[str] = Field(default_factory=list)
    "What a reader of its numbers should know."
    figures: list[Figure] = Field(default_factory=list)
    failed: str = ""
    "Why there are no numbers; empty where there are."


class Size(_Shape):
    """How many there are of something."""

    number: int
    one: str
    "A document."
    many: str
    "Several documents."

    def __str__(self) -> str:
        return f"{self.number:,} {self.one if self.number == 1 else self.many}"


def board_title(data: str, conditions: Mapping[str, str]) -> str:
    """Say by what a board is chosen: its data and their conditions, `ml-100k:u1`."""
    return ":".join([data, *conditions.values()])


def named_boards(only: Sequence[str], titles: Iterable[str]) -> tuple[set[str], set[str]]:
    """Part what is named into titles of boards and names of data, whose boards are all meant.

    So `letor-mq2008` is the plain board where there is one, and not also that of the paper's protocol.

    Examples
    --------
    >>> named_boards(["mq", "ml"], ["mq", "mq:paper", "ml:u1", "ml:u2"])
    ({'mq'}, {'ml'})
    """
    whole = set(only).intersection(titles)
    return whole, set(only) - whole


class Board(_Shape):
    """Systems on one collection, split of ratings or data set."""

    kind: str
    "Of the task: retrieval, ratings, top-n, likelihood, or what a plug-in names."
    data: str
    "Name of what was measured on."
    about: str = ""
    data_hash: str = ""
    sizes: list[Size]
    "How much there is of what; last the units that values are paired over."
    timed: str
    "What a time is for one of: query, pair, row."
    each: str = ""
    "What stands before a measure where units' values do not average to its mean."
    conditions: dict[str, str] = Field(default_factory=dict)
    "What else it depends on: a split, a binarisation."
    measures: list[Measure]
    "The first one ranks the board."
    baseline: str | None
    test: str
    correction: str = "Holm"
    interval: str
    notes: list[str] = Field(default_factory=list)
    rows: list[Row]
    looks: Looks | None = Field(None, exclude=True, repr=False)
    "What was found for single queries, of a board that was run just now; no file has it (`irkit.evaluate.looks`)."

    @property
    def title(self) -> str:
        """Data and conditions, by which a board is chosen: `ml-100k:u1`."""
        return board_title(self.data, self.conditions)

    @property
    def unit(self) -> Size:
        """What values are paired over."""
        return self.sizes[-1]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.sizes:
            raise ValueError("sizes: name at least what values are paired over")
        wanted = [measure.name for measure in self.measures]
        for row in self.rows:
            for part, have in (("cells", row.cells), ("values", row.values)):
                if set(have) != (set() if row.failed else set(wanted)):
                    has, wants = ", ".join(have) or "nothing", "nothing" if row.failed else ", ".join(wanted)
                    raise ValueError(f"{part} of {row.name} on {self.data} has {has}, but the board's are {wants}")
        return self


class Machine(_Shape):
    """Where it was measured."""

    cpu: str
    cores: int
    python: str
    platform: str
    accelerator: str | None = None


class Result(_Shape):
    """What came of a suite."""

    version: Literal[2] = Field(2, alias="schema")
    suite: str
    about: str
    date: str
    irkit: str
    code: str
    "Hash of the code that measured it."
    machine: Machine
    seed: int
    command: str
    boards: list[Board]

    def plain(self) -> dict[str, Any]:
        """Return the result as plain values, as a file holds it."""
        out = {"schema": SCHEMA, **self.model_dump(by_alias=True, exclude_defaults=True)}
        for board in out["boards"]:
            for row in board["rows"]:
                row["values"] = {
                    measure: {unit: round(value, DECIMALS) for unit, value in column.items()}
                    for measure, column in row.get("values", {}).items()
                }
        return out


def as_result(found: Any, *, who: str) -> Result:
    """Make a result of plain values, of schema 1 or 2; a result stays as it is.

    Raises
    ------
    DataError
        If they have another shape, or parts that do not fit together.
    """
    if isinstance(found, Result):
        return found
    version = found.get("schema") if isinstance(found, dict) else type(found).__name__
    if version not in (1, SCHEMA):
        raise DataError(
            f"{who}: not a result file of schema 1 or {SCHEMA}, got {version!r}; make it anew with irkit leaderboard"
        )
    try:
        return Result.model_validate(upgraded(found) if version == 1 else found)
    except ValidationError as error:
        raise DataError(f"{who}: {_explain(error)}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{who}: not a result file of schema 1, {error} is missing or wrong") from None


def write_results(result: Any, path: str | Path | None = None) -> Path:
    """Write a result file, whole or not at all.

    Parameters
    ----------
    result : Result
        Or its plain values.
    path : path, optional
        Default `eval/results/<suite>.json` of the checkout for a suite that is part of it, and of the user's folder
        for others, and where irkit is installed from a wheel.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    DataError
        If plain values have another shape, or the file cannot be written.
    """
    result = as_result(result, who="results")
    path = Path(path) if path is not None else results_folder(origin_of(result)) / f"{result.suite}.json"
    text = _json(result.plain()) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"), pack=True)  # a lone surrogate becomes JSON's escape
    return path


def read_results(name: str | Path) -> Result:
    """Read a result file by path or by the name of its suite; the user's own win over shipped ones.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is not a result file.
    """
    path = Path(name)
    if bare(path).suffix != ".json" and not is_stream(path):
        kept = kept_results()
        if str(name) not in kept:
            raise NotFoundError(f"results: there are none of suite {str(name)!r}; {near_misses(str(name), kept)}")
        path = kept[str(name)]
    if not readable(path):
        raise NotFoundError(f"results: there is no file {str(path)!r}; make it with irkit leaderboard")
    try:
        result = json.loads(content(path).decode())
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8; a result file is JSON") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON; {error.msg[0].lower()}{error.msg[1:]}") from None
    except RecursionError:
        raise DataError(f"{path}: not a result file, it is nested too deeply; make it anew") from None
    return as_result(result, who=str(path))


def _explain(error: ValidationError) -> str:
    """Say in one short line what is wrong first."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] == "extra_forbidden":
        return f"{place} is unknown"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place} is not valid, got {reprlib.repr(first['input'])}; {reason[0].lower()}{reason[1:]}"


def origin_of(result: Result) -> str:
    """Return what a command calls the suite of a result: its name, or the path of its file."""
    return next(iter(shlex.split(result.command)[2:]), result.suite)


def results_folder(suite: str) -> Path:
    """Return where the result of a suite is kept: in a checkout that of a suite of it, any other in the user's folder.

    Parameters
    ----------
    suite : str
        Name or path of the suite; one that has no file is not of the checkout.
    """
    folder = shipped("eval")
    try:
        ours = find("eval", suite).resolve().is_relative_to(folder.resolve())
    except IrkitError:
        ours = False
    return (folder if ours and folder.parent.name != "_shipped" else home() / "eval") / "results"


def kept_results() -> dict[str, Path]:
    """Return the files of the suites that results are kept of, by name; the user's own win over shipped ones."""
    folders = (shipped("eval") / "results", home() / "eval" / "results")
    return dict(sorted({path.stem: path for folder in folders for path in folder.glob("*.json")}.items()))


def _json(value: Any, indent: str = "") -> str:
    """Write JSON with one line for each list or mapping of plain values, so that changes can be read as a diff."""
    inner = indent + " "
    if isinstance(value, dict) and _nested(value.values()):
        items = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, list) and _nested(value):
        return "[\n" + ",\n".join(inner + _json(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _nested(values: Iterable[Any]) -> bool:
    return not {dict, list}.isdisjoint(map(type, values))
