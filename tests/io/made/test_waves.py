"""Tests of irkit.io.made.waves."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from irkit.io import load_data
from irkit.io.made.waves import PUSH, RHO, SEEN, TURN, R, log_likelihood


def covariance(steps: int) -> np.ndarray:
    """Of all numbers of a sequence together, from the first place and the pushes that each of them has a share in."""
    shares = np.zeros((steps, 2, steps + 1))  # of z_t, by the two numbers of z_1 and the pushes after it
    for t in range(steps):
        shares[t, :, :2] = np.linalg.matrix_power(RHO * TURN, t)
        for s in range(t):
            shares[t, :, 2 + s] = np.linalg.matrix_power(RHO * TURN, t - s - 1) @ PUSH
    seen = np.einsum("dz,tzk->tdk", SEEN, shares).reshape(3 * steps, steps + 1)
    return seen @ seen.T + R**2 * np.eye(3 * steps)


def test_the_likelihood_is_that_of_all_numbers_together():
    x = np.random.default_rng(0).normal(size=(5, 3))
    truth = multivariate_normal.logpdf(x.ravel(), np.zeros(15), covariance(5))
    assert log_likelihood(x) == pytest.approx(truth, rel=1e-10)


def test_the_waves_are_what_they_are_said_to_be():
    data = load_data("waves")
    assert [len(data.part(part)) for part in ("train", "valid", "test")] == [400, 100, 200]
    test = data.part("test").x
    assert set(test.lengths) == set(range(20, 41))
    first = np.stack([one[:5].ravel() for part in ("train", "valid", "test") for one in data.part(part).x])
    np.testing.assert_allclose(np.cov(first.T), covariance(5), atol=0.3)
    # the entropy of five steps: what the mean log-likelihood of true samples comes to
    entropy = -multivariate_normal(np.zeros(15), covariance(5)).entropy()
    found = np.array([log_likelihood(one.reshape(5, 3)) for one in first])
    assert abs(found.mean() - entropy) < 4 * found.std() / np.sqrt(len(found))
    assert load_data("waves").fingerprint == data.fingerprint
