"""Feature files: svmlight's lines with a query, as LETOR, Yahoo, MSLR and RankLib have them.

    2 qid:10 1:0.031310 2:0.666667 3:NULL #docid = GX000-00-0000000 inc = 1 prob = 0.0246906

A line is one candidate: its label, its query, features by number from 1, and what comes after `#`. Features that a
line does not name are 0; `NULL` is a value that is missing, NaN here. The comment names the document where it has
`docid = ...` (LETOR 3 and 4) or is one word (RankLib); another document is called `<qid>-<n>`, n from 1 in the order
of the file. Lines of a query need not stand together. Lines of a comment alone and empty ones are passed over.

Source: Qin and Liu, "Introducing LETOR 4.0 Datasets", arXiv 1306.2597, section 3.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints
from irkit.errors import DataError
from irkit.ids import check_id
from irkit.io.lines import bad, decoded, finite, head, once, raw_lines, whole
from irkit.io.pools.pool import Pool, pool_of, together
from irkit.io.reading import read_label
from irkit.wording import shown

LARGEST_FEATURE = 100_000
"The highest number of a feature: every candidate has a value for each number up to the largest that occurs."

LARGEST = 1 << 31
"Values that a file may have, of 8 bytes each; one line could ask for any number of them."

_BLOCK = 1 << 23  # bytes of lines that are parsed at once
_DOCID = re.compile(rb"(?:^|\s)(?:docid|docno)\s*=\s*(\S+)", re.IGNORECASE)
_BEGIN = re.compile(rb"(?:\s*#[^\n]*\n)*\s*[+-]?[0-9]+(?:\.0*)?[ \t]+qid:\S")
_COLON, _BLANK = 58, 32
_TABS = bytes.maketrans(b"\t", b" ")


class _Row(NamedTuple):
    line: int
    label: int
    qid: str
    docno: str
    "Empty where the comment names none."


_Block: TypeAlias = list[tuple[_Row, bytes]]
"Candidates, each with the features that its line holds."


def read_letor(path: str | os.PathLike[str]) -> Pool:
    """Read a feature file with queries, plain or compressed, or a stream of one (`-` is standard input).

    Returns
    -------
    Pool
        Candidates of score 0 with `features`, (m, F) float64, where F is the largest number of a feature in the
        file, NaN where it says NULL; labels as they stand, also those below 0, which mark what nobody judged.

    Raises
    ------
    DataError
        `path:line: ...` if a line is malformed, or names a feature or, within its query, a document twice.
    """
    return letor([Path(path)], "")


def begins_as_letor(path: Path) -> bool:
    """Say whether the first line of a file that has more than a comment is one of a feature file."""
    return _BEGIN.match(head(path)) is not None


def letor(paths: Sequence[Path], part: str) -> Pool:
    """Read the feature files of a part, whose queries must differ."""
    return together([_read(path) for path in paths], part)


def _read(path: Path) -> Pool:
    rows: list[_Row] = []
    blocks: list[Floats] = []
    for block in _blocks(path):
        blocks.append(_features(block, path))
        rows += [row for row, _ in block]
    if not rows:
        raise bad(path, 1, "there is no candidate in the file", "check that it was written completely")
    docnos = _docnos(rows, path)
    features = _empty(len(rows), max(piece.shape[1] for piece in blocks), path)
    start = 0
    while blocks:  # they are let go one by one
        piece = blocks.pop(0)
        features[start : start + len(piece), : piece.shape[1]] = piece
        start += len(piece)
    return pool_of([row.qid for row in rows], docnos, [row.label for row in rows], features=features)


def _empty(rows: int, width: int, path: Path) -> Floats:
    if rows * width > LARGEST:
        raise DataError(
            f"{path}: {rows:,} candidates of {width:,} features each are more than memory is made for; number features "
            "from 1 without gaps"
        )
    return np.zeros((rows, width))


def _blocks(path: Path) -> Iterator[_Block]:
    """Yield candidates, as many at once as fit the memory that one step of parsing may take."""
    rows: _Block = []
    size = 0
    for line, raw in raw_lines(path):
        row = _row(raw, path, line)
        if row is not None:
            rows.append(row)
            size += len(raw)
        if size > _BLOCK:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _row(raw: bytes, path: Path, line: int) -> tuple[_Row, bytes] | None:
    """Take a line apart, but for its features; None if there is nothing but a comment."""
    if b"\r" in raw:  # what follows would be lost in a comment
        raise bad(path, line, "a carriage return stands within the line", "end lines by line feeds")
    before, _, comment = raw.partition(b"#")
    cells = before.split(None, 2)
    if not cells:
        return None
    if len(cells) == 1 or not cells[1].startswith(b"qid:") or cells[1] == b"qid:":
        found = decoded(cells[1], "utf-8", path, line) if len(cells) > 1 else "nothing"
        raise bad(path, line, f"a query qid:<id> must follow the label, got {shown(found)}", "correct the line")
    label = read_label(decoded(cells[0], "utf-8", path, line), path, line)
    named = _DOCID.search(comment)
    words = [] if named else comment.split(None, 2)
    docid = named[1] if named else words[0] if len(words) == 1 else b""
    qid, docno = decoded(cells[1][4:], "utf-8", path, line), decoded(docid, "utf-8", path, line)
    if not (qid.isprintable() and docno.isprintable()):
        check_id(qid, "a query", f"{path}:{line}")
        check_id(docno, "a document", f"{path}:{line}")
    return _Row(line, label, qid, docno), cells[2].translate(_TABS).rstrip() if len(cells) > 2 else b""


def _docnos(rows: Sequence[_Row], path: Path) -> list[str]:
    """Name the documents that no comment names, and make sure that each comes once for a query."""
    found: list[str] = []
    lines: dict[tuple[str, str], int] = {}
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.qid] = n = counts.get(row.qid, 0) + 1
        docno = row.docno or f"{row.qid}-{n}"
        if lines.setdefault((row.qid, docno), row.line) != row.line:
            once(lines, (row.qid, docno), f"the document {docno!r} of the query {row.qid!r}", path, row.line)
        found.append(docno)
    return found


def _features(rows: _Block, path: Path) -> Floats:
    """Return the features of some candidates, (rows, F) float64; F is the largest number that occurs among them."""
    found = _at_once([cells for _, cells in rows], path)
    return _one_by_one(rows, path) if found is None else found


def _at_once(rows: Sequence[bytes], path: Path) -> Floats | None:
    """Parse features without a loop over them; None where anything is unusual."""
    data = b" ".join(row for row in rows if row)
    if not data:
        return np.zeros((len(rows), 0))
    if b"x" in data or b"X" in data:  # Arrow reads 0x1F as a number
        return None
    content = np.frombuffer(data, dtype=np.uint8)
    places = np.flatnonzero((content == _COLON) | (content == _BLANK))
    marks = content[places]
    if not len(marks) % 2 or (marks[::2] != _COLON).any() or (marks[1::2] != _BLANK).any():
        return None
    tokens = _between(data, content, places)
    try:
        number = tokens.take(pa.array(np.arange(0, len(tokens), 2))).cast(pa.int64()).to_numpy()
        value = _floats(tokens.take(pa.array(np.arange(1, len(tokens), 2))))
    except pa.ArrowInvalid:
        return None
    if value is None or number.min() < 1 or number.max() > LARGEST_FEATURE:
        return None
    row = np.repeat(np.arange(len(rows)), [cells.count(b":") for cells in rows])
    if ((np.diff(number) <= 0) & (np.diff(row) == 0)).any():
        return None
    out = _empty(len(rows), int(number.max()), path)
    out[row, number - 1] = value
    return out


def _between(data: bytes, content: Ints, places: Ints) -> pa.StringArray:
    """Return what lies between some places of a text."""
    ends = np.append(places, len(data)) - np.arange(len(places) + 1)  # as the marks are taken out
    starts = np.concatenate([[0], ends]).astype(np.int64)
    bare = np.delete(content, places).tobytes()
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(starts), pa.py_buffer(bare))


def _floats(tokens: pa.LargeStringArray) -> Floats | None:
    """Read numbers, NaN where a token is NULL; None if one is not finite."""
    null = pc.equal(tokens, "NULL")
    value = pc.if_else(null, None, tokens).cast(pa.float64()) if pc.any(null).as_py() else tokens.cast(pa.float64())
    out: Floats = value.to_numpy(zero_copy_only=False)
    missing = null.to_numpy(zero_copy_only=False)
    return out if np.array_equal(~np.isfinite(out), missing) else None


def _one_by_one(rows: _Block, path: Path) -> Floats:
    """Parse features as they come, and say what is wrong and where."""
    parsed: list[dict[int, float]] = []
    for row, cells in rows:
        values: dict[int, float] = {}
        for cell in decoded(cells, "utf-8", path, row.line).split():
            name, colon, token = cell.partition(":")
            if not colon:
                what = f"a feature is <number>:<value>, got {shown(cell)}"
                raise bad(path, row.line, what, "correct the line; a comment begins with #")
            number = whole(name, "number of a feature", path, row.line)
            if not 1 <= number <= LARGEST_FEATURE:
                what = f"the number of a feature must lie within 1..{LARGEST_FEATURE:,}, got {number}"
                raise bad(path, row.line, what, "number them from 1")
            if number in values:
                raise bad(path, row.line, f"the feature {number} occurs twice", "remove one of them")
            values[number] = np.nan if token == "NULL" else finite(token, f"feature {number}", path, row.line)
        parsed.append(values)
    out = _empty(len(rows), max((max(values, default=0) for values in parsed), default=0), path)
    for i, values in enumerate(parsed):
        out[i, np.array(list(values), dtype=np.int64) - 1] = list(values.values())
    return out
