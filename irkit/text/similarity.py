"""Amplified similarity of terms in an embedding space.

Source: Zamani and Croft, "Embedding-based query language models", ICTIR 2016, section 3.1 and footnote 1.
Symbols: T terms with a vector, d dimensions; x(w, v) = (cos(w, v) + 1) / 2 in [0, 1];
delta(w, v) = 1 / (1 + exp(-a (x - c))); Z_w = sum over v of delta(v, w).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.config import digest
from irkit.kept import found, keep
from irkit.locate import home
from irkit.locks import turn
from irkit.text.vectors import Vectors

BLOCK = 1 << 25
"Similarities held at once while summing: 128 MiB of float32."


def delta(cosine: Floats, a: float, c: float, out: Floats | None = None) -> Floats:
    """Compute delta from cosines.

    Parameters
    ----------
    cosine : array in [-1, 1]
    a : float, nonnegative
        Steepness; 0 makes every similarity 1/2.
    c : float
        The mapped cosine where delta is 1/2.
    out : array of the same shape and type, optional
        Where the result is put; may be `cosine`.

    Returns
    -------
    array in (0, 1), same shape and type

    Examples
    --------
    >>> float(delta(np.array([1.0]), a=10, c=1.0)[0])
    0.5
    """
    t = _one_over_delta(cosine, a, c, out)
    found: Floats = np.reciprocal(t, out=t)
    return found


def log_delta(cosine: Floats, a: float, c: float, out: Floats | None = None) -> Floats:
    """Compute the logarithm of delta from cosines: as `delta`, in nats, negative."""
    t = _one_over_delta(cosine, a, c, out)
    np.log(t, out=t)
    found: Floats = np.negative(t, out=t)
    return found


def _one_over_delta(cosine: Floats, a: float, c: float, out: Floats | None) -> Floats:
    t = np.multiply(cosine, -a / 2, out=out)
    t += a * (c - 0.5)
    if a * c > 80:
        # The exponential of a float32 overflows; delta is below 2e-35 there, and its logarithm stays finite.
        np.minimum(t, 80, out=t)
    np.exp(t, out=t)
    t += 1
    found: Floats = t
    return found


class TermSimilarity:
    """Amplified similarity among terms that have vectors, and its normalisers.

    Parameters
    ----------
    vectors : Vectors
        Unit vectors of the terms.
    a, c : float
        Steepness and midpoint of the sigmoid.
    folder : path, optional
        Where normalisers are kept; default `IRKIT_HOME/similarity`.
    """

    def __init__(self, vectors: Vectors, a: float, c: float, folder: Path | None = None) -> None:
        self.vectors = vectors
        self.a, self.c = a, c
        self._folder = folder or home() / "similarity"
        self._mass: Floats | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    def rows(self, terms: Ints) -> Floats:
        """(k, T) float32: delta of some terms with every term."""
        return delta(self.vectors.matrix[terms] @ self.vectors.matrix.T, self.a, self.c)

    def block(self, own: Floats, part: slice) -> Floats:
        """(k, n) float32: delta of some terms, by their unit vectors (k, d), with a slice of the terms."""
        cosine: Floats = own @ self.vectors.matrix[part].T
        return delta(cosine, self.a, self.c, out=cosine)

    def log_block(self, own: Floats, part: slice) -> Floats:
        """(k, n) float32, nats: the logarithm of `block`."""
        cosine: Floats = own @ self.vectors.matrix[part].T
        return log_delta(cosine, self.a, self.c, out=cosine)

    @property
    def mass(self) -> Floats:
        """(T,) float64: Z, computed in blocks once and kept on disk by content of (vectors, a, c)."""
        if self._mass is None:
            path = self._folder / f"{digest(self.vectors.fingerprint, self.a, self.c)}.npy"
            self._mass = found(path, self._read)
            if self._mass is None:
                with turn(path, "sums the similarities of these vectors"):
                    self._mass = found(path, self._read)
                    if self._mass is None:
                        self._mass = normalisers(self.vectors.matrix, self.a, self.c)
                        keep(path, partial(np.save, arr=self._mass, allow_pickle=False))
        return self._mass

    def _read(self, path: Path) -> Floats:
        with path.open("rb") as file:
            mass: Floats = np.load(file, allow_pickle=False)
        if mass.shape != (len(self),) or mass.dtype != np.float64 or not np.isfinite(mass).all():
            raise ValueError(f"not the normalisers of {len(self)} terms")
        return mass


def normalisers(unit: Floats, a: float, c: float, block: int = BLOCK) -> Floats:
    """Sum delta over all terms, for each term, holding `block` similarities at a time.

    Parameters
    ----------
    unit : (T, d) float32
        Unit rows.

    Returns
    -------
    (T,) float64
    """
    step = max(1, block // max(len(unit), 1))
    parts = [
        delta(unit[at : at + step] @ unit.T, a, c).sum(axis=1, dtype=np.float64) for at in range(0, len(unit), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
