"""What the recommenders share that rank items by what users like and do not predict ratings."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.table import RatingTable


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
