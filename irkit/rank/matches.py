"""Which terms of a query stand in which of its documents, and how often: looked up for many pairs at once.

Nothing is scored here. The posting lists of an index lie sorted in memory maps, so a pair of a term and a document is
found by bisection, all pairs in step; what a collection holds beside them is not read.

Symbols: n queries, m results, T pairs of a query and one of its terms, P pairs of a result and a term that it has,
D documents, V terms of the index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.frames import asked
from irkit.hits import Hits
from irkit.rank.smoothing import groups

if TYPE_CHECKING:
    from irkit.lucene import Index

PAIRS = 1 << 20
"Pairs of a result and a term that are looked up at a time."

_KEPT: WeakKeyDictionary[Hits, Candidates] = WeakKeyDictionary()


class QueryTerms(NamedTuple):
    """The distinct terms of n queries that an index has."""

    ptr: Ints
    "(n + 1,) int64: those of query i are `term[ptr[i]:ptr[i + 1]]`, in ascending byte order."
    term: Ints
    "(T,) int64: rows of the index's vocabulary."
    weight: Floats
    "(T,) float64, positive: how often a text has the term, or the weight that the query gives it."

    def between(self, start: int, stop: int) -> QueryTerms:
        """Return those of queries start, ..., stop - 1."""
        low, high = int(self.ptr[start]), int(self.ptr[stop])
        return QueryTerms(self.ptr[start : stop + 1] - low, self.term[low:high], self.weight[low:high])

    def total(self, values: Floats) -> Floats:
        """(n,) sums of (T,) values over the terms of each query."""
        return _sums(segments(self.ptr), values, len(self.ptr) - 1)

    def largest(self, values: Floats) -> Floats:
        """(n,) largest of (T,) values of each query, at least 0."""
        out = np.zeros(len(self.ptr) - 1)
        np.maximum.at(out, segments(self.ptr), values)
        return out


@dataclass(frozen=True)
class Matches:
    """Pairs of a result and a term of its query that its document has, in the order of results and of terms."""

    size: int
    "m."
    hit: Ints
    "(P,) int64: the result."
    term: Ints
    "(P,) int64: rows of the index's vocabulary."
    weight: Floats
    "(P,) float64: of the term in the query."
    tf: Ints
    "(P,) int: how often the document has it, 1 or more."

    def total(self, values: Floats) -> Floats:
        """(m,) sums of (P,) values over the matched terms of each result."""
        return _sums(self.hit, values, self.size)

    def largest(self, values: Floats) -> Floats:
        """(m,) largest of (P,) values of each result, at least 0."""
        out = np.zeros(self.size)
        np.maximum.at(out, self.hit, values)
        return out


def query_terms(index: Index, queries: Sequence[str | Mapping[str, float]]) -> QueryTerms:
    """Return the terms of queries, analysed as the index's documents were; those that no document has are left out."""
    texts = [query for query in queries if isinstance(query, str)]
    analysed = iter(index.analyze(texts) if texts else [])
    bags = [Counter(next(analysed)) if isinstance(query, str) else query for query in queries]
    names = list(dict.fromkeys(term for bag in bags for term in bag))
    row = dict(zip(names, index.vocabulary.ids(names).tolist(), strict=True))
    triples = [
        sorted((row[term], float(weight)) for term, weight in bag.items() if weight > 0 and row[term] >= 0)
        for bag in bags
    ]
    flat = np.array([pair for own in triples for pair in own], dtype=np.float64).reshape(-1, 2)
    return QueryTerms(offsets(np.array([len(own) for own in triples])), flat[:, 0].astype(np.int64), flat[:, 1].copy())


@dataclass(frozen=True, eq=False)
class Candidates:
    """Some queries and the documents of their results."""

    index: Index
    terms: QueryTerms
    "Of n queries."
    ptr: Ints
    "(n + 1,) int: the documents of query i are `doc[ptr[i]:ptr[i + 1]]`."
    doc: Ints
    "(m,) int: rows of the index's docno table."

    @cached_property
    def matches(self) -> Matches:
        """The terms of each query looked up in its documents."""
        counts = np.diff(self.terms.ptr)
        query = segments(self.ptr)
        hit = np.repeat(np.arange(len(self.doc)), counts[query])
        # The terms of a query once for each of its results.
        place = np.arange(len(hit)) + np.repeat(self.terms.ptr[:-1][query] - offsets(counts[query])[:-1], counts[query])
        tf = frequencies(self.index.postings, self.terms.term[place], self.doc[hit])
        here = np.flatnonzero(tf)
        return Matches(len(self.doc), hit[here], self.terms.term[place[here]], self.terms.weight[place[here]], tf[here])

    def repeated(self, values: Floats) -> Floats:
        """(m,) values of queries, (n,), for each of their results."""
        return np.repeat(values, np.diff(self.ptr))


def candidates(index: Index, flow: Hits, *, who: str) -> Sequence[Candidates]:
    """Return the results of consecutive groups of queries, so many at once as fit `PAIRS`.

    What is found of a flow that is one group is kept as long as the flow: stages side by side start from the same.

    Raises
    ------
    NotFoundError
        If the index lacks a document.
    FrameError
        If the results do not hold the queries' texts; says to `who`.
    """
    kept = _KEPT.get(flow)
    if kept is not None and kept.index is index:
        return [kept]
    terms, doc = query_terms(index, asked(flow.queries, who=who)), flow.on(index.docnos).doc
    found = [
        Candidates(
            index,
            terms.between(start, end),
            flow.ptr[start : end + 1] - flow.ptr[start],
            doc[int(flow.ptr[start]) : int(flow.ptr[end])],
        )
        for start, end in groups(np.diff(flow.ptr) * np.diff(terms.ptr), PAIRS)
    ]
    if len(found) == 1:
        _KEPT[flow] = found[0]
    return found


def _sums(place: Ints, values: Floats, size: int) -> Floats:
    """(size,) float64 sums of values by their place."""
    return np.asarray(np.bincount(place, weights=values, minlength=size), dtype=np.float64)


def frequencies(postings: Any, term: Ints, doc: Ints) -> Ints:
    """Return how often documents have terms, pair by pair.

    Parameters
    ----------
    postings : (D, V) csc_matrix
        Documents ascending within each term.
    term, doc : (P,) int

    Returns
    -------
    (P,) int32

    Examples
    --------
    >>> from scipy.sparse import csc_matrix
    >>> counts = csc_matrix(np.array([[0, 2], [3, 0], [1, 5]], dtype=np.int32))
    >>> frequencies(counts, np.array([0, 0, 1, 1]), np.array([0, 1, 2, 1])).tolist()
    [0, 3, 5, 0]
    """
    docs, counts = np.asarray(postings.indices), np.asarray(postings.data)
    if not len(docs):
        return np.zeros(len(term), dtype=np.int32)
    low, end = (np.asarray(postings.indptr)[rows].astype(np.int64) for rows in (term, term + 1))
    last = len(docs) - 1
    for step in (1 << np.arange(int((end - low).max(initial=0)).bit_length()))[::-1].tolist():
        # `low` documents of the list are known to come before.
        further = (low + step <= end) & (docs[np.minimum(low + (step - 1), last)] < doc)
        low += step * further
    place = np.minimum(low, last)
    return np.where((low < end) & (docs[place] == doc), counts[place], 0)
