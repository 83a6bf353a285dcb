"""Is a difference between two systems more than chance? Tests, corrections, intervals, robustness.

Pure functions on arrays. Symbols: n queries; `difference` is treatment minus baseline, query by query: (n,)
float64. Differences are rounded to 12 decimals first: 0.6 - 0.4 and 0.4 - 0.2 must tie, and a system
compared with itself must not differ. All tests are two-sided; every p lies in [0, 1] and is never NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, ShapeError
from irkit.rng import generator

Test: TypeAlias = Literal["t", "wilcoxon", "randomisation"]
"The tests by name."

TEST_TITLES: dict[str, str] = {"t": "paired t", "wilcoxon": "Wilcoxon signed rank", "randomisation": "randomisation"}
"How the tests are called in print."

DECIMALS = 12
"Decimals of a difference that are looked at; the rest is rounding noise."

EXACT_RANDOMISATION = 12
"Up to so many queries that differ, all sign flips are enumerated."

EXACT_WILCOXON = 50
"Up to so many queries that differ, the null distribution of the rank sum is exact."

RESAMPLES = 10_000
"Resamples of a randomisation test or a bootstrap."

_BLOCK = 4_000_000  # numbers drawn at a time


def differences(values: Floats, baseline: Floats) -> Floats:
    """Return `values - baseline`, query by query, without rounding noise: (n,) float64 each.

    Raises
    ------
    ShapeError
        If the two are not of one length, or there is no query.
    """
    values, baseline = np.asarray(values, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if values.ndim != 1 or values.shape != baseline.shape or not len(values):
        raise ShapeError(
            f"significance: needs two (n,) arrays of the same queries, got {values.shape} and {baseline.shape}"
        )
    return np.round(values - baseline, DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0


# ---------------------------------------------------------------------- tests


def paired_t(difference: Floats) -> float:
    """Test the mean difference by Student's paired t.

    Differences that are all 0, or a single query, give p = 1; differences that are all the same
    and not 0 have no variance, and p is its limit, 0.
    """
    from scipy.special import stdtr

    difference = _clean(difference)
    n = len(difference)
    if n < 2 or not difference.any():
        return 1.0
    deviation = difference.std(ddof=1) if np.ptp(difference) else 0.0
    if deviation == 0:
        return 0.0
    return float(2 * stdtr(n - 1, -abs(difference.mean()) * np.sqrt(n) / deviation))


def wilcoxon(difference: Floats) -> float:
    """Test whether differences are symmetric about 0 by Wilcoxon's signed ranks.

    Queries that do not differ are dropped and ties get their mean rank. Exact up to 50 queries that
    differ, ties included; above, the normal approximation with the correction for ties.

    Source: Wilcoxon, Biometrics Bulletin 1, 1945; Pratt and Gibbons 1981 for ties.
    """
    from scipy.special import ndtr
    from scipy.stats import rankdata

    difference = _clean(difference)
    difference = difference[difference != 0]
    n = len(difference)
    if not n:
        return 1.0
    twice = np.rint(2 * rankdata(np.abs(difference))).astype(np.int64)  # mean ranks are halves
    positive, total = int(twice[difference > 0].sum()), int(twice.sum())
    least = min(positive, total - positive)
    if n <= EXACT_WILCOXON:
        ways = _rank_sums(twice)
        return float(min(1.0, 2 * ways[: least + 1].sum() / ways.sum()))
    variance = float((twice.astype(np.float64) ** 2).sum()) / 4  # of the doubled sum; holds with ties
    return float(min(1.0, 2 * ndtr((least - total / 2) / np.sqrt(variance))))


def randomisation(difference: Floats, *, seed: int = 42, resamples: int = RESAMPLES) -> float:
    """Test the mean difference by flipping the signs of differences at random.

    Up to 12 queries that differ, all sign flips are enumerated; above, p = (1 + c) / (1 + B) with c of
    B (`resamples`) random flips at least as extreme as what was seen.

    Source: Smucker, Allan and Carterette, CIKM 2007; the estimate of Phipson and Smyth, 2010.
    """
    difference = _clean(difference)
    difference = difference[difference != 0]
    n = len(difference)
    if not n:
        return 1.0
    threshold = abs(difference.sum()) - 1e-9 * np.abs(difference).sum()
    if n <= EXACT_RANDOMISATION:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)  # (2^n, n)
        return float((np.abs(signs @ difference) >= threshold).mean())
    rng = generator(seed, "randomisation")
    block = max(1, _BLOCK // n)
    extreme = 0
    for start in range(0, resamples, block):
        flipped = rng.random((min(block, resamples - start), n), dtype=np.float32) < 0.5
        sums = difference.sum() - 2 * (flipped @ difference)
        extreme += int((np.abs(sums) >= threshold).sum())
    return (1 + extreme) / (1 + resamples)


def holm(p: Floats) -> Floats:
    """Correct p-values of one family of comparisons by Holm's step-down method.

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


