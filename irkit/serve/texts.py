"""Texts of what was found, of passages too, which an index does not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from irkit.ids import documents_of

if TYPE_CHECKING:
    from irkit.hits import Hits
    from irkit.lucene import Index


def stored(index: Index, docnos: Sequence[str]) -> list[str | None]:
    """Return the texts of documents, None for each where the index stores none."""
    from irkit.lucene.snippets import stored_texts

    return stored_texts(index, docnos)


def whole(index: Index, docnos: Sequence[str]) -> list[str | None]:
    """Return the same of what was found, of a passage the text of its document."""
    return stored(index, documents_of(index.docnos, docnos))


def begins(index: Index, docnos: Sequence[str], found: Hits, start: int, length: int) -> list[str | None]:
    """Return the same, of a passage what the pipeline cut; of each so many characters.

    Parameters
    ----------
    index : Index
    docnos : sequence of str
        What was found from place `start` on, which counts from 0.
    found : Hits
        All that was found, of one query.
    start, length : int
    """
    texts = whole(index, docnos)
    if "text" in found.columns:
        own = found.columns["text"][start:].to_pylist()
        known = index.docnos.rows(docnos) >= 0
        texts = [text if is_known else part for text, part, is_known in zip(texts, own, known, strict=True)]
    return [None if text is None else text[:length] for text in texts]
