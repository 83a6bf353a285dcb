"""Splits of ratings into training and test parts: objects with a manifest and a hash.

A split says what it is (`kind`, `settings`), what it holds, and, if it is one, why it is leaky. Results
on splits with different hashes are not comparable.

Symbols: n ratings.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Bools, Ints
from irkit.config import digest
from irkit.errors import ConfigError, FrameError
from irkit.frames import Ratings
from irkit.recommend.table import DAY, RatingTable
from irkit.rng import generator


@dataclass(frozen=True, eq=False)
class RatingSplit:
    """Ratings to learn from and ratings to be measured on."""

    kind: str
    "How the split was made: random, k-fold, predefined, leave-last-out, time, rolling."
    settings: dict[str, Any]
    "With what settings, as plain values."
    ratings: RatingTable
    "All ratings."
    in_train: Bools
    "(n,)"
    in_test: Bools
    "(n,): a rating may be in neither part, and is never in both."
    leaky: str = ""
    "Why numbers on this split are too good; empty if nothing is known against it."

    def __post_init__(self) -> None:
        for name, mask in (("training", self.in_train), ("test", self.in_test)):
            if not mask.any():
                raise ConfigError(f"split: {self.kind} leaves no rating for the {name} part; choose other settings")

    @cached_property
    def train(self) -> RatingTable:
        """The training ratings, with the users and items that have one."""
        return self.ratings.kept(self.in_train).compact()

    @cached_property
    def test(self) -> RatingTable:
        """The test ratings, with the users and items that have one; `like` or `predict` match ids with training."""
        return self.ratings.kept(self.in_test).compact()

    @property
    def hash(self) -> str:
        """Hash of which ratings are in which part, whatever their order."""
        return digest(rows_hash(self.train), rows_hash(self.test), list(self.ratings.scale))

    def manifest(self) -> dict[str, Any]:
        """Describe the split in plain values: settings, sizes, hashes, how cold and how leaky it is.

        `cold_user`, `cold_item` and `cold_both` are shares of test ratings whose user, item or both have no
        training rating; `older_than_train` is the share of test ratings older than the newest training
        one; `users_in_both` and `items_in_both` count ids. Times are seconds since 1970.
        """
        train, test = self.train, self.test
        user, item = train.users.rows(test.users.names), train.items.rows(test.items.names)
        cold_user, cold_item = user[test.user] < 0, item[test.item] < 0
        out: dict[str, Any] = {
            "kind": self.kind,
            "settings": self.settings,
            "leaky": self.leaky,
            "train": {"ratings": len(train), "users": len(train.users), "items": len(train.items)},
            "test": {"ratings": len(test), "users": len(test.users), "items": len(test.items)},
            "cold_user": float(cold_user.mean()),
            "cold_item": float(cold_item.mean()),
            "cold_both": float((cold_user & cold_item).mean()),
            "users_in_both": int((user >= 0).sum()),
            "items_in_both": int((item >= 0).sum()),
            "train_hash": rows_hash(train),
            "test_hash": rows_hash(test),
            "hash": self.hash,
        }
        if self.ratings.time is not None:
            newest = train.days.max()
            out["newest_train"] = float(np.round(newest * DAY, 3))
            out["oldest_test"] = float(np.round(test.days.min() * DAY, 3))
            out["older_than_train"] = float((test.days < newest).mean())
        return out

    def inner(self, fraction: float = 0.1, seed: int = 42) -> RatingSplit:
        """Split the training part again, to choose settings on its held-out part and never on the test part.

        A split by time is split by time again, any other at random.
        """
        if self.kind in ("time", "rolling"):
            return time_split(self.train, fraction=fraction)
        return random_split(self.train, fraction, seed)


def rows_hash(table: RatingTable) -> str:
    """Hash ratings, whatever their order and numbering."""
    columns = [table.users.take(table.user), table.items.take(table.item), _texts(table.rating)]
    if table.time is not None:
        columns.append(_texts(np.round(table.time * DAY, 3)))
    tab = pa.scalar("\t", pa.large_string())
    lines = pc.binary_join_element_wise(*columns, tab)
    lines = lines.take(pc.sort_indices(lines))
    found = hashlib.blake2b(digest_size=16)
    for start in range(0, len(lines), 1 << 16):
        found.update("\n".join([*lines.slice(start, 1 << 16).to_pylist(), ""]).encode())
    return found.hexdigest()


def random_split(ratings: RatingTable, fraction: float = 0.1, seed: int = 42) -> RatingSplit:
    """Hold out a random share of the ratings.

    Raises
    ------
    ConfigError
        If `fraction` does not lie between 0 and 1, or leaves a part empty.
    """
    _check_fraction(fraction)
    order = generator(seed, "random split").permutation(len(ratings))
    return _of(ratings, order[: round(fraction * len(ratings))], "random", {"fraction": fraction, "seed": seed})


def k_folds(ratings: RatingTable, k: int = 5, seed: int = 42) -> list[RatingSplit]:
    """Split ratings at random into k parts, each of which is held out once."""
    if isinstance(k, bool) or not isinstance(k, int) or not 2 <= k <= len(ratings):
        raise ConfigError(f"folds: their number must lie between 2 and that of the ratings, {len(ratings)}, got {k!r}")
    order = generator(seed, "k folds").permutation(len(ratings))
    return [_of(ratings, order[fold::k], "k-fold", {"k": k, "fold": fold, "seed": seed}) for fold in range(k)]


def predefined_split(train: RatingTable | Ratings, test: RatingTable | Ratings, name: str) -> RatingSplit:
    """Take the parts as somebody else made them, such as u1.base and u1.test of MovieLens 100K.

    Parameters
    ----------
    train, test : RatingTable or ratings frame
        Both with timestamps or both without.
    name : str
        What the split is called.

    Raises
    ------
    FrameError
        If a pair of user and item is in both parts, or only one part has timestamps.
    """
    import pandas as pd

    train, test = (one if isinstance(one, RatingTable) else RatingTable.from_frame(one) for one in (train, test))
    if (train.time is None) != (test.time is None):
        raise FrameError(f"split: {name} has timestamps in one part only; read both with or without them")
    shared = test.like(train)
    inside = np.isin(shared.user * len(train.items) + shared.item, train.user * len(train.items) + train.item)
    if inside.any():
        row = int(np.argmax(inside))
        who, what = train.users[shared.user[row]], train.items[shared.item[row]]
        raise FrameError(
            f"split: user {who!r} and item {what!r} are in the training and the test part of {name}; "
            "take the pair out of one of them"
        )
    both = pd.concat([train.frame(), test.frame()], ignore_index=True)
    scale = min(train.scale[0], test.scale[0]), max(train.scale[1], test.scale[1])
    ratings = RatingTable.from_frame(both, scale=scale if scale[0] < scale[1] else None, time_unit="s")
    ratings = replace(ratings, scale_stated=train.scale_stated and test.scale_stated, counts=train.counts)
    return _of(ratings, np.arange(len(train), len(both)), "predefined", {"name": name})


def leave_last_out(ratings: RatingTable, n: int = 1) -> RatingSplit:
    """Hold out each user's last n ratings; users with n or fewer stay in training whole. Leaky.

    Ties in time are broken by position. Training holds ratings of other users that are newer than
    most test ratings, so models of popularity and of neighbours see the future.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ConfigError(f"leave_last_out: n must be a whole number, 1 or more, got {n!r}")
    ratings.days  # noqa: B018  (raises where there is no time)
    ptr, order = ratings.by_user
    counts = np.diff(ptr)
    from_last = np.repeat(ptr[1:], counts) - np.arange(len(ratings))  # 1 for each user's last
    held = order[(from_last <= n) & (np.repeat(counts, counts) > n)]
    return _of(ratings, held, "leave-last-out", {"n": n}, leaky="training holds ratings newer than test ratings")


