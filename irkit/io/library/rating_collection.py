"""Collections of ratings: one file of all ratings, and splits as their makers published them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from irkit.config import digest
from irkit.errors import NotFoundError, near_misses
from irkit.io.library.checksums import sha256
from irkit.io.library.collection import CardFiles, Check, count_check
from irkit.io.library.rating_card import RatingCard
from irkit.io.ratings.files import lines_of_rows, read_ratings

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

        What the card says of them, `scale` and `duplicates`, stands among the attributes of the frame
        (`frame.attrs`), and whether they are counts, so that `RatingTable.from_frame` keeps to it.

        Raises
        ------
        NotFoundError
            If the file is missing.
        DataError
            If it is malformed; says file and line.
        """
        return self._read(*self.card.ratings.files)

    def split(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Read the training and the test ratings of a split.

        Errors are those of `ratings`; a `NotFoundError` also if there is no such split.
        """
        train, test = self.parts(name)
        return self._read(train), self._read(test)

    def parts(self, name: str) -> tuple[str, str]:
        """Return the files of the training and the test part of a split."""
        if name not in self.card.splits:
            has = (
                near_misses(name, self.splits)
                if self.splits
                else "it has none, choose one by kind, such as {kind: random}"
            )
            raise NotFoundError(f"{self.name}: there is no split {name!r}; {has}")
        return self.card.splits[name].train, self.card.splits[name].test

    def lines(self, files: Sequence[str], rows: Sequence[int]) -> list[tuple[str, int]]:
        """Return the file and the line of some rows, ascending, of the frame that is read from files."""
        reading, found, start = self.card.ratings, [], 0
        for name in files:
            path = self.path(name)
            end = start + (len(self._read(name)) if name != files[-1] else max(rows) + 1)
            own = [row - start for row in rows if start <= row < end]
            if own:
                lines = lines_of_rows(path, own, reading.format, columns=reading.columns, encoding=reading.encoding)
                found += [(path, line) for line in lines]
            start = end
        return found

    @property
    def fingerprint(self) -> str:
        """What the ratings depend on: the digest of the file of all ratings, and how it is read."""
        return digest(*(sha256(self.folder / name) for name in self.card.ratings.files), self.card.ratings.given())

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

    def _read(self, *names: str) -> pd.DataFrame:
        reading = self.card.ratings
        frames = [
            read_ratings(
                self.path(name),
                reading.format,
                columns=reading.columns,
                encoding=reading.encoding,
                time_unit=reading.time_unit,
            )
            for name in names
        ]
        frame = frames[0] if len(frames) == 1 else _joined(frames)
        told = {"scale": reading.scale, "duplicates": reading.duplicates}
        frame.attrs |= {name: value for name, value in told.items() if value is not None}
        return frame


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    joined = pd.concat(frames, ignore_index=True)
    joined.attrs |= {"counts": True} if all(frame.attrs.get("counts") for frame in frames) else {}
    return joined
