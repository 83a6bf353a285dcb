"""Tests of irkit.rank.irgan_qa: the game itself is tested in tests/learn/test_game.py, the net in test_qacnn_net.py."""

import pickle

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DivergedError, FrameError, NotFittedError
from irkit.learn.saved import SavedRun
from irkit.pipeline import Topics
from irkit.rank.irgan_qa import IRGANQA, PoolsOfPairs
from irkit.rank.qacnn import QACNN
from irkit.recipe import Recipe
from irkit.testing import check_stage
from tests.rank.answers_toy import planted, precision_at_1

NET = {
    "size": 16,
    "filters": 16,
    "widths": (1, 2),
    "epochs": 2,
    "device": "cpu",
    "threads": 1,
    "unknown": 50,
    "batch_size": 8,
}
GAME = {"rounds": 2, "candidates": 5, "pool": "all", "discriminator_rate": 1e-3, "generator_rate": 1e-3}
TRAIN, VALID = planted(24), planted(12, seed=1)
CPU = torch.device("cpu")


def made(**settings):
    return IRGANQA(**{**NET, **GAME, **settings})


def fit(valid=VALID, *, train=TRAIN, folder=None, resume=False, **settings):
    return made(**settings).fit(train, valid, folder=folder, resume=resume)


def assert_same(one, other, curves=True):
    """Assert that two stages have the same weights to the last bit, and the same curves."""
    mine, theirs = one.net.state_dict(), other.net.state_dict()
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        assert torch.equal(value, theirs[name]), name
    if curves:
        np.testing.assert_array_equal(one.curve_, other.curve_)


# ---------------------------------------------------------------- where it starts


@pytest.mark.parametrize(
    ("valid", "settings"),
    [(None, {}), (VALID, {"overlap": True, "dropout": 0.1, "drawn": 2, "margin": 0.3, "stems": True})],
    ids=["held-out", "given"],
)
def test_without_a_round_it_is_qacnn_with_the_hardest_negatives(valid, settings):
    one = fit(valid, rounds=0, **settings)
    given = {**NET, "negatives": "max", "pool": "all", "drawn": 4, **settings}
    other = QACNN(**given).fit(TRAIN, valid)
    assert_same(one, other, curves=False)
    np.testing.assert_array_equal(one.run(VALID.flow).score, other.run(VALID.flow).score)
    assert one.fitted_on == other.fitted_on
    assert one.curve_.shape == (0, 3)


def test_both_players_start_there_and_either_may_rank():
    start = fit(rounds=0)
    for ranker in ("generator", "discriminator"):
        still = fit(ranker=ranker, discriminator_rate=1e-30, generator_rate=1e-30, optimiser="sgd")
        assert_same(still, start, curves=False)
    one, other = (fit(None, validation=0, ranker=ranker) for ranker in ("generator", "discriminator"))
    assert not torch.equal(one.net.embedding.weight, other.net.embedding.weight)


# ---------------------------------------------------------------- pools


@pytest.mark.parametrize("pool", ["own", "all"])
def test_a_pool_holds_a_correct_answer_first_and_then_wrong_ones_alone(pool):
    fitted = fit(rounds=0)
    stage = made(pool=pool, candidates=7)
    stage.words, stage.rarity = fitted.words, fitted.rarity
    source = PoolsOfPairs(stage._source(TRAIN, CPU, 7))
    assert len(source) == 3
    assert source.fingerprint
    seen = []
    for at in range(len(source)):
        pools = source.batch(1, at, torch.Generator())
        assert pools.mask is None
        assert pools.counts.tolist() == [1] * len(pools.query)
        assert pools.row.tolist() == list(range(len(pools.query)))
        assert not pools.column.any()
        assert pools.x.place.shape == (len(pools.query), 8)
        words = pools.x.answers.x[pools.x.place]  # (B, 8, T): the second is the town
        correct = source.pairs.table.take(source.pairs.pairs[pools.query][:, 1], CPU).x
        for question, right, candidates in zip(pools.x.questions.x, correct, words, strict=True):
            assert [torch.equal(right, one) for one in candidates] == [True] + [False] * 7
            assert candidates[0, 1] == question[2]
            assert pool == "all" or (candidates[1:, 1] != question[2]).all()
        seen += pools.query.tolist()
    assert sorted(seen) == list(range(24)), "each correct answer has a number of its own"
    again, later = source.batch(1, 0, torch.Generator()), source.batch(2, 0, torch.Generator())
    assert torch.equal(again.x.place, source.batch(1, 0, torch.Generator()).x.place)
    assert not torch.equal(again.query, later.query)


def test_the_discriminator_meets_so_many_wrong_answers_for_each_correct_one(monkeypatch):
    from irkit.learn.game import Game

    met = []
    loss = Game.discriminator_loss

    def watched(game, pools, now):
        pairs = game.discriminator.pairs
        with monkeypatch.context() as patch:
            patch.setattr(
                game.discriminator, "pairs", lambda x, row, column: met.append((row, column)) or pairs(x, row, column)
            )
            return loss(game, pools, now)

    monkeypatch.setattr(Game, "discriminator_loss", watched)
    fit(rounds=1, negative_draws=3)
    assert len(met) == 3
    for row, column in met:
        positive, negative = column.chunk(2)
        assert not positive.any()
        assert (negative > 0).all(), "a correct answer is no negative"
        rows = row.chunk(2)
        assert torch.equal(*rows)
        assert np.bincount(rows[0]).tolist() == [3] * 8


# ---------------------------------------------------------------- what it learns


