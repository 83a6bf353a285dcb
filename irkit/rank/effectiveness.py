"""Measures of one ranking, by which a stage chooses what it learns; `irkit.evaluate` has all others.

They agree with trec_eval's, as ir-measures has them: a label of 1 or more is relevant, the gain of a document is its
label, discounted by log2(1 + rank).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from irkit.arrays import Floats


def average_precision(labels: Floats, judged: Floats) -> float:
    """Return the mean over relevant documents of the precision at their ranks.

    Parameters
    ----------
    labels : (m,)
        Of the documents that were found, best first; 0 of one without a judgement.
    judged : (r,)
        All labels of the query, greatest first.

    Examples
    --------
    >>> average_precision(np.array([1, 0, 2]), np.array([2, 1, 1, 0])).__round__(4)
    0.5556
    """
    relevant = labels >= 1
    precision = np.cumsum(relevant) / np.arange(1, len(labels) + 1)
    return float(precision[relevant].sum()) / max(int((judged >= 1).sum()), 1)


def reciprocal_rank(labels: Floats, judged: Floats) -> float:
    """Return 1 over the rank of the first relevant document, 0 without one; parameters as above."""
    found = np.flatnonzero(labels >= 1)
    return 1.0 / (1 + int(found[0])) if len(found) else 0.0


def ndcg(labels: Floats, judged: Floats, k: int = 10) -> float:
    """Return the discounted gain of the first k, over the best that there can be; parameters as above."""
    found, best = (
        float((np.maximum(one[:k], 0) / np.log2(np.arange(2, len(one[:k]) + 2))).sum()) for one in (labels, judged)
    )
    return found / best if best > 0 else 0.0


EFFECTIVENESS: dict[str, Callable[[Floats, Floats], float]] = {
    "AP": average_precision,
    "RR": reciprocal_rank,
    "nDCG@10": ndcg,
}
"By the names of ir-measures."
