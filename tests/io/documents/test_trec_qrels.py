"""Writing judgements."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import FrameError
from irkit.ids import LARGEST_LABEL, hides
from irkit.io import read_qrels, write_qrels

ids = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters=" \t\n\r\v\f"), min_size=1, max_size=4)
ids = ids.filter(lambda text: not text.startswith("#") and hides(text) is None)


def frame(rows):
    return pd.DataFrame(rows, columns=["qid", "docno", "label"]).astype({"qid": "str", "docno": "str"})


def test_what_is_written(tmp_path):
    path = tmp_path / "qrels"
    write_qrels(frame([("1", "b", 2), ("1", "a", -1)]), path)
    assert path.read_text() == "1 0 b 2\n1 0 a -1\n"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(ids, ids), st.integers(-LARGEST_LABEL, LARGEST_LABEL), min_size=1, max_size=12))
def test_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("qrels") / "qrels"
    given = frame([(q, d, label) for (q, d), label in rows.items()])
    write_qrels(given, path)
    assert read_qrels(path, "trec").equals(given)


def test_errors(tmp_path):
    path = tmp_path / "qrels"
    with pytest.raises(FrameError, match="write_qrels: a docno may not be empty or hold white space, got 'a b'"):
        write_qrels(frame([("1", "a b", 2)]), path)
    with pytest.raises(FrameError, match="write_qrels: a qrels frame needs the column 'label'"):
        write_qrels(frame([("1", "a", 2)]).drop(columns="label"), path)
    with pytest.raises(FrameError, match=r"write_qrels: column 'docno' holds a control .* got 'a\\x1b'"):
        write_qrels(frame([("1", "a\x1b", 2)]), path)
    with pytest.raises(FrameError, match="write_qrels: a line that begins with # is a comment, got the qid '#1'"):
        write_qrels(frame([("#1", "a", 2)]), path)
    assert not path.exists()
