"""The format of a file, told from its name and the structure of its first lines.

A format shows at the beginning of a file or of a line, never somewhere within a text: `<DOC>` in a
JSON string is text. Where two readings are possible, or name and structure disagree, nothing is
guessed: the message names the option that decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from irkit.documents import DOCNO_KEYS
from irkit.errors import DataError
from irkit.io.documents.tabular import names_columns, names_judgements
from irkit.io.lines import bad, head, refuse_carriage_returns, refuse_utf16
from irkit.packing import bare

Role: TypeAlias = Literal["documents", "queries", "qrels"]

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".tsv": "tsv",
    ".csv": "csv",
    ".parquet": "parquet",
    ".html": "html",
    ".htm": "html",
}
_HEAD = 4096

_OBJECT = re.compile(rb'\{\s*["}]')
_ARRAY = re.compile(rb'\[\s*[\[{"\d-]')
_HTML = re.compile(rb"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_PROLOGUE = re.compile(rb"(?:<\?[^>]*>|<!--(?:(?!-->).)*-->|\s)*", re.DOTALL)
_LINE_TAG = re.compile(rb"^[ \t]*<(doc|top|topic)[\s>]", re.IGNORECASE | re.MULTILINE)
_ANY_TAG = re.compile(rb"<(doc|top|topic)[\s>]", re.IGNORECASE)
_TAGGED = {
    ("documents", b"doc"): "trec",
    ("queries", b"doc"): "trec-doc",
    ("queries", b"top"): "trec",
    ("queries", b"topic"): "xml",
}


def guess(path: Path, role: Role, known: Sequence[str]) -> str:
    """Tell the format of a file.

    Parameters
    ----------
    path : Path
    role : str
        What the file holds: documents, queries or qrels.
    known : sequence of str
        The formats of that role.

    Raises
    ------
    DataError
        If nothing fits or more than one format does.
    """
    start = head(path, _HEAD)
    if start.startswith(b"PAR1"):
        return "parquet"
    refuse_utf16(path, start)
    if not start.strip():
        raise bad(
            path,
            1,
            f"the file {'holds white space alone' if start else 'is empty'}",
            "check that it was written completely",
        )
    named = SUFFIXES.get(bare(path.name.lower()).suffix, "")
    found = _judgements(path, start, named) if role == "qrels" else _texts(path, start, role, named)
    if b"\0" in start and (role == "qrels" or set(found) <= {"tsv", "csv"}):
        raise bad(path, 1, f"this is no text, so no format of {role} that irkit guesses", "unpack archives first")
    if role != "qrels" and named in known:
        if len(found) == 1 and found[0] != named and found[0] not in ("tsv", "csv", "npl"):
            raise _two(path, f"by its name this is {named}, by its first lines {found[0]}")
        return named
    if not found:
        refuse_carriage_returns(path, start)
        what = f"this is no format of {role} that irkit knows"
        raise bad(path, 1, what, f"name one of {', '.join(known)} (--format in commands)")
    if len(found) > 1:
        raise _two(path, f"this may be {' or '.join(found)}")
    return found[0]


def holds_many(path: Path, suffix: str, *, alone: bool = True) -> bool:
    """Say whether a file is of a format that has many documents in a file.

    Parameters
    ----------
    path : Path
    suffix : str
        Of its name, in lower case.
    alone : bool
        Whether texts with a tab, or a number, in their first line are tables too.
    """
    start = head(path, _HEAD)
    if start.startswith(b"PAR1") or suffix in (".jsonl", ".ndjson", ".tar", ".tgz"):
        return True
    if b"\0" in start or not start.strip():
        return False
    try:
        found = set(_texts(path, start, "documents", "")) - {"html"}
    except DataError:  # JSON of another form
        return False
    first = start.lstrip().split(b"\n", 1)[0]
    if found == {"jsonl"}:
        return any(b'"%s"' % key.encode() in start for key in DOCNO_KEYS)
    if found == {"npl"} or (found == {"tsv"} and suffix not in (".tsv", "")):
        return alone and suffix in (".txt", "")
    return bool(found) or (suffix == ".tsv" and b"\t" in first)


def _two(path: Path, what: str) -> DataError:
    return bad(path, 1, what, "name the format (--format in commands)")


def _texts(path: Path, start: bytes, role: Role, named: str) -> list[str]:
    """Return what a file of documents or queries may be."""
    start = start.lstrip()
    first = start.split(b"\n", 1)[0]
    if _OBJECT.match(start):
        return ["jsonl"]
    if _ARRAY.match(start) and b"\t" not in first and named != "jsonl":
        raise bad(path, 1, "this is one JSON array", "write one object a line (jq -c '.[]' splits an array)")
    if re.match(rb"\.I\s", start):
        return ["smart"]
    if first.strip().isdigit():
        return ["npl"]
    if role == "documents" and _HTML.match(start, _PROLOGUE.match(start).end()):  # type: ignore[union-attr]
        return ["html"]
    found = []
    tags = (_ANY_TAG if first.startswith(b"<") and b"\t" not in first else _LINE_TAG).findall(start)
    tag = next((tag.lower() for tag in tags if (role, tag.lower()) in _TAGGED), None)
    if tag is not None:
        found.append(_TAGGED[role, tag])
    if b"\t" in first:
        found.append("tsv")
    elif names_columns(first.decode("latin-1").split(",")):
        found.append("csv")
    return found


def _judgements(path: Path, start: bytes, named: str) -> list[str]:
    """Return what a file of judgements may be."""
    if start.lstrip().startswith((b"{", b"[")):
        raise bad(path, 1, "JSON is not read as judgements", "write a line 'query 0 document label' for each")
    if named in ("csv", "parquet"):
        return [named]
    lines = start.split(b"\n")
    lines = lines[:-1] if len(lines) > 1 else lines  # the last one may be cut
    rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith(b"#")]
    if not rows:
        return ["trec"]  # comments alone, so far
    first = next(line for line in lines if line.split() == rows[0]).decode("latin-1").strip("\r\n")
    for separator, format in (("\t", "tsv"), (",", "csv")):
        if names_judgements(first.split(separator)):
            return [format]
    if names_judgements(first.split()):
        rows = rows[1:] or rows
    return _by_columns(path, [row for row in rows if len(row) == len(rows[0])])


def _by_columns(path: Path, rows: list[list[bytes]]) -> list[str]:
    """Tell judgements by their columns between white space."""
    numbers = all(cell.lstrip(b"+-").isdigit() for row in rows for cell in row[:3])
    match len(rows[0]):
        case 1:
            return ["npl"] if rows[0][0].isdigit() else []
        case 3:
            if numbers and all(row[1] == b"0" for row in rows):
                raise bad(path, 1, "a column is missing: query, 0 and document, or label", "write all four columns")
            if numbers and any(len(cell) > 1 and cell.startswith(b"0") for row in rows for cell in row[:2]):
                return ["smart", "plain"]  # 007 is 7 in the one and 007 in the other
            return ["plain"]  # read as SMART's, it is the same but for such zeros further down, which stay here
        case 4:
            # `1 13 0 0.000000` is SMART's, `1 0 13 1` and `1 Q0 13 1` are TREC's.
            empty = all(row[1] not in (b"0", b"Q0") and row[2] == b"0" and not row[3].strip(b"0.") for row in rows)
            return ["smart" if numbers and empty else "trec"]
        case 6 if all(row[1].lower() in (b"q0", b"0") for row in rows):
            raise bad(path, 1, "these six columns are a run's, not those of judgements", "give the judgements first")
    return []
