"""Learning to rank: a scikit-learn estimator over `features`."""

from __future__ import annotations

import inspect
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from irkit.arrays import Bools, Floats
from irkit.config import Config, digest
from irkit.errors import ConfigError, FrameError, ShapeError
from irkit.frames import Qrels
from irkit.hits import Hits
from irkit.pipeline.filters import DropSelf
from irkit.pipeline.fit import Topics, not_fitted
from irkit.pipeline.stage import Stage
from irkit.rng import SmallSeed

if TYPE_CHECKING:
    from collections.abc import Callable


class LearnedConfig(Config):
    """Settings of `Learned`."""

    model: Literal["boosting", "forest", "linear", "logistic"] = "boosting"
    "HistGradientBoostingRegressor, RandomForestRegressor, Ridge or LogisticRegression with scikit-learn's defaults."
    reg: float = Field(1.0, gt=0)
    "Weight of the squared coefficients: alpha of `linear`, 1 / C of `logistic`; the others have none."
    seed: SmallSeed = 42
    "For the models that draw random numbers."


class Learned(Stage):
    """Score results by a model of their features, learned from judgements.

    `fit` takes the features of the results for the training queries as examples and their
    judgements as targets; a result without a judgement counts as label 0, and a query's own document is
    left out where the judgements say that it is no answer (`exclude_self`). The score is the model's
    prediction; for a classifier the expected label, sum over classes of p(class) * class.
    Rankers whose `fit` has a parameter `group` (LightGBM, XGBoost) are told how many results each query has.

    Parameters
    ----------
    estimator : scikit-learn estimator, optional
        A model of your own instead of one named in the config. It is copied, never changed.
    """

    name = "learned"
    config_type = LearnedConfig
    config: LearnedConfig
    learns_from = Topics

    def __init__(self, config: LearnedConfig | None = None, *, estimator: Any = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        if estimator is not None and not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
            raise ConfigError(f"learned: an estimator has fit and predict, got {type(estimator).__name__}")
        self.estimator = estimator
        self.fitted: Any = None
        self.fitted_on: frozenset[str] | None = None

    def fit(self, train: Topics, valid: Topics | None = None) -> Stage:
        """Return a copy fitted on the results of the training queries.

        Raises
        ------
        FrameError
            If the topics hold queries instead of results, the results have no features or not such as the model can
            take, or there are none, or none is judged relevant; for logistic regression also if all results have one
            label.
        """
        hits = examples(train, self.name)
        features = self._features(hits)
        labels = labels_of(hits, train.qrels)
        if self.estimator is None and self.config.model == "logistic" and (labels == labels[0]).all():
            raise FrameError(f"learned: logistic needs results of two labels, got {labels[0]:g} alone; judge others")
        if not (labels > 0).any():
            raise FrameError("learned: no result of train is judged relevant; give judgements of its queries")
        estimator = _fresh(self.estimator) if self.estimator is not None else _MODELS[self.config.model](self.config)
        counts = np.diff(hits.ptr)
        grouped = {"group": counts[counts > 0]} if "group" in inspect.signature(estimator.fit).parameters else {}
        out = copy(self)
        out.fitted = estimator.fit(features, labels, **grouped)
        out.fitted_on = frozenset(hits.queries["qid"])
        return out

    def run(self, flow: Hits) -> Hits:
        """Score by prediction.

        Raises
        ------
        NotFittedError
            Before `fit`.
        FrameError
            If the results have no features, or not such as the model can take.
        ShapeError
            If there are more or fewer features than in training.
        """
        if self.fitted is None:
            raise not_fitted(self)
        if not len(flow):
            return flow
        features = self._features(flow)
        expected = getattr(self.fitted, "n_features_in_", features.shape[1])
        if features.shape[1] != expected:
            raise ShapeError(f"learned: was fitted on {expected} features, got {features.shape[1]}")
        return flow.rescored(_predicted(self.fitted, features))

    def _features(self, hits: Hits) -> Floats:
        """Return features that the model can take; an estimator of the user's says itself what it cannot."""
        features = features_of(hits, self.name)
        if self.estimator is None:
            trees = self.config.model in ("boosting", "forest")  # which take NaN for a missing value
            refuse(np.isinf(features) if trees else ~np.isfinite(features), hits, self.name, "give numbers")
        return features

    @property
    def fingerprint(self) -> str:
        """Hash of the settings and of the model with all it learned."""
        import joblib

        state = None if self.estimator is None and self.fitted is None else joblib.hash((self.estimator, self.fitted))
        return digest("learned", self.config.essence(), state)

    def label(self) -> str:
        """Return the stage as Python text, naming an estimator of the user's by its class."""
        if self.estimator is None:
            return super().label()
        return f"learned(estimator={type(self.estimator).__name__}())"

    def spec(self) -> dict[str, Any]:
        """Return the stage as plain values; an estimator of the user's has none."""
        if self.estimator is not None:
            raise ConfigError(
                f"learned: a recipe cannot hold a {type(self.estimator).__name__}; name a model: {', '.join(_MODELS)}"
            )
        return {"use": self.name, **self.config.given()}


def examples(train: Any, who: str) -> Hits:
    """Return the results that a ranker learns from, without a query's own document where that is no answer.

    Parameters
    ----------
    train : Topics
        Of results; `exclude_self` among the attributes of the judgements says that a query is a document itself.
    who : str
        Begins a message.

    Raises
    ------
    FrameError
        If the topics hold queries instead of results, the results have no features, or there are none.
    """
    if not isinstance(train, Topics):
        raise FrameError(f"{who}: train must be Topics, got {type(train).__name__}; write {Topics.written}")
    hits = train.flow
    if not isinstance(hits, Hits):
        raise FrameError(
            f"{who}: is fitted on results with features; fit the whole pipeline: (a ** b >> {who}).fit(topics)"
        )
    if train.qrels.attrs.get("exclude_self"):
        hits = DropSelf().run(hits)
    features_of(hits, who)
    if not len(hits):
        raise FrameError(f"{who}: there is no result to learn from; look at the retriever before it")
    return hits


def features_of(hits: Hits, who: str) -> Floats:
    """Return the features of results: (m, F) float64.

    Raises
    ------
    FrameError
        If they have none.
    """
    if "features" not in hits.columns:
        raise FrameError(f"{who}: needs the column 'features'; put pipelines side by side before it: a ** b >> {who}")
    features: Floats = hits.columns["features"]
    return features


def refuse(bad: Bools, hits: Hits, who: str, todo: str) -> None:
    """Raise `FrameError` about the first feature that is true in `bad` (m, F), if any is."""
    if bad.any():
        row, column = np.argwhere(bad)[0]
        features = hits.columns["features"]
        raise FrameError(
            f"{who}: feature {column + 1} of {features.shape[1]} of docno {hits.docnos[hits.doc[row]]!r} for qid "
            f"{hits.queries['qid'].iloc[int(hits.query[row])]!r} must be finite, got {features[row, column]}; {todo}"
        )


def labels_of(hits: Hits, qrels: Qrels) -> Floats:
    """Look up the judgement of each hit.

    Returns
    -------
    (m,) float64
        Labels; 0 for a hit without a judgement.
    """
    query = pd.Index(hits.queries["qid"]).get_indexer(pd.Index(qrels["qid"]))
    doc = hits.docnos.rows(qrels["docno"])
    known = (query >= 0) & (doc >= 0)
    key = query[known].astype(np.int64) * len(hits.docnos) + doc[known]
    labels = pd.Series(qrels["label"].to_numpy(dtype=np.float64)[known], index=key)
    return labels.reindex(hits.query * len(hits.docnos) + hits.doc, fill_value=0.0).to_numpy()


def _predicted(estimator: Any, features: Floats) -> Floats:
    if hasattr(estimator, "predict_proba"):
        score: Floats = estimator.predict_proba(features) @ np.asarray(estimator.classes_, dtype=np.float64)
        return score
    return np.asarray(estimator.predict(features), dtype=np.float64)


def _fresh(estimator: Any) -> Any:
    from sklearn.base import clone

    return clone(estimator)


def _boosting(config: LearnedConfig) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=config.seed)


def _forest(config: LearnedConfig) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(random_state=config.seed)


def _linear(config: LearnedConfig) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=config.reg)


def _logistic(config: LearnedConfig) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / config.reg, random_state=config.seed)


_MODELS: dict[str, Callable[[LearnedConfig], Any]] = {
    "boosting": _boosting,
    "forest": _forest,
    "linear": _linear,
    "logistic": _logistic,
}
