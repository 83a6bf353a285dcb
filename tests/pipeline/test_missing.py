"""Tests of irkit.pipeline.missing: what a list counts for a document that it lacks."""

import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from irkit.pipeline import DropSelf, LoadText, apply, combmnz, combsum, features, interpolate
from irkit.pipeline.missing import missing_values
from tests.oracles import joins
from tests.pipeline.toy import ToyIndex, ask, given, ranked_lists

QIDS = ("1", "2", "3")
A = {"1": {"a": 3.0, "b": 2.0, "c": 1.0}, "2": {"a": 1.0}}
LIKELIHOOD = {"1": {"c": -2.0, "d": -3.0, "b": -9.0}, "2": {"b": -4.0}, "3": {"a": 7.0}}


def laws(**strategies):
    """A property test over random results, with few examples: each runs whole pipelines."""
    return lambda test: settings(max_examples=25, deadline=None)(hypothesis_given(**strategies)(test))


@pytest.mark.parametrize(
    ("missing", "weight", "expected"),
    [
        ("auto", 1.0, [-3.0, 0.0, 0.0]),
        ("lowest", 1.0, [-3.0, 2.0, 0.0]),
        (-20.0, 1.0, [-20.0, -20.0, -20.0]),
        (-20.0, 0.5, [-10.0, -10.0, -10.0]),
        ("auto", -1.0, [0.0, 5.0, 0.0]),
        ("lowest", -1.0, [-1.0, 5.0, 0.0]),
    ],
)
def test_values_by_hand(missing, weight, expected):
    ptr, scores = np.array([0, 2, 4, 4]), np.array([[-1.0], [-3.0], [5.0], [2.0]])
    found = missing_values(ptr, scores, missing, weight)
    assert found[:, 0].tolist() == expected
    assert not np.signbit(found[found == 0]).any()


def test_a_list_with_a_negative_score_counts_its_lowest_for_a_missing_document():
    a, b = given(A), given(LIKELIHOOD)
    assert ask(a + b, *QIDS) == {
        "1": [("c", -1.0), ("d", -3.0), ("a", -6.0), ("b", -7.0)],  # a: 3 and the lowest, -9
        "2": [("a", -3.0), ("b", -4.0)],
        "3": [("a", 7.0)],
    }
    assert ask(0.5 * a + 2 * b, "1") == {"1": [("c", -3.5), ("d", -6.0), ("a", -16.5), ("b", -17.0)]}
    assert ask(a + b % 1, "1") == {"1": [("a", 1.0), ("b", 0.0), ("c", -1.0)]}
    assert ask(interpolate(a, b, 0.75), "1") == ask(0.75 * a + 0.25 * b, "1")
    # A document counts from the lowest: c has 1 + (-2 + 9) in two lists.
    assert ask(combmnz(a, b), "1") == {"1": [("c", 16.0), ("d", 6.0), ("b", 4.0), ("a", 3.0)]}
    frame = (a**b)({"1": "x", "2": "y", "3": "z"})
    assert [list(values) for values in frame["features"]] == [[3.0, -9.0], [2.0, -9.0], [1.0, -2.0], [1.0, -4.0]]


def test_a_list_under_a_negative_weight_counts_what_it_counted_before():
    a, b = given(A), given(LIKELIHOOD)
    # Whoever is not in a costs nothing.
    assert ask(b + -1 * a, "1") == {"1": [("d", -3.0), ("c", -3.0), ("b", -11.0), ("a", -12.0)]}
    # Whoever is not in b costs as much as the lowest of b.
    assert ask(a + -1 * b, "1") == {"1": [("a", 12.0), ("b", 11.0), ("d", 3.0), ("c", 3.0)]}
    assert ask(a + (-1 * b).parallel(1) % 9, "1") == ask(a + -1 * b, "1")
    for stage in (DropSelf(), LoadText(index=ToyIndex(dict.fromkeys("abcd", "text")))):  # they leave scores as they are
        assert ask(a + (-1 * b >> stage), "1") == ask(a + -1 * b, "1")
    assert ask(a + (-2 * (b % 2)) * 0.5, "1") == {"1": [("a", 6.0), ("b", 5.0), ("d", 3.0), ("c", 3.0)]}
    frame = (a ** (-1 * b))({"1": "x"})
    assert [list(values) for values in frame["features"]] == [[3.0, 9.0], [2.0, 9.0], [1.0, 2.0]]


