"""Operators that join result sets: fusion, set operations, features side by side.

    a + b   scores added; a document missing on one side counts 0 there, or the lowest score of a list
            that holds a negative one (`irkit.pipeline.missing`)
    w * a   scores scaled
    a | b   union, best score kept            a & b   intersection, best score kept
    a ^ b   b's further documents below a's   a ** b  scores side by side as features

Functions for what has no operator: `rrf`, `combmnz`, `interpolate`, `normalise`; `combsum` is `+` and
`features` is `**` with a `missing=`.
Python's precedence holds: `**` binds tighter than `*` and `%`, then `+`, `>>`, `&`, `^`, `|`.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import Field, field_validator

from irkit.arrays import Bools, Floats, Ints
from irkit.columns import take_rows
from irkit.config import Config
from irkit.errors import ConfigError, FrameError
from irkit.hits import Hits, common_columns
from irkit.pipeline.chain import Then, as_stage
from irkit.pipeline.fusion import NORMALISERS, below, member, present, reciprocal_rank
from irkit.pipeline.joined import Filled, Pooled
from irkit.pipeline.joined import Joined as Joined
from irkit.pipeline.missing import FusionConfig, Missing
from irkit.pipeline.stage import Flow, Stage

Parts: TypeAlias = Any
"A pipeline, a run, or a list of them."

Weights: TypeAlias = Sequence[float] | None
"A number of 0 or more for each pipeline."


class Sum(Filled):
    """Add scores (CombSUM); for a document that a list lacks see `FusionConfig`: `a + b`.

    Source: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994.
    """

    name = "sum"
    sign = "+"
    flat = "both"

    def combine(self, results: list[Hits]) -> Hits:
        """Add."""
        pooled = Pooled(results)
        return pooled.ranked(pooled.total(self.missing(results)))


class CombMNZ(Filled):
    """Add scores and multiply by the number of lists that hold the document.

    Scores count from what their list counts for a document that it lacks, 0 in the source: where scores are
    negative, it would else be a loss to be in more lists.

    Source: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994.
    """

    name = "combmnz"
    flat = ""

    def combine(self, results: list[Hits]) -> Hits:
        """Add and multiply."""
        pooled = Pooled(results)
        floor = [counted[hits.query, 0] for hits, counted in zip(results, self.missing(results), strict=True)]
        return pooled.ranked(pooled.summed(pooled.score - np.concatenate(floor)) * pooled.lists())


class RRFConfig(Config):
    """Settings of `RRF`."""

    k: float = Field(60, gt=0)
    "Dampens the weight of the first ranks; 60 in the paper."
    weights: tuple[float, ...] | None = None
    "A factor of 0 or more on what each list gives; 1 for all in the paper."

    @field_validator("weights")
    @classmethod
    def _at_least_zero(cls, weights: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if weights is not None and not all(0 <= weight < np.inf for weight in weights):
            raise ValueError("numbers of 0 or more, one for each pipeline")
        return weights


class RRF(Joined):
    """Reciprocal rank fusion: sum over lists of weight / (k + rank), ranks from 1.

    Source: Cormack, Clarke and Buettcher, SIGIR 2009; weights are 1 there.
    """

    name = "rrf"
    flat = ""
    config_type = RRFConfig
    config: RRFConfig

    def __init__(self, parts: tuple[Stage, ...], config: RRFConfig | None = None, **settings: Any) -> None:
        super().__init__(parts, config, **settings)
        if self.config.weights is not None:
            check_count(self.config.weights, len(self.parts), self.name)

    def combine(self, results: list[Hits]) -> Hits:
        """Fuse by rank."""
        pooled = Pooled(results)
        value = reciprocal_rank(pooled.rank, self.config.k)
        if self.config.weights is not None:
            value *= np.repeat(np.array(self.config.weights, dtype=np.float64), pooled.sizes)
        return pooled.ranked(pooled.summed(value))


class Union(Joined):
    """Documents of either list, the best score kept: `a | b`."""

    name = "union"
    sign = "|"

    def combine(self, results: list[Hits]) -> Hits:
        """Unite."""
        pooled = Pooled(results)
        return pooled.ranked(pooled.best())


class Intersection(Joined):
    """Documents of every list, the best score kept: `a & b`."""

    name = "intersection"
    sign = "&"

    def combine(self, results: list[Hits]) -> Hits:
        """Intersect."""
        pooled = Pooled(results)
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


class Features(Filled):
    """Scores of several pipelines side by side in `features`, for learning to rank: `a ** b`.

    The documents and their scores are those of the first pipeline; where another lacks one of them
    its feature is what its list counts for a missing document. A part that makes features of its own
    contributes them instead of its score, each column a list of its own; features that the input
    carries are replaced.
    """

    name = "features"
    sign = "**"
    flat = "both"  # Python reads a ** b ** c from the right
    shares_input = False

    def offered(self, flow: Flow) -> Flow:
        """Return the input without its features, so that a part gives only those it makes."""
        return flow.without("features") if isinstance(flow, Hits) else flow

    def combine(self, results: list[Hits]) -> Hits:
        """Line the scores up."""
        first = results[0]
        lined = [
            _lined_up(first, hits, self.values(hits), counted)
            for hits, counted in zip(results, self.missing(results), strict=True)
        ]
        return first.carrying(features=np.concatenate(lined, axis=1))

    def values(self, hits: Hits) -> Floats:
        """(m, F) float64: the features a part made, else its scores."""
        values: Floats = hits.columns.get("features", super().values(hits))
        return values

    def weight(self, part: Stage, hits: Hits) -> float:
        """Return the factor on scores; features that a part made are left as they are by weights."""
        return 1.0 if "features" in hits.columns else super().weight(part, hits)


def _lined_up(first: Hits, hits: Hits, values: Floats, counted: Floats) -> Floats:
    """Return the (m, F) values of `hits` for the documents of `first`, what is counted where it lacks one."""
    if hits is first:
        return values
    documents = len(first.docnos)
    wanted = first.query * documents + first.doc
    key = hits.query * documents + hits.doc
    order = np.argsort(key)
    place = np.searchsorted(key, wanted, sorter=order)
    place[place == len(key)] = 0
    found = np.zeros(len(wanted), dtype=bool) if not len(key) else key[order[place]] == wanted
    out = counted[first.query]
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
    "How the numbers of a query are brought to a common scale."
    what: Literal["score", "features"] = "score"
    "Scores, or each column of the features for itself, where missing values (NaN) stay such and do not count."


class Normalise(Stage):
    """Bring each query's scores, or its features, to a common scale."""

    name = "normalise"
    config_type = NormaliseConfig
    config: NormaliseConfig

    def run(self, flow: Hits) -> Hits:
        """Normalise query by query.

        Raises
        ------
        FrameError
            If features are wanted and there are none.
        """
        method = NORMALISERS[self.config.method]
        if self.config.what == "score":
            return flow.rescored(method(flow.ptr, flow.score))
        features = flow.columns.get("features")
        if features is None:
            raise FrameError("normalise: needs the column 'features', got results without; write a ** b >> normalise")
        columns = [present(method, flow.ptr, column) for column in features.T] if len(flow) else []
        return flow.carrying(features=np.stack(columns, axis=1)) if columns else flow


