"""Tests of irkit.learn.nmf."""

import math
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF

from irkit.learn.nmf import grouped_start, loss, nmf, nndsvd, random_start


def toy(seed: int, rows: int = 5, columns: int = 14) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((rows, columns)) * (rng.random((rows, columns)) < 0.6)


def test_the_losses_are_those_on_paper():
    r, u, v = toy(1, 3, 4), np.array([[1.0], [2.0], [0.5]]), np.array([[0.2, 0.4, 0.1, 0.3]])
    x = u @ v
    kl = fro = 0.0
    for i in range(3):
        for j in range(4):
            kl += (r[i, j] * math.log(r[i, j] / x[i, j]) if r[i, j] > 0 else 0) - r[i, j] + x[i, j]
            fro += 0.5 * (r[i, j] - x[i, j]) ** 2
    ones = np.ones_like(r)
    assert loss(r, u, v, ones, "kl") == pytest.approx(kl, rel=1e-10)
    assert loss(r, u, v, ones, "frobenius") == pytest.approx(fro, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    rank=st.integers(1, 5),
    objective=st.sampled_from(["kl", "frobenius"]),
    masked=st.booleans(),
    start=st.sampled_from(["nndsvd", "groups", "random"]),
)
def test_the_loss_never_increases(seed, rank, objective, masked, start):
    r = toy(seed)
    mask = (r > 0).astype(float) if masked else np.ones_like(r)
    starts = {
        "nndsvd": nndsvd,
        "groups": grouped_start,
        "random": partial(random_start, rng=np.random.default_rng(seed)),
    }
    u, v = starts[start](r, rank)
    last = loss(r, u, v, mask, objective)
    for _ in range(15):
        u, v = nmf(r, u, v, objective=objective, iterations=1, mask=mask)
        now = loss(r, u, v, mask, objective)
        assert now <= last + 1e-9 * (1 + abs(last))
        assert u.min() >= 0
        assert v.min() >= 0
        last = now


@pytest.mark.parametrize("objective", ["kl", "frobenius"])
def test_full_rank_from_the_exact_factorisation_stays_put(objective):
    r = toy(4)
    u, v = nmf(r, np.eye(5), r, objective=objective, iterations=20)
    np.testing.assert_allclose(u @ v, r, atol=1e-9)
    np.testing.assert_allclose(u, np.eye(5), atol=1e-9)


@pytest.mark.parametrize(("objective", "beta"), [("kl", "kullback-leibler"), ("frobenius", "frobenius")])
def test_scikit_learn_reaches_the_same_factors_from_the_same_start(objective, beta):
    r = toy(7) + 0.01
    u0, v0 = random_start(r, 3, np.random.default_rng(0))
    ours = nmf(r, u0, v0, objective=objective, iterations=200)
    theirs = NMF(3, solver="mu", beta_loss=beta, init="custom", max_iter=200, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w = theirs.fit_transform(r, W=u0.copy(), H=v0.copy())
    np.testing.assert_allclose(ours[0] @ ours[1], w @ theirs.components_, rtol=1e-3, atol=1e-5)


def test_the_deterministic_start_is_positive_and_repeats():
    r = toy(5)
    first, second = nndsvd(r, 3), nndsvd(r, 3)
    for a, b in zip(first, second, strict=True):
        assert a.min() > 0
        np.testing.assert_array_equal(a, b)


def test_a_zero_row_is_safe():
    r = toy(6)
    r[2] = 0
    u, v = nmf(r, *nndsvd(r, 2), iterations=30)
    assert np.isfinite(u).all()
    assert np.isfinite(v).all()
    assert (u @ v)[2].sum() < 1e-3 * r.sum()


def test_tolerance_stops_early():
    r = toy(8)
    start = nndsvd(r, 2)
    full, early = nmf(r, *start, iterations=500), nmf(r, *start, iterations=500, tolerance=1e-3)
    ones = np.ones_like(r)
    assert loss(r, *full, ones, "kl") <= loss(r, *early, ones, "kl") < loss(r, *start, ones, "kl")


def test_groups_are_found_and_their_sums_are_the_factors():
    left, right = np.array([3.0, 1, 0, 0, 0, 2]), np.array([0.0, 0, 2, 4, 1, 1])
    r = np.vstack([left, right, 2 * left, 0.5 * right, right])
    u, v = grouped_start(r, 2)
    group = u.argmax(axis=1)
    assert (group == [group[0], group[1], group[0], group[1], group[1]]).all()
    sums = {group[0]: 3 * left, group[1]: 2.5 * right}
    for factor, own in sums.items():
        np.testing.assert_allclose(v[factor], 0.8 * own + 0.1 * r.sum(axis=0))
    one = np.ones_like(r)
    assert loss(r, *nmf(r, u, v, iterations=300), one, "kl") < 1e-6 * r.sum()


def test_groups_end_as_low_as_the_best_of_ten_random_starts():
    above = {"groups": [], "nndsvd": []}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        r = rng.random((9, 80)) * (rng.random((9, 80)) < 0.15)  # as sparse as the terms of feedback documents
        starts = {"groups": grouped_start(r, 2), "nndsvd": nndsvd(r, 2)}
        starts |= {number: random_start(r, 2, rng) for number in range(10)}
        ends = {name: loss(r, *nmf(r, *start, iterations=60), np.ones_like(r), "kl") for name, start in starts.items()}
        for name, found in above.items():
            found.append(ends[name] / min(ends[number] for number in range(10)) - 1)
    assert np.mean(above["groups"]) < 0.005
    assert np.mean(above["nndsvd"]) > 0.02


@pytest.mark.parametrize("rank", [1, 3, 6])
@pytest.mark.parametrize("r", [np.zeros((3, 4)), np.eye(3, 4), np.array([[0.0, 0, 0], [1, 0, 2], [1, 0, 2]])])
def test_groups_of_odd_matrices_are_finite(r, rank):
    u, v = grouped_start(r, rank)
    assert u.shape == (len(r), rank)
    assert v.shape == (rank, r.shape[1])
    assert np.isfinite(u).all()
    assert np.isfinite(v).all()
    assert np.isfinite(nmf(r, u, v, iterations=5)[0]).all()
