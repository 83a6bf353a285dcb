"""Planted ratings: made by a known law plus Gaussian noise, so that the best possible error is known.

Each maker returns ratings, the ratings without their noise, and the noise floor, the RMSE of somebody
who knows the law. Ratings are real numbers, neither rounded nor clipped, because both would move the floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError
from irkit.recommend.table import DAY, RatingTable
from irkit.rng import generator

MEAN = 3.5
"Mean of planted ratings."


@dataclass(frozen=True, eq=False)
class Planted:
    """Ratings whose law is known."""

    ratings: RatingTable
    expected: Floats
    "(n,): the ratings without noise, in the order of `ratings`."
    noise: float
    "Standard deviation of the noise: the RMSE that no predictor can get below, in expectation."

    def floor(self, rows: Ints) -> float:
        """Return the RMSE, on some ratings, of predicting what is expected."""
        return float(np.sqrt(np.mean((self.ratings.rating[rows] - self.expected[rows]) ** 2)))


def planted_factors(
    users: int = 200, items: int = 100, *, rank: int = 2, per_user: int = 30, noise: float = 0.3, seed: int = 1
) -> Planted:
    """Plant a mean, deviations of users and items, and a product of factors of some rank.

    r_ui = 3.5 + b_u + b_i + p_u.q_i + noise, deviations with standard deviation 0.4 and the
    product with standard deviation 1. There is no time.

    Parameters
    ----------
    users, items, rank : int
        A rank of 0 plants deviations alone.
    per_user : int
        Items each user rates, drawn at random, at most `items`.
    noise : float
    seed : int
    """
    rng = generator(seed, "planted factors")
    user, item = _drawn(users, items, per_user, rng)
    p, q = (rng.normal(size=(count, rank)) for count in (users, items))
    product = np.einsum("md,md->m", p[user], q[item]) / np.sqrt(max(rank, 1))
    expected = MEAN + rng.normal(0, 0.4, users)[user] + rng.normal(0, 0.4, items)[item] + product
    return _planted(user, item, None, expected, noise, rng)


def planted_item_step(
    users: int = 300, items: int = 60, *, per_user: int = 25, step: float = 1.0, noise: float = 0.3, seed: int = 1
) -> Planted:
    """Plant items that become better or worse at one moment.

    r_ui(t) = 3.5 + b_u + b_i +- step / 2 + noise on days 0 to 100: every item steps at day 50, a random
    half of them up and the others down.
    """
    rng = generator(seed, "planted item step")
    user, item = _drawn(users, items, per_user, rng)
    t = rng.uniform(0, 100, len(user))
    direction = rng.permutation(np.arange(items) % 2 * 2 - 1)
    expected = MEAN + rng.normal(0, 0.4, users)[user] + rng.normal(0, 0.4, items)[item]
    expected = expected + 0.5 * step * direction[item] * np.where(t < 50, -1, 1)
    return _planted(user, item, t, expected, noise, rng)


def planted_user_drift(
    users: int = 200,
    items: int = 100,
    *,
    per_user: int = 40,
    drift: float = 0.3,
    beta: float = 0.4,
    noise: float = 0.3,
    seed: int = 1,
) -> Planted:
    """Plant users whose level drifts as TimeSVD++ says.

    r_ui(t) = 3.5 + b_u + b_i + a_u dev_u(t) + noise on days 0 to 100, dev_u(t) = sign(t - 50) |t - 50|^beta and
    a_u = +-drift, half of the users each way.
    """
    rng = generator(seed, "planted user drift")
    user, item = _drawn(users, items, per_user, rng)
    t = rng.uniform(0, 100, len(user))
    slope = rng.permutation(np.arange(users) % 2 * 2 - 1) * drift
    dev = np.sign(t - 50) * np.abs(t - 50) ** beta
    expected = MEAN + rng.normal(0, 0.4, users)[user] + rng.normal(0, 0.4, items)[item] + slope[user] * dev
    return _planted(user, item, t, expected, noise, rng)


def planted_regime_change(
    users: int = 200,
    items: int = 80,
    *,
    clusters: int = 4,
    per_user: int = 40,
    change: float = 60.0,
    strength: float = 1.0,
    noise: float = 0.3,
    seed: int = 1,
) -> Planted:
    """Plant clusters of users who all change their taste at one moment.

    Items belong to two groups. A user of cluster c likes one and dislikes the other,
    r_ui(t) = 3.5 + b_i +- strength + noise on days 0 to 100; in the first half of the clusters the sign
    turns at day `change`. Who has seen a few ratings of the cluster after the change can know it.

    Raises
    ------
    ConfigError
        If there are fewer than 2 clusters, or `change` is not between 0 and 100.
    """
    if clusters < 2 or not 0 < change < 100:
        raise ConfigError(f"planted_regime_change: needs clusters >= 2 and 0 < change < 100, got {clusters}, {change}")
    rng = generator(seed, "planted regime change")
    user, item = _drawn(users, items, per_user, rng)
    t = rng.uniform(0, 100, len(user))
    cluster, group = np.arange(users) % clusters, rng.permutation(np.arange(items) % 2)
    likes = np.where((cluster[user] + group[item]) % 2 == 0, 1.0, -1.0)
    turned = (t >= change) & (cluster[user] < clusters // 2)
    expected = MEAN + rng.normal(0, 0.4, items)[item] + strength * np.where(turned, -likes, likes)
    return _planted(user, item, t, expected, noise, rng)


def _drawn(users: int, items: int, per_user: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw `per_user` different items for every user."""
    if min(users, items, per_user) < 1:
        raise ConfigError(f"planted: needs users, items and per_user >= 1, got {users}, {items} and {per_user}")
    n = min(per_user, items)
    item = np.argsort(rng.random((users, items)), axis=1)[:, :n]
    return np.repeat(np.arange(users), n), item.ravel()


def _planted(
    user: Ints, item: Ints, t: Floats | None, expected: Floats, noise: float, rng: np.random.Generator
) -> Planted:
    import pandas as pd

    if noise < 0:
        raise ConfigError(f"planted: noise is a standard deviation, 0 or more, got {noise}")
    rating = expected + rng.normal(0, noise, len(expected))
    frame = pd.DataFrame({"user_id": _ids("u", user), "item_id": _ids("i", item), "rating": rating})
    if t is not None:
        frame["timestamp"] = np.round(t * DAY)
    ratings = RatingTable.from_frame(frame.astype({"user_id": "str", "item_id": "str"}), time_unit="s")
    return Planted(ratings, expected, noise)


def _ids(letter: str, number: Ints) -> list[str]:
    return [f"{letter}{one}" for one in number.tolist()]