def rrf(*pipelines: Parts, k: float = 60, weights: Weights = None) -> Stage:
    """Fuse pipelines by reciprocal rank (Cormack, Clarke and Buettcher, SIGIR 2009).

    Parameters
    ----------
    pipelines : pipelines or runs, or one list of them
        A run is the path of a run file, a results frame or hits.
    k : float > 0
        Dampens the weight of the first ranks.
    weights : sequence of float >= 0, optional
        A factor on what each gives.

    Raises
    ------
    CompositionError
        If they do not fit together, or there are fewer than two.
    ConfigError
        If there is not a weight for each.
    """
    return RRF(listed(pipelines), RRFConfig(k=k, weights=None if weights is None else tuple(weights)))


def combsum(*pipelines: Parts, missing: Missing = "auto", weights: Weights = None) -> Stage:
    """Add pipelines' scores, as `+` does; pipelines and weights as in `rrf`.

    `missing` is what a list counts for a document that it lacks: "auto" its lowest score if it holds a
    negative one and else 0, "lowest" its lowest score, or a number. It is meant before a weight: `w * a`
    counts w times what a counts.
    """
    return Sum(weighted(listed(pipelines), weights, "combsum"), FusionConfig(missing=missing))


def combmnz(*pipelines: Parts, missing: Missing = "auto", weights: Weights = None) -> Stage:
    """Fuse pipelines by CombMNZ (Fox and Shaw, TREC-2); normalise their scores first. The rest as in `combsum`."""
    return CombMNZ(weighted(listed(pipelines), weights, "combmnz"), FusionConfig(missing=missing))


def features(*pipelines: Parts, missing: Missing = "auto") -> Stage:
    """Put pipelines' scores side by side, as `**` does; pipelines and `missing` as in `combsum`."""
    return Features(listed(pipelines), FusionConfig(missing=missing))


def listed(pipelines: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what came one by one or as one list."""
    one = pipelines[0] if len(pipelines) == 1 else None
    return tuple(one) if isinstance(one, (list, tuple)) else pipelines


def weighted(pipelines: tuple[Any, ...], weights: Weights, who: str) -> tuple[Any, ...]:
    """Put a weight on each pipeline, if there are weights; `ConfigError` unless one for each, 0 or more."""
    if weights is None:
        return pipelines
    try:
        numbers = RRFConfig(weights=tuple(weights)).weights or ()
    except ConfigError as error:
        raise ConfigError(f"{who}: {str(error).removeprefix('rrf: ')}") from None
    check_count(numbers, len(pipelines), who)
    return tuple(w * as_stage(part, sign=who) for w, part in zip(numbers, pipelines, strict=True))


def check_count(weights: tuple[float, ...], count: int, who: str) -> tuple[float, ...]:
    """Raise `ConfigError` unless there is a weight for each pipeline."""
    if len(weights) != count:
        raise ConfigError(f"{who}: needs a weight for each pipeline, got {len(weights)} for {count}; give {count}")
    return weights


def interpolate(left: Stage, right: Stage, weight: float, missing: Missing = "auto") -> Stage:
    """Mix two pipelines' scores: weight * left + (1 - weight) * right; `missing` as in `combsum`."""
    if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= weight <= 1:
        raise ConfigError(f"interpolate: weight must be a number in [0, 1], got {weight!r}")
    return combsum(float(weight) * left, (1.0 - float(weight)) * right, missing=missing)


def normalise(
    pipeline: Stage,
    method: Literal["minmax", "zscore", "sum"] = "minmax",
    what: Literal["score", "features"] = "score",
) -> Stage:
    """Bring a pipeline's scores, or each of its features, to a common scale, query by query."""
    return Then.of(as_stage(pipeline, sign="normalise"), Normalise(method=method, what=what))
