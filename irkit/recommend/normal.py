"""Normal equations of many small least-squares problems at once, as alternating solvers need them.

Symbols: U rows, I columns, d factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from irkit.arrays import Floats, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CELLS = 1 << 21
"Numbers held at once: 16 MiB of float64, most of which stay in the processor's cache."


def grams(x: csr_matrix, y: Floats) -> Iterator[tuple[Ints, Floats]]:
    """Sum weighted outer products over each row's entries, rows with about as many entries together.

    A_u = sum over entries i of row u of x_ui y_i y_i'

    Parameters
    ----------
    x : (U, I) sparse
        Weights, such as ones for "u rated i".
    y : (I, d) float64 or float32

    Yields
    ------
    (b,) int64, (b, d, d) of the type of y
        Some rows and their sums; every row comes once.
    """
    size = y.shape[1]
    counts = np.diff(x.indptr)
    order = np.argsort(counts, kind="stable")
    padded = np.vstack([y, np.zeros((1, size), y.dtype)])
    ones = bool((x.data == 1).all())
    first = 0
    while first < len(order):
        least = counts[order[first]]
        # Rows are padded to the longest of their group, by a fifth at most.
        last = int(np.searchsorted(counts[order], max(1.2 * least, least + 4), side="right"))
        last = min(last, first + max(1, CELLS // (size * max(size, int(counts[order[last - 1]])))))
        rows = order[first:last]
        place = np.arange(counts[rows[-1]])
        inside = place < counts[rows][:, None]
        at = np.where(inside, x.indptr[rows][:, None] + place, 0)
        z = padded[np.where(inside, x.indices[at], len(y))] if at.size else np.zeros((len(rows), 0, size), y.dtype)
        weighted = z if ones or not at.size else z * x.data[at].astype(y.dtype)[:, :, None]
        yield rows, weighted.transpose(0, 2, 1) @ z
        first = last


def solve_each(left: Floats, right: Floats) -> Floats:
    """Solve many small positive definite systems A x = b by Cholesky factors: (b, d, d) and (b, d) to (b, d)."""
    from scipy.linalg.lapack import dposv, sposv

    solve = dposv if left.dtype == np.float64 else sposv
    out = np.empty_like(right)
    for k, (a, b) in enumerate(zip(left, right, strict=True)):
        _, out[k], failed = solve(a.T, b)  # symmetric, and transposed it needs no reordering
        if failed:  # by rounding; the exact system is positive definite
            out[k] = np.linalg.lstsq(a.astype(np.float64), b.astype(np.float64))[0]
    return out
