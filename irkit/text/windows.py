"""Cutting a text into overlapping passages of words."""

from __future__ import annotations

import numpy as np

from irkit.arrays import Ints
from irkit.errors import ConfigError


def windows(n: int, size: int, stride: int) -> Ints:
    """Lay windows over a sequence so that each element lies in one at least.

    Windows begin at 0, stride, 2 * stride, ...; the last is the first to reach the end, and may be
    shorter than `size`.

    Parameters
    ----------
    n : int >= 0
        Length of the sequence.
    size : int >= 1
        Length of a window.
    stride : int, 1 to size
        How far each window begins after the one before.

    Returns
    -------
    (w, 2) int64
        Begin and end of each window; one empty window for an empty sequence.

    Raises
    ------
    ConfigError
        If `size` or `stride` does not fit.

    Examples
    --------
    >>> windows(7, 4, 2).tolist()
    [[0, 4], [2, 6], [4, 7]]
    """
    if size < 1:
        raise ConfigError(f"windows: size must be 1 or more, got {size}")
    if not 1 <= stride <= size:
        raise ConfigError(
            f"windows: stride must lie between 1 and the size {size}, got {stride}; more would skip words"
        )
    count = 1 + max(0, -(-(n - size) // stride))  # the last begins at or after n - size
    begin = np.arange(count, dtype=np.int64) * stride
    return np.stack([begin, np.minimum(begin + size, n)], axis=1)


def passages(text: str, size: int, stride: int) -> list[str]:
    """Cut a text into passages of `size` words, each beginning `stride` words after the one before.

    Words are what white space separates; a passage holds them with single spaces between.

    Examples
    --------
    >>> passages("lift and drag of a wing", 3, 2)
    ['lift and drag', 'drag of a', 'a wing']
    """
    words = text.split()
    return [" ".join(words[begin:end]) for begin, end in windows(len(words), size, stride).tolist()]
