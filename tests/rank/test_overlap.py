"""Tests of irkit.rank.overlap."""

from math import log

import numpy as np
import pandas as pd
import pytest

from irkit.errors import DataError, FrameError, NotFittedError
from irkit.hits import Hits
from irkit.learn import checkpoint
from irkit.pipeline import Topics
from irkit.pipeline.naming import feature_names
from irkit.rank.overlap import FEATURES, Overlap, Rarity, overlaps, terms
from irkit.testing import check_stage
from tests.rank.answers_toy import planted, precision_at_1, topics

POOL = topics()
# Of the four distinct texts, "verdi wrote it", "the opera opened", "" and "it opened in 1871".
IDF = {"it": log(5 / 3), "open": log(5 / 3), "opera": log(5 / 2), "the": log(5 / 2), "wrote": log(5 / 2)}
NEVER = log(5)


def scores(stage, pool=POOL):
    frame = stage.run(pool.flow).frame()
    return dict(zip(frame["qid"] + frame["docno"], frame["score"], strict=True))


def test_scores_are_the_share_of_idf_that_is_in_the_answer():
    asked = NEVER + IDF["wrote"] + IDF["the"] + IDF["opera"]  # who wrote the opera
    when = 2 * NEVER + IDF["it"] + IDF["open"]  # when did it open
    expected = {
        "q1d1": IDF["wrote"] / asked,
        "q1d2": (IDF["the"] + IDF["opera"]) / asked,
        "q1d3": 0,
        "q2d4": (IDF["it"] + IDF["open"]) / when,
        "q2d5": IDF["open"] / when,
        "q3d6": 0,
    }
    assert scores(Overlap().fit(POOL)) == pytest.approx(expected, rel=1e-12)


def test_without_weights_they_are_the_share_of_terms():
    expected = {"q1d1": 1 / 4, "q1d2": 2 / 4, "q1d3": 0, "q2d4": 2 / 4, "q2d5": 1 / 4, "q3d6": 0}
    assert scores(Overlap(weight="none").fit(POOL)) == pytest.approx(expected)


def test_words_as_they_are_written_need_not_be_stems():
    found = scores(Overlap(weight="none", stems=False).fit(POOL))
    assert (found["q2d4"], found["q2d5"]) == (1 / 4, 0)  # opened is not open


def test_labels_are_not_looked_at():
    other = Topics(POOL.flow, POOL.qrels.assign(label=1 - POOL.qrels["label"]))
    assert Overlap().fit(other) == Overlap().fit(POOL)


def test_a_text_counts_once_however_often_it_is_a_candidate():
    rarity = Rarity.of(["a b", "a b", "a"])
    assert dict(rarity) == pytest.approx({"a": 0, "b": log(3 / 2)})
    assert rarity["c"] == pytest.approx(log(3))


def test_terms_are_runs_of_letters_and_digits():
    assert terms("U.S. co-operates; in 1998!", stems=False) == {"u", "s", "co", "operates", "in", "1998"}
    assert terms("") == frozenset()


def test_features_are_shares_with_and_without_function_words():
    rarity = Rarity.of(["verdi wrote it", "the opera opened", "", "it opened in 1871"])
    (found,) = overlaps(["who wrote the opera"], ["the opera opened"], rarity)
    content = IDF["wrote"] + IDF["opera"]
    asked = content + IDF["the"] + NEVER
    assert dict(zip(FEATURES, found, strict=True)) == pytest.approx(
        {
            "overlap": 2 / 4,
            "idf-overlap": (IDF["the"] + IDF["opera"]) / asked,
            "content-overlap": 1 / 2,
            "content-idf-overlap": IDF["opera"] / content,
        }
    )


def test_a_question_of_terms_that_are_everywhere_scores_nothing():
    pool = topics([("q1", "the", "d1", "the end", 1), ("q1", "the", "d2", "the start", 0)])
    assert list(scores(Overlap().fit(pool), pool).values()) == [0, 0]


def test_features_are_added_to_those_of_the_results_if_asked():
    stage = Overlap(features=True).fit(POOL)
    out = stage.run(POOL.flow)
    assert out.columns["features"].shape == (6, 4)
    np.testing.assert_array_equal(out.columns["features"][:, 1], out.score)
    again = stage.run(out).columns["features"]
    np.testing.assert_array_equal(again, np.concatenate([out.columns["features"]] * 2, axis=1))
    assert feature_names(stage >> stage, 8) == [*FEATURES, *FEATURES]
    assert "features" not in Overlap().fit(POOL).run(POOL.flow).columns


def test_it_finds_planted_answers():
    train, test = planted(), planted(seed=1)
    assert precision_at_1(Overlap().fit(train), test) == 1


def test_it_keeps_to_the_contract_of_stages():
    stage = Overlap().fit(POOL)
    check_stage(stage, POOL.flow, others=[Overlap(), Overlap(weight="none").fit(POOL), Overlap().fit(planted(2))])


def test_a_saved_one_does_the_same(tmp_path):
    stage = Overlap(weight="idf", features=True).fit(POOL)
    stage.save(tmp_path / "overlap")
    back = Overlap.load(tmp_path / "overlap")
    assert back == stage
    assert back.fitted_on == stage.fitted_on == {"q1", "q2", "q3"}
    assert scores(back) == scores(stage)


def test_a_file_that_lacks_something_is_said_to_be_of_another_version(tmp_path):
    Overlap().fit(POOL).save(tmp_path / "whole")
    tree = checkpoint.load(tmp_path / "whole", "overlap")
    for change in ({"config": {"foo": 1}}, {"rarity": None}, {"rarity": {**tree["rarity"], "n": "x"}}):
        checkpoint.save(tmp_path / "other", "overlap", {**tree, **change})
        with pytest.raises(DataError, match=r"other: does not fit this version's overlap .*; fit it again"):
            Overlap.load(tmp_path / "other")


def test_what_it_cannot_learn_from_is_said():
    with pytest.raises(NotFittedError, match="overlap: is not fitted"):
        Overlap().run(POOL.flow)
    with pytest.raises(NotFittedError, match="overlap: is not fitted"):
        Overlap().save("nowhere")
    with pytest.raises(FrameError, match="overlap: needs the column 'text'"):
        Overlap().fit(Topics(POOL.flow.without("text"), POOL.qrels))
    with pytest.raises(FrameError, match="overlap: is fitted on results with texts, got queries"):
        Overlap().fit(Topics({"q1": "who"}, POOL.qrels))
    with pytest.raises(FrameError, match="overlap: train must be Topics, got DataFrame"):
        Overlap().fit(POOL.qrels)
    with pytest.raises(FrameError, match="overlap: there is no result to learn from"):
        Overlap().fit(Topics(Hits.none(pd.DataFrame({"qid": ["q1"], "query": ["who"]}, dtype="str")), POOL.qrels))
