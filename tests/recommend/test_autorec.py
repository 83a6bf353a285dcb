"""Tests of irkit.recommend.autorec."""

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DivergedError
from irkit.recommend.autorec import AutoRec, autorec_loss, decode, encode, penalty
from irkit.recommend.base import Recommender
from tests.recommend.ratings_toy import frame, random_table, table


def small(**settings):
    return AutoRec(**{"hidden_size": 3, "reg": 0.1, "epochs": 5, "learning_rate": 0.01, "average": 0.0, **settings})


def weights(size=4, hidden=2, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {
        "encoder": (hidden, size),
        "hidden_bias": (hidden,),
        "decoder": (size, hidden),
        "output_bias": (size,),
    }
    return {name: torch.tensor(rng.normal(size=shape), requires_grad=True) for name, shape in shapes.items()}


def swapped(ratings):
    whole = ratings.frame().rename(columns={"user_id": "item_id", "item_id": "user_id"})
    return table(whole[["user_id", "item_id", "rating"]].itertuples(index=False), scale=ratings.scale)


# ---------------------------------------------------------------- the network and its loss


def test_the_loss_is_the_formula_cell_by_cell():
    w = weights()
    x = np.array([[5.0, 0.0, 3.0, 0.0], [0.0, 1.0, 0.0, 2.0]])
    observed = np.array([[1, 0, 1, 0], [0, 1, 1, 1]])  # the second row has a rating of 0
    v, m, u, b = (w[name].detach().numpy() for name in ("encoder", "hidden_bias", "decoder", "output_bias"))
    slow = 0.0
    for row in range(2):
        hidden = [1 / (1 + np.exp(-(sum(v[h, d] * x[row, d] for d in range(4)) + m[h]))) for h in range(2)]
        for d in range(4):
            if observed[row, d]:
                slow += (x[row, d] - sum(u[d, h] * hidden[h] for h in range(2)) - b[d]) ** 2
    fast = autorec_loss(decode(w, encode(w, torch.tensor(x))), torch.tensor(x), torch.tensor(observed))
    assert fast.item() == pytest.approx(slow, rel=1e-12)
    assert penalty(w).item() == pytest.approx(0.5 * (sum(v.ravel() ** 2) + sum(u.ravel() ** 2)), rel=1e-12)


def test_unobserved_outputs_get_a_gradient_of_exactly_zero():
    w, x = weights(), torch.tensor([[5.0, 0.0, 3.0, 0.0]], dtype=torch.float64)
    observed = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    output = decode(w, encode(w, x))
    output.retain_grad()
    autorec_loss(output, x, observed).backward()
    assert (output.grad[observed == 0] == 0).all()
    assert (output.grad[observed == 1] != 0).all()
    assert (w["decoder"].grad[[1, 3]] == 0).all()
    assert (w["output_bias"].grad[[1, 3]] == 0).all()


@pytest.mark.parametrize("activation", ["sigmoid", "identity"])
def test_the_gradient_is_the_numerical_one(activation):
    x = torch.tensor([[5.0, 0.0, 3.0, 0.0]], dtype=torch.float64)
    observed = (x > 0).double()
    w = weights()

    def loss(*values):
        net = dict(zip(w, values, strict=True))
        return autorec_loss(decode(net, encode(net, x, activation)), x, observed) + penalty(net)

    assert torch.autograd.gradcheck(loss, tuple(w.values()))


# ---------------------------------------------------------------- the model


def test_before_a_step_the_epoch_loss_is_the_objective_in_any_batches(monkeypatch):
    ratings = random_table()
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: None)
    whole = small(batch_size=99, epochs=1).fit(ratings)
    parts = small(batch_size=2, epochs=1).fit(ratings)
    assert parts.losses_[0] == pytest.approx(whole.losses_[0], rel=1e-5)
    squares = (whole.encoder_**2).sum() + (whole.decoder_**2).sum()
    errors = whole.score(ratings.user, ratings.item, None) - ratings.rating
    assert whole.losses_[0] == pytest.approx((errors**2).sum() + 0.1 / 2 * squares, rel=1e-5)
    heavy = small(batch_size=99, epochs=1, reg_per="rating").fit(ratings)
    assert heavy.losses_[0] == pytest.approx((errors**2).sum() + 0.1 * len(ratings) / 2 * squares, rel=1e-5)


def test_held_out_ratings_leave_the_training_loss_unchanged():
    ratings = random_table(users=10, items=8, density=0.6)
    held_out = np.arange(len(ratings)) % 9 == 0
    train = ratings.kept(~held_out)
    alone, beside = small().fit(train), small().fit(train, ratings.kept(held_out))
    assert beside.losses_ == alone.losses_
    assert len(beside.errors_) == 5
    assert small().fit(ratings).losses_ != alone.losses_


