"""Tests of irkit.pipeline.texts: texts, passages, documents again."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, FrameError
from irkit.pipeline import (
    Aggregate,
    FirstPassage,
    LoadText,
    MaxPassage,
    MeanPassage,
    Passages,
    SumPassage,
    apply,
)
from irkit.text.windows import passages as cut_text
from tests.pipeline.toy import DOCS, ToyIndex, toy

QUERIES = {"1": "heat wing", "2": "speed", "3": "nothing like it"}


def results(rows, **columns):
    qid, docno, score = zip(*rows, strict=True)
    return pd.DataFrame({"qid": qid, "docno": docno, "score": score, **columns})


def rows(frame, *names):
    return list(zip(*(frame[name] for name in ("qid", "docno", "score", *names)), strict=True))


class Counting(ToyIndex):
    def texts(self, docnos):
        self.asked = list(docnos)
        return super().texts(docnos)


def test_texts_are_loaded_once_each():
    index = Counting(DOCS)
    frame = (toy() >> LoadText(index=index))(QUERIES)
    assert frame["text"].tolist() == [DOCS[docno] for docno in frame["docno"]]
    assert len(frame) == 5
    assert sorted(index.asked) == ["d1", "d2", "d3", "d4"]
    assert str(frame["text"].dtype) == "str"


def test_texts_follow_their_document_when_the_order_changes():
    frame = (toy() >> LoadText(index=ToyIndex(DOCS)) >> apply.score(lambda row: -row["score"]))(QUERIES)
    assert frame["text"].tolist() == [DOCS[docno] for docno in frame["docno"]]


def test_no_result_has_no_text():
    index = Counting(DOCS)
    assert (toy() >> LoadText(index=index) >> Passages() >> Aggregate())("nothing").columns.tolist() == [
        "qid", "query", "docno", "score", "rank", "text",
    ]  # fmt: skip
    assert not hasattr(index, "asked")


def test_passages_by_hand():
    frame = results(
        [("1", "a", 2.0), ("1", "b", 1.0), ("2", "a", 5.0)], text=["u v w x y", "", "u v w x y"], n=[7, 8, 9]
    )
    found = Passages(size=2, stride=2)(frame)
    assert rows(found, "text", "n") == [
        ("1", "a%p2", 2.0, "y", 7), ("1", "a%p1", 2.0, "w x", 7), ("1", "a%p0", 2.0, "u v", 7),
        ("1", "b%p0", 1.0, "", 8),
        ("2", "a%p2", 5.0, "y", 9), ("2", "a%p1", 5.0, "w x", 9), ("2", "a%p0", 5.0, "u v", 9),
    ]  # fmt: skip


def test_the_default_stride_is_half_a_passage():
    frame = results([("1", "a", 1.0)], text=["u v w x y"])
    assert sorted(Passages(size=3)(frame)["text"]) == ["u v w", "w x y"]
    assert Passages(size=1)(frame)["text"].tolist() == ["y", "x", "w", "v", "u"]


def test_a_text_may_depend_on_the_query():
    frame = results(
        [("1", "a", 1.0), ("2", "a", 1.0), ("2", "b", 0.5), ("3", "a", 1.0)], text=["x", "u v w", "s t", "y z"]
    )
    found = Passages(size=1)(frame)
    assert [(q, d, t) for q, d, _, t in rows(found, "text")] == [
        ("1", "a%p0", "x"), ("2", "a%p2", "w"), ("2", "a%p1", "v"), ("2", "a%p0", "u"),
        ("2", "b%p1", "t"), ("2", "b%p0", "s"), ("3", "a%p1", "z"), ("3", "a%p0", "y"),
    ]  # fmt: skip


@settings(max_examples=25, deadline=None)
@hypothesis_given(
    texts=st.dictionaries(st.sampled_from("abcd"), st.text("xy ", max_size=12), min_size=1),
    size=st.integers(1, 4),
    data=st.data(),
)
def test_passages_are_those_of_each_text(texts, size, data):
    stride = data.draw(st.integers(1, size))
    frame = results([(qid, docno, 1.0) for qid in "12" for docno in texts], text=list(texts.values()) * 2)
    found = {(q, d): t for q, d, _, t in rows(Passages(size=size, stride=stride)(frame), "text")}
    assert found == {
        (qid, f"{docno}%p{i}"): piece
        for qid in "12"
        for docno, text in texts.items()
        for i, piece in enumerate(cut_text(text, size, stride))
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Passages(size=0), "passages: size is not valid, got 0"),
        (lambda: Passages(size=5, stride=6), "passages: stride must be at most the size 5 or words are skipped, got 6"),
        (
            lambda: Aggregate(method="min"),
            "aggregate: method is not valid, got 'min'; choose from first, max, mean, sum",
        ),
    ],
)
def test_a_wrong_setting_is_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value).startswith(message)


def test_passages_need_texts():
    with pytest.raises(FrameError, match=r"passages: needs the column 'text'; put LoadText\(index\) before it"):
        (toy() >> Passages())("heat")
    frame = results([("1", "a", 1.0), ("1", "b", 2.0)], text=["u", None])
    with pytest.raises(FrameError, match="passages: document 'b' has no text; index its text or drop it first"):
        Passages()(frame)


PIECES = results(
    [
        ("1", "a%p0", 1.0), ("1", "a%p1", 4.0), ("1", "a%p10", 2.5), ("1", "b%p2", 3.0),
        ("2", "a%p1", 4.0), ("1", "c", 2.0), ("2", "x%p1%p0", 1.0),
    ],
    text=["a0", "a1", "a10", "b2", "A1", "c", "x"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "first", "second"),
    [
        (MaxPassage(), [("a", 4.0, "a1"), ("b", 3.0, "b2"), ("c", 2.0, "c")], 4.0),
        (FirstPassage(), [("b", 3.0, "b2"), ("c", 2.0, "c"), ("a", 1.0, "a0")], 4.0),
        (MeanPassage(), [("b", 3.0, "b2"), ("a", 2.5, "a1"), ("c", 2.0, "c")], 4.0),
        (SumPassage(), [("a", 7.5, "a1"), ("b", 3.0, "b2"), ("c", 2.0, "c")], 4.0),
    ],
)
def test_documents_of_passages_by_hand(stage, first, second):
    frame = stage(PIECES)
    assert [row[1:] for row in rows(frame, "text") if row[0] == "1"] == first
    assert [row[1:] for row in rows(frame, "text") if row[0] == "2"] == [("a", second, "A1"), ("x%p1", 1.0, "x")]


@settings(max_examples=40, deadline=None)
@hypothesis_given(
    found=st.dictionaries(
        st.tuples(st.sampled_from("12"), st.sampled_from("abc"), st.integers(0, 12)), st.integers(-9, 9), min_size=1
    ),
    method=st.sampled_from(["max", "first", "mean", "sum"]),
)
def test_aggregation_equals_a_loop(found, method):
    frame = results([(q, f"{d}%p{i}", float(s)) for (q, d, i), s in found.items()])
    groups: dict = {}
    for (qid, docno, i), score in found.items():
        groups.setdefault((qid, docno), {})[i] = score
    combine = {
        "max": lambda p: max(p.values()),
        "first": lambda p: p[min(p)],
        "mean": lambda p: np.mean(list(p.values())),
        "sum": lambda p: sum(p.values()),
    }[method]
    expected = {key: pytest.approx(combine(p), rel=1e-12, abs=1e-12) for key, p in groups.items()}
    assert {(q, d): s for q, d, s in rows(Aggregate(method=method)(frame))} == expected


def test_passages_and_back_are_the_documents():
    plain = toy()
    pipeline = plain >> LoadText(index=ToyIndex(DOCS)) >> Passages(size=2, stride=1) >> Aggregate()
    assert rows(pipeline(QUERIES)) == rows(plain(QUERIES))
