"""Alternating least squares on implicit feedback.

Source: Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
Symbols: X (U, d), Y (I, d) factors; p_ui = 1 where user u likes item i, else 0; confidence
c_ui = 1 + alpha there, 1 elsewhere. Minimised: sum c_ui (p_ui - x_u.y_i)^2 + reg (|X|^2 + |Y|^2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.normal import grams, solve_each
from irkit.recommend.ranker import Ranker, RankerConfig
from irkit.recommend.table import RatingTable
from irkit.rng import Seed, generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class ALSConfig(RankerConfig):
    """Settings of `ALS`."""

    embedding_size: int = Field(16, ge=1)
    "Factors."
    alpha: float = Field(1.0, gt=0)
    "Extra confidence in what was seen."
    reg: float = Field(10.0, gt=0)
    "Penalty on squared factors, per user and item."
    epochs: int = Field(15, ge=1)
    "Alternations."
    seed: Seed = 1
    "Seed of the start."


def solve_side(x: csr_matrix, y: Floats, alpha: float, reg: float) -> Floats:
    """Solve one side's factors while the other's are held.

    x_u = (Y'Y + alpha sum over seen i of y_i y_i' + reg I)^-1 (1 + alpha) sum over seen i of y_i

    Parameters
    ----------
    x : (U, I) sparse, ones
    y : (I, d) float64 or float32

    Returns
    -------
    (U, d) of the type of y
    """
    shared = y.T @ y + reg * np.eye(y.shape[1], dtype=y.dtype)
    right = (1 + alpha) * (x @ y)
    out = np.empty((x.shape[0], y.shape[1]), y.dtype)
    for rows, gram in grams(x, y):
        gram *= alpha
        gram += shared
        out[rows] = solve_each(gram, right[rows])
    return out


class ALS(Ranker):
    """Rank items by factors fitted to liked items against all others."""

    name = "als"
    config_type = ALSConfig
    config: ALSConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Alternate between users and items."""
        c = self.config
        x = self.liked.matrix_of_ones.astype(np.float32)
        transposed = x.T.tocsr()
        start = generator(c.seed, "als").normal(0, 0.1, (x.shape[1], c.embedding_size))
        self.item_factors_: Floats = start.astype(np.float32)
        for _ in range(c.epochs):
            self.user_factors_ = solve_side(x, self.item_factors_, c.alpha, c.reg)
            self.item_factors_ = solve_side(transposed, self.user_factors_, c.alpha, c.reg)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return x_u . y_i."""
        score: Floats = np.einsum("md,md->m", self.user_factors_[user], self.item_factors_[item])
        return score

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return x_u . y_i for every item."""
        return self.user_factors_[user] @ self.item_factors_.T
