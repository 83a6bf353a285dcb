"""The bias baseline: mean rating plus damped deviations of user and item, in closed form.

Source: Koren, "Factor in the neighbors: scalable and accurate collaborative filtering", TKDD 4(1),
2010, section 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender
from irkit.recommend.table import RatingTable
from irkit.recommend.why import bias_terms

if TYPE_CHECKING:
    from irkit.pipeline.explain import Terms


class Bias(Recommender):
    """Predict mu + b_u + b_i."""

    name = "bias"

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Nothing beyond what every recommender's fall-back is."""

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return mu + b_u + b_i."""
        return self.mean_ + self.user_bias_[user] + self.item_bias_[item]

    def contributions(self, user: int, item: int) -> Terms:
        """Return mu, b_u and b_i."""
        return bias_terms(self.mean_, self.user_bias_[user], self.item_bias_[item])
