"""Tests of irkit.pipeline.filters."""

import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from irkit.errors import FrameError
from irkit.pipeline import Drop, DropSelf, Reset, apply, drop_seen, reset
from tests.pipeline.toy import ask, given, ranked_lists, toy

RUN = {"d1": {"d1": 3.0, "d2": 2.0, "d3": 1.0}, "d2": {"d1": 1.0, "d3": 0.5}, "q": {"d1": 1.0}}


def test_pairs_are_dropped_and_ranks_close_up():
    pairs = pd.DataFrame({"qid": ["d1", "q", "q", "other"], "docno": ["d2", "d1", "d9", "d1"], "label": [1, 1, 0, 1]})
    frame = (given(RUN) >> Drop(pairs=pairs))(dict.fromkeys(RUN, "x"))
    assert list(zip(frame["qid"], frame["docno"], frame["rank"], strict=True)) == [
        ("d1", "d1", 0), ("d1", "d3", 1), ("d2", "d1", 0), ("d2", "d3", 1),
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@hypothesis_given(lists=ranked_lists, pairs=st.sets(st.tuples(st.sampled_from("1234"), st.sampled_from("abcxyz"))))
def test_dropping_equals_a_loop(lists, pairs):
    frame = pd.DataFrame(sorted(pairs), columns=["qid", "docno"], dtype="str")
    kept = {
        qid: [(d, s) for d, s in docs if (qid, d) not in pairs] for qid, docs in ask(given(lists), "1", "2").items()
    }
    assert ask(given(lists) >> Drop(pairs=frame), "1", "2") == {qid: docs for qid, docs in kept.items() if docs}


def test_what_users_have_seen_is_dropped():
    ratings = pd.DataFrame({"user_id": ["d1"], "item_id": ["d3"], "rating": [4.0]})
    assert ask(given(RUN) >> drop_seen(ratings), "d1") == {"d1": [("d1", 3.0), ("d2", 2.0)]}
    qrels = pd.DataFrame({"qid": ["d1"], "docno": ["d3"], "label": [0]})
    assert drop_seen(qrels) == drop_seen(ratings)


def test_drops_are_known_by_their_pairs_in_any_order():
    pairs = pd.DataFrame({"qid": ["1", "2"], "docno": ["a", "b"]})
    twice = pd.concat([pairs[::-1], pairs])
    assert Drop(pairs=pairs) == Drop(pairs=twice.assign(label=1))
    assert Drop(pairs=pairs) != Drop(pairs=pairs[:1])
    assert Drop(pairs=pairs).cacheable


@pytest.mark.parametrize(
    ("pairs", "got"), [(pd.DataFrame({"qid": ["1"]}), "qid"), ([("1", "a")], "list"), (None, "NoneType")]
)
def test_a_drop_needs_pairs(pairs, got):
    with pytest.raises(FrameError, match=f"drop: needs a frame with the columns 'qid' and 'docno', got {got}"):
        Drop(pairs=pairs)


def test_a_query_that_is_a_document_does_not_find_itself():
    assert ask(given(RUN) >> DropSelf(), *RUN) == {
        "d1": [("d2", 2.0), ("d3", 1.0)], "d2": [("d1", 1.0), ("d3", 0.5)], "q": [("d1", 1.0)],
    }  # fmt: skip


def test_nothing_to_drop_is_no_work():
    hits = given(RUN).run(pd.DataFrame({"qid": ["q"], "query": ["x"]}))
    assert DropSelf().run(hits) is hits


def test_a_reset_gives_the_queries_as_they_were():
    stage = apply.rewrite(lambda row: "heat") >> apply.rewrite(lambda row: {"wing": 1.0})
    assert (stage >> toy())("speed")["docno"].tolist() == ["d2", "d1"]
    assert (stage >> toy() >> Reset())("speed").to_dict("list") == {"qid": ["1"], "query": ["speed"]}
    assert (toy() >> Reset())("speed").to_dict("list") == {"qid": ["1"], "query": ["speed"]}
    assert (stage >> toy() >> Reset() >> toy())("speed").equals(toy()("speed"))
    assert reset() == Reset()


def test_results_without_queries_cannot_be_reset():
    run = toy()({"q7": "heat"}).drop(columns="query")
    with pytest.raises(FrameError) as error:
        reset()(run)
    assert str(error.value) == (
        "reset: query 'q7' has neither text nor weighted terms, got the columns qid; add the texts, which a run file "
        "does not hold: results.merge(queries, on='qid')"
    )
    assert reset()(run.merge(pd.DataFrame({"qid": ["q7"], "query": ["wing"]}), on="qid"))["query"].tolist() == ["wing"]
