"""What the recommenders share that rank items by what users like and do not predict ratings."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.table import RatingTable

LOOKED_AT = 5
"How deep into a list held-out precision looks."


class RankerConfig(RecommenderConfig):
    """Settings that every ranker has."""

    threshold: float | None = Field(None)
    "Least rating of an item that the user likes; none: every rated item is liked."


class Ranker(Recommender):
    """Base of the recommenders that learn from liked items; what is rated lower is an item like any other."""

    config_type: ClassVar[type[Config]] = RankerConfig
    predicts_ratings = False

    @property
    def liked(self) -> RatingTable:
        """The training ratings of liked items, with the users and items of all training ratings.

        Raises
        ------
        ConfigError
            If no rating reaches the threshold.
        """
        train, threshold = self.fitted, self.config.threshold
        if threshold is None:
            return train
        held: tuple[RatingTable, float, RatingTable] | None = vars(self).get("_liked")
        if held is None or held[0] is not train or held[1] != threshold:
            liked = train.kept(train.rating >= threshold)
            if not len(liked):
                raise ConfigError(
                    f"{self.name}: no rating reaches the threshold {threshold:g}, the greatest is "
                    f"{train.rating.max():g}; lower it"
                )
            held = self._liked = (train, threshold, liked)
        return held[2]

    def knows(self, user: Ints) -> Bools:
        """Say of users, -1 for one without a training rating, whether they like an item: (m,)."""
        likes = np.bincount(self.liked.user, minlength=len(self.fitted.users)) > 0
        return (user >= 0) & likes[user]

    @property
    def popularity(self) -> Floats:
        """(I,) float64: scores of the items for users who like nothing, numbers of users who like them."""
        return np.bincount(self.liked.item, minlength=len(self.fitted.items)).astype(np.float64)

    def held_out_precision(self, valid: RatingTable | None) -> Callable[[], float] | None:
        """Return a function that computes P@5 on held-out liked items under the arrays learned so far.

        The lists are of all items but those the user likes in training; the mean is over users of whom a liked item
        is held out. None without such an item; `valid` is what `learn` is given.
        """
        threshold = self.config.threshold
        if valid is not None and threshold is not None:
            valid = valid.kept(valid.rating >= threshold)
        if valid is None or not len(valid):
            return None
        users, row = np.unique(valid.user, return_inverse=True)
        relevant = np.zeros((len(users), len(self.fitted.items)), dtype=bool)
        relevant[row, valid.item] = True
        liked = self.liked.matrix_of_ones[users].nonzero()
        n = min(LOOKED_AT, relevant.shape[1])

        def precision() -> float:
            scores = self.scores(users)
            scores[liked] = -np.inf
            best = np.argpartition(-scores, n - 1, axis=1)[:, :n]
            listed = np.take_along_axis(scores, best, axis=1) > -np.inf
            return float((np.take_along_axis(relevant, best, axis=1) & listed).sum() / (LOOKED_AT * len(users)))

        return precision
