"""Feature files written: what is read back is what was written, to the bit."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irkit.errors import FrameError
from irkit.io import read_letor, write_letor
from irkit.io.pools import write as module
from irkit.io.pools.pool import Pool, pool_of

IDS = st.text("abcXYZ019-_.:=é", min_size=1, max_size=6)
NUMBERS = st.floats(allow_infinity=False)


def same(one: Pool, other: Pool) -> None:
    left, right = one.results, other.results
    pd.testing.assert_frame_equal(left.drop(columns="features"), right.drop(columns="features"))
    for a, b in ((one, other), (other, one)):
        x, y = a.candidates.columns["features"], b.candidates.columns["features"]
        assert x.tobytes() == y.tobytes(), "to the bit, with the signs of zeros"
    both = [pool.qrels.sort_values(["qid", "docno"], ignore_index=True) for pool in (one, other)]
    pd.testing.assert_frame_equal(*both)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["a.txt", "a.txt.gz"]), data=st.data())
def test_what_is_written_is_read_back(tmp_path, name, data):
    pairs = data.draw(st.lists(st.tuples(IDS, IDS), min_size=1, max_size=6, unique=True))
    width = data.draw(st.integers(1, 4))
    values = data.draw(st.lists(NUMBERS, min_size=width * len(pairs), max_size=width * len(pairs)))
    features = np.array(values).reshape(len(pairs), width)
    labels = data.draw(st.lists(st.integers(-1, 4), min_size=len(pairs), max_size=len(pairs)))
    features[np.isnan(features)] = np.nan  # one NaN of the many there are
    pool = pool_of(*zip(*sorted(pairs), strict=True), labels, features=features)
    path = tmp_path / name
    write_letor(pool.candidates, pool.qrels, path, null=True)
    same(read_letor(path), pool)


def test_a_line_by_hand(tmp_path):
    pool = pool_of(["7"], ["d1"], [2], features=np.array([[0.1, 3.0, np.nan]]))
    write_letor(pool.candidates, pool.qrels, tmp_path / "a", null=True)
    assert (tmp_path / "a").read_text() == "2 qid:7 1:0.1 2:3 3:NULL #docid = d1\n"


def test_many_rows_are_written_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 3)
    pool = pool_of(["q"] * 8, [f"d{i}" for i in range(8)], range(8), features=np.arange(16.0).reshape(8, 2))
    write_letor(pool.candidates, pool.qrels, tmp_path / "a.gz")
    assert len(gzip.decompress((tmp_path / "a.gz").read_bytes()).splitlines()) == 8
    same(read_letor(tmp_path / "a.gz"), pool)


def test_the_order_of_results_is_kept_and_what_nobody_judged_gets_0(tmp_path):
    frame = pd.DataFrame(
        {"qid": ["1", "1"], "docno": ["a", "b"], "score": [1.0, 2.0], "features": [np.array([1.0]), np.array([2.0])]}
    )
    qrels = pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "c"], "label": [3, 1]})
    write_letor(frame, qrels, tmp_path / "a")
    assert (tmp_path / "a").read_text() == "0 qid:1 1:2 #docid = b\n3 qid:1 1:1 #docid = a\n"


@pytest.mark.parametrize(
    ("qid", "docno", "value", "null", "says"),
    [
        ("1", "a", np.nan, False, "got nan as feature 2 of docno 'a'; fill it, or write it as NULL"),
        ("1", "a", np.inf, True, "got inf as feature 2 of docno 'a'; correct it"),
        ("1 2", "a", 0, False, "a qid may not be empty or hold white space, got '1 2'"),
        ("1", "", 0, False, "a docno may not be empty or hold white space, got ''"),
        ("1#2", "a", 0, False, "what follows a # is a comment, got the qid '1#2'"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_and_the_file_stays(tmp_path, qid, docno, value, null, says):
    path = tmp_path / "a"
    path.write_text("before")
    pool = pool_of([qid], [docno], [1], features=np.array([[1.0, value]]))
    with pytest.raises(FrameError, match="write_letor: ") as caught:
        write_letor(pool.candidates, pool.qrels, path, null=null)
    assert says in str(caught.value)
    assert path.read_text() == "before"


def test_results_without_features_are_refused(tmp_path):
    frame = pd.DataFrame({"qid": ["1"], "docno": ["a"], "score": [1.0]})
    qrels = pd.DataFrame({"qid": ["1"], "docno": ["a"], "label": [3]})
    with pytest.raises(FrameError, match="write_letor: the results have no column 'features'; make features first"):
        write_letor(frame, qrels, tmp_path / "a")
