"""Ids of users and items as text: the one reader behind files, frames and lists.

An id is text without blanks around it, not empty, and without characters that steer a screen
(control characters, marks of writing direction, see `irkit.ids`). Whole numbers become their digits, so that 7 and
7.0 are the same user in a CSV file, in Parquet and in a frame that was made with a gap in the column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.ids import HIDDEN

Fail: TypeAlias = Callable[[int, str, str], Exception]
"Makes the error of a row from 0: what it has, and what to do."

EXACT = {16: 2.0**11, 32: 2.0**24, 64: 2.0**53}
"Whole numbers from here on are not exact as floats of so many bits."

_STEERING = f"[\t-\r{HIDDEN}]"
# All that `utf8_trim_whitespace` takes off; \s alone is ASCII here.
_BLANK_AROUND = r"^[\s\v\x1c-\x1f\x85\pZ]|[\s\v\x1c-\x1f\x85\pZ]$"


def read_ids(values: pa.Array | pa.ChunkedArray, name: str, fail: Fail, *, strip: bool) -> pa.LargeStringArray:
    """Read a column of ids.

    Parameters
    ----------
    values : Arrow array (n,)
        Texts, whole numbers, or floats that are whole numbers.
    name : str
        Of the column, for messages.
    fail : (row, what, todo) -> exception
        Makes what is raised; a row counts from 0.
    strip : bool
        Drop blanks around ids, which in files are layout; otherwise they are refused.

    Returns
    -------
    (n,) Arrow strings

    Raises
    ------
    Exception
        What `fail` makes, of the first row without a proper id.

    Examples
    --------
    >>> def fail(row, what, todo):
    ...     return ValueError(f"row {row} has {what}; {todo}")
    >>> read_ids(pa.array([196.0, 123456789012.0]), "user_id", fail, strip=True).to_pylist()
    ['196', '123456789012']
    >>> read_ids(pa.array([" tea", "green tea "]), "item_id", fail, strip=True).to_pylist()
    ['tea', 'green tea']
    """
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        row = int(np.argmax(pc.is_null(column).to_numpy(zero_copy_only=False)))
        raise fail(row, f"no {name}", "fill it or drop the row")
    ids = _texts(column, name, fail)
    distinct = pc.unique(ids)
    if _any(pc.match_substring_regex(distinct, _BLANK_AROUND)):
        if not strip:
            _refuse(ids, pc.match_substring_regex(ids, _BLANK_AROUND), name, "with blanks around it", "strip it", fail)
        ids = pc.utf8_trim_whitespace(ids)
        distinct = pc.unique(ids)
    if _any(pc.equal(distinct, "")):
        row = int(np.argmax(pc.equal(ids, "").to_numpy(zero_copy_only=False)))
        raise fail(row, f"no {name}", "fill it or drop the row")
    if _any(pc.match_substring_regex(distinct, _STEERING)):
        steering = pc.match_substring_regex(ids, _STEERING)
        _refuse(ids, steering, name, "with a control character", "take it out", fail)
    return ids


def _texts(column: pa.Array, name: str, fail: Fail) -> pa.LargeStringArray:
    """Turn numbers into their digits; texts stay."""
    kind = column.type
    if pa.types.is_floating(kind):
        numbers = column.to_numpy(zero_copy_only=False).astype(np.float64)
        wrong = ~(np.isfinite(numbers) & (numbers == np.floor(numbers)) & (np.abs(numbers) < EXACT[kind.bit_width]))
        if wrong.any():
            row = int(np.argmax(wrong))
            what = (
                "no " + name
                if np.isnan(numbers[row])
                else f"the {name} {float(numbers[row])!r}, not an exact whole number"
            )
            raise fail(row, what, "write ids as text")
        column = pa.array(numbers.astype(np.int64))
    elif not (pa.types.is_integer(kind) or _is_text(kind)):
        raise fail(0, f"a {name} of the kind {kind}", "write ids as text")
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        raise fail(0, f"the first {name} of a column of bytes that are not UTF-8", "write ids as text") from None


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(kind) for test in (*tests, pa.types.is_large_binary, pa.types.is_decimal))


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask).as_py())


def _refuse(ids: pa.Array, wrong: pa.Array, name: str, what: str, todo: str, fail: Fail) -> None:
    row = int(np.argmax(wrong.to_numpy(zero_copy_only=False)))
    raise fail(row, f"the {name} {ids[row].as_py()!r}, {what}", todo)
