"""Tests of irkit.learn.samplers on a Gaussian, whose normaliser is known."""

import math

import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn.samplers import ais, gibbs

MEAN, VARIANCE = 3.0, 0.25
TRUE = 0.5 * math.log(2 * math.pi * VARIANCE)


def log_f(v: torch.Tensor, beta: float) -> torch.Tensor:
    """Between N(0, 1) and an unnormalised N(MEAN, VARIANCE)."""
    return (1 - beta) * -0.5 * v[:, 0] ** 2 + beta * -0.5 * (v[:, 0] - MEAN) ** 2 / VARIANCE


def estimate(chains: int, temperatures: int, seed: int, shift: int = 0):
    rng = torch.Generator().manual_seed(seed)
    steps = torch.linspace(0, 1, temperatures, dtype=torch.float64)

    def step(v, before, beta):
        ratio = log_f(v, beta) - log_f(v, before)
        if shift:  # the classic mistake: draw at the next temperature
            beta = float(steps[min(temperatures - 1, int((steps <= beta).sum()) - 1 + shift)])
        precision = (1 - beta) + beta / VARIANCE
        noise = torch.randn(v.shape, generator=rng, dtype=v.dtype)
        return ratio, beta * MEAN / VARIANCE / precision + noise / precision**0.5

    start = torch.randn(chains, 1, generator=rng, dtype=torch.float64)
    return ais(start, step, steps, 0.5 * math.log(2 * math.pi))


def test_ais_finds_the_normaliser_within_its_own_error():
    found = estimate(1000, 200, seed=1)
    assert found.kind == "estimate"
    assert abs(found.value - TRUE) < 4 * found.stderr
    assert found.stderr < 0.02
    assert found.ess > 0.7
    low, high = found.interval()
    assert low < TRUE < high


def test_more_temperatures_give_a_smaller_error_and_more_effective_samples():
    few, many = estimate(500, 20, seed=2), estimate(500, 500, seed=2)
    assert many.stderr < few.stderr
    assert many.ess > few.ess


def test_the_error_and_the_share_are_those_of_the_weights():
    # Two temperatures: the weights are known in closed form from the start alone.
    found = estimate(400, 2, seed=3)
    v = torch.randn(400, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    w = torch.exp(log_f(v, 1.0) - log_f(v, 0.0))
    assert found.value == pytest.approx(0.5 * math.log(2 * math.pi) + math.log(float(w.mean())), rel=1e-12)
    assert found.stderr == pytest.approx(float(w.std() / w.mean()) / 20, rel=1e-9)
    assert found.ess == pytest.approx(float(w.sum() ** 2 / (w**2).sum()) / 400, rel=1e-9)


def test_a_sweep_at_the_wrong_temperature_is_biased_so_the_order_matters():
    wrong = estimate(4000, 30, seed=4, shift=2)
    assert abs(wrong.value - TRUE) > 4 * wrong.stderr
    right = estimate(4000, 30, seed=4)
    assert abs(right.value - TRUE) < 4 * right.stderr


def test_betas_must_climb_from_zero_to_one():
    start = torch.zeros(2, 1)
    for betas in ([0.0, 0.5], [0.1, 1.0], [0.0, 0.5, 0.5, 1.0]):
        with pytest.raises(ConfigError, match="betas must climb from 0 to 1"):
            ais(start, lambda v, before, beta: (v[:, 0], v), torch.tensor(betas), 0.0)


def test_gibbs_applies_the_sweep_that_often():
    assert float(gibbs(lambda v: v + 1, torch.zeros(()), 7)) == 7
