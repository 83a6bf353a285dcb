"""Pools by hand: which queries stay, what is filled, and rankings taken out of features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, DataError
from irkit.frames import check_qrels, check_queries, check_results
from irkit.io.pools.pool import pool_of, strings, together
from irkit.io.pools.questions import Question, pool_of_questions

# 1 has both, 2 only right ones, 3 only wrong ones, 4 nothing.
QUESTIONS = [
    Question("1", "who ?", [("a", 1), ("b", 0), ("c", 0)]),
    Question("2", "what ?", [("a", 2), ("d", 1)]),
    Question("3", "when ?", [("e", 0)]),
    Question("4", "why ?", []),
]


def told(pool) -> dict[str, dict[str, int]]:
    """Labels by question and text."""
    merged = pool.results.merge(pool.qrels, on=["qid", "docno"])
    return {qid: dict(zip(rows["text"], rows["label"], strict=True)) for qid, rows in merged.groupby("qid")}


def test_questions_become_a_pool():
    pool = pool_of_questions(QUESTIONS)
    check_queries(pool.queries, who="test")
    check_results(pool.results, who="test")
    check_qrels(pool.qrels, who="test")
    assert pool.queries["query"].tolist() == ["who ?", "what ?", "when ?", "why ?"]
    assert told(pool) == {"1": {"a": 1, "b": 0, "c": 0}, "2": {"a": 2, "d": 1}, "3": {"e": 0}}
    assert sorted(pool.qrels["docno"]) == ["1-1", "1-2", "1-3", "2-1", "2-2", "3-1"]
    assert set(pool.results["score"]) == {0.0}
    assert pool.counts() == {"queries": 4, "candidates": 6, "relevant": 3}
    assert pool_of_questions([]).counts() == {"queries": 0, "candidates": 0, "relevant": 0}


def test_names_of_answers_do_not_tell_the_order_of_the_file():
    answers = [(f"right {i}", 1) for i in range(4)] + [(f"wrong {i}", 0) for i in range(4)]
    pools = [pool_of_questions([Question(str(i), "?", [(f"{i} {t}", n) for t, n in answers])]) for i in range(200)]
    firsts = np.mean([pool.results.merge(pool.qrels, on=["qid", "docno"])["label"].iloc[0] for pool in pools])
    assert 0.4 < firsts < 0.6, "equal scores rank right answers first in half of the questions"
    turned = pool_of_questions([Question("0", "?", [(f"0 {t}", n) for t, n in answers[::-1]])])
    assert turned.results.equals(pools[0].results), "whatever the order of the file"


def test_answers_of_one_text_are_all_kept():
    pool = pool_of_questions([Question("1", "?", [("a", 1), ("a", 0), ("a", 0)])])
    assert pool.counts() == {"queries": 1, "candidates": 3, "relevant": 1}
    assert pool.results["docno"].tolist() == ["1-3", "1-2", "1-1"]


@pytest.mark.parametrize(("keep", "stay"), [("all", "1234"), ("answered", "12"), ("mixed", "1")])
def test_queries_are_left_out_with_their_candidates_and_labels(keep, stay):
    whole = pool_of_questions(QUESTIONS)
    pool = whole.keeping(keep)
    assert pool.queries["qid"].tolist() == list(stay)
    assert set(pool.qrels["qid"]) == set(pool.results["qid"]) == set(stay) & set("123")
    assert told(pool) == {qid: texts for qid, texts in told(whole).items() if qid in stay}


def test_a_label_below_0_is_not_right():
    pool = pool_of(["1", "1"], ["a", "b"], [-1, 0])
    assert pool.counts()["relevant"] == 0
    assert len(pool.keeping("answered")) == 0


def test_some_queries_are_taken_out():
    pool = pool_of_questions(QUESTIONS).of(["4", "2"])
    assert pool.queries["qid"].tolist() == ["2", "4"]
    assert told(pool) == {"2": {"a": 2, "d": 1}}


def test_features_are_filled_and_widened():
    pool = pool_of(["1", "1"], ["a", "b"], [1, 0], features=np.array([[np.nan, 1.0], [2.0, 3.0]]))
    by = pool.results.set_index("docno")["features"]
    assert np.isnan(by["a"][0])
    assert np.stack(pool.filled(9).results.set_index("docno")["features"][["a", "b"]]).tolist() == [[9, 1], [2, 3]]
    assert pool.widened(4).candidates.columns["features"].shape == (2, 4)
    assert pool.widened(4).candidates.columns["features"][:, 2:].tolist() == [[0, 0], [0, 0]]
    assert pool.widened(1) is pool
    with pytest.raises(ConfigError, match="pool: its candidates have texts and no features"):
        pool_of_questions(QUESTIONS).filled()


def test_each_feature_can_be_a_ranking():
    places = np.array([[1, np.nan], [2, 5], [np.nan, 4], [1, np.nan]])
    pool = pool_of(["1", "1", "1", "2"], ["a", "b", "c", "d"], [1, 0, 0, 1], features=places)
    first, second = pool.rankings()
    assert first.frame()[["qid", "docno", "score"]].values.tolist() == [["1", "a", -1], ["1", "b", -2], ["2", "d", -1]]
    assert second.frame()[["qid", "docno", "score"]].values.tolist() == [["1", "c", -4], ["1", "b", -5]]
    assert second.queries["qid"].tolist() == ["1", "2"], "a query that a ranking lacks stays, without hits"
    assert "features" not in first.columns


def test_pools_of_different_queries_are_put_together():
    one, two = pool_of_questions(QUESTIONS[:2]), pool_of_questions(QUESTIONS[2:])
    whole, direct = together([one, two], "test"), pool_of_questions(QUESTIONS)
    pd.testing.assert_frame_equal(whole.results, direct.results)
    pd.testing.assert_frame_equal(whole.qrels, direct.qrels)
    with pytest.raises(DataError, match="test: the query '1' is in two files of one part"):
        together([one, one], "test")


def test_texts_are_kept_in_arrow():
    assert strings(["a", "é"]).to_pylist() == ["a", "é"]
    assert strings([]).to_pylist() == []
