"""Rank aggregation: each feature is a ranking of a query's candidates, and these are joined without any judgement.

Of n candidates of a query, feature f ranks n_f, r_f(d) = 1 the best; others it lacks (NaN).

    borda     sum over f of n - r_f(d); candidates that f lacks share the points left, (n - n_f - 1) / 2 each
    rrf       sum over f that rank d of 1 / (k + r_f(d))
    combmnz   (number of f that rank d) * (sum over these of 1 - (r_f(d) - 1) / n_f)
    mean      mean over f that rank d of 1 - (r_f(d) - 1) / n_f, 0 where none does

Equal values have the mean of their ranks.

Sources: Aslam and Montague, "Models for metasearch", SIGIR 2001 (Borda count); Cormack, Clarke and Buettcher, SIGIR
2009 (reciprocal rank fusion); Fox and Shaw, "Combination of multiple searches", TREC-2 (CombMNZ), with scores made of
ranks as Lee, SIGIR 1997, makes them.
Symbols: m candidates, F features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.config import Config
from irkit.hits import Hits
from irkit.pipeline.learned import features_of
from irkit.pipeline.stage import Stage


class AggregateRanksConfig(Config):
    """Settings of `AggregateRanks`."""

    method: Literal["borda", "rrf", "combmnz", "mean"] = "borda"
    "How the rankings are joined."
    best: Literal["lowest", "highest"] = "highest"
    "Which values a feature ranks first: the lowest, as of ranks, or the highest, as of scores."
    k: float = Field(60, ge=0)
    "Of reciprocal rank fusion."


def ranks(ptr: Ints, x: Floats, *, lowest: bool) -> Floats:
    """Rank the candidates of each query by each feature: (m, F) to (m, F), 1 the best, NaN where it lacks one.

    Parameters
    ----------
    ptr : (n + 1,) int
        Candidates of query i are rows `ptr[i]:ptr[i + 1]`.
    x : (m, F)
    lowest : bool
        Whether the lowest value is the best.

    Examples
    --------
    >>> ranks(np.array([0, 4]), np.array([[5.0], [2.0], [np.nan], [2.0]]), lowest=True).ravel().tolist()
    [3.0, 1.5, nan, 1.5]
    """
    query = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    out = np.full(x.shape, np.nan)
    for column in range(x.shape[1]):
        there = np.flatnonzero(~np.isnan(x[:, column]))
        value = x[there, column] if lowest else -x[there, column]
        order = np.lexsort((value, query[there]))
        mine, value = query[there][order], value[order]
        new = np.append(True, (mine[1:] != mine[:-1]) | (value[1:] != value[:-1]))[: len(mine)]
        group = np.cumsum(new) - 1
        place = np.arange(len(mine)) - np.searchsorted(mine, mine)
        mean = np.bincount(group, place) / np.bincount(group) if len(mine) else np.zeros(0)
        out[there[order], column] = 1 + mean[group]
    return out


def borda(rank: Floats, listed: Floats, n: Floats, k: float) -> Floats:
    """Add up points: n less the rank, or a share of what is left."""
    points: Floats = np.where(np.isnan(rank), (n - listed - 1) / 2, n - rank).sum(axis=1)
    return points


def rrf(rank: Floats, listed: Floats, n: Floats, k: float) -> Floats:
    """Add up reciprocals of k plus the rank."""
    total: Floats = np.nansum(1 / (k + rank), axis=1)
    return total


def combmnz(rank: Floats, listed: Floats, n: Floats, k: float) -> Floats:
    """Multiply the sum of scores made of ranks by the number of rankings."""
    total: Floats = (~np.isnan(rank)).sum(axis=1) * np.nansum(1 - (rank - 1) / listed, axis=1)
    return total


def mean(rank: Floats, listed: Floats, n: Floats, k: float) -> Floats:
    """Average scores made of ranks over the rankings that there are."""
    found: Floats = np.nansum(1 - (rank - 1) / listed, axis=1) / np.maximum((~np.isnan(rank)).sum(axis=1), 1)
    return found


METHODS: dict[str, Callable[[Floats, Floats, Floats, float], Floats]] = {
    "borda": borda,
    "rrf": rrf,
    "combmnz": combmnz,
    "mean": mean,
}
"Of ranks (m, F), candidates listed (m, F), candidates of the query (m, 1) and k, to (m,)."


class AggregateRanks(Stage):
    """Rank candidates by all their features as rankings, joined by Borda count, RRF, CombMNZ or the mean."""

    name = "aggregate-ranks"
    config_type = AggregateRanksConfig
    config: AggregateRanksConfig

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        FrameError
            If they have no features.
        """
        if not len(flow):
            return flow
        c, x = self.config, features_of(flow, self.name)
        rank = ranks(flow.ptr, x, lowest=c.best == "lowest")
        counts = np.diff(flow.ptr)
        there = np.append(np.zeros((1, x.shape[1])), np.cumsum(~np.isnan(x), axis=0), axis=0)
        listed = np.repeat(there[flow.ptr[1:]] - there[flow.ptr[:-1]], counts, axis=0)
        n = np.repeat(counts, counts)[:, None].astype(np.float64)
        return flow.rescored(METHODS[c.method](rank, listed, n, c.k))
