"""The table of external document ids: strings outside, row numbers inside."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Ints
from irkit.columns import arrow_numbers, arrow_rows, arrow_strings, common_width, take_strings
from irkit.errors import NotFoundError, near_misses

# Made of an array, because `pa.scalar` imports pandas.
_NOWHERE = arrow_rows(np.array([-1]))[0].cast(pa.int32())

MANY = 1000
"Ids that are many to take at once, and documents that are many for each id that is asked for."


class Docnos:
    """A table of external document ids, addressed by row number.

    Parameters
    ----------
    names : sequence of str or pyarrow array, (D,)
        Unique ids.
    rank : (D,) int32, optional
        Position of each id in ascending byte order; computed when first needed.
    """

    def __init__(self, names: Sequence[str] | pa.Array | pa.ChunkedArray, rank: Ints | None = None) -> None:
        self.names: pa.LargeStringArray = arrow_strings(names)
        self._rank = rank

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, row: int) -> str:
        return str(self.names[int(row)].as_py())

    @property
    def rank(self) -> Ints:
        """(D,) int32: position of each id in ascending order of its UTF-8 bytes."""
        if self._rank is None:
            order = arrow_numbers(pc.sort_indices(self.names))
            rank = np.empty(len(order), dtype=np.int32)
            rank[order] = np.arange(len(order), dtype=np.int32)
            self._rank = rank
        return self._rank

    @cached_property
    def _width(self) -> int | None:
        return common_width(self.names)

    def ordered(self) -> Ints:
        """Return the rows by their ids, shorter ones first, so that 9 precedes 10, whatever the build: (D,) int64."""
        return np.lexsort((self.rank, arrow_numbers(pc.utf8_length(self.names))))

    def take(self, rows: Ints) -> pa.LargeStringArray:
        """Return the ids of some rows as an Arrow array."""
        return take_strings(self.names, rows, self._width if len(rows) >= MANY else None)

    def rows(self, docnos: Iterable[str] | pa.Array | pa.ChunkedArray) -> Ints:
        """Return the row of each id, -1 where the table has no such id."""
        names = arrow_strings(docnos)
        if self._rank is not None and len(names) * MANY <= len(self):
            return np.array([self._find(name) for name in names.cast(pa.large_binary()).to_pylist()], dtype=np.int64)
        found = pc.index_in(names, value_set=self.names)
        return arrow_numbers(pc.coalesce(found, _NOWHERE)).astype(np.int64)

    @cached_property
    def _order(self) -> Ints:
        """(D,) int32: the rows in ascending order of their ids."""
        order = np.empty(len(self), dtype=np.int32)
        order[self.rank] = np.arange(len(self), dtype=np.int32)
        return order

    def _find(self, name: bytes | None) -> int:
        """Return the row of one id by bisection, -1 if there is none: Arrow would hash the whole table for it."""
        if name is None:
            return -1
        at = bisect_left(self._order, name, key=lambda row: self.names[int(row)].as_buffer().to_pybytes())
        row = int(self._order[at]) if at < len(self) else -1
        return row if row >= 0 and self.names[row].as_buffer().to_pybytes() == name else -1

    def row(self, docno: str) -> int:
        """Return the row of one id.

        Raises
        ------
        NotFoundError
            If the table has no such id.
        """
        found = int(self.rows([docno])[0])
        if found < 0:
            some = self.names.slice(0, 10_000).to_pylist()
            raise NotFoundError(f"docno: there is no document {docno!r}; {near_misses(docno, some, limit=3)}")
        return found
