"""What one file holds, told from its name and its first lines; nothing is read to its end.

A name that begins with or ends in `queries`, `topics`, `qrels`, `documents`, `docs`, `corpus` or `collection` decides,
as in a folder (`irkit.io.library.folder`). Otherwise the first lines do, the narrowest form first: a run's six columns,
lines of features, judgements, ratings, documents, queries, a table of numbers, word vectors, and a text a line last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from irkit.errors import IrkitError
from irkit.io.documents.formats import sniff
from irkit.io.documents.pages import SUFFIXES
from irkit.io.documents.sniff import Role
from irkit.io.documents.tabular import column_names, names_columns, names_judgements
from irkit.io.lines import head, refuse_carriage_returns, refuse_utf16
from irkit.io.pools.answers import begins_as_answers
from irkit.io.pools.letor import begins_as_letor
from irkit.io.ratings.layout import Columns, names_likes_alone, names_ratings, names_users, separator
from irkit.io.ratings.sniff import begins_with_rating
from irkit.io.rows.own import PICTURE_SUFFIXES
from irkit.io.texts.files import ARCHIVES, PARTED, has_texts
from irkit.packing import bare
from irkit.yamlfile import read_yaml

_HEAD = 1 << 16
_LINES = 20
"Lines that must agree."
_NAMED: dict[str, tuple[str, Role]] = {
    **dict.fromkeys(("queries", "topics", "qry"), ("queries", "queries")),
    **dict.fromkeys(("qrels", "qrel"), ("judgements", "qrels")),
    **dict.fromkeys(("documents", "docs", "corpus", "collection"), ("documents", "documents")),
}
_BINARY = {".npy": "npy", ".npz": "npz", ".mat": "mat"}


class Found(NamedTuple):
    """What a file is."""

    what: str
    "documents, queries, judgements, run, ratings, pools, texts, rows, sequences, pictures, word vectors or card."
    format: str
    "As the option --format and cards call it."


def recognise(path: Path) -> Found | None:
    """Say what a file holds; None where irkit reads nothing of that form.

    Parameters
    ----------
    path : Path
        A file, plain or compressed.

    Raises
    ------
    DataError
        If it is empty, damaged or may not be read.
    """
    name = bare(path.name.lower())
    if name.name.endswith(ARCHIVES) or path.name.lower().endswith(ARCHIVES):
        return Found("texts", "folder")
    if name.suffix in PICTURE_SUFFIXES:
        return Found("pictures", name.suffix[1:])
    if name.suffix in _BINARY:
        return Found("sequences" if name.suffix == ".mat" else "rows", _BINARY[name.suffix])
    if name.suffix in (".yaml", ".yml"):
        return Found("card", "yaml") if "kind" in read_yaml(path).value else None
    start = head(path, _HEAD)
    parts = name.name.split(".")
    named = next((_NAMED[part] for part in (parts[0], parts[-1]) if part in _NAMED), None)
    if named is not None:
        return Found(named[0], sniff(path, named[1]))
    if start.startswith(b"PAR1"):
        return _parquet(path)
    refuse_utf16(path, start)
    if b"\0" in start:
        return None
    found = _text(path, name.suffix, start)
    if found is None:
        refuse_carriage_returns(path, start)
    return found


def _text(path: Path, suffix: str, start: bytes) -> Found | None:
    lines = _whole_lines(start)
    rows = [line.split() for line in lines[:_LINES]]
    if rows and all(map(_is_run, rows)):
        return Found("run", "trec")
    if begins_as_letor(path):
        return Found("pools", "letor")
    if begins_as_answers(path):
        return Found("pools", "answers")
    if any(names_judgements(cells) for cells in _cells(lines[:1])) or (rows and all(map(_is_judgement, rows))):
        return _as(path, "judgements", "qrels")
    if lines and not lines[0].startswith(("{", "<")) and (_names_ratings(lines[0], path) or begins_with_rating(path)):
        return Found("ratings", _ratings_format(lines[0]))
    if found := _as(path, "documents", "documents"):
        if found.format in ("tsv", "csv", "jsonl") and not _has_id(path, found.format, lines):
            if has_texts(path, found.format):  # type: ignore[arg-type]
                return Found("texts", found.format)
            return _misnamed_ratings(lines, found.format) or _numbers(lines)
        return found
    if found := _as(path, "queries", "queries"):
        return found
    if suffix[1:] in PARTED[1:] and has_texts(path, suffix[1:]):  # type: ignore[arg-type]
        return Found("texts", suffix[1:])
    if found := _misnamed_ratings(lines, suffix[1:]) or _vectors(rows) or _numbers(lines):
        return found
    if suffix in SUFFIXES:
        return Found("texts", "txt") if suffix == ".txt" else Found("documents", "files")
    return None


def _as(path: Path, what: str, role: Role) -> Found | None:
    """Say that a file is of a role where its format can be told."""
    try:
        return Found(what, sniff(path, role))
    except IrkitError:
        return None


def _whole_lines(start: bytes) -> list[str]:
    """Return the lines that are not blank, without the last one where it may be cut."""
    lines = re.split(r"\r\n|\n|\r", start.decode("latin-1"))
    lines = lines[:-1] if len(start) >= _HEAD and len(lines) > 1 else lines
    return [line for line in lines if line.strip()]


def _cells(lines: list[str]) -> list[list[str]]:
    return [line.split(mark) for line in lines for mark in ("\t", ",", ";", None)]


def _is_run(row: list[str]) -> bool:
    return len(row) == 6 and row[1].lower() in ("q0", "0") and row[3].lstrip("+-").isdigit() and _is_number(row[4])


def _is_judgement(row: list[str]) -> bool:
    return len(row) == 4 and row[1].lower() in ("q0", "0") and row[3].lstrip("+-").isdigit()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names_ratings(first: str, path: Path) -> bool:
    between = separator("tsv" if "\t" in first else "csv", first)
    names = [cell.strip().strip('"') for cell in first.split(between)]
    return names_ratings(names, path) or (len(names) > 1 and names_likes_alone(names, path, Columns()))


def _misnamed_ratings(lines: list[str], format: str) -> Found | None:
    """Say whether a table names users and not all else that ratings need; their reader says which column it lacks."""
    if format in ("csv", "tsv") and lines and names_users(lines[0].split(separator(format, lines[0]))):
        return Found("ratings", format)
    return None


def _ratings_format(first: str) -> str:
    if "::" in first:
        return "dat"
    if "\t" not in first:
        return "csv"
    return "tab" if _is_number(first.split("\t")[2]) else "tsv"


def _has_id(path: Path, format: str, lines: list[str]) -> bool:
    """Say whether a table's documents have ids: two columns, id and text, or names of columns that say so."""
    if format == "tsv":
        cells = lines[0].split("\t")
        return names_columns(cells) if len(cells) > 2 else not _is_number(cells[1])
    names = [name.lower() for name in column_names(path, format)]  # type: ignore[arg-type]
    return names_columns(names) or any(names_columns([name, "text"]) for name in names)


