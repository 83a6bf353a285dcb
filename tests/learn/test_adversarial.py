"""Losses of generator and discriminator: by hand, at the optimum of a discrete game, and where one is sure."""

import math

import pytest
import torch

from irkit.learn.adversarial import discriminator_loss, generator_loss


def test_by_hand():
    real, fake = torch.tensor([0.0, 2.0]).double(), torch.tensor([-1.0]).double()
    d = [1 / (1 + math.exp(-logit)) for logit in (0, 2, -1)]
    own = -0.5 * (math.log(d[0]) + math.log(d[1])) / 2 - 0.5 * math.log(1 - d[2])
    assert float(discriminator_loss(real, fake)) == pytest.approx(own, abs=1e-12)
    assert float(generator_loss(fake)) == pytest.approx(-0.5 * math.log(d[2]), abs=1e-12)
    assert float(generator_loss(fake, "minimax")) == pytest.approx(0.5 * math.log(1 - d[2]), abs=1e-12)
    smooth = -0.5 * (0.9 * math.log(d[0]) + 0.1 * math.log(1 - d[0])) - 0.5 * math.log(1 - d[2])
    assert float(discriminator_loss(real[:1], fake, 0.1)) == pytest.approx(smooth, abs=1e-12)


def test_a_discriminator_that_knows_nothing_loses_log_2():
    nothing = torch.zeros(3).double()
    assert float(discriminator_loss(nothing, nothing)) == pytest.approx(math.log(2), abs=1e-12)


def test_only_one_form_keeps_its_gradient_where_the_discriminator_is_sure():
    grads = {}
    for form in ("non-saturating", "minimax"):
        fake = torch.tensor([-10.0], dtype=torch.float64, requires_grad=True)
        (grads[form],) = torch.autograd.grad(generator_loss(fake, form), fake)
    sure = 1 / (1 + math.exp(10))
    assert float(grads["minimax"]) == pytest.approx(-0.5 * sure, rel=1e-9)
    assert float(grads["non-saturating"]) == pytest.approx(-0.5 * (1 - sure), rel=1e-9)
