"""Lucene indexes: building, searching, reading. Nothing here starts a JVM before it is needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.lucene.analysis import Analyzer as Analyzer
    from irkit.lucene.bridge import Found as Found
    from irkit.lucene.build import build_index as build_index
    from irkit.lucene.index import Index as Index
    from irkit.lucene.index import IndexStats as IndexStats
    from irkit.lucene.similarity import BM25 as BM25
    from irkit.lucene.similarity import TFIDF as TFIDF
    from irkit.lucene.similarity import LuceneQLD as LuceneQLD
    from irkit.lucene.similarity import LuceneQLJM as LuceneQLJM
    from irkit.lucene.similarity import QLDirichlet as QLDirichlet
    from irkit.lucene.similarity import QLJelinekMercer as QLJelinekMercer
    from irkit.lucene.vocabulary import Vocabulary as Vocabulary

_DOOR = {
    "Analyzer": "analysis",
    "BM25": "similarity",
    "Found": "bridge",
    "Index": "index",
    "IndexStats": "index",
    "LuceneQLD": "similarity",
    "LuceneQLJM": "similarity",
    "QLDirichlet": "similarity",
    "QLJelinekMercer": "similarity",
    "TFIDF": "similarity",
    "Vocabulary": "vocabulary",
    "build_index": "build",
}

__all__ = [*sorted(_DOOR)]


def __getattr__(name: str) -> object:
    if name in _DOOR:
        return getattr(importlib.import_module(f"irkit.lucene.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'irkit.lucene' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
