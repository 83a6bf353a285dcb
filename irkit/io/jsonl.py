"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from irkit.documents import DOCNO_KEYS, TEXT_KEYS, Document
from irkit.io.lines import bad, lines
from irkit.io.reading import Query, Reading

QID_KEYS = ("qid", "query_id", "_id", "id")
QUERY_KEYS = ("query", "text", "title", "question")

_SPACE = " \t\r\n"  # JSON's white space
_decode = json.JSONDecoder().raw_decode  # json.loads without its search for white space


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read documents; the id is `docno`, `_id`, `id` or `docid`, the text `contents`, `text` or `body` behind `title`.

    Whole numbers are accepted as ids. With `fields`, the text is those keys' values, in that order.
    """
    reading.only("jsonl", "encoding", "fields", "id_field")
    for line, item in _objects(path, reading.encoding):
        yield document(item, reading, path, line)


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read queries; the id is `qid`, `query_id`, `_id` or `id`, the text `query`, `text`, `title` or `question`."""
    reading.only("jsonl", "encoding", "fields", "id_field")
    for line, item in _objects(path, reading.encoding):
        yield query(item, reading, path, line)


def document(item: Mapping[str, Any], reading: Reading, path: Path, line: int) -> Document:
    """Make a document of a JSON object or a table row."""
    docno = _id(item, reading, DOCNO_KEYS, "a document needs an id", path, line)
    fields = _text_fields(tuple(item)) if reading.fields is None else reading.fields
    if not fields:
        _key(item, TEXT_KEYS, "a document needs a text", path, line)
    return Document(docno, _joined(item, fields, "\n", path, line), f"{path}:{line}")


def query(item: Mapping[str, Any], reading: Reading, path: Path, line: int) -> Query:
    """Make a query of a JSON object or a table row."""
    qid = _id(item, reading, QID_KEYS, "a query needs an id", path, line)
    fields = reading.fields or (_key(item, QUERY_KEYS, "a query needs a text", path, line),)
    return Query(qid, _joined(item, fields, " ", path, line), line)


@lru_cache(maxsize=256)  # the objects of a file have few layouts
def _text_fields(keys: tuple[str, ...]) -> tuple[str, ...]:
    text = next((key for key in TEXT_KEYS if key in keys), None)
    return tuple(key for key in ("title", text) if key is not None and key in keys)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in lines(path, encoding):
        if not text.strip():
            continue
        inner = text.strip(_SPACE)
        try:
            item, end = _decode(inner)
            if end < len(inner):
                raise json.JSONDecodeError("Extra data", inner, end)
        except json.JSONDecodeError as error:
            column = error.pos + 1 + text.index(inner)
            what = f"not valid JSON: {error.msg} in column {column}"
            raise bad(path, line, what, "one complete JSON object a line is needed") from None
        except RecursionError:
            raise bad(path, line, "the JSON is nested too deeply", "one flat object a line is needed") from None
        if not isinstance(item, dict):
            what = f"a JSON object is needed on every line, got {type(item).__name__}"
            raise bad(path, line, what, "write one object a line (jq -c '.[]' splits an array)")
        yield line, item


def _id(item: Mapping[str, Any], reading: Reading, keys: tuple[str, ...], need: str, path: Path, line: int) -> str:
    names = (reading.id_field,) if reading.id_field is not None else keys
    value = item[_key(item, names, need, path, line)]
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise bad(path, line, f"the id must be a string, got {type(value).__name__} {value!r}", "correct the line")


def _key(item: Mapping[str, Any], keys: tuple[str, ...], need: str, path: Path, line: int) -> str:
    for key in keys:
        if key in item:
            return key
    raise bad(
        path, line, f"{need} ({', '.join(keys)}), got {', '.join(map(str, item))}", "name the keys or rename them"
    )


def _joined(item: Mapping[str, Any], fields: tuple[str, ...], glue: str, path: Path, line: int) -> str:
    parts: list[str] = []
    for name in fields:
        value = item.get(name)
        if type(value) is str and value:
            parts.append(value)
            continue
        if name not in item:
            raise bad(path, line, f"there is no {name!r}, got {', '.join(map(str, item))}", "choose other fields")
        if value is not None and not isinstance(value, str):
            raise bad(
                path, line, f"{name!r} must be a string, got {type(value).__name__} {value!r}", "correct the line"
            )
    return glue.join(parts)
