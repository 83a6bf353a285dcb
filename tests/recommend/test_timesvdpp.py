"""Tests of irkit.recommend.timesvdpp and calendar."""

import numpy as np
import pytest

from irkit.recommend.calendar import Calendar, Moments, deviation
from irkit.recommend.guards import future_probe
from irkit.recommend.simulate import planted_item_step, planted_user_drift
from irkit.recommend.splits import random_split, time_split
from irkit.recommend.svdpp import SVDpp, neighbourhood
from irkit.recommend.timesvdpp import Grouping, TimeSVDpp, timesvdpp_gradients
from tests.recommend.ratings_toy import random_table, table
from tests.recommend.test_biased_mf import all_of, numeric_gradient

DAY = 86_400.0
USERS, ITEMS, SIZE, BINS = 4, 5, 3, 2


def rmse(model, part):
    return float(np.sqrt(((model.predict(part.frame())["prediction"] - part.rating) ** 2).mean()))


# ---------------------------------------------------------------- time


def test_the_deviation_on_paper():
    t = np.array([100.0, 132.0, 68.0])
    np.testing.assert_allclose(deviation(t, np.full(3, 100.0), 0.4), [0.0, 4.0, -4.0], rtol=1e-12)


def test_the_calendar_on_paper():
    user, t = np.array([0, 0, 1, 1]), np.array([0.0, 10.2, 4.0, 4.5])
    calendar = Calendar(user, t, users=2, bins=5, beta=1.0)
    got = calendar.moments(user, t, "freeze")
    np.testing.assert_allclose(got.dev, [-5.1, 5.1, -0.25, 0.25], rtol=1e-6)
    assert got.bin.tolist() == [0, 4, 1, 2]
    assert got.day.tolist() == [0, 1, 2, 2]
    unseen = calendar.moments(np.array([1, 0, 0]), np.array([0.5, 4.2, -3.0]), "freeze")
    assert unseen.day.tolist() == [-1, -1, -1]
    assert unseen.bin.tolist() == [0, 2, 0]


@pytest.mark.parametrize(("policy", "dev", "part"), [("freeze", 5.1, 4), ("mean", 0.0, -1), ("model", 20.0 - 5.1, 4)])
def test_what_happens_after_the_last_rating_is_as_named(policy, dev, part):
    calendar = Calendar(np.array([0, 0]), np.array([0.0, 10.2]), users=1, bins=5, beta=1.0)
    late = calendar.moments(np.array([0]), np.array([20.0]), policy)
    assert late.dev[0] == pytest.approx(dev, rel=1e-6)
    assert (late.bin[0], late.day[0]) == (part, -1)
    inside = calendar.moments(np.array([0]), np.array([10.2]), policy)
    assert inside.dev[0] == pytest.approx(5.1, rel=1e-6)
    assert (inside.bin[0], inside.day[0]) == (4, 1)


# ---------------------------------------------------------------- gradients


