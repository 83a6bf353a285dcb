"""What a recipe that learns from judgements is worth, by folds of the queries that it may learn from.

The queries are split into inner folds. In each a candidate is fitted on the other inner folds and ranks the queries
of this one; put together, every query is ranked by what was learned without it, and the mean over all is the
candidate's value. Of other queries, such as those an outer fold holds out, nothing is looked at: neither results nor
judgements.

What comes before the first stage that learns depends on no judgement. It is run once for all queries, and again only
from the stage on in which a candidate differs from the one before it.

Source: Stone, "Cross-validatory choice and assessment of statistical predictions", J. Royal Statistical Society B
36(2), 1974 (the double cross of section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from irkit.errors import ConfigError
from irkit.evaluate.evaluation import evaluate
from irkit.evaluate.leak import check_leak
from irkit.evaluate.splits import folds
from irkit.hits import Hits, stacked
from irkit.pipeline.fit import Topics, before_learning
from irkit.pipeline.stage import Flow, Stage

if TYPE_CHECKING:
    from irkit.evaluate.measures import Measures
    from irkit.frames import Qrels, Queries


class Prefixes:
    """What stages give before anything is learned, those of the last pipeline kept.

    Parameters
    ----------
    queries : queries frame
        All that anything will be learned from or measured on.
    qrels : qrels frame
        Their judgements, from which none of these stages may have learned.
    """

    def __init__(self, queries: Queries, qrels: Qrels) -> None:
        self.queries, self.qrels = queries, qrels
        self._kept: list[tuple[str, Flow]] = []

    def split(self, pipeline: Stage) -> tuple[Flow, Stage]:
        """Return what the stages before the first that learns give for all queries, and the rest of the pipeline.

        Raises
        ------
        ConfigError
            If one of these stages says that it was fitted on a query.
        """
        stages, rest = before_learning(pipeline)
        for stage in stages:  # may have learned elsewhere, from judgements that nothing here may see
            check_leak("a candidate", stage, self.queries["qid"], self.qrels, who="tune")
        prints = [stage.fingerprint for stage in stages]
        same = [one == last for one, (last, _) in zip(prints, self._kept, strict=False)]
        kept = self._kept[: same.index(False) if False in same else len(same)]
        flow = kept[-1][1] if kept else self.queries
        for place in range(len(kept), len(stages)):
            flow = stages[place].run(flow)
            kept.append((prints[place], flow))
        self._kept = kept
        return flow, rest


class InnerFolds:
    """The inner folds of some queries.

    Parameters
    ----------
    prefixes : Prefixes
        Of these queries and maybe others.
    qids : sequence of str
        Those that may be learned from.
    qrels : qrels frame
    measure : see `parse_measures`
        One.
    k : int
        Inner folds.
    seed : int
        Of their draw.
    exclude_self : bool, optional
        As in `evaluate`.

    Raises
    ------
    ConfigError
        If there are fewer queries than folds.
    """

    def __init__(
        self,
        prefixes: Prefixes,
        qids: Sequence[str],
        qrels: Qrels,
        measure: Measures,
        *,
        k: int,
        seed: int,
        exclude_self: bool | None,
    ) -> None:
        if len(qids) < k:
            raise ConfigError(f"tune: {k} inner folds need as many queries to learn from, got {len(qids)}; take fewer")
        self.prefixes, self.measure, self.exclude_self = prefixes, measure, exclude_self
        self.qrels, self.split = judged(qrels, qids), folds(qids, k, seed)

    def value(self, pipeline: Stage) -> float:
        """Return the mean over the queries of what a pipeline scores that was fitted without them."""
        flow, rest = self.prefixes.split(pipeline)
        found = [
            fit_and_run(flow, rest, self.split.train(fold), self.split.test(fold), self.qrels)[1]
            for fold in range(len(self.split))
        ]
        queries = pd.concat([hits.queries for hits in found], ignore_index=True)
        scored = evaluate(
            stacked(found, queries), self.qrels, self.measure, queries=queries, exclude_self=self.exclude_self
        )
        return float(scored.per_query.iloc[:, 0].mean())


def fit_and_run(
    flow: Flow, stage: Stage, train: Sequence[str], test: Sequence[str], qrels: Qrels, *, name: str = "a candidate"
) -> tuple[Stage, Hits]:
    """Fit a stage on some queries of a flow and run it on others.

    Parameters
    ----------
    flow : queries frame or Hits
        What the stage takes.
    stage : Stage
    train, test : sequence of str
        The qids. Judgements of others than `train` are not handed to `fit`.
    qrels : qrels frame
    name : str
        What is fitted, for messages.

    Returns
    -------
    Stage
        Fitted.
    Hits
        Of the test queries.

    Raises
    ------
    ConfigError
        If it says that it was fitted on a test query.
    """
    fitted = stage.fit(Topics(part_of(flow, train), judged(qrels, train)))
    check_leak(name, fitted, test, qrels, who="tune")
    hits: Hits = fitted.run(part_of(flow, test))  # type: ignore[assignment]
    return fitted, hits


def part_of(flow: Flow, qids: Sequence[str]) -> Flow:
    """Return some queries of a flow, in its order."""
    return flow.of(qids) if isinstance(flow, Hits) else flow[flow["qid"].isin(qids)].reset_index(drop=True)


def judged(qrels: Qrels, qids: Sequence[str]) -> Qrels:
    """Return the judgements of some queries."""
    found = qrels[qrels["qid"].isin(qids)].reset_index(drop=True)
    found.attrs.update(qrels.attrs)
    return found
