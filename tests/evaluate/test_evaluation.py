"""Tests of irkit.evaluate.evaluation."""

from __future__ import annotations

import ir_measures
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, FrameError
from irkit.evaluate.evaluation import evaluate, without_self
from irkit.hits import Docnos, Hits
from tests.oracles import measures as slow


def run_frame(run: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = [(qid, docno, float(score)) for qid, docs in run.items() for docno, score in docs.items()]
    frame = pd.DataFrame(rows, columns=["qid", "docno", "score"])
    return frame.astype({"qid": "str", "docno": "str", "score": "float64"})


def qrels_frame(qrels: dict[str, dict[str, int]]) -> pd.DataFrame:
    rows = [(qid, docno, label) for qid, docs in qrels.items() for docno, label in docs.items()]
    frame = pd.DataFrame(rows, columns=["qid", "docno", "label"])
    return frame.astype({"qid": "str", "docno": "str", "label": "int64"})


QRELS = {"1": {"a": 1, "b": 0, "c": 2}, "2": {"d": 1}, "3": {"e": 0}}
RUN = {"1": {"c": 3.0, "b": 2.0, "a": 1.0}, "3": {"e": 1.0}, "9": {"a": 1.0}}

# ---------------------------------------------------------------------- hand-worked numbers


def test_hand_worked_means_and_counts():
    got = evaluate(run_frame(RUN), qrels_frame(QRELS), "AP P@2 RR")
    assert got.per_query["AP"].to_dict() == pytest.approx({"1": (1 + 2 / 3) / 2, "2": 0, "3": 0})
    assert got.per_query["P@2"].tolist() == [0.5, 0, 0]
    assert got.means == pytest.approx({"AP": (1 + 2 / 3) / 6, "P@2": 0.5 / 3, "RR": 1 / 3})
    assert got.counts == {
        "evaluated": 3, "without_results": 1, "without_relevant": 1, "without_judged": 0, "without_qrels": 1,
    }  # fmt: skip
    assert got.per_query.index.name == "qid"


def test_queries_say_what_is_evaluated_and_in_which_order():
    got = evaluate(run_frame(RUN), qrels_frame(QRELS), "AP", queries=["9", "3", "1"])
    assert got.per_query.index.tolist() == ["3", "1"]
    assert got.counts == {
        "evaluated": 2, "without_results": 0, "without_relevant": 1, "without_judged": 0, "without_qrels": 1,
    }  # fmt: skip
    frame = pd.DataFrame({"qid": ["1"], "query": ["x"]})
    assert evaluate(run_frame(RUN), qrels_frame(QRELS), "AP", queries=frame).per_query.index.tolist() == ["1"]


def test_a_query_without_relevant_documents_scores_zero_and_counts():
    got = evaluate(run_frame({"1": {"a": 1.0}}), qrels_frame({"1": {"a": 0, "b": -1}}), "AP nDCG@10 R@5 RR P@1 Rprec")
    assert (got.per_query.to_numpy() == 0).all()


def test_no_results_at_all_scores_zero():
    got = evaluate(run_frame({}), qrels_frame(QRELS), "AP nDCG@10")
    assert got.means == {"AP": 0.0, "nDCG@10": 0.0}
    assert got.counts["without_results"] == 3


def test_hits_with_empty_queries_are_read_without_a_frame():
    queries = pd.DataFrame({"qid": ["1", "2", "3"], "query": ["", "", ""]})
    docnos = Docnos(["a", "b", "c", "d"])
    hits = Hits.ranked(queries, np.array([0, 0, 2]), np.array([2, 0, 3]), np.array([2.0, 1.0, 1.0]), docnos)
    got = evaluate(hits, qrels_frame(QRELS), "AP")
    assert got.per_query["AP"].tolist() == [1.0, 0.0, 0.0]


def test_judged_documents_outside_the_collection_still_count_as_relevant():
    got = evaluate(run_frame({"1": {"a": 1.0}}), qrels_frame({"1": {"a": 1, "gone": 1}}), "AP R@10")
    assert got.means == {"AP": 0.5, "R@10": 0.5}


def test_ties_are_broken_by_docno_descending_and_not_by_the_rank_column():
    frame = run_frame({"1": {"a": 1.0, "b": 1.0}}).assign(rank=[0, 1])
    assert evaluate(frame, qrels_frame({"1": {"b": 1}}), "RR").means["RR"] == 1.0
    assert evaluate(frame, qrels_frame({"1": {"a": 1}}), "RR").means["RR"] == 0.5


def test_the_order_of_hits_is_kept_even_under_the_other_tie_rule():
    queries = pd.DataFrame({"qid": ["1"], "query": ["x"]})
    hits = Hits.ranked(queries, np.zeros(2, int), np.arange(2), np.ones(2), Docnos(["a", "b"]), ties="anserini")
    assert evaluate(hits, qrels_frame({"1": {"a": 1}}), "RR").means["RR"] == 1.0


def test_exclude_self_removes_the_query_document_from_results_and_qrels():
    run = {"a": {"a": 9.0, "b": 2.0, "c": 1.0}, "b": {"b": 1.0}}
    qrels = {"a": {"a": 1, "c": 1}, "b": {"b": 1}}
    got = evaluate(run_frame(run), qrels_frame(qrels), "AP NumRet", exclude_self=True)
    assert got.per_query["AP"].to_dict() == {"a": 0.5}  # b judged nothing but itself
    assert got.per_query["NumRet"].to_dict() == {"a": 2.0}
    assert "own document is among" not in got.said()
    unsaid = evaluate(run_frame(run), qrels_frame(qrels), "AP")  # as where a merge has dropped what a card says
    assert "2 whose own document is among the results" in unsaid.said()
    assert "among" not in evaluate(run_frame(run), qrels_frame(qrels), "AP", exclude_self=False).said()
    assert evaluate(run_frame(run), qrels_frame(qrels), "AP").per_query["AP"].tolist() == pytest.approx([5 / 6, 1])


def test_without_self_returns_the_same_object_where_there_is_nothing_to_drop():
    hits = Hits.from_frame(run_frame({"q": {"a": 1.0}}))
    assert without_self(hits) is hits


def test_measures_that_count_are_summed():
    got = evaluate(run_frame(RUN), qrels_frame(QRELS), "NumRet NumRelRet")
    assert got.means == {"NumRet": 4.0, "NumRet(rel=1)": 2.0}


def test_what_judgements_hold_is_counted_for_queries_without_results_too():
    got = evaluate(run_frame({"1": {"a": 1.0}}), qrels_frame(QRELS), "NumRel NumQ AP")
    assert got.per_query["NumRel"].to_dict() == {"1": 2, "2": 1, "3": 0}
    assert got.means == {"NumRel": 3, "NumQ": 3, "AP": pytest.approx(1 / 6)}


def test_queries_with_negative_judgements_alone_score_zero():
    """trec_eval's code writes past its arrays there, and the process may end."""
    rng = np.random.default_rng(0)
    labels = rng.integers(-2, 3, (40, 8))
    labels[::3] = rng.integers(-2, 0, (14, 8))
    qrels = qrels_frame({f"q{i}": {f"d{j}": label for j, label in enumerate(row)} for i, row in enumerate(labels)})
    run = run_frame({f"q{i}": {f"d{j}": rng.random() for j in range(12)} for i in range(40)})
    names = "Bpref infAP SetF IPrec@0.1 nDCG(gains={1:5,2:1})@5 AP(judged_only=True) ERR@10 SetR NumRet"
    got = evaluate(run, qrels, names)
    good = qrels[qrels["qid"].isin([f"q{i}" for i in np.flatnonzero(labels.max(axis=1) >= 0)])]
    pd.testing.assert_frame_equal(got.per_query.loc[good["qid"].unique()], evaluate(run, good, names).per_query)
    none = got.per_query.drop(good["qid"].unique())
    assert (none.pop("NumRet") == 12).all()
    assert len(none) >= 14
    assert (none.to_numpy() == 0).all()


def test_query_ids_with_a_hyphen_survive_a_provider_that_cuts_them():
    run, qrels = {"PLAIN-3": {"a": 1.0}}, {"PLAIN-3": {"a": 1}}
    if not ir_measures.gdeval.is_available():
        pytest.skip("gdeval needs perl")
    assert evaluate(run_frame(run), qrels_frame(qrels), "ERR@10").means["ERR@10"] == pytest.approx(1 / 16)


def test_printing_shows_the_measures_and_the_counts():
    text = str(evaluate(run_frame(RUN), qrels_frame(QRELS), "AP nDCG@10"))
    assert text.splitlines()[0] == "AP       0.2778"
    assert text.splitlines()[-1] == (
        "queries: 3, 1 without results (score 0), 1 without a relevant document (score 0), "
        "1 without judgements (left out)"
    )
    assert str(evaluate(run_frame({"1": {"a": 1.0}}), qrels_frame({"1": {"a": 1}}), "AP")).endswith("queries: 1")


def test_ids_that_never_match_are_counted():
    got = evaluate(run_frame({"1": {"D-a": 1.0, "D-c": 0.5}, "2": {"d": 1.0}}), qrels_frame(QRELS), "AP")
    assert got.counts["without_judged"] == 1
    assert "1 with results of which none is judged" in got.said()


def test_what_the_judgements_come_from_says_whether_a_document_answers_itself():
    run, qrels = run_frame({"a": {"a": 2.0, "b": 1.0}}), qrels_frame({"a": {"a": 1, "b": 1}})
    qrels.attrs["exclude_self"] = True
    assert evaluate(run, qrels, "NumRet").means["NumRet"] == 1
    assert evaluate(run, qrels[qrels["label"] > 0].reset_index(drop=True), "NumRet").said() == (
        "each query's own document left out"
    )
    assert evaluate(run, qrels, "NumRet", exclude_self=False).means["NumRet"] == 2


@pytest.mark.parametrize("empty", [[], np.zeros(0), np.array([], dtype=object)], ids=["list", "float64", "object"])
def test_empty_results_of_any_type_score_zero(empty):
    frame = pd.DataFrame({"qid": empty, "docno": empty, "score": empty})
    for results in (frame, pd.DataFrame([]), Hits.from_frame(frame)):
        got = evaluate(results, qrels_frame(QRELS), "AP nDCG@10")
        assert got.means == {"AP": 0.0, "nDCG@10": 0.0}
        assert got.counts["without_results"] == 3


# ---------------------------------------------------------------------- against the slow oracle

SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.0, 1.0, 1.5, -2.0]), max_size=8)
LABELS = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(-1, 3), min_size=1, max_size=10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SCORES, LABELS), min_size=1, max_size=4))
def test_measures_equal_double_loops(cases):
    run = {f"q{i}": scores for i, (scores, _) in enumerate(cases)}
    qrels = {f"q{i}": labels for i, (_, labels) in enumerate(cases)}
    got = evaluate(run_frame(run), qrels_frame(qrels), "AP AP(rel=2) nDCG@3 nDCG@10 P@4 P(rel=2)@4 R@2 RR")
    for qid, row in got.per_query.iterrows():
        ranking, labels = slow.ranked(run[qid]), qrels[qid]
        want = {
            "AP": slow.average_precision(ranking, labels),
            "AP(rel=2)": slow.average_precision(ranking, labels, rel=2),
            "nDCG@3": slow.ndcg(ranking, labels, 3),
            "nDCG@10": slow.ndcg(ranking, labels, 10),
            "P@4": slow.precision(ranking, labels, 4),
            "P(rel=2)@4": slow.precision(ranking, labels, 4, rel=2),
            "R@2": slow.recall(ranking, labels, 2),
            "RR": slow.reciprocal_rank(ranking, labels),
        }
        assert row.to_dict() == pytest.approx(want, abs=1e-12)
    for name, mean in got.means.items():
        assert mean == pytest.approx(got.per_query[name].mean())


