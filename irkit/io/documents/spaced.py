"""Lines of white-space-separated fields from whole columns at once, without a loop in Python."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints
from irkit.errors import FrameError
from irkit.ids import HIDDEN

_BATCH = 1 << 18


_WHITE = r"[ \t\n\v\f\r]|^$"
_HIDDEN = f"[{HIDDEN}]"


def refuse_white_space(who: str, **columns: pa.LargeStringArray) -> None:
    """Raise `FrameError` if an id is empty or holds white space, or what cannot be seen (`irkit.ids`)."""
    for name, column in columns.items():
        distinct = pc.unique(column)
        wrong = distinct.filter(pc.match_substring_regex(distinct, _WHITE))
        if len(wrong):
            shown = repr(wrong[0].as_py())
            raise FrameError(
                f"{who}: a {name} may not be empty or hold white space, got {shown}; rename it before writing"
            )
        wrong = distinct.filter(pc.match_substring_regex(distinct, _HIDDEN))
        if len(wrong):
            shown = repr(wrong[0].as_py())
            raise FrameError(
                f"{who}: a {name} may hold no control or invisible character, got {shown}; rename it before writing"
            )


def odd_ids(column: pa.LargeStringArray) -> bool:
    """Say whether any of some ids is one that `refuse_white_space` refuses."""
    return bool(pc.any(pc.match_substring_regex(column, f"{_WHITE}|{_HIDDEN}")).as_py())


def spaced_rows(*columns: pa.LargeStringArray | str | Ints | Floats) -> Iterator[bytes]:
    """Join columns with single blanks and end every row with a newline, some rows at a time.

    Parameters
    ----------
    columns : Arrow strings (m,), numbers (m,), or one str for every row
        Floats are written with the fewest digits that read back as the same float64.

    Yields
    ------
    bytes
        UTF-8.

    Examples
    --------
    >>> list(spaced_rows(pa.array(["a", "b"]), "Q0", np.array([0.1, 2.5])))
    [b'a Q0 0.1\\nb Q0 2.5\\n']
    """
    rows = next(len(column) for column in columns if not isinstance(column, str))
    for start in range(0, rows, _BATCH):
        cells = [_strings(column if isinstance(column, str) else column[start : start + _BATCH]) for column in columns]
        joined = pc.binary_join_element_wise(*cells, _strings(" "))
        yield _end_to_end(pc.binary_join_element_wise(joined, _strings(""), _strings("\n")))


def _strings(column: pa.Array | str | Ints | Floats) -> pa.Array | pa.Scalar:
    if isinstance(column, str):
        return pa.scalar(column, pa.large_string())
    return (column if isinstance(column, pa.Array) else pa.array(column)).cast(pa.large_string())


def _end_to_end(array: pa.LargeStringArray) -> bytes:
    """Return all strings without anything between them: the buffer that Arrow keeps them in."""
    _, ends, data = array.buffers()
    bounds = np.frombuffer(ends, dtype=np.int64)[[array.offset, array.offset + len(array)]]
    content: bytes = data[int(bounds[0]) : int(bounds[1])].to_pybytes()
    return content
