"""Bayesian matrix factorisation by Gibbs sampling: the average over many plausible factorisations.

Source: Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain Monte
Carlo", ICML 2008, sections 3.1-3.3; Rendle, Zhang and Koren, arXiv 1905.01395, on why it belongs on
every board.
Symbols: P (U, d), Q (I, d) factors, mean m (d,) and precision L (d, d) of each side's factors, a the
precision of the noise: r - mu ~ N(p_u.q_i, 1 / a), p_u ~ N(m, L^-1), (m, L) ~ Normal-Wishart with
mean 0, strength 2, d degrees of freedom and scale I.
Departures: a is drawn too, from its posterior under the prior 1 / a, where the paper fixes it at 2 for
ratings 1 to 5: so there is nothing to tune but d and the number of draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.descent import LEARNED
from irkit.recommend.normal import grams
from irkit.recommend.table import RatingTable
from irkit.rng import Seed, generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


START = 0.3
"Standard deviation of the factors at the start; from much smaller ones a sparse set never leaves 0."


class BayesianMFConfig(RecommenderConfig):
    """Settings of `BayesianMF`."""

    embedding_size: int = Field(16, ge=1)
    "Factors."
    burn_in: int = Field(20, ge=0)
    "Draws left out at the start."
    draws: int = Field(60, ge=1)
    "Draws averaged; each keeps a copy of all factors."
    seed: Seed = 1
    "Seed of the chain."


def draw_wishart(scale: Floats, freedom: float, rng: np.random.Generator) -> Floats:
    """Draw a precision matrix (d, d) with mean `freedom * scale`, by Bartlett's decomposition."""
    size = len(scale)
    lower = np.tril(rng.normal(size=(size, size)), -1)
    lower[np.diag_indices(size)] = np.sqrt(rng.chisquare(freedom - np.arange(size)))
    root = np.linalg.cholesky(scale) @ lower
    return root @ root.T


def draw_prior(factors: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw mean (d,) and precision (d, d) of one side's factors (n, d) from their Normal-Wishart posterior.

    With b0 = 2, v0 = d, W0 = I: b = b0 + n, v = v0 + n, W^-1 = W0^-1 + n S + b0 n / b xbar xbar', mean n xbar / b.
    """
    n, size = factors.shape
    centre = factors.mean(axis=0)
    spread = (factors - centre).T @ (factors - centre)
    inverse = np.eye(size) + spread + 2 * n / (2 + n) * np.outer(centre, centre)
    scale = np.linalg.inv(inverse)
    precision = draw_wishart(0.5 * (scale + scale.T), size + n, rng)
    noise = np.linalg.solve(np.linalg.cholesky((2 + n) * precision).T, rng.normal(size=size))
    return n * centre / (2 + n) + noise, precision


def draw_factors(
    target: csr_matrix,
    seen: csr_matrix,
    other: Floats,
    mean: Floats,
    precision: Floats,
    noise_precision: float,
    rng: np.random.Generator,
) -> Floats:
    """Draw one side's factors given the other's.

    p_u ~ N(A^-1 (a Q_u' t_u + L m), A^-1), A = L + a Q_u' Q_u, with Q_u the factors of what u rated.

    Parameters
    ----------
    target, seen : (U, I) sparse
        Ratings less their mean, and ones where there is a rating.
    other : (I, d)
    mean, precision : (d,), (d, d)
    noise_precision : float

    Returns
    -------
    (U, d) float64
    """
    out = np.empty((seen.shape[0], other.shape[1]))
    for rows, gram in grams(seen, other):
        a = precision + noise_precision * gram
        right = noise_precision * (target[rows] @ other) + precision @ mean
        centre = np.linalg.solve(a, right[:, :, None])
        lower = np.linalg.cholesky(a)
        noise = np.linalg.solve(lower.transpose(0, 2, 1), rng.normal(size=centre.shape))
        out[rows] = (centre + noise)[:, :, 0]
    return out


class BayesianMF(Recommender):
    """Predict mu plus the average of p_u . q_i over draws from the posterior."""

    name = "bayesian-mf"
    config_type = BayesianMFConfig
    config: BayesianMFConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Run the chain.

        Raises
        ------
        ConfigError
            If ratings spread so far that a draw fails.
        """
        c = self.config
        rng = generator(c.seed, "bayesian-mf")
        seen, target = train.matrix_of_ones, train.matrix.copy()
        target.data = target.data - self.mean_
        sides = (target, seen), (target.T.tocsr(), seen.T.tocsr())
        p: Floats = rng.normal(0, START, (len(train.users), c.embedding_size))
        q: Floats = rng.normal(0, START, (len(train.items), c.embedding_size))
        noise_precision = 1.0
        kept: list[tuple[Floats, Floats]] = []
        for sweep in range(c.burn_in + c.draws):
            try:
                p = draw_factors(*sides[0], q, *draw_prior(p, rng), noise_precision, rng)
                q = draw_factors(*sides[1], p, *draw_prior(q, rng), noise_precision, rng)
            except np.linalg.LinAlgError:  # rounding left a matrix without a root
                raise ConfigError(
                    f"bayesian-mf: cannot go on after {sweep} draws, as ratings spread over {np.ptp(train.rating):g} "
                    "are beyond its precision; divide them so that they spread over 5 or so"
                ) from None
            error = train.rating - self.mean_ - np.einsum("md,md->m", p[train.user], q[train.item])
            noise_precision = rng.gamma(0.5 * len(train)) / (0.5 * float(error @ error) + 1e-9)
            if sweep >= c.burn_in:
                kept.append((p.astype(LEARNED), q.astype(LEARNED)))
        # Draws side by side: the product of these rows is the sum over draws.
        self.user_factors_ = np.concatenate([p for p, _ in kept], axis=1) / len(kept)
        self.item_factors_ = np.concatenate([q for _, q in kept], axis=1)
        self.noise_ = float(noise_precision**-0.5)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return mu plus the average product."""
        out = np.empty(len(user))
        for at in range(0, len(user), 10_000):
            part = slice(at, at + 10_000)
            out[part] = np.einsum("md,md->m", self.user_factors_[user[part]], self.item_factors_[item[part]])
        return self.mean_ + out

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the predictions for every item."""
        scores: Floats = self.mean_ + (self.user_factors_[user] @ self.item_factors_.T).astype(np.float64)
        return scores