# ---------------------------------------------------------------------- errors


def test_a_document_twice_in_one_query_is_refused():
    frame = pd.concat([run_frame({"1": {"a": 1.0}})] * 2)
    with pytest.raises(FrameError, match="qid '1', docno 'a' occurs twice"):
        evaluate(frame, qrels_frame(QRELS), "AP")
    queries = pd.DataFrame({"qid": ["1"], "query": ["x"]})
    hits = Hits(queries, np.array([0, 2]), np.array([0, 0]), np.array([2.0, 1.0]), Docnos(["a"]))
    with pytest.raises(FrameError, match="results: qid '1', docno 'a' occurs twice"):
        evaluate(hits, qrels_frame(QRELS), "AP")


def test_ids_that_never_meet_are_refused():
    with pytest.raises(FrameError, match="no qid of the results is among the queries, got '01' and '1'"):
        evaluate(run_frame({"01": {"a": 1.0}}), qrels_frame(QRELS), "AP")
    with pytest.raises(
        FrameError, match="no query has qrels, got qids such as '7' in the queries and '1' in the qrels"
    ):
        evaluate(run_frame(RUN), qrels_frame(QRELS), "AP", queries=["7"])
    with pytest.raises(FrameError, match="no query has qrels"):
        evaluate(run_frame({}), qrels_frame({}), "AP")


