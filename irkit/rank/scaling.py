"""Features brought to a common scale, and what stands for missing ones: functions on arrays.

Symbols: n queries, m results in the order of queries, F features.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Bools, Floats, Ints


def minmax_by_query(ptr: Ints, x: Floats, counted: Bools | None = None) -> Floats:
    """Map each feature linearly to [0, 1] within each query; one that is constant there becomes 0.

    Source: LETOR's query-level normalisation; Qin, Liu, Xu and Li, "LETOR: a benchmark collection for research on
    learning to rank for information retrieval", Information Retrieval 13, 2010.

    Parameters
    ----------
    ptr : (n + 1,) int
        Results of query i are rows `ptr[i]:ptr[i + 1]`.
    x : (m, F) float64
    counted : (m,) bool, optional
        Results that minimum and maximum are of; what others become may lie outside [0, 1].

    Returns
    -------
    (m, F) float64 in [0, 1]

    Examples
    --------
    >>> minmax_by_query(np.array([0, 3]), np.array([[2.0, 7.0], [4.0, 7.0], [3.0, 7.0]])).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]]
    """
    low, high = (_by_query(function, ptr, _only(x, counted)) for function in (np.fmin, np.fmax))
    low, high = (np.where(np.isnan(one), x, one) for one in (low, high))  # of a query where none is counted
    spread = high - low
    return (x - low) / np.where(spread > 0, spread, 1.0)


def statistics(x: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (the population's; 0 of a constant) of each feature: (F,), (F,)."""
    constant = x.min(axis=0) == x.max(axis=0)  # whose deviation may be of rounding size
    return x.mean(axis=0), np.where(constant, 0.0, x.std(axis=0))


def standardised(x: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Return (x - mean) / deviation, 0 of a feature without deviation.

    Parameters
    ----------
    x : (m, F) float64
    mean, deviation : (F,) float64
        Those of the training results; see `statistics`.
    """
    return np.where(deviation > 0, (x - mean) / np.where(deviation > 0, deviation, 1.0), 0.0)


def lowest_for_missing(ptr: Ints, x: Floats, counted: Bools | None = None) -> Floats:
    """Replace NaN by the lowest value that the feature has in the query, 0 where it has none.

    Parameters
    ----------
    ptr, x, counted
        As `minmax_by_query`.
    """
    low = _by_query(np.fmin, ptr, _only(x, counted))  # which passes NaN over
    return np.where(np.isnan(x), np.where(np.isnan(low), 0.0, low), x)


def _only(x: Floats, counted: Bools | None) -> Floats:
    return x if counted is None else np.where(counted[:, None], x, np.nan)


def _by_query(function: np.ufunc, ptr: Ints, x: Floats) -> Floats:
    """Reduce each query's rows and repeat the result for each of them: (m, F)."""
    counts = np.diff(ptr)
    if not len(x):
        return x
    found: Floats = function.reduceat(x, ptr[:-1][counts > 0], axis=0)
    return np.repeat(found, counts[counts > 0], axis=0)
