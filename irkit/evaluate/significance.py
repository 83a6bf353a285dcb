"""Is a difference between two systems more than chance? Tests, intervals, robustness; corrections are in `corrections`.

Pure functions on arrays. Symbols: n queries; `difference` is treatment minus baseline, query by query: (n,)
float64. Differences are rounded to 12 decimals first: 0.6 - 0.4 and 0.4 - 0.2 must tie, and a system
compared with itself must not differ. All tests are two-sided; every p lies in [0, 1] and is never NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

LEAST_RANDOMISATION = 1 / (1 + RESAMPLES)
"The least p that a randomisation test by random flips can give: none of them as extreme as what was seen."

_BLOCK = 400_000  # numbers drawn at a time: what a core's own cache holds


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

    difference = _clean(difference)
    difference = difference[difference != 0]
    n = len(difference)
    if not n:
        return 1.0
    twice = _twice_ranks(np.abs(difference))  # mean ranks are halves
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
    return randomisations([difference], seed=seed, resamples=resamples)[0]


def randomisations(differences: Sequence[Floats], *, seed: int = 42, resamples: int = RESAMPLES) -> list[float]:
    """Test several mean differences as `randomisation` tests each; the coins are thrown once for all of them.

    Parameters
    ----------
    differences : sequence of (n,) float64
        Of one length or of several.
    seed, resamples
        As there.

    Returns
    -------
    list of float in [0, 1]
    """
    cleaned = [_clean(difference) for difference in differences]
    kept = [difference[difference != 0] for difference in cleaned]
    sampled = [number for number, difference in enumerate(kept) if len(difference) > EXACT_RANDOMISATION]
    extreme = dict.fromkeys(sampled, 0)
    left = dict.fromkeys(sampled, resamples)
    over = {number: np.zeros(0, dtype=bool) for number in sampled}
    rng = generator(seed, "randomisation")
    while any(left.values()):
        thrown = rng.random(_BLOCK, dtype=np.float32) < 0.5
        for number in filter(left.get, sampled):
            difference, n = kept[number], len(kept[number])
            coins = np.concatenate([over[number], thrown])
            rows = min(len(coins) // n, left[number])
            sums = difference.sum() - 2 * (coins[: rows * n].reshape(rows, n).astype(np.float64) @ difference)
            extreme[number] += int((np.abs(sums) >= _threshold(difference)).sum())
            left[number] -= rows
            over[number] = coins[rows * n :]  # of the next flip
    return [
        (1 + extreme[number]) / (1 + resamples) if number in extreme else _exact_randomisation(difference)
        for number, difference in enumerate(kept)
    ]


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
        NaN is no value of its row, and a draw that holds none of a row's values leaves the row out.
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
    return bootstrap_intervals([values], groups, level=level, seed=seed, resamples=resamples, transform=transform)[0]


def bootstrap_intervals(
    values: Sequence[Floats],
    groups: Ints | None = None,
    *,
    level: float = 0.95,
    seed: int = 42,
    resamples: int = RESAMPLES,
    transform: Callable[[Floats], Floats] | None = None,
) -> list[tuple[float, float]]:
    """Return the interval of each of several means as `bootstrap_interval` does, drawing once for all of them.

    A resample's sum is that over clusters, each times how often it was drawn; it differs from one over the values
    as drawn by rounding alone, by less than 1e-12 of the sum of the absolute values.

    Parameters
    ----------
    values : sequence of (n,) or (r, n) float64
    groups, level, seed, resamples, transform
        As there; with groups all values are of one length.

    Returns
    -------
    list of (low, high)
    """
    if not 0 < level < 1:
        raise ConfigError(f"bootstrap: level must lie between 0 and 1, got {level}")
    rows = [_rows(np.asarray(one, dtype=np.float64), groups) for one in values]
    out: list[tuple[float, float]] = [(0.0, 0.0)] * len(rows)
    for n in {one.shape[1] for one in rows}:
        of = [number for number, one in enumerate(rows) if one.shape[1] == n]
        means = _resampled([rows[number] for number in of], groups, seed, resamples)
        for number, own in zip(of, means, strict=True):
            each = own if transform is None else transform(own)
            mean = np.nanmean(each, axis=0) if np.isnan(each).any() else each.mean(axis=0)
            low, high = np.quantile(mean, [(1 - level) / 2, (1 + level) / 2])
            out[number] = float(low), float(high)
    return out


def _rows(values: Floats, groups: Ints | None) -> Floats:
    if values.ndim not in (1, 2) or not values.size or (groups is not None and len(groups) != values.shape[-1]):
        shape = None if groups is None else np.shape(groups)
        raise ShapeError(f"bootstrap: needs (n,) values and groups, got {values.shape} and {shape}")
    return np.atleast_2d(values)


def _resampled(values: Sequence[Floats], groups: Ints | None, seed: int, resamples: int) -> list[Floats]:
    """Return the means of resamples of several (r, n) float64: (r, resamples) of each."""
    member = np.arange(values[0].shape[1]) if groups is None else np.unique(groups, return_inverse=True)[1]
    every = [row for one in values for row in one]
    sums = np.stack([np.bincount(member, np.where(np.isfinite(row), row, 0.0)) for row in every])
    sizes = np.stack([np.bincount(member, np.isfinite(row)) for row in every])  # (R, clusters), as are the sums
    clusters, plain = sums.shape[1], bool((sizes == 1).all())
    rng = generator(seed, "bootstrap")
    block = max(1, _BLOCK // clusters)
    means: Floats = np.empty((len(every), resamples))
    for start in range(0, resamples, block):
        drawn = rng.integers(0, clusters, size=(min(block, resamples - start), clusters))
        cells = (drawn + np.arange(len(drawn))[:, None] * clusters).ravel()
        often = np.bincount(cells, minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
        size = clusters if plain else sizes @ often.T
        with np.errstate(invalid="ignore"):  # of a row without a value in the draw
            means[:, start : start + len(drawn)] = sums @ often.T / size
    return np.split(means, np.cumsum([len(one) for one in values])[:-1])


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
    return contrasts([(values, baseline)], test, seed=seed)[0]


def contrasts(pairs: Sequence[tuple[Floats, Floats]], test: Test = "t", *, seed: int = 42) -> list[Contrast]:
    """Compare several treatments, each with its baseline, as `contrast` does."""
    every = [differences(values, baseline) for values, baseline in pairs]
    out = []
    for (values, baseline), difference, flipped in zip(pairs, every, randomisations(every, seed=seed), strict=True):
        p = {"t": paired_t(difference), "wilcoxon": wilcoxon(difference), "randomisation": flipped}
        out.append(
            Contrast(
                float(difference.mean()),
                p[test],
                p["wilcoxon"],
                p["randomisation"],
                int((difference > 0).sum()),
                int((difference == 0).sum()),
                int((difference < 0).sum()),
                robustness(values, baseline),
            )
        )
    return out


def _clean(difference: Floats) -> Floats:
    difference = np.asarray(difference, dtype=np.float64)
    if difference.ndim != 1 or not np.isfinite(difference).all():
        raise ShapeError(f"significance: needs finite differences (n,), got shape {difference.shape}")
    return np.round(difference, DECIMALS)


def _threshold(difference: Floats) -> float:
    """Return from where on a sum is as extreme as what was seen, rounding left out."""
    return float(abs(difference.sum()) - 1e-9 * np.abs(difference).sum())


def _exact_randomisation(difference: Floats) -> float:
    """Enumerate the sign flips of a few differences that are not 0."""
    n = len(difference)
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)  # (2^n, n)
    return float((np.abs(signs @ difference) >= _threshold(difference)).mean())


def _twice_ranks(values: Floats) -> Ints:
    """Return twice the rank of each of n values, from 2 up; equal ones have their mean rank: (n,) int64."""
    order = np.argsort(values)
    first = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    equal = np.diff(first, append=len(values))
    twice = np.empty(len(values), dtype=np.int64)
    twice[order] = np.repeat(2 * first + equal + 1, equal)
    return twice


def _rank_sums(ranks: Ints) -> Floats:
    """Count the sign assignments that give each sum of positive ranks: (sum(ranks) + 1,) float64."""
    ways = np.zeros(int(ranks.sum()) + 1)
    ways[0] = 1
    for rank in ranks.tolist():
        ways[rank:] += ways[:-rank].copy()
    return ways