# ---------------------------------------------------------------------- descriptions


def robustness(values: Floats, baseline: Floats, threshold: float = 0.1) -> float:
    """Compute the robustness index RI = (N+ - N-) / n.

    N+ and N- count queries that gain or lose more than `threshold` of the baseline's value. Where the
    baseline is 0 any gain is more than any share of it and counts.

    Parameters
    ----------
    values, baseline : (n,) float64, nonnegative
    threshold : float
        Relative change that must be exceeded; 0.1 in the papers on query expansion.

    Returns
    -------
    float in [-1, 1]

    Source: Collins-Thompson, CIKM 2009; Zamani and Croft, ICTIR 2016, for the threshold.
    """
    change = differences(values, baseline)
    needed = np.round(threshold * np.abs(np.asarray(baseline, dtype=np.float64)), DECIMALS)
    return float(((change > needed).sum() - (-change > needed).sum()) / len(change))


def bootstrap_interval(
    values: Floats,
    groups: Ints | None = None,
    *,
    level: float = 0.95,
    seed: int = 42,
    resamples: int = RESAMPLES,
    transform: Callable[[Floats], Floats] | None = None,
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of a mean.

    Parameters
    ----------
    values : (n,) or (r, n) float64
        With r rows, such as one for each seed or fold of a model, the interval is that of the mean over rows;
        NaN is no value of its row.
    groups : (n,) int, optional
        Cluster of each value, such as the user of a squared error: whole clusters are drawn.
    level : float in (0, 1)
    seed : int
        Two calls with one seed and the same number of clusters draw the same clusters.
    resamples : int
    transform : function on arrays, optional
        Applied to the resampled means of each row: `np.sqrt` turns squared errors into RMSE.

    Returns
    -------
    low, high : float

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim not in (1, 2) or not values.size or (groups is not None and len(groups) != values.shape[-1]):
        shape = None if groups is None else np.shape(groups)
        raise ShapeError(f"bootstrap: needs (n,) values and groups, got {values.shape} and {shape}")
    if not 0 < level < 1:
        raise ConfigError(f"bootstrap: level must lie between 0 and 1, got {level}")
    rows = np.atleast_2d(values)
    member = np.arange(rows.shape[1]) if groups is None else np.unique(groups, return_inverse=True)[1]
    known = np.isfinite(rows)
    sums = [np.bincount(member, weights=np.where(has, row, 0.0)) for row, has in zip(rows, known, strict=True)]
    sizes = [np.bincount(member, weights=has) for has in known]
    clusters = len(sizes[0])
    rng = generator(seed, "bootstrap")
    block = max(1, _BLOCK // clusters)
    found: Floats = np.empty((len(rows), resamples))
    for start in range(0, resamples, block):
        drawn = rng.integers(0, clusters, size=(min(block, resamples - start), clusters))
        for row, own, size in zip(found, sums, sizes, strict=True):
            row[start : start + len(drawn)] = own[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    means = (found if transform is None else transform(found)).mean(axis=0)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


class Contrast(NamedTuple):
    """One system against another on one measure, as a cell of a board has it; None where nothing was compared."""

    delta: float | None
    "Mean difference, treatment minus baseline."
    p: float | None
    "Of the chosen test."
    p_wilcoxon: float | None
    p_randomisation: float | None
    wins: int
    "Queries where the treatment is better."
    ties: int
    losses: int
    robustness: float | None


def contrast(values: Floats, baseline: Floats, test: Test = "t", *, seed: int = 42) -> Contrast:
    """Compare a treatment with a baseline, query by query: (n,) float64 each."""
    difference = differences(values, baseline)
    p = {
        "t": paired_t(difference),
        "wilcoxon": wilcoxon(difference),
        "randomisation": randomisation(difference, seed=seed),
    }
    return Contrast(
        float(difference.mean()),
        p[test],
        p["wilcoxon"],
        p["randomisation"],
        int((difference > 0).sum()),
        int((difference == 0).sum()),
        int((difference < 0).sum()),
        robustness(values, baseline),
    )


def _clean(difference: Floats) -> Floats:
    difference = np.asarray(difference, dtype=np.float64)
    if difference.ndim != 1 or not np.isfinite(difference).all():
        raise ShapeError(f"significance: needs finite differences (n,), got shape {difference.shape}")
    return np.round(difference, DECIMALS)


def _rank_sums(ranks: Ints) -> Floats:
    """Count the sign assignments that give each sum of positive ranks: (sum(ranks) + 1,) float64."""
    ways = np.zeros(int(ranks.sum()) + 1)
    ways[0] = 1
    for rank in ranks.tolist():
        ways[rank:] += ways[:-rank].copy()
    return ways
