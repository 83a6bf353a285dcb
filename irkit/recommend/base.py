"""What every recommender shares: fitting, prediction with its fall-backs, top-n lists, saving.

A recommender is a stage from queries to results, a query being a user and a document an item, so
`ease % 200 >> rrn.rater()` is a pipeline. It is fitted on a `RatingTable`; `fit` returns a fitted copy.

Symbols: U users, I items; mu + b_u + b_i the bias baseline.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.config import Config, digest
from irkit.errors import CompositionError, ConfigError, FrameError
from irkit.frames import Queries, check_pairs
from irkit.hits import Hits
from irkit.io.ratings.times import frame_times, in_seconds
from irkit.learn.memory import enough_memory, smaller
from irkit.pipeline.fit import not_fitted
from irkit.pipeline.stage import Stage
from irkit.recommend.baseline import bias_baseline
from irkit.recommend.lists import best, check_finite, users_frame
from irkit.recommend.table import DAY, RatingTable, check_learnable, known_columns
from irkit.recommend.why import explained

if TYPE_CHECKING:
    from irkit.pipeline.explain import Terms

BRANCHES = ("user and item", "item", "user", "neither")
"What was known of a pair: the model predicts the first kind, the fall-back the others."

BATCH = 1 << 21
"Scores held at once while making lists: 16 MiB."


class RecommenderConfig(Config):
    """Settings that every recommender has."""

    n: int = Field(100, ge=1)
    "Items in a list."
    seen: Literal["drop", "keep"] = "drop"
    "Whether items the user rated in training may be recommended."
    damping: float = Field(5.0, ge=0)
    "Pseudo-ratings that pull the fall-back's deviations to 0."


class Recommender(Stage):
    """Base of the recommenders; a subclass implements `learn` and `score`."""

    takes = "queries"
    gives = "results"
    learns_from = RatingTable
    config_type: ClassVar[type[Config]] = RecommenderConfig
    config: Any
    predicts_ratings: ClassVar[bool] = True
    "Whether scores are ratings, on the rating scale."
    asked_of = ("item", "user")
    uses_time: ClassVar[bool] = False
    "Whether timestamps are needed in training and in `predict`."
    weighs_counts: ClassVar[bool] = False
    "Whether counts are confidence; to others a count is a rating, or where they rank, a like like any other."
    train: RatingTable | None = None
    valid_fingerprint: str | None = None
    "Hash of the held-out ratings `fit` was given."
    held_out: RatingTable | None = None
    "Those ratings, on the users and items of the training table."
    mean_: float
    "Mean training rating."
    user_bias_: Floats
    "(U,) float64: damped deviation of each user, for the fall-back."
    item_bias_: Floats
    "(I,) float64: damped deviation of each item, for the fall-back."

    # ------------------------------------------------------------------ for subclasses

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Set the learned arrays, attributes whose names end in an underscore."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement learn")

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Score pairs of known users and items.

        Parameters
        ----------
        user, item : (m,) int64
            Rows of the training table's users and items.
        day : (m,) float64 or None
            Days since 1970, for models that use time.

        Returns
        -------
        (m,) float64
        """
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement score")

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Score all items for some known users: (m, I) float, an array of its own that the caller may change.

        A subclass with a matrix product overrides this.
        """
        items = len(self.fitted.items)
        days = None if day is None else np.repeat(day, items)
        flat = self.score(np.repeat(user, items), np.tile(np.arange(items), len(user)), days)
        return flat.reshape(len(user), items)

    def contributions(self, user: int, item: int) -> Terms | None:
        """Say what the `score` of a known user and item, by their rows, is the sum of; None if it is no such sum.

        Rows are (what, weight, contribution): items that the user rated, or parts such as the mean rating.
        """
        return None

    # ------------------------------------------------------------------ the fall-back of lists

    def knows(self, user: Ints) -> Bools:
        """Say of users, -1 for one without a training rating, whether the model has learned what they like: (m,)."""
        return user >= 0

    @property
    def popularity(self) -> Floats:
        """(I,) float64: scores of the items for users the model does not know, numbers of training ratings."""
        return np.bincount(self.fitted.item, minlength=len(self.fitted.items)).astype(np.float64)

    def scores_for(self, user: Ints, day: Floats | None = None) -> Floats:
        """Score all items for users of whom some may be unknown; these get `popularity`.

        Parameters
        ----------
        user : (m,) int64
            Rows of the training table's users, -1 for an unknown one.
        day : (m,) float64, optional

        Returns
        -------
        (m, I) float
            Writeable.

        Raises
        ------
        ConfigError
            If the model scores an item NaN or infinity.
        """
        known = self.knows(user)
        if known.all() and len(user):
            out = np.require(self.scores(user, day), requirements="W")
        else:
            out = np.tile(self.popularity, (len(user), 1))
            if known.any():
                out[known] = self.scores(user[known], None if day is None else day[known])
        check_finite(out, user, self)
        return out

    # ------------------------------------------------------------------ use

    @property
    def fitted(self) -> RatingTable:
        """The training table; an error before `fit`."""
        if self.train is None:
            raise not_fitted(self)
        return self.train

    def fit(self, train: RatingTable, valid: RatingTable | None = None) -> Self:
        """Return a copy fitted on ratings.

        Parameters
        ----------
        train : RatingTable
            Users and items without a rating in it are unknown to the model.
        valid : RatingTable, optional
            Held-out ratings for models that stop early by them; those of users or items unknown in
            training are left out.

        Raises
        ------
        FrameError
            If `train` or `valid` is no RatingTable, has no rating, one beyond 1e12, or no timestamps
            where the model uses time.
        OutOfMemoryError
            If it does not fit into memory.
        """
        for role, table in (("train", train), ("valid", valid)):
            if table is not None or role == "train":
                check_learnable(table, role, who=self.name, timed=self.uses_time)
        train = train.compact()
        valid = None if valid is None else valid.like(train)
        fitted = copy(self)
        fitted.train = train
        fitted.held_out = valid
        fitted.valid_fingerprint = None if valid is None else valid.fingerprint
        fitted.mean_, fitted.user_bias_, fitted.item_bias_ = bias_baseline(train, self.config.damping)
        with enough_memory(self.name, smaller(self.config_type.model_fields)):
            fitted.learn(train, valid)
        return fitted

    def predict(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Predict ratings of (user, item) pairs.

        Parameters
        ----------
        pairs : frame
            `user_id`, `item_id`, and for models that use time `timestamp`; without that column the
            last day in training is meant.

        Returns
        -------
        frame
            `pairs` with `prediction`, clipped to the rating scale, and `branch`, one of `BRANCHES`:
            the model itself, or mu + b_i, mu + b_u, mu where user, item or both are unknown.

        Raises
        ------
        ConfigError
            If the model ranks items and does not predict ratings.
        FrameError
            If the frame does not hold pairs, or a timestamp is missing while others are there.
        """
        if not self.predicts_ratings:
            raise ConfigError(f"{self.name}: ranks items and does not predict ratings; use recommend")
        train, pairs = self.fitted, known_columns(pairs)
        check_pairs(pairs, who=self.name)
        user, item = train.users.rows(pairs["user_id"]), train.items.rows(pairs["item_id"])
        score = self.rows_scored(user, item, self.days_of(pairs))
        branch = np.select([(user >= 0) & (item >= 0), item >= 0, user >= 0], BRANCHES[:3], BRANCHES[3])
        return pairs.assign(prediction=np.clip(score, *train.scale), branch=branch)

    def rows_scored(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Score pairs, some of whose users or items may be unknown.

        Parameters
        ----------
        user, item : (m,) int64
            Rows of the training table's users and items, -1 for an unknown one.
        day : (m,) float64 or None
            Days since 1970, for models that use time.

        Returns
        -------
        (m,) float64
            The model's score where both are known. Elsewhere a rating model gives mu + b_i, mu + b_u
            or mu; one that only ranks gives a user it does not know the item's `popularity`, and an item
            it does not know 0. Not clipped.
        """
        score = np.zeros(len(user))
        both = self.knows(user) & (item >= 0)
        if self.predicts_ratings:
            score += self.mean_
            score[item >= 0] += self.item_bias_[item[item >= 0]]
            alone = (user >= 0) & (item < 0)
            score[alone] += self.user_bias_[user[alone]]
        else:
            other = ~both & (item >= 0)
            score[other] = self.popularity[item[other]]
        if both.any():
            score[both] = self.score(user[both], item[both], None if day is None else day[both])
        return score

    def days_of(self, frame: pd.DataFrame) -> Floats | None:
        """Return the day of each row of a frame: its `timestamp`, else the last in training; None without time."""
        if not self.uses_time:
            return None

        def fail(row: int, what: str, todo: str) -> FrameError:
            return FrameError(f"{self.name}: row {row} has {what}; {todo}")

        seconds = frame_times(frame, fail)
        return np.full(len(frame), self.fitted.days.max()) if seconds is None else seconds / DAY

    def recommend(self, users: Any = None, n: int | None = None, *, day: float | None = None) -> pd.DataFrame:
        """Recommend items to users: a results frame with `qid` the user and `docno` the item.

        Parameters
        ----------
        users : str or list of str, optional
            Default all users of the training ratings. One whom the model does not know gets the most rated items; of
            a model with a threshold those most often rated that high, as does one who has rated nothing that high.
        n : int, optional
            Items in a list; default the config's.
        day : float, optional
            Days since 1970 at which to recommend, for models that use time; default the last in training.
        """
        queries = users_frame(self.fitted.users.names.to_pylist() if users is None else users)
        if day is not None:
            queries["timestamp"] = day * DAY
            in_seconds(queries)
        stage = self if n is None else self.limited(n)
        return stage.run(queries).frame()

    def read(self, frame: Any) -> Any:
        """Read users: an id, a list of ids, or a frame whose `qid` is the user; it needs no `query`."""
        if not isinstance(frame, (pd.DataFrame, Hits)):
            return users_frame(frame)
        if isinstance(frame, pd.DataFrame) and "qid" in frame and not {"query", "query_toks"} & set(frame):
            frame = frame.assign(query=frame["qid"])
        return super().read(frame)

    def run(self, flow: Queries) -> Hits:
        """Make a list for every user, a batch of users at a time."""
        train = self.fitted
        users, n = train.users.rows(flow["qid"]), self.config.n
        days = self.days_of(flow)
        step = max(1, BATCH // len(train.items))
        nothing = np.zeros(0, dtype=np.int64)
        found: list[tuple[Ints, Ints, Floats]] = [(nothing, nothing, np.zeros(0))]
        for at in range(0, len(flow), step):
            rows = users[at : at + step]
            scores = self.scores_for(rows, None if days is None else days[at : at + step])
            if self.config.seen == "drop":
                scores[self._seen(rows)] = -np.inf
            query, item = best(scores, n, train.items.rank)
            found.append((query + at, item, scores[query, item].astype(np.float64)))
        query, item, score = (np.concatenate(part) for part in zip(*found, strict=True))
        return Hits.ranked(flow, query, item, score, train.items)

    def explain_terms(self, flow: Queries, docno: str) -> Terms | None:
        """Return what an item's score for a user is the sum of: `contributions`, or how popular the item is."""
        return explained(self, flow["qid"], docno, in_lists=True)

    def limited(self, k: int) -> Self:
        """Return a recommender with shorter lists."""
        if k == self.config.n:
            return self
        shorter = copy(self)
        shorter.config = self.config.changed(n=k)
        return shorter

    def rater(self) -> Stage:
        """Return this model as a stage from results to results: it scores given items anew."""
        from irkit.recommend.rate import Rate

        return Rate((self,))

    def held_out_error(self, valid: RatingTable | None) -> Callable[[], float] | None:
        """Return a function that computes the RMSE on held-out ratings under the arrays learned so far.

        None without held-out ratings of known users and items; `valid` is what `learn` is given.
        """
        if valid is None or not len(valid):
            return None
        scale = self.fitted.scale

        def error() -> float:
            predicted = np.clip(self.score(valid.user, valid.item, valid.time), *scale)
            return float(np.sqrt(np.mean((predicted - valid.rating) ** 2)))

        return error

    # ------------------------------------------------------------------ identity and files

    @property
    def fingerprint(self) -> str:
        """Hash of everything the output depends on: kind, settings, training ratings, held-out ratings."""
        return digest(
            super().fingerprint, None if self.train is None else self.train.fingerprint, self.valid_fingerprint
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model, its training table included, as one safetensors file.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        DataError
            If the file cannot be written; what stood there before stays.
        """
        from irkit.recommend.saved import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model that `save` wrote; `Recommender.load` reads one of any kind.

        Raises
        ------
        NotFoundError
            If there is no such file.
        DataError
            If it is damaged, was not written by `save`, or holds a model of another kind.
        """
        from irkit.recommend.saved import load

        return load(path, cls)

    # ------------------------------------------------------------------ inside

    def _seen(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return the cells (row, item) that some users, -1 for an unknown one, rated in training."""
        known = np.flatnonzero(rows >= 0)
        row, item = self.fitted.matrix_of_ones[rows[known]].nonzero()
        return known[row], item
