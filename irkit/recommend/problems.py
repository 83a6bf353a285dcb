"""Rating problems: ratings of a collection, a file or a planted law, and how they are split.

A split is one that the collection's card names, such as `u1`, or is chosen by its kind:

    {kind: random, fraction: 0.1, seed: 42}
    {kind: k-fold, k: 5, fold: 0, seed: 42}
    {kind: leave-last-out, n: 1}
    {kind: time, fraction: 0.1}                  or at: a date, or seconds since 1970
    {kind: rolling, windows: 3, days: 30, window: 0}
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from irkit.config import Config
from irkit.errors import ConfigError, FrameError, NotFoundError, near_misses
from irkit.frames import Ratings
from irkit.io.ratings.times import read_times
from irkit.locate import given_path
from irkit.recommend import simulate
from irkit.recommend.splits import (
    RatingSplit,
    k_folds,
    leave_last_out,
    predefined_split,
    random_split,
    rolling_splits,
    time_split,
)
from irkit.recommend.table import RatingTable
from irkit.rng import Seed

if TYPE_CHECKING:
    from irkit.io import RatingCollection

PLANTED: dict[str, tuple[Callable[[], simulate.Planted], str]] = {
    "planted-factors": (simulate.planted_factors, "Planted deviations and two factors; no time."),
    "planted-item-step": (simulate.planted_item_step, "Planted items that become better or worse at one moment."),
    "planted-regime-change": (
        simulate.planted_regime_change,
        "Planted clusters of users, half of which turn their taste round at one moment.",
    ),
    "planted-user-drift": (simulate.planted_user_drift, "Planted users whose level drifts in time."),
}
"""Ratings made by a known law, by name: the best possible error on them is known."""

SETTINGS = {
    "random": ("fraction", "seed"),
    "k-fold": ("k", "fold", "seed"),
    "leave-last-out": ("n",),
    "time": ("fraction", "at"),
    "rolling": ("windows", "days", "window"),
}
"""The settings that each kind of split has."""


def _moment(value: Any) -> Any:
    """Turn a date, as YAML or text has it, into seconds since 1970."""
    dated = isinstance(value, (str, datetime.date))
    found = read_times([value], lambda row, what, todo: ValueError(todo)) if dated else None
    return value if found is None else float(found[0])


class SplitChoice(Config):
    """A way to split ratings; what each setting means is said in `irkit.recommend.splits`."""

    kind: Literal["random", "k-fold", "leave-last-out", "time", "rolling"]
    fraction: float = Field(0.1, gt=0, lt=1)
    "Share of the ratings held out."
    at: Annotated[float | None, BeforeValidator(_moment)] = None
    "Instead of `fraction`: the moment from which ratings are held out, a date or seconds since 1970."
    k: int = Field(5, ge=2)
    "Parts."
    fold: int = Field(0, ge=0)
    "The part that is held out, from 0."
    n: int = Field(1, ge=1)
    "Ratings of each user held out."
    windows: int = Field(3, ge=1)
    "Windows in time at the end."
    days: float | None = Field(None, gt=0)
    "Length of a window."
    window: int = Field(0, ge=0)
    "The window that is held out, from 0, oldest first."
    seed: Seed = 42
    "Of what is drawn."

    @classmethod
    def called(cls) -> str:
        """Return the field of a suite's file that holds it."""
        return "split"

    @model_validator(mode="after")
    def _fits_together(self) -> SplitChoice:
        given = self.model_fields_set - {"kind"}
        for name in sorted(given - set(SETTINGS[self.kind])):
            raise ValueError(f"a {self.kind} split has no {name}; it has {', '.join(SETTINGS[self.kind])}")
        if self.at is not None and "fraction" in given:
            raise ValueError(f"a time split has either at or fraction, got {self.at:g} and {self.fraction:g}")
        if self.fold >= self.k:
            raise ValueError(f"fold counts from 0 and must be below k, got fold {self.fold} of {self.k}")
        if self.kind == "rolling" and self.days is None:
            raise ValueError("a rolling split needs days, the length of a window")
        if self.window >= self.windows:
            raise ValueError(f"window counts from 0 and must be below windows, got {self.window} of {self.windows}")
        return self

    def of(self, ratings: RatingTable) -> RatingSplit:
        """Split ratings.

        Raises
        ------
        ConfigError
            If a part would be empty.
        FrameError
            If the split is by time and the ratings have none.
        """
        if self.kind == "random":
            return random_split(ratings, self.fraction, self.seed)
        if self.kind == "k-fold":
            return k_folds(ratings, self.k, self.seed)[self.fold]
        if self.kind == "leave-last-out":
            return leave_last_out(ratings, self.n)
        if self.kind == "time":
            return time_split(ratings, at=self.at, fraction=self.fraction if self.at is None else None)
        assert self.days is not None  # checked above
        return rolling_splits(ratings, windows=self.windows, days=self.days)[self.window]


