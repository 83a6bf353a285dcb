"""Tests of irkit.rank.text_cosine."""

from math import log, sqrt

import numpy as np
import pytest

from irkit.errors import FrameError, NotFittedError
from irkit.pipeline import Topics
from irkit.rank.text_cosine import TextCosine
from irkit.testing import check_stage
from irkit.text.vectors import Vectors
from tests.rank.answers_toy import topics

VECTORS = Vectors(["opera", "Verdi", "verdi", "opened", "open"], [[2, 0], [0, 3], [0, 1], [1, 1], [0, 5]])
POOL = topics()


def scores(stage, pool=POOL):
    frame = stage.run(pool.flow).frame()
    return dict(zip(frame["qid"] + frame["docno"], frame["score"], strict=True))


def test_scores_are_cosines_of_averages():
    found = scores(TextCosine(vectors=VECTORS, weight="none").fit(POOL))
    half = 1 + 1 / sqrt(2), 1 / sqrt(2)  # opera + opened
    expected = {
        "q1d1": 0,  # opera, verdi
        "q1d2": half[0] / np.hypot(*half),
        "q1d3": 0,
        "q2d4": 1 / sqrt(2),  # open, opened
        "q2d5": half[1] / np.hypot(*half),
        "q3d6": 0,  # of a question without a known word
    }
    assert found == pytest.approx(expected, abs=1e-7)


def test_words_count_by_their_idf():
    found = scores(TextCosine(vectors=VECTORS).fit(POOL))
    opera, opened = log(5 / 2), log(5 / 3)  # in one and in two of four texts
    both = opera + opened / sqrt(2), opened / sqrt(2)
    assert found["q1d2"] == pytest.approx(both[0] / np.hypot(*both), abs=1e-7)
    assert found["q2d5"] == pytest.approx(both[1] / np.hypot(*both), abs=1e-7)


def test_a_stem_has_the_centroid_of_its_words():
    found = scores(TextCosine(vectors=VECTORS, stems=True, weight="none").fit(POOL))
    centroid = np.array([1 / sqrt(2), 1 + 1 / sqrt(2)])
    stem = centroid / np.linalg.norm(centroid)
    assert found["q2d4"] == pytest.approx(1, abs=1e-6)
    assert found["q2d5"] == pytest.approx(stem @ (stem + [1, 0]) / np.linalg.norm(stem + [1, 0]), abs=1e-6)


def test_it_keeps_to_the_contract_of_stages():
    other = Vectors(["opera"], [[1.0, 0.0]])
    others = [TextCosine(vectors=VECTORS), TextCosine(vectors=other).fit(POOL)]
    check_stage(TextCosine(vectors=VECTORS).fit(POOL), POOL.flow, others=others, rtol=1e-12)


def test_what_it_cannot_learn_from_is_said():
    with pytest.raises(NotFittedError, match="text-cosine: is not fitted"):
        TextCosine(vectors=VECTORS).run(POOL.flow)
    with pytest.raises(FrameError, match="text-cosine: needs the column 'text'"):
        TextCosine(vectors=VECTORS).fit(Topics(POOL.flow.without("text"), POOL.qrels))
