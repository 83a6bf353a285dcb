"""Biased matrix factorisation, often called SVD: mean, two deviations and a product of factors.

Source: Koren, Bell and Volinsky, "Matrix factorization techniques for recommender systems", IEEE
Computer 42(8), 2009, equation 4.
Symbols: P (U, d) and Q (I, d) factors, b_u (U,) and b_i (I,) deviations, mu mean rating; prediction
mu + b_u + b_i + p_u.q_i. Minimised, once for each rating: half of
(r - prediction)^2 + reg_bias (b_u^2 + b_i^2) + reg (|p_u|^2 + |q_i|^2).
Departures: batches of users instead of one rating at a time, and implicit penalties (`descent`); a
learning rate that falls linearly to 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.descent import LEARNED, Batch, Layout, Parameters, learn, moved
from irkit.recommend.table import RatingTable
from irkit.recommend.why import bias_terms
from irkit.rng import Seed, generator

if TYPE_CHECKING:
    from irkit.pipeline.explain import Terms


class BiasedMFConfig(RecommenderConfig):
    """Settings of `BiasedMF`."""

    embedding_size: int = Field(50, ge=0)
    "Factors; 0 leaves the deviations alone."
    epochs: int = Field(60, ge=1)
    "Passes over the ratings; with held-out ratings, at most."
    learning_rate: float = Field(0.02, gt=0, lt=1)
    "Of the first epoch; it falls linearly to 0."
    reg: float = Field(0.1, ge=0)
    "Penalty on squared factors, per rating."
    reg_bias: float = Field(0.05, ge=0)
    "Penalty on squared deviations, per rating."
    init: float = Field(0.05, ge=0)
    "Standard deviation of the factors at the start."
    batch_size: int = Field(2000, ge=1)
    "Ratings in a batch, about: it holds whole users."
    seed: Seed = 1
    "Seed of start and order."


class MFGradients(NamedTuple):
    """Sums over a batch of the negative gradients of half the squared errors."""

    error: Floats
    "(m,): r - prediction."
    user_bias: Floats
    "(b,)"
    item_bias: Floats
    "(c,)"
    user: Floats
    "(b, d): of the users' vectors."
    item: Floats
    "(c, d)"
    user_norm: Floats
    "(b,): mean |q_i|^2 over a user's ratings, a bound on the curvature in x_u."
    item_norm: Floats
    "(c,): mean |x_u|^2 over an item's ratings."


def mf_gradients(batch: Batch, mean: float, b_u: Floats, b_i: Floats, x: Floats, q: Floats) -> MFGradients:
    """Compute errors and gradients of a batch.

    e = r - (mu + b_u + b_i + x_u.q_i); the sums are of e, e, e q_i and e x_u.

    Parameters
    ----------
    batch : Batch
    mean : float
    b_u, x : (b,), (b, d)
        Deviations and vectors of the batch's users.
    b_i, q : (c,), (c, d)
        Deviations and vectors of the batch's items.
    """
    user = batch.user
    product = np.einsum("md,md->m", x.take(user, 0), q.take(batch.item, 0))
    error = batch.rating - x.dtype.type(mean) - b_u[user] - b_i[batch.item] - product
    by_pair = batch.matrix(error)  # (b, c)
    user_norm = batch.by_user((q**2).sum(1)[batch.item]) / batch.user_counts
    item_norm = batch.by_item((x**2).sum(1)[user]) / batch.item_counts
    sums = batch.by_user(error), batch.by_item(error), by_pair @ q, by_pair.T @ x
    return MFGradients(error, *sums, user_norm, item_norm)


def mf_start(users: int, items: int, size: int, init: float, rng: np.random.Generator) -> Parameters:
    """Draw factors from N(0, init^2) and set deviations to 0."""
    return {
        "user_deviations": np.zeros(users, LEARNED),
        "item_deviations": np.zeros(items, LEARNED),
        "user_factors": rng.normal(0, init, (users, size)).astype(LEARNED),
        "item_factors": rng.normal(0, init, (items, size)).astype(LEARNED),
    }


class BiasedMF(Recommender):
    """Predict mu + b_u + b_i + p_u . q_i."""

    name = "biased-mf"
    config_type = BiasedMFConfig
    config: BiasedMFConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Descend."""
        c = self.config
        rng = generator(c.seed, "biased-mf")
        values = mf_start(len(train.users), len(train.items), c.embedding_size, c.init, rng)
        b_u, b_i, p, q = values.values()

        def step(batch: Batch, rate: float) -> None:
            u, i, n_u, n_i = batch.users, batch.items, batch.user_counts, batch.item_counts
            x, w = p.take(u, 0), q.take(i, 0)
            g = mf_gradients(batch, self.mean_, b_u[u], b_i[i], x, w)
            b_u[u] = moved(b_u[u], g.user_bias, n_u, rate, c.reg_bias)
            b_i[i] = moved(b_i[i], g.item_bias, n_i, rate, c.reg_bias)
            p[u] = moved(x, g.user, n_u, rate, c.reg, g.user_norm)
            q[i] = moved(w, g.item, n_i, rate, c.reg, g.item_norm)

        self.user_deviations_, self.item_deviations_, self.user_factors_, self.item_factors_ = b_u, b_i, p, q
        self.errors_ = learn(
            values,
            step,
            Layout(train, self.name),
            epochs=c.epochs,
            learning_rate=c.learning_rate,
            batch_size=c.batch_size,
            rng=rng,
            error=self.held_out_error(valid),
            who=self.name,
        )

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return mu + b_u + b_i + p_u . q_i."""
        product = np.einsum("md,md->m", self.user_factors_[user], self.item_factors_[item])
        score: Floats = self.mean_ + (self.user_deviations_[user] + self.item_deviations_[item] + product).astype(
            np.float64
        )
        return score

    def contributions(self, user: int, item: int) -> Terms:
        """Return mu, b_u, b_i and the product of the factors."""
        base = bias_terms(self.mean_, self.user_deviations_[user], self.item_deviations_[item])
        return [*base, ("factors", 1.0, float(self.user_factors_[user] @ self.item_factors_[item]))]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the predictions for every item."""
        product = self.user_factors_[user] @ self.item_factors_.T
        return self.mean_ + (self.user_deviations_[user, None] + self.item_deviations_ + product).astype(np.float64)
