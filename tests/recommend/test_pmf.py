"""Tests of irkit.recommend.pmf."""

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.recommend.pmf import PMF, logistic, pmf_gradients, pmf_solve
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import random_split
from irkit.recommend.table import RatingTable
from tests.recommend.ratings_toy import random_table, table
from tests.recommend.test_biased_mf import all_of, numeric_gradient


def pmf_loss(p, q, user, item, target, reg_p, reg_q, height=None):
    """The objective; reg_p (U,) and reg_q (I,) are the whole penalty of each user and item."""
    product = np.einsum("md,md->m", p[user], q[item])
    error = target - (product if height is None else height * logistic(product))
    return float(0.5 * (error**2).sum() + 0.5 * (reg_p @ (p**2).sum(1)) + 0.5 * (reg_q @ (q**2).sum(1)))


def test_the_logistic_function():
    x = np.array([-800.0, -1.0, 0.0, 2.0, 800.0])
    np.testing.assert_allclose(logistic(x), [0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2)), 1], atol=1e-15)


def test_the_objective_on_paper():
    p, q = np.array([[2.0]]), np.array([[0.5], [1.0]])
    got = pmf_loss(
        p, q, np.array([0, 0]), np.array([0, 1]), np.array([3.0, 1.0]), np.array([0.1]), np.array([0.2, 0.4])
    )
    assert got == pytest.approx(0.5 * (2.0**2 + 1.0**2) + 0.5 * 0.1 * 4 + 0.5 * (0.2 * 0.25 + 0.4 * 1))
    got = pmf_loss(p, q[:1], np.array([0]), np.array([0]), np.array([3.0]), np.zeros(1), np.zeros(1), height=4.0)
    assert got == pytest.approx(0.5 * (3 - 4 / (1 + np.exp(-1))) ** 2)


@pytest.mark.parametrize("height", [None, 4.0])
def test_gradients_are_those_of_the_objective(height):
    ratings = random_table(users=5, items=4)
    batch = all_of(ratings)
    rng = np.random.default_rng(0)
    p, q, target = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=len(ratings))

    def loss(p, q):
        return pmf_loss(p, q, batch.user, batch.item, target, np.zeros(5), np.zeros(4), height)

    g_p, g_q = pmf_gradients(batch, target, p, q, height)
    np.testing.assert_allclose(g_p, -numeric_gradient(lambda v: loss(v, q), p), atol=1e-6)
    np.testing.assert_allclose(g_q, -numeric_gradient(lambda v: loss(p, v), q), atol=1e-6)


def test_the_closed_form_is_the_minimiser_that_descent_finds():
    ratings = random_table(users=5, items=5, density=0.6)
    q = np.random.default_rng(0).normal(size=(5, 2))
    target = ratings.matrix.copy()
    target.data = target.data - 3.0
    got = pmf_solve(target, ratings.matrix_of_ones, q, np.full(5, 0.7))
    batch = all_of(ratings)
    p = np.zeros((5, 2))
    for _ in range(4000):
        p = p + 0.02 * (pmf_gradients(batch, batch.rating - 3.0, p, q)[0] - 0.7 * p)
    np.testing.assert_allclose(got, p, atol=1e-8)
    for u in range(5):
        rows = ratings.user == u
        q_u = q[ratings.item[rows]]
        want = np.linalg.solve(q_u.T @ q_u + 0.7 * np.eye(2), q_u.T @ (ratings.rating[rows] - 3.0))
        np.testing.assert_allclose(got[u], want, atol=1e-10)


def test_rotating_both_factors_changes_neither_objective_nor_predictions():
    ratings = random_table()
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(12, 3)), rng.normal(size=(9, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rest = ratings.user, ratings.item, ratings.rating, np.ones(12), np.ones(9)
    assert pmf_loss(p @ turn, q @ turn, *rest) == pytest.approx(pmf_loss(p, q, *rest), rel=1e-12)


def rank_two():
    """Planted factors without deviations: the form that PMF has."""
    rng = np.random.default_rng(3)
    p, q = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
    rows = rng.random((60, 40)) < 0.6
    user, item = np.nonzero(rows)
    return table([(f"u{u}", f"i{i}", float(p[u] @ q[i])) for u, i in zip(user, item, strict=True)])


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "als", "epochs": 60, "reg": 1e-4},
        {"epochs": 400, "learning_rate": 0.1, "reg": 1e-5, "batch_size": 200},
    ],
    ids=["als", "sgd"],
)
def test_a_planted_matrix_of_rank_two_is_completed(settings):
    split = random_split(rank_two(), 0.1)
    # The mean is taken off before the factors see the ratings, which costs them a third one.
    model = PMF(embedding_size=3, init=0.1, **settings).fit(split.train)
    got = model.predict(split.test.frame())["prediction"] - split.test.rating
    assert np.sqrt((got**2).mean()) < 0.02


def test_the_two_conventions_of_the_penalty_agree_where_everybody_has_as_many_ratings():
    full = random_table(users=6, items=6, density=1.1)
    both = [PMF(solver="als", reg=reg, reg_per=per).fit(full) for reg, per in ((0.1, "rating"), (0.6, "entity"))]
    np.testing.assert_allclose(both[0].scores(np.arange(6)), both[1].scores(np.arange(6)), rtol=1e-6)
    both = [PMF(epochs=5, reg=reg, reg_per=per).fit(full) for reg, per in ((0.1, "rating"), (0.6, "entity"))]
    np.testing.assert_allclose(both[0].scores(np.arange(6)), both[1].scores(np.arange(6)), rtol=1e-4)


def test_the_logistic_form_stays_inside_the_scale_and_learns():
    planted = planted_factors(users=80, items=40, per_user=20, noise=0.1)
    frame = planted.ratings.frame()
    whole = RatingTable.from_frame(frame.assign(rating=frame["rating"].round().clip(1, 5)), scale=(1, 5))
    model = PMF(link="logistic", epochs=60, reg=0.02, learning_rate=0.05).fit(whole)
    scores = model.scores(np.arange(10))
    assert 1 < scores.min() < scores.max() < 5
    error = model.score(whole.user, whole.item, None) - whole.rating
    assert np.sqrt((error**2).mean()) < 0.6 * whole.rating.std()


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(ConfigError, match="solver 'als' needs link 'linear' and reg > 0"):
        PMF(solver="als", link="logistic")
