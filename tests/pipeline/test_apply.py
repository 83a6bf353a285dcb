"""Tests of irkit.pipeline.apply: stages of the user's own functions."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, FrameError, IrkitError, ShapeError
from irkit.pipeline import Cut, apply
from tests.pipeline.toy import toy

QUERIES = {"1": "heat", "2": "wing speed", "3": "nothing like it"}


def rows(frame):
    return list(zip(frame["qid"], frame["docno"], frame["score"], strict=True))


# ---------------------------------------------------------------- queries


def test_a_rewrite_keeps_the_first_text():
    stage = apply.rewrite(lambda row: row["query"] + " " + row["qid"])
    frame = (stage >> stage)(QUERIES)
    assert frame["query"].tolist() == ["heat 1 1", "wing speed 2 2", "nothing like it 3 3"]
    assert frame["query_0"].tolist() == list(QUERIES.values())


def test_a_rewrite_to_weighted_terms_keeps_the_text():
    weighted = apply.rewrite(lambda row: {"heat": 2.0, "wing": 1.0} if row["qid"] == "1" else row["query"] + " heat")
    frame = weighted(QUERIES)
    assert frame["query_toks"].tolist() == [{"heat": 2.0, "wing": 1.0}, None, None]
    assert frame["query"].tolist() == ["heat", "wing speed heat", "nothing like it heat"]
    assert rows((weighted >> toy() % 1)({"1": "heat"})) == [("1", "d3", 6.0)]


def test_a_new_text_puts_an_end_to_weighted_terms():
    frame = (apply.rewrite(lambda row: {"a": 1.0}) >> apply.rewrite(lambda row: "b"))({"1": "c"})
    assert frame.to_dict("list") == {"qid": ["1"], "query": ["b"], "query_0": ["c"]}


def test_a_rewrite_does_not_touch_its_input():
    frame = pd.DataFrame({"qid": ["1"], "query": ["a"]})

    def changing(batch):
        batch["query"] = "changed"
        return ["b"]

    apply.rewrite(changing, batch_size=4)(frame)
    assert frame.to_dict("list") == {"qid": ["1"], "query": ["a"]}


def test_feedback_rewrites_from_results_and_leaves_other_queries_as_they_are():
    def more(results):
        best = results[results["rank"] == 0]
        return pd.DataFrame({"qid": best["qid"], "query": best["query"] + " " + best["docno"]})

    for by_query in (False, True):
        frame = (toy() >> apply.feedback(more, by_query=by_query))(QUERIES)
        assert frame["qid"].tolist() == ["1", "2", "3"]
        assert frame["query"].tolist() == ["heat d3", "wing speed d1", "nothing like it"]
        assert frame["query_0"].tolist() == list(QUERIES.values())


def test_feedback_may_give_weighted_terms_alone():
    stage = apply.feedback(lambda results: pd.DataFrame({"qid": ["2"], "query_toks": [{"flag": 1.0}]}))
    frame = (toy() >> stage)(QUERIES)
    assert frame["query_toks"].tolist() == [None, {"flag": 1.0}, None]
    assert frame["query"].tolist() == list(QUERIES.values())


# ---------------------------------------------------------------- results


@pytest.mark.parametrize("size", [None, 1, 2, 100])
def test_a_score_is_given_row_by_row_or_in_batches(size):
    def row_score(row):
        return -row["score"] + (row["docno"] == "d2")

    def batch_score(frame):
        assert 1 <= len(frame) <= size
        assert frame.index.tolist() == list(range(len(frame)))
        return -frame["score"] + (frame["docno"] == "d2")

    frame = (toy() >> apply.score(batch_score if size else row_score, batch_size=size))(QUERIES)
    assert rows(frame) == [
        ("1", "d2", 0.0), ("1", "d3", -3.0), ("2", "d2", 0.0), ("2", "d4", -1.0), ("2", "d1", -2.0),
    ]  # fmt: skip
    assert frame["rank"].tolist() == [0, 1, 0, 1, 2]


def test_features_are_added_on_the_right():
    stage = apply.feature(lambda row: len(row["docno"])) >> apply.feature(lambda row: [row["score"], 7])
    assert [list(f) for f in (toy() >> stage)("heat")["features"]] == [[2, 3, 7], [2, 1, 7]]
    assert [list(f) for f in (toy() ** toy(boost=2) >> stage)("heat")["features"]] == [[3, 6, 2, 3, 7], [1, 2, 2, 1, 7]]
    batch = apply.feature(lambda frame: frame[["score", "rank"]].to_numpy(), batch_size=1)
    assert [list(f) for f in (toy() >> batch)("heat")["features"]] == [[3, 0], [1, 1]]


def test_a_filter_keeps_what_the_function_likes():
    frame = (toy() >> apply.filter(lambda row: row["docno"] != "d3"))(QUERIES)
    assert list(zip(frame["qid"], frame["docno"], frame["rank"], strict=True)) == [
        ("1", "d2", 0), ("2", "d1", 0), ("2", "d4", 1), ("2", "d2", 2),
    ]  # fmt: skip
    assert (toy() >> apply.filter(lambda f: f["score"] > 9, batch_size=2))(QUERIES).empty


@pytest.mark.parametrize("by_query", [False, True])
def test_a_results_frame_is_reranked_whole_or_query_by_query(by_query):
    sizes = []

    def invert(frame):
        sizes.append(frame["qid"].nunique())
        return frame.assign(score=-frame["score"], length=len(frame))[::-1]

    frame = (toy() >> apply.rerank(invert, by_query=by_query) % 1)(QUERIES)
    assert rows(frame) == [("1", "d2", -1.0), ("2", "d4", -1.0)]
    assert sizes == ([1, 1] if by_query else [2])
    assert frame["length"].tolist() == ([2, 3] if by_query else [5, 5])


@pytest.mark.parametrize("by_query", [False, True])
def test_a_function_retrieves(by_query):
    def find(queries):
        hits = [(qid, f"d{i}", 1.0 * i) for qid in queries["qid"] if qid != "2" for i in range(int(qid))]
        return pd.DataFrame(hits, columns=["qid", "docno", "score"])

    frame = (apply.retrieve(find, by_query=by_query) % 2)(QUERIES)
    assert rows(frame) == [("1", "d0", 0.0), ("3", "d2", 2.0), ("3", "d1", 1.0)]
    assert frame["query"].tolist() == ["heat"] + ["nothing like it"] * 2


def test_functions_are_not_called_for_nothing():
    def never(anything):
        raise AssertionError("called")

    empty = toy() >> apply.filter(lambda row: False)
    for stage in (apply.rerank(never), apply.score(never), apply.feature(never), apply.filter(never, batch_size=3)):
        assert (empty >> stage)(QUERIES).empty
    assert (empty >> apply.feedback(never))(QUERIES)["query"].tolist() == list(QUERIES.values())
    assert apply.retrieve(never)([]).empty
    assert apply.rewrite(never)([]).empty


# ---------------------------------------------------------------- checks


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (
            apply.score(lambda row: None),
            "apply.score(<lambda>): must return a finite number for each row, got NoneType",
        ),
        (
            apply.score(lambda row: "1.5"),
            "apply.score(<lambda>): must return a finite number for each row, got str '1.5'",
        ),
        (
            apply.score(lambda row: [1.0]),
            "apply.score(<lambda>): must return a finite number for each row, got list [1.0]",
        ),
        (
            apply.score(lambda row: np.nan),
            "apply.score(<lambda>): must return a finite number for each row, got float nan",
        ),
        (
            apply.score(lambda f: [1.0], batch_size=9),
            "apply.score(<lambda>): must return one value for each of the 2 rows",
        ),
        (apply.score(lambda f: 1.0, batch_size=9), "must return one value for each of the 2 rows, got float"),
        (
            apply.feature(lambda row: range(row["rank"] + 1)),
            "must return a finite number, or equally many for every row,",
        ),
        (apply.feature(lambda row: [[1.0]]), "apply.feature(<lambda>): must return a finite number, or equally many"),
        (apply.feature(lambda row: ["x" * 99]), "for each row, got list ['xxxxxxx"),
        (apply.filter(lambda row: 1), "apply.filter(<lambda>): must return True or False, got int 1"),
        (
            apply.rerank(lambda f: None),
            "apply.rerank(<lambda>): needs a results frame (pandas DataFrame), got NoneType",
        ),
        (
            apply.rerank(lambda f: f.drop(columns="score")),
            "apply.rerank(<lambda>): a results frame needs the column 'sc",
        ),
        (apply.rerank(lambda f: f.assign(qid="9")), "apply.rerank(<lambda>): qid '9' is not among the queries"),
        (apply.rerank(lambda f: f.assign(docno="d")), "apply.rerank(<lambda>): qid '1', docno 'd' occurs twice"),
        (apply.feedback(lambda f: f), "apply.feedback(<lambda>): qid '1' occurs twice"),
        (
            apply.feedback(lambda f: f[:1]),
            "apply.feedback(<lambda>): must return queries, got a frame with a docno column",
        ),
        (
            apply.feedback(lambda f: f[["qid"]][:1]),
            "apply.feedback(<lambda>): a queries frame needs the column 'query'",
        ),
        (
            apply.feedback(lambda f: pd.DataFrame({"qid": ["9"], "query": ["x"]})),
            "apply.feedback(<lambda>): returned qid '9', which is not among the queries it was given",
        ),
    ],
)
def test_what_a_function_returns_is_checked(stage, message):
    with pytest.raises((FrameError, ShapeError)) as error:
        (toy() >> stage)("heat")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("bad", [None, 3, {"a": -1.0}, {"a": "1"}, {1: 1.0}, {"a": float("inf")}])
def test_a_rewrite_must_give_a_text_or_weights(bad):
    with pytest.raises(
        FrameError, match=r"apply.rewrite\(<lambda>\): must return a text or a dict of terms with weights"
    ):
        apply.rewrite(lambda row: bad)("heat")


def test_an_exception_comes_through_with_a_note_of_the_row():
    def broken(row):
        return 1 / (row["docno"] != "d2")

    with pytest.raises(ZeroDivisionError) as error:
        (toy() >> apply.score(broken))("heat")
    assert error.value.__notes__ == ["irkit: in apply.score(broken), qid '1', docno 'd2'"]
    with pytest.raises(KeyError) as error:
        (toy() >> apply.rerank(lambda frame: frame["nobody"]))("heat")
    assert error.value.__notes__ == ["irkit: in apply.rerank(<lambda>), a frame of 2 rows"]


def test_an_error_of_irkits_own_is_left_alone():
    def inner(frame):
        return Cut(k=1)(frame[["qid"]])

    with pytest.raises(IrkitError) as error:
        (toy() >> apply.rerank(inner))("heat")
    assert not hasattr(error.value, "__notes__")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: apply.score("len"), "apply.score: needs a function, got str"),
        (lambda: apply.score(len, batch_size=0), "apply: batch_size is not valid, got 0"),
        (lambda: apply.score(len, key=""), "apply: key is not valid, got ''"),
        (lambda: apply.score(len).spec(), "apply.score(len): a recipe cannot hold a function"),
    ],
)
def test_a_wrong_stage_is_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value).startswith(message)


# ---------------------------------------------------------------- identity


def test_a_function_is_known_by_its_key_alone():
    def one(row):
        return 1.0

    keyed = apply.score(one, key="v1")
    assert keyed == apply.score(lambda row: 2.0, key="v1")
    assert (
        len({keyed, apply.score(one, key="v2"), apply.filter(one, key="v1"), apply.score(one, key="v1", batch_size=2)})
        == 4
    )
    assert keyed.cacheable
    assert (toy() >> keyed).cacheable


def test_a_function_without_a_key_is_like_no_other_and_not_cached():
    def one(row):
        return 1.0

    stage, other = apply.score(one), apply.score(one)
    assert stage == stage
    assert stage != other
    assert (toy() >> stage) != (toy() >> other)
    assert not stage.cacheable
    assert not (toy() >> stage).cacheable
    assert not (toy() + (toy() >> stage)).cacheable
