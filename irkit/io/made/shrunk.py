"""MNIST at half its size, grey: means of 2 x 2 pixels, for models of grey pictures that are to learn in seconds."""

from __future__ import annotations

from typing import Any

from irkit.arrays import Floats
from irkit.io.kinds import PARTS, DataSet, Rows

SIDE, FACTOR = 14, 2
"Pixels of a side, and how many of MNIST's pixels make one along each."


def pooled(rows: Floats, factor: int) -> Floats:
    """Return the means of squares of pixels.

    Parameters
    ----------
    rows : (n, R C)
        Square pictures, R = C.
    factor : int
        Side of a square, which divides R.

    Returns
    -------
    (n, R C / factor^2), in the type of the rows

    Examples
    --------
    >>> import numpy as np
    >>> pooled(np.arange(16.0)[None], 2)
    array([[ 2.5,  4.5, 10.5, 12.5]])
    """
    side = round(rows.shape[1] ** 0.5) // factor
    found: Floats = rows.reshape(-1, side, factor, side, factor).mean((2, 4), dtype=rows.dtype)
    return found.reshape(len(rows), -1)


def mnist_14() -> DataSet[Rows]:
    """MNIST at 14 x 14 pixels, grey from 0 to 1, with labels, in the parts of mnist."""
    from irkit.io import load_data

    whole: Any = load_data("mnist", binarise="none")

    def part(name: str) -> Rows:
        large = whole.part(name)
        return Rows(pooled(large.x, FACTOR), (SIDE, SIDE), labels=large.labels)

    train, valid, test = map(part, PARTS)
    return DataSet("mnist-14", train, valid, test, {"made of": f"mnist, means of {FACTOR} x {FACTOR} pixels"})
