"""The terms of an index with their frequencies."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Ints

_FEW = 32
"Terms that Python finds one by one before Arrow has found them together."


class Vocabulary:
    """Terms in ascending byte order, numbered by their position.

    Parameters
    ----------
    terms : (V,) pyarrow large_string
        Ascending by UTF-8 bytes.
    df : (V,) int32
        Number of documents with each term.
    cf : (V,) int64
        Occurrences of each term in the collection.
    """

    def __init__(self, terms: pa.LargeStringArray, df: Ints, cf: Ints) -> None:
        self.terms = terms
        self.df = df
        self.cf = cf

    def __len__(self) -> int:
        return len(self.terms)

    def __getitem__(self, row: int) -> str:
        return str(self.terms[int(row)].as_py())

    def ids(self, terms: Sequence[str] | pa.Array) -> Ints:
        """Return the number of each term, -1 where the vocabulary has no such term.

        Returns
        -------
        (n,) int64
        """
        if len(terms) < _FEW and not isinstance(terms, pa.Array):
            return np.fromiter(map(self._find, terms), dtype=np.int64, count=len(terms))
        wanted = terms if isinstance(terms, pa.Array) else pa.array(terms, type=pa.large_string())
        return self._halved(wanted.cast(pa.large_string()))

    def _find(self, term: str) -> int:
        # Python orders strings by code point, which is the order of their UTF-8 bytes.
        row = bisect_left(range(len(self.terms)), term, key=self.__getitem__)
        return row if row < len(self.terms) and self[row] == term else -1

    def _halved(self, wanted: pa.LargeStringArray) -> Ints:
        """Halve the rows where each of n terms may stand until one is left; Arrow compares the terms' bytes."""
        low, high = np.zeros(len(wanted), dtype=np.int64), np.full(len(wanted), len(self.terms) - 1)
        while (low < high).any():
            middle = (low + high) // 2
            before = pc.less(self.terms.take(pa.array(middle)), wanted).to_numpy(zero_copy_only=False)
            before = before & (low < high)
            low, high = np.where(before, middle + 1, low), np.where(before, high, middle)
        if not len(self.terms):
            return low - 1
        same = pc.equal(self.terms.take(pa.array(low)), wanted).to_numpy(zero_copy_only=False)
        return np.where(same, low, -1)
