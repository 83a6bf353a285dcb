"""Popularity: the most rated items, the same for everybody."""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender
from irkit.recommend.table import RatingTable


class Popularity(Recommender):
    """Rank items by their number of training ratings."""

    name = "popularity"
    predicts_ratings = False

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Count ratings."""
        self.count_ = np.bincount(train.item, minlength=len(train.items)).astype(np.float64)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return the items' counts."""
        return self.count_[item]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the same row for every user."""
        return np.tile(self.count_, (len(user), 1))
