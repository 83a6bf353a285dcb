"""JSON lines by the thousand: Arrow parses them into columns, without a Python object a line.

Lines whose id or text Arrow reads otherwise than Python's `json` does, or about which it cannot tell, are read one by
one. Of other keys Arrow takes some values that Python refuses, which go nowhere: `Inf`, numbers of thousands of digits,
and what is nested too deeply for Python.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from irkit.documents import DOCNO_KEYS, TEXT_KEYS, Columns, Document
from irkit.io.documents.jsonl import document, objects_of
from irkit.io.lines import decoded, raw_lines
from irkit.io.reading import Reading

_NULL = re.compile(rb":[ \t]*null")

CHUNK = 1 << 22
"Bytes of lines that are parsed at once, about."


def columns(path: Path, reading: Reading) -> Iterator[Columns | list[Document]]:
    """Read what `irkit.io.documents.jsonl.documents` reads."""
    reading.only("jsonl", "encoding", "fields", "id_field")
    plain = reading == Reading()
    for first, raw in _chunks(path):
        found = _parsed(raw) if plain else None
        if found is not None:
            yield Columns(*found, partial(_where, path, first))
            continue
        text = ((line, decoded(one, reading.encoding, path, line)) for line, one in enumerate(raw, first))
        yield [document(item, reading, path, line) for line, item in objects_of(text, path)]


def _chunks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the number of the first and all of some lines."""
    first, size = 1, 0
    chunk: list[bytes] = []
    for line, raw in raw_lines(path):
        chunk.append(raw)
        size += len(raw)
        if size >= CHUNK:
            yield first, chunk
            first, size, chunk = line + 1, 0, []
    if chunk:
        yield first, chunk


def _parsed(lines: Sequence[bytes]) -> tuple[pa.LargeStringArray, pa.LargeStringArray] | None:
    """Return ids and texts of lines, or None where they had better be read one by one."""
    data = b"\n".join(lines)
    # Every line is an object of its own; a null is not told from a missing key.
    if not (data.startswith(b"{") and data.endswith(b"}") and data.count(b"}\n{") == len(lines) - 1):
        return None
    if _NULL.search(data) or not _is_utf8(data):
        return None
    try:
        table = _read(data)
    except pa.ArrowInvalid:  # also for ids that are numbers, keys that come twice and halves of surrogate pairs
        return None
    if len(table) != len(lines):
        return None
    there = {name for name in table.column_names if table[name].null_count < len(table)}
    ids, texts = ([name for name in names if name in there] for names in (DOCNO_KEYS, TEXT_KEYS))
    # One text for every document, or there is a choice to be made for each.
    if len(texts) != 1 or not ids or table[texts[0]].null_count or table[ids[0]].null_count:
        return None
    text = _one(table[texts[0]])
    if "title" in there:
        title = _one(table["title"])
        both = pc.and_(pc.greater(pc.binary_length(title), 0), pc.greater(pc.binary_length(text), 0))
        joint = pc.if_else(
            pc.fill_null(both, False), pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string())
        )
        text = pc.binary_join_element_wise(pc.fill_null(title, ""), joint, text, pa.scalar("", pa.large_string()))
    return _one(table[ids[0]]), text


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read(data: bytes) -> pa.Table:
    from pyarrow import json

    options = json.ReadOptions(use_threads=False, block_size=len(data) + 1)
    return json.read_json(io.BytesIO(data), read_options=options, parse_options=_parse_options())


@lru_cache(maxsize=1)
def _parse_options() -> object:
    from pyarrow import json

    schema = pa.schema([(name, pa.string()) for name in (*DOCNO_KEYS, *TEXT_KEYS, "title")])
    return json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")


def _one(column: pa.ChunkedArray) -> pa.LargeStringArray:
    return column.cast(pa.large_string()).combine_chunks()


def _where(path: Path, first: int, row: int) -> str:
    return f"{path}:{first + row}"
