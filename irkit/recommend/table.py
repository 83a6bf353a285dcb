"""Ratings as arrays: what every recommender is fitted on.

Symbols: n ratings, U users, I items.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa

from irkit.arrays import Bools, Floats, Ints, offsets
from irkit.config import digest
from irkit.docnos import Docnos
from irkit.errors import ConfigError, FrameError
from irkit.frames import Ratings, check_ratings
from irkit.io.ratings.ids import read_ids
from irkit.io.ratings.times import Unit, frame_times, in_seconds
from irkit.streams import by_command

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DAY = 86_400.0
"Seconds in a day; models count time in days."

LARGEST = 1e12
"Ratings beyond this are refused: squares and sums of them must stay within what models compute with."

Duplicates: TypeAlias = Literal["error", "last", "mean", "sum"]
"What may be done where a user rated an item twice."

DUPLICATES = get_args(Duplicates)


def known_columns(frame: Any) -> Any:
    """Return a frame with the columns of a ratings frame, where it names them as files may."""
    import pandas as pd

    from irkit.io.ratings.layout import FIELDS, NAMES

    if not isinstance(frame, pd.DataFrame):
        return frame
    called = {column: str(column).lower().replace("-", "_") for column in frame.columns}
    renamed = {}
    for name in FIELDS:
        found = [column for column, known in called.items() if known in NAMES[name]]
        if name not in frame and len(found) == 1:
            renamed[found[0]] = name
    return frame.rename(columns=renamed) if renamed else frame


@dataclass(frozen=True)
class RatingTable:
    """Ratings by number of user and item, one row each, no pair twice."""

    users: Docnos
    "U user ids."
    items: Docnos
    "I item ids."
    user: Ints
    "(n,) int64: rows of `users`."
    item: Ints
    "(n,) int64: rows of `items`."
    rating: Floats
    "(n,) float64."
    time: Floats | None
    "(n,) float64: days since 1970; None where the data has no timestamps."
    scale: tuple[float, float]
    "Least and greatest rating possible; predictions are clipped to it."
    scale_stated: bool = True
    "Whether somebody said so; otherwise it was read off the ratings."
    counts: bool = False
    "Whether the ratings are counts, as of plays: more than 0, and more is surer and not better."
    written: ClassVar[str] = "RatingTable.from_frame(ratings)"
    "How to write one, for messages."

    def __len__(self) -> int:
        return len(self.rating)

    def _repr_html_(self) -> str:
        from irkit.table.html import facts_html

        low, high = self.scale
        mean = f"{self.rating.mean():.4f}" if len(self) else ""
        facts = {
            "ratings": f"{len(self):,}",
            "users": f"{len(self.users):,}",
            "items": f"{len(self.items):,}",
            "scale": f"{low:g} to {high:g}",
            "mean": mean,
            "times": "" if self.time is None else "known",
        }
        return facts_html("ratings", facts)

    @classmethod
    def from_frame(
        cls,
        frame: Ratings,
        *,
        scale: tuple[float, float] | None = None,
        duplicates: Duplicates | None = None,
        time_unit: Unit = "auto",
        counts: bool | None = None,
    ) -> RatingTable:
        """Read a ratings frame.

        What its collection says of it, `scale`, `duplicates` and `counts` among the attributes of the frame, holds
        where nothing else is said here.

        Parameters
        ----------
        frame : ratings frame
            `user_id`, `item_id`, `rating`, optional `timestamp`: dates, or numbers since 1970. Names that files may
            have, such as `user`, `item` and `time`, are known too.
        scale : (low, high), optional
            The rating scale; default the least and greatest rating present.
        duplicates : {"error", "last", "mean", "sum"}, optional
            What to do where a user rated an item twice: refuse, keep the latest (by time, else by
            position), average, or sum; default refuse, and of counts sum.
        time_unit : {"auto", "s", "ms", "us", "ns"}
            What numbers in `timestamp` count; see `irkit.io.ratings.times`.
        counts : bool, optional
            Whether the ratings are counts.

        Raises
        ------
        FrameError
            If the frame is no ratings frame (ids that are not strings or no proper ids, NaN, no row), a
            rating lies outside the scale, a count is not above 0, a pair occurs twice and `duplicates` is "error",
            some rows have a timestamp and others have none, or what they count cannot be told.
        ConfigError
            If `scale`, `duplicates` or `time_unit` does not make sense.
        """
        frame = known_columns(frame)
        check_ratings(frame, who="ratings")
        said = frame.attrs
        counts = bool(said.get("counts")) if counts is None else counts
        duplicates = duplicates or said.get("duplicates") or ("sum" if counts else "error")
        if duplicates not in DUPLICATES:
            raise ConfigError(f"ratings: duplicates is one of {', '.join(DUPLICATES)}, got {duplicates!r}")
        if scale is not None and not _is_scale(scale):
            raise ConfigError(f"ratings: scale is (low, high) with low < high, got {scale}; for example (1, 5)")
        scale = said.get("scale") if scale is None else scale
        if not len(frame):
            raise FrameError("ratings: there is no rating; give at least one row")
        user_ids, user = _numbered(frame, "user_id")
        item_ids, item = _numbered(frame, "item_id")
        rating = frame["rating"].to_numpy(dtype=np.float64)
        stated = scale is not None
        scale = scale or (float(rating.min()), float(rating.max()))
        _check_scale(rating, scale)
        if counts and (rating <= 0).any():
            row = int(np.argmax(rating <= 0))
            raise FrameError(f"ratings: row {row} has the count {rating[row]:g}; drop it, counts are greater than 0")
        seconds = frame_times(frame, _fail, unit=time_unit)
        time = None if seconds is None else seconds / DAY
        table = cls(user_ids, item_ids, user, item, rating, time, scale, stated, counts)
        return table._without_duplicates(duplicates)

    def frame(self) -> Ratings:
        """Return the ratings as a frame."""
        import pandas as pd

        data = {"user_id": self.users.take(self.user), "item_id": self.items.take(self.item), "rating": self.rating}
        frame = pd.DataFrame({name: np.asarray(column) for name, column in data.items()})
        frame = frame.astype({"user_id": "str", "item_id": "str"})
        if self.time is not None:
            frame = in_seconds(frame.assign(timestamp=self.time * DAY))
        frame.attrs |= ({"scale": self.scale} if self.scale_stated else {}) | ({"counts": True} if self.counts else {})
        return frame

    def kept(self, mask: Bools) -> RatingTable:
        """Keep the ratings where `mask` is true; users and items keep their numbers."""
        time = None if self.time is None else self.time[mask]
        return replace(self, user=self.user[mask], item=self.item[mask], rating=self.rating[mask], time=time)

    def through(self, stage: object) -> RatingTable:
        """Return the table itself: what the stages of a pipeline are fitted on is the same for all of them."""
        return self

    def like(self, other: RatingTable) -> RatingTable:
        """Express the ratings on another table's users and items; ratings of unknown ones are left out."""
        user = other.users.rows(self.users.names)[self.user]
        item = other.items.rows(self.items.names)[self.item]
        known = (user >= 0) & (item >= 0)
        kept = self.kept(known)
        return replace(kept, users=other.users, items=other.items, user=user[known], item=item[known])

    def compact(self) -> RatingTable:
        """Leave out users and items without a rating, so that the ones kept are those the ratings know."""
        users, user = np.unique(self.user, return_inverse=True)
        items, item = np.unique(self.item, return_inverse=True)
        if len(users) == len(self.users) and len(items) == len(self.items):
            return self
        kept = Docnos(self.users.take(users)), Docnos(self.items.take(items))
        return replace(self, users=kept[0], items=kept[1], user=user, item=item)

    def before(self, day: float) -> RatingTable:
        """Keep the ratings given strictly before a day, and the users and items that have one.

        Raises
        ------
        FrameError
            If the ratings have no timestamps.
        """
        return self.kept(self.days < day).compact()

    @property
    def days(self) -> Floats:
        """(n,) float64: days since 1970; an error where the data has no timestamps."""
        if self.time is None:
            raise FrameError("ratings: need the column 'timestamp' here; split or model without time instead")
        return self.time

    @cached_property
    def by_user(self) -> tuple[Ints, Ints]:
        """Offsets (U + 1,) and row numbers (n,) that list each user's ratings, oldest first."""
        order = np.lexsort((np.zeros(len(self)) if self.time is None else self.time, self.user))
        return offsets(np.bincount(self.user, minlength=len(self.users))), order

    @cached_property
    def by_item(self) -> tuple[Ints, Ints]:
        """Offsets (I + 1,) and row numbers (n,) that list each item's ratings, oldest first."""
        order = np.lexsort((np.zeros(len(self)) if self.time is None else self.time, self.item))
        return offsets(np.bincount(self.item, minlength=len(self.items))), order

    @cached_property
    def matrix(self) -> csr_matrix:
        """(U, I) sparse float64; a rating of 0 is stored, not dropped."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.rating, (self.user, self.item)), shape=(len(self.users), len(self.items)))

    @cached_property
    def matrix_of_ones(self) -> csr_matrix:
        """(U, I) sparse float64: 1 for every pair with a rating."""
        from scipy.sparse import csr_matrix

        shape = (len(self.users), len(self.items))
        return csr_matrix((np.ones(len(self)), (self.user, self.item)), shape=shape)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of ids, ratings, times and scale."""
        content = hashlib.blake2b(digest_size=16)
        for ids in (self.users.take(self.user), self.items.take(self.item)):
            content.update(json.dumps(ids.to_pylist()).encode())
        content.update(np.ascontiguousarray(self.rating).tobytes())
        content.update(b"" if self.time is None else np.ascontiguousarray(self.time).tobytes())
        return digest(content.hexdigest(), list(self.scale), *(["counts"] if self.counts else []))

    def _without_duplicates(self, duplicates: Duplicates) -> RatingTable:
        pair = self.user * len(self.items) + self.item
        _, first, inverse, count = np.unique(pair, return_index=True, return_inverse=True, return_counts=True)
        if (count == 1).all():
            return self
        if duplicates == "error":
            row = int(first[np.argmax(count > 1)])
            other = int(np.flatnonzero(pair == pair[row])[1])
            error = FrameError(f"ratings: {self._named(row)} in rows {row} and {other}; {duplicates_remedy()}")
            error.rows = (row, other)
            raise error
        order = np.arange(len(self)) if self.time is None else np.argsort(self.time, kind="stable")
        last = np.zeros(len(count), dtype=np.int64)
        last[inverse[order]] = order
        table = self.kept(np.isin(np.arange(len(self)), last))
        if duplicates in ("mean", "sum"):
            total = np.bincount(inverse, self.rating)
            value = total / count if duplicates == "mean" else total
            table = replace(table, rating=value[inverse[np.sort(last)]])
        if duplicates == "sum":
            _check_scale(table.rating, self.scale if self.scale_stated else None)
            if not self.scale_stated:
                table = replace(table, scale=(float(table.rating.min()), float(table.rating.max())))
        return table

    def _named(self, row: int) -> str:
        return f"user {self.users[self.user[row]]!r} rated item {self.items[self.item[row]]!r}"


