"""EASE: a linear item-item model in closed form.

Source: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, equation 8.
Symbols: X (U, I) binary feedback, G = X'X, P = (G + reg I)^-1; B = I - P / diag(P), diag(B) = 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.errors import DivergedError
from irkit.recommend.ranker import Ranker, RankerConfig
from irkit.recommend.table import RatingTable

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from irkit.pipeline.explain import Terms

BLOCK = 512
"Rows that are counted or mirrored at once."


class EASEConfig(RankerConfig):
    """Settings of `EASE`."""

    reg: float = Field(500.0, gt=0)
    "Penalty on squared weights; 200 to 1000 in the paper."


def item_gram(x: csr_matrix) -> Floats:
    """Compute X'X of a sparse X (U, I) as a dense (I, I) float64 in C order, and hold little beside it."""
    columns = x.T.tocsr()
    out = np.empty((x.shape[1], x.shape[1]))
    for begin in range(0, len(out), BLOCK):
        (columns[begin : begin + BLOCK] @ x).toarray(out=out[begin : begin + BLOCK])
    return out


def ease_weights(gram: Floats, reg: float) -> Floats:
    """Solve for the item-item weights, in the memory of `gram`: 8 I^2 bytes and little beside them.

    Parameters
    ----------
    gram : (I, I) float64, C order
        X'X; overwritten.
    reg : float, positive

    Returns
    -------
    (I, I) float64 with a zero diagonal; `gram` itself

    Raises
    ------
    DivergedError
        If `gram` + reg I is not positive definite in float64.
    """
    from scipy.linalg.lapack import dpotrf, dpotri

    diagonal = np.einsum("ii->i", gram)
    diagonal += reg
    # LAPACK has columns where C has rows, and the matrix is symmetric: its lower triangle is our upper one.
    factor, wrong = dpotrf(gram.T, lower=1, overwrite_a=1)
    if not wrong:
        inverse, wrong = dpotri(factor, lower=1, overwrite_c=1)
    if wrong:
        raise DivergedError(f"ease: X'X + reg I is not positive definite in float64; raise reg, got {reg:g}")
    weights: Floats = inverse.T
    for begin in range(0, len(weights), BLOCK):
        end = begin + BLOCK
        square = weights[begin:end, begin:end]
        square[...] = np.triu(square) + np.triu(square, 1).T
        weights[end:, begin:end] = weights[begin:end, end:].T
    weights /= -np.einsum("ii->i", weights).copy()
    np.fill_diagonal(weights, 0.0)
    return weights


class EASE(Ranker):
    """Rank items by a linear model of the items a user likes."""

    name = "ease"
    config_type = EASEConfig
    config: EASEConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Solve once."""
        self.weights_ = ease_weights(item_gram(self.liked.matrix_of_ones), self.config.reg)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return single cells of X B."""
        score: Floats = np.einsum("mi,im->m", self.liked.matrix_of_ones[user].toarray(), self.weights_[:, item])
        return score

    def contributions(self, user: int, item: int) -> Terms:
        """Return the weight B_ji of each item j that the user likes."""
        x = self.liked.matrix_of_ones
        liked = x.indices[x.indptr[user] : x.indptr[user + 1]]
        shares = self.weights_[liked, item].tolist()
        return [(self.fitted.items[j], 1.0, share) for j, share in zip(liked.tolist(), shares, strict=True)]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return rows of X B."""
        scores: Floats = self.liked.matrix_of_ones[user] @ self.weights_
        return scores
