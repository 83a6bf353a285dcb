"""Tests of irkit.generative.implicit."""

from itertools import product

import numpy as np
import pytest
import torch

from irkit.generative.implicit import FLOOR, Adversary, BasisEncoder, BlackBoxEncoder, Gaussian


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def basis(draws: int = 3, functions: int = 2) -> BasisEncoder:
    torch.manual_seed(0)
    return BasisEncoder(5, 4, 3, basis=functions, basis_size=6, noise=2, draws=draws).double()


def black_box(draws: int = 3) -> BlackBoxEncoder:
    torch.manual_seed(0)
    return BlackBoxEncoder(5, 4, 3, noise=2, draws=draws).double()


X = torch.randn(4, 5, dtype=torch.float64, generator=rng(7))


@torch.no_grad()
def test_moments_of_a_basis_are_those_of_every_combination_of_the_kept_noise():
    encoder = basis(draws=3, functions=2)
    w = {name: one.numpy() for name, one in encoder.named_parameters()}
    h = np.tanh(X.numpy() @ w["body.0.weight"].T + w["body.0.bias"])
    centre = h @ w["centre.weight"].T + w["centre.bias"]
    scale = (h @ w["scale.weight"].T + w["scale.bias"]).reshape(4, 2, 3)
    v = [[np.tanh(e @ w["w"][k] + w["b"][k]) @ w["v"][k] for e in encoder.probe[:, k].numpy()] for k in range(2)]
    every = np.array([centre + scale[:, 0] * v[0][i] + scale[:, 1] * v[1][j] for i, j in product(range(3), range(3))])
    found = encoder.moments(encoder.read(X))
    np.testing.assert_allclose(found.mean, every.mean(0), rtol=1e-12)
    np.testing.assert_allclose(torch.exp(found.log_var), every.var(0) + FLOOR, rtol=1e-12)


@pytest.mark.parametrize("make", [basis, black_box])
@torch.no_grad()
def test_moments_are_those_of_many_draws(make):
    encoder, n = make(20_000), 20_000
    found = encoder.moments(encoder.read(X))
    z = torch.stack([encoder.draw(encoder.read(one.expand(n, -1)), rng(3)) for one in X], 1)
    error = z.std(0) * (2 / n) ** 0.5  # both are averages over n draws
    assert ((z.mean(0) - found.mean).abs() < 5 * error).all()
    fourth = ((z - z.mean(0)) ** 4).mean(0)
    error = (2 * (fourth - z.var(0) ** 2) / n).sqrt()
    assert ((z.var(0) + FLOOR - torch.exp(found.log_var)).abs() < 5 * error).all()


@pytest.mark.parametrize("make", [basis, black_box])
def test_draws_have_gradients_in_all_parameters_and_moments_in_none(make):
    encoder = make()
    read = encoder.read(X)
    gradients = torch.autograd.grad(encoder.draw(read, rng()).square().sum(), list(encoder.parameters()))
    assert all((one != 0).any() for one in gradients)
    assert not any(one.requires_grad for one in encoder.moments(read))


@torch.no_grad()
def test_rows_of_a_black_box_do_not_mix():
    encoder = black_box(5)
    whole, alone = encoder.moments(encoder.read(X)), encoder.moments(encoder.read(X[2:3]))
    for one, other in zip(whole, alone, strict=True):
        np.testing.assert_allclose(one[2:3], other, rtol=1e-12)


def test_what_is_standardised_has_mean_0_and_variance_1():
    r = Gaussian(torch.tensor([[1.0, -2.0]]), torch.log(torch.tensor([[4.0, 0.25]])))
    np.testing.assert_allclose(r.standardised(torch.tensor([[3.0, -2.5]])), [[1.0, -1.0]], rtol=1e-6)


def test_the_adversary_begins_knowing_nothing_and_sees_x_beside_each_z():
    torch.manual_seed(0)
    t = Adversary(5, 3, 6).double()
    z = torch.randn(2, 4, 3, dtype=torch.float64, generator=rng())
    assert all((one == 0).all() for one in t(X, *z))
    torch.nn.init.normal_(t.out.weight)
    first, second = t(X, *z)
    assert first.shape == (4,)
    torch.testing.assert_close(t(X, z[1])[0], second)
    assert not torch.equal(t(X.flip(0), z[0])[0], first)
