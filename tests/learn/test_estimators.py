"""Tests of irkit.learn.estimators: the gradient of E_q f(h), every way, against enumeration."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn.distributions import bernoulli_log_prob
from irkit.learn.estimators import (
    Baseline,
    all_bits,
    relaxed_bits,
    reparameterise,
    sample_bits,
    score_function,
    straight_through,
    straight_through_gumbel,
)

LOGITS = torch.tensor([0.4, -0.9, 1.3], dtype=torch.float64)


def worth(h: torch.Tensor) -> torch.Tensor:
    return (h * torch.tensor([1.0, -2.0, 0.5], dtype=h.dtype)).sum(-1).square() + h[..., 0] * h[..., 2]


def exact_gradient() -> torch.Tensor:
    logits = LOGITS.clone().requires_grad_()
    h = all_bits(3)
    (torch.exp(bernoulli_log_prob(h, logits)) * worth(h)).sum().backward()
    return logits.grad


def test_all_bits_counts_in_binary():
    assert all_bits(2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert len(torch.unique(all_bits(7), dim=0)) == 128
    with pytest.raises(ConfigError, match="at most 20 bits can be enumerated, got 21"):
        all_bits(21)


def test_enumeration_is_the_formula_by_hand():
    p = torch.sigmoid(LOGITS)
    gradient = torch.zeros(3, dtype=torch.float64)
    for h in all_bits(3):
        q = math.prod(float(p[i] if h[i] else 1 - p[i]) for i in range(3))
        gradient += q * float(worth(h)) * (h - p)
    np.testing.assert_allclose(exact_gradient(), gradient, rtol=1e-12)


@pytest.mark.parametrize("with_baseline", [False, True])
def test_the_score_function_is_unbiased_with_and_without_a_baseline(with_baseline):
    n = 100_000
    rng = torch.Generator().manual_seed(2)
    logits = LOGITS.expand(n, 3).clone().requires_grad_()
    h = sample_bits(logits, rng)
    baseline = torch.full((n,), 1.7, dtype=torch.float64) if with_baseline else None
    (score_function(bernoulli_log_prob(h, logits), worth(h), baseline) * n).backward()
    error = (logits.grad.mean(0) - exact_gradient()).abs()
    assert (error < 4 * logits.grad.std(0) / math.sqrt(n)).all()


def test_a_baseline_lowers_the_variance():
    spreads = []
    for value in (0.0, 1.7):
        logits = LOGITS.expand(20_000, 3).clone().requires_grad_()
        h = sample_bits(logits, torch.Generator().manual_seed(2))
        score_function(bernoulli_log_prob(h, logits), worth(h), torch.tensor(value)).backward()
        spreads.append(float(logits.grad.std(0).sum()))
    assert spreads[1] < 0.8 * spreads[0]


def test_the_learned_baseline_approaches_the_mean_signal_and_its_spread():
    torch.manual_seed(0)
    baseline = Baseline(2, 4)
    x = torch.zeros(64, 2)
    signal = torch.randn(64) * 5 + 30
    for _ in range(200):
        baseline.update(signal - baseline(x).detach())
    assert float(baseline(x).detach().mean()) == pytest.approx(float(signal.mean()), abs=0.1)
    assert float(baseline.scale()) == pytest.approx(float(signal.std(unbiased=False)), rel=0.05)


def test_reparameterised_gradients_are_the_analytic_ones_of_a_quadratic():
    # E (z - 3)^2 = (m - 3)^2 + s^2: gradient 2 (m - 3) in m and s^2 in log s^2.
    n = 200_000
    mean = torch.full((n,), 1.0, dtype=torch.float64, requires_grad=True)
    log_var = torch.full((n,), 0.5, dtype=torch.float64, requires_grad=True)
    (reparameterise(mean, log_var, torch.Generator().manual_seed(5)) - 3).square().sum().backward()
    for gradient, truth in ((mean.grad, -4.0), (log_var.grad, math.exp(0.5))):
        assert abs(float(gradient.mean()) - truth) < 4 * float(gradient.std()) / math.sqrt(n)


def test_straight_through_draws_bits_and_passes_the_gradient_of_probabilities():
    logits = LOGITS.expand(50_000, 3).clone().requires_grad_()
    h = straight_through(logits, torch.Generator().manual_seed(1))
    assert set(torch.unique(h.detach().round(decimals=12)).tolist()) == {0.0, 1.0}
    p = torch.sigmoid(LOGITS)
    assert ((h.detach().mean(0) - p).abs() < 4 * (p * (1 - p) / 50_000).sqrt()).all()
    h.sum().backward()
    np.testing.assert_allclose(logits.grad[0], p * (1 - p), rtol=1e-12)


def test_straight_through_is_exact_for_a_linear_worth_and_biased_otherwise(capsys):
    logits = LOGITS.expand(100_000, 3).clone().requires_grad_()
    worth(straight_through(logits, torch.Generator().manual_seed(1))).sum().backward()
    bias = logits.grad.mean(0) - exact_gradient()
    with capsys.disabled():
        print(
            f"\nstraight-through: bias {bias.numpy().round(3)} beside a gradient of {exact_gradient().numpy().round(3)}"
        )
    linear = LOGITS.expand(10, 3).clone().requires_grad_()
    straight_through(linear, torch.Generator().manual_seed(1))[:, 0].sum().backward()
    p = float(torch.sigmoid(LOGITS[0]))
    np.testing.assert_allclose(linear.grad[:, 0], p * (1 - p))


# ------------------------------------------------------------------------------------------------ relaxed bits


def cubic(h):
    return 1.5 * h**3 - h**2 + 0.7 * h


def slope(h):
    return 4.5 * h**2 - 2 * h + 0.7


def by_quadrature(logit: float, temperature: float, worth_slope, *, hard: bool) -> float:
    """E of worth'(h) dr/dlogit over logistic noise, r = sigmoid(v) the relaxed bit, h the bit or r itself.

    With v = (logit + noise) / temperature, dr/dlogit = r (1 - r) / temperature and dnoise = temperature dv.
    """
    total = 0.0
    for low, high in ((-40, 0), (0, 40)):  # the bit jumps at 0
        v = np.linspace(low, high, 20_001)
        r, noise = 1 / (1 + np.exp(-v)), temperature * v - logit
        density = np.exp(-abs(noise)) / (1 + np.exp(-abs(noise))) ** 2
        h = np.full(len(v), float(low == 0)) if hard else r
        total += float(np.trapezoid(worth_slope(h) * r * (1 - r) * density, v))
    return total


@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
def test_relaxed_draws_are_above_a_half_as_often_as_bits_are_1(temperature):
    n = 50_000
    logits = LOGITS.expand(n, 3).clone().requires_grad_()
    relaxed = relaxed_bits(logits, temperature, torch.Generator().manual_seed(1))
    h = straight_through_gumbel(logits, temperature, torch.Generator().manual_seed(1))
    assert set(torch.unique(h.detach()).tolist()) == {0.0, 1.0}, "bits to the last digit"
    assert torch.equal(h > 0.5, relaxed > 0.5)
    p = torch.sigmoid(LOGITS)
    assert ((h.detach().mean(0) - p).abs() < 4 * (p * (1 - p) / n).sqrt()).all()
    gradients = [torch.autograd.grad(one.sum(), logits)[0] for one in (h, relaxed)]
    assert torch.equal(*gradients)


def test_relaxed_draws_have_the_distribution_of_the_binary_concrete():
    # P(r < s) = P(noise < t logit(s) - l) = sigmoid(t logit(s) - l)
    drawn = relaxed_bits(LOGITS.expand(50_000, 3), 0.7, torch.Generator().manual_seed(2))
    for s in (0.05, 0.3, 0.5, 0.9):
        wanted = torch.sigmoid(0.7 * math.log(s / (1 - s)) - LOGITS)
        found = (drawn < s).double().mean(0)
        assert ((found - wanted).abs() < 4 * (wanted * (1 - wanted) / 50_000).sqrt()).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize("hard", [True, False])
def test_the_gradient_of_one_bit_is_that_by_quadrature(hard, temperature):
    n = 200_000
    logits = torch.full((n,), 0.4, dtype=torch.float64, requires_grad=True)
    draw = straight_through_gumbel if hard else relaxed_bits
    cubic(draw(logits, temperature, torch.Generator().manual_seed(3))).sum().backward()
    error = abs(float(logits.grad.mean()) - by_quadrature(0.4, temperature, slope, hard=hard))
    assert error < 4 * float(logits.grad.std()) / math.sqrt(n)


def test_as_the_temperature_falls_relaxed_draws_lose_their_bias_and_bits_keep_the_trapezoid_rule_s():
    p = 1 / (1 + math.exp(-0.4))
    truth = p * (1 - p) * (cubic(1) - cubic(0))
    trapezoid = p * (1 - p) * (slope(0) + slope(1)) / 2
    assert abs(trapezoid - truth) > 0.1
    for hard, limit in ((False, truth), (True, trapezoid)):
        apart = [abs(by_quadrature(0.4, t, slope, hard=hard) - limit) for t in (1.0, 0.3, 0.1, 0.01)]
        assert apart == sorted(apart, reverse=True)
        assert apart[-1] < 2e-3


def test_of_a_quadratic_bits_have_no_bias_where_the_temperature_falls(capsys):
    bias = {}
    for temperature in (1.0, 0.5, 0.02):
        logits = LOGITS.expand(200_000, 3).clone().requires_grad_()
        worth(straight_through_gumbel(logits, temperature, torch.Generator().manual_seed(1))).sum().backward()
        bias[temperature] = logits.grad.mean(0) - exact_gradient()
        error = logits.grad.std(0) / math.sqrt(len(logits))
    assert (bias[0.02].abs() < 4 * error + 0.02).all()
    with capsys.disabled():
        for temperature, one in bias.items():
            print(f"\nGumbel, temperature {temperature}: bias {one.numpy().round(3)}", end="")
        print(f" beside a gradient of {exact_gradient().numpy().round(3)}")
