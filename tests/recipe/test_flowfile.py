"""Tests of irkit.recipe.flowfile."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.arrays import offsets
from irkit.hits import Docnos, Hits
from irkit.recipe.flowfile import Damaged, Unwritable, flow_bytes, flow_digest, read_flow

QUERIES = pd.DataFrame({"qid": ["1", "2", "é"], "query": ["wing", "", "naïve 🙂"]}, dtype="str")


def there_and_back(flow):
    return read_flow(flow_bytes(flow))


def bits(array) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def same_frames(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert list(a.dtypes) == list(b.dtypes)


def same_hits(a: Hits, b: Hits) -> None:
    same_frames(a.queries, b.queries)
    assert a.ptr.tolist() == b.ptr.tolist()
    assert a.docnos.take(a.doc).equals(b.docnos.take(b.doc))
    assert bits(a.score) == bits(b.score)
    assert a.ties == b.ties
    assert list(a.columns) == list(b.columns)
    for name, column in a.columns.items():
        other = b.columns[name]
        if isinstance(column, pa.Array):
            assert column.equals(other)
            continue
        assert type(column) is type(other)
        if column.dtype == object:
            assert column.tolist() == other.tolist()
        else:
            assert (column.dtype, column.shape, bits(column)) == (other.dtype, other.shape, bits(other))


def hits(scores=(3.0, 2.0, 0.1), columns=None, ties="trec") -> Hits:
    """The second query has no hits; the docno table holds more than is used."""
    docnos = Docnos(["unused", "d1", "d2", "é"])
    ptr = offsets(np.array([2, 0, len(scores) - 2]))
    return Hits(QUERIES, ptr, np.array([3, 1, *[2] * (len(scores) - 2)]), np.array(scores), docnos, ties, columns or {})


COLUMNS = {
    "str": pd.Series(["a", None, "c"], dtype="str"),
    "python str": pd.Series(["a", None, "c"], dtype=pd.StringDtype("python")),
    "nullable str": pd.Series(["a", None, "c"], dtype=pd.StringDtype("pyarrow", na_value=pd.NA)),
    "objects of text": pd.Series(["a", None, "c"], dtype=object),
    "nothing": pd.Series([None, None, None], dtype=object),
    "weights": pd.Series([{"b": 0.1, "a": 1 / 3}, None, {}], dtype=object),
    "nested": pd.Series([[1, [True, None]], {"x": {"y": [1e-308]}}, "text"], dtype=object),
    "ints": pd.Series([1, -(2**62), 3]),
    "small": pd.Series(np.array([1, 2, 3], dtype=np.uint8)),
    "floats": pd.Series([0.1, -0.0, np.inf]),
    "float32": pd.Series(np.array([0.1, 1e-45, 3.0], dtype=np.float32)),
    "bools": pd.Series([True, False, True]),
    "times": pd.Series(pd.to_datetime(["2001-02-03T04:05:06.789", None, "1969-01-01"], format="ISO8601")),
    "spans": pd.Series(pd.to_timedelta([1, 2, 3], unit="s")),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS.keys())
def test_a_query_column_comes_back_exactly(column):
    frame = QUERIES.assign(extra=column)
    got = there_and_back(frame)
    same_frames(got, frame)
    if column.dtype == object:
        assert [type(value) for value in got["extra"]] == [type(value) for value in frame["extra"]]
    assert flow_digest(got) == flow_digest(frame)
    assert flow_digest(frame) != flow_digest(QUERIES)


def test_weights_keep_their_order_and_their_last_bit():
    weights = {"z": 0.1 + 0.2, "a": 5e-324, "m": 1.7976931348623157e308, "n": np.float64(1 / 3), "i": 3}
    frame = QUERIES.assign(query_toks=pd.Series([weights, None, {}], dtype=object))
    got = there_and_back(frame)["query_toks"].tolist()
    assert list(got[0]) == list(weights)
    assert [struct.pack("d", value) for value in got[0].values()] == [struct.pack("d", v) for v in weights.values()]
    assert got[1:] == [None, {}]


def test_a_frame_without_rows_and_one_with_its_own_index():
    same_frames(there_and_back(QUERIES[:0]), QUERIES[:0].reset_index(drop=True))
    later = QUERIES[1:]
    same_frames(there_and_back(later), later.set_axis(pd.Index([1, 2])))
    named = QUERIES.set_axis(pd.Index(["x", "y", "z"]))
    same_frames(there_and_back(named), named)
    assert len({flow_digest(frame) for frame in (QUERIES, QUERIES.set_axis([3, 4, 5]), named)}) == 3


def test_hits_come_back_with_the_queries_that_have_none():
    before = hits()
    after = there_and_back(before)
    same_hits(after, before)
    assert after.queries["qid"].tolist() == ["1", "2", "é"]
    assert np.diff(after.ptr).tolist() == [2, 0, 1]
    assert len(after.docnos) == 3
    same_hits(there_and_back(hits(ties="anserini")), hits(ties="anserini"))
    same_hits(there_and_back(Hits.none(QUERIES)), Hits.none(QUERIES))
    same_hits(there_and_back(Hits.none(QUERIES[:0])), Hits.none(QUERIES[:0]))


HIT_COLUMNS = {
    "features": np.array([[1.5, -0.0], [np.pi, 1e-300], [0.0, 3.0]]),
    "one feature, float32": np.array([[1.5], [0.1], [0.0]], dtype=np.float32),
    "no features": np.zeros((3, 0)),
    "text": pa.array(["x", None, "long text"], type=pa.large_string()),
    "short strings": pa.array(["x", "", "y"]),
    "objects": np.array(["x", None, {"a": [1]}], dtype=object),
    "numpy text": np.array(["x", "yy", ""]),
    "ints": np.array([1, 2, 3], dtype=np.int32),
    "flags": np.array([True, False, True]),
}


@pytest.mark.parametrize("column", HIT_COLUMNS.values(), ids=HIT_COLUMNS.keys())
def test_a_hit_column_comes_back_exactly(column):
    before = hits(columns={"extra": column, "second": np.arange(3.0)})
    after = there_and_back(before)
    if isinstance(column, pa.Array):  # always with long offsets
        before = before.carrying(extra=column.cast(pa.large_string()))
    same_hits(after, before)
    assert flow_digest(after) == flow_digest(before)
    empty = Hits.none(QUERIES).carrying(extra=before.columns["extra"][:0])
    same_hits(there_and_back(empty), empty)


def test_arrays_that_come_back_may_be_written_to():
    after = there_and_back(hits(columns={"features": np.ones((3, 2)), "n": np.arange(3)}))
    after.score[0] = 9.0
    after.doc[0] = 0
    after.columns["features"][0, 0] = 9.0
    after.columns["n"][0] = 9


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=6))
def test_scores_come_back_bit_for_bit(scores):
    assert bits(there_and_back(hits(scores)).score) == bits(np.array(scores))


# ---------------------------------------------------------------------- digests

same_content = hits(columns={"f": np.ones((3, 1))})
MUTATIONS = {
    "a score by one bit": lambda h: replace(h, score=np.nextafter(h.score, 9)),
    "a column's values": lambda h: h.carrying(f=2 * h.columns["f"]),
    "a document": lambda h: replace(h, doc=np.array([3, 1, 0])),
    "a docno": lambda h: replace(h, docnos=Docnos(["u", "d1", "d3", "é"])),
    "whose hit it is": lambda h: replace(h, ptr=np.array([0, 2, 3, 3])),
    "the tie rule": lambda h: replace(h, ties="anserini"),
    "a column's name": lambda h: h.without("f").carrying(g=h.columns["f"]),
    "a column's type": lambda h: h.carrying(f=h.columns["f"].astype(np.float32)),
    "a column's shape": lambda h: h.carrying(f=h.columns["f"][:, 0]),
    "a column less": lambda h: h.without("f"),
    "a column more": lambda h: h.carrying(g=h.score),
    "a query's text": lambda h: h.for_queries(QUERIES.assign(query=["wing", "", "naïve"])),
    "a query less": lambda h: h.for_queries(QUERIES.iloc[[0, 2]].reset_index(drop=True)),
    "only the queries": lambda h: h.queries,
}


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_any_change_of_the_content_changes_the_digest(mutation):
    assert flow_digest(mutation(same_content)) != flow_digest(same_content)


def test_text_does_not_run_over_the_borders_of_rows_and_columns():
    frames = [
        pd.DataFrame({"qid": ["1", "2"], "query": query}, dtype="str")
        for query in (["ab", ""], ["a", "b"], ["", "ab"], ["ab", None], [None, "ab"], ["a\0b", ""])
    ]
    assert len({flow_digest(frame) for frame in frames}) == len(frames)


def test_the_digest_does_not_see_how_arrays_are_laid_out():
    table = Docnos(["é", "x", "d2", "d1"])
    moved = Hits(QUERIES, hits().ptr, table.rows(["é", "d1", "d2"]), hits().score, table, "trec", {})
    assert flow_digest(moved) == flow_digest(hits())
    long = pd.DataFrame({"qid": ["0", "1", "2", "é"], "query": ["before", *QUERIES["query"]]}, dtype="str")
    assert flow_digest(long[1:].reset_index(drop=True)) == flow_digest(QUERIES)
    column = pa.chunked_array([["x"], ["y", "z"]])
    assert flow_digest(hits(columns={"t": column})) == flow_digest(hits(columns={"t": pa.array(["x", "y", "z"])}))
    strided = np.arange(6.0).reshape(3, 2)
    assert flow_digest(hits(columns={"f": strided.T[0]})) == flow_digest(hits(columns={"f": strided[:, 0].copy()}))


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([object(), None, None], dtype=object),
        pd.Series([(1, 2), None, None], dtype=object),
        pd.Series([{1: 2.0}, None, None], dtype=object),
        pd.Series([{"a": np.float32(0.1)}, None, None], dtype=object),
        pd.Series([pd.NA, None, "x"], dtype=object),
        pd.Series(["a", "b", "\ud800"], dtype=object),
        pd.Series([1, 2, 3], dtype="Int64"),
        pd.Series(["a", "b", "a"], dtype="category"),
        pd.Series([1j, 2, 3]),
    ],
)
def test_what_would_not_come_back_is_refused(column):
    frame = QUERIES.assign(extra=column)
    with pytest.raises(Unwritable):
        flow_bytes(frame)
    with pytest.raises(Unwritable):
        flow_digest(frame)


def test_odd_frames_and_columns_are_refused():
    for frame in (
        QUERIES.rename(columns={"query": 5}),
        QUERIES.set_axis(["qid", "qid"], axis=1),
        QUERIES.rename_axis("name"),
        QUERIES.set_axis(pd.MultiIndex.from_tuples([(1, 2), (1, 3), (2, 2)])),
    ):
        with pytest.raises(Unwritable):
            flow_bytes(frame)
    times = np.zeros((3, 2), dtype="M8[s]")
    for column in (np.zeros((3, 2, 2), dtype=object), pa.array([1, 2, 3]), np.array([b"x", b"y", b"z"]), times):
        with pytest.raises(Unwritable):
            flow_bytes(hits(columns={"x": column}))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_is_noticed(data):
    content = flow_bytes(hits())
    place = data.draw(st.integers(0, len(content) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(content)
    flipped[place] ^= 1 << bit
    for damaged in (bytes(flipped), content[:place], content + b"x"):
        with pytest.raises(Damaged):
            read_flow(damaged)
