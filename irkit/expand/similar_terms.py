"""Similarities of the terms of feedback documents with each other, summed for no more terms than need be.

Symbols: F documents, W terms in them, K of them with a vector of d dimensions; delta similarity
(`irkit.text.similarity`); mass(w, D) = sum over v in D of delta(v, w) c(v, D). A term without a vector is similar to
itself alone: its cosine with any other term counts as 0. Similarities are made and summed in single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from irkit.arrays import Bools, Floats, Ints
from irkit.text.similarity import delta

COLUMNS = 256
"Terms whose similarities with all others are held at once."

SLACK = 1e-5
"Share by which single precision may move a sum of similarities of steepness 0; it grows with the steepness."

COSINE = 1 + 1e-6
"No cosine of unit vectors in single precision is beyond it."


def least_mean(cosine: Floats, a: float, c: float) -> Floats:
    """Bound the mean of delta over any cosines from below, given their mean.

    A tangent of the sigmoid in its convex part is below all of it if it is at the greatest cosine; of these the
    one nearest to the mean is taken. If there is none, so is the chord of the least and the greatest cosine.

    Parameters
    ----------
    cosine : array in [-1, 1]
    a, c : float
        As for `delta`.

    Returns
    -------
    array of the same shape and type
    """
    ends = np.linspace(-COSINE, COSINE, 1001)
    height = delta(ends, a, c)
    below = height + height * (1 - height) * (a / 2) * (COSINE - ends) <= height[-1]
    if not below[0]:
        chord: Floats = float(height[0]) + float(height[-1] - height[0]) / (2 * COSINE) * (cosine + COSINE)
        return chord
    last = float(ends[-1] if below.all() else ends[np.argmin(below) - 1])
    touched = np.minimum(cosine, last)
    at = delta(touched, a, c)
    found: Floats = at + at * (1 - at) * (a / 2) * (cosine - touched)
    return found


def least_mass(counts: Floats, lengths: Floats, unit: Floats, a: float, c: float) -> Floats:
    """Bound mass(w, D) from below for terms that have a vector: what is not w itself by the mean of its cosines.

    Parameters
    ----------
    counts : (F, K) float32
        Of the terms that have a vector.
    lengths : (F,) float32
        Of the documents with all their terms.
    unit : (K, d) float32
        Unit vectors.
    a, c : float

    Returns
    -------
    (F, K) float32
    """
    others = lengths[:, None] - counts
    mean = (unit @ (counts @ unit).T).T - counts
    mean /= np.maximum(others, 1)
    mass: Floats = others * least_mean(mean, a, c)
    mass += delta(np.ones(1, dtype=np.float32), a, c) * counts
    mass *= 1 - SLACK * (1 + a)
    return mass


@dataclass(frozen=True)
class SimilarTerms:
    """Terms of feedback documents, their vectors and the similarity."""

    counts: Floats
    "(F, W) float64"
    lengths: Floats
    "(F,) float64: tokens of the documents, all of them among the terms."
    unit: Floats
    "(K, d) float32 unit vectors."
    known: Bools
    "(W,): which terms have a vector."
    a: float
    "Steepness of the sigmoid."
    c: float
    "Its midpoint."

    def rows(self, places: Ints) -> Floats:
        """Return delta of some terms with all terms: (n, W) float32."""
        cosine = np.zeros((len(places), len(self.known)), dtype=np.float32)
        known = self.known[places]
        cosine[np.ix_(known, self.known)] = self._cosines(places[known]).T
        cosine[~known, places[~known]] = 1
        return delta(cosine, self.a, self.c)

    def mass(self, places: Ints) -> Floats:
        """Return the mass of some terms that have a vector: (F, n) float64."""
        found = np.empty((len(self.counts), len(places)))
        for at in range(0, len(places), COLUMNS):
            part = slice(at, at + COLUMNS)
            found[:, part] = self._counts @ delta(self._cosines(places[part]), self.a, self.c)
        found += delta(np.zeros(1), self.a, self.c) * (self.lengths - self._counts.sum(axis=1))[:, None]
        return found

    def least(self) -> Floats:
        """Return at most the mass of every term, exactly that of a term without a vector: (F, W) float64."""
        found = np.empty_like(self.counts)
        found[:, self.known] = least_mass(self._counts, self.lengths.astype(np.float32), self.unit, self.a, self.c)
        at_0, at_1 = delta(np.array([0.0, 1.0]), self.a, self.c)
        alone = self.counts[:, ~self.known]
        found[:, ~self.known] = at_0 * (self.lengths[:, None] - alone) + at_1 * alone
        return found

    @cached_property
    def _counts(self) -> Floats:
        """(F, K) float32: counts of the terms that have a vector."""
        return self.counts[:, self.known].astype(np.float32)

    def _cosines(self, places: Ints) -> Floats:
        """(K, n) float32: cosines of all terms that have a vector with some of them."""
        row = np.cumsum(self.known) - 1
        found: Floats = self.unit @ self.unit[row[places]].T
        return found


def exact_best(found: Floats, exactly: Callable[[Ints], Floats], exact: Bools, m: int) -> Floats:
    """Make columns exact, those with the greatest sums first, until the m with the greatest sums are.

    Parameters
    ----------
    found : (F, W) float64, nonnegative
        Columns that are not exact have sums that are too great or right.
    exactly : function of (n,) int64 to (F, n) float64
        Computes some columns.
    exact : (W,) bool
        Columns that are exact already.
    m : int

    Returns
    -------
    (F, W) float64
        0 in columns that never had to be exact: their sums are not among the m greatest.
    """
    found, exact = found.copy(), exact.copy()
    total, tried, more = found.sum(axis=0), m + m // 4, m
    while True:
        least = _greatest(total, m)
        if not ((total >= least) & (total > 0) & ~exact).any():
            kept = np.zeros_like(found)
            kept[:, exact] = found[:, exact]
            return kept
        best = np.flatnonzero((total >= _greatest(total, tried)) & ~exact)
        found[:, best] = exactly(best)
        total[best] = found[:, best].sum(axis=0)
        exact[best] = True
        tried, more = tried + more, 2 * more


def _greatest(values: Floats, m: int) -> float:
    """Return the m-th greatest value; 0 if there are fewer."""
    return float(np.partition(values, len(values) - m)[len(values) - m]) if m <= len(values) else 0.0
