"""EASE: a linear item-item model in closed form.

Source: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, equation 8.
Symbols: X (U, I) binary feedback, G = X'X, P = (G + reg I)^-1; B = I - P / diag(P), diag(B) = 0.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.ranker import Ranker, RankerConfig
from irkit.recommend.table import RatingTable


class EASEConfig(RankerConfig):
    """Settings of `EASE`."""

    reg: float = Field(500.0, gt=0)
    "Penalty on squared weights; 200 to 1000 in the paper."


def ease_weights(gram: Floats, reg: float) -> Floats:
    """Solve for the item-item weights.

    Parameters
    ----------
    gram : (I, I) float64
        X'X.
    reg : float, positive

    Returns
    -------
    (I, I) float64 with a zero diagonal
    """
    p = np.linalg.inv(gram + reg * np.eye(len(gram)))
    weights = -p / np.diag(p)
    np.fill_diagonal(weights, 0.0)
    return weights


class EASE(Ranker):
    """Rank items by a linear model of the items a user likes."""

    name = "ease"
    config_type = EASEConfig
    config: EASEConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Solve once."""
        x = self.liked.matrix_of_ones
        self.weights_ = ease_weights((x.T @ x).toarray(), self.config.reg)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return single cells of X B."""
        score: Floats = np.einsum("mi,im->m", self.liked.matrix_of_ones[user].toarray(), self.weights_[:, item])
        return score

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return rows of X B."""
        scores: Floats = self.liked.matrix_of_ones[user] @ self.weights_
        return scores
