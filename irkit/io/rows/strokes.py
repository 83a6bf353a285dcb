"""Pen strokes as sequences: where the pen went from point to point, and where it was lifted.

A step is (dx, dy, lifted): the move from the point before, to the right and upwards, and 1 where the pen is lifted
after it, the end of a stroke. The first move leads from the middle of the frame of 105 x 105 to where the pen was put
down, so that a drawing can be drawn again from its steps. Moves of all parts are divided by one number, the standard
deviation of all numbers dx and dy of the training part; a density of moves counts in that unit. The pen was followed on
a grid of pixels, whose spacing differs between drawings, so that few different moves occur.

Source: Lake, Salakhutdinov and Tenenbaum, "Human-level concept learning through probabilistic program induction",
Science 2015 (Omniglot); parts by drawers as `irkit.io.rows.pictures` has them.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from irkit.arrays import Floats
from irkit.errors import DataError
from irkit.io.archives import matching
from irkit.io.rows.pictures import by_drawers

MIDDLE = (52.5, -52.5)
"Of the frame; rows of pixels are counted downwards from 0, as negative numbers."
_NAME = re.compile(r"(?:[^/]+/)*([^/]+/[^/]+)/\d+_(\d\d)\.txt")  # .../Greek/character01/0394_20.txt
_LIMIT = 1 << 28  # bytes that the archive may unpack to; that of five alphabets has 9 million


def strokes(path: Path) -> list[list[Floats]]:
    """Read the drawings of the three parts from an archive of text files: (T, 3) float32 each."""
    drawings = {
        (match[1], int(match[2])): _steps(content, f"{path}: {match[0]}")
        for match, content in matching(path, _NAME, _LIMIT)
    }
    parts = [[drawings[one] for one in part] for part in by_drawers(drawings, path)]
    deviation = np.concatenate(parts[0])[:, :2].std()
    if not deviation > 0:
        raise DataError(f"{path}: the pen never moves; fetch the file again")
    return [[(one / (deviation, deviation, 1)).astype(np.float32) for one in part] for part in parts]


def _steps(content: bytes, where: str) -> Floats:
    """Return the moves of a drawing, in pixels: (T, 3) float64.

    The file is a line START, then for each stroke lines `x,y,milliseconds` and a line BREAK.
    """
    try:
        start, *lines = content.decode("ascii").split()
        points = [tuple(map(float, line.split(","))) for line in lines if line != "BREAK"]
        places = np.array([(x, y) for x, y, _ in points])
    except ValueError:
        raise _wrong(where) from None
    ends = np.flatnonzero(np.array([line == "BREAK" for line in lines], dtype=bool))
    last = ends - np.arange(len(ends)) - 1  # of the points, so many BREAKs being before it
    if start != "START" or not len(last) or lines[-1] != "BREAK" or (np.diff(last, prepend=-1) < 1).any():
        raise _wrong(where)
    if not np.isfinite(places).all():
        raise _wrong(where)
    lifted = np.zeros(len(places))
    lifted[last] = 1
    return np.column_stack([np.diff(places, axis=0, prepend=[MIDDLE]), lifted])


def _wrong(where: str) -> DataError:
    return DataError(
        f"{where}: a drawing is START, then lines x,y,time of each stroke and BREAK, got something else; fetch the "
        "archive again"
    )
