"""Tests of irkit.recommend.irgan: the game itself is tested in tests/learn/test_game.py."""

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DivergedError
from irkit.learn.metrics import read_metrics
from irkit.learn.saved import SavedRun
from irkit.recipe import load_recipe, setting_names
from irkit.recommend.base import Recommender
from irkit.recommend.dns import DNS
from irkit.recommend.irgan import IRGAN, Liked, arrays_of, factors
from irkit.testing.recommenders import check_recommender
from tests.recommend.ratings_toy import random_table, table

ARRAYS = ("user_factors_", "item_factors_", "item_deviations_")
TRAIN = random_table(users=14, items=11, density=0.5)
VALID = random_table(users=14, items=11, density=0.15, seed=1)
SHORT = {
    "embedding_size": 3,
    "dns_epochs": 2,
    "rounds": 2,
    "discriminator_passes": 2,
    "generator_passes": 1,
    "discriminator_rate": 0.05,
    "generator_rate": 0.05,
    "batch_size": 4,
    "evaluate_every": 1,
    "threshold": 3.0,
    "device": "cpu",
    "threads": 1,
}


def irgan(**settings):
    return IRGAN(**{**SHORT, **settings})


def start(**settings):
    given = {"embedding_size": 3, "epochs": 2, "learning_rate": 0.05, "reg": 0.1, "candidates": 5, "threshold": 3.0}
    return DNS(**{**given, **settings})


def assert_same(one, other):
    """Assert that two models are the same to the last bit, their curves too."""
    for name in (*ARRAYS, "curve_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.fingerprint == other.fingerprint


def differ(one, other):
    return not np.array_equal(one.user_factors_, other.user_factors_)


# ---------------------------------------------------------------- pools and players


def test_the_pools_of_users_by_hand():
    rows = [("a", "x", 5.0), ("a", "z", 4.0), ("b", "y", 1.0), ("c", "z", 5.0), ("d", "y", 4.0), ("d", "w", 2.0)]
    fitted = irgan(threshold=4.0, rounds=0).fit(table(rows))
    users, items = (ids.names.to_pylist() for ids in (fitted.fitted.users, fitted.fitted.items))
    liked = Liked(fitted.liked, torch.device("cpu"))
    assert [users[row] for row in liked.users] == ["a", "c", "d"], "b likes nothing"
    pools = liked.take(torch.tensor([2, 0]), torch.Generator())
    assert [users[row] for row in pools.x] == [users[row] for row in pools.query] == ["d", "a"]
    pairs = [(users[pools.x[row]], items[column]) for row, column in zip(pools.row, pools.column, strict=True)]
    assert pairs == [("d", "y"), ("a", "x"), ("a", "z")]
    assert pools.counts.tolist() == [1, 2]
    assert pools.mask is None
    assert pools.positive(len(items)).sum() == 3


def test_pools_are_those_of_the_liked_items_whatever_the_order():
    fitted = irgan(rounds=0).fit(TRAIN)
    liked = Liked(fitted.liked, torch.device("cpu"))
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(liked.users)))
    pools = liked.take(order, torch.Generator())
    likes = fitted.liked.matrix_of_ones.toarray() > 0
    np.testing.assert_array_equal(pools.positive(11).numpy(), likes[pools.x.numpy()])
    np.testing.assert_array_equal(pools.counts, likes[pools.x.numpy()].sum(axis=1))
    assert (np.diff(pools.row.numpy()) >= 0).all()


def test_scores_and_penalty_of_a_player_are_the_formula_s():
    rng = np.random.default_rng(0)
    p, q, b = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    one = factors(p, q, b, reg=0.3)
    x, row, column = torch.tensor([4, 1, 2]), torch.tensor([0, 0, 2, 2, 2]), torch.tensor([3, 1, 1, 0, 1])
    np.testing.assert_allclose(one(x).detach().numpy(), p[[4, 1, 2]] @ q.T + b, rtol=1e-5, atol=1e-6)
    pairs = [(4, 3), (4, 1), (2, 1), (2, 0), (2, 1)]
    found = one.pairs(x, row, column).detach().numpy()
    np.testing.assert_allclose(found, [p[u] @ q[i] + b[i] for u, i in pairs], rtol=1e-5, atol=1e-6)
    by_hand = sum(0.15 * (p[u] @ p[u] + q[i] @ q[i] + b[i] ** 2) for u, i in pairs)
    assert one.penalty(x, row, column).item() == pytest.approx(by_hand, rel=1e-5)
    assert factors(p, q, b, 0.0).penalty(x, row, column).item() == 0
    for mine, given in zip(arrays_of(one), (p, q, b), strict=True):
        np.testing.assert_array_equal(mine, given.astype(np.float32))


