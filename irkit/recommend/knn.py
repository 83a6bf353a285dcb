"""Item-based nearest neighbours on top of the bias baseline.

Source: Koren, "Factor in the neighbors", TKDD 4(1), 2010, section 2.2 and equation 3, with the shrunk
Pearson correlation of residuals.
Symbols: b_ui = mu + b_u + b_i the bias baseline, z_ui = r_ui - b_ui; U_ij users who rated i and j.
rho_ij = sum over U_ij of z_ui z_uj / sqrt(sum of z_ui^2 sum of z_uj^2),
s_ij = (n_ij - 1) / (n_ij - 1 + shrinkage) rho_ij; prediction
b_ui + sum over the k items j of u most similar to i of s_ij z_uj / sum of s_ij.
Departures: only positive similarities count; with none the prediction is b_ui.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.table import RatingTable
from irkit.recommend.why import bias_terms

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from irkit.pipeline.explain import Terms


PAIRS = 1 << 20
"Pairs of items that are correlated at once, at most; about 100 bytes each."


class ItemKNNConfig(RecommenderConfig):
    """Settings of `ItemKNN`."""

    k: int = Field(40, ge=1)
    "Neighbours that take part in a prediction, at most."
    shrinkage: float = Field(100.0, ge=0)
    "Pulls similarities that rest on few users to 0."
    least: int = Field(2, ge=1)
    "Users who must have rated both items."


def shrunk_correlations(z: csr_matrix, shrinkage: float, least: int) -> csr_matrix:
    """Compute the positive shrunk correlations of items.

    Parameters
    ----------
    z : (U, I) sparse float64
        Residuals; a stored 0 is a rating, an absent cell is none.
    shrinkage : float
    least : int
        Pairs of items with fewer users in common are left out.

    Returns
    -------
    (I, I) sparse float64, symmetric, zero diagonal, values in (0, 1]
    """
    from scipy.sparse import csr_matrix, vstack

    ones, squares = z.copy(), z.copy()
    ones.data, squares.data = np.ones_like(z.data), z.data**2
    transposed = [part.T.tocsr() for part in (z, ones, squares)]
    ratings = np.diff(z.indptr)
    # An item has no more pairs than its users have ratings, and than there are items.
    pairs = np.minimum(transposed[1] @ ratings, z.shape[1])
    found = []
    for begin, end in blocks(pairs, PAIRS):
        z_rows, one_rows, square_rows = (part[begin:end] for part in transposed)
        count = (one_rows @ ones).tocoo()
        keep = (count.row + begin != count.col) & (count.data >= least)
        row, column, n = count.row[keep], count.col[keep], count.data[keep] - 1
        product = _cells(z_rows @ z, row, column)
        scale = np.sqrt(_cells(square_rows @ ones, row, column) * _cells(one_rows @ squares, row, column))
        possible = (product > 0) & (n > 0)
        s = product[possible] / scale[possible] * n[possible] / (n[possible] + shrinkage)
        found.append(csr_matrix((s, (row[possible], column[possible])), shape=count.shape))
    return vstack(found, format="csr")


def blocks(sizes: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Cut numbers (n,) into runs whose sums are `most` at the most, or of a single number; yield begin and end."""
    total, begin = np.cumsum(sizes), 0
    while begin < len(sizes):
        before = total[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, before + most, side="right")))
        yield begin, end
        begin = end


def neighbour_means(similarity: Floats, residual: Floats, k: int) -> Floats:
    """Average one user's residuals by the k greatest similarities of each item.

    Parameters
    ----------
    similarity : (m, n) float64, nonnegative
        Of m items to the n items the user rated.
    residual : (n,) float64
    k : int

    Returns
    -------
    (m,) float64
        0 for an item without a similar one.
    """
    if k < similarity.shape[1]:
        place = nearest(similarity, k)
        similarity, residual = np.take_along_axis(similarity, place, 1), residual[place]
    weight = similarity.sum(axis=1)
    return np.where(weight > 0, (similarity * residual).sum(axis=1) / np.where(weight > 0, weight, 1), 0.0)


