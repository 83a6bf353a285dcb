"""Tests of irkit.rank.qacnn."""

import numpy as np
import pandas as pd
import pytest
import torch

from irkit.errors import ConfigError, DataError, DivergedError, FrameError, NotFittedError
from irkit.pipeline import Topics
from irkit.rank.overlap import Overlap
from irkit.rank.qacnn import QACNN
from irkit.testing import check_stage
from tests.rank.answers_toy import planted, precision_at_1, topics

SMALL = {
    "size": 16,
    "filters": 16,
    "widths": (1, 2),
    "epochs": 4,
    "device": "cpu",
    "threads": 1,
    "unknown": 50,
    "batch_size": 8,
}
TRAIN, VALID = planted(60), planted(12, seed=1)


def fit(valid=VALID, *, train=TRAIN, folder=None, resume=False, **settings):
    return QACNN(**{**SMALL, **settings}).fit(train, valid, folder=folder, resume=resume)


@pytest.mark.parametrize("settings", [{}, {"negatives": "max", "pool": "all"}, {"loss": "logistic", "overlap": True}])
def test_it_learns_to_find_planted_answers(settings):
    fitted = fit(epochs=12, learning_rate=0.01, margin=0.2, **settings)
    assert fitted.training.best == 1
    assert precision_at_1(fitted, planted(seed=2)) > 0.9
    assert precision_at_1(fit(epochs=1, learning_rate=1e-9), planted(seed=2)) < 0.9


def test_a_seed_decides_what_is_learned():
    one, other = fit(epochs=1), fit(epochs=1)
    assert one == other
    np.testing.assert_array_equal(one.run(VALID.flow).score, other.run(VALID.flow).score)
    assert fit(epochs=1, seed=2) != one


def test_a_training_that_was_stopped_goes_on_as_if_it_was_not(tmp_path):
    settings = {"negatives": "max", "dropout": 0.2}
    whole = fit(epochs=3, **settings)
    fit(epochs=1, folder=tmp_path, **settings)
    resumed = fit(epochs=3, folder=tmp_path, resume=True, **settings)
    for name, weights in whole.net.state_dict().items():
        assert torch.equal(weights, resumed.net.state_dict()[name]), name
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
        fit(epochs=3, folder=tmp_path, resume=True, margin=0.5)


def test_a_training_does_not_go_on_with_other_judgements_to_stop_by_even_of_what_is_no_candidate(tmp_path):
    fit(epochs=1, folder=tmp_path)
    missed = pd.DataFrame({"qid": ["q0"], "docno": ["elsewhere"], "label": [1]}).astype({"qid": "str", "docno": "str"})
    other = Topics(VALID.flow, pd.concat([VALID.qrels, missed], ignore_index=True))
    with pytest.raises(ConfigError, match="belongs to another run"):
        fit(other, epochs=2, folder=tmp_path, resume=True)


@pytest.mark.parametrize("overlap", [False, True])
def test_a_saved_one_does_the_same(tmp_path, overlap):
    fitted = fit(epochs=1, overlap=overlap, stems=True)
    fitted.save(tmp_path / "qacnn")
    back = QACNN.load(tmp_path / "qacnn")
    assert back == fitted
    assert back.fitted_on == fitted.fitted_on
    np.testing.assert_array_equal(back.run(VALID.flow).score, fitted.run(VALID.flow).score)
    with pytest.raises(DataError, match="a 'overlap' is needed"):
        Overlap.load(tmp_path / "qacnn")


def test_what_it_was_fitted_on_it_says():
    train, valid = set(TRAIN.flow.queries["qid"]), set(VALID.flow.queries["qid"])
    assert fit(epochs=1).fitted_on == train | valid
    assert fit(None, epochs=1).fitted_on == train


def test_questions_to_stop_by_are_held_out_where_none_are_given():
    fitted = fit(None, epochs=1, validation=0.5)
    assert fitted.training.best is not None
    assert fitted != fit(None, epochs=1, validation=0)
    assert fit(None, epochs=1, validation=0).training.best is None


def test_without_epochs_it_is_the_net_as_it_starts():
    fitted = fit(epochs=0)
    start = fitted.start(fitted.words)
    assert fitted.training is None
    assert all(torch.equal(one, start.state_dict()[name]) for name, one in fitted.net.state_dict().items())
    assert 0 < precision_at_1(fitted, planted(seed=2)) < 1


def test_with_overlap_it_begins_where_the_net_alone_does():
    still = {"epochs": 1, "learning_rate": 1e-12}
    one, other = fit(**still), fit(overlap=True, **still)
    np.testing.assert_allclose(one.run(VALID.flow).score, other.run(VALID.flow).score, atol=1e-6)


def test_a_text_without_known_words_has_a_score():
    fitted = fit(epochs=1, unknown=1, overlap=True)
    frame = fitted.run(topics().flow).frame().set_index("docno")
    assert np.isfinite(frame["score"]).all()
    assert frame["score"]["d3"] == pytest.approx(0, abs=1e-6)


def test_the_order_of_candidates_does_not_matter():
    fitted = fit(epochs=1)
    turned = TRAIN.flow.rescored(np.random.default_rng(0).random(len(TRAIN.flow)))
    one, other = fitted.run(TRAIN.flow).frame(), fitted.run(turned).frame()
    np.testing.assert_allclose(
        one.set_index(["qid", "docno"])["score"].sort_index(),
        other.set_index(["qid", "docno"])["score"].sort_index(),
        rtol=1e-5,
    )


def test_it_keeps_to_the_contract_of_stages():
    others = [QACNN(**SMALL), fit(epochs=1, seed=2)]
    check_stage(fit(epochs=1), VALID.flow, others=others, rtol=1e-4)
    assert QACNN(device="cpu") == QACNN(device="cuda")
    assert QACNN(epochs=3) != QACNN()


def test_what_it_cannot_learn_from_is_said():
    with pytest.raises(NotFittedError, match="qacnn: is not fitted"):
        QACNN().run(VALID.flow)
    with pytest.raises(NotFittedError, match="qacnn: is not fitted"):
        QACNN().save("nowhere")
    with pytest.raises(FrameError, match="qacnn: needs the column 'text'"):
        fit(train=Topics(TRAIN.flow.without("text"), TRAIN.qrels))
    with pytest.raises(FrameError, match="qacnn: no result of train is judged relevant"):
        fit(train=Topics(TRAIN.flow, TRAIN.qrels.assign(label=0)))
    with pytest.raises(FrameError, match="qacnn: no result of valid is judged relevant"):
        fit(Topics(VALID.flow, VALID.qrels.assign(label=0)))
    with pytest.raises(FrameError, match="qacnn: learns from questions with a correct answer and one that is not"):
        fit(train=Topics(TRAIN.flow, TRAIN.qrels.assign(label=1)))
    with pytest.raises(FrameError, match="qacnn: is fitted on results with texts, got queries"):
        fit(train=Topics({"q": "who"}, TRAIN.qrels))
    with pytest.raises(DivergedError, match=r"lower learning_rate, got 1e\+30"):
        fit(learning_rate=1e30, clip=None)
    with pytest.raises(ConfigError, match="widths"):
        QACNN(widths=())
