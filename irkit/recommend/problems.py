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
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from irkit.config import Config
from irkit.errors import ConfigError, DataError, FrameError, NotFoundError, near_misses
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
from irkit.recommend.table import Duplicates, RatingTable, duplicates_remedy
from irkit.rng import Seed

_log = logging.getLogger("irkit")

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


def load_problem(
    name: str | os.PathLike[str],
    split: str | Mapping[str, Any] | SplitChoice | None = None,
    *,
    format: str = "auto",
    encoding: str = "utf-8",
    columns: Mapping[str, str] | Sequence[str] | None = None,
    duplicates: Duplicates | None = None,
) -> Problem:
    """Load ratings and split them.

    Parameters
    ----------
    name : str or path
        A rating collection's name, a file or folder of ratings, or one of `PLANTED`.
    split : str, mapping or SplitChoice, optional
        A split that the data have, as their card or the names of their files say, or the fields of a `SplitChoice`;
        default the one that the data have, or where they have none or many a random tenth.
    format, encoding, columns
        How files of one's own are read; see `irkit.io.read_ratings`.
    duplicates : {"error", "last", "mean", "sum"}, optional
        See `RatingTable.from_frame`; default what a card says.

    Raises
    ------
    NotFoundError
        If there is no such collection, file or split, or the collection is not on this machine.
    ConfigError, FrameError, DataError
        If the split does not make sense or does not suit the ratings, or a file is wrong.
    """
    collection = _opened(name, format, encoding, columns, duplicates)
    if collection is None:
        if isinstance(split, str):
            raise NotFoundError(f"{name}: has no split {split!r}; choose one by kind, such as {{kind: random}}")
        make, about = PLANTED[str(name)]
        planted = make()
        chosen = _choice(split).of(planted.ratings)
        floor = planted.floor(np.flatnonzero(chosen.in_test))
        return Problem(str(name), about, chosen, floor, planted.ratings.fingerprint)
    if split is None and len(collection.splits) > 1:
        names = ", ".join(collection.splits)
        _log.warning("%s: has the splits %s; a random tenth is held out instead, as none is named", name, names)
    split = collection.splits[0] if split is None and len(collection.splits) == 1 else split
    if isinstance(split, str):
        train, test = (
            _table(collection, frame, [file])
            for frame, file in zip(collection.split(split), collection.parts(split), strict=True)
        )
        chosen = predefined_split(train, test, split)
    else:
        chosen = _choice(split).of(_all(collection))
    return Problem(collection.name, collection.about, chosen, None, collection.fingerprint)


def problems_of(
    ratings: Any,
    split: str | Mapping[str, Any] | SplitChoice | None = None,
    folds: int | None = None,
    *,
    seed: int = 42,
    who: str,
) -> tuple[Problem, ...]:
    """Return split ratings of whatever a caller has: one problem, or one for each fold.

    Parameters
    ----------
    ratings : name, path, RatingTable, frame, Problem, RatingSplit, or sequence of RatingSplit
        What is split already stays so; several splits are folds.
    split : optional
        As in `load_problem`; several in a list are folds.
    folds : int, optional
        Instead of `split`: parts, each of which is held out once.
    seed : int
        Of the folds.
    who : str
        Begins the errors.

    Raises
    ------
    ConfigError
        If there is nothing to choose, as the ratings are split already, or both `split` and `folds` are given.
    NotFoundError, FrameError, DataError
        As `load_problem`.
    """
    if split is not None and folds is not None:
        raise ConfigError(f"{who}: there is a split and {folds} folds, which are splits of their own; leave one out")
    if isinstance(ratings, (Problem, RatingSplit)):
        ratings = [ratings]
    if isinstance(ratings, Sequence) and not isinstance(ratings, str):
        if not ratings or not all(isinstance(one, (Problem, RatingSplit)) for one in ratings):
            raise ConfigError(f"{who}: folds are splits of ratings, such as predefined_split(train, test, 'own') gives")
        if split is not None or folds is not None:
            raise ConfigError(f"{who}: these ratings are split already; leave out {'split' if split else 'folds'}")
        return tuple(one if isinstance(one, Problem) else _problem(one) for one in ratings)
    choices: list[Any] = list(split) if isinstance(split, (list, tuple)) else [split]
    if folds is not None:
        choices = [SplitChoice(kind="k-fold", k=folds, fold=fold, seed=seed) for fold in range(folds)]
    if isinstance(ratings, (str, os.PathLike)):
        return tuple(load_problem(ratings, one) for one in choices)
    table = ratings if isinstance(ratings, RatingTable) else RatingTable.from_frame(ratings)
    return tuple(_problem(_choice(one).of(table)) for one in choices)