def test_a_text_is_no_list_of_queries():
    with pytest.raises(FrameError, match=r"^queries: needs a queries frame or a sequence of qids, got the text '1'$"):
        evaluate(run_frame(RUN), qrels_frame(QRELS), "AP", queries="1")


def test_repeated_queries_are_refused():
    with pytest.raises(FrameError, match="queries: qid '1' occurs twice"):
        evaluate(run_frame(RUN), qrels_frame(QRELS), "AP", queries=["1", "1"])


def test_a_measure_that_breaks_on_the_data_is_explained():
    with pytest.raises(ConfigError, match="ir-measures cannot compute Accuracy on these qrels; float division"):
        evaluate(run_frame({"1": {"a": 1.0}}), qrels_frame({"1": {"a": 1}}), "Accuracy")


def test_frames_of_ir_datasets_and_of_ranks_alone_are_measured_as_ours():
    ours = pd.DataFrame({"qid": ["1", "1", "1"], "docno": ["a", "b", "c"], "score": [3.0, 2.0, 1.0]})
    qrels = pd.DataFrame({"qid": ["1", "1"], "docno": ["b", "c"], "label": [1, 1]})
    want = evaluate(ours, qrels, "AP").means
    assert want == {"AP": pytest.approx((1 / 2 + 2 / 3) / 2)}
    theirs = ours.rename(columns={"qid": "query_id", "docno": "doc_id"})
    assert evaluate(theirs, qrels, "AP").means == want
    assert evaluate(ours.drop(columns="score").assign(rank=[1, 2, 3]), qrels, "AP").means == want
    assert evaluate(ours.assign(rank=[3, 2, 1]), qrels, "AP").means == want  # older than the scores