def test_the_penalty_pulls_at_those_of_the_pairs_alone():
    one = factors(np.ones((3, 2)), np.ones((4, 2)), np.ones(4), 0.5)
    one.penalty(torch.tensor([2, 0]), torch.tensor([1, 1]), torch.tensor([3, 0])).backward()
    assert one.p.grad[:, 0].tolist() == [1.0, 0, 0]
    assert one.q.grad[:, 0].tolist() == [0.5, 0, 0, 0.5]
    assert one.b.grad.tolist() == [0.5, 0, 0, 0.5]


# ---------------------------------------------------------------- what it learns


@pytest.mark.parametrize("valid", [None, VALID], ids=["alone", "validated"])
def test_without_a_round_it_is_dns_to_the_last_bit(valid):
    one, other = irgan(rounds=0).fit(TRAIN, valid), start().fit(TRAIN, valid)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.curve_.shape == (0, 3)
    assert one.training is None


def test_held_out_ratings_of_strangers_are_as_none():
    one, other = irgan().fit(TRAIN, table([("nobody", "nothing", 5.0)])), irgan().fit(TRAIN)
    for name in (*ARRAYS, "curve_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_the_settings_of_the_start_are_those_of_dns():
    changed = {"epochs": 3, "learning_rate": 0.1, "reg": 0.02, "candidates": 2, "seed": 4}
    mine = {"seed": 4, **{f"dns_{name.replace('learning_', '')}": v for name, v in changed.items() if name != "seed"}}
    one, other = irgan(rounds=0, **mine).fit(TRAIN), start(**changed).fit(TRAIN)
    np.testing.assert_array_equal(one.user_factors_, other.user_factors_)
    assert differ(one, irgan(rounds=0).fit(TRAIN))


def test_both_players_move_from_their_starts_and_either_may_rank():
    generator, discriminator = irgan().fit(TRAIN), irgan(ranker="discriminator").fit(TRAIN)
    assert differ(generator, start().fit(TRAIN))
    assert differ(generator, discriminator)
    assert generator.training.rows[-1]["epoch"] == 6
    still = irgan(ranker="discriminator", discriminator_rate=1e-20).fit(TRAIN)
    assert np.abs(still.user_factors_).max() <= 0.05, "the discriminator starts from noise"
    assert np.abs(still.item_deviations_).max() < 1e-15


def test_under_the_control_of_the_discriminator_alone_the_generator_stays_at_dns():
    fitted = irgan(control="discriminator", ranker="generator").fit(TRAIN, VALID)
    at_start = start().fit(TRAIN, VALID)
    assert set(fitted.curve_[:, 1]) == {at_start.held_out_precision(at_start.held_out)()}
    assert not any(row["metric"].startswith("generator.loss") for row in fitted.training.rows)
    played = irgan(control="discriminator", discriminator_passes=6, rounds=1).fit(TRAIN)
    assert differ(played, start().fit(TRAIN)), "the discriminator ranks"
    assert np.abs(played.user_factors_).max() < 1


def test_the_discriminator_alone_pays_a_penalty():
    small, large = (irgan(control="discriminator", reg=reg, discriminator_rate=0.3).fit(TRAIN) for reg in (0.0, 0.5))
    assert np.square(large.item_factors_).sum() < np.square(small.item_factors_).sum()
    for control in ("constant", "positives"):
        free, paying = (irgan(control=control, reg=reg).fit(TRAIN) for reg in (0.0, 0.5))
        np.testing.assert_array_equal(free.item_factors_, paying.item_factors_)


@pytest.mark.parametrize("control", ["constant", "positives"])
def test_without_a_discriminator_the_generator_plays_alone_and_ranks(control):
    fitted = irgan(control=control, ranker="discriminator").fit(TRAIN, VALID)
    other = irgan(control=control, discriminator_rate=1.0, init=0.5).fit(TRAIN, VALID)
    np.testing.assert_array_equal(fitted.user_factors_, other.user_factors_)
    assert not any("discriminator.loss" in row["metric"] for row in fitted.training.rows)
    assert len(set(fitted.curve_[:, 2])) == 1, "a discriminator that does not play stays where it is"


def planted():
    rng = np.random.default_rng(0)
    has = (rng.random((60, 40)) < 0.5) & (np.arange(60)[:, None] % 2 == np.arange(40) % 2)
    return has, has & (rng.random((60, 40)) < 0.2)


def area(fitted, has, held):
    """Return the share of pairs of a held-out item and one of the other block that are in order."""
    users = fitted.fitted.users.rows([f"u{u}" for u in range(60)])
    scores = fitted.scores(users)[:, fitted.fitted.items.rows([f"i{i}" for i in range(40)])]
    shares = [
        (scores[u, held[u]][:, None] > scores[u, np.arange(40) % 2 != u % 2]).mean() for u in range(60) if held[u].any()
    ]
    return np.mean(shares)


@pytest.mark.parametrize("control", ["none", "discriminator"])
def test_two_planted_blocks_are_told_apart_by_the_game(control):
    has, held = planted()
    train = table([(f"u{u}", f"i{i}", 1.0) for u, i in np.argwhere(has & ~held)])
    short = {"embedding_size": 4, "dns_epochs": 1, "init": 0.2, "threads": 1, "device": "cpu"}
    turns = {"rounds": 3, "discriminator_passes": 40, "generator_passes": 40, "optimiser": "adam"}
    rates = {"discriminator_rate": 0.05, "generator_rate": 0.05}
    fitted = IRGAN(**short, **turns, **rates, control=control).fit(train)
    before = IRGAN(**short, rounds=0).fit(train)
    assert area(before, has, held) < 0.6, "else this test sees nothing"
    assert area(fitted, has, held) > 0.95


# ---------------------------------------------------------------- held-out ratings


def test_the_pass_of_best_held_out_precision_is_kept_and_the_curve_says_so():
    settings = {"rounds": 4, "discriminator_rate": 0.5, "generator_rate": 0.5, "seed": 3}
    fitted = irgan(**settings).fit(TRAIN, VALID)
    assert fitted.curve_[:, 0].tolist() == list(range(1, 13))
    own = fitted.curve_[:, 1]
    assert own.max() > max(own[0], own[-1]), "else this test sees nothing"
    assert fitted.held_out_precision(fitted.held_out)() == own.max() == fitted.training.best
    assert fitted.training.best_step == 4 * (1 + np.argmax(own))  # 14 users in batches of 4
    impatient = irgan(**settings, patience=2).fit(TRAIN, VALID)
    np.testing.assert_array_equal(impatient.curve_, fitted.curve_[:3])


def test_the_discriminator_s_precision_decides_where_it_ranks():
    fitted = irgan(rounds=4, ranker="discriminator", discriminator_rate=0.5).fit(TRAIN, VALID)
    assert fitted.training.best == fitted.curve_[:, 2].max() == fitted.held_out_precision(fitted.held_out)()
    assert not np.array_equal(fitted.curve_[:, 1], fitted.curve_[:, 2])


def test_without_held_out_ratings_there_is_no_curve_and_the_last_pass_counts():
    fitted = irgan().fit(TRAIN)
    assert fitted.curve_.shape == (0, 3)
    assert fitted.training.best is None
    assert irgan().fit(TRAIN, table([("u1", "i1", 1.0)], scale=(1, 5))).curve_.shape == (0, 3), "none of it is liked"


# ---------------------------------------------------------------- seeds, files and folders


def test_a_seed_decides_everything():
    one = irgan().fit(TRAIN, VALID)
    assert_same(irgan().fit(TRAIN, VALID), one)
    assert_same(one.fit(TRAIN, VALID), one)
    assert differ(one, irgan(seed=2).fit(TRAIN, VALID))


def test_a_saved_model_is_the_same_model(tmp_path):
    fitted = irgan().fit(TRAIN, VALID)
    fitted.save(tmp_path / "one")
    back = Recommender.load(tmp_path / "one")
    assert type(back) is IRGAN
    assert_same(back, fitted)
    assert back.recommend(["u1", "new"]).equals(fitted.recommend(["u1", "new"]))


def test_it_keeps_to_the_contract_of_recommenders(tmp_path):
    check_recommender(irgan(rounds=1), tmp_path)


@pytest.mark.parametrize("valid", [None, VALID], ids=["alone", "validated"])
def test_killed_after_any_checkpoint_and_resumed_it_is_the_model_that_never_stopped(valid, tmp_path, monkeypatch):
    model = irgan(baseline="learned", optimiser="adam")
    whole = model.fit(TRAIN, valid)
    write = SavedRun.write

    def write_and_die(saved, *given):
        write(saved, *given)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SavedRun, "write", write_and_die)
        for _ in range(3):
            with pytest.raises(SystemExit):
                model.fit(TRAIN, valid, folder=tmp_path, resume=True)
    resumed = model.fit(TRAIN, valid, folder=tmp_path, resume=True)
    assert_same(resumed, whole)
    assert {row["metric"] for row in read_metrics(tmp_path / "metrics.jsonl")} >= {"generator.reward"}
    assert len(resumed.curve_) == (0 if valid is None else 6)