def _problem(split: RatingSplit) -> Problem:
    """Return the problem of ratings that have no name."""
    return Problem("ratings", "", split, None, split.ratings.fingerprint)


def load_ratings(
    name: str | os.PathLike[str],
    *,
    format: str = "auto",
    encoding: str = "utf-8",
    columns: Mapping[str, str] | Sequence[str] | None = None,
    duplicates: Duplicates | None = None,
) -> RatingTable:
    """Load all ratings of a collection, a file, a folder or a planted law.

    Parameters and errors are those of `load_problem`.

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
    collection = _opened(name, format, encoding, columns, duplicates)
    return PLANTED[str(name)][0]().ratings if collection is None else _all(collection)


def _opened(
    name: str | os.PathLike[str], format: str, encoding: str, columns: Any, duplicates: Duplicates | None
) -> RatingCollection | None:
    """Open a collection whose card is changed by what a caller says; None for a planted law."""
    from irkit.io import load_rating_collection

    path = given_path(name, PLANTED)
    told = {"format": format, "encoding": encoding} | ({} if columns is None else {"columns": columns})
    if told == {"format": "auto", "encoding": "utf-8"}:
        told = {}
    elif path is None or not Path(path).exists():
        if path is not None:
            load_rating_collection(name)  # what is not there is missed before anything is said of options
        what = "format and encoding" if columns is None else "columns, format and encoding"
        raise ConfigError(f"ratings: {what} are for a file of ratings, got {name}; leave them out")
    if path is None:
        return None
    if isinstance(name, str) and name.startswith("planted-"):
        raise NotFoundError(f"ratings: there is no {name!r}; {near_misses(name, PLANTED)}")
    collection = load_rating_collection(name)
    if duplicates is not None:
        told |= {"duplicates": duplicates}
    card = collection.card.model_copy(update={"ratings": collection.card.ratings.model_copy(update=told)})
    return type(collection)(card, collection.folder) if told else collection


def _all(collection: RatingCollection) -> RatingTable:
    return _table(collection, collection.ratings(), collection.card.ratings.files)


def _table(collection: RatingCollection, frame: Ratings, files: Sequence[str]) -> RatingTable:
    """Make a table of what was read from files; an error of two rows names their lines."""
    try:
        return RatingTable.from_frame(frame)
    except FrameError as error:
        if not error.rows:
            raise
        (before, first), (path, second) = collection.lines(files, error.rows)
        row = frame.iloc[error.rows[0]]
        where = f"line {first}" if path == before else f"{before}:{first}"
        what = f"user {row['user_id']!r} rated item {row['item_id']!r} in {where} already"
        raise DataError(f"{path}:{second}: {what}; {duplicates_remedy()}") from None


def _choice(split: Any) -> SplitChoice:
    if split is None:
        return SplitChoice(kind="random")
    if isinstance(split, SplitChoice):
        return split
    if not isinstance(split, Mapping):
        raise ConfigError(f"split: is a name or a mapping, got {split!r}; write {{kind: random, fraction: 0.1}}")
    return SplitChoice(**split)
