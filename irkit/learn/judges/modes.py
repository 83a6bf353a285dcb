"""Modes covered: how many of the known modes of a mixture samples reach, and how many samples lie at one.

A sample is at a mode that is no further than 3 standard deviations away, the nearest of several; a mode is covered
if a hundredth of the samples, or more, is at it. The high-quality share is that of the samples which are at a mode.
Source: the ring and the grid of Metz, Poole, Pfau and Sohl-Dickstein, "Unrolled generative adversarial networks",
ICLR 2017, and the counting of Srivastava et al., "VEEGAN", NIPS 2017, whose 3 standard deviations are these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from irkit.arrays import Floats
from irkit.errors import ConfigError
from irkit.learn.data import Data
from irkit.learn.estimate import Quantity
from irkit.learn.judges.judge import Control, Judge, batch_seed
from irkit.learn.model import Model
from irkit.rng import generator

SAMPLES, BATCHES = 10_000, 5
"Samples of a batch, and batches."

NEAR, COVERED = 3.0, 0.01
"Standard deviations within which a sample is at a mode; the share of samples from which on a mode is covered."


class Covered(NamedTuple):
    """What samples make of the modes."""

    modes: int
    "How many are covered."
    share: float
    "Of the samples that are at one."


def covered(samples: Floats, centres: Floats, deviation: float) -> Covered:
    """Count the modes that samples cover.

    Parameters
    ----------
    samples : (n, D)
    centres : (K, D)
    deviation : float
        Of each mode in each dimension.

    Examples
    --------
    >>> covered(np.array([[0.0, 0.1], [9.0, 9.0]]), np.array([[0.0, 0.0], [1.0, 1.0]]), 0.1)
    Covered(modes=1, share=0.5)
    """
    apart = np.linalg.norm(samples[:, None].astype(np.float64) - centres, axis=2)  # (n, K)
    at = np.where(apart.min(1) <= NEAR * deviation, apart.argmin(1), -1)
    counts = np.bincount(at[at >= 0], minlength=len(centres))
    return Covered(int((counts >= COVERED * len(samples)).sum()), float((at >= 0).mean()))


class Modes(Judge):
    """Judges samples of a mixture whose modes are known."""

    name = "modes"
    one = "batch"
    size = BATCHES
    quantities = {"share": Quantity(), "modes": Quantity("modes")}  # noqa: RUF012

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        try:
            self.centres = np.array(data.details["modes"].split(), dtype=np.float64).reshape(-1, data.spec.size)
            self.deviation = float(data.details["deviation"])
            if data.spec.kind != "rows" or not len(self.centres) or not self.deviation > 0:
                raise ValueError
            if not np.isfinite([self.deviation, *self.centres.ravel()]).all():
                raise ValueError
        except (KeyError, ValueError):
            raise ConfigError(
                f"modes: the modes of {data.name} are not known; rows are needed, whose details have `modes`, the "
                "numbers of all centres, and `deviation`, above 0"
            ) from None

    def values(self, model: Model, *, seed: int) -> Mapping[str, Floats]:
        """Return share and number of modes of each batch of samples."""
        return self._counted([model.sample(SAMPLES, seed=batch_seed(seed, batch, BATCHES)) for batch in range(BATCHES)])

    def controls(self) -> Iterator[Control]:
        """Yield the mixture itself."""
        rng = generator(0, "modes")
        noise = rng.normal(0, self.deviation, (BATCHES, SAMPLES, self.centres.shape[1]))
        drawn = self.centres[rng.integers(0, len(self.centres), (BATCHES, SAMPLES))] + noise
        yield Control("real data", "Samples of the mixture itself.", self._counted(list(drawn)))

    @property
    def facts(self) -> tuple[str, ...]:
        """Say how is counted."""
        return (
            f"{len(self.centres)} modes of standard deviation {self.deviation:g}; a mode counts if {COVERED:.0%} of "
            f"{SAMPLES:,} samples lie within {NEAR:g} standard deviations of it, and share is that of the samples "
            "within as much of any",
        )

    def _counted(self, batches: list[Floats]) -> dict[str, Floats]:
        found = [covered(one, self.centres, self.deviation) for one in batches]
        return {"share": np.array([one.share for one in found]), "modes": np.array([float(one.modes) for one in found])}