def _parquet(path: Path) -> Found | None:
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("ratings", lambda: names_ratings(names, path)),
        ("judgements", lambda: names_judgements(names)),
        ("documents", lambda: any(names_columns([name, "text"]) for name in names)),
    )
    return next((Found(what, "parquet") for what, holds in checks if holds()), None)


def _vectors(rows: list[list[str]]) -> Found | None:
    """Say whether lines are a word and numbers; a first line of two counts is word2vec's."""
    counted = len(rows) > 1 and len(rows[0]) == 2 and all(cell.isdigit() for cell in rows[0])
    body = rows[1:] if counted else rows
    wide = int(rows[0][1]) if counted else len(body[0]) - 1 if body else 0
    if wide < 2 or not all(len(row) > wide and all(map(_is_number, row[-wide:])) for row in body):
        return None
    if not counted and all(_is_number(row[0]) for row in body):
        return None
    return Found("word vectors", "word2vec" if counted else "glove")


def _numbers(lines: list[str]) -> Found | None:
    """Say whether lines are numbers between commas, below a line of names or none."""
    body = [line.split(",") for line in (lines[1:] or lines)[:_LINES]]
    numbers = bool(body) and all(len(row) > 1 and all(map(_is_number, row)) for row in body)
    return Found("rows", "csv") if numbers else None