def everything(seed=0):
    """A batch with every term, its moments and random parameters."""
    ratings = random_table(users=USERS, items=ITEMS, time=True, seed=seed)
    batch = all_of(ratings)
    rng = np.random.default_rng(seed)
    m = len(ratings)
    days = np.sort(rng.integers(0, 3, m)) + 10 * batch.user  # some ratings of a user share a day
    day = Grouping.of(np.unique(days, return_inverse=True)[1], batch.user)
    moments = Moments(rng.normal(size=m), rng.integers(0, BINS, m), day.place)
    cell = Grouping.of(batch.item * BINS + moments.bin, batch.item)
    shapes = {
        "user_deviations": (USERS,),
        "item_deviations": (ITEMS,),
        "user_factors": (USERS, SIZE),
        "item_factors": (ITEMS, SIZE),
        "implicit_factors": (ITEMS, SIZE),
        "drift": (USERS,),
        "drift_factors": (USERS, SIZE),
        "bins": (len(cell.rows),),
        "day_deviations": (len(day.rows),),
        "day_factors": (len(day.rows), SIZE),
        "scaling": (USERS,),
        "day_scaling": (len(day.rows),),
    }
    return batch, moments, day, cell, {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_the_prediction_is_the_formula_term_by_term():
    batch, moments, day, cell, v = everything()
    error, _, _ = timesvdpp_gradients(batch, 3.0, moments, day, cell, v)
    for n, (u, i, r) in enumerate(zip(batch.user, batch.item, batch.rating, strict=True)):
        near = batch.item[batch.user == u]
        s = v["implicit_factors"][near].sum(0) / len(near) ** 0.5
        dev, d = moments.dev[n], day.place[n]
        level = v["user_deviations"][u] + v["drift"][u] * dev + v["day_deviations"][d]
        about = (v["item_deviations"][i] + v["bins"][cell.place[n]]) * (v["scaling"][u] + v["day_scaling"][d])
        taste = v["user_factors"][u] + v["drift_factors"][u] * dev + v["day_factors"][d] + s
        assert error[n] == pytest.approx(r - (3.0 + about + level + v["item_factors"][i] @ taste))


def test_gradients_are_those_of_half_the_squared_errors():
    batch, moments, day, cell, v = everything()
    _, g, (norm_u, norm_i) = timesvdpp_gradients(batch, 3.0, moments, day, cell, v)
    assert norm_u[2] == pytest.approx((v["item_factors"][batch.item[batch.user == 2]] ** 2).sum(1).mean())
    assert norm_i.shape == (ITEMS,)
    assert (day.owner[day.place] == batch.user).all()
    assert (cell.owner[cell.place] == batch.item).all()
    g["implicit_factors"] = neighbourhood(batch).T @ g["user_factors"]
    assert set(g) == set(v)
    for name in v:

        def loss(values, name=name):
            return 0.5 * (timesvdpp_gradients(batch, 3.0, moments, day, cell, {**v, name: values})[0] ** 2).sum()

        np.testing.assert_allclose(g[name], -numeric_gradient(loss, v[name]), atol=1e-4, err_msg=name)


# ---------------------------------------------------------------- the model


def test_without_terms_of_time_it_is_svdpp_bit_for_bit():
    ratings = random_table(time=True)
    one = TimeSVDpp(epochs=4, bins=1, drift=False, days=False, batch_size=20).fit(ratings)
    two = SVDpp(epochs=4, batch_size=20).fit(ratings)
    for name in ("user_deviations_", "item_deviations_", "item_factors_", "user_vectors_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    day = np.full(3, ratings.days.max())
    np.testing.assert_array_equal(one.scores(np.arange(3), day), two.scores(np.arange(3)))


def test_moving_all_timestamps_changes_nothing():
    rows = [tuple(row) for row in random_table(time=True).frame().to_numpy()]
    later = [(u, i, r, t + 1000 * DAY + 4321.0) for u, i, r, t in rows]
    settings = {"epochs": 3, "bins": 4, "day_factors": True, "item_scaling": True}
    scores = []
    for some in (rows, later):
        model = TimeSVDpp(**settings).fit(table(some, time=True))
        scores.append(model.predict(model.fitted.frame())["prediction"])
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)


def test_scores_of_lists_are_scores_of_pairs():
    ratings = random_table(time=True)
    for settings in ({}, {"bins": 3, "day_factors": True, "item_scaling": True}, {"extrapolate": "mean", "bins": 2}):
        model = TimeSVDpp(epochs=2, **settings).fit(ratings)
        days = ratings.days[[0, 5, 9]] + np.array([0.0, 0.2, 500.0])
        lists = model.scores(np.array([0, 4, 2]), days)
        pairs = model.score(np.repeat([0, 4, 2], 9), np.tile(np.arange(9), 3), np.repeat(days, 9))
        np.testing.assert_allclose(lists.ravel(), pairs, rtol=1e-6)


def test_a_copy_fitted_on_other_ratings_has_another_calendar():
    first = TimeSVDpp(epochs=1).fit(random_table(time=True))
    again = first.fit(random_table(users=20, seed=3, time=True))
    direct = TimeSVDpp(epochs=1).fit(random_table(users=20, seed=3, time=True))
    pairs = direct.fitted.frame()
    np.testing.assert_array_equal(again.predict(pairs)["prediction"], direct.predict(pairs)["prediction"])


def test_a_prediction_for_a_moment_does_not_read_later_ratings():
    ratings = random_table(time=True)
    model = TimeSVDpp(epochs=2, bins=2, day_factors=True).fit(ratings)
    future_probe(model, ratings.frame()[["user_id", "item_id"]], float(np.median(ratings.days) * DAY))


FLAT = {"embedding_size": 2, "reg": 0.1, "reg_implicit": 0.1, "reg_bias": 0.002, "learning_rate": 0.03, "epochs": 60}


def test_a_planted_step_of_items_is_recovered_by_bins_and_not_without():
    split = random_split(planted_item_step(step=2.0, noise=0.3).ratings)
    plain = SVDpp(**FLAT).fit(split.train)
    binned = TimeSVDpp(**FLAT, bins=2, drift=False, days=False, reg_bin=0.002).fit(split.train)
    assert rmse(plain, split.test) > 0.8
    assert rmse(binned, split.test) < 0.4
    change = binned.bins_.reshape(-1, 2)
    assert np.abs(np.abs(change[:, 1] - change[:, 0]) - 2.0).mean() < 0.2


def test_a_planted_drift_of_users_is_recovered_by_the_drift_term():
    planted = planted_user_drift(drift=0.3, noise=0.3)
    split = random_split(planted.ratings)
    plain = SVDpp(**FLAT).fit(split.train)
    drifting = TimeSVDpp(**FLAT, days=False, drift_rate=0.3, reg_drift=0.01).fit(split.train)
    assert rmse(drifting, split.test) < 0.9 * rmse(plain, split.test)
    assert rmse(drifting, split.test) < 1.25 * planted.floor(np.flatnonzero(split.in_test))
    direction = [
        np.sign(np.corrcoef(split.train.days[rows], split.train.rating[rows])[0, 1])
        for rows in (split.train.user == u for u in range(len(split.train.users)))
    ]
    assert np.mean(np.sign(drifting.drift_) == direction) > 0.95


def test_a_cut_in_time_predicts_with_every_policy():
    split = time_split(planted_user_drift(noise=0.3).ratings, fraction=0.2)
    errors = {}
    for policy in ("freeze", "mean", "model"):
        errors[policy] = rmse(
            TimeSVDpp(**FLAT, days=False, extrapolate=policy, drift_rate=0.3).fit(split.train), split.test
        )
    assert len(set(errors.values())) == 3
    assert errors["freeze"] < errors["mean"]  # the planted drift goes on