@pytest.mark.parametrize("settings", [{}, {"pool": "own", "candidates": 3, "ranker": "generator"}])
def test_the_game_finds_planted_answers_that_its_start_does_not(settings):
    given = {"epochs": 1, "learning_rate": 1e-9, "discriminator_rate": 0.01, "generator_rate": 0.01, **settings}
    fitted = fit(train=planted(60), rounds=5, **given)
    start = fit(train=planted(60), rounds=0, **given)
    test = planted(seed=2)
    assert precision_at_1(fitted, test) > 0.9
    assert precision_at_1(start, test) < 0.8, "else this test sees nothing"


def test_words_that_are_fixed_stay_as_they_are_drawn():
    fitted = fit(fixed=True, epochs=1)
    start = QACNN(**{**NET, "epochs": 0, "fixed": True}).fit(TRAIN, VALID)
    assert torch.equal(fitted.net.embedding.weight, start.net.embedding.weight)
    assert not torch.equal(fitted.net.convolutions[0].weight, start.net.convolutions[0].weight)


def test_the_pass_with_the_best_mean_is_kept_and_the_curve_says_so():
    fitted = fit(rounds=6, discriminator_rate=0.05, generator_rate=0.05, measure="RR")
    assert fitted.curve_[:, 0].tolist() == list(range(1, 13))
    own = fitted.curve_[:, 2]
    assert own.max() == fitted.training.best > own[-1], "else this test sees nothing"
    held = fitted._held_out(VALID)[0]
    assert held(fitted.net) == own.max()
    assert fitted.measured_by == "RR"
    assert fit(None, validation=0, rounds=1).curve_.shape == (0, 3)


@pytest.mark.parametrize(("control", "still"), [("discriminator", 1), ("constant", 2), ("positives", 2)])
def test_a_control_leaves_a_player_where_it_starts(control, still):
    fitted = fit(control=control)
    (value,) = set(fitted.curve_[:, still])
    start = fit(rounds=0)
    assert value == start._held_out(VALID)[0](start.net)
    other = fit(control=control, ranker="generator")
    assert_same(fitted, other)


# ---------------------------------------------------------------- the contract, files and folders


def test_a_seed_decides_everything():
    one = fit()
    assert_same(one, fit())
    assert_same(one.fit(TRAIN, VALID), one)
    assert not torch.equal(fit(seed=2).net.embedding.weight, one.net.embedding.weight)


def test_it_keeps_to_the_contract_of_stages():
    fitted = fit(rounds=1)
    check_stage(fitted, VALID.flow, others=[made(), fit(rounds=1, seed=2)], rtol=1e-4)
    assert pickle.loads(pickle.dumps(fitted)) == fitted


def test_its_settings_are_reached_by_name():
    recipe = Recipe(name="own", needs=("train",), stages=[{"use": "irgan-qa", "rounds": 3}])
    changed = recipe.with_settings({"generator_rate": 0.05, "filters": 7, "control": "shuffled"}).build()
    given = {"use": "irgan-qa", "rounds": 3, "generator_rate": 0.05, "filters": 7, "control": "shuffled"}
    assert changed.spec() == given


@pytest.mark.parametrize("overlap", [False, True])
def test_a_saved_one_does_the_same(tmp_path, overlap):
    fitted = fit(rounds=1, overlap=overlap)
    fitted.save(tmp_path / "one")
    back = IRGANQA.load(tmp_path / "one")
    assert back == fitted
    assert back.fitted_on == fitted.fitted_on
    np.testing.assert_array_equal(back.run(VALID.flow).score, fitted.run(VALID.flow).score)


@pytest.mark.parametrize("valid", [None, VALID], ids=["held-out", "given"])
def test_killed_after_any_checkpoint_and_resumed_it_is_the_stage_that_never_stopped(valid, tmp_path, monkeypatch):
    stage = made(dropout=0.1, baseline="learned")
    whole = stage.fit(TRAIN, valid)
    write = SavedRun.write

    def write_and_die(saved, *given):
        write(saved, *given)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SavedRun, "write", write_and_die)
        for _ in range(2):
            with pytest.raises(SystemExit):
                stage.fit(TRAIN, valid, folder=tmp_path, resume=True)
    resumed = stage.fit(TRAIN, valid, folder=tmp_path, resume=True)
    assert_same(resumed, whole)
    assert len(resumed.curve_) == 4


def test_more_rounds_go_on_from_a_finished_game_and_another_start_does_not(tmp_path):
    fit(rounds=1, folder=tmp_path)
    assert_same(fit(folder=tmp_path, resume=True), fit())
    for changed in ({"epochs": 1}, {"patience": 1}, {"candidates": 4}):
        with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
            fit(folder=tmp_path, resume=True, **changed)


# ---------------------------------------------------------------- what is refused


def test_what_it_cannot_learn_from_is_said_in_its_own_name():
    with pytest.raises(NotFittedError, match=r"^irgan-qa: is not fitted"):
        made().run(VALID.flow)
    with pytest.raises(FrameError, match=r"^irgan-qa: needs the column 'text'"):
        fit(train=Topics(TRAIN.flow.without("text"), TRAIN.qrels))
    with pytest.raises(FrameError, match=r"^irgan-qa: no result of train is judged relevant"):
        fit(train=Topics(TRAIN.flow, TRAIN.qrels.assign(label=0)))
    with pytest.raises(DivergedError) as error:
        fit(discriminator_rate=1e38, optimiser="sgd", fixed=False)
    assert str(error.value).startswith("irgan-qa: ")
    assert "; lower discriminator_rate, got 1e+38 and generator_rate, got 0.001, or clip" in str(error.value)
    with pytest.raises(ConfigError, match="loss is not valid, got 'pointwise'"):
        IRGANQA(loss="pointwise")
    with pytest.raises(ConfigError, match="negatives is not valid, got 'any'"):
        IRGANQA(negatives="any")
