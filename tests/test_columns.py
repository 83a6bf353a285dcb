"""Tests of irkit.columns: strings repeated and taken in bulk are those that Arrow gives row by row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.columns import arrow_strings, common_width, repeat_rows, repeat_strings, take_strings
from irkit.docnos import Docnos

TEXTS = st.lists(st.text(max_size=6), min_size=1, max_size=8)


@given(texts=TEXTS, data=st.data())
def test_repeated_strings(texts, data):
    counts = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(texts), max_size=len(texts))))
    strings = arrow_strings(["before", *texts]).slice(1)
    expected = [text for text, n in zip(texts, counts, strict=True) for _ in range(n)]
    assert repeat_strings(strings, counts).to_pylist() == expected
    assert list(repeat_rows(pd.Series(texts, dtype="str"), counts)) == expected


def test_missing_texts_and_numbers_are_repeated():
    counts = np.array([2, 1])
    assert list(repeat_rows(pd.Series([None, "a"], dtype="str"), counts).isna()) == [True, True, False]
    assert repeat_rows(pd.Series([1.5, 2.0]), counts).tolist() == [1.5, 1.5, 2.0]
    assert len(repeat_strings(arrow_strings([]), np.zeros(0, dtype=np.int64))) == 0


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 8, 12])
def test_strings_of_one_width_are_taken_as_any_others(width):
    rng = np.random.default_rng(width)
    names = ["".join(rng.choice(list("abcxyz"), width)) for _ in range(50)]
    strings = arrow_strings(["before!", *names]).slice(1)
    rows = rng.integers(0, 50, 200)
    assert common_width(strings) == width
    assert take_strings(strings, rows, width).to_pylist() == strings.take(pa.array(rows)).to_pylist()
    many = np.tile(rows.astype(np.int32), 10)
    assert Docnos(names).take(many).to_pylist() == [names[row] for row in many]


def test_there_is_no_common_width_of_others():
    assert common_width(arrow_strings(["a", "bc"])) is None
    assert common_width(arrow_strings(["", ""])) is None
    assert common_width(arrow_strings([])) is None
    assert Docnos(["a", "bcd", "é"]).take(np.array([2, 0, 2])).to_pylist() == ["é", "a", "é"]
    assert Docnos(["é", "bc"]).take(np.array([1, 0])).to_pylist() == ["bc", "é"]
    assert Docnos(["a", "b"]).take(np.zeros(0, dtype=np.int64)).to_pylist() == []
