"""Sets of numbers from four families of distributions, with a mean and a variance of their own each.

Source: Edwards and Storkey, "Towards a Neural Statistician", ICLR 2017, section 5.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.io.kinds import PARTS, DataSet, Ragged, Sets
from irkit.rng import generator

FAMILIES = ("Gaussian", "uniform", "Laplace", "exponential")
"In the order of their labels; the exponential is shifted to its mean."

SIZES, ELEMENTS = (10_000, 500, 2_000), 200
"Sets of each part, and numbers in each set."


class Parameters(NamedTuple):
    """What n sets are drawn from."""

    family: Ints
    "(n,) numbers of `FAMILIES`."
    mean: Floats
    "(n,) from -1 to 1."
    variance: Floats
    "(n,) from .5 to 2."


def families_parameters(part: str, n: int) -> Parameters:
    """Return what the sets of a part, train, valid or test, are drawn from: the first n of those there could be.

    Examples
    --------
    >>> families_parameters("test", 2_000).family[:3].tolist() == families_parameters("test", 3).family.tolist()
    True
    """
    rows = generator(0, "families", part, "parameters").random((n, 3))
    return Parameters((rows[:, 0] * len(FAMILIES)).astype(np.int64), 2 * rows[:, 1] - 1, 0.5 + 1.5 * rows[:, 2])


def families(sizes: tuple[int, int, int] = SIZES, elements: int = ELEMENTS) -> DataSet[Sets]:
    """Sets of 200 numbers from a Gaussian, uniform, Laplace or shifted exponential distribution each; labels say which.

    Parameters
    ----------
    sizes : three int
        Sets to train, to validate and to test on; a smaller part has the first sets of a greater one.
    elements : int
        Numbers in a set.
    """
    parts = []
    for part, n in zip(PARTS, sizes, strict=True):
        drawn = families_parameters(part, n)
        noise = generator(0, "families", part, "elements").random((n, elements))
        x = drawn.mean[:, None] + np.sqrt(drawn.variance)[:, None] * _standard(drawn.family, noise)
        column = Ragged(x.astype(np.float32).reshape(-1, 1), np.full(n, elements, dtype=np.int64))
        parts.append(Sets(column, labels=drawn.family))
    train, valid, test = parts
    return DataSet("families", train, valid, test, {"elements": str(elements), "sizes": " ".join(map(str, sizes))})


def _standard(family: Ints, u: Floats) -> Floats:
    """Turn uniform numbers into those of each set's family, mean 0 and variance 1: (n, N) both."""
    from scipy.special import ndtri

    u = np.clip(u, 1e-12, 1 - 1e-12)
    inverse = [
        ndtri,
        lambda u: np.sqrt(12) * (u - 0.5),
        lambda u: -np.sign(u - 0.5) * np.log(1 - 2 * np.abs(u - 0.5)) / np.sqrt(2),
        lambda u: -np.log1p(-u) - 1,
    ]
    found = np.empty_like(u)
    for number, of in enumerate(inverse):
        found[family == number] = of(u[family == number])
    return found
