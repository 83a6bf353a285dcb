"""Tests of irkit.hits."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import FrameError, NotFoundError
from irkit.hits import Docnos, Hits, common_columns, rank_order, shared_docnos, stacked

QUERIES = pd.DataFrame({"qid": ["1", "2", "3"], "query": ["one", "two", "three"]}, dtype="str")
# Query 2 has no hit; d1 and d2 tie for query 1.
QUERY, DOC, SCORE = [0, 2, 0, 0, 2], [0, 2, 1, 2, 0], [1.0, 5.0, 1.0, 3.0, 7.0]


def hits(ties="trec", **columns):
    return Hits.ranked(QUERIES, QUERY, DOC, SCORE, Docnos(["d1", "d2", "d3"]), ties, columns)


def listed(results):
    frame = results.frame()
    return list(zip(frame["qid"], frame["docno"], frame["score"].tolist(), frame["rank"].tolist(), strict=True))


# ---------------------------------------------------------------- the table of ids


@pytest.mark.parametrize(
    "names", [[f"d{i * 7919 % 4001}" for i in range(4001)], ["é", "a", "zz", "Ω", "b", "ab", "abc"]]
)
def test_few_ids_are_found_as_many_are(names, monkeypatch):
    monkeypatch.setattr("irkit.docnos.MANY", 1)
    table = Docnos(names, Docnos(names).rank)
    few = [names[3], "no such", names[0], "", names[-1], "zzz", "é"]
    found = table.rows(few).tolist()
    assert found == [names.index(name) if name in names else -1 for name in few]
    assert found == Docnos(names).rows(few).tolist()


def test_docnos_answer_by_row_and_by_name():
    table = Docnos(["b", "a", "c"])
    assert [table[0], table.row("c"), len(table)] == ["b", 2, 3]
    assert table.rows(["c", "nobody", "b"]).tolist() == [2, -1, 0]
    assert table.take(np.array([2, 2, 0])).to_pylist() == ["c", "c", "b"]
    assert table.take(np.array([], dtype=float)).to_pylist() == []


def test_docnos_rank_by_their_bytes_not_by_locale():
    # In UTF-8: digits < capitals < small letters < é < a character outside the basic plane.
    names = ["é", "b", "10", "B", "9", "😀", "￼"]
    expected = sorted(range(len(names)), key=lambda i: names[i].encode())
    assert np.argsort(Docnos(names).rank).tolist() == expected


@pytest.mark.parametrize(
    "names",
    [
        ["x", "y"],
        pa.array(["x", "y"]),
        pa.chunked_array([["x"], ["y"]]),
        pd.Series(["x", "y"]),
        pd.Series(["x", "y"], dtype=object),
        pd.Series(pd.Categorical(["x", "y"])),
    ],
    ids=["list", "arrow", "chunked", "str", "object", "categorical"],
)
def test_docnos_are_read_from_every_kind_of_strings(names):
    assert Docnos(names).names.to_pylist() == ["x", "y"]
    assert Docnos(["y", "x"]).rows(names).tolist() == [1, 0]


def test_an_unknown_docno_is_refused_with_near_misses():
    with pytest.raises(NotFoundError, match=r"docno: there is no document 'doc-12'; did you mean doc-11"):
        Docnos(["doc-11", "other"]).row("doc-12")


# ---------------------------------------------------------------- the order


def test_hits_are_ranked_by_score_then_docno_descending():
    assert listed(hits()) == [
        ("1", "d3", 3.0, 0), ("1", "d2", 1.0, 1), ("1", "d1", 1.0, 2),
        ("3", "d1", 7.0, 0), ("3", "d3", 5.0, 1),
    ]  # fmt: skip
    assert [docno for _, docno, _, _ in listed(hits(ties="anserini"))] == ["d3", "d1", "d2", "d1", "d3"]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.5, -0.0, 0.0, 2.0, 2.5])), max_size=25),
    ties=st.sampled_from(["trec", "anserini"]),
    data=st.data(),
)
def test_rank_order_is_a_sort_by_three_keys(rows, ties, data):
    ranks = data.draw(st.permutations(range(len(rows))))
    keys = [
        (query, -score, rank if ties == "anserini" else -rank) for (query, score), rank in zip(rows, ranks, strict=True)
    ]
    query = np.array([query for query, _ in rows], dtype=int)
    score = np.array([score for _, score in rows])
    order = rank_order(query, score, np.array(ranks, dtype=np.int32), ties)
    assert order.tolist() == sorted(range(len(rows)), key=keys.__getitem__)


@pytest.mark.parametrize("queries", [3, 70_000])
def test_rank_order_is_lexsort_on_many_hits(queries):
    rng = np.random.default_rng(queries)
    query, rank = rng.integers(0, queries, 200_000), rng.permutation(200_000).astype(np.int32)
    for score in (rng.random(200_000), rng.integers(-3, 4, 200_000) * 0.5, np.zeros(200_000)):
        expected = np.lexsort((-rank.astype(np.int64), -score, query))
        np.testing.assert_array_equal(rank_order(query, score, rank), expected)


def test_minus_zero_and_zero_are_one_score():
    frame = pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "b"], "score": [0.0, -0.0]})
    assert Hits.from_frame(frame).frame()["docno"].tolist() == ["b", "a"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused_with_its_place(bad):
    with pytest.raises(FrameError, match=rf"results: the score of docno 'd2' for qid '1' must be finite, got {bad}"):
        Hits.ranked(QUERIES, QUERY, DOC, [1.0, 5.0, bad, 3.0, 7.0], Docnos(["d1", "d2", "d3"]))


# ---------------------------------------------------------------- changing a result set


def test_a_cut_keeps_the_best_of_each_query_and_their_columns():
    cut = hits(length=np.array([10, 20, 30, 40, 50])).cut(2)
    assert listed(cut) == [("1", "d3", 3.0, 0), ("1", "d2", 1.0, 1), ("3", "d1", 7.0, 0), ("3", "d3", 5.0, 1)]
    assert cut.columns["length"].tolist() == [40, 30, 50, 20]
    assert len(cut.queries) == 3
    whole = hits()
    assert whole.cut(3) is whole


def test_rescoring_puts_hits_and_columns_in_their_new_order():
    before = hits(text=pa.array(["p", "q", "r", "s", "t"]))
    after = before.rescored(-before.score)
    assert after.frame()["docno"].tolist() == ["d2", "d1", "d3", "d3", "d1"]
    assert after.frame()["text"].tolist() == ["r", "p", "s", "q", "t"]


def test_columns_are_added_replaced_and_left_out():
    more = hits().carrying(a=np.arange(5)).carrying(a=np.ones(5), b=np.zeros(5))
    assert list(more.columns) == ["a", "b"]
    assert more.columns["a"].tolist() == [1] * 5
    assert list(more.without("b", "nobody").columns) == ["a"]
    assert more.without("nobody") is more


def test_a_stretch_of_queries_stands_alone():
    part = hits(n=np.arange(5)).between(1, 3)
    assert listed(part) == [("3", "d1", 7.0, 0), ("3", "d3", 5.0, 1)]
    assert part.queries["qid"].tolist() == ["2", "3"]
    assert part.columns["n"].tolist() == [4, 1]


def test_compact_hits_hold_only_their_own_documents():
    small = hits().between(2, 3).compact()
    assert small.docnos.names.to_pylist() == ["d1", "d3"]
    assert listed(small) == [("3", "d1", 7.0, 0), ("3", "d3", 5.0, 1)]


def test_hits_move_to_another_table():
    there = hits().on(Docnos(["z", "d3", "d2", "d1"]))
    assert listed(there) == listed(hits())
    with pytest.raises(NotFoundError, match=r"docno: there is no document 'd2' in the table"):
        hits().on(Docnos(["d1", "d3"]))


def test_hits_move_to_other_queries_in_their_order():
    other = pd.DataFrame({"qid": ["3", "0", "1"], "query": ["c", "z", "a"]}, dtype="str")
    moved = hits(n=np.arange(5)).for_queries(other)
    assert listed(moved) == [
        ("3", "d1", 7.0, 0), ("3", "d3", 5.0, 1),
        ("1", "d3", 3.0, 0), ("1", "d2", 1.0, 1), ("1", "d1", 1.0, 2),
    ]  # fmt: skip
    assert moved.columns["n"].tolist() == [4, 1, 3, 2, 0]
    assert moved.frame()["query"].tolist() == ["c", "c", "a", "a", "a"]
    with pytest.raises(FrameError, match="qid '1' is not among the queries"):
        hits().for_queries(other.iloc[:2])


def test_result_sets_share_a_table_even_if_one_is_empty():
    left, right = hits(), Hits.ranked(QUERIES, [1], [0], [9.0], Docnos(["d9"]))
    shared = shared_docnos([left, Hits.none(QUERIES), right])
    assert shared[0].docnos is shared[1].docnos is shared[2].docnos
    assert [listed(part) for part in shared] == [listed(left), [], [("2", "d9", 9.0, 0)]]
    assert sorted(shared[0].docnos.names.to_pylist()) == ["d1", "d2", "d3", "d9"]


def test_result_sets_on_one_table_are_left_as_they_are():
    one = hits()
    assert shared_docnos([one, one.cut(1)])[0] is one


def test_groups_of_queries_are_stacked():
    whole = hits(text=pa.array(list("vwxyz")))
    pieces = [whole.between(0, 2).compact(), whole.between(2, 2).compact(), whole.between(2, 3).compact()]
    pd.testing.assert_frame_equal(stacked(pieces, QUERIES).frame(), whole.frame())


def test_common_columns_skip_what_a_list_with_hits_lacks():
    one, two = hits(a=np.arange(5), b=np.arange(5)), hits(a=np.arange(5))
    assert list(common_columns([one, two])) == ["a"]
    assert list(common_columns([one, Hits.none(QUERIES)])) == ["a", "b"]
    assert common_columns([hits(a=pa.array(list("abcde"))), two])["a"].tolist()[:2] == ["d", "c"]


# ---------------------------------------------------------------- frames


def test_a_frame_and_its_hits_are_the_same():
    frame = pd.DataFrame({
        "qid": ["2", "1", "1"], "query": ["b", "a", "a"], "docno": ["x", "x", "y"], "score": [1, 2, 3],
        "text": ["t", None, "v"], "length": [4, 5, 6], "features": [[1, 2], [3, 4], [5, 6]],
    })  # fmt: skip
    out = Hits.from_frame(frame).frame()
    assert out.columns.tolist() == ["qid", "query", "docno", "score", "rank", "text", "length", "features"]
    assert list(zip(out["qid"], out["docno"], out["rank"], out["length"], strict=True)) == [
        ("2", "x", 0, 4), ("1", "y", 0, 6), ("1", "x", 1, 5),
    ]  # fmt: skip
    assert out["text"].isna().tolist() == [False, False, True]
    assert [values.tolist() for values in out["features"]] == [[1, 2], [5, 6], [3, 4]]
    assert out.dtypes[["qid", "docno", "score", "rank"]].astype(str).tolist() == ["str", "str", "float64", "int64"]
    pd.testing.assert_frame_equal(Hits.from_frame(out).frame(), out)


def test_a_frame_made_of_hits_does_not_share_their_memory():
    results = hits()
    frame = results.frame()
    frame.loc[0, "score"] = 99.0
    assert results.score[0] == 3.0


def test_query_columns_are_repeated_whatever_they_hold():
    queries = QUERIES.assign(query_toks=[{"a": 1.0}, None, {"b": 2.0}], timestamp=[7, 8, 9])
    frame = Hits.ranked(queries.astype({"qid": object}), QUERY, DOC, SCORE, Docnos(["d1", "d2", "d3"])).frame()
    assert frame["query_toks"].tolist() == [{"a": 1.0}] * 3 + [{"b": 2.0}] * 2
    assert frame["timestamp"].tolist() == [7, 7, 7, 9, 9]
    assert str(frame["qid"].dtype) == "str"


def test_queries_without_results_are_kept_when_they_are_given():
    frame = pd.DataFrame({"qid": ["3"], "docno": ["x"], "score": [1.0]})
    assert np.diff(Hits.from_frame(frame, QUERIES).ptr).tolist() == [0, 0, 1]
    assert Hits.from_frame(frame).queries.columns.tolist() == ["qid"]


def test_no_results_are_results():
    nothing = pd.DataFrame(columns=["qid", "query", "docno", "score"])
    out = Hits.from_frame(nothing, QUERIES)
    assert (len(out), len(out.queries), len(out.frame())) == (0, 3, 0)
    assert len(Hits.none(QUERIES).frame()) == len(Hits.from_frame(nothing).cut(3).frame()) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": [1.0, np.nan]}, "mine: column 'score' must be finite, got nan in row 1"),
        ({"docno": ["x", "x"]}, "mine: qid '1', docno 'x' occurs twice; each qid and docno may occur once"),
        ({"docno": ["x", 7]}, "mine: column 'docno' must hold strings, got int, str"),
        ({"qid": ["1", "4"]}, "mine: qid '4' is not among the queries; pass all queries of the run"),
        (
            {"features": [[1.0], [1.0, 2.0]]},
            "results: column 'features' must hold arrays of numbers, all of one length",
        ),
        ({"features": [[1.0], [np.inf]]}, "results: column 'features' must hold one-dimensional arrays of finite"),
    ],
)
def test_a_broken_frame_is_refused(change, message):
    frame = pd.DataFrame({"qid": ["1", "1"], "docno": ["x", "y"], "score": [1.0, 2.0]}).assign(**change)
    with pytest.raises(FrameError) as error:
        Hits.from_frame(frame, QUERIES, who="mine")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_columns_of_the_queries_are_on_every_hit_of_a_frame():
    queries = pd.DataFrame({"qid": ["1", "2"], "query": ["x", "y"], "lang": ["en", "de"], "rank": [7, 8], "n": [1, 2]})
    hits = Hits.ranked(queries, np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([1.0, 2.0, 1.0]), Docnos(["a", "b"]))
    frame = hits.frame()
    assert frame.columns.tolist() == ["qid", "query", "lang", "n", "docno", "score", "rank"]
    assert frame["lang"].tolist() == ["en", "de", "de"]
    assert frame["rank"].tolist() == [0, 0, 1]
    pd.testing.assert_frame_equal(Hits.from_frame(frame, queries).frame(), frame, check_dtype=False)
    again = Hits.from_frame(frame).frame()
    assert again[frame.columns].equals(frame.assign(lang=frame["lang"].astype(again["lang"].dtype)))


def test_weighted_terms_that_became_text_are_refused_in_results_too():
    frame = pd.DataFrame({"qid": ["1"], "docno": ["d"], "score": [1.0], "query": ["x"], "query_toks": ["{'x': 1.0}"]})
    with pytest.raises(FrameError, match="results: column 'query_toks' must hold dicts of terms to weights, got str"):
        Hits.from_frame(frame)


def test_a_frame_remembers_another_tie_rule():
    frame = Hits.from_frame(pd.DataFrame({"qid": "1", "docno": ["a", "b"], "score": 1.0}), ties="anserini").frame()
    assert frame.attrs == {"ties": "anserini"}
    assert frame["docno"].tolist() == Hits.from_frame(frame).frame()["docno"].tolist() == ["a", "b"]
    assert Hits.from_frame(frame, ties="trec").frame()["docno"].tolist() == ["b", "a"]


def test_one_qid_cannot_stand_for_two_queries():
    frame = pd.DataFrame({"qid": "1", "docno": ["a", "b"], "score": 1.0, "query": ["storm", "rain"]}, dtype=None)
    with pytest.raises(
        FrameError, match=r"results: qid '1' has two queries, 'storm' and 'rain'; give each query a qid"
    ):
        Hits.from_frame(frame)
    assert len(Hits.from_frame(frame.assign(query="storm"))) == 2


def test_the_hits_of_some_queries_are_a_result_set_of_their_own():
    frame = pd.DataFrame(
        {"qid": ["2", "1", "2", "3"], "docno": ["a", "b", "c", "d"], "score": [1.0, 2.0, 3.0, 4.0], "n": [1, 2, 3, 4]}
    ).astype({"qid": "str", "docno": "str"})
    queries = pd.DataFrame({"qid": ["0", "1", "2", "3"], "query": ["n", "x", "y", "z"]}, dtype="str")
    hits = Hits.from_frame(frame, queries).of(["3", "2", "0", "9"])
    assert hits.queries["query"].tolist() == ["n", "y", "z"]
    assert hits.ptr.tolist() == [0, 0, 2, 3]
    assert hits.frame()[["qid", "docno", "n"]].values.tolist() == [["2", "c", 3], ["2", "a", 1], ["3", "d", 4]]
    assert not len(Hits.from_frame(frame, queries).of([]).queries)
