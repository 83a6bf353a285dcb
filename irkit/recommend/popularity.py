"""Popularity: the most rated (or most liked) items, the same for everybody."""

from __future__ import annotations

import numpy as np

from irkit.arrays import Bools, Floats, Ints
from irkit.recommend.ranker import Ranker
from irkit.recommend.table import RatingTable


class Popularity(Ranker):
    """Rank items by their number of training ratings, of those at or above the threshold."""

    name = "popularity"

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Count ratings."""
        self.count_ = self.popularity

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return the items' counts."""
        return self.count_[item]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the same row for every user."""
        return np.tile(self.count_, (len(user), 1))

    def knows(self, user: Ints) -> Bools:
        """Everybody is recommended the same: (m,) of true."""
        return np.ones(len(user), dtype=bool)
