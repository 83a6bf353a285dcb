"""Guards against leaks from test to training: each fails, or is waived by name and then said so.

A guard raises `ConfigError` and says what it found. `checked` runs several and turns those that are
waived into notes, which belong on the board beside the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from irkit.arrays import Bools, Ints
from irkit.errors import ConfigError, near_misses
from irkit.io.ratings.times import in_seconds
from irkit.pipeline.stage import Stage
from irkit.recommend.base import Recommender
from irkit.recommend.splits import RatingSplit
from irkit.recommend.table import DAY, RatingTable

GUARDS = ("future", "popularity", "test pairs", "duplicates")
"Names of the guards that `checked` runs."

ROLES = {"train": "was fitted on", "held_out": "was stopped early by"}
"What ratings are to a stage, by the attribute that holds them."


def no_future(model: Recommender, test: RatingTable) -> None:
    """Fail if the model was fitted on, or stopped early by, a rating as new as the oldest test rating, or newer.

    Raises
    ------
    ConfigError
        Also if there are no timestamps to tell.
    """
    if model.fitted.time is None or test.time is None:
        raise ConfigError(f"guard: whether {model.name} saw the future cannot be told without timestamps; waive it")
    for how, table in _learned_from(model):
        late = int((table.days >= test.days.min()).sum())
        if late:
            raise ConfigError(
                f"guard: {model.name} {how} {late} ratings as new as the oldest test rating, or newer; "
                "split by time, or waive 'future' and the board will say so"
            )


def future_probe(model: Recommender, pairs: pd.DataFrame, at: float) -> None:
    """Fail if predictions for a moment change with ratings given at or after it.

    Every such training rating is turned upside down, nothing is fitted anew, and the predictions
    must be equal to the last bit.

    Parameters
    ----------
    model : Recommender
        Fitted.
    pairs : frame
        `user_id`, `item_id` to predict.
    at : float
        The moment, seconds since 1970; a `timestamp` in `pairs` is replaced by it.

    Raises
    ------
    ConfigError
        If a prediction changes; the message names the pair.
    """
    train = model.fitted
    late = train.days >= at / DAY
    pairs = in_seconds(pairs.assign(timestamp=float(at)))
    probe = _on(model, replace(train, rating=np.where(late, sum(train.scale) - train.rating, train.rating)))
    changed = _differ(model.predict(pairs)["prediction"], probe.predict(pairs)["prediction"])
    if changed.any():
        first = pairs.iloc[int(np.argmax(changed))]
        raise ConfigError(
            f"guard: {model.name} predicts {int(changed.sum())} of {len(pairs)} ratings from ratings given later, such "
            f"as that of user {first['user_id']!r} for item {first['item_id']!r}; use a causal model"
        )


def popularity_as_of(model: Recommender, known: RatingTable) -> None:
    """Fail if the model counted more ratings of an item than there were when it was to be fitted.

    Parameters
    ----------
    model : Recommender
        Fitted, possibly on a part of `known`, such as its positive ratings.
    known : RatingTable
        What may be known: the training part, or `ratings.before(day)`.

    Raises
    ------
    ConfigError
        If a count is too high; the message names the item.
    """
    items = model.fitted.items
    own = np.bincount(model.fitted.item, minlength=len(items))
    row = known.items.rows(items.names)
    allowed = np.where(row >= 0, np.bincount(known.item, minlength=len(known.items))[row], 0)
    if (own > allowed).any():
        item = int(np.argmax(own - allowed))
        raise ConfigError(
            f"guard: {model.name} counted {own[item]} ratings of item {items[item]!r}, and {allowed[item]} were known; "
            "fit it on what was known"
        )


def no_test_pairs(model: Recommender, test: RatingTable) -> None:
    """Fail if a test pair is among the ratings that the model reads: as targets, as input (SVD++) or to stop by.

    Raises
    ------
    ConfigError
        If one is; the message names it.
    """
    users, items = test.users.take(test.user), test.items.take(test.item)
    for how, seen in saw(model, users, items):
        row = int(np.argmax(seen))
        raise ConfigError(
            f"guard: {model.name} {how} {int(seen.sum())} of the {len(test)} test pairs, such as that of user "
            f"{users[row].as_py()!r} and item {items[row].as_py()!r}; fit it on the training part"
        )


def saw(stage: Stage, users: pa.LargeStringArray, items: pa.LargeStringArray) -> Iterator[tuple[str, Bools]]:
    """Tell which pairs of users and items a stage has seen the rating of.

    Parameters
    ----------
    stage : Stage
        A recommender, or any other that keeps ratings it was fitted on.
    users, items : (m,) Arrow strings

    Yields
    ------
    str, (m,) bool
        For each of `ROLES` in which it saw any: how, and which.
    """
    for how, table in _learned_from(stage):
        user, item = table.users.rows(users), table.items.rows(items)
        known = (user >= 0) & (item >= 0)
        seen = known & np.isin(user * len(table.items) + item, _pairs(table))
        if seen.any():
            yield how, seen


def _learned_from(stage: Stage) -> Iterator[tuple[str, RatingTable]]:
    for role, how in ROLES.items():
        table = getattr(stage, role, None)
        if isinstance(table, RatingTable):
            yield how, table


def no_duplicates(split: RatingSplit) -> None:
    """Fail if a pair is in both parts, or equal timestamps lie on both sides of a cut in time."""
    train, test = split.train, split.test.like(split.train)
    twice = int(np.isin(_pairs(test), _pairs(train)).sum())
    if twice:
        raise ConfigError(f"guard: {twice} pairs are in the training and in the test part; drop one of each")
    if split.kind in ("time", "rolling"):
        tied = int(np.isin(split.test.days, split.train.days).sum())
        if tied:
            raise ConfigError(
                f"guard: {tied} test ratings have the timestamp of a training rating; move the cut between two times"
            )


def not_the_test_part(chosen_on: RatingTable, split: RatingSplit) -> None:
    """Fail if ratings that settings are chosen on are in the test part.

    Raises
    ------
    ConfigError
        If a pair of user and item is in both.
    """
    shared = chosen_on.like(split.test)
    found = int(np.isin(_pairs(shared), _pairs(split.test)).sum())
    if found:
        raise ConfigError(
            f"guard: {found} of the {len(chosen_on)} ratings to choose settings on are in the test part; "
            "choose on split.inner().test"
        )


def checked(model: Recommender, split: RatingSplit, waive: Mapping[str, str] | None = None) -> list[str]:
    """Run the guards on a fitted model and the split it is to be measured on.

    Parameters
    ----------
    model : Recommender
        Fitted.
    split : RatingSplit
    waive : mapping of guard name to reason, optional
        Guards whose finding is accepted. On a split that is not by time, "future" needs no waiver: the
        kind of the split says it.

    Returns
    -------
    list of str
        One note for each waived guard that found something.

    Raises
    ------
    ConfigError
        If a guard that is not waived finds something, or a waiver names no guard.
    """
    waive = dict(waive or {})
    for name in waive:
        if name not in GUARDS:
            raise ConfigError(f"guard: there is no guard {name!r} to waive; {near_misses(name, GUARDS)}")
    runs: dict[str, Callable[[], None]] = {
        "test pairs": lambda: no_test_pairs(model, split.test),
        "duplicates": lambda: no_duplicates(split),
        "popularity": lambda: popularity_as_of(model, split.train),
    }
    if split.kind in ("time", "rolling"):
        runs["future"] = lambda: no_future(model, split.test)
    notes = []
    for name, run in runs.items():
        try:
            run()
        except ConfigError as error:
            if name not in waive:
                raise
            notes.append(f"{name} waived ({waive[name]}): {str(error).removeprefix('guard: ').partition(';')[0]}")
    return notes


def scale_notes(split: RatingSplit) -> list[str]:
    """Say so if the rating scale, to which predictions are clipped, is known from the test part alone."""
    low, high = split.ratings.scale
    own = split.train.rating
    if split.ratings.scale_stated or (own.min() <= low and own.max() >= high):
        return []
    within = f"{own.min():.3g}..{own.max():.3g}"
    return [f"the scale {low:.3g}..{high:.3g} is that of all ratings; those of the training part lie in {within}"]


@dataclass
class Looks:
    """Counts how often each test part was looked at: every measurement on it is one look."""

    counts: dict[str, int] = field(default_factory=dict)
    "Looks by hash of the split."

    def look(self, split: RatingSplit) -> int:
        """Count one look and return how many there were."""
        self.counts[split.hash] = self.counts.get(split.hash, 0) + 1
        return self.counts[split.hash]

    def note(self, split: RatingSplit) -> str:
        """Say it for the board."""
        n = self.counts.get(split.hash, 0)
        return f"test part looked at {n} time{'' if n == 1 else 's'}"


LOOKS = Looks()
"Those of this process; `irkit.evaluate.ratings` counts here."


def _pairs(table: RatingTable) -> Ints:
    return table.user * len(table.items) + table.item


def _differ(a: pd.Series, b: pd.Series) -> Bools:
    """Compare to the last bit."""
    differ: Bools = a.to_numpy(dtype=np.float64).view(np.int64) != b.to_numpy(dtype=np.float64).view(np.int64)
    return differ


def _on(model: Recommender, train: RatingTable) -> Recommender:
    probe = copy(model)
    probe.train = train
    return probe
