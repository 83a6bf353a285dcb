"""The training period as TimeSVD++ sees it: users' mean days, equal bins, and the days users rated on.

Source: Koren, "Collaborative filtering with temporal dynamics", KDD 2009, sections 3.1 and 3.2.
Symbols: t in days, tbar_u mean day of u's training ratings, D pairs of a user and a day on which they rated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from irkit.arrays import Bools, Floats, Ints
from irkit.recommend.descent import LEARNED


class Moments(NamedTuple):
    """What the terms of time see of some ratings."""

    dev: Floats
    "(m,)"
    bin: Ints
    "(m,) int: 0, ..., bins - 1."
    day: Ints
    "(m,) int: row of the user's day among the D, -1 for one without a training rating."

    def at(self, rows: Ints) -> Moments:
        """Take some of the ratings."""
        return Moments(self.dev[rows], self.bin[rows], self.day[rows])


def deviation(t: Floats, mean: Floats, beta: float) -> Floats:
    """Compute dev_u(t) = sign(t - tbar_u) |t - tbar_u|^beta.

    Examples
    --------
    >>> float(np.round(deviation(np.array([132.0]), np.array([100.0]), 0.4)[0], 12))
    4.0
    """
    return np.sign(t - mean) * np.abs(t - mean) ** beta


class Calendar:
    """The training period: its start and end, users' mean days, and which days users rated on.

    Parameters
    ----------
    user, t : (n,)
        User and day of every training rating, in any order.
    users : int
    bins : int
    beta : float
    """

    def __init__(self, user: Ints, t: Floats, users: int, bins: int, beta: float) -> None:
        self.start, self.end = float(t.min()), float(t.max())
        self.bins, self.beta = bins, beta
        self.mean = np.bincount(user, t - self.start, users) / np.maximum(np.bincount(user, minlength=users), 1)
        self.width = int(np.floor(self.end - self.start)) + 1
        self.keys = np.unique(self._key(user, t - self.start))

    def moments(self, user: Ints, t: Floats, extrapolate: str) -> Moments:
        """Place ratings in the calendar; those after its end as `extrapolate` says."""
        since = t - self.start
        late = t > self.end
        clamped = np.clip(since, 0, self.end - self.start)
        dev = deviation(since if extrapolate == "model" else np.minimum(since, clamped), self.mean[user], self.beta)
        if extrapolate == "mean":
            dev = np.where(late, 0, dev)
        part = clamped / max(self.end - self.start, 1e-12)
        which = np.minimum((part * self.bins).astype(np.int64), self.bins - 1)
        if extrapolate == "mean":
            which = np.where(late, -1, which)
        return Moments(dev.astype(LEARNED), which, self._day(user, since))

    def _day(self, user: Ints, since: Floats) -> Ints:
        key = self._key(user, since)
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        inside: Bools = (since >= 0) & (since < self.width) & (self.keys[at] == key)
        return np.where(inside, at, -1)

    def _key(self, user: Ints, since: Floats) -> Ints:
        return user * self.width + np.floor(since).astype(np.int64)