def duplicates_remedy() -> str:
    """Say how to choose what counts where a user rated an item twice, as whoever reads it would write it."""
    return "drop one, or choose " + ("--duplicates last, mean or sum" if by_command() else 'duplicates="last"')


def check_learnable(table: Any, role: str, *, who: str, timed: bool) -> None:
    """Raise `FrameError` unless a recommender can learn from a table: ratings of sane size, with times if it uses them.

    Parameters
    ----------
    table : Any
    role : str
        What the recommender was given it as.
    who : str
        Its name.
    timed : bool
        Whether it uses timestamps.
    """
    if not isinstance(table, RatingTable):
        got = type(table).__name__
        raise FrameError(f"{who}: {role} must be a RatingTable, got {got}; use RatingTable.from_frame, or load_ratings")
    if not len(table):
        raise FrameError(f"{who}: {role} holds no rating; give at least one")
    most = float(np.abs(table.rating).max())
    if not most <= LARGEST:
        raise FrameError(f"{who}: ratings must lie within +-{LARGEST:g}, got one of size {most:g}; divide them all")
    if timed and table.time is None:
        raise FrameError(f"{who}: uses time, but {role} has none; give ratings with the column 'timestamp'")


def _check_scale(rating: Floats, scale: Any) -> None:
    """Raise `FrameError` if a rating lies outside the scale."""
    if scale is None:
        return
    outside = (rating < scale[0]) | (rating > scale[1])
    if outside.any():
        row = int(np.argmax(outside))
        what = f"row {row} lies outside the scale {scale[0]:g}..{scale[1]:g}, got {rating[row]:g}"
        raise FrameError(f"ratings: {what}; correct it, or state the scale that holds")


def _is_scale(scale: object) -> bool:
    try:
        low, high = np.asarray(scale, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite([low, high]).all() and low < high)


def _numbered(frame: Ratings, name: str) -> tuple[Docnos, Ints]:
    """Return the distinct ids of a column, and the number of each row's."""
    ids = pa.array(frame[name], type=pa.large_string())
    encoded = read_ids(ids, name, _fail, strip=False).dictionary_encode()
    return Docnos(encoded.dictionary), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _fail(row: int, what: str, todo: str) -> FrameError:
    return FrameError(f"ratings: row {row} has {what}; {todo}")