@dataclass(frozen=True, eq=False)
class Problem:
    """Ratings to learn from and ratings to be measured on, with what is known of them."""

    name: str
    "The collection's, or that of the planted ratings."
    about: str
    "What the ratings are, in one line."
    split: RatingSplit
    floor: float | None
    "RMSE on the test part of somebody who knows the law that planted ratings were made by; else None."
    fingerprint: str
    "Hash of what all ratings depend on; `split.hash` says which of them are in which part."


def load_problem(name: str | os.PathLike[str], split: str | Mapping[str, Any] | SplitChoice) -> Problem:
    """Load ratings and split them.

    Parameters
    ----------
    name : str or path
        A rating collection's name, a file or folder of ratings, or one of `PLANTED`.
    split : str, mapping or SplitChoice
        A split that the collection's card names, or the fields of a `SplitChoice`.

    Raises
    ------
    NotFoundError
        If there is no such collection, file or split, or the collection is not on this machine.
    ConfigError, FrameError, DataError
        If the split does not make sense or does not suit the ratings, or a file is wrong.
    """
    if given_path(name, PLANTED) is None:
        if isinstance(split, str):
            raise NotFoundError(f"{name}: has no split {split!r}; choose one by kind, such as {{kind: random}}")
        make, about = PLANTED[str(name)]
        planted = make()
        chosen = _choice(split).of(planted.ratings)
        floor = planted.floor(np.flatnonzero(chosen.in_test))
        return Problem(str(name), about, chosen, floor, planted.ratings.fingerprint)
    collection = _collection(name)
    if isinstance(split, str):
        train, test = (_table(collection, frame) for frame in collection.split(split))
        chosen = predefined_split(train, test, split)
    else:
        chosen = _choice(split).of(_table(collection, collection.ratings()))
    return Problem(collection.name, collection.about, chosen, None, collection.fingerprint)


def load_ratings(
    name: str | os.PathLike[str],
    *,
    format: str = "auto",
    encoding: str = "utf-8",
    columns: Mapping[str, str] | Sequence[str] | None = None,
    duplicates: Literal["error", "last", "mean"] | None = None,
) -> RatingTable:
    """Load all ratings of a collection, a file, a folder or a planted law.

    Parameters and errors are those of `load_problem`; `format`, `encoding` and `columns` are for a file of
    ratings, as in `irkit.io.read_ratings`. `duplicates` is that of `RatingTable.from_frame`, default what a card says.

    Examples
    --------
    >>> ratings = load_ratings("planted-factors")
    >>> len(ratings.users), len(ratings.items)
    (200, 100)
    """
    if not isinstance(name, (str, os.PathLike)):
        raise FrameError(
            f"ratings: a file or a collection's name is needed, got {type(name).__name__}; "
            "make a table of a frame with RatingTable.from_frame"
        )
    path = given_path(name, PLANTED)
    reading: dict[str, Any] = {"format": format, "encoding": encoding} | (
        {} if columns is None else {"columns": columns}
    )
    told = reading != {"format": "auto", "encoding": "utf-8"}
    if told and not (path is not None and Path(path).is_file()):
        what = "format and encoding" if columns is None else "columns, format and encoding"
        raise ConfigError(f"ratings: {what} are for a file of ratings, got {name}; leave them out")
    if path is None:
        return PLANTED[str(name)][0]().ratings
    collection = _collection(name)
    if duplicates is not None:
        reading |= {"duplicates": duplicates}
    if told or duplicates is not None:
        card = collection.card.model_copy(update={"ratings": collection.card.ratings.model_copy(update=reading)})
        collection = type(collection)(card, collection.folder)
    return _table(collection, collection.ratings())


def _collection(name: str | os.PathLike[str]) -> RatingCollection:
    from irkit.io import load_rating_collection

    if isinstance(name, str) and name.startswith("planted-"):
        raise NotFoundError(f"ratings: there is no {name!r}; {near_misses(name, PLANTED)}")
    return load_rating_collection(name)


def _table(collection: RatingCollection, frame: Ratings) -> RatingTable:
    reading = collection.card.ratings
    try:
        return RatingTable.from_frame(frame, scale=collection.scale, duplicates=reading.duplicates)
    except FrameError as error:
        file = collection.folder / reading.file
        raise FrameError(f"{file}: {str(error).removeprefix('ratings: ')}") from None


def _choice(split: Any) -> SplitChoice:
    if isinstance(split, SplitChoice):
        return split
    if not isinstance(split, Mapping):
        raise ConfigError(f"split: is a name or a mapping, got {split!r}; write {{kind: random, fraction: 0.1}}")
    return SplitChoice(**split)
