"""Tests of irkit.learn.objectives."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn.objectives import KLSchedule, free_bits, log_mean_exp, nats_to_bits


def test_log_mean_exp_matches_its_formula_and_does_not_overflow():
    log_w = torch.tensor([[0.1, 1.4], [-2.0, 0.3], [0.7, 0.2]], dtype=torch.float64)
    found = log_mean_exp(log_w + 1000, dim=0)
    w = np.exp(log_w.numpy())
    np.testing.assert_allclose(found.value, np.log(w.mean(0)) + 1000, rtol=1e-14)
    np.testing.assert_allclose(found.stderr, w.std(0, ddof=1) / math.sqrt(3) / w.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.ess, w.sum(0) ** 2 / (w**2).sum(0) / 3, rtol=1e-12)


def test_the_stated_error_is_the_spread_over_repetitions():
    rng = torch.Generator().manual_seed(3)
    log_w = torch.randn(2000, 400, dtype=torch.float64, generator=rng)
    found = log_mean_exp(log_w, dim=1)
    assert float(found.value.std()) == pytest.approx(float(found.stderr.mean()), rel=0.1)


def test_equal_weights_are_all_effective_and_one_sample_has_no_known_error():
    assert float(log_mean_exp(torch.zeros(5)).ess) == 1.0
    assert math.isinf(float(log_mean_exp(torch.zeros(1)).stderr))


def test_the_bound_rises_with_the_number_of_samples():
    # log w ~ N(-1/2, 1) so that E w = 1: the bound climbs from -1/2 to 0 and stays below.
    rng = torch.Generator().manual_seed(0)
    means = [
        float(log_mean_exp(torch.randn(40_000, k, generator=rng, dtype=torch.float64) - 0.5, dim=1).value.mean())
        for k in (1, 2, 5, 20)
    ]
    assert means == sorted(means)
    assert means[0] == pytest.approx(-0.5, abs=0.02)
    assert means[-1] < 0


@pytest.mark.parametrize("shape", ["linear", "sigmoid", "cyclical"])
def test_schedules_begin_at_their_start_and_end_at_one(shape):
    schedule = KLSchedule(shape=shape, over=0.5, start=0.1, cycles=4)
    assert schedule.weight(0.0) == pytest.approx(0.1)
    assert schedule.weight(1.0) == pytest.approx(1.0)
    weights = [schedule.weight(t / 100) for t in range(101)]
    assert min(weights) >= 0.1 - 1e-12
    assert max(weights) <= 1 + 1e-12


def test_schedules_have_their_shapes():
    assert KLSchedule().weight(0.0) == 1.0
    assert KLSchedule(shape="linear", over=0.4).weight(0.1) == pytest.approx(0.25)
    assert KLSchedule(shape="sigmoid", over=1.0).weight(0.5) == pytest.approx(0.5)
    waiting = KLSchedule(shape="linear", wait=0.1, over=0.6)
    assert [waiting.weight(t) for t in (0, 0.1, 0.35, 0.6, 1)] == pytest.approx([0, 0, 0.5, 1, 1])
    cyclical = KLSchedule(shape="cyclical", over=0.5, cycles=2)
    assert [cyclical.weight(t) for t in (0.125, 0.25, 0.45, 0.5, 0.625)] == pytest.approx([0.5, 1.0, 1.0, 0.0, 0.5])


def test_a_schedule_that_never_grows_is_refused():
    with pytest.raises(ConfigError, match=r"kl-schedule: wait must be below over, got 0.5 and 0.2; lower it"):
        KLSchedule(shape="linear", wait=0.5)


def test_free_bits_charge_the_floor_and_stop_the_gradient_below_it():
    kl = torch.tensor([[0.1, 2.0], [0.3, 1.0]], dtype=torch.float64, requires_grad=True)
    total = free_bits(kl, 0.5)
    assert float(total.detach()) == pytest.approx(0.5 + 1.5)
    total.backward()
    np.testing.assert_allclose(kl.grad, [[0, 0.5], [0, 0.5]])
    assert float(free_bits(kl.detach(), 0.0)) == pytest.approx(float(kl.detach().sum(1).mean()))


def test_bits():
    assert nats_to_bits(math.log(8)) == pytest.approx(3)
