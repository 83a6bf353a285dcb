"""Tables: tab-separated, comma-separated and Parquet files with documents, queries or judgements.

A tab-separated file is two columns, id and text, without quoting; or it names its columns in its
first line, and a first line of names that are not known is refused. CSV and Parquet always name
them, and may have semicolons in place of commas, as spreadsheets write them in many countries. The names
are those of `jsonl` and, for judgements, `qid` `docno` `label` or BEIR's `query-id` `corpus-id` `score`;
names that are known may have capitals, and blanks for underscores.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from irkit.documents import DOCNO_KEYS, TEXT_KEYS, Document
from irkit.errors import DataError
from irkit.io.documents import jsonl
from irkit.io.lines import bad, lines
from irkit.io.reading import LONGEST_DOCUMENT, Judgement, Query, Reading, listed, read_label
from irkit.streams import on_disk
from irkit.wording import shown

_QID = ("qid", "query-id", "query_id", "topic_id", "topic-id", "topic")
_DOCNO = ("docno", "corpus-id", "doc_id", "docid", "doc-id", "pid")
_JUDGED = (*_DOCNO, "document_id", "document")
_LABEL = ("label", "score", "relevance", "grade", "rel")

# What the first cell of a line of names may be, and what stands beside it.
_IDS = {*jsonl.QID_KEYS, *DOCNO_KEYS, *_QID[:-1], *_DOCNO, "queryid", "topicid", "passage_id", "document_id", "did"}
_TEXTS = {*jsonl.QUERY_KEYS, *TEXT_KEYS, "content", "passage", "document", "doc", "abstract", "description", "url"}
_KNOWN = {*jsonl.QID_KEYS, *jsonl.QUERY_KEYS, *DOCNO_KEYS, *TEXT_KEYS, *_QID, *_JUDGED, *_LABEL}
_LOOSE = {"topic", "number", "num", "no", "nr", "key", "uid"}
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]*")
_ID_NAME = re.compile(r".*(?:[_-](?:id|no|nr|num|number|key)|[a-z](?:Id|ID))")

Kind: TypeAlias = Literal["tsv", "csv", "parquet"]
Table: TypeAlias = Literal["csv", "tsv", "jsonl"]
"Tables whose columns are named."
_NAMED = ("fields", "id_field")
_OPTIONS: dict[Kind, tuple[str, ...]] = {"tsv": ("encoding", *_NAMED), "csv": ("encoding", *_NAMED), "parquet": _NAMED}


def documents(path: Path, reading: Reading, kind: Kind) -> Iterator[Document]:
    """Read one document a row."""
    reading.only(kind, *_OPTIONS[kind])
    for line, row in rows(path, reading, kind, ("docno", "text")):
        yield jsonl.document(row, reading, path, line)


def queries(path: Path, reading: Reading, kind: Kind) -> Iterator[Query]:
    """Read one query a row."""
    reading.only(kind, *_OPTIONS[kind])
    for line, row in rows(path, reading, kind, ("qid", "query")):
        yield jsonl.query(row, reading, path, line)


def qrels(path: Path, reading: Reading, kind: Kind) -> Iterator[Judgement]:
    """Read one judgement a row; the columns must be named."""
    reading.only(kind, *_OPTIONS[kind][:-2])
    for line, row in rows(path, reading, kind, None):
        qid, docno = (_id_cell(row, names, path, line) for names in (_QID, _JUDGED))
        yield Judgement(qid, docno, read_label(_cell(row, _LABEL, path, line), path, line), line)


_KINDS: tuple[Kind, ...] = ("tsv", "csv", "parquet")
tsv_documents, csv_documents, parquet_documents = (partial(documents, kind=kind) for kind in _KINDS)
tsv_queries, csv_queries, parquet_queries = (partial(queries, kind=kind) for kind in _KINDS)
tsv_qrels, csv_qrels, parquet_qrels = (partial(qrels, kind=kind) for kind in _KINDS)


def names_columns(cells: list[str]) -> bool:
    """Say whether the first line of a table of texts holds column names rather than data.

    Examples
    --------
    >>> names_columns(["topic_id", "query"]), names_columns(["text", "id"]), names_columns(["7", "text"])
    (True, True, False)
    """
    names = [cell.strip().lower() for cell in cells]
    if len(names) < 2:
        return False
    if names[0] in _IDS or (names[0] in _LOOSE and names[1] in _TEXTS):
        return True
    return names[0] in _TEXTS and any(name in _IDS for name in names[1:])


def names_judgements(cells: list[str]) -> bool:
    """Say whether the first line of a table of judgements holds column names."""
    names = [_known(cell.strip()) for cell in cells]
    return len(names) > 2 and names[0] in {*_QID, *_DOCNO} and len({*names} & {*_QID, *_JUDGED, *_LABEL}) > 1


def in_order(names: list[str]) -> bool:
    """Say whether columns stand in the order query, document, label."""
    lowered = [name.lower() for name in names]
    return lowered[0] in _QID and lowered[-2] in _DOCNO and lowered[-1] in _LABEL


def _seems_names(cells: list[str]) -> bool:
    """Say whether a first line looks like column names that are none of those known."""
    first, others = cells[0].strip(), [cell.strip() for cell in cells[1:]]
    if not all(_NAME.fullmatch(cell) for cell in (first, *others)):
        return False
    return first.lower() in _LOOSE or _ID_NAME.fullmatch(first) is not None


def rows(
    path: Path, reading: Reading, kind: Kind, usual: tuple[str, str] | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row by the names of its columns).

    `usual` are the names of tab-separated columns whose first line names none; without them it must.
    """
    if kind == "parquet":
        return _parquet(path)
    return _csv(path, reading) if kind == "csv" else _tsv(path, reading, usual)


