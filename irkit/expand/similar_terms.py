"""Similarities of the terms of feedback documents with each other, summed for no more terms than need be.

Symbols: F documents, W terms in them, K of them with a vector of d dimensions; delta similarity
(`irkit.text.similarity`); mass(w, D) = sum over v in D of delta(v, w) c(v, D). A term without a vector is similar to
itself alone: its cosine with any other term counts as 0. Similarities are made and summed in single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from irkit.arrays import Bools, Floats, Ints, quiet_product
from irkit.text.similarity import delta

COLUMNS = 64
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
    low, high, last = tangents(a, c)
    if last is None:
        chord: Floats = low + (high - low) / (2 * COSINE) * (cosine + COSINE)
        return chord
    touched = np.minimum(cosine, last)
    at = delta(touched, a, c)
    found: Floats = at + at * (1 - at) * (a / 2) * (cosine - touched)
    return found


@lru_cache(maxsize=16)
def apart_and_same(a: float, c: float) -> tuple[float, float]:
    """Return delta of the cosines 0 and 1."""
    apart, same = delta(np.array([0.0, 1.0]), a, c).tolist()
    return apart, same


@lru_cache(maxsize=16)
def tangents(a: float, c: float) -> tuple[float, float, float | None]:
    """Return delta of the least and the greatest cosine, and the last cosine whose tangent is below all of delta."""
    ends = np.linspace(-COSINE, COSINE, 1001)
    height = delta(ends, a, c)
    below = height + height * (1 - height) * (a / 2) * (COSINE - ends) <= height[-1]
    last = None if not below[0] else float(ends[-1] if below.all() else ends[np.argmin(below) - 1])
    return float(height[0]), float(height[-1]), last


def least_mass(counts: Floats, lengths: Floats, sums: Floats, a: float, c: float) -> Floats:
    """Bound mass(w, D) from below for terms that have a vector: what is not w itself by the mean of its cosines.

    Parameters
    ----------
    counts : (F, n) float32
        c(w, D).
    lengths : (F,) float32
        Of the documents with all their terms.
    sums : (F, n) float32
        Sum over v in D of cos(v, w) c(v, D).
    a, c : float

    Returns
    -------
    (F, n) float32
    """
    others = lengths[:, None] - counts
    mass: Floats = least_mean((sums - counts) / np.maximum(others, 1), a, c)
    mass *= others
    mass += np.float32(apart_and_same(a, c)[1]) * counts
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
        cosine[np.ix_(known, self._places)] = self._cosines(places[known]).T
        cosine[~known, places[~known]] = 1
        return delta(cosine, self.a, self.c, out=cosine)

    def mass(self, places: Ints) -> Floats:
        """Return the mass of some terms: (F, n) float64."""

        def summed(own: Ints) -> Floats:
            found = np.empty((len(self.counts), len(own)))
            for at in range(0, len(own), COLUMNS):
                cosine = self._cosines(own[at : at + COLUMNS])
                found[:, at : at + COLUMNS] = quiet_product(self._counts, delta(cosine, self.a, self.c, out=cosine))
            found += apart_and_same(self.a, self.c)[0] * (self.lengths - self._counts.sum(axis=1))[:, None]
            return found

        return self._with_alone(places, summed)

    def least(self, places: Ints) -> Floats:
        """Return at most the mass of some terms, exactly that of a term without a vector: (F, n) float64."""

        def bounded(own: Ints) -> Floats:
            sums = quiet_product(self.unit[self._row[own]], self._centres).T
            return least_mass(
                self.counts[:, own].astype(np.float32), self.lengths.astype(np.float32), sums, self.a, self.c
            )

        return self._with_alone(places, bounded)

    def least_share(self) -> Floats:
        """Return at most mass(w, D) / |D| of any of the documents for every term: (W,) float64."""
        centres: Floats = np.divide(self._centres, self.lengths, dtype=np.float32)
        means = quiet_product(self.unit, centres)  # (K, F)
        found = np.full(len(self.known), apart_and_same(self.a, self.c)[0])
        found[self._places] = least_mean(np.ascontiguousarray(means.T).min(axis=0), self.a, self.c)
        found *= 1 - SLACK * (1 + self.a)
        return found

    def _with_alone(self, places: Ints, of_known: Callable[[Ints], Floats]) -> Floats:
        """(F, n) float64: `of_known` of the terms that have a vector, the mass of those similar to themselves alone."""
        known = self.known[places]
        if known.all():
            return of_known(places).astype(np.float64, copy=False)
        found = np.empty((len(self.counts), len(places)))
        found[:, known] = of_known(places[known])
        own, (apart, same) = self.counts[:, places[~known]], apart_and_same(self.a, self.c)
        found[:, ~known] = apart * (self.lengths[:, None] - own) + same * own
        return found

    @cached_property
    def _places(self) -> Ints:
        """(K,): the terms that have a vector."""
        return np.flatnonzero(self.known)

    @cached_property
    def _row(self) -> Ints:
        """(W,): the vector of each term that has one."""
        return np.cumsum(self.known) - 1

    @cached_property
    def _counts(self) -> Floats:
        """(F, K) float32: counts of the terms that have a vector."""
        return self.counts.take(self._places, axis=1).astype(np.float32)

    @cached_property
    def _centres(self) -> Floats:
        """(d, F) float32: sums of the documents' vectors."""
        return np.ascontiguousarray(quiet_product(self._counts, self.unit).T)

    def _cosines(self, places: Ints) -> Floats:
        """(K, n) float32: cosines of all terms that have a vector with some of them."""
        return quiet_product(self.unit, np.ascontiguousarray(self.unit[self._row[places]].T))


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
        least = mth_greatest(total, m)
        if not ((total >= least) & (total > 0) & ~exact).any():
            kept = np.zeros_like(found)
            kept[:, exact] = found[:, exact]
            return kept
        best = np.flatnonzero((total >= mth_greatest(total, tried)) & ~exact)
        found[:, best] = exactly(best)
        total[best] = found[:, best].sum(axis=0)
        exact[best] = True
        tried, more = tried + more, 2 * more


def mth_greatest(values: Floats, m: int, fewer: float = 0.0) -> float:
    """Return the m-th greatest value, `fewer` if there are not so many."""
    return float(np.partition(values, len(values) - m)[len(values) - m]) if m <= len(values) else fewer
