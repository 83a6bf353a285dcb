"""The texts of documents that are shown beside their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from irkit.errors import ConfigError

if TYPE_CHECKING:
    from irkit.lucene.index import Index

SNIPPET = 100
"Characters of a document shown beside its id."


def stored_texts(index: Index, docnos: Sequence[str]) -> list[str | None]:
    """Return the stored texts of documents, None for each where the index stores none."""
    try:
        return list(index.texts(docnos)) if docnos else []
    except ConfigError:  # an index without stored texts is searched all the same
        return [None] * len(docnos)


def snippet(text: str, length: int = SNIPPET) -> str:
    """Return the start of a text on one line.

    Examples
    --------
    >>> snippet("Heavy rain  has\\n fallen on the coast", 20)
    'Heavy rain has...'
    """
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    return line[: length - 2].rsplit(" ", 1)[0] + "..."
