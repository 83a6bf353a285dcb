"""The ring: a mixture of eight Gaussians on a circle, whose modes are known.

Source: Metz, Poole, Pfau and Sohl-Dickstein, "Unrolled generative adversarial networks", ICLR 2017; radius 2 and
standard deviation .02 are the setting of most later papers.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.io.kinds import DataSet, Rows
from irkit.rng import generator

MODES, RADIUS, DEVIATION = 8, 2.0, 0.02
SIZES = (50_000, 2_000, 10_000)
"Points of each part."


def centres() -> Floats:
    """Return the centres of the modes: (8, 2)."""
    angles = 2 * np.pi * np.arange(MODES) / MODES
    found: Floats = RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])
    return found


def ring() -> DataSet[Rows]:
    """Points of a mixture of eight Gaussians on a circle of radius 2, standard deviation .02."""
    rng = generator(0, "ring")

    def part(n: int) -> Rows:
        mode = rng.integers(0, MODES, n)
        points = centres()[mode] + rng.normal(0, DEVIATION, (n, 2))
        return Rows(points.astype(np.float32), labels=mode)

    train, valid, test = map(part, SIZES)
    modes = " ".join(f"{value:.9g}" for value in centres().ravel())
    return DataSet("ring", train, valid, test, {"modes": modes, "deviation": f"{DEVIATION:g}"})
