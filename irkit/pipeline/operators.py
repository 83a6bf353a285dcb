"""Operators that join result sets: fusion, set operations, features side by side.

    a + b   scores added, a document missing on one side counts 0 there
    w * a   scores scaled
    a | b   union, best score kept            a & b   intersection, best score kept
    a ^ b   b's further documents below a's   a ** b  scores side by side as features

Functions for what has no operator: `rrf`, `combmnz`, `interpolate`, `normalise`.
Python's precedence holds: `**` binds tighter than `*` and `%`, then `+`, `>>`, `&`, `^`, `|`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from irkit.config import Config
from irkit.errors import CompositionError
from irkit.hits import Hits, shared_docnos
from irkit.pipeline.fusion import NORMALISERS, pool, reciprocal_rank
from irkit.pipeline.stage import Flow, Stage, Then, Topics, as_stage


class Joined(Stage):
    """Base of operators over several pipelines that start from the same input."""

    flat = False
    "Whether `(a op b) op c` is the same as `op(a, b, c)`."

    def __init__(self, parts: tuple[Stage, ...], config: Config | None = None) -> None:
        if len(parts) < 2:
            raise CompositionError(f"{self.name}: joins two pipelines or more, got {len(parts)}")
        for part in parts:
            if part.gives != "results":
                raise CompositionError(f"{self.name}: joins results, but {part.name} gives {part.gives}; add a retriever")
            if part.takes != parts[0].takes:
                raise CompositionError(
                    f"{self.name}: {parts[0].name} takes {parts[0].takes} but {part.name} takes {part.takes}; "
                    "both sides must start from the same input"
                )
        self.parts = parts
        self.takes = parts[0].takes  # type: ignore[misc]
        self.config = config or self.config_type()

    @classmethod
    def of(cls, sign: str, left: Stage, right: Any) -> Stage:
        """Build the operator from its two sides as Python hands them over."""
        if not isinstance(right, Stage) and isinstance(right, (int, float, str)):
            raise CompositionError(f"{sign}: joins two pipelines, got {type(right).__name__} {right!r}")
        flattened = left.parts if cls.flat and type(left) is cls else (left,)
        return cls((*flattened, as_stage(right, before=left)))

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct from plain values, as a recipe does."""
        return cls(parts, cls.config_type(**config))

    def run(self, flow: Flow) -> Hits:
        """Run every part on the same input and join what they give."""
        return self.join(shared_docnos([part.run(flow) for part in self.parts]))  # type: ignore[misc]

    def join(self, results: list[Hits]) -> Hits:
        """Join result sets that share one docno table."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement join")

    def fit(self, train: Topics, valid: Topics | None = None) -> Stage:
        """Fit every part on the same input."""
        return type(self)(tuple(part.fit(train, valid) for part in self.parts), self.config)


class _Pooled:
    """Hits of several systems laid end to end, with their distinct pairs."""

    def __init__(self, results: list[Hits]) -> None:
        first = results[0]
        documents = len(first.docnos)
        self.results = results
        self.score = np.concatenate([hits.score for hits in results])
        self.rank = np.concatenate([hits.rank for hits in results])
        query = np.concatenate([hits.query for hits in results])
        doc = np.concatenate([hits.doc for hits in results])
        system = np.repeat(np.arange(len(results)), [len(hits) for hits in results])
        self.query, self.doc, self.pair = pool(query, doc, system, documents)
        self.system = system

    def summed(self, values: Any) -> Any:
        return np.bincount(self.pair, weights=values, minlength=len(self.query))

    def best(self, values: Any) -> Any:
        out = np.full(len(self.query), -np.inf)
        np.maximum.at(out, self.pair, values)
        return out

    def ranked(self, score: Any, keep: Any = slice(None)) -> Hits:
        first = self.results[0]
        return Hits.ranked(first.queries, self.query[keep], self.doc[keep], score[keep], first.docnos, first.ties)


class Sum(Joined):
    """Add scores (CombSUM); a document missing from a list counts 0 there: `a + b`."""

    name = "sum"
    flat = True

    def join(self, results: list[Hits]) -> Hits:
        """Add."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.summed(pooled.score))