def nearest(similarity: Floats, k: int) -> Ints:
    """Return the places of each row's k greatest similarities, (m, n) to (m, min(k, n)), in no order."""
    if k >= similarity.shape[1]:
        return np.tile(np.arange(similarity.shape[1]), (len(similarity), 1))
    place: Ints = np.argpartition(similarity, -k, axis=1)[:, -k:]
    return place


class ItemKNN(Recommender):
    """Predict the bias baseline plus what the user thought of the most similar items."""

    name = "item-knn"
    config_type = ItemKNNConfig
    config: ItemKNNConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Correlate items."""
        s = shrunk_correlations(self._residuals(), self.config.shrinkage, self.config.least)
        self.similarity_, self.neighbour_, self.offset_ = s.data, s.indices.astype(np.int64), s.indptr.astype(np.int64)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return the predictions, user by user."""
        out = self.mean_ + self.user_bias_[user] + self.item_bias_[item]
        order = np.argsort(user, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(user[order])) + 1):
            if len(rows):
                out[rows] += self._about(int(user[rows[0]]), item[rows])
        return out

    def contributions(self, user: int, item: int) -> Terms:
        """Return the baseline's parts, and of each neighbour j its share of the similarity times z_uj."""
        rated, residual, similarity = self._rated(user, np.array([item]))
        found = bias_terms(self.mean_, self.user_bias_[user], self.item_bias_[item])
        near = nearest(similarity, self.config.k)[0]
        weight = similarity[0, near]
        share = weight / (weight.sum() or 1.0)
        names = self.fitted.items.take(rated[near]).to_pylist()
        neighbours = zip(names, share.tolist(), (share * residual[near]).tolist(), strict=True)
        return found + [one for one in neighbours if one[1] > 0]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the predictions for every item."""
        items = np.arange(len(self.fitted.items))
        base = self.mean_ + self.user_bias_[user, None] + self.item_bias_
        return base + np.stack([self._about(int(one), items) for one in user])

    # ------------------------------------------------------------------ inside

    def _about(self, user: int, item: Ints) -> Floats:
        """Return what one user's neighbours add for some items."""
        _, residual, similarity = self._rated(user, item)
        return neighbour_means(similarity, residual, self.config.k)

    def _rated(self, user: int, item: Ints) -> tuple[Ints, Floats, Floats]:
        """Return the n items one user rated, their residuals, and how similar they are to some items: (m, n)."""
        train = self.fitted
        ptr, order = train.by_user
        mine = order[ptr[user] : ptr[user + 1]]
        rated = train.item[mine]
        residual = train.rating[mine] - (self.mean_ + self.user_bias_[user] + self.item_bias_[rated])
        # Rows of the rated items: similarity is symmetric, and they are few.
        similarity = self._matrix()[rated][:, item].toarray().T
        return rated, residual, similarity

    def _matrix(self) -> csr_matrix:
        from scipy.sparse import csr_matrix

        size = len(self.fitted.items)
        return csr_matrix((self.similarity_, self.neighbour_, self.offset_), shape=(size, size))

    def _residuals(self) -> csr_matrix:
        train = self.fitted
        z = train.matrix.copy()
        user = np.repeat(np.arange(z.shape[0]), np.diff(z.indptr))
        z.data = z.data - (self.mean_ + self.user_bias_[user] + self.item_bias_[z.indices])
        return z


def _cells(matrix: csr_matrix, row: Ints, column: Ints) -> Floats:
    """Return some cells of a sparse matrix; a product of sparse matrices does not store those that came to 0."""
    matrix = matrix.tocsr()
    matrix.sort_indices()
    size = matrix.shape[1]
    keys = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * size + matrix.indices
    key = row.astype(np.int64) * size + column
    if not len(keys):
        return np.zeros(len(key))
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    return np.where(keys[at] == key, matrix.data[at], 0.0)
