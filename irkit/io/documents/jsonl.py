"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from irkit.documents import DOCNO_KEYS, TEXT_KEYS, Document
from irkit.io.lines import bad, lines
from irkit.io.reading import Query, Reading, listed
from irkit.wording import kind_of, shown

QID_KEYS = ("qid", "query_id", "_id", "id", "query-id", "topic_id", "topic-id")
QUERY_KEYS = ("query", "text", "title", "question")

_SPACE = " \t\r\n"  # JSON's white space
_decode = json.JSONDecoder().raw_decode  # json.loads without its search for white space


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read documents; the id is `docno`, `_id`, `id`, `docid`, `doc_id` or `pid`.

    The text is `contents`, `text`, `body` or `passage`, the first of them that holds one, behind
    `title`. Whole numbers are accepted as ids. With `fields`, the text is those keys' values, in that
    order. A null is as good as no such key: a document with nothing but nulls for its text is refused,
    one with an empty text is empty.
    """
    reading.only("jsonl", "encoding", "fields", "id_field")
    for line, item in objects(path, reading.encoding):
        yield document(item, reading, path, line)


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read queries; the id is `qid`, `query_id`, `_id`, `id` or `topic_id`.

    The text is `query`, `text`, `title` or `question`, the first of them that holds one.
    """
    reading.only("jsonl", "encoding", "fields", "id_field")
    for line, item in objects(path, reading.encoding):
        yield query(item, reading, path, line)


def document(item: Mapping[str, Any], reading: Reading, path: Path, line: int) -> Document:
    """Make a document of a JSON object or a table row."""
    docno = _id(item, reading, DOCNO_KEYS, "a document needs an id", path, line)
    fields = reading.fields
    if fields is None:
        title, texts = _layout(tuple(item))
        fields = title + (texts if len(texts) < 2 else (_filled(item, texts),))
        if not fields:
            _key(item, TEXT_KEYS, "a document needs a text", path, line)
    parts = _parts(item, fields, path, line)
    if not parts and all(item[name] is None for name in fields):
        what = f"document {shown(docno)} has no text, got null as {' and '.join(fields)}"
        raise bad(path, line, what, "remove it, or write an empty text as an empty string")
    return Document(docno, "\n".join(parts), f"{path}:{line}")


def query(item: Mapping[str, Any], reading: Reading, path: Path, line: int) -> Query:
    """Make a query of a JSON object or a table row."""
    qid = _id(item, reading, QID_KEYS, "a query needs an id", path, line)
    fields = reading.fields
    if fields is None:
        _key(item, QUERY_KEYS, "a query needs a text", path, line)
        fields = (_filled(item, tuple(key for key in QUERY_KEYS if key in item)),)
    return Query(qid, " ".join(_parts(item, fields, path, line)), line)


@lru_cache(maxsize=256)  # the objects of a file have few layouts
def _layout(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of some keys hold a title and which a text, the best first."""
    return tuple(key for key in keys if key == "title"), tuple(key for key in TEXT_KEYS if key in keys)


def _filled(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of some keys that holds a text, else the first."""
    return next((name for name in names if item[name] is not None and item[name] != ""), names[0])


def objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object); blank lines are left out."""
    return objects_of(lines(path, encoding), path)


def objects_of(numbered: Iterable[tuple[int, str]], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of some lines of a file; blank lines are left out."""
    for line, text in numbered:
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
        except ValueError:  # Python reads no number of more than 4,300 digits
            raise bad(path, line, "the JSON holds a number of thousands of digits", "write it as a string") from None
        except RecursionError:
            raise bad(path, line, "the JSON is nested too deeply", "one flat object a line is needed") from None
        if not isinstance(item, dict):
            what = f"a JSON object is needed on every line, got {kind_of(item)}"
            raise bad(path, line, what, "write one object a line (jq -c '.[]' splits an array)")
        yield line, item


def _id(item: Mapping[str, Any], reading: Reading, keys: tuple[str, ...], need: str, path: Path, line: int) -> str:
    names = (reading.id_field,) if reading.id_field is not None else keys
    value = item[_key(item, names, need, path, line)]
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise bad(path, line, f"the id must be a string, got {shown(value)}", "correct the line")


def _key(item: Mapping[str, Any], keys: tuple[str, ...], need: str, path: Path, line: int) -> str:
    for key in keys:
        if key in item:
            return key
    raise bad(
        path,
        line,
        f"{need} ({', '.join(keys)}), got {listed(item)}",
        "rename them, or name them on a card or in Python",
    )


def _parts(item: Mapping[str, Any], fields: tuple[str, ...], path: Path, line: int) -> list[str]:
    """Return the texts of some keys, without empty ones and nulls."""
    parts: list[str] = []
    for name in fields:
        value = item.get(name)
        if type(value) is str and value:
            parts.append(value)
            continue
        if name not in item:
            raise bad(path, line, f"there is no {name!r}, got {listed(item)}", "choose other fields")
        if value is not None and not isinstance(value, str):
            what = f"{name!r} must be a string, got {shown(value)}"
            raise bad(path, line, what, "correct the line")
    return parts
