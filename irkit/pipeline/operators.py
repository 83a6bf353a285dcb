"""Operators that join result sets: fusion, set operations, features side by side.

    a + b   scores added, a document missing on one side counts 0 there
    w * a   scores scaled
    a | b   union, best score kept            a & b   intersection, best score kept
    a ^ b   b's further documents below a's   a ** b  scores side by side as features

Functions for what has no operator: `rrf`, `combmnz`, `interpolate`, `normalise`.
Python's precedence holds: `**` binds tighter than `*` and `%`, then `+`, `>>`, `&`, `^`, `|`.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.columns import take_rows
from irkit.config import Config
from irkit.errors import CompositionError, ConfigError
from irkit.hits import Hits, common_columns, shared_docnos
from irkit.pipeline.chain import Then, as_stage
from irkit.pipeline.fusion import NORMALISERS, below, member, pool, reciprocal_rank
from irkit.pipeline.stage import Flow, Stage


class Joined(Stage):
    """Base of operators over several pipelines that start from the same input.

    The result carries the queries of the input (what a part rewrites stays inside that part), the
    tie rule of the first part, and the per-hit columns that every part gives, each taken from the
    first part that holds the document; `features` only where an operator says so.
    """

    sign = ""
    "The operator in Python, if it has one."
    flat: Literal["", "left", "both"] = "left"
    "Which nested operators of the same kind are the same as one: `(a + b) + c` is `sum(a, b, c)`."

    def __init__(self, parts: tuple[Stage, ...], config: Config | None = None) -> None:
        super().__init__(config)
        parts = tuple(as_stage(part, sign=self.sign or self.name) for part in parts)
        if len(parts) < 2:
            raise CompositionError(f"{self.name}: joins two pipelines or more, got {len(parts)}")
        who = self.sign or self.name
        for part in parts:
            if part.gives != "results":
                raise CompositionError(
                    f"{who}: joins results, but {part.name} gives {part.gives}; write {part.name} >> retriever"
                )
            if part.takes != parts[0].takes:
                raise CompositionError(
                    f"{who}: {parts[0].name} takes {parts[0].takes} but {part.name} takes "
                    f"{part.takes}; both sides must start from the same input"
                )
        self.parts = tuple(
            inner
            for place, part in enumerate(parts)
            for inner in (part.parts if type(part) is type(self) and self._flattens(place) else (part,))
        )
        self.takes = parts[0].takes

    def _flattens(self, place: int) -> bool:
        return self.flat == "both" or (self.flat == "left" and place == 0)

    @classmethod
    def of(cls, left: Any, right: Any) -> Stage:
        """Build the operator from its two sides as Python hands them over."""
        if not isinstance(left, Stage):
            left = as_stage(left, sign=cls.sign, beside=right)
        return cls((left, as_stage(right, sign=cls.sign, beside=left)))

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct from plain values, as a recipe does."""
        return cls(parts, cls.configured(config))

    def run(self, flow: Flow) -> Hits:
        """Run every part on the same input and join what they give."""
        queries = flow.queries if isinstance(flow, Hits) else flow
        offered = self.offered(flow)
        return self.join([part.run(offered) for part in self.parts], queries)  # type: ignore[misc]

    def offered(self, flow: Flow) -> Flow:
        """Return what each part is run on."""
        return flow

    def join(self, results: Sequence[Hits], queries: pd.DataFrame | None = None) -> Hits:
        """Join what the parts gave.

        Parameters
        ----------
        results : sequence of Hits
            One per part, on any docno tables.
        queries : queries frame, optional
            The queries of the input; default those of the first result set.
        """
        queries = results[0].queries if queries is None else queries
        return self.combine([hits.for_queries(queries) for hits in shared_docnos(results)])

    def combine(self, results: list[Hits]) -> Hits:
        """Join result sets that share one docno table and one queries frame; what a subclass implements."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement combine")

    def fit(self, train: Any, valid: Any = None) -> Stage:
        """Fit every part on the same input."""
        return type(self)(tuple(part.fit(train, valid) for part in self.parts), self.config) if self.learns else self


class _Pooled:
    """Hits of several systems laid end to end, with their distinct pairs."""

    def __init__(self, results: list[Hits]) -> None:
        self.first = results[0]
        self.score = np.concatenate([hits.score for hits in results])
        self.rank = np.concatenate([hits.rank for hits in results])
        query = np.concatenate([hits.query for hits in results])
        doc = np.concatenate([hits.doc for hits in results])
        self.query, self.doc, self.pair = pool(query, doc, len(self.first.docnos))
        self.columns = common_columns([hits.without("features") for hits in results])

    def summed(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.pair, weights=values, minlength=len(self.query)), dtype=np.float64)

    def lists(self) -> Ints:
        """(p,) int: how many lists hold each pair."""
        return np.bincount(self.pair, minlength=len(self.query)).astype(np.int64)

    def best(self) -> Floats:
        out = np.full(len(self.query), -np.inf)
        np.maximum.at(out, self.pair, self.score)
        return out

    def ranked(self, score: Floats, keep: Any = slice(None)) -> Hits:
        # The first list that holds a pair lends its columns: of several writes to one place the last stays.
        source = np.zeros(len(self.query), dtype=np.int64)
        source[self.pair[::-1]] = np.arange(len(self.pair))[::-1]
        columns = {name: take_rows(column, source[keep]) for name, column in self.columns.items()}
        first = self.first
        return Hits.ranked(
            first.queries, self.query[keep], self.doc[keep], score[keep], first.docnos, first.ties, columns
        )


class Sum(Joined):
    """Add scores (CombSUM); a document missing from a list counts 0 there: `a + b`."""

    name = "sum"
    sign = "+"

    def combine(self, results: list[Hits]) -> Hits:
        """Add."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.summed(pooled.score))


