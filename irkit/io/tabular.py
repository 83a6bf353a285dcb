"""Tables: tab-separated, comma-separated and Parquet files with documents, queries or judgements.

A tab-separated file is two columns, id and text, without quoting; or it names its columns in its
first line. CSV and Parquet always name them. The names are those of `jsonl` and, for judgements,
`qid` `docno` `label` or BEIR's `query-id` `corpus-id` `score`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from irkit.documents import DOCNO_KEYS, TEXT_KEYS, Document
from irkit.errors import DataError
from irkit.io import jsonl
from irkit.io.lines import bad, lines, whole
from irkit.io.reading import Judgement, Query, Reading
from irkit.streams import on_disk

_QID = ("qid", "query-id", "query_id")
_DOCNO = ("docno", "corpus-id", "doc_id", "docid")
_LABEL = ("label", "score", "relevance", "grade")
_KNOWN = {*jsonl.QID_KEYS, *jsonl.QUERY_KEYS, *DOCNO_KEYS, *TEXT_KEYS, *_QID, *_DOCNO, *_LABEL}
_LONGEST = 1 << 28  # characters of one CSV cell

Kind: TypeAlias = Literal["tsv", "csv", "parquet"]
_NAMED = ("fields", "id_field")
_OPTIONS: dict[Kind, tuple[str, ...]] = {"tsv": ("encoding", *_NAMED), "csv": ("encoding", *_NAMED), "parquet": _NAMED}


def documents(path: Path, reading: Reading, kind: Kind) -> Iterator[Document]:
    """Read one document a row."""
    reading.only(kind, *_OPTIONS[kind])
    for line, row in _rows(path, reading, kind, ("docno", "text")):
        yield jsonl.document(row, reading, path, line)


def queries(path: Path, reading: Reading, kind: Kind) -> Iterator[Query]:
    """Read one query a row."""
    reading.only(kind, *_OPTIONS[kind])
    for line, row in _rows(path, reading, kind, ("qid", "query")):
        yield jsonl.query(row, reading, path, line)


def qrels(path: Path, reading: Reading, kind: Kind) -> Iterator[Judgement]:
    """Read one judgement a row; the columns must be named."""
    reading.only(kind, *_OPTIONS[kind][:-2])
    for line, row in _rows(path, reading, kind, None):
        qid, docno, label = (_cell(row, names, path, line) for names in (_QID, _DOCNO, _LABEL))
        yield Judgement(str(qid), str(docno), whole(str(label), "label", path, line), line)


def names_columns(cells: list[str]) -> bool:
    """Say whether the first line of a table holds column names rather than data."""
    return len(cells) > 1 and all(cell.strip().lower() in _KNOWN for cell in cells[:2])


def _rows(
    path: Path, reading: Reading, kind: Kind, usual: tuple[str, str] | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if kind == "parquet":
        return _parquet(path)
    return _csv(path, reading) if kind == "csv" else _tsv(path, reading, usual)


def _tsv(path: Path, reading: Reading, usual: tuple[str, str] | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    names: list[str] | None = None
    for line, text in lines(path, reading.encoding):
        if not text.strip():
            continue
        cells = text.split("\t")
        if names is None:
            if usual is None or reading.fields or reading.id_field or names_columns(cells):
                names = _header(path, line, cells)
                continue
            names = list(usual)
        if len(cells) != len(names):
            what = f"{len(names)} tab-separated columns ({', '.join(names)}) are needed, got {len(cells)}"
            raise bad(path, line, what, "correct the line, or name the columns in the first line")
        yield line, dict(zip(names, cells, strict=True))


def _csv(path: Path, reading: Reading) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if csv.field_size_limit() < _LONGEST:
        csv.field_size_limit(_LONGEST)
    table = csv.reader((text + "\n" for _, text in lines(path, reading.encoding)), strict=True)
    names: list[str] | None = None
    before = 0
    while True:
        try:
            cells = next(table, None)
        except csv.Error as error:
            raise bad(
                path, before + 1, f"not valid CSV: {error}", "close every quote, double the quotes inside"
            ) from None
        line, before = before + 1, table.line_num
        if cells is None:
            return
        if not cells:
            continue
        if names is None:
            names = _header(path, line, cells)
            continue
        if len(cells) != len(names):
            what = f"{len(names)} columns ({', '.join(names)}) are needed, got {len(cells)}"
            raise bad(path, line, what, "correct the line")
        yield line, dict(zip(names, cells, strict=True))


def _header(path: Path, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise bad(path, line, f"the column {twice!r} occurs twice", "rename one of them")
    return names


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = 0
    try:
        place, _held = on_disk(path)
        with pq.ParquetFile(place) as file:
            for batch in file.iter_batches(batch_size=1024):
                for item in batch.to_pylist():
                    row += 1
                    yield row, item
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise DataError(f"{path}:{row + 1}: not a readable Parquet file: {reason}; write it again") from None


def _cell(row: Mapping[str, Any], names: tuple[str, ...], path: Path, line: int) -> Any:
    for name in names:
        if name in row:
            if row[name] is None or row[name] == "":
                raise bad(path, line, f"the {name} is missing", "correct the line")
            return row[name]
    raise bad(
        path, line, f"a column {names[0]!r} is needed ({' or '.join(names)}), got {', '.join(row)}", "name the columns"
    )
