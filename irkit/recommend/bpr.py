"""BPR: Bayesian personalised ranking by matrix factorisation.

Source: Rendle, Freudenthaler, Gantner and Schmidt-Thieme, "BPR: Bayesian personalized ranking from
implicit feedback", UAI 2009, sections 4 and 5.
Symbols: P (U, d), Q (I, d) factors, b (I,) deviations; x_ui = p_u.q_i + b_i. Maximised over positives
(u, i) and items j drawn uniformly among those u does not like:
sum of ln sigma(x_ui - x_uj) - reg / 2 (|p_u|^2 + |q_i|^2 + |q_j|^2 + b_i^2 + b_j^2).
Departures: positives in shuffled order instead of drawn with replacement, in small batches whose
gradients are added up; the negatives of an epoch are drawn before it.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.errors import ConfigError, DivergedError
from irkit.recommend.pmf import logistic
from irkit.recommend.ranker import Ranker, RankerConfig
from irkit.recommend.table import RatingTable
from irkit.rng import Seed, generator


class BPRConfig(RankerConfig):
    """Settings of `BPR`."""

    embedding_size: int = Field(16, ge=1)
    "Factors."
    epochs: int = Field(80, ge=1)
    "Passes over the positives; with held-out ratings the pass with the best held-out P@5 counts."
    patience: int | None = Field(None, ge=1)
    "Passes without a better held-out P@5 before learning stops; None goes on."
    learning_rate: float = Field(0.05, gt=0)
    "Of each step."
    reg: float = Field(0.01, ge=0)
    "Penalty on squared factors and deviations of each triple."
    init: float = Field(0.05, gt=0)
    "Factors start uniform between minus and plus this."
    batch_size: int = Field(256, ge=1)
    "Triples whose gradients are added up."
    seed: Seed = 1
    "Seed of start, order and negatives."


def bpr_step(
    p: Floats, q: Floats, b: Floats, user: Ints, positive: Ints, negative: Ints, rate: float, reg: float
) -> None:
    """Climb by one batch of triples, in place.

    With g = sigma(x_uj - x_ui): p_u += rate (g (q_i - q_j) - reg p_u), q_i += rate (g p_u - reg q_i),
    q_j += rate (-g p_u - reg q_j), b_i += rate (g - reg b_i), b_j += rate (-g - reg b_j), all from the values
    before the step.

    Parameters
    ----------
    p, q, b : (U, d), (I, d), (I,) float64
    user, positive, negative : (m,)
    """
    x, y, z = p[user], q[positive], q[negative]
    b_y, b_z = b[positive], b[negative]
    g = logistic(-(np.einsum("md,md->m", x, y - z) + b_y - b_z))[:, None]
    np.add.at(p, user, rate * (g * (y - z) - reg * x))
    np.add.at(q, positive, rate * (g * x - reg * y))
    np.add.at(q, negative, rate * (-g * x - reg * z))
    np.add.at(b, positive, rate * (g[:, 0] - reg * b_y))
    np.add.at(b, negative, rate * (-g[:, 0] - reg * b_z))


class NotLiked:
    """Draws items that a user does not like.

    Parameters
    ----------
    table : RatingTable
        The liked items.
    who : str
        Whose they are, for the message.

    Raises
    ------
    ConfigError
        If everybody likes every item, so there is nothing to draw.
    """

    def __init__(self, table: RatingTable, who: str = "bpr") -> None:
        self.items = len(table.items)
        self.keys = np.sort(table.user * self.items + table.item)
        counts = np.bincount(table.user, minlength=len(table.users))
        self.drawable: Bools = counts < self.items
        "(U,): whether there is an item the user does not like."
        if not self.drawable.any():
            raise ConfigError(f"{who}: every user likes every item, so there is no negative; set threshold")

    def draw(self, user: Ints, n: int, rng: np.random.Generator) -> Ints:
        """Draw n items for each of some users (m,), independently and uniformly: (m, n)."""
        drawn = rng.integers(0, self.items, (len(user), n))
        row, column = np.nonzero(self._liked(user[:, None], drawn))
        while len(row):
            drawn[row, column] = rng.integers(0, self.items, len(row))
            again = self._liked(user[row], drawn[row, column])
            row, column = row[again], column[again]
        return drawn

    def _liked(self, user: Ints, item: Ints) -> Bools:
        key = user * self.items + item
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        liked: Bools = self.keys[at] == key
        return liked


class FactorRanker(Ranker):
    """Base of the rankers that score by x_ui = p_u.q_i + b_i."""

    user_factors_: Floats
    item_factors_: Floats
    item_deviations_: Floats

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return x_ui."""
        score: Floats = (
            np.einsum("md,md->m", self.user_factors_[user], self.item_factors_[item]) + self.item_deviations_[item]
        )
        return score

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return x_ui for every item."""
        return self.user_factors_[user] @ self.item_factors_.T + self.item_deviations_


class BPR(FactorRanker):
    """Rank items by factors learned from pairs of an item the user likes and another."""

    name = "bpr"
    config_type = BPRConfig
    config: BPRConfig
    candidates = 1
    "Items drawn for each negative; the best of them is taken."

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Climb."""
        c = self.config
        rng = generator(c.seed, "bpr")
        p = rng.uniform(-c.init, c.init, (len(train.users), c.embedding_size))
        q = rng.uniform(-c.init, c.init, (len(train.items), c.embedding_size))
        b = np.zeros(len(train.items))
        self.user_factors_, self.item_factors_, self.item_deviations_ = p, q, b
        liked = self.liked
        others = NotLiked(liked, self.name)
        precision, best, waited = self.held_out_precision(valid), -1.0, 0
        rows = np.flatnonzero(others.drawable[liked.user])
        for epoch in range(c.epochs):
            order = rows[rng.permutation(len(rows))]
            user, positive = liked.user[order], liked.item[order]
            drawn = others.draw(user, self.candidates, rng)
            negative = drawn[np.arange(len(order)), self.chosen(user, drawn)]
            with np.errstate(over="ignore", invalid="ignore"):
                for at in range(0, len(order), c.batch_size):
                    part = slice(at, at + c.batch_size)
                    bpr_step(p, q, b, user[part], positive[part], negative[part], c.learning_rate, c.reg)
            if not (np.isfinite(p).all() and np.isfinite(q).all()):
                raise DivergedError(
                    f"{self.name}: learning diverged in epoch {epoch + 1}; lower learning_rate, got {c.learning_rate}"
                )
            if precision is None:
                continue
            found, waited = precision(), waited + 1
            if found > best:
                best, waited, kept = found, 0, (p.copy(), q.copy(), b.copy())
            if waited == c.patience:
                break
        if precision is not None:
            self.user_factors_, self.item_factors_, self.item_deviations_ = kept

    def chosen(self, user: Ints, drawn: Ints) -> Ints:
        """Return which of the drawn items (m, candidates) is the negative: (m,)."""
        return np.zeros(len(user), dtype=np.int64)
