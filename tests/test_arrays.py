"""Tests of irkit.arrays and irkit.columns."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit import arrays
from irkit.arrays import offsets, quiet_product, segments
from irkit.columns import arrow_strings, feature_matrix, frame_strings, laid_end_to_end, repeat_rows, take_rows
from irkit.errors import FrameError


@given(st.lists(st.integers(0, 5), max_size=12))
def test_offsets_and_segments_number_the_elements_of_every_segment(counts):
    ptr = offsets(np.array(counts, dtype=np.int64))
    assert np.diff(ptr).tolist() == counts
    assert ptr[0] == 0
    assert segments(ptr).tolist() == [i for i, n in enumerate(counts) for _ in range(n)]


@given(n=st.integers(0, 40), d=st.integers(0, 40), m=st.integers(0, 9), quiet=st.sampled_from([1, 30, 300, 1 << 18]))
def test_a_product_in_pieces_is_the_product(n, d, m, quiet):
    rng = np.random.default_rng(n + d + m)
    left, right = rng.integers(-9, 9, (n, d)).astype(np.float32), rng.integers(-9, 9, (d, m)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "QUIET", quiet)
        got = quiet_product(left, right)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, left @ right)  # sums of small integers are exact


def test_strings_go_to_pandas_and_back_without_loss():
    array = pa.array(["a", None, "é"])
    column = pd.Series(frame_strings(array))
    assert str(column.dtype) == "str"
    assert column.isna().tolist() == [False, True, False]
    assert arrow_strings(column).to_pylist() == ["a", None, "é"]


def test_rows_are_taken_from_every_kind_of_column():
    rows = np.array([2, 0, 2])
    assert take_rows(pa.array(["a", "b", "c"]), rows).to_pylist() == ["c", "a", "c"]
    assert take_rows(pa.chunked_array([["a"], ["b", "c"]]), rows).to_pylist() == ["c", "a", "c"]
    assert take_rows(np.arange(6).reshape(3, 2), rows).tolist() == [[4, 5], [0, 1], [4, 5]]
    assert take_rows([1, 2, 3], rows).tolist() == [3, 1, 3]
    assert list(repeat_rows(pd.Series(["x", "y", "z"]), rows)) == ["x", "x", "z", "z"]
    assert list(repeat_rows(pd.Series([{"x": 1}, None, 3]), rows)) == [{"x": 1}, {"x": 1}, 3, 3]


def test_pieces_are_laid_end_to_end():
    assert laid_end_to_end([pa.array(["a"]), pa.chunked_array([["b"], ["c"]])]).to_pylist() == ["a", "b", "c"]
    assert laid_end_to_end([pa.array(["a"]), np.array(["b"], dtype=object)]).tolist() == ["a", "b"]
    assert laid_end_to_end([np.ones((1, 2)), np.zeros((2, 2))]).tolist() == [[1, 1], [0, 0], [0, 0]]


def test_features_are_read_into_a_matrix():
    assert feature_matrix(pd.Series([[1, 2], np.array([3.5, 4])])).tolist() == [[1, 2], [3.5, 4]]
    assert feature_matrix(pd.Series([], dtype=object)).shape == (0, 0)


@pytest.mark.parametrize("values", [[[1], ["x"]], [1.0, 2.0], [[1.0], [np.inf]], [[[1.0]], [[2.0]]], [None]])
def test_features_that_are_no_numbers_are_refused(values):
    with pytest.raises(FrameError, match="results: column 'features' must hold"):
        feature_matrix(pd.Series(values, dtype=object))
