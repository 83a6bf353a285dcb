"""Normal equations of many small least-squares problems at once, as alternating solvers need them.

Symbols: U rows, I columns, d factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from irkit.arrays import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CELLS = 1 << 22
"Cells of normal equations held at once: 32 MiB of float64."


def grams(x: csr_matrix, y: Floats) -> Iterator[tuple[slice, Floats]]:
    """Sum weighted outer products over each row's entries, a block of rows at a time.

    A_u = sum over entries i of row u of x_ui y_i y_i'

    Parameters
    ----------
    x : (U, I) sparse
        Weights, such as ones for "u rated i".
    y : (I, d) float64

    Yields
    ------
    slice, (b, d, d) float64
        The rows of the block and their sums. Memory stays below (I, d) plus one block.
    """
    size = y.shape[1]
    step = max(1, CELLS // (size * size))
    for at in range(0, x.shape[0], step):
        block = x[at : at + step]
        out = np.empty((block.shape[0], size, size))
        for k in range(size):
            out[:, k, : k + 1] = block @ (y[:, : k + 1] * y[:, k : k + 1])
            out[:, :k, k] = out[:, k, :k]
        yield slice(at, at + step), out
