"""Lucene's own search, called class by class through jnius: nothing of irkit's bridge takes part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from irkit.lucene import jvm

SIMILARITIES = {
    "bm25": ("BM25Similarity", ("k1", "b")),
    "lucene-qld": ("LMDirichletSimilarity", ("mu",)),
    "lucene-qljm": ("LMJelinekMercerSimilarity", ("lam",)),
    "tf-idf": ("ClassicSimilarity", ()),
}


def _class(name: str):
    jvm.start()
    import jnius

    return jnius.autoclass(name)


class LuceneSearch:
    """Boolean queries of boosted terms, sorted by score and then by the `id` field."""

    def __init__(self, path: Path) -> None:
        directory = _class("org.apache.lucene.store.FSDirectory").open(_class("java.io.File")(str(path)).toPath())
        self.reader = _class("org.apache.lucene.index.DirectoryReader").open(directory)
        self.searcher = _class("org.apache.lucene.search.IndexSearcher")(self.reader.getContext())
        self.searcher.setQueryCache(None)

    def search(self, query: Mapping[str, float], k: int, similarity, ties: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the documents (int32) and scores (float32) of one query."""
        kind, fields = SIMILARITIES[similarity.name]
        parameters = [float(getattr(similarity, name)) for name in fields]
        self.searcher.setSimilarity(_class(f"org.apache.lucene.search.similarities.{kind}")(*parameters))
        package = "org.apache.lucene.search"
        builder = _class(f"{package}.BooleanQuery$Builder")()
        should = _class(f"{package}.BooleanClause$Occur").SHOULD
        for term, weight in query.items():
            if weight:
                leaf = _class(f"{package}.TermQuery")(_class("org.apache.lucene.index.Term")("contents", term))
                builder.add(_class(f"{package}.BoostQuery")(leaf, float(weight)), should)
        field = _class(f"{package}.SortField")
        by_id = field("id", _class(f"{package}.SortField$Type").STRING_VAL, ties == "trec")
        order = _class(f"{package}.Sort")(field.FIELD_SCORE, by_id)
        hits = list(self.searcher.search(builder.build(), k, order, True).scoreDocs)
        return np.array([hit.doc for hit in hits], np.int32), np.array([hit.score for hit in hits], np.float32)


def bag(terms: list[str]) -> dict[str, float]:
    """Weigh analysed terms by their number."""
    return {term: float(n) for term, n in Counter(terms).items()}
