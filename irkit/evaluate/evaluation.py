"""Effectiveness of ranked results, measured by ir-measures in irkit's own order.

Each query's results are handed over with minus their rank as score, so that ties are broken by
`irkit.hits.rank_order` and never by a provider. A query that has qrels but no results scores 0;
a query without qrels is left out; these and whatever else may be unexpected is counted and said.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.errors import ConfigError, FrameError
from irkit.evaluate.measures import Measures, aggregate, parse_measures
from irkit.frames import Qrels, Queries, Results, check_qrels
from irkit.hits import Hits

if TYPE_CHECKING:
    from ir_measures import Measure


COUNTS = {
    "evaluated": "",
    "without_results": "without results (score 0)",
    "without_relevant": "without a relevant document (score 0)",
    "without_judged": "with results of which none is judged",
    "without_qrels": "without judgements (left out)",
}
"What is counted: `evaluated` queries, then those of them a reader may not expect, last those that are no part of them."

SELF_EXCLUDED = "each query's own document left out"


@dataclass(frozen=True)
class Evaluation:
    """What one system scored."""

    measures: tuple[str, ...]
    "Names that `parse_measures` reads back."
    per_query: pd.DataFrame
    "One row per evaluated query (index `qid`), one float64 column per measure; nothing is rounded."
    means: dict[str, float]
    "Aggregate over the evaluated queries: the mean, or the sum for measures that count."
    counts: dict[str, int]
    "Queries by `COUNTS`."
    exclude_self: bool = False
    "Whether each query's own document was left out."

    def said(self) -> str:
        """Say in one line what a reader of the means may not expect; empty where there is nothing to say."""
        told = [f"{self.counts[name]:,} {words}" for name, words in COUNTS.items() if words and self.counts.get(name)]
        return ", ".join([*told, *([SELF_EXCLUDED] if self.exclude_self else [])])

    def __str__(self) -> str:
        width = max(map(len, self.measures))
        lines = [f"{name:<{width}}  {value:.4f}" for name, value in self.means.items()]
        return "\n".join([*lines, ", ".join(filter(None, [f"queries: {self.counts['evaluated']:,}", self.said()]))])


def evaluate(
    results: Hits | Results,
    qrels: Qrels,
    measures: Measures,
    queries: Queries | Sequence[str] | None = None,
    exclude_self: bool | None = None,
) -> Evaluation:
    """Measure results against relevance judgements.

    Parameters
    ----------
    results : Hits or results frame
        A frame is ranked by its scores and irkit's tie rule; a `rank` column is not looked at.
    qrels : qrels frame
        Judged documents need not be in the collection.
    measures : see `parse_measures`
    queries : queries frame or sequence of qid, optional
        The queries to evaluate; default every query that has qrels.
    exclude_self : bool, optional
        Remove pairs with `docno == qid` from results and qrels first (query by example); by default where
        the qrels are of a collection whose card says so, which stands in `qrels.attrs`.

    Returns
    -------
    Evaluation
        A query whose judgements hold no relevant document scores 0 where a measure is undefined, as
        in trec_eval, and so does a value that is not finite.

    Raises
    ------
    ConfigError
        If a measure is unknown or cannot be computed on these judgements.
    FrameError
        If a frame is not what its role asks for, a document occurs twice in a query's results, or
        no query is left to evaluate.
    """
    parsed = parse_measures(measures)
    check_qrels(qrels, who="qrels")
    hits = results if isinstance(results, Hits) else Hits.from_frame(results)
    exclude_self = excludes_self(exclude_self, qrels)
    if exclude_self:
        hits = without_self(hits)
        qrels = qrels[qrels["qid"].to_numpy() != qrels["docno"].to_numpy()]
    judged = pd.Index(qrels["qid"].unique())
    asked = judged if queries is None else pd.Index(queries["qid"] if isinstance(queries, pd.DataFrame) else queries)
    if asked.has_duplicates:
        raise FrameError(f"queries: qid {asked[asked.duplicated()][0]!r} occurs twice; each qid may occur once")
    qids = asked[asked.isin(judged)]
    _check_overlap(hits, asked, judged, qids)

    # Providers see queries as "1", "2", ...: one of them cuts a qid such as PLAIN-3 at its hyphen.
    run, labels = _run(hits, qids), _labels(qrels, qids)
    values = _measure(parsed, labels, run, len(qids))
    names = tuple(map(str, parsed))
    return Evaluation(
        names,
        pd.DataFrame(values, index=pd.Index(qids, name="qid"), columns=list(names)),
        {name: aggregate(measure, column) for name, measure, column in zip(names, parsed, values.T, strict=True)},
        {
            "evaluated": len(qids),
            "without_results": len(qids) - len(run),
            "without_relevant": sum(max(own.values()) < 1 for own in labels.values()),
            "without_judged": sum(labels[number].keys().isdisjoint(ranked) for number, ranked in run.items()),
            "without_qrels": int((~(_found(hits) if queries is None else asked).isin(judged)).sum()),
        },
        exclude_self,
    )


def excludes_self(exclude_self: bool | None, qrels: Qrels) -> bool:
    """Say whether a query's own document is left out: as the caller says, else as the qrels' collection does."""
    return bool(qrels.attrs.get("exclude_self")) if exclude_self is None else exclude_self


def without_self(hits: Hits) -> Hits:
    """Drop from each query's hits the document whose docno is the qid."""
    own = hits.docnos.rows(hits.queries["qid"])
    mask = hits.doc != own[hits.query]
    return hits if mask.all() else hits.kept(mask)


