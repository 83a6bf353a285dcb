"""Tests of irkit.frames."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import FrameError
from irkit.frames import (
    asked,
    check_qrels,
    check_queries,
    check_ratings,
    check_results,
    queries_frame,
    stack_queries,
)


def test_queries_are_made_of_what_people_have():
    assert queries_frame("wing flutter").to_dict("list") == {"qid": ["1"], "query": ["wing flutter"]}
    assert queries_frame(["a", "b"])["qid"].tolist() == ["1", "2"]
    assert queries_frame({"q7": "a"})["qid"].tolist() == ["q7"]
    assert queries_frame([]).empty
    assert queries_frame({"q7": "a"}).dtypes.astype(str).tolist() == ["str", "str"]
    for texts in (np.array(["a", "b"]), pd.Series(["a", "b"]), ("a", "b"), iter(["a", "b"])):
        assert queries_frame(texts).to_dict("list") == {"qid": ["1", "2"], "query": ["a", "b"]}


EMPTY = [[], np.zeros(0), np.array([], dtype=object), pd.Series([], dtype="str"), pd.Series([], dtype="float64")]


@pytest.mark.parametrize("column", EMPTY, ids=lambda column: str(getattr(column, "dtype", "list")))
def test_a_column_without_values_may_be_of_any_type(column):
    check_queries(pd.DataFrame({"qid": column, "query": column}), who="mine")
    check_results(pd.DataFrame({"qid": column, "docno": column, "score": column}), who="mine")
    check_qrels(pd.DataFrame({"qid": column, "docno": column, "label": column}), who="mine")
    check_ratings(pd.DataFrame({"user_id": column, "item_id": column, "rating": column}), who="mine")


def test_what_a_query_asks_for_is_its_weighted_terms_or_its_text():
    frame = pd.DataFrame({"qid": ["1", "2"], "query": ["x", "y"]})
    assert asked(frame, who="mine") == ["x", "y"]
    frame["query_toks"] = [None, {"b": 2.0}]
    assert asked(frame, who="mine") == ["x", {"b": 2.0}]
    with pytest.raises(
        FrameError, match=r"mine: query '1' has neither text nor weighted terms, got the columns qid, qu"
    ):
        asked(frame.drop(columns="query"), who="mine")


@pytest.mark.parametrize(
    ("toks", "message"),
    [
        ("{'rain': 1.0}", "dicts of terms to weights, got str \"{'rain': 1.0}\" in r"),
        ([("rain", 1.0)], "dicts of terms to weights, got list [('rain', 1.0)] in r"),
        ({"rain": None}, "terms with finite weights of 0 or more, got 'rain': NoneT"),
        ({"rain": -1.0}, "terms with finite weights of 0 or more, got 'rain': float"),
        ({"rain": np.nan}, "terms with finite weights of 0 or more, got 'rain': floa"),
        ({"rain": True}, "terms with finite weights of 0 or more, got 'rain': bool "),
        ({7: 1.0}, "terms with finite weights of 0 or more, got 7: float 1.0 in row "),
    ],
)
def test_weighted_terms_that_are_none_are_refused(toks, message):
    frame = pd.DataFrame({"qid": ["1", "2"], "query": ["a", "b"], "query_toks": [None, toks]})
    with pytest.raises(FrameError) as error:
        check_queries(frame, who="mine")
    assert str(error.value).startswith("mine: column 'query_toks' must hold ")
    assert message in str(error.value)
    assert "row 1" in str(error.value)


def test_weighted_terms_may_be_missing_and_of_any_number():
    for toks in (None, np.nan, pd.NA, {}, {"a": 0}, {"a": np.float32(0.5)}):
        check_queries(pd.DataFrame({"qid": ["1"], "query": ["a"], "query_toks": [toks]}), who="mine")


def test_a_queries_frame_is_returned_as_it_is():
    frame = pd.DataFrame({"qid": ["1"], "query_toks": [{"a": 1.0}]})
    assert queries_frame(frame) is frame


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([1, 2], "queries: a query must be a text, got int 1; write a text, a list of texts, a dict of qid to text or"),
        ({1: "a"}, "queries: a qid must be a text, got int 1; write a text"),
        (["a", None], "queries: a query must be a text, got NoneType None; write a text"),
        (7, "queries: write a text, a list of texts, a dict of qid to text or a frame with"),
        (None, "queries: write a text, a list of texts, a dict of qid to text or a frame with"),
        (b"storm", "queries: write a text, a list of texts, a dict of qid to text or a frame with"),
        ({"a", "b"}, "queries: write a text, a list of texts, a dict of qid to text or a frame with"),
        (np.array([["a"]]), "queries: a query must be a text, got ndarray array(['a']"),
        (pd.DataFrame({"qid": ["1"]}), "queries: a queries frame needs the column 'query' or 'query_toks', got qid"),
        (pd.DataFrame({"query": ["a"]}), "queries: a queries frame needs the column 'qid', got query"),
        (pd.DataFrame({"qid": ["1", "1"], "query": ["a", "b"]}), "queries: qid '1' occurs twice"),
        (
            pd.DataFrame([["1", "a", "b"]], columns=["qid", "query", "query"]),
            "queries: the column 'query' occurs twice",
        ),
    ],
)
def test_broken_queries_are_refused(queries, message):
    with pytest.raises(FrameError) as error:
        queries_frame(queries)
    assert str(error.value).startswith(message)


def test_a_check_says_who_asked_and_what_it_got():
    with pytest.raises(FrameError, match=r"lucene: needs a queries frame \(pandas DataFrame\), got list"):
        check_queries(["a"], who="lucene")
    with pytest.raises(
        FrameError, match=r"results: needs a results frame .*, got str; read a file with irkit\.io\.read_run"
    ):
        check_results("bm25.run", who="results")
    with pytest.raises(FrameError, match="mine: a results frame needs the column 'docno', 'score', got qid"):
        check_results(pd.DataFrame({"qid": ["1"]}), who="mine")


@pytest.mark.parametrize("score", [["1.5"], [True], [None]])
def test_scores_must_be_numbers(score):
    frame = pd.DataFrame({"qid": ["1"], "docno": ["d"], "score": score})
    with pytest.raises(FrameError, match="run: column 'score' must"):
        check_results(frame, who="run")


def test_a_missing_score_of_a_nullable_type_is_refused():
    frame = pd.DataFrame({"qid": ["1"], "docno": ["d"], "score": pd.array([None], dtype="Float64")})
    with pytest.raises(FrameError, match="run: column 'score' must be finite, got nan in row 0"):
        check_results(frame, who="run")


def test_frames_without_rows_pass():
    check_results(pd.DataFrame(columns=["qid", "docno", "score"]), who="run")
    check_qrels(pd.DataFrame(columns=["qid", "docno", "label"]), who="qrels")
    check_ratings(pd.DataFrame(columns=["user_id", "item_id", "rating"]), who="ratings")


def test_labels_must_be_whole():
    frame = pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "b"], "label": [1.0, 0.5]})
    with pytest.raises(FrameError, match=r"qrels: labels must be whole numbers, got 0.5 in row 1$"):
        check_qrels(frame, who="qrels")
    check_qrels(frame.assign(label=[-1, 2]), who="qrels")


@pytest.mark.parametrize("label", [1_000_001, -1_000_001, 2_147_483_648, 1e20])
def test_labels_are_bounded(label):
    frame = pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "b"], "label": [1_000_000, label]})
    with pytest.raises(
        FrameError, match=r"qrels: labels must lie within -1,000,000\.\.1,000,000, got .* in row 1; map"
    ):
        check_qrels(frame, who="qrels")
    check_qrels(frame.assign(label=[1_000_000, -1_000_000]), who="qrels")


def test_ids_of_queries_and_judgements_hold_no_control_characters():
    frame = pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "b\u202e"], "label": [1, 1]})
    with pytest.raises(
        FrameError, match=r"qrels: column 'docno' holds a control .* got 'b\\u202e' in row 1; remove it"
    ):
        check_qrels(frame, who="qrels")
    with pytest.raises(FrameError, match=r"queries: column 'qid' holds a control .* got '\\x1b\[2J' in row 0"):
        queries_frame({"\x1b[2J": "storm"})


def test_a_pair_may_be_judged_once():
    frame = pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "a"], "label": [1, 1]})
    with pytest.raises(FrameError, match="qrels: qid '1', docno 'a' occurs twice"):
        check_qrels(frame, who="qrels")


def test_a_rating_may_be_given_twice_but_not_be_missing():
    frame = pd.DataFrame({"user_id": ["u", "u"], "item_id": ["i", "i"], "rating": [1.0, 2.0]})
    check_ratings(frame, who="ratings")
    with pytest.raises(FrameError, match="ratings: column 'rating' must be finite, got nan in row 0"):
        check_ratings(frame.assign(rating=[np.nan, 1.0]), who="ratings")


def test_stacked_queries_have_none_where_they_have_no_weights():
    plain = pd.DataFrame({"qid": ["1"], "query": ["a"]})
    weighted = pd.DataFrame({"qid": ["2"], "query": ["b"], "query_toks": [{"b": 2.0}]})
    out = stack_queries([plain, weighted])
    assert out["query_toks"].tolist() == [None, {"b": 2.0}]
    assert out.index.tolist() == [0, 1]
    assert "query_toks" not in stack_queries([plain, plain.assign(qid="3")])
