"""Results whose documents are judged, to measure one order of them after another: what a ranker stops early by.

The means are those of ir-measures: a label of 1 or more is relevant, the gain of a document is its label, discounted
by log2(1 + rank), and every judged query counts, 0 where it has no result or no relevant document.

Symbols: m results, J judged queries.
"""

from __future__ import annotations

import re
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import AfterValidator

from irkit.arrays import Floats, Ints, offsets
from irkit.frames import Qrels
from irkit.hits import Hits, rank_order
from irkit.pipeline.fit import Topics
from irkit.pipeline.learned import labels_of

_MEASURE = re.compile(r"(AP|RR)|(nDCG|P)@([1-9][0-9]{0,8})")


def check_measure(name: str) -> str:
    """Return the name of a measure.

    Raises
    ------
    ValueError
        If it is none of those here.
    """
    if not _MEASURE.fullmatch(name):
        raise ValueError("a measure to stop by is AP, RR, nDCG@k or P@k")
    return name


MeasureName = Annotated[str, AfterValidator(check_measure)]
"A config's field for a measure of order, by its name in ir-measures."


class Measured:
    """Results, to measure by the scores that they may have.

    Parameters
    ----------
    topics : Topics
        Of results.
    measure : str
        AP, RR, nDCG@k or P@k.
    """

    def __init__(self, topics: Topics, measure: str) -> None:
        parsed = _MEASURE.fullmatch(check_measure(measure))
        assert parsed is not None
        self.kind = parsed[1] or parsed[2]
        self.k = int(parsed[3] or 0)
        self.hits: Hits = topics.flow
        qrels = _judged(topics.qrels, self.hits)
        self.labels = labels_of(self.hits, qrels)
        self.queries = qrels["qid"].nunique()
        number = pd.Index(self.hits.queries["qid"]).get_indexer(pd.Index(qrels["qid"])).astype(np.int64)
        label = qrels["label"].to_numpy(dtype=np.float64)
        size = len(self.hits.queries)
        self.relevant = np.bincount(number[label >= 1], minlength=size)
        order = np.lexsort((-label, number))
        self.ideal = _dcg(offsets(np.bincount(number, minlength=size)), number[order], label[order], self.k)

    @property
    def can_tell(self) -> bool:
        """Whether any result is relevant, so that orders differ."""
        return bool((self.labels >= 1).any())

    def mean(self, score: Floats) -> float:
        """Return the mean of the measure over the judged queries, were the scores these: (m,) in the order of `hits`.

        Equal scores are ranked by docno, as everywhere.
        """
        hits = self.hits
        query = hits.query
        order = rank_order(query, score, hits.docnos.rank[hits.doc], hits.ties)
        found = self._each(hits.ptr, query, self.labels[order])
        return float(found.sum()) / max(self.queries, 1)

    def _each(self, ptr: Ints, query: Ints, labels: Floats) -> Floats:
        """Return the measure of each query, given labels in the order of ranks."""
        if self.kind == "nDCG":
            gained = _dcg(ptr, query, labels, self.k)
            return np.divide(gained, self.ideal, out=np.zeros(len(gained)), where=self.ideal > 0)
        rank = np.arange(len(labels)) - ptr[query] + 1
        relevant = labels >= 1
        size = len(ptr) - 1
        if self.kind == "P":
            return np.bincount(query[relevant & (rank <= self.k)], minlength=size) / self.k
        before = np.append(0, np.cumsum(relevant))  # relevant documents of all lists up to a place
        nth = (before[1:] - before[ptr[query]])[relevant]
        at, rank = query[relevant], rank[relevant]
        if self.kind == "RR":
            return _summed(at[nth == 1], 1 / rank[nth == 1], size)
        return _summed(at, nth / rank, size) / np.maximum(self.relevant, 1)


def _judged(qrels: Qrels, hits: Hits) -> Qrels:
    """Return the judgements that count: of the queries at hand, and where a query is a document not of itself."""
    counts = qrels["qid"].isin(hits.queries["qid"]).to_numpy()
    if qrels.attrs.get("exclude_self"):
        counts = counts & (qrels["qid"].to_numpy() != qrels["docno"].to_numpy())
    return qrels[counts]


def _dcg(ptr: Ints, query: Ints, labels: Floats, k: int) -> Floats:
    """Return the discounted gain of each query's first k labels: (n,)."""
    rank = np.arange(len(labels)) - ptr[query] + 1
    counted = rank <= k
    gain = np.maximum(labels[counted], 0) / np.log2(1 + rank[counted])
    return _summed(query[counted], gain, len(ptr) - 1)


def _summed(query: Ints, values: Floats, size: int) -> Floats:
    """Add values up by query: (size,) float64."""
    return np.bincount(query, weights=values, minlength=size).astype(np.float64)