class CombMNZ(Joined):
    """Add scores and multiply by the number of lists that hold the document.

    Source: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994.
    """

    name = "combmnz"
    flat = ""

    def combine(self, results: list[Hits]) -> Hits:
        """Add and multiply."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.summed(pooled.score) * pooled.lists())


class RRFConfig(Config):
    """Settings of `RRF`."""

    k: float = Field(60, gt=0)
    "Dampens the weight of the first ranks; 60 in the paper."


class RRF(Joined):
    """Reciprocal rank fusion: sum over lists of 1 / (k + rank), ranks from 1.

    Source: Cormack, Clarke and Buettcher, SIGIR 2009.
    """

    name = "rrf"
    flat = ""
    config_type = RRFConfig
    config: RRFConfig

    def combine(self, results: list[Hits]) -> Hits:
        """Fuse by rank."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.summed(reciprocal_rank(pooled.rank, self.config.k)))


class Union(Joined):
    """Documents of either list, the best score kept: `a | b`."""

    name = "union"
    sign = "|"

    def combine(self, results: list[Hits]) -> Hits:
        """Unite."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.best())


class Intersection(Joined):
    """Documents of every list, the best score kept: `a & b`."""

    name = "intersection"
    sign = "&"

    def combine(self, results: list[Hits]) -> Hits:
        """Intersect."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.best(), pooled.lists() == len(results))


class Append(Joined):
    """The first list, and below it the documents only the second has: `a ^ b`.

    Appended scores are shifted so that the best of them lies 1 below the last of the first list;
    the differences among them stay. Where the first list is empty nothing is shifted.
    """

    name = "append"
    sign = "^"

    def combine(self, results: list[Hits]) -> Hits:
        """Append list after list."""
        out = results[0]
        for lower in results[1:]:
            out = _append(out, lower)
        return out


def _append(upper: Hits, lower: Hits) -> Hits:
    documents = len(upper.docnos)
    new = ~member(lower.query * documents + lower.doc, upper.query * documents + upper.doc)
    columns = common_columns([upper.without("features"), lower.without("features")])
    columns = {name: take_rows(column, _rows(len(upper), new)) for name, column in columns.items()}
    lower = lower.kept(new)
    score = lower.score.copy()
    for i in np.flatnonzero((np.diff(upper.ptr) > 0) & (np.diff(lower.ptr) > 0)):
        rows = slice(lower.ptr[i], lower.ptr[i + 1])
        score[rows] = below(float(upper.score[upper.ptr[i + 1] - 1]), score[rows])
    return Hits.ranked(
        upper.queries,
        np.concatenate([upper.query, lower.query]),
        np.concatenate([upper.doc, lower.doc]),
        np.concatenate([upper.score, score]),
        upper.docnos,
        upper.ties,
        columns,
    )


