"""Tests of irkit.evaluate.significance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, ShapeError
from irkit.evaluate.significance import (
    bootstrap_interval,
    bootstrap_intervals,
    contrast,
    contrasts,
    differences,
    paired_t,
    randomisation,
    randomisations,
    robustness,
    wilcoxon,
)
from irkit.rng import generator

TESTS = (paired_t, wilcoxon, randomisation)


def sample(n, seed=0, shift=0.1):
    return np.random.default_rng(seed).normal(shift, 1, n)


def slow_randomisation(difference):
    seen, count = abs(sum(difference)), 0
    for signs in itertools.product([1, -1], repeat=len(difference)):
        count += abs(sum(s * d for s, d in zip(signs, difference, strict=True))) >= seen - 1e-12
    return count / 2 ** len(difference)


def slow_wilcoxon(difference):
    kept = [d for d in difference if d != 0]
    ranks = []
    for d in kept:
        below = sum(abs(e) < abs(d) for e in kept)
        equal = sum(abs(e) == abs(d) for e in kept)
        ranks.append(below + (equal + 1) / 2)
    total = sum(ranks)
    plus = sum(r for r, d in zip(ranks, kept, strict=True) if d > 0)
    seen, count = min(plus, total - plus), 0
    for signs in itertools.product([0, 1], repeat=len(kept)):
        count += sum(s * r for s, r in zip(signs, ranks, strict=True)) <= seen
    return min(1, 2 * count / 2 ** len(kept))


# ---------------------------------------------------------------------- tests


@pytest.mark.parametrize("n", [2, 3, 10, 57, 300])
def test_paired_t_equals_scipy(n):
    difference = np.round(sample(n, n), 6)
    assert paired_t(difference) == pytest.approx(scipy.stats.ttest_1samp(difference, 0).pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [5, 20, 50, 51, 200])
def test_wilcoxon_equals_scipy_without_ties(n):
    difference = sample(n, n)
    method = "exact" if n <= 50 else "approx"
    assert wilcoxon(difference) == pytest.approx(scipy.stats.wilcoxon(difference, method=method).pvalue, rel=1e-9)


def test_wilcoxon_equals_scipy_with_ties_and_zeros_above_the_exact_limit():
    difference = np.random.default_rng(5).integers(-3, 5, 150) / 5
    want = scipy.stats.wilcoxon(difference, zero_method="wilcox", correction=False, method="approx").pvalue
    assert wilcoxon(difference) == pytest.approx(want, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_wilcoxon_equals_enumeration_with_ties(values):
    assert wilcoxon(np.array(values) / 5) == pytest.approx(slow_wilcoxon(values))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_randomisation_equals_enumeration(values):
    difference = [v / 5 for v in values]
    assert randomisation(np.array(difference)) == pytest.approx(slow_randomisation(difference))


def test_randomisation_is_exact_at_twelve_queries_and_sampled_above():
    difference = np.abs(sample(13, 3)) + 0.1
    assert randomisation(difference[:12]) == 2 / 2**12
    assert randomisation(difference) == pytest.approx(2 / 2**13, abs=6e-4)
    assert randomisation(difference) >= 1 / 10_001


def test_randomisation_agrees_with_t_on_normal_data_and_depends_on_the_seed_only():
    difference = sample(100, 1, 0.2)
    assert randomisation(difference) == pytest.approx(paired_t(difference), abs=0.02)
    assert randomisation(difference, seed=1) == randomisation(difference, seed=1)
    assert randomisation(difference, seed=1) != randomisation(difference, seed=2)


def test_randomisation_in_several_blocks_is_calibrated(monkeypatch):
    monkeypatch.setattr("irkit.evaluate.significance._BLOCK", 5_000)
    difference = sample(40, 2, 0.3)
    assert randomisation(difference) == pytest.approx(paired_t(difference), abs=0.02)


def test_several_randomisations_equal_flips_drawn_for_each_alone(monkeypatch):
    def slow(difference, resamples):
        difference = np.round(difference[difference != 0], 12)
        flipped = generator(7, "randomisation").random((resamples, len(difference)), dtype=np.float32) < 0.5
        sums = [sum(-d if flip else d for flip, d in zip(row, difference, strict=True)) for row in flipped]
        return (1 + sum(abs(one) >= abs(sum(difference)) - 1e-9 for one in sums)) / (1 + resamples)

    every = [sample(n, n) * (sample(n, 1) < 1) for n in (40, 61, 40, 200, 0, 9)]
    for block in (400_000, 64):  # rows of one, and flips that begin in one block and end in another
        monkeypatch.setattr("irkit.evaluate.significance._BLOCK", block)
        got = randomisations(every, seed=7, resamples=300)
        assert got[:4] == [slow(one, 300) for one in every[:4]]
        assert got[4:] == [1.0, slow_randomisation([d for d in every[5] if d])]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("n", [1, 2, 30, 60])
def test_no_difference_gives_p_one(test, n):
    assert test(np.zeros(n)) == 1.0


@pytest.mark.parametrize("test", TESTS)
def test_one_query_can_show_nothing(test):
    assert test(np.array([0.4])) == 1.0


def test_a_constant_gain_is_the_limit_of_a_vanishing_variance():
    assert paired_t(np.full(20, 0.1)) == 0.0
    assert paired_t(np.array([0.1, 0.1 + 1e-9])) < 1e-6
    assert wilcoxon(np.full(20, 0.1)) == pytest.approx(2 / 2**20)
    assert randomisation(np.full(12, 0.1)) == pytest.approx(2 / 2**12)


@pytest.mark.parametrize("test", TESTS)
def test_direction_and_order_do_not_matter(test):
    difference = sample(30, 8)
    assert test(difference) == pytest.approx(test(-difference), abs=0.01)
    assert test(difference) == pytest.approx(test(difference[::-1]), abs=0.01)


def test_rounding_noise_is_neither_a_difference_nor_breaks_ties():
    baseline = np.array([0.2, 0.4, 0.3])
    values = np.array([0.4, 0.6, 0.1 + 0.2])
    assert differences(values, baseline).tolist() == [0.2, 0.2, 0.0]
    got = contrast(values, baseline)
    assert (got.wins, got.ties, got.losses) == (2, 1, 0)


# ---------------------------------------------------------------------- descriptions


def test_robustness_by_hand():
    baseline = np.array([0.5, 0.5, 0.5, 0.5, 0.0, 0.0])
    values = np.array([0.55, 0.551, 0.449, 0.45, 0.001, 0.0])  # exactly 10 % does not count
    assert robustness(values, baseline) == pytest.approx((2 - 1) / 6)
    assert robustness(np.zeros(3), np.array([0.2, 0.1, 0.0])) == pytest.approx(-2 / 3)
    assert robustness(baseline, baseline) == 0


def test_contrast_puts_everything_together():
    values, baseline = np.array([0.4, 0.2, 0.9, 0.5]), np.array([0.2, 0.4, 0.3, 0.5])
    got = contrast(values, baseline)
    assert got.delta == pytest.approx(0.15)
    assert (got.wins, got.ties, got.losses) == (2, 1, 1)
    assert got.p == paired_t(values - baseline)
    assert got.p_wilcoxon == slow_wilcoxon([0.2, -0.2, 0.6]) == contrast(values, baseline, "wilcoxon").p
    assert got.p_randomisation == slow_randomisation([0.2, -0.2, 0.6]) == contrast(values, baseline, "randomisation").p
    assert got.robustness == 0.25


def test_several_contrasts_are_those_of_each_alone():
    pairs = [(sample(n, n), sample(n, n + 1)) for n in (30, 30, 70, 8)]
    assert contrasts(pairs, "wilcoxon", seed=5) == [contrast(*pair, "wilcoxon", seed=5) for pair in pairs]
    assert contrasts([]) == []


# ---------------------------------------------------------------------- bootstrap


def test_bootstrap_of_many_values_is_near_the_normal_interval():
    values = sample(400, 4)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_bootstrap_equals_a_slow_loop_over_clusters(monkeypatch):
    monkeypatch.setattr("irkit.evaluate.significance._BLOCK", 30)
    values, groups = np.array([1.0, 4.0, 9.0, 16.0, 25.0]), np.array([7, 7, 2, 2, 5])
    rng, roots = generator(3, "bootstrap"), []
    clusters = [[9.0, 16.0], [25.0], [1.0, 4.0]]
    for _ in range(5):
        for drawn in rng.integers(0, 3, size=(10, 3)):
            chosen = [v for g in drawn for v in clusters[g]]
            roots.append((sum(chosen) / len(chosen)) ** 0.5)
    got = bootstrap_interval(values, groups, seed=3, resamples=50, level=0.8, transform=np.sqrt)
    assert got == pytest.approx((np.quantile(roots, 0.1), np.quantile(roots, 0.9)))


def test_several_intervals_equal_those_of_values_drawn_for_each_alone(monkeypatch):
    def slow(values):
        drawn = generator(3, "bootstrap").integers(0, values.shape[-1], size=(500, values.shape[-1]))
        means = np.mean([np.nanmean(row[drawn], axis=1) for row in np.atleast_2d(values)], axis=0)
        return np.quantile(means, 0.025), np.quantile(means, 0.975)

    some = sample(300, 2).reshape(3, 100)
    some[1, :7] = np.nan
    every = [sample(100), some, sample(40), 1e6 * sample(100, 5), sample(100, 6)]
    for block in (400_000, 1000):
        monkeypatch.setattr("irkit.evaluate.significance._BLOCK", block)
        got = bootstrap_intervals(every, seed=3, resamples=500)
        for own, values in zip(got, every, strict=True):
            assert own == pytest.approx(slow(values), rel=0, abs=1e-12 * np.nanmean(np.abs(values)))


def test_rows_are_averaged_after_the_transform():
    rows = np.array([[1.0, 4.0, 9.0], [0.0, 1.0, 16.0]])
    drawn = generator(3, "bootstrap").integers(0, 3, size=(40, 3))
    means = [np.mean([row[one].mean() ** 0.5 for row in rows]) for one in drawn]
    got = bootstrap_interval(rows, seed=3, resamples=40, level=0.8, transform=np.sqrt)
    assert got == pytest.approx((np.quantile(means, 0.1), np.quantile(means, 0.9)))
    assert bootstrap_interval(rows[:1], seed=3) == bootstrap_interval(rows[0], seed=3)


def test_clusters_widen_the_interval():
    values, groups = np.repeat(sample(20, 6), 10), np.repeat(np.arange(20), 10)
    free, clustered = bootstrap_interval(values), bootstrap_interval(values, groups)
    assert clustered[1] - clustered[0] > 2 * (free[1] - free[0])


def test_bootstrap_of_a_constant_is_a_point_and_seeds_repeat():
    assert bootstrap_interval(np.full(5, 0.25)) == (0.25, 0.25)
    assert bootstrap_interval(np.array([0.7])) == (0.7, 0.7)
    values = sample(30)
    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


# ---------------------------------------------------------------------- errors


def test_wrong_arrays_are_refused():
    with pytest.raises(ShapeError, match=r"two \(n,\) arrays of the same queries, got \(2,\) and \(3,\)"):
        differences(np.zeros(2), np.zeros(3))
    with pytest.raises(ShapeError, match="got \\(0,\\)"):
        differences(np.zeros(0), np.zeros(0))
    with pytest.raises(ShapeError, match="finite differences"):
        paired_t(np.array([1.0, np.nan]))
    with pytest.raises(ShapeError, match="bootstrap: needs"):
        bootstrap_interval(np.zeros(3), np.zeros(2, int))
    with pytest.raises(ConfigError, match="level must lie between 0 and 1, got 95"):
        bootstrap_interval(np.zeros(3), level=95)
