"""Arrays that differ in length, laid end to end: steps of sequences, elements of sets, terms of documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from irkit.arrays import Ints, offsets
from irkit.errors import ShapeError


@dataclass(frozen=True)
class Ragged:
    """Arrays that differ in length, laid end to end.

    Raises
    ------
    ShapeError
        If the lengths do not add up to the values.
    """

    values: Any
    "(sum of lengths, ...), numpy"
    lengths: Ints
    "(n,) int64"

    def __post_init__(self) -> None:
        if self.lengths.sum() != len(self.values) or self.lengths.min(initial=0) < 0:
            got = f"{self.lengths.sum()} of {len(self.values)} values"
            raise ShapeError(f"ragged: lengths must add up to the values, and none be below 0, got {got}; correct them")

    @classmethod
    def of(cls, arrays: Sequence[Any]) -> Ragged:
        """Lay arrays (length, ...) end to end; there is at least one.

        Examples
        --------
        >>> Ragged.of([[5, 6], [7]])[1]
        array([7])
        """
        each = [np.asarray(one) for one in arrays]
        filled = [one for one in each if len(one)]  # an empty list would turn whole numbers into reals
        return cls(np.concatenate(filled or each), np.array([len(one) for one in each], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, at: int) -> Any:
        start = int(self.lengths[:at].sum())
        return self.values[start : start + int(self.lengths[at])]

    def __iter__(self) -> Iterator[Any]:
        bounds = offsets(self.lengths)
        return (self.values[start:end] for start, end in pairwise(bounds))

    def take(self, rows: Ints) -> Ragged:
        """Return some of the arrays, in the order named."""
        lengths = self.lengths[rows]
        shift = offsets(self.lengths)[:-1][rows] - offsets(lengths)[:-1]
        return Ragged(self.values[np.repeat(shift, lengths) + np.arange(lengths.sum())], lengths)

    def padded(self) -> Any:
        """Return them side by side, zeros after their ends: (n, longest, ...)."""
        longest = int(self.lengths.max(initial=0))
        out = np.zeros((len(self), longest, *self.values.shape[1:]), dtype=self.values.dtype)
        out[np.arange(longest) < self.lengths[:, None]] = self.values
        return out
