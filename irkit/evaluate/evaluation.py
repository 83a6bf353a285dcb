"""Effectiveness of ranked results, in irkit's own order.

The common measures are computed from arrays (`irkit.evaluate.formulas`), others by ir-measures, which is handed
each query's results with minus their rank as score: ties are broken by `irkit.hits.rank_order` and never by a
provider. A query that has qrels but no results scores 0;
a query without qrels is left out; these and whatever else may be unexpected is counted and said.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.errors import ConfigError, FrameError
from irkit.evaluate.beyond import Catalogue, check_train, is_beyond
from irkit.evaluate.formulas import formula
from irkit.evaluate.judgements import Found, Judgements
from irkit.evaluate.measures import Measures, aggregate, parse_measures
from irkit.evaluate.tables import scored
from irkit.frames import Qrels, Queries, Results, check_qrels, results_frame, short
from irkit.hits import Hits
from irkit.table import Column, Table, words
from irkit.table.published import Published

if TYPE_CHECKING:
    from ir_measures import Measure

    from irkit.recommend.table import RatingTable


COUNTS = {
    "evaluated": "",
    "without_results": "without results (score 0)",
    "without_relevant": "without a relevant document (score 0)",
    "without_judged": "with results of which none is judged",
    "without_qrels": "without judgements (left out)",
    "own_documents": "whose own document is among the results",
}
"What is counted: `evaluated` queries, then those of them a reader may not expect, last those that are no part of them."

SELF_EXCLUDED = "each query's own document left out"

NOTHING_JUDGED = "no system found a judged document; ids are compared as strings, and irkit data show says which differ"
"What stands below zeros that say nothing of the systems."


def nothing_judged(found: Iterable[Mapping[str, int]]) -> list[str]:
    """Say so where no result of any system is judged, from the counts of each."""
    counts = list(found)
    blind = all(one["without_judged"] + one["without_results"] == one["evaluated"] for one in counts)
    return [NOTHING_JUDGED] if blind and any(one["without_judged"] for one in counts) else []


def of_a_run(counts: Mapping[str, int]) -> list[str]:
    """Say what a run lacks that somebody else made: a mistaken file scores 0 as a bad system does.

    Examples
    --------
    >>> of_a_run({"evaluated": 50, "without_results": 40, "without_judged": 10})
    ['40 of 50 queries are not in the run and score 0', 'none of its documents is judged; ids are compared as strings']
    """
    asked, empty, blind = (counts[name] for name in ("evaluated", "without_results", "without_judged"))
    told = [f"{empty} of {asked} queries are not in the run and score 0"] if empty else []
    if blind and blind + empty == asked:
        told.append("none of its documents is judged; ids are compared as strings")
    return told


@dataclass(frozen=True)
class Evaluation(Published):
    """What one system scored."""

    measures: tuple[str, ...]
    "Names that `parse_measures` reads back."
    per_query: pd.DataFrame
    """One row per evaluated query (index `qid`), one float64 column per measure; nothing is rounded. Measures of all
    lists together (`Coverage@10`, `Gini@10`) have none."""
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

    def tables(self) -> list[Table]:
        """Describe the means, a row a measure."""
        columns = (Column("measure", number=False), Column("mean"))
        rows = tuple((words(name), scored(value)) for name, value in self.means.items())
        queries = f"queries: {self.counts['evaluated']:,}"
        return [Table(columns, rows, facts=tuple(filter(None, [queries, self.said()])))]

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
    train: RatingTable | None = None,
) -> Evaluation:
    """Measure results against relevance judgements.

    Parameters
    ----------
    results : Hits or results frame
        A frame is ranked by its scores and irkit's tie rule; a `rank` column is looked at only where there are none.
        It may have the columns of others (`irkit.frames.results_frame`).
    qrels : qrels frame
        Judged documents need not be in the collection.
    measures : see `parse_measures`
    queries : queries frame or sequence of qid, optional
        The queries to evaluate; default every query that has qrels.
    exclude_self : bool, optional
        Remove pairs with `docno == qid` from results and qrels first (query by example); by default where
        the qrels are of a collection whose card says so, which stands in `qrels.attrs`.
    train : RatingTable, optional
        Ratings that lists of recommendations were learned from, for the measures beyond accuracy: Coverage@10,
        Diversity@10, Gini@10, Novelty@10 (`irkit.evaluate.beyond`).

    Returns
    -------
    Evaluation
        A query whose judgements hold no relevant document scores 0 where a measure is undefined, as
        in trec_eval, and so does a value that is not finite.

    Raises
    ------
    ConfigError
        If a measure is unknown or cannot be computed on these judgements, or needs `train`.
    FrameError
        If a frame is not what its role asks for, a document occurs twice in a query's results, or
        no query is left to evaluate.
    """
    return Evaluator(qrels, measures, queries, exclude_self, train)(results)


class Evaluator:
    """Measures results of several systems against the same judgements, which are made ready once.

    Parameters and errors are those of `evaluate`.
    """

    def __init__(
        self,
        qrels: Qrels,
        measures: Measures,
        queries: Queries | Sequence[str] | None = None,
        exclude_self: bool | None = None,
        train: RatingTable | None = None,
    ) -> None:
        self.measures = parse_measures(measures)
        check_train(self.measures, train, who="evaluate")
        beyond = any(is_beyond(str(measure)) for measure in self.measures)
        self._catalogue = Catalogue.of(train) if train is not None and beyond else None
        check_qrels(qrels, who="qrels")
        self.exclude_self = excludes_self(exclude_self, qrels)
        self._unsaid = exclude_self is None and "exclude_self" not in qrels.attrs
        if self.exclude_self:
            qrels = qrels[qrels["qid"].to_numpy() != qrels["docno"].to_numpy()]
        judged = pd.Index(qrels["qid"].unique())
        if isinstance(queries, str):
            raise FrameError(f"queries: needs a queries frame or a sequence of qids, got the text {queries!r}")
        given = queries["qid"] if isinstance(queries, pd.DataFrame) else queries
        asked = judged if given is None else pd.Index(given)
        if asked.has_duplicates:
            raise FrameError(f"queries: qid {asked[asked.duplicated()][0]!r} occurs twice; each qid may occur once")
        self._judged, self._asked, self._all = set(judged), set(asked), given is None
        self._qids = asked[[qid in self._judged for qid in asked]]
        if not len(self._qids):
            raise FrameError(
                f"evaluate: no query has qrels, got qids such as {_example(asked)} in the queries and "
                f"{_example(judged)} in the qrels; ids are compared as strings"
            )
        self._judgements = Judgements(qrels, self._qids)

    def __call__(self, results: Hits | Results) -> Evaluation:
        """Measure the results of one system."""
        hits = results if isinstance(results, Hits) else Hits.from_frame(results_frame(results))
        if self.exclude_self:
            hits = without_self(hits)
        listed = _listed(hits)
        if listed and self._asked.isdisjoint(listed):
            raise FrameError(
                f"evaluate: no qid of the results is among the queries, got {_example(listed)} and "
                f"{_example(self._qids)}; ids are compared as strings"
            )
        found = self._judgements.find(hits)
        selves = own_documents(hits) if self._unsaid else 0
        values = {**self._values(hits, found), **self._beyond(hits)}
        columns = {str(m): own for m in self.measures if isinstance(own := values[str(m)], np.ndarray)}
        means = {str(m): aggregate(m, columns[str(m)]) if str(m) in columns else values[str(m)] for m in self.measures}
        return Evaluation(
            tuple(means),
            pd.DataFrame(columns, index=pd.Index(self._qids, name="qid")),
            means,
            {
                "evaluated": len(self._qids),
                "without_results": int((found.retrieved == 0).sum()),
                "without_relevant": int((found.relevant(1) == 0).sum()),
                "without_judged": int(((found.retrieved > 0) & (found.per_query(found.query) == 0)).sum()),
                "without_qrels": sum(qid not in self._judged for qid in (listed if self._all else self._asked)),
                **({"own_documents": selves} if 2 * selves > len(self._qids) else {}),
            },
            self.exclude_self,
        )

    def _beyond(self, hits: Hits) -> dict[str, Any]:
        """Return the measures beyond accuracy: (n,) float64, or a value of all lists together."""
        if self._catalogue is None:
            return {}
        catalogue = self._catalogue
        return catalogue.values(self.measures, lambda k: catalogue.lists(hits, self._qids, k))

    def _values(self, hits: Hits, found: Found) -> dict[str, Floats]:
        """Return (n,) float64 values of the measures of rankings."""
        measures = [measure for measure in self.measures if not is_beyond(str(measure))]
        n, functions = len(self._qids), list(map(formula, measures))
        values = np.zeros((n, len(measures)))
        for column, function in enumerate(functions):
            if function is not None:
                values[:, column] = function(found)
        others = [column for column, function in enumerate(functions) if function is None]
        if others:
            # Providers see queries as "1", "2", ...: one of them cuts a qid such as PLAIN-3 at its hyphen.
            run, labels = _run(hits, self._qids), _labels(self._judgements)
            values[:, others] = by_providers([measures[column] for column in others], labels, run, n)
        return {str(measure): values[:, column] for column, measure in enumerate(measures)}


def excludes_self(exclude_self: bool | None, qrels: Qrels) -> bool:
    """Say whether a query's own document is left out: as the caller says, else as the qrels' collection does."""
    if not isinstance(exclude_self, bool | None):
        raise ConfigError(f"evaluate: exclude_self must be True, False or None, got {short(exclude_self)}; write one")
    return bool(qrels.attrs.get("exclude_self")) if exclude_self is None else exclude_self


def without_self(hits: Hits) -> Hits:
    """Drop from each query's hits the document whose docno is the qid."""
    own = hits.docnos.rows(hits.queries["qid"])
    mask = hits.doc != own[hits.query]
    return hits if mask.all() else hits.kept(mask)


