"""Tests of irkit.recommend.svdpp."""

import numpy as np
import pytest

from irkit.recommend.biased_mf import mf_gradients
from irkit.recommend.descent import Layout, moved
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import random_split
from irkit.recommend.svdpp import SVDpp, implicit_gradient, neighbourhood, svdpp_gradients, user_vectors
from tests.recommend.ratings_toy import random_table, table
from tests.recommend.test_biased_mf import all_of, numeric_gradient


def drawn(users, items, size=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(users,), (items,), (users, size), (items, size), (items, size)]
    return [rng.normal(size=shape) for shape in shapes]


def test_the_prediction_is_the_formula_term_by_term():
    ratings = random_table(users=5, items=6)
    batch = all_of(ratings)
    b_u, b_i, p, q, y = drawn(5, 6)
    g = svdpp_gradients(batch, 3.0, b_u, b_i, p, q, y)
    for place, (u, i, r) in enumerate(zip(batch.user, batch.item, batch.rating, strict=True)):
        near = [j for v, j in zip(batch.user, batch.item, strict=True) if v == u]
        s = sum((y[j] for j in near), np.zeros(3)) / len(near) ** 0.5
        assert g.error[place] == pytest.approx(r - (3.0 + b_u[u] + b_i[i] + q[i] @ (p[u] + s)))


def test_gradients_are_those_of_half_the_squared_errors():
    batch = all_of(random_table(users=4, items=5))
    b_u, b_i, p, q, y = drawn(4, 5)

    def loss(p, q, y):
        return 0.5 * (svdpp_gradients(batch, 3.0, b_u, b_i, p, q, y).error ** 2).sum()

    g = svdpp_gradients(batch, 3.0, b_u, b_i, p, q, y)
    g_y = neighbourhood(batch).T @ g.user
    np.testing.assert_allclose(g.user, -numeric_gradient(lambda v: loss(v, q, y), p), atol=1e-5)
    np.testing.assert_allclose(g.item, -numeric_gradient(lambda v: loss(p, v, y), q), atol=1e-5)
    np.testing.assert_allclose(g_y, -numeric_gradient(lambda v: loss(p, q, v), y), atol=1e-5)


def test_the_batched_update_of_a_user_with_one_rating_is_the_naive_one():
    batch = all_of(table([("a", "x", 4.0)]))
    b_u, b_i, p, q, y = drawn(1, 1)
    g = svdpp_gradients(batch, 3.0, b_u, b_i, p, q, y)
    g_y, bend = implicit_gradient(batch, g.user, g.user_norm, 0.01)
    error = 4.0 - (3.0 + b_u[0] + b_i[0] + q[0] @ (p[0] + y[0]))
    np.testing.assert_allclose(g.user[0], error * q[0], rtol=1e-12)
    # |N|^-1/2 = 1, and one rating of one user is one step
    np.testing.assert_allclose(moved(y, g_y, np.array([1]), 0.01, 0.0, bend)[0], y[0] + 0.01 * error * q[0], rtol=1e-12)
    np.testing.assert_allclose(g.item[0], error * (p[0] + y[0]), rtol=1e-12)


def test_what_a_user_asks_of_the_sum_is_dealt_out_and_users_come_one_after_another():
    batch = all_of(random_table(users=4, items=5))
    rng = np.random.default_rng(0)
    gradient, k, rate = rng.normal(size=(4, 3)), rng.random(4), 0.1
    g_y, k_y = implicit_gradient(batch, gradient, k, rate)
    for j in range(5):
        raters = batch.user[batch.item == j]
        n = batch.user_counts[raters]
        m = (1 - (1 - rate * k[raters]) ** n) / (rate * k[raters])
        want = (gradient[raters] * (m / n / np.sqrt(n))[:, None]).sum(0)
        np.testing.assert_allclose(g_y[j], want, rtol=1e-10)
        assert k_y[j] == pytest.approx((k[raters] * m).mean())


def test_without_implicit_factors_it_is_biased_matrix_factorisation():
    batch = all_of(random_table())
    b_u, b_i, p, q, y = drawn(12, 9)
    with_none = svdpp_gradients(batch, 3.0, b_u, b_i, p, q, 0 * y)
    for one, two in zip(with_none, mf_gradients(batch, 3.0, b_u, b_i, p, q), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_order_of_a_users_items_does_not_matter():
    ratings = random_table()
    rows = ratings.frame().to_numpy()
    turned = table([tuple(row) for row in rows[np.lexsort((-np.arange(len(rows)), ratings.user))]])
    one, two = (neighbourhood(Layout(t).batch(np.arange(12))) for t in (ratings, turned))
    order = turned.items.rows(ratings.items.names)
    np.testing.assert_array_equal(one.toarray(), two.toarray()[:, order])


def test_user_vectors_sum_what_was_rated():
    ratings = random_table(users=4, items=5)
    _, _, p, _, y = drawn(4, 5)
    got = user_vectors(ratings, p, y)
    for u in range(4):
        near = ratings.item[ratings.user == u]
        np.testing.assert_allclose(got[u], p[u] + y[near].sum(0) / len(near) ** 0.5, atol=1e-6)


def test_what_is_predicted_depends_on_training_ratings_alone():
    ratings = random_table(users=6, items=8, density=0.4)
    model = SVDpp(epochs=3).fit(ratings)
    unseen = np.argwhere(ratings.matrix_of_ones.toarray() == 0)
    alone = [model.score(pair[:1], pair[1:], None)[0] for pair in unseen]
    np.testing.assert_array_equal(model.score(unseen[:, 0], unseen[:, 1], None), alone)
    near = neighbourhood(Layout(ratings).batch(np.arange(6))).toarray() > 0
    np.testing.assert_array_equal(near, ratings.matrix_of_ones.toarray() > 0)


def test_planted_factors_are_recovered_and_scores_agree():
    planted = planted_factors(users=150, items=80, rank=2, per_user=40, noise=0.1)
    split = random_split(planted.ratings)
    model = SVDpp(embedding_size=4, epochs=80, learning_rate=0.05, reg=0.005, reg_bias=0.001, reg_implicit=0.02).fit(
        split.train
    )
    got = model.predict(split.test.frame())["prediction"] - split.test.rating
    assert np.sqrt((got**2).mean()) < 1.6 * planted.floor(np.flatnonzero(split.in_test))
    np.testing.assert_allclose(model.scores(np.array([3]))[0, 5], model.score(np.array([3]), np.array([5]), None)[0])
