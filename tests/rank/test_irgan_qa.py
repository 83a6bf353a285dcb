"""Tests of irkit.rank.irgan_qa."""

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, FrameError
from irkit.pipeline import Topics
from irkit.rank.irgan_qa import IRGANQA, JudgedAnswers
from irkit.rank.overlap import Rarity
from irkit.rank.qa_words import Table, Words
from irkit.rank.qacnn import QACNN
from irkit.testing import check_stage
from tests.rank.answers_toy import planted, precision_at_1

SMALL = {
    "size": 16, "filters": 16, "widths": (1, 2), "epochs": 2, "device": "cpu", "threads": 1, "unknown": 50,
    "batch_size": 8, "rounds": 2, "discriminator_rate": 0.005, "generator_rate": 0.005,
}  # fmt: skip
TRAIN, VALID = planted(40), planted(12, seed=1)


def fit(valid=VALID, *, folder=None, resume=False, **settings):
    return IRGANQA(**{**SMALL, **settings}).fit(TRAIN, valid, folder=folder, resume=resume)


@pytest.mark.parametrize("settings", [{}, {"ranker": "generator", "pool": "all", "pool_size": 10}])
def test_players_learn_from_each_other(settings):
    settings = {"epochs": 0, "discriminator_rate": 0.01, "generator_rate": 0.01, **settings}
    fitted, start, test = fit(rounds=6, **settings), fit(rounds=0, **settings), planted(seed=2)
    assert precision_at_1(fitted, test) > precision_at_1(start, test) + 0.1
    assert fitted.curve_.shape == (12, 3)
    assert fitted.curve_[:, 0].tolist() == list(range(1, 13))


def test_without_rounds_it_is_its_start():
    fitted, start = fit(rounds=0), QACNN(**fit(rounds=0).config.start_settings()).fit(TRAIN, VALID)
    np.testing.assert_array_equal(fitted.run(VALID.flow).score, start.run(VALID.flow).score)
    assert start.config.negatives == "max"
    assert not len(fitted.curve_)


def test_what_ranks_is_the_best_look_at_the_ranker():
    fitted = fit(rounds=3)
    assert fitted.training.best == fitted.curve_[:, 2].max()


def test_a_game_that_was_stopped_goes_on_as_if_it_was_not(tmp_path):
    whole = fit(rounds=3)
    fit(rounds=1, folder=tmp_path)
    resumed = fit(rounds=3, folder=tmp_path, resume=True)
    for name, weights in whole.net.state_dict().items():
        assert torch.equal(weights, resumed.net.state_dict()[name]), name
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
        fit(rounds=3, folder=tmp_path, resume=True, margin=0.5)


def test_a_saved_one_does_the_same(tmp_path):
    fitted = fit()
    fitted.save(tmp_path / "model")
    back = IRGANQA.load(tmp_path / "model")
    assert back == fitted
    np.testing.assert_array_equal(back.run(VALID.flow).score, fitted.run(VALID.flow).score)


@pytest.mark.parametrize("control", ["discriminator", "constant", "shuffled", "positives"])
def test_the_controls_play(control):
    assert np.isfinite(fit(rounds=1, control=control).run(VALID.flow).score).all()


def test_words_that_are_fixed_stay():
    fitted = fit(fixed=True)
    assert torch.equal(fitted.net.vectors, fitted.start(fitted.words).vectors)


@pytest.mark.parametrize(("epochs", "start"), [(1, "its start by qacnn: "), (0, "")])
def test_questions_whose_answers_are_all_correct_teach_nothing_with_a_start_that_learns_or_without(epochs, start):
    correct = Topics(TRAIN.flow, TRAIN.qrels.assign(label=1))
    with pytest.raises(FrameError, match=f"^irgan-qa: {start}learns from questions with a correct answer and one"):
        IRGANQA(**{**SMALL, "epochs": epochs, "rounds": 1}).fit(correct, VALID)


def test_it_keeps_to_the_contract_of_stages():
    check_stage(fit(), VALID.flow, others=[IRGANQA(**SMALL), fit(seed=2)], rtol=1e-4)


TEXTS = ["q one", "q two", "q three", "a", "b", "c", "d", "e"]
TABLE = Table(TEXTS, Words(sorted({word for text in TEXTS for word in text.split()})), length=9)


def source(drawn=0):
    return JudgedAnswers(
        TABLE,
        np.arange(3),
        np.array([0, 0, 0, 1, 1, 1, 2]),
        np.array([3, 4, 5, 6, 7, 3, 4]),
        np.array([1, 0, 0, 1, 1, 0, 1], dtype=bool),
        drawn=drawn,
        rarity=Rarity.of(TEXTS[3:]),
        batch_size=5,
        seed=1,
        device=torch.device("cpu"),
    )


def read(pools):
    """Return the question, its correct and its other candidates, of each row."""
    name = {tuple(TABLE.x[row][: TABLE.sizes[row]].tolist()): text for row, text in enumerate(TABLE.texts)}
    texts = [
        [name[tuple(word for word in x if word)] for x in one.x.tolist()]
        for one in (pools.x.questions, pools.x.answers)
    ]
    positive = pools.positive(pools.mask.shape[1])
    return {
        texts[0][row]: tuple(
            sorted(texts[1][pools.x.place[row, at]] for at in torch.nonzero(which[row]).ravel().tolist())
            for which in (positive, pools.mask & ~positive)
        )
        for row in range(len(pools.mask))
    }


def test_candidates_are_the_questions_own():
    pools = source().batch(0, 0, torch.Generator())
    assert read(pools) == {"q one": (["a"], ["b", "c"]), "q two": (["d", "e"], ["a"])}  # the third has no wrong one
    assert sorted(pools.counts.tolist()) == [1, 2]
    assert pools.x.features.shape == (2, 3, 4)


def test_or_some_of_all_beside_the_correct_ones():
    seen = {}
    for epoch in range(20):
        for question, (right, wrong) in read(source(3).batch(epoch, 0, torch.Generator())).items():
            assert len(wrong) == 3
            seen.setdefault(question, (right, set()))[1].update(wrong)
    assert seen == {"q one": (["a"], set("bcde")), "q two": (["d", "e"], set("abc")), "q three": (["b"], set("acde"))}