def own_documents(hits: Hits) -> int:
    """Count the queries whose own id is among their results: they are documents, which a collection may leave out."""
    own = hits.docnos.rows(hits.queries["qid"])
    return len(np.unique(hits.query[hits.doc == own[hits.query]]))


NOWHERE = "\x01"
"A docno that no run holds: ids have no control characters."


def _run(hits: Hits, qids: pd.Index) -> dict[str, dict[str, float]]:
    """Return docno -> minus rank for every query with results, one string object per distinct document."""
    used, place = np.unique(hits.doc, return_inverse=True)
    names = hits.docnos.take(used).to_pylist()
    counts = np.diff(hits.ptr)
    falling = (-np.arange(counts.max(initial=0), dtype=np.float64)).tolist()
    run: dict[str, dict[str, float]] = {}
    for number, row in enumerate(pd.Index(hits.queries["qid"]).get_indexer(qids).tolist(), 1):
        if row >= 0 and counts[row]:
            docnos = [names[i] for i in place[hits.ptr[row] : hits.ptr[row + 1]].tolist()]
            run[str(number)] = dict(zip(docnos, falling, strict=False))
    return run


def _labels(judgements: Judgements) -> dict[str, dict[str, int]]:
    labels: dict[str, dict[str, int]] = {str(number): {} for number in range(1, len(judgements.qids) + 1)}
    rows, docnos, found = judgements.query.tolist(), judgements.docnos.to_pylist(), judgements.label.tolist()
    for row, docno, label in zip(rows, docnos, found, strict=True):
        labels[str(row + 1)][docno] = label
    for of_query in labels.values():
        if max(of_query.values()) < 0:  # trec_eval writes past its arrays; a document that nobody lists changes nothing
            of_query[NOWHERE] = 0
    return labels


def by_providers(measures: list[Measure], labels: Any, run: Any, n: int) -> Floats:
    """Measure with ir-measures: (n, M) float64, each measure's default where a provider says nothing.

    `labels` and `run` map queries "1", "2", ..., n to documents and their label or score.
    """
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


def _listed(hits: Hits) -> list[str]:
    """Return the qids that have results."""
    return [qid for qid, count in zip(hits.queries["qid"].tolist(), np.diff(hits.ptr).tolist(), strict=True) if count]


def _example(qids: Sequence[str] | pd.Index) -> str:
    return repr(str(qids[0])) if len(qids) else "none"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
