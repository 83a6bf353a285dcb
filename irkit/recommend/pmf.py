"""Probabilistic matrix factorisation: ratings are products of factors plus Gaussian noise.

Source: Salakhutdinov and Mnih, "Probabilistic matrix factorization", NIPS 2007, sections 2 and 3.
Symbols: P (U, d) and Q (I, d) factors, t target. Linear link: t = r - mu is predicted by p_u.q_i. Logistic
link: t = r - low is predicted by h g(p_u.q_i), h = high - low, g(x) = 1 / (1 + exp(-x)). Minimised:
half of sum (t - prediction)^2 + reg (sum |p_u|^2 + sum |q_i|^2), where the second sums run over users and
items (`reg_per="entity"`, the paper's) or once for each rating (`reg_per="rating"`, as in most code).
The two differ by the number of ratings of a user or item, 10 to 500 times.
Departures: errors of the logistic form are in rating points, the paper's in units of the scale, so that
penalties and learning rates mean the same in both forms; batches of users and implicit penalties
(`descent`) instead of momentum; no adaptive priors. `solver="als"` solves the linear form's normal
equations instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.descent import LEARNED, Batch, Layout, learn, moved
from irkit.recommend.normal import grams, solve_each
from irkit.recommend.table import RatingTable
from irkit.rng import Seed, generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class PMFConfig(RecommenderConfig):
    """Settings of `PMF`."""

    embedding_size: int = Field(50, ge=1)
    "Factors."
    link: Literal["linear", "logistic"] = "linear"
    "What makes a rating of a product of factors."
    solver: Literal["sgd", "als"] = "sgd"
    "Gradient descent, or alternating least squares (linear link only)."
    epochs: int = Field(60, ge=1)
    "Passes over the ratings; with held-out ratings, at most."
    learning_rate: float = Field(0.02, gt=0, lt=1)
    "Of the first epoch; it falls linearly to 0. Not used by ALS."
    reg: float = Field(0.09, ge=0)
    "Penalty on squared factors."
    reg_per: Literal["rating", "entity"] = "rating"
    "Whether the penalty counts once for each rating, or once for each user and item."
    init: float = Field(0.02, gt=0)
    "Standard deviation of the factors at the start."
    batch_size: int = Field(2000, ge=1)
    "Ratings in a batch, about: it holds whole users."
    seed: Seed = 1
    "Seed of start and order."

    @model_validator(mode="after")
    def _fits_together(self) -> PMFConfig:
        if self.solver == "als" and (self.link != "linear" or self.reg == 0):
            raise ValueError(f"solver 'als' needs link 'linear' and reg > 0, got {self.link!r} and {self.reg}")
        return self


def logistic(x: Floats) -> Floats:
    """Compute 1 / (1 + exp(-x)) without overflow."""
    share: Floats = 0.5 * (1 + np.tanh(0.5 * x))
    return share


def pmf_gradients(
    batch: Batch, target: Floats, x: Floats, q: Floats, height: float | None = None
) -> tuple[Floats, Floats]:
    """Sum the negative gradients of half the squared errors over a batch.

    Linear: e q_i and e p_u. Logistic: the same with e h g (1 - g) for e.

    Parameters
    ----------
    target : (m,)
    x, q : (b, d), (c, d)
        Factors of the batch's users and items.
    height : float, optional
        h, the height of the rating scale, for the logistic link; None for the linear one.

    Returns
    -------
    (b, d), (c, d)
    """
    product = np.einsum("md,md->m", x.take(batch.user, 0), q.take(batch.item, 0))
    if height is None:
        by_pair = batch.matrix(target - product)
    else:
        g = logistic(product)
        by_pair = batch.matrix((target - height * g) * height * g * (1 - g))
    return by_pair @ q, by_pair.T @ x


def pmf_solve(target: csr_matrix, seen: csr_matrix, q: Floats, reg: Floats) -> Floats:
    """Minimise the linear objective over one side's factors while the other's are held.

    p_u = (Q_u' Q_u + reg_u I)^-1 Q_u' t_u, with Q_u the factors of the items u rated.

    Parameters
    ----------
    target, seen : (U, I) sparse
        The targets, and ones where there is a rating.
    q : (I, d)
    reg : (U,), positive

    Returns
    -------
    (U, d) float64
    """
    out = np.empty((seen.shape[0], q.shape[1]))
    for rows, gram in grams(seen, q):
        left = gram + reg[rows, None, None] * np.eye(q.shape[1])
        out[rows] = solve_each(left, target[rows] @ q)
    return out


class PMF(Recommender):
    """Predict mu + p_u . q_i, or the logistic of p_u . q_i on the rating scale."""

    name = "pmf"
    config_type = PMFConfig
    config: PMFConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Descend, or alternate."""
        c = self.config
        rng = generator(c.seed, "pmf")
        self.user_factors_ = rng.normal(0, c.init, (len(train.users), c.embedding_size)).astype(LEARNED)
        self.item_factors_ = rng.normal(0, c.init, (len(train.items), c.embedding_size)).astype(LEARNED)
        if c.solver == "als":
            self._alternate(train)
        else:
            self._descend(train, valid, rng)

    def _descend(self, train: RatingTable, valid: RatingTable | None, rng: np.random.Generator) -> None:
        c = self.config
        p, q = self.user_factors_, self.item_factors_
        layout = Layout(train, self.name)
        height = self._height
        target = (layout.rating - (self.mean_ if height is None else train.scale[0])).astype(LEARNED)
        # The penalty once for each rating, such that it adds up to `reg` for each entity.
        reg_p, reg_q = (c.reg / number if c.reg_per == "entity" else c.reg + 0 * number for number in _counts(train))

        def step(batch: Batch, rate: float) -> None:
            u, i = batch.users, batch.items
            x, w = p.take(u, 0), q.take(i, 0)
            g_x, g_w = pmf_gradients(batch, target[batch.row], x, w, height)
            n_u, n_i = batch.user_counts, batch.item_counts
            p[u] = moved(x, g_x, n_u, rate, reg_p[u], batch.by_user((w**2).sum(1)[batch.item]) / n_u)
            q[i] = moved(w, g_w, n_i, rate, reg_q[i], batch.by_item((x**2).sum(1)[batch.user]) / n_i)

        self.errors_ = learn(
            {"user_factors": p, "item_factors": q},
            step,
            layout,
            epochs=c.epochs,
            learning_rate=c.learning_rate,
            batch_size=c.batch_size,
            rng=rng,
            error=self.held_out_error(valid),
            who=self.name,
        )

    def _alternate(self, train: RatingTable) -> None:
        c = self.config
        seen, target = train.matrix_of_ones, train.matrix.copy()
        target.data = target.data - self.mean_
        reg_p, reg_q = (c.reg * (number if c.reg_per == "rating" else number**0) for number in _counts(train))
        seen_t, target_t = seen.T.tocsr(), target.T.tocsr()
        for _ in range(c.epochs):
            self.user_factors_ = pmf_solve(target, seen, self.item_factors_, reg_p)
            self.item_factors_ = pmf_solve(target_t, seen_t, self.user_factors_, reg_q)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return the prediction."""
        return self._rating(np.einsum("md,md->m", self.user_factors_[user], self.item_factors_[item]))

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the predictions for every item."""
        return self._rating(self.user_factors_[user] @ self.item_factors_.T)

    @property
    def _height(self) -> float | None:
        low, high = self.fitted.scale
        return high - low if self.config.link == "logistic" else None

    def _rating(self, product: Floats) -> Floats:
        product = product.astype(np.float64)
        height = self._height
        return self.mean_ + product if height is None else self.fitted.scale[0] + height * logistic(product)


def _counts(train: RatingTable) -> tuple[Floats, Floats]:
    """Return the number of ratings of each user (U,) and item (I,)."""
    users = np.bincount(train.user, minlength=len(train.users)).astype(np.float64)
    return users, np.bincount(train.item, minlength=len(train.items)).astype(np.float64)
