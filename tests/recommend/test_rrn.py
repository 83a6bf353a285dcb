"""Tests of irkit.recommend.rrn and steps."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, FrameError
from irkit.recommend.base import Recommender
from irkit.recommend.biased_mf import BiasedMF
from irkit.recommend.rrn import RRN, Pairs, all_vectors, half_loss, vectors
from irkit.recommend.steps import YEAR, history
from irkit.recommend.svdpp import SVDpp
from irkit.recommend.table import DAY, RatingTable
from tests.recommend.ratings_toy import frame, random_table, table

SMALL = {"hidden_size": 4, "input_size": 3, "dynamic_size": 2, "stationary_size": 2, "mf_epochs": 5, "epochs": 2}


def small(**settings):
    return RRN(**{**SMALL, "learning_rate": 0.02, "init": 0.5, **settings})


def sizes(others, width=3, hidden=4, dynamic=2, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {
        "embedding": (others, width),
        "signs": (3, width),
        "in": (width, 4 * hidden),
        "back": (hidden, 4 * hidden),
        "gate_bias": (4 * hidden,),
        "projection": (hidden, dynamic),
        "constant": (dynamic,),
    }
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def net(users, items, seed=0):
    """Double-precision weights of both sides."""
    found = {f"user_{name}": value for name, value in sizes(items, seed=seed).items()}
    found |= {f"item_{name}": value for name, value in sizes(users, seed=seed + 1).items()}
    rng = np.random.default_rng(seed + 2)
    for side, number in (("user", users), ("item", items)):
        found |= {f"{side}_deviations": rng.normal(size=number), f"{side}_factors": rng.normal(size=(number, 2))}
    return {name: torch.tensor(value, requires_grad=True) for name, value in found.items()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def slow_vector(w, ratings, until, length, origin, dense):
    """One entity's vector from (other, value, day), walking over steps strictly before `until`.

    `dense` walks over every step of the calendar and does nothing in an empty one; else over steps with ratings.
    """
    w = {name.split("_", 1)[1]: value.detach().numpy() for name, value in w.items()}
    by_step = {}
    for other, value, day in ratings:
        by_step.setdefault(int(day // length), []).append((other, value))
    walk = range(min(by_step, default=0), until) if dense else sorted(step for step in by_step if step < until)
    h, c, before = np.zeros(4), np.zeros(4), None
    for step in walk:
        if step not in by_step:
            continue
        now = (step * length - origin) / YEAR
        rated = by_step[step]
        y = sum(value * w["embedding"][other] for other, value in rated) / np.sqrt(len(rated))
        y = y + w["signs"][0] * (before is None) + w["signs"][1] * now
        y = y + w["signs"][2] * (now if before is None else before)
        i, f, o, g = np.split(y @ w["in"] + h @ w["back"] + w["gate_bias"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h, before = sigmoid(o) * np.tanh(c), now
    return h @ w["projection"] + w["constant"]


def of_user(w):
    return {name: value for name, value in w.items() if name.startswith("user_")}


def read_users(ratings, length=7.0):
    mean, origin = ratings.rating.mean(), float(ratings.days.min())
    value = ratings.rating - mean
    return history(ratings.user, ratings.item, value, ratings.days, len(ratings.users), length, origin), value, origin


# ---------------------------------------------------------------- histories and states


def test_a_history_on_paper():
    read = history(
        np.array([1, 0, 1, 1]),
        np.array([5, 2, 4, 3]),
        np.array([1.0, -1, 2, 3]),
        np.array([15.0, 0, 10, 13]),
        3,
        7.0,
        0.0,
    )
    # User 0: step 0. User 1: step 1 (days 10 and 13) and step 2 (day 15). User 2: none.
    assert read.ptr.tolist() == [0, 1, 3, 3]
    assert read.newbie.tolist() == [1, 1, 0]
    np.testing.assert_allclose(read.now * YEAR, [0, 7, 14], rtol=1e-6)
    np.testing.assert_allclose(read.last * YEAR, [0, 7, 7], rtol=1e-6)
    assert read.rating_ptr.tolist() == [0, 1, 3, 4]
    assert read.other.tolist() == [2, 3, 4, 5]
    np.testing.assert_allclose(read.value, [-1, 3 / 2**0.5, 2 / 2**0.5, 1], rtol=1e-6)


def test_the_clock_counts_only_steps_strictly_before():
    ratings = random_table(users=5, items=8, time=True)
    read, _, _ = read_users(ratings, length=3.0)
    days = np.linspace(ratings.days.min() - 20, ratings.days.max() + 20, 200)
    for user in range(5):
        steps = np.unique(np.floor(ratings.days[ratings.user == user] / 3.0))
        first = sum(len(np.unique(np.floor(ratings.days[ratings.user == u] / 3.0))) + 1 for u in range(user))
        want = [first + (steps < np.floor(day / 3.0)).sum() for day in days]
        assert read.clock.before(np.full(200, user), days).tolist() == want


@pytest.mark.parametrize("dense", [True, False])
def test_vectors_are_those_of_the_loop_over_all_steps_or_over_those_with_ratings(dense):
    ratings = random_table(users=5, items=6, time=True)
    read, value, origin = read_users(ratings)
    w = net(5, 6)
    every = vectors(w, "user", read, np.array([3, 0, 4])).detach().numpy()
    start = {3: 0}
    start[0] = start[3] + read.ptr[4] - read.ptr[3] + 1
    start[4] = start[0] + read.ptr[1] - read.ptr[0] + 1
    for user in (3, 0, 4):
        mine = ratings.user == user
        rated = list(zip(ratings.item[mine], value[mine], ratings.days[mine], strict=True))
        for day in (origin - 1, origin + 40, ratings.days.max(), ratings.days.max() + 30):
            row = read.clock.before(np.array([user]), np.array([day]))[0] - read.ptr[user] - user + start[user]
            want = slow_vector(of_user(w), rated, int(day // 7), 7.0, origin, dense)
            np.testing.assert_allclose(every[row], want, rtol=1e-5, atol=1e-6)


def test_the_gradient_is_the_numerical_one():
    ratings = random_table(users=2, items=3, density=0.8, time=True)
    read, _, _ = read_users(ratings, length=20.0)
    w = of_user(net(2, 3))
    w = {name: value for name, value in w.items() if name not in ("user_deviations", "user_factors")}

    def run(*values):
        return vectors(dict(zip(w, values, strict=True)), "user", read, np.arange(2))

    assert torch.autograd.gradcheck(run, tuple(w.values()))


def test_truncation_changes_gradients_and_no_value():
    read, _, _ = read_users(random_table(users=2, items=9, density=0.9, time=True), length=5.0)
    found = []
    for truncate in (2, 1000):
        w = net(2, 9)
        out = vectors(w, "user", read, np.arange(2), truncate)
        out.square().sum().backward()
        found.append((out.detach(), w["user_embedding"].grad))
    torch.testing.assert_close(found[0][0], found[1][0])
    assert not torch.allclose(found[0][1], found[1][1])


# ---------------------------------------------------------------- alternation


@pytest.mark.parametrize("side", ["user", "item"])
def test_a_half_has_the_gradient_of_the_whole_with_the_other_side_detached(side):
    ratings = random_table(users=4, items=5, time=True)
    value, days = ratings.rating - ratings.rating.mean(), ratings.days
    number = {"user": ratings.user, "item": ratings.item}
    opposite = "item" if side == "user" else "user"
    reads = {
        "user": history(ratings.user, ratings.item, value, days, 4, 7.0, 0.0),
        "item": history(ratings.item, ratings.user, value, days, 5, 11.0, 0.0),
    }
    row = {name: reads[name].clock.before(number[name], days) for name in reads}
    w = net(4, 5)
    with torch.no_grad():
        held = all_vectors(w, opposite, reads[opposite])
    own = vectors(w, side, reads[side], np.arange(4 if side == "user" else 5))
    pairs = Pairs(number[side], number[opposite], row[side], row[opposite], value)
    half_loss(w, side, pairs, own, held).backward()

    whole = net(4, 5)
    both = {name: all_vectors(whole, name, reads[name])[torch.from_numpy(row[name])] for name in reads}
    b = {name: whole[f"{name}_deviations"][torch.from_numpy(number[name])] for name in reads}
    p = {name: whole[f"{name}_factors"][torch.from_numpy(number[name])] for name in reads}
    both[opposite], b[opposite], p[opposite] = (part[opposite].detach() for part in (both, b, p))
    predicted = b["user"] + b["item"] + (p["user"] * p["item"]).sum(1) + (both["user"] * both["item"]).sum(1)
    (torch.from_numpy(value) - predicted).square().mean().backward()
    for name in w:
        if name.startswith(side):
            torch.testing.assert_close(w[name].grad, whole[name].grad)
        else:
            assert w[name].grad is None


# ---------------------------------------------------------------- the model


def test_with_projections_of_zero_it_is_matrix_factorisation():
    ratings = random_table(time=True)
    model = small(init=0.0, epochs=1).fit(ratings)
    mf = BiasedMF(embedding_size=2, epochs=5, reg=0.08, seed=1).fit(ratings)
    got = model.score(ratings.user, ratings.item, ratings.days)
    np.testing.assert_allclose(got, mf.score(ratings.user, ratings.item, None), atol=1e-6)
    moved = small().fit(ratings).score(ratings.user, ratings.item, ratings.days)
    assert np.abs(moved - got).max() > 1e-3


def test_stationary_parameters_stay_unless_they_are_learned():
    ratings = random_table(time=True)
    mf = BiasedMF(embedding_size=2, epochs=5, reg=0.08, seed=1).fit(ratings)
    fixed, learned = small().fit(ratings), small(stationary="learned").fit(ratings)
    np.testing.assert_array_equal(fixed.user_factors_, mf.user_factors_)
    for name in ("user_factors_", "item_factors_", "user_deviations_", "item_deviations_"):
        assert np.abs(getattr(learned, name) - getattr(mf, name)).max() > 1e-3


@pytest.mark.parametrize(("steps", "cut"), [((7.0, 7.0), 42.0), ((7.0, 7.0), 112.0), ((5.0, 12.0), 60.0)])
def test_causality_probe_bit_for_bit(steps, cut):
    train = random_table(users=300, items=9, density=0.4, time=True)
    model = small(user_step=steps[0], item_step=steps[1], epochs=1).fit(train)
    later = random_table(users=300, items=9, density=0.4, seed=5, time=True)
    kept = later.days < cut
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 300, 500), rng.integers(0, 9, 500)
    days = cut + rng.uniform(0, min(steps), 500)  # the step that begins at the cut
    want = model.observing(later).score(user, item, days)
    altered = replace(later, rating=np.where(kept, later.rating, 6 - later.rating))
    moved = replace(later, time=np.where(kept, later.time, later.time + rng.uniform(0, 9, len(later))))
    for other in (altered, moved, later.kept(kept)):
        np.testing.assert_array_equal(model.observing(other).score(user, item, days), want)
    # The probe can fail: ratings just before the cut do matter.
    before = replace(later, rating=np.where(later.days < cut - 1, later.rating, 6 - later.rating))
    assert (model.observing(before).score(user, item, days) != want).any()


def test_the_order_of_ratings_within_a_step_changes_nothing():
    ratings = random_table(time=True)
    week = np.floor(ratings.days / 7)
    rng = np.random.default_rng(1)
    moved = replace(ratings, time=np.minimum((week + rng.random(len(ratings))) * 7, (week + 1) * 7 - 1e-6))
    model = small().fit(ratings)
    number = rng.permutation(len(ratings))
    shuffled = RatingTable(
        moved.users,
        moved.items,
        moved.user[number],
        moved.item[number],
        moved.rating[number],
        moved.time[number],
        moved.scale,
    )
    days = np.full(len(ratings), ratings.days.max() + 7)
    reads = [model._read(data)["user"] for data in (ratings, shuffled)]
    np.testing.assert_array_equal(reads[0].clock.keys, reads[1].clock.keys)
    for first, second in zip(reads[0][1:], reads[1][1:], strict=True):
        np.testing.assert_array_equal(first, second)
    model.train = shuffled
    model._run(model._read(shuffled))
    again = model.score(ratings.user, ratings.item, days)
    model._run(model._read(ratings))
    np.testing.assert_array_equal(again, model.score(ratings.user, ratings.item, days))


def test_causal_predictions_end_with_training_and_online_ones_go_on():
    ratings = random_table(users=8, items=8, density=0.8, time=True)
    day = np.quantile(ratings.days, 0.6)
    train = ratings.kept(ratings.days < day)
    train, test = train.compact(), ratings.kept(ratings.days >= day).like(train.compact())
    model = small().fit(train)
    late = np.full(len(test), day + 8), np.full(len(test), day + 800)
    frozen = [model.score(test.user, test.item, when) for when in late]
    np.testing.assert_array_equal(*frozen)
    online = model.observing(test)
    assert np.abs(online.score(test.user, test.item, late[1]) - frozen[1]).max() > 1e-4
    early = train.days.min() + 1
    np.testing.assert_array_equal(
        online.score(train.user, train.item, np.full(len(train), early)),
        model.score(train.user, train.item, np.full(len(train), early)),
    )
    assert online != model
    with pytest.raises(ConfigError, match="rrn: has observed ratings already"):
        online.observing(test)
    with pytest.raises(FrameError, match="rrn: ratings must be a RatingTable"):
        model.observing(test.frame())
    with pytest.raises(FrameError, match="rrn: uses time, but train has none"):
        small().fit(random_table())


def regime(seed=0, users=60, items=20, days=120, change=50):
    """Two clusters of users like opposite halves of the items, and swap at a date; noise of .5."""
    rng = np.random.default_rng(seed)
    rows = []
    for u in range(users):
        for i in range(items):
            if rng.random() < 0.6:
                day = rng.uniform(0, days)
                likes = (u % 2 == i % 2) != (day > change)
                rating = np.clip((4 if likes else 2) + rng.normal(0, 0.5), 1, 5)
                rows.append((f"u{u}", f"i{i}", rating, day * DAY))
    return table(rows, time=True, scale=(1, 5))


def test_it_sees_a_planted_change_of_regime_that_matrix_factorisation_cannot():
    ratings = regime()
    cut = 85.0
    train, test = ratings.before(cut), ratings.kept(ratings.days >= cut)
    pairs = test.frame()
    static = [kind(embedding_size=4, epochs=40).fit(train) for kind in (BiasedMF, SVDpp)]
    settings = {"user_step": 5.0, "item_step": 5.0, "hidden_size": 12, "input_size": 8, "dynamic_size": 4}
    model = RRN(**settings, stationary_size=4, mf_epochs=40, epochs=40, learning_rate=0.02, batch_size=30).fit(train)
    predicted = [found.predict(pairs)["prediction"] for found in (*static, model)]
    mf, svdpp, rrn = (np.sqrt(np.mean((of_one - test.rating) ** 2)) for of_one in predicted)
    assert rrn < 0.95 * min(mf, svdpp)


def test_a_saved_model_comes_back_and_so_does_what_it_observed(tmp_path):
    fitted = small().fit(random_table(time=True), random_table(seed=1, time=True))
    for model in (fitted, fitted.observing(random_table(seed=2, time=True))):
        model.save(tmp_path / "m")
        again = Recommender.load(tmp_path / "m")
        assert again == model
        pairs = frame([("u1", "i3", 0.0, 40 * DAY), ("new", "i3", 0.0, 40 * DAY)], time=True)
        assert again.predict(pairs)["prediction"].tolist() == model.predict(pairs)["prediction"].tolist()
        np.testing.assert_array_equal(
            again.scores(np.arange(3), np.full(3, 9.0)), model.scores(np.arange(3), np.full(3, 9.0))
        )


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match="rrn: user_step is not valid, got 0"):
        RRN(user_step=0)
