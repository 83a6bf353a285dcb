"""Fusion and score normalisation as functions on arrays.

Symbols: m hits, n queries, p distinct pairs. `query` numbers the query of each hit, `ptr` are offsets of
queries that own consecutive hits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from irkit.arrays import Bools, Floats, Ints


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
    """Standardise each query's scores: (s - mean) / standard deviation; a constant query gets 0.

    The deviation is that of the population (divided by the number of hits).
    """
    # A query of equal scores can keep a deviation of rounding size; it is constant all the same.
    low, high = _per_query(np.minimum, ptr, score), _per_query(np.maximum, ptr, score)
    spread = np.where(high > low, high - low, 1.0)
    count = np.repeat(np.diff(ptr), np.diff(ptr))
    # In units of the spread, so that squares of tiny scores do not vanish.
    unit = (score - low) / spread
    centred = unit - _per_query(np.add, ptr, unit) / count
    deviation = np.sqrt(_per_query(np.add, ptr, centred**2) / count)
    return np.where(high > low, centred / np.where(high > low, deviation, 1.0), 0.0)


def sum_to_one(ptr: Ints, score: Floats) -> Floats:
    """Shift each query's scores so that the least is 0, then scale them to sum to 1.

    A query whose scores are all equal gets the uniform distribution.

    Source: Montague and Aslam, "Relevance score normalization for metasearch", CIKM 2001 ("Sum").
    """
    shifted = score - _per_query(np.minimum, ptr, score)
    total = _per_query(np.add, ptr, shifted)
    count = np.repeat(np.diff(ptr), np.diff(ptr))
    return np.where(total > 0, shifted / np.where(total > 0, total, 1.0), 1.0 / count)


def present(method: Callable[[Ints, Floats], Floats], ptr: Ints, values: Floats) -> Floats:
    """Normalise what is not NaN, query by query, as if there were nothing else.

    Examples
    --------
    >>> present(minmax, np.array([0, 3]), np.array([4.0, np.nan, 2.0])).tolist()
    [1.0, nan, 0.0]
    """
    there = ~np.isnan(values)
    out = np.full(len(values), np.nan)
    out[there] = method(np.append(0, np.cumsum(there))[ptr], values[there])
    return out


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


def pool(query: Ints, doc: Ints, documents: int) -> tuple[Ints, Ints, Ints]:
    """Find the distinct (query, document) pairs of several result lists.

    Parameters
    ----------
    query, doc : (m,) int
        The hits of all lists end to end.
    documents : int
        Size of the docno table, above every `doc`.

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


def member(keys: Ints, known: Ints) -> Bools:
    """Say of each key whether it is among the known ones; several times faster than `np.isin` on millions.

    Examples
    --------
    >>> member(np.array([3, 1, 7]), np.array([7, 3, 3])).tolist()
    [True, False, True]
    """
    if not len(known):
        return np.zeros(len(keys), dtype=bool)
    known = np.sort(known)
    place = np.searchsorted(known, keys)
    found: Bools = known[np.minimum(place, len(known) - 1)] == keys
    return found


def below(last: float, score: Floats) -> Floats:
    """Shift one query's falling scores below `last`: the best to last - 1, their differences kept.

    Where float64 is too coarse for that (scores of 1e16, say) each step is the next smaller number,
    so that the order is kept all the same; equal scores stay equal.

    Parameters
    ----------
    last : float
        Score to stay below.
    score : (k,) float64, descending

    Returns
    -------
    (k,) float64, descending, all < last

    Examples
    --------
    >>> below(3.0, np.array([9.0, 8.5, 8.5])).tolist()
    [2.0, 1.5, 1.5]
    >>> below(1e16, np.array([0.2, 0.1])).tolist()
    [9999999999999998.0, 9999999999999996.0]
    """
    shifted: Floats = last - 1.0 + (score - score[0])
    falls = np.diff(score) < 0
    if shifted[0] < last and (np.diff(shifted)[falls] < 0).all():
        return shifted
    out, above = shifted.copy(), last
    for i in range(len(out)):
        if i and not falls[i - 1]:
            out[i] = out[i - 1]
        else:
            out[i] = above = min(out[i], np.nextafter(above, -np.inf))
    return out


def _per_query(reduce: np.ufunc, ptr: Ints, score: Floats) -> Floats:
    """Reduce each query's scores and repeat the value on each of its hits."""
    counts = np.diff(ptr)
    filled = counts > 0
    values = reduce.reduceat(score, ptr[:-1][filled]) if filled.any() else np.zeros(0)
    return np.repeat(values, counts[filled])
