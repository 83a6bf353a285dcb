"""Documents on their way into an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from irkit.errors import DataError

DOCNO_KEYS = ("docno", "_id", "id", "docid")
TEXT_KEYS = ("contents", "text", "body")


class Document(NamedTuple):
    """One document: its external id, its text and where it was read."""

    docno: str
    text: str
    where: str = ""
    "`file:line` or `row 3`, for error messages."


def as_documents(source: Any) -> Iterator[Document]:
    """Yield documents from a frame, or from an iterable of `Document`, dicts or (docno, text) pairs.

    A dict or frame names its id `docno`, `_id`, `id` or `docid` and its text `contents`, `text` or
    `body`; a `title` is put before the text.

    Raises
    ------
    DataError
        If a row has no id or no text; the message says which row.
    """
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        names = list(source.columns)
        source = (dict(zip(names, row, strict=True)) for row in source.itertuples(index=False, name=None))
    if isinstance(source, (str, Mapping)) or not isinstance(source, Iterable):
        raise DataError(
            f"documents: needs an iterable of documents, got {type(source).__name__}; use read_documents for files"
        )
    for row, item in enumerate(source, 1):
        if isinstance(item, Document):
            yield item
        elif isinstance(item, Mapping):
            yield from_mapping(item, f"row {row}")
        elif isinstance(item, tuple) and len(item) == 2:
            yield from_mapping({"docno": item[0], "text": item[1]}, f"row {row}")
        else:
            raise DataError(f"row {row}: a document is a dict with docno and text, got {type(item).__name__}")


def from_mapping(item: Mapping[str, Any], where: str) -> Document:
    """Make a document of a dict; see `as_documents` for the keys."""
    docno = next((item[key] for key in DOCNO_KEYS if key in item), None)
    text = next((item[key] for key in TEXT_KEYS if key in item), None)
    title = item.get("title")
    if docno is None:
        raise DataError(
            f"{where}: a document needs an id ({', '.join(DOCNO_KEYS)}), got the keys {', '.join(map(str, item))}"
        )
    if text is None and title is None:
        raise DataError(
            f"{where}: a document needs a text ({', '.join(TEXT_KEYS)}), got the keys {', '.join(map(str, item))}"
        )
    for name, value in (("id", docno), ("text", text), ("title", title)):
        if value is not None and not isinstance(value, str):
            raise DataError(f"{where}: the {name} of a document must be a string, got {type(value).__name__} {value!r}")
    return Document(str(docno), "\n".join(part for part in (title, text) if part), where)
