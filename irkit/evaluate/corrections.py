"""p-values of one family of comparisons, corrected for their number.

Symbols: c comparisons. Holm and Bonferroni hold the chance of one false finding or more below the level
(the family-wise error rate), Holm never finding less; Benjamini and Hochberg hold the expected share of false
findings among all findings below it (the false discovery rate), and find more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from irkit.arrays import Floats
from irkit.errors import ConfigError, near_misses

Correction: TypeAlias = Literal["holm", "bonferroni", "benjamini-hochberg"]
"The corrections by name."

CORRECTION_TITLES: dict[str, str] = {
    "holm": "Holm",
    "bonferroni": "Bonferroni",
    "benjamini-hochberg": "Benjamini-Hochberg",
}
"How the corrections are called in print."


def holm(p: Floats) -> Floats:
    """Correct p-values by Holm's step-down method.

    Parameters
    ----------
    p : (c,) float64 in [0, 1]
        One p-value per comparison; c may be 0.

    Returns
    -------
    (c,) float64 in [0, 1]
        The largest, over this and all smaller p-values, of p times the number of hypotheses left.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(stepped, 1.0)
    return out


def bonferroni(p: Floats) -> Floats:
    """Correct p-values by Bonferroni's method: each times the number of comparisons, 1 at most.

    Parameters and returned shape are those of `holm`.

    Source: Dunn, Journal of the American Statistical Association 56, 1961.

    Examples
    --------
    >>> bonferroni(np.array([0.01, 0.04, 0.5])).tolist()
    [0.03, 0.12, 1.0]
    """
    p = np.asarray(p, dtype=np.float64)
    return np.minimum(p * len(p), 1.0)


def benjamini_hochberg(p: Floats) -> Floats:
    """Correct p-values by the step-up method of Benjamini and Hochberg.

    Parameters are those of `holm`.

    Returns
    -------
    (c,) float64 in [0, 1]
        The smallest, over this and all larger p-values, of p times c over its place, the smallest p having
        place 1.

    Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57, 1995.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).tolist()
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    out[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return out


_METHODS: dict[str, Callable[[Floats], Floats]] = {
    "holm": holm,
    "bonferroni": bonferroni,
    "benjamini-hochberg": benjamini_hochberg,
}


def corrected(p: Floats, correction: Correction = "holm") -> Floats:
    """Correct p-values, (c,) float64 in [0, 1], by a method of `CORRECTION_TITLES`."""
    return _METHODS[correction](p)


def check_correction(correction: str, *, who: str) -> None:
    """Raise `ConfigError` unless there is such a correction."""
    if correction not in CORRECTION_TITLES:
        raise ConfigError(f"{who}: there is no correction {correction!r}; {near_misses(correction, CORRECTION_TITLES)}")
