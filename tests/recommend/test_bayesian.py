"""Tests of irkit.recommend.bayesian: each draw has the distribution of its formula, and averaging pays."""

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.recommend import bayesian
from irkit.recommend.bayesian import BayesianMF, draw_factors, draw_prior, draw_wishart
from irkit.recommend.biased_mf import BiasedMF
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import random_split
from tests.recommend.ratings_toy import random_table

DRAWS = 4000


def test_wishart_draws_have_mean_and_variance_of_the_wishart():
    rng = np.random.default_rng(0)
    scale = np.array([[1.0, 0.3], [0.3, 0.5]])
    draws = np.array([draw_wishart(scale, 5.0, rng) for _ in range(DRAWS)])
    np.testing.assert_allclose(draws.mean(0), 5 * scale, atol=0.15)
    variance = 5 * (scale**2 + np.outer(np.diag(scale), np.diag(scale)))  # of each cell
    np.testing.assert_allclose(draws.var(0), variance, rtol=0.15)


def test_factor_draws_have_mean_and_covariance_of_their_posterior():
    ratings = random_table(users=3, items=5)
    rng = np.random.default_rng(0)
    other, mean = rng.normal(size=(5, 2)), np.array([0.5, -0.3])
    precision, a = np.array([[2.0, 0.5], [0.5, 1.0]]), 1.7
    target = ratings.matrix.copy()
    target.data = target.data - 3
    draws = np.array(
        [draw_factors(target, ratings.matrix_of_ones, other, mean, precision, a, rng) for _ in range(DRAWS)]
    )
    for u in range(3):
        mine = ratings.user == u
        q = other[ratings.item[mine]]
        want = precision + a * q.T @ q
        centre = np.linalg.solve(want, a * q.T @ (ratings.rating[mine] - 3) + precision @ mean)
        np.testing.assert_allclose(draws[:, u].mean(0), centre, atol=0.05)
        np.testing.assert_allclose(np.cov(draws[:, u].T), np.linalg.inv(want), atol=0.05)


def test_the_prior_of_many_factors_is_drawn_close_to_their_mean_and_precision():
    rng = np.random.default_rng(0)
    root = np.array([[0.5, 0.0], [0.2, 0.4]])
    factors = np.array([1.0, -2.0]) + rng.normal(size=(5000, 2)) @ root.T
    draws = [draw_prior(factors, rng) for _ in range(200)]
    np.testing.assert_allclose(np.mean([mean for mean, _ in draws], axis=0), [1, -2], atol=0.02)
    np.testing.assert_allclose(np.mean([p for _, p in draws], axis=0), np.linalg.inv(root @ root.T), rtol=0.1)


def test_the_score_is_the_average_over_draws():
    model = BayesianMF(embedding_size=2, burn_in=1, draws=3).fit(random_table())
    p, q = model.user_factors_.reshape(12, 3, 2) * 3, model.item_factors_.reshape(9, 3, 2)
    want = model.mean_ + np.mean([p[:, s] @ q[:, s].T for s in range(3)], axis=0)
    np.testing.assert_allclose(model.scores(np.arange(12)), want, rtol=1e-5)
    assert model.score(np.array([4]), np.array([2]), None)[0] == pytest.approx(want[4, 2], rel=1e-5)


def test_planted_factors_are_recovered_and_so_is_the_noise():
    planted = planted_factors(users=150, items=80, rank=2, per_user=25, noise=0.3)
    split = random_split(planted.ratings)
    model = BayesianMF(embedding_size=4, burn_in=20, draws=30).fit(split.train)
    plain = BiasedMF(embedding_size=4, learning_rate=0.05, reg=0.05).fit(split.train)
    errors = {}
    for one in (model, plain):
        error = one.predict(split.test.frame())["prediction"] - split.test.rating
        errors[one.name] = np.sqrt((error**2).mean())
    floor = planted.floor(np.flatnonzero(split.in_test))
    assert errors["bayesian-mf"] < 1.3 * floor
    assert errors["bayesian-mf"] < errors["biased-mf"]
    assert model.noise_ == pytest.approx(0.3, rel=0.1)


def test_a_draw_that_fails_is_one_line(monkeypatch):
    draws = iter([bayesian.draw_factors] * 5)

    def failing(*args):
        draw = next(draws, None)
        if draw is None:
            raise np.linalg.LinAlgError("Matrix is not positive definite")
        return draw(*args)

    monkeypatch.setattr(bayesian, "draw_factors", failing)
    with pytest.raises(
        ConfigError, match="bayesian-mf: cannot go on after 2 draws, as ratings spread over 4 are beyond"
    ):
        BayesianMF(embedding_size=2).fit(random_table())
