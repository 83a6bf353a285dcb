"""The shape of a result file (schema 1), and reading and writing it.

Per-query values are rounded to 6 decimals in the file, which keeps it a third as long; means,
intervals and p-values are written in full. A mean made anew from the file's per-query values
therefore differs from the one printed by at most 5e-7. Optional fields are left out where they say nothing.
"""

from __future__ import annotations

import json
import re
import reprlib
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from irkit.errors import DataError, NotFoundError, near_misses
from irkit.io.atomic import write_bytes
from irkit.io.lines import content
from irkit.locate import home, shipped
from irkit.packing import bare
from irkit.streams import is_stream, readable

SCHEMA = 1
"Version of the shape."

DECIMALS = 6
"Decimals of a per-query value in a file."


Kind: TypeAlias = Literal["retrieval", "ratings", "top-n", "density"]
"What a board is about."


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True, use_attribute_docstrings=True)


FIGURE_LIMIT = 100_000
"Characters of a picture at most, so that a page of many can be mailed."


_PNG, _SVG = re.compile(r"iVBORw0K[A-Za-z0-9+/]*={0,2}\Z"), re.compile("<svg ")


class Figure(_Shape):
    """A small picture of a system."""

    name: str = Field(min_length=1)
    "What it shows; systems of a board have theirs laid out by these names."
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


class MeasureCell(_Shape):
    """One system on one measure; differences are from the baseline, None where there is none."""

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
    kind: Literal["exact", "lower_bound", "estimate"] | None = None
    "What a mean log-likelihood is; None where a measure has but one kind."
    stderr: float | None = None
    "Monte Carlo standard error of the mean."
    ess: float | None = None
    "Effective sample size, as a share of the samples."


class SystemRow(_Shape):
    """One system of a board."""

    name: str
    about: str
    recipe: str
    recipe_hash: str
    recipe_yaml: str
    command: str
    measures: dict[str, MeasureCell]
    ms_per_query: float | None
    peak_memory_mb: float | None
    notes: list[str]
    per_query: dict[str, dict[str, float]]
    fit_seconds: float | None = None
    "Seconds of one fit."
    parameters: int | None = None
    "Numbers that were learned."
    figures: list[Figure] = Field(default_factory=list)
    "Of density models."


class Board(_Shape):
    """Systems on one collection, split of ratings or data set.

    By kind, `queries` and the keys of `per_query` are queries, users (ratings, top-n) or test rows
    (density), and `documents` counts documents, items or training rows. `ms_per_query` is per predicted
    pair on a board of ratings. The mean of a rating error is over pairs, its values are users' own errors.
    """

    kind: Kind = "retrieval"
    collection: str
    about: str
    data_hash: str
    documents: int | None
    queries: int
    split: str | None
    measures: list[str]
    baseline: str | None
    test: str
    correction: str
    interval: str
    notes: list[str]
    systems: list[SystemRow]


class Machine(_Shape):
    """Where it was measured."""

    cpu: str
    cores: int
    python: str
    platform: str


class Result(_Shape):
    """A result file."""

    version: Literal[1] = Field(alias="schema")
    suite: str
    about: str
    date: str
    irkit: str
    code: str
    machine: Machine
    seed: int
    command: str
    boards: list[Board]


def check_result(result: dict[str, Any], *, who: str) -> None:
    """Raise `DataError` unless a result has the shape of schema 1 and its parts fit together."""
    try:
        Result.model_validate(result)
    except ValidationError as error:
        raise DataError(f"{who}: {_explain(error)}") from None
    for board in result["boards"]:
        for row in board["systems"]:
            for part in ("measures", "per_query"):
                if set(row[part]) != set(board["measures"]):
                    has, wants = ", ".join(row[part]) or "nothing", ", ".join(board["measures"])
                    place = f"{part} of {row['name']} on {board['collection']}"
                    raise DataError(f"{who}: {place} has {has}, but the board's are {wants}")


def write_results(result: dict[str, Any], path: str | Path | None = None) -> Path:
    """Write a result file, whole or not at all.

    Parameters
    ----------
    result : dict
        As `run_suite` returns it.
    path : path, optional
        Default `eval/results/<suite>.json` of the checkout, or of the user's folder where irkit is
        installed from a wheel.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    DataError
        If the result has another shape, or the file cannot be written.
    """
    check_result(result, who="results")
    path = Path(path) if path is not None else results_folder() / f"{result['suite']}.json"
    text = _json(_rounded(result)) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"), pack=True)  # a lone surrogate becomes JSON's escape
    return path


def read_results(name: str | Path) -> dict[str, Any]:
    """Read a result file by path or by the name of its suite; the user's own win over shipped ones.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is not a result file of this version.
    """
    path = Path(name)
    if bare(path).suffix != ".json" and not is_stream(path):
        path = _find(str(name))
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
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        got = result.get("schema") if isinstance(result, dict) else type(result).__name__
        raise DataError(
            f"{path}: not a result file of schema {SCHEMA}, got {got!r}; make it anew with irkit leaderboard"
        )
    check_result(result, who=str(path))
    return result


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


def results_folder() -> Path:
    """Return where results are kept: in a checkout, or else in the user's folder."""
    folder = shipped("eval")
    return (home() / "eval" if folder.parent.name == "_shipped" else folder) / "results"


def _find(suite: str) -> Path:
    folders = [home() / "eval" / "results", shipped("eval") / "results"]
    for folder in folders:
        if (folder / f"{suite}.json").is_file():
            return folder / f"{suite}.json"
    known = [path.stem for folder in folders for path in folder.glob("*.json")]
    raise NotFoundError(f"results: there are none of suite {suite!r}; {near_misses(suite, known)}")


def _rounded(result: dict[str, Any]) -> dict[str, Any]:
    def row(system: dict[str, Any]) -> dict[str, Any]:
        values = {
            measure: {qid: round(value, DECIMALS) for qid, value in column.items()}
            for measure, column in system["per_query"].items()
        }
        return {**system, "per_query": values}

    boards = [{**board, "systems": list(map(row, board["systems"]))} for board in result["boards"]]
    return {**result, "boards": boards}


def _json(value: Any, indent: str = "") -> str:
    """Write JSON with one line for each list or mapping of plain values, so that changes can be read as a diff."""
    inner = indent + " "
    if isinstance(value, dict) and any(isinstance(item, (dict, list)) for item in value.values()):
        items = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[\n" + ",\n".join(inner + _json(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
