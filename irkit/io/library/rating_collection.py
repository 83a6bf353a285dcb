"""Collections of ratings: one file of all ratings, and splits as their makers published them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.config import digest
from irkit.errors import NotFoundError, near_misses
from irkit.io.library.checksums import sha256
from irkit.io.library.collection import CardFiles, Check, count_check
from irkit.io.library.rating_card import RatingCard
from irkit.io.ratings.files import read_ratings

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


class RatingCollection(CardFiles):
    """A collection of ratings whose files are at hand."""

    card: RatingCard
    folder: Path

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that the card has."""
        return tuple(self.card.splits)

    @property
    def scale(self) -> tuple[float, float] | None:
        """Least and greatest rating possible; None where the card does not say."""
        return self.card.ratings.scale

    def ratings(self) -> pd.DataFrame:
        """Read all ratings: `user_id`, `item_id`, `rating`, and `timestamp` where the file has it.

        Raises
        ------
        NotFoundError
            If the file is missing.
        DataError
            If it is malformed; says file and line.
        """
        return self._read(self.card.ratings.file)

    def split(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Read the training and the test ratings of a split.

        Errors are those of `ratings`; a `NotFoundError` also if there is no such split.
        """
        if name not in self.card.splits:
            has = (
                near_misses(name, self.splits)
                if self.splits
                else "the card names none, choose one by kind, such as {kind: random}"
            )
            raise NotFoundError(f"{self.name}: there is no split {name!r}; {has}")
        files = self.card.splits[name]
        return self._read(files.train), self._read(files.test)

    @property
    def fingerprint(self) -> str:
        """What the ratings depend on: the digest of the file of all ratings, and how it is read."""
        return digest(sha256(self.folder / self.card.ratings.file), self.card.ratings.given())

    def holds(self) -> dict[str, int]:
        """Count the ratings, the users and the items."""
        frame = self.ratings()
        return {"ratings": len(frame), "users": frame["user_id"].nunique(), "items": frame["item_id"].nunique()}

    def verify(self) -> list[Check]:
        """Compare every checksum on record and every count of the card with what is there."""
        checks = list(self.checksums())
        counts = self.card.counts.given()
        if counts:
            found = self.holds()
            checks += [count_check(what, expected, found[what]) for what, expected in counts.items()]
        return checks

    def _read(self, name: str) -> pd.DataFrame:
        reading = self.card.ratings
        return read_ratings(
            self.path(name),
            reading.format,
            columns=reading.columns,
            encoding=reading.encoding,
            time_unit=reading.time_unit,
        )
