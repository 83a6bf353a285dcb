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
    return _strings(np.array([len(one) for one in data], dtype=np.int64), b"".join(data))


def frame_strings(array: pa.Array) -> Any:
    """Return an Arrow array of strings as a pandas column of dtype `str`, without copying the text."""
    import pandas as pd

    dtype = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.arrays.ArrowStringArray(array.cast(pa.large_string()), dtype=dtype)  # type: ignore[call-arg]


def repeat_rows(column: pd.Series[Any], counts: Ints) -> Any:
    """Repeat each row of a frame's column so many times, in Arrow where it holds strings.

    Examples
    --------
    >>> import pandas as pd
    >>> list(repeat_rows(pd.Series(["one", "two", "three"]), np.array([2, 0, 1])))
    ['one', 'one', 'three']
    """
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return frame_strings(repeat_strings(arrow_strings(column), counts))
    return np.repeat(column.to_numpy(), counts)


def repeat_strings(strings: pa.LargeStringArray, counts: Ints) -> pa.LargeStringArray:
    """Repeat each of n strings so many times, (n,) whole numbers from 0 up: sum(counts) strings."""
    if not len(strings) or strings.null_count:
        return strings.take(arrow_rows(np.repeat(np.arange(len(counts)), counts)))
    # A million results of a thousand queries: each text is written behind itself, in memory that Arrow uses again.
    ptr, data = _parts(strings)
    lengths = np.diff(ptr)
    whole = pa.allocate_buffer(int(lengths @ counts))
    out, at, begin = memoryview(whole).cast("B"), 0, ptr.tolist()
    for i, n in enumerate(counts.tolist()):
        piece = data[begin[i] : begin[i + 1]].to_pybytes() * n
        out[at : at + len(piece)] = piece
        at += len(piece)
    return _strings(np.repeat(lengths, counts), whole)


def take_strings(strings: pa.LargeStringArray, rows: Ints, width: int | None) -> pa.LargeStringArray:
    """Take (m,) rows of an Arrow array of strings, whose `common_width` is `width` bytes, if they have one."""
    if not width:
        return strings.take(arrow_rows(rows))
    ptr, data = _parts(strings)
    kind = np.dtype(f"u{width}" if width in (2, 4, 8) else f"V{width}")
    taken = np.frombuffer(data, dtype=kind, count=len(strings), offset=int(ptr[0])).take(
        np.asarray(rows, dtype=np.intp)
    )
    ends = np.arange(0, width * (len(rows) + 1), width, dtype=np.int64)
    return pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(ends), pa.py_buffer(taken))


def common_width(strings: pa.LargeStringArray) -> int | None:
    """Return how many bytes each string has, if there are any and all have as many; else None."""
    if not len(strings) or strings.null_count:
        return None
    ptr, _ = _parts(strings)
    width = int(ptr[1] - ptr[0])
    return width if width and bool((np.diff(ptr) == width).all()) else None


def _parts(strings: pa.LargeStringArray) -> tuple[Ints, pa.Buffer]:
    """Return where each string begins, and the end of all, with their bytes; strings are not empty as a whole."""
    _, ptr, data = strings.buffers()
    return np.frombuffer(ptr, dtype=np.int64)[strings.offset : strings.offset + len(strings) + 1], data


def _strings(lengths: Ints, data: bytes | pa.Buffer) -> pa.LargeStringArray:
    ptr = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=ptr[1:])
    return pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(ptr), pa.py_buffer(data))


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
