"""Cards of the kind `ratings`.

name: toy
kind: ratings
about: One line.
ratings: {file: u.data, format: tab, scale: [1, 5]}
splits: {u1: {train: u1.base, test: u1.test}}
counts: {ratings: 100000, users: 943, items: 1682}
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from irkit.config import Config
from irkit.io.library.card import Card
from irkit.io.ratings.times import Unit
from irkit.io.reading import Reading


class RatingsCard(Config):
    """How the ratings are read."""

    file: str | tuple[str, ...]
    "The file of all ratings, or files that hold them together."
    format: str = "auto"
    columns: dict[str, str] | list[str] | None = None
    "What the file calls `user_id`, `item_id`, `rating` and `timestamp`, or which field is what; see `read_ratings`."
    encoding: str = "utf-8"
    scale: tuple[float, float] | None = None
    "Least and greatest rating possible; default those that occur."
    time_unit: Unit = "auto"
    "What numbers in the column of times count since 1970: s, ms, us or ns; auto finds out."
    duplicates: Literal["error", "last", "mean", "sum"] | None = None
    "What to do where a user rated an item twice; default error, and of counts sum."

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold all ratings."""
        return (self.file,) if isinstance(self.file, str) else self.file


class RatingCounts(Config):
    """What the file of ratings must hold; what is absent is not checked."""

    ratings: int | None = Field(None, ge=0)
    users: int | None = Field(None, ge=0)
    items: int | None = Field(None, ge=0)


class RatingSplitCard(Config):
    """One split as its makers published it: two files of the format of the whole."""

    train: str
    test: str


class RatingCard(Card):
    """The card of a collection of ratings."""

    kind: Literal["ratings"] = "ratings"
    ratings: RatingsCard
    splits: dict[str, RatingSplitCard] = Field(default_factory=dict)
    counts: RatingCounts = RatingCounts()

    @model_validator(mode="after")
    def _fits_together(self) -> RatingCard:
        from irkit.io.ratings.layout import LEFT_OUT, NAMES, SHORT
        from irkit.io.ratings.sniff import FORMATS

        reading = self.ratings
        if reading.format not in ("auto", *FORMATS):
            raise ValueError(f"ratings have no format {reading.format!r}, only {', '.join(FORMATS)}")
        for name in reading.columns or ():
            if name not in (*NAMES, *SHORT, *LEFT_OUT):
                raise ValueError(f"ratings have no column {name!r} to name, only {', '.join(NAMES)}")
        if reading.scale is not None and not reading.scale[0] < reading.scale[1]:
            low, high = reading.scale
            raise ValueError(f"the scale of ratings is [low, high] with low < high, got [{low:g}, {high:g}]")
        Reading(encoding=reading.encoding)
        return self

    def reads(self) -> list[str | None]:
        """Return the files of ratings, whole and split."""
        return [*self.ratings.files, *(name for split in self.splits.values() for name in (split.train, split.test))]

    def needed(self) -> list[str]:
        """Return the files of all ratings; a split is read when it is asked for."""
        return list(self.ratings.files)

    def holds(self) -> dict[str, int]:
        """Return the numbers of ratings, users and items, as far as the card says."""
        return self.counts.given()
