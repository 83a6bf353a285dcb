"""Tests of irkit.recommend.biased_mf and descent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import DivergedError
from irkit.recommend import descent
from irkit.recommend.biased_mf import BiasedMF, mf_gradients
from irkit.recommend.descent import Layout, learn, moved
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import random_split
from tests.recommend.ratings_toy import random_table, table


def all_of(ratings):
    """One batch with everything, in float64."""
    layout = Layout(ratings)
    layout.rating = layout.rating.astype(np.float64)
    return layout.batch(np.arange(len(ratings.users)))


def numeric_gradient(function, x, step=1e-6):
    out = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        out[place] = (function(up) - function(down)) / (2 * step)
    return out


# ---------------------------------------------------------------- batches


@given(size=st.integers(1, 60), seed=st.integers(0, 5))
@settings(max_examples=15)
def test_an_epoch_is_every_rating_once_and_every_user_whole(size, seed):
    ratings = random_table(seed=seed)
    layout = Layout(ratings)
    met = []
    for batch in layout.batches(size, np.random.default_rng(seed)):
        rows = layout.order[batch.row]
        met.extend(rows.tolist())
        np.testing.assert_array_equal(batch.users[batch.user], ratings.user[rows])
        np.testing.assert_array_equal(batch.items[batch.item], ratings.item[rows])
        np.testing.assert_array_equal(batch.rating, ratings.rating[rows])
        assert (np.bincount(ratings.user)[batch.users] == batch.user_counts).all()
        assert batch.item_counts.sum() == len(rows)
    assert sorted(met) == list(range(len(ratings)))


def test_sums_over_users_and_items_are_plain_sums():
    batch = all_of(random_table())
    values = np.random.default_rng(0).normal(size=len(batch.row))
    for k in range(len(batch.users)):
        assert batch.by_user(values)[k] == pytest.approx(values[batch.user == k].sum())
    for k in range(len(batch.items)):
        assert batch.by_item(values)[k] == pytest.approx(values[batch.item == k].sum())
    matrix = batch.matrix(values).toarray()
    assert matrix[batch.user, batch.item] == pytest.approx(values)


# ---------------------------------------------------------------- steps


def test_a_row_moves_as_n_steps_one_after_another_on_its_quadratic():
    # half the squared errors of five equal ratings 3 under a prediction x: gradient 3 - x each
    x, rate = 1.0, 0.1
    for _ in range(5):
        x += rate * (3 - x)
    got = moved(np.array([1.0]), np.array([5 * 2.0]), np.array([5]), rate, 0.0)
    assert got[0] == pytest.approx(x, rel=1e-12)
    x = 1.0
    for _ in range(5):
        x += rate * 4 * (3 - x)  # a prediction of 2 x for ratings of 6: curvature 4
    got = moved(np.array([1.0]), np.array([5 * 4 * 2.0]), np.array([5]), rate, 0.0, curvature=4.0)
    assert got[0] == pytest.approx(x, rel=1e-12)


def test_one_rating_gives_the_usual_step_and_any_penalty_is_stable():
    row, gradient = np.array([[1.0, -2.0]]), np.array([[0.5, 0.25]])
    got = moved(row, gradient, np.array([1]), 0.1, 0.0)
    np.testing.assert_allclose(got, row + 0.1 * gradient, rtol=1e-12)
    got = moved(row, gradient, np.array([1]), 0.1, 2.0)
    np.testing.assert_allclose(got, (row + 0.1 * gradient) / 1.2, rtol=1e-12)
    assert np.abs(moved(row, 0 * gradient, np.array([100]), 0.1, 1e12)).max() < 1e-9


def test_a_fixed_point_of_the_step_is_a_minimum_of_the_penalised_loss():
    # n = 7, gradient 7 (3 - x), penalty 0.5 a rating: x = 3 / 1.5
    x = np.array([0.0])
    for _ in range(3000):
        x = moved(x, 7 * (3 - x), np.array([7]), 0.01, 0.5)
    assert x[0] == pytest.approx(2.0, rel=1e-6)


def test_learning_keeps_the_best_epoch_and_stops_after_patience():
    values = {"x": np.zeros(1)}
    errors = iter([3.0, 2.0, 1.0, *[5.0] * 20])

    def step(batch, rate):
        values["x"] += 1

    got = learn(
        values,
        step,
        Layout(table([("a", "x", 1.0)])),
        epochs=20,
        learning_rate=0.1,
        batch_size=10,
        rng=np.random.default_rng(0),
        error=lambda: next(errors),
        who="toy",
    )
    assert len(got) == 3 + descent.PATIENCE
    assert values["x"][0] == 3


def test_the_learning_rate_falls_linearly():
    rates = []
    learn(
        {},
        lambda batch, rate: rates.append(rate),
        Layout(table([("a", "x", 1.0)])),
        epochs=4,
        learning_rate=0.4,
        batch_size=10,
        rng=np.random.default_rng(0),
        error=None,
        who="toy",
    )
    np.testing.assert_allclose(rates, [0.4, 0.3, 0.2, 0.1])


def test_divergence_is_an_error_that_says_what_to_lower():
    with pytest.raises(
        DivergedError, match=r"biased-mf: learning diverged in epoch \d+ .*lower learning_rate, got 0.9"
    ):
        BiasedMF(learning_rate=0.9, init=30.0, reg=0.0, epochs=30).fit(random_table(users=60, items=40))


# ---------------------------------------------------------------- the model


def test_gradients_are_those_of_half_the_squared_errors():
    batch = all_of(random_table(users=5, items=4))
    rng = np.random.default_rng(0)
    b_u, b_i, x, q = rng.normal(size=5), rng.normal(size=4), rng.normal(size=(5, 3)), rng.normal(size=(4, 3))

    def loss(b_u, b_i, x, q):
        total = 0.0
        for u, i, r in zip(batch.user, batch.item, batch.rating, strict=True):
            total += 0.5 * (r - (2.5 + b_u[u] + b_i[i] + sum(x[u] * q[i]))) ** 2
        return total

    g = mf_gradients(batch, 2.5, b_u, b_i, x, q)
    assert 0.5 * (g.error**2).sum() == pytest.approx(loss(b_u, b_i, x, q))
    np.testing.assert_allclose(g.user_bias, -numeric_gradient(lambda v: loss(v, b_i, x, q), b_u), atol=1e-6)
    np.testing.assert_allclose(g.item_bias, -numeric_gradient(lambda v: loss(b_u, v, x, q), b_i), atol=1e-6)
    np.testing.assert_allclose(g.user, -numeric_gradient(lambda v: loss(b_u, b_i, v, q), x), atol=1e-6)
    np.testing.assert_allclose(g.item, -numeric_gradient(lambda v: loss(b_u, b_i, x, v), q), atol=1e-6)
    for k in range(5):
        mine = batch.item[batch.user == k]
        assert g.user_norm[k] == pytest.approx((q[mine] ** 2).sum(1).mean())
    for k in range(4):
        theirs = batch.user[batch.item == k]
        assert g.item_norm[k] == pytest.approx((x[theirs] ** 2).sum(1).mean())


def test_without_factors_it_is_the_least_squares_solution_of_the_deviations():
    ratings = random_table(users=8, items=6)
    reg, users, items = 0.3, 8, 6
    design = np.zeros((len(ratings), users + items))
    design[np.arange(len(ratings)), ratings.user] = 1
    design[np.arange(len(ratings)), users + ratings.item] = 1
    left = design.T @ design + reg * np.diag(design.sum(0))  # the penalty counts once a rating
    direct = np.linalg.solve(left, design.T @ (ratings.rating - ratings.rating.mean()))
    model = BiasedMF(embedding_size=0, reg_bias=reg, epochs=400, learning_rate=0.05, batch_size=20).fit(ratings)
    np.testing.assert_allclose(model.user_deviations_, direct[:users], atol=2e-3)
    np.testing.assert_allclose(model.item_deviations_, direct[users:], atol=2e-3)


def test_an_enormous_penalty_leaves_the_mean():
    ratings = random_table()
    model = BiasedMF(reg=1e9, reg_bias=1e9, epochs=3).fit(ratings)
    got = model.score(ratings.user, ratings.item, None)
    np.testing.assert_allclose(got, ratings.rating.mean(), atol=1e-5)


def test_shifting_every_rating_shifts_every_prediction():
    ratings = random_table()
    moved_up = table([(u, i, r + 2) for u, i, r in ratings.frame().to_numpy()])
    one, two = BiasedMF(epochs=5).fit(ratings), BiasedMF(epochs=5).fit(moved_up)
    scores = [model.scores(np.arange(12)) for model in (one, two)]
    np.testing.assert_allclose(scores[1] - scores[0], 2.0, atol=1e-4)


def test_the_planted_rank_is_recovered_almost_to_the_noise():
    planted = planted_factors(users=150, items=80, rank=2, per_user=40, noise=0.1)
    split = random_split(planted.ratings)
    floor = planted.floor(np.flatnonzero(split.in_test))
    model = BiasedMF(embedding_size=4, epochs=120, learning_rate=0.05, reg=0.005, reg_bias=0.001).fit(split.train)
    got = model.predict(split.test.frame())["prediction"] - split.test.rating
    assert np.sqrt((got**2).mean()) < 1.5 * floor


def test_one_seed_one_model_and_scores_agree_with_each_other():
    ratings = random_table()
    one, two = BiasedMF(epochs=3).fit(ratings), BiasedMF(epochs=3).fit(ratings)
    np.testing.assert_array_equal(one.scores(np.arange(3)), two.scores(np.arange(3)))
    assert not np.array_equal(one.item_factors_, BiasedMF(epochs=3, seed=2).fit(ratings).item_factors_)
    pairs = one.score(np.array([1, 2]), np.array([0, 3]), None)
    np.testing.assert_allclose(pairs, one.scores(np.arange(3))[[1, 2], [0, 3]], rtol=1e-6)


def test_held_out_ratings_pick_the_epoch():
    split = random_split(planted_factors(users=60, items=40, per_user=15).ratings, 0.3)
    model = BiasedMF(epochs=200, learning_rate=0.1, reg=0.0).fit(split.train, split.test)
    assert len(model.errors_) < 200
    got = model.predict(split.test.frame())["prediction"] - split.test.rating
    assert np.sqrt((got**2).mean()) == pytest.approx(min(model.errors_), rel=1e-6)
