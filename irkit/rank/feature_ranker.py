"""What rankers by features share: they learn from judged results, score results by their features, and are saved.

A ranker is a stage from results with `features` to results: `a ** b >> ranknet`, or alone where results come with
their features. Queries whose judgements decide when training stops are either given (`valid`) or a share of the
training queries that is held out.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from typing import Any, Self

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.config import Config, digest
from irkit.errors import FrameError, ShapeError
from irkit.hits import Hits
from irkit.pipeline.fit import Topics, not_fitted
from irkit.pipeline.learned import examples, features_of, labels_of, refuse
from irkit.pipeline.stage import Stage
from irkit.rng import Seed, generator


class FeatureRankerConfig(Config):
    """Settings of every ranker by features."""

    validation: float = Field(0.2, ge=0, lt=1)
    "Share of the training queries held out to stop by, where no others are given; 0 trains to the end."
    seed: Seed = 1
    "Of what is held out, of start and order."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves it to the machine."


class FeatureRanker(Stage, ABC):
    """Base of the rankers by features; a subclass implements `learn`, `score`, `state` and `restore`."""

    learns_from = Topics
    config_type = FeatureRankerConfig
    config: Any
    features: int | None = None
    "How many each result has; None before `fit`."
    fitted_on: frozenset[str] | None = None
    "The qids of the training queries, and of those that were given to stop by."

    # ------------------------------------------------------------------ for subclasses

    @abstractmethod
    def learn(self, train: Topics, valid: Topics | None) -> None:
        """Set what is learned.

        Parameters
        ----------
        train, valid : Topics
            Of results whose features are checked; `valid` has a relevant result.
        """

    @abstractmethod
    def score(self, hits: Hits) -> Floats:
        """Score results whose features are checked: (m,) float64."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what was learned as a tree of tensors and plain values."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what was learned to what `state` returned."""

    def check(self, hits: Hits) -> None:
        """Refuse features that the ranker cannot take: those that are not finite numbers."""
        refuse(~np.isfinite(features_of(hits, self.name)), hits, self.name, "give numbers")

    # ------------------------------------------------------------------ use

    @property
    def fitted(self) -> bool:
        """Whether it has learned."""
        return self.features is not None

    def fit(self, train: Topics, valid: Topics | None = None) -> Self:
        """Return a copy fitted on judged results; one without a judgement counts as label 0.

        Parameters
        ----------
        train : Topics
            Of results with features.
        valid : Topics, optional
            Likewise, of other queries, to stop by; without it a share of the training queries is.

        Raises
        ------
        FrameError
            If the topics hold queries instead of results, the results have no features or not such as the ranker can
            take, no training result is relevant, or none of those to stop by.
        ShapeError
            If the results to stop by have more or fewer features.
        """
        out = copy(self)
        train = self._checked(train)
        out.features = features_of(train.flow, self.name).shape[1]
        if not out.features:
            raise FrameError(f"{self.name}: results have features to learn from, got 0 of each; give one or more")
        given = None if valid is None else self._checked(valid, out.features)
        for role, part in (("train", train), ("valid", given)):
            if part is not None and not (labels_of(part.flow, part.qrels) > 0).any():
                raise FrameError(f"{self.name}: no result of {role} is judged relevant; give judgements of its queries")
        qids = train.flow.queries["qid"], *([] if given is None else [given.flow.queries["qid"]])
        out.fitted_on = frozenset().union(*qids)
        if given is None:
            train, given = held_out(train, self.config.validation, self.config.seed)
        out.learn(train, given)
        return out

    def run(self, flow: Hits) -> Hits:
        """Score by what was learned.

        Raises
        ------
        NotFittedError
            Before `fit`.
        FrameError
            If the results have no features, or not such as the ranker can take.
        ShapeError
            If there are more or fewer features than in training.
        """
        if not self.fitted:
            raise not_fitted(self)
        if not len(flow):
            return flow
        self._check_width(flow, self.features)
        self.check(flow)
        return flow.rescored(self.score(flow))

    # ------------------------------------------------------------------ identity and files

    @property
    def fingerprint(self) -> str:
        """Hash of the settings and of what was learned."""
        return digest(super().fingerprint, _hashed(self.state()) if self.fitted else None)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted ranker as one safetensors file.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        DataError
            If the file cannot be written; what stood there before stays.
        """
        from irkit.rank.saved import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a ranker that `save` wrote; `FeatureRanker.load` reads one of any kind.

        Raises
        ------
        NotFoundError
            If there is no such file.
        DataError
            If it is damaged, was not written by `save`, or holds a ranker of another kind.
        """
        from irkit.rank.saved import load

        return load(path, cls)

    # ------------------------------------------------------------------ inside

    def _checked(self, topics: Topics, features: int | None = None) -> Topics:
        hits = examples(topics, self.name)
        self._check_width(hits, features)
        self.check(hits)
        return Topics(hits, topics.qrels)

    def _check_width(self, hits: Hits, features: int | None) -> None:
        found = features_of(hits, self.name).shape[1]
        if features is not None and found != features:
            raise ShapeError(f"{self.name}: was fitted on {features} features, got {found}")


def held_out(train: Topics, share: float, seed: int) -> tuple[Topics, Topics | None]:
    """Hold out a share of the queries that have a relevant result, drawn by the seed.

    Returns
    -------
    Topics
        The rest of the queries.
    Topics or None
        Those held out; None if the share comes to no query, or to all of them.
    """
    hits: Hits = train.flow
    able = np.unique(hits.query[labels_of(hits, train.qrels) >= 1])
    n = round(share * len(able))
    if not 0 < n < len(able):
        return train, None
    chosen = np.isin(np.arange(len(hits.queries)), generator(seed, "validation").permutation(able)[:n])
    mine = train.qrels["qid"].isin(hits.queries["qid"][chosen])
    return (
        Topics(hits.kept(~chosen[hits.query]), train.qrels[~mine]),
        Topics(hits.kept(chosen[hits.query]), train.qrels[mine]),
    )


def _hashed(state: Any) -> Any:
    """Return a tree with hashes in place of its tensors."""
    if isinstance(state, Mapping):
        return {name: _hashed(value) for name, value in state.items()}
    if hasattr(state, "detach"):
        from irkit.learn.batches import fingerprint

        return fingerprint(state)
    return state
