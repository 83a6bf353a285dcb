"""Lucene indexes: building, searching, reading. Nothing here starts a JVM before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.lucene.analysis import Analyzer as Analyzer
    from irkit.lucene.bridge import Found as Found
    from irkit.lucene.build import build_index as build_index
    from irkit.lucene.index import Index as Index
    from irkit.lucene.index import IndexStats as IndexStats
    from irkit.lucene.shard_writing import add_shard as add_shard
    from irkit.lucene.shard_writing import replace_shard as replace_shard
    from irkit.lucene.similarity import BM25 as BM25
    from irkit.lucene.similarity import TFIDF as TFIDF
    from irkit.lucene.similarity import LuceneQLD as LuceneQLD
    from irkit.lucene.similarity import LuceneQLJM as LuceneQLJM
    from irkit.lucene.similarity import QLDirichlet as QLDirichlet
    from irkit.lucene.similarity import QLJelinekMercer as QLJelinekMercer
    from irkit.lucene.vocabulary import Vocabulary as Vocabulary
else:
    __getattr__, __dir__, __all__ = door(__name__)