def test_a_finished_game_is_read_back_with_its_curve_and_more_rounds_go_on_from_it(tmp_path):
    whole = irgan(rounds=3).fit(TRAIN, VALID)
    fewer = irgan().fit(TRAIN, VALID, folder=tmp_path)
    assert_same(irgan().fit(TRAIN, VALID, folder=tmp_path, resume=True), fewer)
    assert_same(irgan(rounds=3).fit(TRAIN, VALID, folder=tmp_path, resume=True), whole)


def test_another_game_is_not_gone_on_with(tmp_path):
    irgan().fit(TRAIN, VALID, folder=tmp_path)
    for changed in ({"dns_epochs": 3}, {"mix": 0.5}, {"control": "shuffled"}):
        with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
            irgan(**changed).fit(TRAIN, VALID, folder=tmp_path, resume=True)
    irgan(patience=9, n=4).fit(TRAIN, VALID, folder=tmp_path, resume=True)


def test_a_rate_too_high_is_said_in_one_line_with_both_rates():
    with pytest.raises(DivergedError) as error:
        irgan(discriminator_rate=1e30).fit(TRAIN)
    line = str(error.value)
    assert line.startswith("irgan: discriminator: the loss part 'loss' is inf at step 1; lower discriminator_rate, ")
    assert line.endswith("got 1e+30 and generator_rate, got 0.05, or set clip")


def test_what_is_wrong_with_its_start_is_said_in_its_own_name_and_settings():
    with pytest.raises(DivergedError) as error:
        irgan(dns_rate=1e3, dns_reg=10.0, dns_epochs=200).fit(TRAIN)
    assert str(error.value).startswith("irgan: its start by dns: learning diverged in epoch ")
    assert str(error.value).endswith("; lower dns_rate, got 1000.0")
    with pytest.raises(ConfigError, match=r"^irgan: its start by dns: every user likes every item, so there is no neg"):
        irgan(threshold=None).fit(table([("a", "x", 1.0), ("a", "y", 1.0)]))


def test_its_recipe_reaches_every_setting_by_name():
    recipe = load_recipe("recommend/irgan")
    names = {name.rpartition(".")[2] for name in setting_names(recipe.stages)}
    assert set(IRGAN.config_type.model_fields) <= names
    changed = recipe.with_settings({"rounds": 3, "dns_rate": 0.1, "control": "shuffled"}).build()
    assert (changed.config.rounds, changed.config.dns_rate, changed.config.control) == (3, 0.1, "shuffled")