def test_what_a_missing_document_counts_can_be_said():
    a, b = given(A), given(LIKELIHOOD)
    assert ask(combsum(a, b, missing=0), "1") == {"1": [("a", 3.0), ("c", -1.0), ("d", -3.0), ("b", -7.0)]}
    assert ask(combsum(a, b, missing="lowest"), "1") == {"1": [("c", -1.0), ("d", -2.0), ("a", -6.0), ("b", -7.0)]}
    assert ask(combsum(a, 0.5 * b, missing=-20), "1") == {"1": [("c", 0.0), ("b", -2.5), ("a", -7.0), ("d", -21.5)]}
    assert ask(interpolate(a, b, 0.5, missing=-20), "1") == {"1": [("c", -0.5), ("b", -3.5), ("a", -8.5), ("d", -11.5)]}
    assert ask(combmnz(a, b, missing=0), "1") == {"1": [("a", 3.0), ("c", -2.0), ("d", -3.0), ("b", -14.0)]}
    frame = features(a, b, missing=-20)({"1": "x"})
    assert [list(values) for values in frame["features"]] == [[3.0, -20.0], [2.0, -9.0], [1.0, -2.0]]
    assert combsum(a, b) == a + b
    assert features(a, b) == a**b
    assert combsum(a, b, missing="lowest") != a + b


def test_features_that_a_part_makes_count_column_by_column():
    a = given({"1": {"a": 3.0, "b": 2.0}})
    made = given({"1": {"b": 5.0, "c": 1.0}}) >> apply.feature(lambda row: [row["score"], -row["score"], 1.0])
    frame = (a ** (-2 * made))({"1": "x"})
    assert [list(values) for values in frame["features"]] == [[3.0, 0.0, -5.0, 0.0], [2.0, 5.0, -5.0, 1.0]]


@laws(a=ranked_lists, b=ranked_lists, missing=st.sampled_from(["auto", "lowest", 0, -7.5]), k=st.integers(1, 3))
def test_missing_documents_equal_loops_over_dicts(a, b, missing, k):
    x, y = given(a), given(b)
    cut = {qid: dict(docs[:k]) for qid, docs in joins.ranked(b).items()}
    assert ask(combsum(x, y % k, missing=missing), *QIDS) == joins.combsum(a, cut, missing=missing)
    assert ask(combmnz(x, y, missing=missing), *QIDS) == joins.combmnz(a, b, missing=missing)
    frame = features(x, y, missing=missing)({qid: qid for qid in QIDS})
    rows = {qid: list(zip(f["docno"], map(list, f["features"]), strict=True)) for qid, f in frame.groupby("qid")}
    assert rows == joins.features(a, b, missing=missing)


@laws(a=ranked_lists, b=ranked_lists, weight=st.sampled_from([-2.0, -0.5, 0.25, 4.0]))
def test_a_common_weight_may_be_taken_out(a, b, weight):
    # Powers of two change no digit.
    x, y = given(a), given(b)
    for missing in ("auto", "lowest", -3.0):
        inside = combsum(weight * x, weight * y, missing=missing)
        assert ask(inside, *QIDS) == ask(weight * combsum(x, y, missing=missing), *QIDS)


@laws(a=ranked_lists, b=ranked_lists)
def test_lists_without_a_negative_score_are_added_as_ever(a, b):
    a, b = ({qid: {d: abs(s) for d, s in docs.items()} for qid, docs in run.items()} for run in (a, b))
    for docs in (a, b):
        assert ask(given(docs) + given({}), *QIDS) == ask(given(docs), *QIDS)
    assert ask(given(a) + given(b), *QIDS) == joins.fused((a, b), sum)
    assert ask(combmnz(given(a), given(b)), *QIDS) == joins.fused((a, b), lambda held: sum(held) * len(held))


@laws(a=ranked_lists, shift=st.integers(-5, 5))
def test_in_a_list_of_log_likelihoods_nobody_beats_a_document_by_being_missing(a, shift):
    below = {qid: {d: s - 1e6 - 1 for d, s in docs.items()} for qid, docs in a.items()}
    other = {qid: {"z": float(shift), **dict.fromkeys(docs, float(shift))} for qid, docs in below.items()}
    for joined in (given(other) + given(below), combmnz(given(other), given(below))):
        for qid, docs in ask(joined, *QIDS).items():
            assert docs[-1][1] == dict(docs)["z"], qid
