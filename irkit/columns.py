"""Columns between Arrow, numpy and pandas: strings stay in Arrow, numbers in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from irkit.arrays import Floats, Ints
from irkit.errors import FrameError

if TYPE_CHECKING:
    import pandas as pd


def arrow_strings(strings: Any) -> pa.LargeStringArray:
    """Return strings of any kind (iterable, frame column, Arrow array) as one Arrow array."""
    if isinstance(strings, list) and all(type(one) is str for one in strings):
        return _packed(strings)
    if hasattr(strings, "__len__") and not len(strings):  # of any type: pandas gives a column without values none
        return _packed([])
    if not isinstance(strings, (pa.Array, pa.ChunkedArray)):
        strings = pa.array(strings if hasattr(strings, "__len__") else list(strings), type=pa.large_string())
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.combine_chunks()
    return strings.cast(pa.large_string())


def arrow_rows(rows: Ints) -> pa.Int64Array:
    """Return row numbers as an Arrow array, without `pa.array`, which imports pandas to look at its argument."""
    numbers = np.ascontiguousarray(rows, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def arrow_numbers(array: pa.Array) -> Ints:
    """Return an Arrow array of integers without nulls as a numpy view; `to_numpy` would import pandas."""
    dtype = array.type.to_pandas_dtype()
    if not len(array):
        return np.zeros(0, dtype=dtype)
    return np.frombuffer(array.buffers()[1], dtype=dtype)[array.offset : array.offset + len(array)]


def _packed(strings: list[str]) -> pa.LargeStringArray:
    """Lay strings end to end in Arrow, again without importing pandas."""
    data = [one.encode() for one in strings]
    ptr = np.zeros(len(data) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in data], out=ptr[1:])
    return pa.LargeStringArray.from_buffers(len(data), pa.py_buffer(ptr), pa.py_buffer(b"".join(data)))


def frame_strings(array: pa.Array) -> Any:
    """Return an Arrow array of strings as a pandas column of dtype `str`, without copying the text."""
    import pandas as pd

    dtype = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.arrays.ArrowStringArray(array.cast(pa.large_string()), dtype=dtype)  # type: ignore[call-arg]


def repeat_rows(column: pd.Series[Any], rows: Ints) -> Any:
    """Take rows of a frame's column, with repeats, in Arrow where it holds strings."""
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return frame_strings(arrow_strings(column).take(arrow_rows(rows)))
    return column.to_numpy()[rows]


def take_rows(column: Any, rows: Ints) -> Any:
    """Take rows of an array of one or two dimensions, or of an Arrow array."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column.take(arrow_rows(rows))
    return np.asarray(column)[rows]


def laid_end_to_end(pieces: Sequence[Any]) -> Any:
    """Concatenate pieces of one column, in Arrow if all of them are."""
    if all(isinstance(piece, (pa.Array, pa.ChunkedArray)) for piece in pieces):
        return pa.concat_arrays([arrow_strings(piece) for piece in pieces])
    return np.concatenate([np.asarray(piece) for piece in pieces])


def feature_matrix(values: pd.Series[Any]) -> Floats:
    """Read a frame's `features`, one array a row, into (m, F) float64; NaN is a missing one, which stages may refuse.

    Raises
    ------
    FrameError
        If the arrays differ in length, or hold infinity or anything but numbers.
    """
    if not len(values):
        return np.zeros((0, 0))
    try:
        features = np.stack([np.asarray(value, dtype=np.float64) for value in values])
    except (ValueError, TypeError):
        raise FrameError("results: column 'features' must hold arrays of numbers, all of one length") from None
    if features.ndim != 2 or np.isinf(features).any():
        raise FrameError("results: column 'features' must hold one-dimensional arrays of finite numbers, or NaN")
    return features
