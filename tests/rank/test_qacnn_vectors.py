"""Tests of irkit.rank.qacnn_vectors."""

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.rank.qacnn_vectors import QACNNVectors
from irkit.testing import check_stage
from irkit.text.vectors import Vectors
from tests.rank.answers_toy import planted

SMALL = {"filters": 8, "widths": (1, 2), "epochs": 1, "device": "cpu", "threads": 1, "batch_size": 8, "unknown": 2}
RNG = np.random.default_rng(0)
VECTORS = Vectors([*(f"T{town}" for town in range(12)), "Unheard", "two words"], RNG.normal(size=(14, 6)))
TRAIN, VALID = planted(), planted(12, seed=1)


def fit(vectors=VECTORS, **settings):
    return QACNNVectors(**{**SMALL, **settings}, vectors=vectors).fit(TRAIN, VALID)


def of(fitted, word):
    return fitted.net.vectors.detach().numpy()[fitted.words.numbers(word)[0]]


def test_words_begin_with_their_vectors_at_the_length_of_random_ones():
    fitted = fit(fixed=True)
    for row, word in enumerate(["t0", "t1"]):
        expected = VECTORS.matrix[row] / np.linalg.norm(VECTORS.matrix[row]) * np.sqrt(6 / 3)
        np.testing.assert_allclose(of(fitted, word), expected, rtol=1e-5)
    assert np.abs(of(fitted, "where")).max() <= 1  # which has none
    assert "unheard" in fitted.words.known  # which is in no text
    assert "two" not in fitted.words.known


def test_they_learn_on_unless_they_are_fixed():
    assert not np.allclose(of(fit(), "t0"), of(fit(fixed=True), "t0"))


def test_a_saved_one_does_the_same(tmp_path):
    fitted = fit()
    fitted.save(tmp_path / "model")
    back = QACNNVectors.load(tmp_path / "model", vectors=VECTORS)
    assert back == fitted
    np.testing.assert_array_equal(back.run(VALID.flow).score, fitted.run(VALID.flow).score)


def test_a_training_does_not_go_on_with_other_vectors(tmp_path):
    QACNNVectors(**SMALL, vectors=VECTORS).fit(TRAIN, VALID, folder=tmp_path)
    other = QACNNVectors(**{**SMALL, "epochs": 2}, vectors=Vectors(VECTORS.words, -VECTORS.matrix))
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
        other.fit(TRAIN, VALID, folder=tmp_path, resume=True)


def test_it_keeps_to_the_contract_of_stages():
    others = [QACNNVectors(**SMALL, vectors=VECTORS), fit(fixed=True)]
    check_stage(fit(), VALID.flow, others=others, rtol=1e-4)


def test_vectors_without_a_word_are_refused():
    with pytest.raises(ConfigError, match="qacnn-vectors: no word has a vector, got 1 such as"):
        fit(Vectors(["two words"], [[1.0, 2.0]]))