def _run(hits: Hits, qids: pd.Index) -> dict[str, dict[str, float]]:
    """Return docno -> minus rank for every query with results, one string object per distinct document."""
    used, place = np.unique(hits.doc, return_inverse=True)
    names = hits.docnos.take(used).to_pylist()
    counts = np.diff(hits.ptr)
    falling = (-np.arange(counts.max(initial=0), dtype=np.float64)).tolist()
    run: dict[str, dict[str, float]] = {}
    for number, row in enumerate(pd.Index(hits.queries["qid"]).get_indexer(qids).tolist(), 1):
        if row < 0 or not counts[row]:
            continue
        docnos = [names[i] for i in place[hits.ptr[row] : hits.ptr[row + 1]].tolist()]
        run[str(number)] = ranked = dict(zip(docnos, falling, strict=False))
        if len(ranked) < len(docnos):
            twice = next(name for i, name in enumerate(docnos) if name in docnos[:i])
            raise FrameError(f"results: qid {qids[number - 1]!r}, docno {twice!r} occurs twice; keep one")
    return run


def _labels(qrels: Qrels, qids: pd.Index) -> dict[str, dict[str, int]]:
    labels: dict[str, dict[str, int]] = {str(number): {} for number in range(1, len(qids) + 1)}
    rows = qids.get_indexer(pd.Index(qrels["qid"]))
    kept = qrels[rows >= 0]
    for row, docno, label in zip(rows[rows >= 0].tolist(), kept["docno"].tolist(), kept["label"].tolist(), strict=True):
        labels[str(row + 1)][docno] = int(label)
    return labels


def _measure(measures: list[Measure], labels: Any, run: Any, n: int) -> Floats:
    """Return (n, M) float64 values, each measure's default where a provider says nothing."""
    import ir_measures

    values = np.tile(np.array([float(m.DEFAULT) for m in measures]), (n, 1))
    if run:
        column = {measure: number for number, measure in enumerate(measures)}
        try:
            for metric in ir_measures.iter_calc(measures, labels, run):
                values[int(metric.query_id) - 1, column[metric.measure]] = metric.value
        except (ArithmeticError, AssertionError, ValueError, subprocess.SubprocessError) as error:
            what = f"{' '.join(map(str, measures))} on these qrels; {_one_line(error)}"
            raise ConfigError(f"evaluate: ir-measures cannot compute {what}") from error
    return np.where(np.isfinite(values), values, 0.0)


def _check_overlap(hits: Hits, asked: pd.Index, judged: pd.Index, qids: pd.Index) -> None:
    if not len(qids):
        raise FrameError(
            f"evaluate: no query has qrels, got qids such as {_example(asked)} in the queries and {_example(judged)} "
            "in the qrels; ids are compared as strings"
        )
    found = _found(hits)
    if len(found) and not found.isin(asked).any():
        raise FrameError(
            f"evaluate: no qid of the results is among the queries, got {_example(found)} and {_example(asked)}; "
            "ids are compared as strings"
        )


def _found(hits: Hits) -> pd.Index:
    """Return the qids that have results."""
    found: pd.Index = pd.Index(hits.queries["qid"])[np.diff(hits.ptr) > 0]
    return found


def _example(qids: pd.Index) -> str:
    return repr(str(qids[0])) if len(qids) else "none"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
