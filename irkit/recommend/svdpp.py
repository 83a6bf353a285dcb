"""SVD++: biased matrix factorisation in which a user is also the set of items they rated.

Source: Koren, "Factorization meets the neighborhood", KDD 2008, equation 15.
Symbols: as in `biased_mf`, and N(u) the items u rated in training, Y (I, d) their implicit factors,
s_u = |N(u)|^-1/2 sum over j in N(u) of y_j. Prediction mu + b_u + b_i + q_i.(p_u + s_u). Minimised,
once for each rating: half of (r - prediction)^2 + reg_bias (b_u^2 + b_i^2) + reg (|p_u|^2 + |q_i|^2)
+ reg_implicit |y_i|^2.
Departures: s_u is summed once for all ratings of a user in a batch, and of what they move it by each
y_j gets |N(u)|^-1/2, so an epoch costs O(ratings d) instead of O(sum over users of |N(u)|^2 d); y_j is
penalised once for each rating of j, not once for each rating of everybody who rated j; and those of
`biased_mf`. N(u) never holds a pair to be predicted, unless it was rated in training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender
from irkit.recommend.biased_mf import BiasedMFConfig, MFGradients, mf_gradients, mf_start
from irkit.recommend.descent import LEARNED, Batch, Layout, learn, moved, share
from irkit.recommend.table import RatingTable
from irkit.recommend.why import bias_terms
from irkit.rng import generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from irkit.pipeline.explain import Terms


class SVDppConfig(BiasedMFConfig):
    """Settings of `SVDpp`."""

    epochs: int = Field(40, ge=1)
    "Passes over the ratings; with held-out ratings, at most."
    learning_rate: float = Field(0.015, gt=0, lt=1)
    "Of the first epoch; it falls linearly to 0."
    reg_implicit: float = Field(0.4, ge=0)
    "Penalty on squared implicit factors, per rating."


def neighbourhood(batch: Batch) -> csr_matrix:
    """Return |N(u)|^-1/2 for every rated item of every user of a batch: (b, c) sparse."""
    weight = (1 / np.sqrt(batch.user_counts)).astype(batch.rating.dtype)
    return batch.matrix(np.repeat(weight, batch.user_counts))


def svdpp_gradients(
    batch: Batch, mean: float, b_u: Floats, b_i: Floats, p: Floats, q: Floats, y: Floats
) -> MFGradients:
    """Compute errors and gradients of a batch.

    With s_u = |N(u)|^-1/2 sum of y_j, the gradient of p_u is that of s_u, g_u = sum of e q_i; that of
    y_j is the sum over users who rated j of |N(u)|^-1/2 g_u, `neighbourhood(batch).T @ g.user`.

    Parameters
    ----------
    batch, mean, b_u, b_i, q
        As for `mf_gradients`.
    p : (b, d)
    y : (c, d)
    """
    return mf_gradients(batch, mean, b_u, b_i, p + neighbourhood(batch) @ y, q)


def implicit_gradient(batch: Batch, gradient: Floats, curvature: Floats, rate: float) -> tuple[Floats, Floats]:
    """Deal out to the implicit factors what each user's sum s_u is to move by.

    s_u moves as p_u does, and that takes it a share f_u of the way to where its user's ratings want it.
    An item rated by many users of the batch moves as if they came one after another, so the mean of
    f_u over them is the curvature (times the learning rate) of its step.

    Parameters
    ----------
    gradient : (b, d)
        Of the users' vectors.
    curvature : (b,)
        In them.
    rate : float

    Returns
    -------
    (c, d), (c,)
        What `moved` takes as gradient and curvature.
    """
    n_u = batch.user_counts
    part = share(n_u, rate, curvature)
    way = rate * curvature * n_u * part  # (b,): f_u, below 1
    asked = gradient * part[:, None].astype(gradient.dtype)
    return neighbourhood(batch).T @ asked, batch.by_item(way[batch.user]) / (rate * batch.item_counts)


class SVDpp(Recommender):
    """Predict mu + b_u + b_i + q_i . (p_u + s_u)."""

    name = "svdpp"
    config_type = SVDppConfig
    config: SVDppConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Descend."""
        c = self.config
        rng = generator(c.seed, "svdpp")
        values = mf_start(len(train.users), len(train.items), c.embedding_size, c.init, rng)
        b_u, b_i, p, q = values.values()
        y = values["implicit_factors"] = np.zeros_like(q)

        def step(batch: Batch, rate: float) -> None:
            u, i, n_u, n_i = batch.users, batch.items, batch.user_counts, batch.item_counts
            x, w, z = p.take(u, 0), q.take(i, 0), y.take(i, 0)
            g = svdpp_gradients(batch, self.mean_, b_u[u], b_i[i], x, w, z)
            g_y, k_y = implicit_gradient(batch, g.user, g.user_norm, rate)
            b_u[u] = moved(b_u[u], g.user_bias, n_u, rate, c.reg_bias)
            b_i[i] = moved(b_i[i], g.item_bias, n_i, rate, c.reg_bias)
            p[u] = moved(x, g.user, n_u, rate, c.reg, g.user_norm)
            q[i] = moved(w, g.item, n_i, rate, c.reg, g.item_norm)
            y[i] = moved(z, g_y, n_i, rate, c.reg_implicit, k_y)

        self.user_deviations_, self.item_deviations_, self.item_factors_ = b_u, b_i, q
        held_out = self.held_out_error(valid)

        def error() -> float:
            self.user_vectors_ = user_vectors(train, p, y)
            return held_out() if held_out else 0.0

        self.errors_ = learn(
            values,
            step,
            Layout(train, self.name),
            epochs=c.epochs,
            learning_rate=c.learning_rate,
            batch_size=c.batch_size,
            rng=rng,
            error=error if held_out else None,
            who=self.name,
        )
        self.user_vectors_ = user_vectors(train, p, y)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return mu + b_u + b_i + q_i . (p_u + s_u)."""
        product = np.einsum("md,md->m", self.user_vectors_[user], self.item_factors_[item])
        score: Floats = self.mean_ + (self.user_deviations_[user] + self.item_deviations_[item] + product).astype(
            np.float64
        )
        return score

    def contributions(self, user: int, item: int) -> Terms:
        """Return mu, b_u, b_i and the product of the factors."""
        base = bias_terms(self.mean_, self.user_deviations_[user], self.item_deviations_[item])
        return [*base, ("factors", 1.0, float(self.user_vectors_[user] @ self.item_factors_[item]))]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the predictions for every item."""
        product = self.user_vectors_[user] @ self.item_factors_.T
        return self.mean_ + (self.user_deviations_[user, None] + self.item_deviations_ + product).astype(np.float64)


def user_vectors(train: RatingTable, p: Floats, y: Floats) -> Floats:
    """Return p_u + s_u for every user: (U, d)."""
    weight = 1 / np.sqrt(np.maximum(np.bincount(train.user, minlength=len(train.users)), 1))
    vectors: Floats = p + (weight[:, None] * (train.matrix_of_ones @ y)).astype(LEARNED)
    return vectors