def _rows(above: int, new: Bools) -> Ints:
    """Return the rows to keep of two lists laid end to end: all of the first, the new ones of the second."""
    return np.concatenate([np.arange(above), above + np.flatnonzero(new)])


class Features(Joined):
    """Scores of several pipelines side by side in `features`, for learning to rank: `a ** b`.

    The documents and their scores are those of the first pipeline; where another lacks one of
    them its feature is 0. A part that makes features of its own contributes them instead of its
    score; features that the input carries are replaced.
    """

    name = "features"
    sign = "**"
    flat = "both"  # Python reads a ** b ** c from the right

    # A `run` of its own: whoever unfolds operators into their parts must not hand these the input as it is.
    def run(self, flow: Flow) -> Hits:
        """Run every part on the input without its features, and line the scores up."""
        return super().run(flow)

    def offered(self, flow: Flow) -> Flow:
        """Return the input without its features, so that a part gives only those it makes."""
        return flow.without("features") if isinstance(flow, Hits) else flow

    def combine(self, results: list[Hits]) -> Hits:
        """Line the scores up."""
        first = results[0]
        return first.carrying(features=np.concatenate([_lined_up(first, hits) for hits in results], axis=1))


def _lined_up(first: Hits, hits: Hits) -> Floats:
    """Return the features or scores of `hits` for the documents of `first`, 0 where it lacks one."""
    values = hits.columns.get("features", hits.score[:, None])  # (m, F)
    if hits is first:
        return values
    documents = len(first.docnos)
    wanted = first.query * documents + first.doc
    key = hits.query * documents + hits.doc
    order = np.argsort(key)
    place = np.searchsorted(key, wanted, sorter=order)
    place[place == len(key)] = 0
    found = np.zeros(len(wanted), dtype=bool) if not len(key) else key[order[place]] == wanted
    out = np.zeros((len(wanted), values.shape[1]))
    out[found] = values[order[place[found]]]
    return out


class ScaleConfig(Config):
    """Settings of `Scale`."""

    weight: float
    "Factor on every score."


class Scale(Stage):
    """Multiply every score by a number: `w * a`."""

    name = "scale"
    config_type = ScaleConfig
    config: ScaleConfig

    def run(self, flow: Hits) -> Hits:
        """Scale; a negative weight turns the order round."""
        with np.errstate(over="ignore"):  # an infinite score is refused with its docno
            return flow.rescored(flow.score * self.config.weight)


class NormaliseConfig(Config):
    """Settings of `Normalise`."""

    method: Literal["minmax", "zscore", "sum"] = "minmax"
    "How scores of a query are brought to a common scale."


class Normalise(Stage):
    """Bring each query's scores to a common scale."""

    name = "normalise"
    config_type = NormaliseConfig
    config: NormaliseConfig

    def run(self, flow: Hits) -> Hits:
        """Normalise query by query."""
        return flow.rescored(NORMALISERS[self.config.method](flow.ptr, flow.score))


def rrf(*pipelines: Stage, k: float = 60) -> Stage:
    """Fuse pipelines by reciprocal rank (Cormack, Clarke and Buettcher, SIGIR 2009)."""
    return RRF(pipelines, RRFConfig(k=k))


def combmnz(*pipelines: Stage) -> Stage:
    """Fuse pipelines by CombMNZ (Fox and Shaw, TREC-2); normalise their scores first."""
    return CombMNZ(pipelines)


def interpolate(left: Stage, right: Stage, weight: float) -> Stage:
    """Mix two pipelines' scores: weight * left + (1 - weight) * right."""
    if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= weight <= 1:
        raise ConfigError(f"interpolate: weight must be a number in [0, 1], got {weight!r}")
    return float(weight) * left + (1.0 - float(weight)) * right


def normalise(pipeline: Stage, method: Literal["minmax", "zscore", "sum"] = "minmax") -> Stage:
    """Bring a pipeline's scores to a common scale, query by query."""
    return Then.of(as_stage(pipeline, sign="normalise"), Normalise(method=method))
