"""LambdaMART: boosted regression trees on LambdaRank's gradients, by LightGBM.

    lambda_ij = |delta nDCG@truncation|(i, j) / (1 + exp(s_i - s_j))       for pairs with y_i > y_j
    s := s + learning_rate * tree fitted to the sums of lambdas, with Newton's steps in its leaves

A feature may be NaN: each split learns which way missing values go.

Source: Burges, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82, section 7; Ke et al.,
"LightGBM: a highly efficient gradient boosting decision tree", NIPS 2017.
Departures: those of LightGBM, which scales the lambdas of each query (its `lambdarank_norm`). A label below 0 counts
as 0. Training stops by LightGBM's own nDCG@k, which counts a query without a relevant result as 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, MissingExtraError
from irkit.hits import Hits
from irkit.pipeline.fit import Topics
from irkit.pipeline.learned import features_of, labels_of, refuse
from irkit.rank.feature_ranker import FeatureRanker, FeatureRankerConfig
from irkit.rng import SmallSeed

LONGEST = 10_000
"Results of a query that LightGBM takes."

GREATEST = 60
"Label whose exponential gain LightGBM can compute with."


class LambdaMARTConfig(FeatureRankerConfig):
    """Settings of `LambdaMART`."""

    trees: int = Field(300, ge=1)
    "Rounds of boosting; with queries to stop by, at most."
    leaves: int = Field(7, ge=2)
    "Most leaves of a tree."
    learning_rate: float = Field(0.05, gt=0)
    "Factor on each tree."
    min_child_samples: int = Field(20, ge=1)
    "Fewest results in a leaf."
    truncation: int = Field(30, ge=1)
    "Pairs count where one of their documents has a rank up to this."
    gain: Literal["exponential", "linear"] = "exponential"
    "Of a label y: 2^y - 1, or linear, y."
    k: int = Field(10, ge=1)
    "Cutoff of the nDCG to stop by."
    patience: int = Field(30, ge=1)
    "Trees without a better nDCG before training stops."
    seed: SmallSeed = 1
    "Of what is held out, and of LightGBM."


class LambdaMART(FeatureRanker):
    """Rank by boosted trees."""

    name = "lambdamart"
    config_type = LambdaMARTConfig
    config: LambdaMARTConfig
    booster: Any = None
    "The fitted LightGBM booster."
    curve: list[float] | None = None
    "nDCG@k of the queries to stop by after each tree, as LightGBM has it; a saved ranker does not have it."

    def fit(self, train: Topics, valid: Topics | None = None) -> Self:
        """Return a copy fitted on judged results.

        Raises
        ------
        MissingExtraError
            If LightGBM is not installed.
        FrameError, ShapeError
            As `FeatureRanker.fit`.
        ConfigError
            If a label or a list is too large for LightGBM.
        """
        _lightgbm()
        return super().fit(train, valid)

    def check(self, hits: Hits) -> None:
        """Refuse infinite features; NaN is a missing one."""
        refuse(np.isinf(features_of(hits, self.name)), hits, self.name, "give numbers, or NaN for a missing one")

    def learn(self, train: Topics, valid: Topics | None) -> None:
        """Grow trees."""
        lightgbm = _lightgbm()
        labels = [self._labels(part) for part in (train, valid) if part is not None]
        data = lightgbm.Dataset(**self._data(train, labels[0]))
        watched = [data.create_valid(**self._data(valid, labels[1]))] if valid is not None else []
        found: dict[str, Any] = {}
        callbacks = [lightgbm.record_evaluation(found)]
        if watched:
            callbacks.append(lightgbm.early_stopping(self.config.patience, first_metric_only=True, verbose=False))
        booster = lightgbm.train(
            self._parameters(max(int(each.max()) for each in labels)),
            data,
            num_boost_round=self.config.trees,
            valid_sets=watched,
            valid_names=["valid"][: len(watched)],
            callbacks=callbacks,
        )
        self.curve = found.get("valid", {}).get(f"ndcg@{self.config.k}", [])
        trees = booster.best_iteration if watched else None
        self.booster = self._read(booster.model_to_string(num_iteration=trees))

    def score(self, hits: Hits) -> Floats:
        """Add up the leaves that each result falls into."""
        found: Floats = self.booster.predict(features_of(hits, self.name), num_threads=self.config.threads or 0)
        return found

    def state(self) -> dict[str, Any]:
        """Return LightGBM's own text of the trees, as bytes."""
        import torch

        return {"model": torch.from_numpy(np.frombuffer(self._text.encode(), dtype=np.uint8).copy())}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Read trees."""
        self.booster = self._read(state["model"].numpy().tobytes().decode())

    # ------------------------------------------------------------------ inside

    def _parameters(self, greatest: int) -> dict[str, Any]:
        """Return LightGBM's parameters for labels up to `greatest`."""
        config = self.config
        if config.gain == "exponential" and greatest > GREATEST:
            raise ConfigError(f"lambdamart: labels may be at most {GREATEST}, got {greatest}; set gain to linear")
        return {
            "objective": "lambdarank",
            "metric": "ndcg",
            "eval_at": [config.k],
            "label_gain": [2.0**y - 1 if config.gain == "exponential" else y for y in range(greatest + 1)],
            "lambdarank_truncation_level": config.truncation,
            "num_leaves": config.leaves,
            "learning_rate": config.learning_rate,
            "min_data_in_leaf": config.min_child_samples,
            "seed": config.seed % 2**31,
            "num_threads": config.threads or 0,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def _data(self, topics: Topics, labels: Ints) -> dict[str, Any]:
        hits: Hits = topics.flow
        counts = np.diff(hits.ptr)
        if counts.max() > LONGEST:
            qid = hits.queries["qid"].iloc[int(counts.argmax())]
            raise ConfigError(
                f"lambdamart: a query may have {LONGEST} results, got {counts.max()} of {qid!r}; cut them"
            )
        return {"data": features_of(hits, self.name), "label": labels, "group": counts[counts > 0]}

    def _labels(self, topics: Topics) -> Ints:
        labels: Ints = np.maximum(labels_of(topics.flow, topics.qrels), 0).astype(np.int64)
        return labels

    def _read(self, text: str) -> Any:
        self._text = text
        return _lightgbm().Booster(model_str=text)


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError:
        raise MissingExtraError(
            "lambdamart: needs lightgbm, which is not installed; pip install 'irkit[lightgbm]'"
        ) from None
    return lightgbm
