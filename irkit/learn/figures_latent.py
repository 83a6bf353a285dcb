"""Figures of a latent space, and of pictures that are drawn in steps.

interpolations    from one test example to another, along the line between their vectors
traversals        one test example, with one number of its vector changed
steps             pictures as they are drawn, with the window through which each step was written
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from irkit.arrays import Floats
from irkit.io.kinds import Examples
from irkit.learn.model import Model

PAIRS, ALONG = 5, 9
"Pairs of test examples between which is interpolated, and points of each line, both ends among them."

DIMENSIONS, REACH, STOPS = 8, 3.0, 7
"Numbers of a vector that are changed, those that vary most; from -3 to 3 in so many stops."

DRAWN = 4
"Pictures whose steps are shown."

ENLARGED = 3
"Pixels of a side of one pixel, so that a window's frame hides little."

FRAME = (0.85, 0.1, 0.1)
"Red, green and blue of a window's frame."


class Strokes(NamedTuple):
    """How n pictures were drawn in T steps."""

    pictures: Floats
    "(n, T, R, C) grey values, 0 to 1, after each step."
    windows: Floats | None
    "(n, T, 4) first and last row, first and last column of where it wrote, in pixels; None where all was written."


@runtime_checkable
class InSteps(Protocol):
    """A model that draws its pictures in steps."""

    def strokes(self, n: int, *, seed: int = 1) -> Strokes:
        """Draw n pictures and say how."""


def interpolations(model: Model, test: Examples) -> Floats:
    """Return points on the lines between pairs of test examples, decoded: (pairs, ALONG, ...).

    Parameters
    ----------
    model : Model
        That encodes and decodes.
    test : examples
        The first and the second are a pair, and so on; at least two.
    """
    pairs = min(PAIRS, len(test) // 2)
    ends = model.encode(test.cut(2 * pairs)).reshape(pairs, 2, -1)
    share = np.linspace(0, 1, ALONG)[None, :, None]
    points = ends[:, :1] * (1 - share) + ends[:, 1:] * share  # (pairs, ALONG, Z)
    made = np.asarray(model.decode(points.reshape(pairs * ALONG, -1)))
    return made.reshape(pairs, ALONG, *made.shape[1:])


def traversals(model: Model, test: Examples) -> tuple[Floats, list[int]]:
    """Return the first test example with one number changed, decoded, (dimensions, STOPS, ...), and which numbers.

    Parameters
    ----------
    model : Model
        That encodes and decodes.
    test : examples
        Their vectors say which numbers vary most.
    """
    vectors = model.encode(test)
    chosen = np.sort(np.argsort(-vectors.var(0), kind="stable")[:DIMENSIONS])
    points = np.repeat(vectors[:1], len(chosen) * STOPS, axis=0)
    points[np.arange(len(points)), np.repeat(chosen, STOPS)] = np.tile(np.linspace(-REACH, REACH, STOPS), len(chosen))
    made = np.asarray(model.decode(points))
    return made.reshape(len(chosen), STOPS, *made.shape[1:]), chosen.tolist()


def framed(strokes: Strokes) -> Floats:
    """Enlarge the pictures of every step and draw the windows' frames: (n, T, R', C', 3) in 0..1."""
    large = strokes.pictures.repeat(ENLARGED, axis=2).repeat(ENLARGED, axis=3)
    found = np.repeat(large[..., None], 3, axis=-1).astype(np.float64)
    if strokes.windows is None:
        return found
    rows, columns = (np.arange(size) for size in large.shape[2:])
    for picture, windows in zip(found, strokes.windows, strict=True):
        for canvas, (top, bottom, left, right) in zip(picture, windows, strict=True):
            high, low = _edges(top, bottom, len(rows))
            first, last = _edges(left, right, len(columns))
            inside = (rows >= high) & (rows <= low), (columns >= first) & (columns <= last)
            edge = (rows == high) | (rows == low), (columns == first) | (columns == last)
            canvas[(edge[0][:, None] & inside[1]) | (inside[0][:, None] & edge[1])] = FRAME
    return found


def _edges(first: float, last: float, size: int) -> tuple[int, int]:
    """Return the enlarged pixels at which a frame begins and ends, on the picture's edge where it lies beyond."""
    low, high = np.clip(np.rint(np.array([first, last + 1]) * ENLARGED), 0, size - 1)
    return int(low), int(high)