def named_rows(path: Path, kind: Table) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row by the names of its columns), of JSON lines or a table whose first line names them."""
    if kind == "jsonl":
        return jsonl.objects(path, Reading().encoding)
    return rows(path, Reading(fields=("text",)), kind, ("id", "text"))


def column_names(path: Path, kind: Table) -> list[str]:
    """Return the names of the columns alone, whatever is wrong further on: nothing for what cannot be read."""
    try:
        if kind == "jsonl":
            return list(next((row for _, row in jsonl.objects(path, Reading().encoding)), ()))
        first = next((text for _, text in lines(path) if text.strip()), "")
        cells = next(csv.reader([first])) if kind == "csv" else first.split("\t")
        return [_known(cell.strip()) for cell in cells]
    except (DataError, csv.Error):
        return []


def _tsv(path: Path, reading: Reading, usual: tuple[str, str] | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    names: list[str] | None = None
    for line, text in lines(path, reading.encoding):
        if not text.strip() or (usual is None and text.startswith("#")):  # judgements may have comments
            continue
        cells = text.split("\t")
        if names is None:
            if usual is None or reading.fields or reading.id_field or names_columns(cells):
                names = _header(path, line, cells)
                continue
            if _seems_names(cells):
                what = f"these look like names of columns that irkit does not know ({listed(cells)})"
                raise bad(path, line, what, f"call them {' and '.join(usual)}, or write such a line before this one")
            names = list(usual)
        if len(cells) != len(names):
            what = f"{len(names)} tab-separated columns ({listed(names)}) are needed, got {len(cells)}"
            raise bad(path, line, what, "correct the line, or name the columns in the first line")
        yield line, dict(zip(names, cells, strict=True))


def _csv(path: Path, reading: Reading) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if csv.field_size_limit() < LONGEST_DOCUMENT:
        csv.field_size_limit(LONGEST_DOCUMENT)
    first = next((text for _, text in lines(path, reading.encoding) if text.strip()), "")
    texts = (text + "\n" for _, text in lines(path, reading.encoding))
    table = csv.reader(texts, strict=True, delimiter=_separator(first))
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
            what = f"{len(names)} columns ({listed(names)}) are needed, got {len(cells)}"
            raise bad(path, line, what, "correct the line")
        yield line, dict(zip(names, cells, strict=True))


def _separator(first: str) -> str:
    """Return what separates the fields of a CSV file whose first line, of names, this is."""
    return ";" if ";" in first and "," not in first else ","


def _known(name: str) -> str:
    """Return the name of a column as irkit writes it, or as it stands where it is none that irkit knows."""
    lowered = name.lower()
    return next((one for one in (lowered, re.sub(r"\s+", "_", lowered)) if one in _KNOWN), name)


def _header(path: Path, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    names = [_known(name) for name in names]
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


def _id_cell(row: Mapping[str, Any], names: tuple[str, ...], path: Path, line: int) -> str:
    value = _cell(row, names, path, line)
    if type(value) not in (str, int):  # 1.0 is no id: it would become one that nothing else has
        what = f"an id must be a string or a whole number, got {shown(value)}"
        raise bad(path, line, what, "write the column as text")
    return str(value)


def _cell(row: Mapping[str, Any], names: tuple[str, ...], path: Path, line: int) -> Any:
    for name in names:
        if name in row:
            if row[name] is None or row[name] == "":
                raise bad(path, line, f"the {name} is missing", "correct the line")
            return row[name]
    what = f"a column {names[0]!r} is needed ({' or '.join(names)}), got {listed(row)}"
    raise bad(path, 1, what, "name the columns")  # where they are named, whichever row was read first
