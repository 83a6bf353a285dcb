"""Tests of irkit.learn.distributions."""

import math

import numpy as np
import pytest
import torch

from irkit.learn.distributions import bernoulli_log_prob, gaussian_kl, gaussian_log_prob, logit, softplus


def test_bernoulli_matches_the_formula_term_by_term():
    x, logits = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64), torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)
    slow = 0.0
    for bit, value in zip(x.tolist(), logits.tolist(), strict=True):
        p = 1 / (1 + math.exp(-value))
        slow += math.log(p if bit else 1 - p)
    assert float(bernoulli_log_prob(x, logits)) == pytest.approx(slow, rel=1e-14)


def test_bernoulli_stays_exact_where_a_sigmoid_saturates():
    # log(1 - sigmoid(500)) = -500, which float32 sigmoids turn into log 0.
    assert float(bernoulli_log_prob(torch.zeros(1), torch.tensor([500.0]))) == -500.0


def test_gaussian_matches_the_formula_term_by_term():
    x, mean, log_var = (torch.tensor(v, dtype=torch.float64) for v in ([0.5, -1.0], [0.0, 2.0], [0.3, -0.7]))
    slow = 0.0
    for a, m, lv in zip(x.tolist(), mean.tolist(), log_var.tolist(), strict=True):
        slow += -((a - m) ** 2) / (2 * math.exp(lv)) - 0.5 * math.log(2 * math.pi * math.exp(lv))
    assert float(gaussian_log_prob(x, mean, log_var)) == pytest.approx(slow, rel=1e-14)


def test_gaussian_integrates_to_one():
    x = torch.linspace(-20, 20, 4001, dtype=torch.float64)[:, None]
    p = torch.exp(gaussian_log_prob(x, torch.tensor([0.7]).double(), torch.tensor([0.4]).double()))
    assert float(torch.trapezoid(p, x[:, 0])) == pytest.approx(1, abs=1e-9)


def test_gaussian_kl_agrees_with_sampling():
    rng = torch.Generator().manual_seed(1)
    mean, log_var = (
        torch.randn(12, dtype=torch.float64, generator=rng),
        torch.randn(12, dtype=torch.float64, generator=rng),
    )
    z = mean + torch.exp(0.5 * log_var) * torch.randn(200_000, 12, dtype=torch.float64, generator=rng)
    ratio = gaussian_log_prob(z, mean, log_var) - gaussian_log_prob(z, torch.zeros(12), torch.zeros(12))
    exact = float(gaussian_kl(mean, log_var).sum())
    assert abs(float(ratio.mean()) - exact) < 4 * float(ratio.std()) / math.sqrt(200_000)
    assert float(gaussian_kl(torch.zeros(3), torch.zeros(3)).abs().sum()) == 0.0


def test_gaussian_kl_between_two_gaussians_is_torchs_own():
    rng = torch.Generator().manual_seed(0)
    a, b, c, d = torch.randn(4, 5, 3, generator=rng, dtype=torch.float64)
    own = torch.distributions.kl_divergence(
        torch.distributions.Normal(a, torch.exp(b / 2)), torch.distributions.Normal(c, torch.exp(d / 2))
    )
    torch.testing.assert_close(gaussian_kl(a, b, c, d), own)
    torch.testing.assert_close(gaussian_kl(a, b, torch.zeros(3).double(), torch.zeros(3).double()), gaussian_kl(a, b))
    assert float(gaussian_kl(a, b, a, b).abs().max()) < 1e-15


def test_logit_inverts_the_sigmoid_and_stays_finite():
    p = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
    np.testing.assert_allclose(torch.sigmoid(logit(p)), [1e-3, 0.25, 1 - 1e-3], rtol=1e-12)


def test_softplus_is_exact_on_both_sides_of_torchs_threshold():
    x = torch.tensor([-750.0, -30.0, -1.0, 0.0, 19.0, 21.0, 30.0, 750.0], dtype=torch.float64)
    slow = [max(v, 0) + math.log1p(math.exp(-abs(v))) for v in x.tolist()]
    np.testing.assert_allclose(softplus(x), slow, rtol=1e-15)
