"""Fusion and score normalisation as functions on arrays.

Symbols: m hits, n queries, S systems. `query` numbers the query of each hit, `ptr` are offsets of
queries that own consecutive hits.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats, Ints


def minmax(ptr: Ints, score: Floats) -> Floats:
    """Map each query's scores linearly to [0, 1]; a query whose scores are all equal gets 1.

    Parameters
    ----------
    ptr : (n + 1,) int
    score : (m,) float64

    Returns
    -------
    (m,) float64 in [0, 1]
    """
    low, high = _per_query(np.minimum, ptr, score), _per_query(np.maximum, ptr, score)
    spread = high - low
    return np.where(spread > 0, (score - low) / np.where(spread > 0, spread, 1.0), 1.0)


def zscore(ptr: Ints, score: Floats) -> Floats:
    """Standardise each query's scores: (s - mean) / standard deviation; a constant query gets 0."""
    count = np.maximum(np.repeat(np.diff(ptr), np.diff(ptr)), 1)
    centred = score - _per_query(np.add, ptr, score) / count
    deviation = np.sqrt(_per_query(np.add, ptr, centred**2) / count)
    # A query of equal scores can keep a deviation of rounding size; it is constant all the same.
    flat = _per_query(np.maximum, ptr, score) == _per_query(np.minimum, ptr, score)
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, deviation))


def sum_to_one(ptr: Ints, score: Floats) -> Floats:
    """Shift each query's scores so that the least is 0, then scale them to sum to 1.

    A query whose scores are all equal gets the uniform distribution.

    Source: Montague and Aslam, "Relevance score normalization for metasearch", CIKM 2001 ("Sum").
    """
    shifted = score - _per_query(np.minimum, ptr, score)
    total = _per_query(np.add, ptr, shifted)
    count = np.maximum(np.repeat(np.diff(ptr), np.diff(ptr)), 1)
    return np.where(total > 0, shifted / np.where(total > 0, total, 1.0), 1.0 / count)


NORMALISERS = {"minmax": minmax, "zscore": zscore, "sum": sum_to_one}
"Score normalisations by name."


def reciprocal_rank(rank: Ints, k: float) -> Floats:
    """Score a document 1 / (k + r), with r = 1 for the best.

    Source: Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods", SIGIR 2009; k = 60 there.

    Parameters
    ----------
    rank : (m,) int
        0 is best.
    """
    return 1.0 / (k + rank + 1)


def pool(query: Ints, doc: Ints, system: Ints, documents: int) -> tuple[Ints, Ints, Ints]:
    """Find the distinct (query, document) pairs of several result lists.

    Returns
    -------
    query, doc : (p,) int
        The distinct pairs.
    pair : (m,) int
        Which pair each incoming hit is.
    """
    key = query.astype(np.int64) * documents + doc
    distinct, pair = np.unique(key, return_inverse=True)
    return distinct // documents, distinct % documents, pair


def _per_query(reduce: np.ufunc, ptr: Ints, score: Floats) -> Floats:
    """Reduce each query's scores and repeat the value on each of its hits."""
    counts = np.diff(ptr)
    filled = counts > 0
    values = reduce.reduceat(score, ptr[:-1][filled]) if filled.any() else np.zeros(0)
    return np.repeat(values, counts[filled])
