"""Tests of irkit.learn.nmf."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF

from irkit.learn.nmf import loss, nmf, nndsvd, random_start


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
    start=st.sampled_from(["nndsvd", "random"]),
)
def test_the_loss_never_increases(seed, rank, objective, masked, start):
    r = toy(seed)
    mask = (r > 0).astype(float) if masked else np.ones_like(r)
    u, v = nndsvd(r, rank) if start == "nndsvd" else random_start(r, rank, np.random.default_rng(seed))
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
