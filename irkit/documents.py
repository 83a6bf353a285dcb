"""Documents on their way into an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from irkit.errors import DataError
from irkit.ids import check_id

if TYPE_CHECKING:
    import pyarrow as pa

DOCNO_KEYS = ("docno", "_id", "id", "docid", "doc_id", "pid")
TEXT_KEYS = ("contents", "text", "body", "passage")


class Document(NamedTuple):
    """One document: its external id, its text and where it was read."""

    docno: str
    text: str
    where: str = ""
    "`file:line` or `row 3`, for error messages."


class Columns(NamedTuple):
    """Some documents at once, where no Python object for each of them is wanted."""

    docnos: pa.LargeStringArray
    "(n,) without nulls."
    texts: pa.LargeStringArray
    "(n,) without nulls."
    where: Callable[[int], str]
    "Of a row, for error messages."


@runtime_checkable
class Blocked(Protocol):
    """A source of documents that gives them block by block, too."""

    def document_blocks(self) -> Iterator[Columns | list[Document]]:
        """Yield the documents in their order: as columns what can be had so, the others one by one."""


def as_documents(source: Any) -> Iterator[Document]:
    """Yield documents from a frame, or from an iterable of `Document`, dicts or (docno, text) pairs.

    A dict or frame names its id `docno`, `_id`, `id`, `docid`, `doc_id` or `pid` and its text
    `contents`, `text`, `body` or `passage`, the first of them that holds one; a `title` is put before
    the text. A missing value (None, NaN) is as good as no such column; an empty text is a text. Ids
    may be whole numbers.

    Raises
    ------
    DataError
        If a row has no id or no text, or its id holds control characters; the message says which row.
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
    key = next((key for key in DOCNO_KEYS if key in item), None)
    docno: Any = None if key is None else item[key]
    if is_missing(docno):
        raise DataError(
            f"{where}: a document needs an id ({', '.join(DOCNO_KEYS)}), {_held(item, key)}; give every document one"
        )
    if isinstance(docno, Integral) and not isinstance(docno, bool):
        docno = str(docno)
    parts = {name: item[name] for name in ("title", *text_keys(item)) if name in item and not is_missing(item[name])}
    if not parts:
        text = next((name for name in (*TEXT_KEYS, "title") if name in item), None)
        raise DataError(
            f"{where}: a document needs a text ({', '.join(TEXT_KEYS)}), {_held(item, text)}; "
            "an empty text is written as an empty string"
        )
    for name, value in (("id", docno), *parts.items()):
        if not isinstance(value, str):
            raise DataError(f"{where}: the {name} of a document must be a string, got {type(value).__name__} {value!r}")
    check_id(docno, "a document", where)
    return Document(docno, "\n".join(part for part in parts.values() if part), where)


def text_keys(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the key whose value is a document's text: the first one that is not empty, else the first one there."""
    there = [key for key in TEXT_KEYS if key in item and not is_missing(item[key])]
    return tuple([key for key in there if item[key] != ""][:1] or there[:1])


def is_missing(value: Any) -> bool:
    """Say whether a value is None or what pandas has in its place: NaN, NaT, NA."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _held(item: Mapping[str, Any], key: str | None) -> str:
    return f"got {item[key]} as {key}" if key is not None else f"got the keys {', '.join(map(str, item))}"
