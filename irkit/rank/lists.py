"""Lists of documents with their features and labels, and batches of them side by side.

Symbols: n lists, m documents of all of them, F features; B lists of a batch, L documents in the longest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from irkit.arrays import Bools, Floats, Ints, offsets, segments

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.learn.batches import Shuffled


class ListBatch(NamedTuple):
    """Lists of a batch; what stands after the end of one must not be looked at."""

    x: Tensor
    "(B, L, F) float32 features"
    labels: Tensor
    "(B, L) float32"
    mask: Tensor
    "(B, L) bool: where there is a document."
    above: int
    "Documents after the first so many have the least label of their list: none of another is below theirs."


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists end to end."""

    ptr: Ints
    "(n + 1,) int64: documents of list i are rows `ptr[i]:ptr[i + 1]`."
    x: Floats
    "(m, F)"
    labels: Floats
    "(m,)"

    @property
    def lengths(self) -> Ints:
        """(n,) int64: documents in each list."""
        return np.diff(self.ptr)

    @property
    def ordered(self) -> Bools:
        """(n,) bool: which lists hold documents of different labels, so that one order is better than another."""
        query, low, high = segments(self.ptr), np.full(len(self.ptr) - 1, np.inf), np.full(len(self.ptr) - 1, -np.inf)
        np.minimum.at(low, query, self.labels)
        np.maximum.at(high, query, self.labels)
        return low < high

    def kept(self, which: Bools) -> Lists:
        """Return the lists where `which` (n,) is true."""
        rows = which[segments(self.ptr)]
        return Lists(offsets(self.lengths[which]), self.x[rows], self.labels[rows])

    def source(self, batch_size: int, *, seed: int, device: torch.device) -> Shuffled:
        """Return batches of lists of similar lengths, in an order of its own in each epoch.

        Lists without documents are in no batch; documents of a list are in the order of labels, greatest first.
        Features and labels are on the device from the start.
        """
        import torch

        from irkit.learn.batches import Shuffled, fingerprint
        from irkit.learn.conditions import sent

        lists, above = self.kept(self.lengths > 0)._by_label()
        x = torch.from_numpy(np.ascontiguousarray(lists.x, dtype=np.float32))
        labels = torch.from_numpy(lists.labels.astype(np.float32))
        identity = " ".join(fingerprint(one) for one in (x, labels, torch.from_numpy(lists.ptr)))
        x, labels = sent(x, device), sent(labels, device)

        def take(numbers: Tensor, rng: torch.Generator) -> ListBatch:
            rows, mask = (sent(torch.from_numpy(one), device) for one in lists.places(numbers.numpy()))
            return ListBatch(x[rows], labels[rows], mask, int(above[numbers.numpy()].max()))

        return Shuffled(
            len(lists.lengths), batch_size, seed=seed, take=take, fingerprint=identity, lengths=lists.lengths
        )

    def _by_label(self) -> tuple[Lists, Ints]:
        """Order the documents of each list by label, greatest first; count those above its least: (n,)."""
        query = segments(self.ptr)
        order = np.lexsort((-self.labels, query))
        labels = self.labels[order]
        least = labels[self.ptr[1:] - 1]
        above = np.bincount(query[labels > least[query]], minlength=len(least))
        return Lists(self.ptr, self.x[order], labels), above

    def places(self, numbers: Ints) -> tuple[Ints, Bools]:
        """Lay some lists side by side.

        Parameters
        ----------
        numbers : (B,) int

        Returns
        -------
        (B, L) int64
            The row of each document; after the end of a list some row.
        (B, L) bool
            Where there is a document.
        """
        lengths = self.lengths[numbers]
        along = np.arange(lengths.max(initial=0))
        mask = along < lengths[:, None]
        return np.where(mask, self.ptr[numbers, None] + along, 0), mask
