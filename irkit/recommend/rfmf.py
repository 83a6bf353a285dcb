"""RFMF on users: a user's row of ratings is factorised together with those of similar users.

Source: Zamani, Dadashkarimi, Shakery and Croft, "Pseudo-relevance feedback based on matrix
factorization", CIKM 2016. There a query is a user, its pseudo-relevant documents are similar users and
terms are items; here they are these.
Symbols: W (U, I) weights of ratings; R (F + 1, C), row 0 the user, rows 1.. the F users most similar by
the cosine of their rows of W, over the C items that any of them likes; U V its factorisation of rank r;
an item's score is row 0 of U V, and 0 for items that none of them likes.
Departures: those of `irkit.expand.rfmf`: a rank below the number of rows, and a deterministic start. A
cell is the rating's place on the scale instead of a topical probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.learn.nmf import nmf, nndsvd
from irkit.recommend.ranker import Ranker, RankerConfig
from irkit.recommend.table import RatingTable

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class RFMFUsersConfig(RankerConfig):
    """Settings of `RFMFUsers`."""

    k: int = Field(50, ge=1)
    "Similar users, at most."
    rank: int = Field(5, ge=1)
    "Latent factors; with `k` and `iterations` chosen on a tenth of the training part of MovieLens 100K, u1."
    objective: Literal["kl", "frobenius"] = "kl"
    "What the factorisation minimises."
    iterations: int = Field(20, ge=1)
    "Multiplicative updates."


def rating_weights(rating: Floats, scale: tuple[float, float]) -> Floats:
    """Weigh ratings by their place on the scale, in (0, 1]: (r - low + 1) / (high - low + 1)."""
    low, high = scale
    return (rating - low + 1) / (high - low + 1)


def unit_rows(weights: csr_matrix) -> csr_matrix:
    """Scale the rows of a matrix (U, I) to length 1; rows of zeros stay."""
    from scipy.sparse import diags_array

    length = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    return (diags_array(1 / np.where(length > 0, length, 1)) @ weights).tocsr()


def most_similar(unit: csr_matrix, user: int, k: int) -> Ints:
    """Return the users whose rows have the greatest cosine with a user's, greatest first.

    Parameters
    ----------
    unit : (U, I) sparse float64, nonnegative
        Rows of length 1, from `unit_rows`.
    user : int
    k : int

    Returns
    -------
    (F,) int64
        At most k; not the user, and nobody without an item in common. Of equals, to 12 digits, the first.
    """
    cosine = (unit @ unit[[user]].T).toarray().ravel()
    cosine[user] = 0
    order = np.argsort(-np.round(cosine, 12), kind="stable")[:k]
    similar: Ints = order[cosine[order] > 0].astype(np.int64)
    return similar


class RFMFUsers(Ranker):
    """Rank items by factorising a user's row together with those of similar users."""

    name = "rfmf-users"
    config_type = RFMFUsersConfig
    config: RFMFUsersConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Nothing: a user's rows are factorised when the user is asked for."""

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return some cells of the users' rows."""
        users, row = np.unique(user, return_inverse=True)
        return self.scores(users)[row, item]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return row 0 of each user's factorised matrix, over all items."""
        liked = self.liked
        weights = liked.matrix.copy()
        weights.data = rating_weights(weights.data, liked.scale)
        unit = unit_rows(weights)
        out = np.zeros((len(user), len(liked.items)))
        for place, one in enumerate(user.tolist()):
            rows = weights[[one, *most_similar(unit, one, self.config.k)]]
            columns = np.unique(rows.indices)
            if len(columns):  # a user may like nothing
                out[place, columns] = self.reconstructed(rows[:, columns].toarray())
        return out

    def reconstructed(self, r: Floats) -> Floats:
        """Factorise R (F + 1, C) and return row 0 of the product: (C,)."""
        c = self.config
        u, v = nmf(r, *nndsvd(r, c.rank), objective=c.objective, iterations=c.iterations)
        row: Floats = u[0] @ v
        return row
