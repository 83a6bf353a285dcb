"""Tests of irkit.learn.judges.posterior."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError, ConfigError
from irkit.generative.avb import AVB
from irkit.generative.vae import VAE
from irkit.generative.vae_gan import VAEGAN
from irkit.io.made.four_points import LENGTH, four_points, loadings
from irkit.learn.judges.posterior import Posterior, cells, compared, grid, moments, posterior

DATA = four_points()
GIVEN = {"observed": "one-hot", "loadings": tuple(map(tuple, loadings().tolist()))}
SMALL = {"latent_size": 2, "hidden_size": 4, "basis": 2, "noise_size": 2, "adversary_size": 4}


def fitted(**config) -> AVB:
    torch.manual_seed(0)
    found = AVB(**{**SMALL, **GIVEN, **config})
    found.net, found.spec = found.build(DATA.spec), DATA.spec
    return found


def test_the_posterior_of_the_points_is_that_of_two_numbers_in_closed_form():
    u = np.linspace(-9, 9, 20_001)  # along the diagonals: p(u) = 2 N(u; 0, 1) sigmoid(sqrt(2) LENGTH u), twice
    p = 2 * np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi) / (1 + np.exp(-math.sqrt(2) * LENGTH * u))
    p /= p.sum()
    mean = p @ u
    truth = Posterior(DATA).truth()
    np.testing.assert_allclose(truth.sum(1), 1)
    for one, direction in zip(truth, loadings() / LENGTH, strict=True):
        centre, covariance = moments(one)
        np.testing.assert_allclose(centre, math.sqrt(2) * mean * direction, atol=1e-6)
        np.testing.assert_allclose(covariance, (p @ u**2 - mean**2) * np.eye(2), atol=1e-6)


def test_draws_are_compared_by_mean_covariance_and_histogram():
    z = grid()
    truth = posterior(np.where((z[:, 0] > 0) & (z[:, 0] < 0.5) & (np.abs(z[:, 1] - 0.25) < 0.25), 0, -500.0)[None])
    mean, covariance = moments(truth[0])
    drawn = np.array([[0.2, 0.3], [0.4, 0.1], [0.1, 0.1], [0.3, 0.4]]) + [0.0, 0.01]
    found = compared(drawn[None], truth)
    assert found["histogram kl"][0] == pytest.approx(0, abs=1e-12)
    assert found["mean error"][0] == pytest.approx(math.hypot(0.25 - mean[0], 0.235 - mean[1]))
    own = sum(np.outer(one, one) for one in drawn - drawn.mean(0)) / 3
    assert found["variance error"][0] == pytest.approx(np.abs(own - covariance).max())
    wide = posterior(np.zeros((1, len(z))))  # the prior, and all draws in one of its cells
    share = (math.erf(0.5 / math.sqrt(2)) / 2) ** 2
    assert compared(drawn[None], wide)["histogram kl"][0] == pytest.approx(-math.log(share), abs=1e-3)


def test_what_lies_beyond_the_cells_is_counted_at_the_rim():
    found = cells(np.array([[9.0, 0.1], [-9.0, -4.0], [4.0, 4.0], [0.0, 0.0]]))
    assert (found[15, 8], found[0, 0], found[15, 15], found[8, 8]) == (0.25, 0.25, 0.25, 0.25)


def test_controls_are_near_and_a_gaussian_is_not():
    own, normal = Posterior(DATA).controls()
    assert (own.name, normal.name) == ("posterior", "gaussian")
    for name, most in (("mean error", 0.02), ("variance error", 0.02), ("histogram kl", 0.01)):
        assert (own.values[name] < most).all()
    assert (normal.values["mean error"] < 0.02).all()
    assert (normal.values["histogram kl"] > 0.1).all()


def test_a_model_is_judged_by_its_draws_and_its_own_likelihood():
    model = fitted()
    judge = Posterior(DATA)
    with torch.no_grad():
        drawn = model.net.infer(torch.eye(4), 20_000, torch.Generator().manual_seed(3)).numpy()
    by_hand = compared(drawn.swapaxes(0, 1).astype(np.float64), judge.truth())
    found = judge.values(model, seed=3)
    for name in judge.quantities:
        assert found[name].shape == (4,) == (judge.size,)
        np.testing.assert_allclose(found[name], by_hand[name], rtol=1e-3, atol=1e-5)
    other = fitted(loadings=tuple((2 * a, b) for a, b in GIVEN["loadings"]))
    assert not np.allclose(judge.values(other, seed=3)["histogram kl"], found["histogram kl"], rtol=0.01)
    assert judge.measures(model, seed=3)["histogram kl"].estimate.value == pytest.approx(found["histogram kl"].mean())


def test_what_cannot_be_judged_is_refused():
    for details in ({}, {"loadings": "1 2 3"}, {"loadings": "a b"}):
        with pytest.raises(
            ConfigError, match="posterior: the likelihood of four-points is not known; its details need"
        ):
            Posterior(replace(DATA, details=details))
    judge = Posterior(DATA)
    with pytest.raises(
        AbilityError, match="posterior: judges models of 2 latent dimensions, got 3 of avb; set latent_"
    ):
        judge.check(AVB(latent_size=3))


def test_a_model_without_a_likelihood_or_draws_is_refused_before_it_is_trained():
    judge = Posterior(DATA)
    for model in (VAEGAN(latent_size=2), VAE(latent_size=2)):
        with pytest.raises(AbilityError, match="posterior: judges models that say how likely x is given z, and draw z"):
            judge.check(model)


def test_points_to_test_on_and_finite_loadings_are_needed():
    with pytest.raises(ConfigError, match="posterior: rows to test on are needed, got 0 of rows"):
        Posterior(replace(DATA, test=DATA.test.cut(0)))
    with pytest.raises(ConfigError, match="posterior: the likelihood of four-points is not known"):
        Posterior(replace(DATA, details={"loadings": "nan " * 8}))
