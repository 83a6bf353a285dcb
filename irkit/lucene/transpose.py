"""Turn postings by term into rows by document, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from irkit.arrays import Ints, offsets
from irkit.lucene.storage import blocks, write_array

WINDOW = 1 << 25
"Postings turned at a time; memory is about 30 bytes for each."


def transpose(ptr: Ints, doc: Ints, tf: Ints, documents: int, folder: Path, window: int = WINDOW) -> None:
    """Write `csr_ptr.npy` (int64), `csr_term.npy` and `csr_tf.npy` (int32) to a folder.

    Parameters
    ----------
    ptr : (V + 1,) int64
        Postings of term t are `ptr[t]:ptr[t + 1]`.
    doc, tf : (P,) int32
        Documents, ascending within a term, and frequencies.
    documents : int
        Number of rows, D.
    window : int
        Postings in memory at a time; one document may exceed it.
    """
    counts = np.zeros(documents, dtype=np.int64)
    for start in range(0, len(doc), window):
        counts += np.bincount(doc[start : start + window], minlength=documents)
    row_ptr = offsets(counts)
    write_array(folder / "csr_ptr.npy", row_ptr)
    with (
        blocks(folder / "csr_term.npy", len(doc), np.int32) as write_terms,
        blocks(folder / "csr_tf.npy", len(doc), np.int32) as write_tfs,
    ):
        for terms, tfs in _windows(ptr, doc, tf, row_ptr, window):
            write_terms(terms)
            write_tfs(tfs)


def _windows(ptr: Ints, doc: Ints, tf: Ints, row_ptr: Ints, window: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield the terms and frequencies of consecutive runs of documents."""
    from scipy.sparse import csc_matrix

    first = 0
    while first < len(row_ptr) - 1:
        last = int(np.searchsorted(row_ptr, row_ptr[first] + window, side="right")) - 1
        last = max(first + 1, last)
        if first == 0 and last == len(row_ptr) - 1:
            here, rows, values = ptr, doc, tf
        else:
            picked = np.concatenate([_inside(doc, start, window, first, last) for start in range(0, len(doc), window)])
            here, rows, values = np.searchsorted(picked, ptr), doc[picked] - np.int32(first), tf[picked]
        block = csc_matrix((values, rows, here), shape=(last - first, len(ptr) - 1)).tocsr()
        yield block.indices, block.data
        first = last


def _inside(doc: Ints, start: int, window: int, first: int, last: int) -> Ints:
    """Return the positions from `start` on whose document lies in [first, last)."""
    chunk = doc[start : start + window]
    return np.flatnonzero((chunk >= first) & (chunk < last)) + start