def test_items_of_a_matrix_are_users_of_its_transpose():
    ratings = random_table()
    by_item = small(rows="item", batch_size=4).fit(ratings)
    by_user = small(rows="user", batch_size=4).fit(swapped(ratings))
    np.testing.assert_array_equal(by_item.encoder_, by_user.encoder_)
    user, item = np.array([0, 3, 5]), np.array([1, 2, 8])
    np.testing.assert_array_equal(by_item.score(user, item, None), by_user.score(item, user, None))
    np.testing.assert_allclose(by_item.scores(user)[[0, 1, 2], item], by_item.score(user, item, None), rtol=1e-5)
    np.testing.assert_allclose(by_user.scores(item)[[0, 1, 2], user], by_user.score(item, user, None), rtol=1e-5)


def test_with_identities_and_no_penalty_it_is_a_masked_linear_autoencoder():
    ratings = random_table(users=7, items=5)
    model = small(rows="user", activation="identity", reg=0.0, hidden_size=2, epochs=30, batch_size=99).fit(ratings)
    x = ratings.matrix.toarray().astype(np.float32)
    mask = ratings.matrix_of_ones.toarray().astype(np.float32)
    # The same start (0 steps), then plain Adam on the linear map written out by hand.
    start = model_at_start(ratings)
    v, m, u, b = (start[name].copy() for name in ("encoder", "hidden_bias", "decoder", "output_bias"))
    params, first, second = [v, m, u, b], [0.0] * 4, [0.0] * 4
    for t in range(1, 31):
        v, m, u, b = params
        hidden = x @ v.T + m
        g = -2 * mask * (x - hidden @ u.T - b)
        back = g @ u
        gradients = [back.T @ x, back.sum(0), g.T @ hidden, g.sum(0)]
        for k, gradient in enumerate(gradients):
            first[k] = 0.9 * first[k] + 0.1 * gradient
            second[k] = 0.999 * second[k] + 0.001 * gradient**2
            move = first[k] / (1 - 0.9**t) / (np.sqrt(second[k] / (1 - 0.999**t)) + 1e-8)
            params[k] = params[k] - 0.01 * move
    v, m, u, b = params
    np.testing.assert_allclose(model.scores(np.arange(7)), (x @ v.T + m) @ u.T + b, rtol=2e-3, atol=2e-3)


def model_at_start(ratings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", lambda self: None)
        found = small(rows="user", activation="identity", reg=0.0, hidden_size=2, epochs=1, batch_size=99).fit(ratings)
    return {name: getattr(found, f"{name}_") for name in ("encoder", "hidden_bias", "decoder", "output_bias")}


def test_predictions_are_clipped_and_unknown_pairs_get_the_fall_back():
    ratings = random_table()
    model = small(epochs=1, learning_rate=5.0).fit(ratings)
    raw = model.score(ratings.user, ratings.item, None)
    assert raw.max() > 5
    got = model.predict(ratings.frame())
    np.testing.assert_array_equal(got["prediction"], np.clip(raw, 1, 5))
    cold = model.predict(frame([("new", "i1", 0), ("u1", "new", 0), ("new", "new", 0)]))
    item = ratings.items.rows(["i1"])[0]
    user = ratings.users.rows(["u1"])[0]
    want = model.mean_ + np.array([model.item_bias_[item], model.user_bias_[user], 0])
    np.testing.assert_allclose(cold["prediction"], np.clip(want, 1, 5))


def test_it_learns_two_groups_of_users_better_than_the_bias_baseline():
    rng = np.random.default_rng(3)
    rows = [
        (f"u{u}", f"i{i}", 5.0 if u % 2 == i % 2 else 1.0) for u in range(30) for i in range(24) if rng.random() < 0.5
    ]
    ratings = table(rows)
    held_out = rng.random(len(ratings)) < 0.2
    train, test = ratings.kept(~held_out), ratings.kept(held_out)
    model = small(hidden_size=8, reg=1.0, epochs=150, learning_rate=0.02).fit(train)
    errors = model.predict(test.frame())["prediction"].to_numpy() - test.rating
    assert np.sqrt(np.mean(errors**2)) < 0.6  # the bias baseline: 2
    again = small(hidden_size=8, reg=1.0, epochs=150, learning_rate=0.02).fit(train)
    np.testing.assert_array_equal(again.decoder_, model.decoder_)


def test_a_saved_model_comes_back(tmp_path):
    fitted = small().fit(random_table(), random_table(seed=1))
    fitted.save(tmp_path / "m")
    again = Recommender.load(tmp_path / "m")
    assert again == fitted
    np.testing.assert_array_equal(again.scores(np.arange(4)), fitted.scores(np.arange(4)))


def test_wrong_settings_and_a_rate_too_high_are_errors():
    with pytest.raises(ConfigError, match="autorec: rows is not valid, got 'movie'"):
        AutoRec(rows="movie")
    wrong = r"autorec: the loss part 'loss' is (inf|nan) at step [0-9]+; lower learning_rate, got 1e\+30, or divide"
    with pytest.raises(DivergedError, match=wrong):
        small(learning_rate=1e30, epochs=9, activation="identity").fit(random_table())
