"""The common measures of rankings as functions of arrays, for all queries at once.

Each gives what trec_eval gives, bit for bit: sums run over ranks from the best on, as its loops do. Source: the
papers that ir-measures names; "Common Evaluation Measures", appendix of TREC 2005, for their exact form. A query
without relevant document scores 0. Symbols: n queries; `k` a cutoff, infinite for none; `rel` the least label of a
relevant document.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Bools, Floats, Ints
from irkit.evaluate.judgements import Found

if TYPE_CHECKING:
    from ir_measures import Measure


def formula(measure: Measure) -> Callable[[Found], Floats] | None:
    """Return the function that computes a measure, (n,) float64 from what was found; None where there is none here."""
    import ir_measures

    function = _FORMULAS.get(measure.NAME or "")
    if function is None or type(measure) is not type(ir_measures.measures.registry.get(measure.NAME)):
        return None
    given = dict(measure.params)
    settings: dict[str, Any] = {"k": given.pop("cutoff", math.inf)}
    if "rel" in measure.SUPPORTED_PARAMS:
        settings["rel"] = given.pop("rel", 1 if measure.NAME != "NumRet" else None)
    if any(value != measure.SUPPORTED_PARAMS[name].default for name, value in given.items()):
        return None
    return partial(function, **settings)


def precision(found: Found, *, k: float, rel: int) -> Floats:
    """Relevant documents among the first k, over k."""
    return _hits(found, k, rel) / k


def recall(found: Found, *, k: float, rel: int) -> Floats:
    """Relevant documents among the first k, over all relevant ones."""
    return _ratio(_hits(found, k, rel), found.relevant(rel))


def success(found: Found, *, k: float, rel: int) -> Floats:
    """1 where a relevant document is among the first k."""
    return np.minimum(_hits(found, k, rel), 1).astype(np.float64)


def r_precision(found: Found, *, k: float, rel: int) -> Floats:
    """Precision at as many documents as are relevant."""
    relevant = found.relevant(rel)
    inside = (found.label >= rel) & (found.rank < relevant[found.query])
    return _ratio(found.per_query(found.query[inside]), relevant)


def reciprocal_rank(found: Found, *, k: float, rel: int) -> Floats:
    """1 over the place of the first relevant document."""
    inside = _relevant(found, k, rel)
    query, first = np.unique(found.query[inside], return_index=True)
    out = np.zeros(len(found.retrieved))
    out[query] = 1 / (found.rank[inside][first] + 1)
    return out


def average_precision(found: Found, *, k: float, rel: int) -> Floats:
    """Precision at each relevant document that was found, summed, over all relevant ones."""
    inside = _relevant(found, k, rel)
    query, rank = found.query[inside], found.rank[inside]
    seen = _within(query) + 1  # relevant documents so far
    return _ratio(found.per_query(query, seen / (rank + 1)), found.relevant(rel))


def ndcg(found: Found, *, k: float) -> Floats:
    """Gain, the label, over log2(place + 1), summed; over the same sum of the best possible ranking."""
    inside = _relevant(found, k, 1)
    gain = found.per_query(found.query[inside], found.label[inside] / _log2(found.rank[inside] + 2))
    good = found.judged_label >= 1
    query, label = found.judged_query[good], found.judged_label[good]
    order = np.lexsort((-label, query))
    query, label, rank = query[order], label[order], _within(query)
    first = rank < k
    return _ratio(gain, found.per_query(query[first], label[first] / _log2(rank[first] + 2)))


def retrieved(found: Found, *, k: float, rel: int | None) -> Floats:
    """Count the documents that were found, or the relevant ones among them."""
    return (found.retrieved if rel is None else _hits(found, k, rel)).astype(np.float64)


def relevant(found: Found, *, k: float, rel: int) -> Floats:
    """Count the relevant documents, of queries without results too."""
    return found.relevant(rel).astype(np.float64)


def evaluated(found: Found, *, k: float) -> Floats:
    """1 for every query, with results or without."""
    return np.ones(len(found.retrieved))


def judged(found: Found, *, k: float) -> Floats:
    """Share of judged documents among the first k."""
    return _ratio(found.per_query(found.query[found.rank < k]), np.minimum(found.retrieved, k))


def _relevant(found: Found, k: float, rel: int) -> Bools:
    """Mask the relevant documents among the first k: (c,)."""
    return (found.label >= rel) & (found.rank < k)


def _hits(found: Found, k: float, rel: int) -> Ints:
    """Count them by query: (n,)."""
    counts: Ints = found.per_query(found.query[_relevant(found, k, rel)])
    return counts


def _within(query: Ints) -> Ints:
    """Number entries within their query from 0; those of a query stand together."""
    first = np.flatnonzero(np.diff(query, prepend=-1))
    return np.arange(len(query)) - np.repeat(first, np.diff(first, append=len(query)))


def _log2(numbers: Ints) -> Floats:
    """Return logarithms of numbers from 2 on as the C library gives them; numpy's may differ in the last bit."""
    every = np.array([0.0, 0.0, *map(math.log2, range(2, int(numbers.max(initial=1)) + 1))])
    return every[numbers]


def _ratio(a: Any, b: Any) -> Floats:
    """Divide, 0 by 0 is 0."""
    out: Floats = np.divide(a, b, out=np.zeros(len(a)), where=b > 0)
    return out


_FORMULAS: dict[str, Callable[..., Floats]] = {
    "AP": average_precision,
    "Judged": judged,
    "NumQ": evaluated,
    "NumRel": relevant,
    "NumRet": retrieved,
    "P": precision,
    "R": recall,
    "RR": reciprocal_rank,
    "Rprec": r_precision,
    "Success": success,
    "nDCG": ndcg,
}
