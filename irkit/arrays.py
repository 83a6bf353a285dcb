"""Names for the array types that signatures use."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"Real numbers, float32 or float64 as the docstring says."

Ints: TypeAlias = npt.NDArray[np.integer[Any]]
"Integers: ids, counts, offsets."

Bools: TypeAlias = npt.NDArray[np.bool_]
"Masks."

QUIET = 1 << 18
"Multiplications of a matrix product that OpenBLAS does on the calling thread."


def segments(ptr: Ints) -> Ints:
    """Number every element by the segment it lies in.

    Parameters
    ----------
    ptr : (n + 1,) int
        Offsets: segment i is `ptr[i]:ptr[i + 1]`.

    Returns
    -------
    (ptr[-1],) int64

    Examples
    --------
    >>> segments(np.array([0, 2, 2, 3])).tolist()
    [0, 0, 2]
    """
    return np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))


def offsets(counts: Ints) -> Ints:
    """Turn segment lengths into offsets, the inverse of `np.diff`.

    Examples
    --------
    >>> offsets(np.array([2, 0, 1])).tolist()
    [0, 2, 2, 3]
    """
    out = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def quiet_product(left: Floats, right: Floats) -> Floats:
    """Multiply two small matrices in pieces for which BLAS wakes no threads, which would cost more than they save.

    A thread that helped with one product spins in wait of the next, and where another program has the processor the
    product waits for it. Pieces are of at most `QUIET` multiplications: rows of `left` where it is tall, else parts of
    the sum, so that it is rounded otherwise than by one product. Slow with more columns than `QUIET` / (8 d).

    Parameters
    ----------
    left : (n, d) float
    right : (d, m) float of the same type
        Fast if C-contiguous.

    Returns
    -------
    (n, m) float
    """
    n, d = left.shape
    m = right.shape[1]
    if n * d * m <= QUIET:
        found: Floats = left @ right
        return found
    if n >= d:
        step = max(1, QUIET // (d * m))
        whole = n - n % step
        found = np.empty((n, m), dtype=left.dtype)
        np.matmul(left[:whole].reshape(-1, step, d), right, out=found[:whole].reshape(-1, step, m))
        np.matmul(left[whole:], right, out=found[whole:])
        return found
    step = max(1, QUIET // (n * m))
    whole = d - d % step
    pieces = left[:, :whole].reshape(n, -1, step).transpose(1, 0, 2) @ right[:whole].reshape(-1, step, m)
    found = pieces.sum(axis=0)
    found += left[:, whole:] @ right[whole:]
    return found


def evenly(lengths: Ints, n: int) -> Ints:
    """Return n of some lengths, evenly spaced among all of them in order: what drawn examples are as long as.

    Each of fewer lengths than n stands there as often as the others, to within one.

    Examples
    --------
    >>> evenly(np.array([5, 1, 9, 3, 7]), 3).tolist(), evenly(np.array([4, 2]), 6).tolist()
    ([1, 5, 9], [2, 2, 2, 4, 4, 4])
    """
    found: Ints = np.sort(lengths)[(2 * np.arange(n) + 1) * len(lengths) // (2 * n)]
    return found