def time_split(ratings: RatingTable, *, at: float | None = None, fraction: float | None = None) -> RatingSplit:
    """Cut everybody's ratings at one moment: training is strictly before it, test at or after it.

    Parameters
    ----------
    ratings : RatingTable
        With timestamps.
    at : float
        Seconds since 1970.
    fraction : float
        Instead of `at`: the share of ratings to hold out, about; ratings that tie with the first one held
        out are held out too.

    Raises
    ------
    ConfigError
        If not exactly one of `at` and `fraction` is given, or a part is empty.
    """
    day, settings = _cut(ratings, at, fraction)
    return _of(ratings, np.flatnonzero(ratings.days >= day), "time", settings)


def rolling_splits(ratings: RatingTable, *, windows: int = 3, days: float) -> list[RatingSplit]:
    """Make one split for each of the last windows in time: test is one window, training all before it.

    Parameters
    ----------
    ratings : RatingTable
        With timestamps.
    windows : int
        Number of test windows, oldest first.
    days : float
        Length of each; the last one ends with the newest rating.
    """
    if windows < 1 or days <= 0:
        raise ConfigError(f"rolling_splits: needs windows >= 1 and days > 0, got {windows} and {days}")
    t = ratings.days
    end = np.nextafter(t.max(), np.inf)
    made = []
    for window in range(windows):
        low, high = end - (windows - window) * days, end - (windows - window - 1) * days
        settings = {"windows": windows, "days": days, "window": window}
        made.append(RatingSplit("rolling", settings, ratings, t < low, (t >= low) & (t < high)))
    return made


def _cut(ratings: RatingTable, at: float | None, fraction: float | None) -> tuple[float, dict[str, Any]]:
    if (at is None) == (fraction is None):
        raise ConfigError(f"time_split: give either at or fraction, got {at} and {fraction}")
    if at is not None:
        return at / DAY, {"at": at}
    assert fraction is not None
    _check_fraction(fraction)
    t = np.sort(ratings.days)
    return float(t[min(round((1 - fraction) * len(t)), len(t) - 1)]), {"fraction": fraction}


def _of(ratings: RatingTable, held: Ints, kind: str, settings: dict[str, Any], leaky: str = "") -> RatingSplit:
    in_test = np.zeros(len(ratings), dtype=bool)
    in_test[held] = True
    return RatingSplit(kind, settings, ratings, ~in_test, in_test, leaky)


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise ConfigError(f"split: fraction must lie between 0 and 1, got {fraction!r}")


def _texts(numbers: Any) -> pa.LargeStringArray:
    return pa.array(numbers).cast(pa.large_string())


def split_title(split: RatingSplit) -> str:
    """Say in a few words how ratings are split.

    A split that others made has its name: `u1`. Any other says its kind and settings: `random, fraction 0.1, seed 1`.
    """
    if split.kind == "predefined":
        return str(split.settings["name"])
    return ", ".join([split.kind, *(f"{name} {value}" for name, value in split.settings.items())])
