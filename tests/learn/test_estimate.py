"""Tests of irkit.learn.estimate."""

import math

import numpy as np
import pytest

from irkit.errors import ConfigError, ShapeError
from irkit.learn.estimate import Estimate


def test_the_mean_shrinks_own_errors_and_keeps_the_shared_one():
    found = Estimate(np.array([-1.0, -3.0]), np.array([0.3, 0.4]), "estimate", shared=0.1, ess=0.5).mean()
    assert found == Estimate(-2.0, pytest.approx(0.25), "estimate", 0.1, 0.5)
    assert found.error == pytest.approx(math.hypot(0.25, 0.1))


def test_an_exact_mean_stays_exact():
    assert Estimate.exact(np.array([1.0, 2.0])).mean() == Estimate(1.5, 0.0, "exact")


def test_the_interval_is_that_of_the_mean_inside_the_log():
    # A mean of 2 with standard error 0.1: three errors are 1.7 to 2.3.
    low, high = Estimate(math.log(2), 0.05, "estimate").interval()
    assert (math.exp(low), math.exp(high)) == (pytest.approx(1.7), pytest.approx(2.3))
    assert Estimate(0.0, 0.5, "estimate").interval()[0] == -math.inf


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate.exact(-88.331), "-88.33"),
        (Estimate(-90.0, 0.012, "lower_bound"), ">= -90.00 +- 0.012"),
        (Estimate(-90.0, 0.0, "estimate", shared=0.5), "~ -90.00 +- 0.5"),
        (Estimate.exact(np.array([-1.0, -2.0])), "mean of 2: -1.50"),
    ],
)
def test_printing_shows_the_kind(estimate, text):
    assert str(estimate) == text


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match=r"estimate: unknown kind, got 'guess'; choose from exact, lower_bound"):
        Estimate(0.0, 0.0, "guess")
    with pytest.raises(ConfigError, match="an exact value has no error"):
        Estimate(0.0, 0.1, "exact")
    with pytest.raises(ShapeError, match=r"must have one shape, got \(2,\) and \(\)"):
        Estimate(np.zeros(2), 0.0, "estimate")