class CombMNZ(Joined):
    """Add scores and multiply by the number of lists that hold the document.

    Source: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994.
    """

    name = "combmnz"

    def join(self, results: list[Hits]) -> Hits:
        """Add and multiply."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.summed(pooled.score) * pooled.summed(np.ones(len(pooled.score))))


class RRFConfig(Config):
    """Settings of `RRF`."""

    k: float = Field(60, gt=0)
    "Dampens the weight of the first ranks; 60 in the paper."


class RRF(Joined):
    """Reciprocal rank fusion: sum over lists of 1 / (k + rank), ranks from 1.

    Source: Cormack, Clarke and Buettcher, SIGIR 2009.
    """

    name = "rrf"
    config_type = RRFConfig
    config: RRFConfig

    def join(self, results: list[Hits]) -> Hits:
        """Fuse by rank."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.summed(reciprocal_rank(pooled.rank, self.config.k)))


class Union(Joined):
    """Documents of either list, the best score kept: `a | b`."""

    name = "union"
    flat = True

    def join(self, results: list[Hits]) -> Hits:
        """Unite."""
        pooled = _Pooled(results)
        return pooled.ranked(pooled.best(pooled.score))


class Intersection(Joined):
    """Documents of every list, the best score kept: `a & b`."""

    name = "intersection"
    flat = True

    def join(self, results: list[Hits]) -> Hits:
        """Intersect."""
        pooled = _Pooled(results)
        everywhere = pooled.summed(np.ones(len(pooled.score))) == len(results)
        return pooled.ranked(pooled.best(pooled.score), everywhere)


class Append(Joined):
    """The first list, and below it the documents only the second has: `a ^ b`.

    Appended scores are shifted so that the best of them lies 1 below the last of the first list;
    the differences among them stay. Where the first list is empty nothing is shifted.
    """

    name = "append"

    def join(self, results: list[Hits]) -> Hits:
        """Append list after list."""
        out = results[0]
        for below in results[1:]:
            out = _append(out, below)
        return out


def _append(above: Hits, below: Hits) -> Hits:
    documents = len(above.docnos)
    key = below.query * documents + below.doc
    below = below.kept(~np.isin(key, above.query * documents + above.doc))
    shift = np.zeros(len(above.queries))
    both = (np.diff(above.ptr) > 0) & (np.diff(below.ptr) > 0)
    shift[both] = above.score[above.ptr[1:][both] - 1] - 1.0 - below.score[below.ptr[:-1][both]]
    query = np.concatenate([above.query, below.query])
    doc = np.concatenate([above.doc, below.doc])
    score = np.concatenate([above.score, below.score + shift[below.query]])
    return Hits.ranked(above.queries, query, doc, score, above.docnos, above.ties)


class Features(Joined):
    """Scores of several pipelines side by side in `features`, for learning to rank: `a ** b`.

    The documents and their scores are those of the first pipeline; where another lacks one of
    them its feature is 0. A part that carries features itself contributes them instead of its score.
    """

    name = "features"
    flat = True

    def join(self, results: list[Hits]) -> Hits:
        """Line the scores up."""
        first = results[0]
        documents = len(first.docnos)
        wanted = first.query * documents + first.doc
        columns = []
        for hits in results:
            values = hits.columns.get("features", hits.score[:, None])  # (m, F)
            key = hits.query * documents + hits.doc
            order = np.argsort(key)
            place = np.searchsorted(key, wanted, sorter=order)
            found = np.zeros(len(wanted), dtype=bool)
            inside = place < len(key)
            rows = order[place[inside]]
            found[inside] = key[rows] == wanted[inside]
            column = np.zeros((len(wanted), values.shape[1]))
            column[found] = values[rows[found[inside]]]
            columns.append(column)
        stacked = np.concatenate(columns, axis=1)
        return Hits(
            first.queries, first.ptr, first.doc, first.score, first.docnos, first.ties,
            {**first.columns, "features": stacked},
        )  # fmt: skip


class ScaleConfig(Config):
    """Settings of `Scale`."""

    weight: float
    "Factor on every score."


class Scale(Stage):
    """Multiply every score by a number: `w * a`."""

    name = "scale"
    config_type = ScaleConfig
    config: ScaleConfig

    def __init__(self, config: ScaleConfig) -> None:
        self.config = config

    def run(self, flow: Hits) -> Hits:
        """Scale; a negative weight turns the order round."""
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

    def __init__(self, config: NormaliseConfig) -> None:
        self.config = config

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
    if not 0 <= weight <= 1:
        raise CompositionError(f"interpolate: weight must lie in [0, 1], got {weight}")
    return weight * left + (1 - weight) * right


def normalise(pipeline: Stage, method: Literal["minmax", "zscore", "sum"] = "minmax") -> Stage:
    """Bring a pipeline's scores to a common scale, query by query."""
    return Then.of(pipeline, Normalise(NormaliseConfig(method=method)))
