"""Two lists in one, each brought to [0, 1], with a weight that is given or learned.

    score(q, d) = (1 - w) minmax(a)(q, d) + w minmax(b)(q, d)          w learned: the best of 0, .1, ..., 1

Min-max is over all documents of a list. What a list counts for a document that it lacks is said by `missing` and
meant after that: 0 unless told otherwise, as if the document stood beside the list's last.

A list that ends early is brought to [0, 1] by the last score that it happens to have. Where word matching and vectors
are to be joined over the whole collection, let both lists hold all documents, which for a few thousand is cheap:

    everything = Dense(encoder, n=len(index))
    Hybrid((everything >> Rescore(index), everything)).fit(topics)

Source: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994, and Lee, "Analyses of multiple evidence
combination", SIGIR 1997 (min-max).
Symbols: n queries, p distinct pairs of a query and a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.config import digest
from irkit.errors import CompositionError, FrameError
from irkit.frames import Qrels, Queries
from irkit.hits import Hits
from irkit.pipeline.filters import DropSelf
from irkit.pipeline.fit import Topics, can_learn, not_fitted
from irkit.pipeline.fusion import minmax
from irkit.pipeline.joined import Filled, Pooled
from irkit.pipeline.learned import labels_of
from irkit.pipeline.missing import FusionConfig
from irkit.pipeline.stage import Stage
from irkit.rank.effectiveness import EFFECTIVENESS

WEIGHTS = tuple(tenth / 10 for tenth in range(11))
"What a learned weight is chosen from."


class HybridConfig(FusionConfig):
    """Settings of `Hybrid`."""

    weight: float | None = Field(None, ge=0, le=1)
    "Of the second list; without one, `fit` chooses it."
    measure: Literal["AP", "RR", "nDCG@10"] = "AP"
    "By the mean of which over the training queries it is chosen; of equals the smaller weight."


class Hybrid(Filled):
    """Mix two pipelines' scores after min-max.

    Parameters
    ----------
    parts : two pipelines
    """

    name = "hybrid"
    flat = ""
    config_type = HybridConfig
    config: HybridConfig

    def __init__(self, parts: tuple[Stage, ...], config: HybridConfig | None = None, **settings: Any) -> None:
        super().__init__(parts, config, **settings)
        if len(self.parts) != 2:
            raise CompositionError(
                f"hybrid: joins two pipelines, got {len(self.parts)}; put others into a hybrid first"
            )
        self.learned: float | None = None
        self.fitted_on: frozenset[str] | None = None

    @property
    def learns_from(self) -> type | None:  # type: ignore[override]
        """Topics, unless the weight is given."""
        return Topics if self.config.weight is None else None

    @property
    def weight_of_second(self) -> float:
        """The weight, given or learned; an error before `fit`."""
        found = self.learned if self.config.weight is None else self.config.weight
        if found is None:
            raise not_fitted(self)
        return found

    def values(self, hits: Hits) -> Floats:
        """(m, 1) float64 in [0, 1]."""
        return minmax(hits.ptr, hits.score)[:, None]

    def weight(self, part: Stage, hits: Hits) -> float:
        """Return 1: a factor on scores is gone after min-max."""
        return 1.0

    def combine(self, results: list[Hits]) -> Hits:
        """Mix."""
        shares = 1 - self.weight_of_second, self.weight_of_second
        scaled = [
            replace(hits, score=share * self.values(hits)[:, 0]) for share, hits in zip(shares, results, strict=True)
        ]
        pooled = Pooled(scaled)
        counted = [share * each for share, each in zip(shares, self.missing(results), strict=True)]
        return pooled.ranked(pooled.total(counted))

    def fit(self, train: Topics, valid: Topics | None = None) -> Stage:
        """Return a copy with the weight that is best on the training queries; parts that learn are fitted first.

        Raises
        ------
        FrameError
            If none of the queries has a judgement.
        """
        if not isinstance(train, Topics):
            raise FrameError(f"hybrid: train must be Topics, got {type(train).__name__}; write {Topics.written}")
        out = copy(self)
        out.parts = tuple(part.fit(train, valid) if can_learn(part, train) else part for part in self.parts)
        if self.config.weight is not None:
            return out
        queries = train.flow.queries if isinstance(train.flow, Hits) else train.flow
        qrels = train.qrels[train.qrels["qid"].isin(queries["qid"])]
        if not len(qrels):
            got = ", ".join(map(repr, train.qrels["qid"].unique()[:3].tolist())) or "none"
            raise FrameError(f"hybrid: no query of the topics has a judgement, got those of {got}; give both")
        results: list[Any] = [part.run(train.flow) for part in out.parts]
        means = [out._effectiveness(weight, results, queries, qrels) for weight in WEIGHTS]
        out.learned = WEIGHTS[int(np.argmax(means))]  # of equals the first
        out.fitted_on = frozenset(qrels["qid"])
        return out

    def _effectiveness(self, weight: float, results: Sequence[Hits], queries: Queries, qrels: Qrels) -> float:
        """Return the mean of the measure over queries, were the weight this."""
        trial = copy(self)
        trial.learned = weight
        hits = trial.join(results, queries)
        if qrels.attrs.get("exclude_self"):
            hits, qrels = DropSelf().run(hits), qrels[qrels["qid"].to_numpy() != qrels["docno"].to_numpy()]
        labels, measure = labels_of(hits, qrels), EFFECTIVENESS[self.config.measure]
        judged = {qid: np.sort(own.to_numpy(dtype=np.float64))[::-1] for qid, own in qrels.groupby("qid")["label"]}
        found = [
            measure(labels[start:end], judged[qid])
            for (start, end), qid in zip(pairwise(hits.ptr.tolist()), hits.queries["qid"], strict=True)
            if qid in judged
        ]
        return float(np.mean(found or [0.0]))

    def findings(self) -> list[str]:
        """Return the weight, where it was learned, before what the parts chose."""
        own = [] if self.learned is None else [f"weight of the second list {self.learned:g}"]
        return own + super().findings()

    @property
    def fingerprint(self) -> str:
        """Hash of the settings, the parts and what was learned."""
        return digest(super().fingerprint, self.learned)
