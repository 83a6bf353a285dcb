"""Times of any kind to seconds since 1970: the one reader behind files, frames and lists.

Numbers count seconds, milliseconds, microseconds or nanoseconds since 1970; which of them is decided
for a column as a whole: the unit under which every time but 0 lies before the year 2100, and none
would do so under a coarser one. What that leaves open (units mixed, times before 1970, numbers that
read as years, as days since 1970 or as dates like 20240131) is refused until `unit` says what it is.

Dates are ISO 8601: 2024-01-31, 2024-01-31 23:59:59.5, 2024-01-31T23:59:59+02:00; or objects with a
date: pandas datetimes of any unit, `datetime`, `date`, Arrow timestamps. One without an offset is UTC.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Bools, Floats
from irkit.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

Unit: TypeAlias = Literal["auto", "s", "ms", "us", "ns"]
"What numbers count; `auto` finds out."

Fail: TypeAlias = Callable[[int, str, str], Exception]
"Makes the error of a row from 0: what it has, and what to do."

SCALES: dict[Unit, float] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"Of each unit, how many make a second."

END = 4_102_444_800.0
"2100-01-01: numbers beyond are not taken for seconds."

UNIT = "time_unit"
"""Key of a frame's `attrs` under which it says what its timestamps count: those that irkit made do, with the range that
the numbers had, so that other numbers put in their place are asked for their unit again."""

_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0  # the years 1 and 9999, the first and the last of a date
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_BLANKS = " \t\r\n"
_CHUNK = 1 << 16


def read_times(values: Any, fail: Fail, *, unit: Unit = "auto") -> Floats | None:
    """Read a column of times.

    Parameters
    ----------
    values : frame column, Arrow array, list or array (n,)
        Numbers, dates, or texts of either.
    fail : (row, what, todo) -> exception
        Makes what is raised; a row counts from 0.
    unit : {"auto", "s", "ms", "us", "ns"}
        What numbers count since 1970.

    Returns
    -------
    (n,) float64 or None
        Seconds since 1970-01-01 00:00 UTC; None if every time is missing.

    Raises
    ------
    ConfigError
        If there is no such unit.
    Exception
        What `fail` makes: if a value is no time, some rows have one and others none, or the unit
        cannot be told or does not fit.

    Examples
    --------
    >>> def fail(row, what, todo):
    ...     return ValueError(f"row {row} has {what}; {todo}")
    >>> read_times([1700000000, 1700003600], fail).tolist()
    [1700000000.0, 1700003600.0]
    >>> read_times([1700000000000, 1700003600000], fail).tolist()
    [1700000000.0, 1700003600.0]
    >>> read_times(["2023-11-14 22:13:20", "2023-11-14T23:13:20Z"], fail).tolist()
    [1700000000.0, 1700003600.0]
    """
    if unit not in get_args(Unit):
        raise ConfigError(f"times: time_unit is one of {', '.join(get_args(Unit))}, got {unit!r}")
    column = _arrow(values, fail)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _of_texts(column, fail)
    missing = pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False)
    if missing.all():
        return None
    if missing.any():
        raise fail(int(np.argmax(missing)), "no timestamp while others have one", "fill it or drop the column")
    if pa.types.is_temporal(column.type):
        if unit != "auto":
            raise fail(0, f"a date, and time_unit={unit!r} is for numbers", "leave time_unit out")
        return _of_dates(column)
    return _of_numbers(column.to_numpy(zero_copy_only=False), unit, fail)


def frame_times(frame: pd.DataFrame, fail: Fail, *, unit: Unit = "auto") -> Floats | None:
    """Read the column `timestamp` of a frame as `read_times` does; None without one."""
    if "timestamp" not in frame:
        return None
    column = frame["timestamp"]
    if unit == "auto" and getattr(column.dtype, "kind", "") in "iuf":
        told = frame.attrs.get(UNIT, "auto")
        if isinstance(told, str):
            unit = told  # type: ignore[assignment]  # whatever stands there is checked below
        elif told[1] <= column.min() and column.max() <= told[2]:
            unit = told[0]
    return read_times(column, fail, unit=unit)


def in_seconds(frame: pd.DataFrame) -> pd.DataFrame:
    """Note on a frame of irkit's that its column `timestamp`, if it has one, counts seconds; return the frame."""
    if "timestamp" in frame and len(frame):
        frame.attrs[UNIT] = ["s", float(frame["timestamp"].min()), float(frame["timestamp"].max())]
    return frame


def _arrow(values: Any, fail: Fail) -> pa.Array:
    """Return times as Arrow numbers, texts, dates or timestamps."""
    try:
        found = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise fail(0, "the first of a column of mixed kinds", "give all times as numbers or all as dates") from None
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    if isinstance(found, pa.ChunkedArray):  # of an empty column
        found = pa.array([], found.type)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    kind = found.type
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return found.cast(pa.float64())
    times = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not (times or numbers or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise fail(0, f"a timestamp of the kind {kind}", "give seconds since 1970 or dates")
    return found


def _of_texts(column: pa.Array, fail: Fail) -> pa.Array:
    """Read texts as numbers if all of them are, else as dates: float64, or timestamps in microseconds."""
    column = pc.utf8_trim(column, _BLANKS)
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    seconds = np.full(len(column), np.nan)
    for start in range(0, len(column), _CHUNK):
        for row, text in enumerate(column.slice(start, _CHUNK).to_pylist(), start):
            if text is not None:
                seconds[row] = _moment(text, row, fail)
    micros = pa.array(np.nan_to_num(np.round(seconds * 1e6)).astype(np.int64), mask=np.isnan(seconds))
    return micros.cast(pa.timestamp("us"))


def _moment(text: str, row: int, fail: Fail) -> float:
    """Read one ISO date."""
    try:
        found = datetime.datetime.fromisoformat(text.removesuffix(" UTC")) if _DATE.match(text) else None
    except ValueError:
        found = None
    if found is None:
        raise fail(row, f"the timestamp {text!r}", "write seconds since 1970, or a date as 2024-01-31 23:59:59")
    aware = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return (aware - _EPOCH).total_seconds()


def _of_dates(column: pa.Array) -> Floats:
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    whole: Floats = column.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return whole / SCALES[column.type.unit]


def _of_numbers(numbers: Any, unit: Unit, fail: Fail) -> Floats:
    values: Floats = np.asarray(numbers, dtype=np.float64)
    _refuse(~np.isfinite(values), values, "the timestamp {}", "correct it, or drop the column", fail)
    if unit == "auto":
        _refuse(values < 0, values, "the timestamp {}, before 1970", "correct it, or give time_unit", fail)
        _refuse_dates(values, fail)
        unit = _unit(values, fail)
    seconds: Floats = values if unit == "s" else values / SCALES[unit]
    beyond = (seconds < _FIRST) | (seconds > _LAST)
    if beyond.any():
        row = int(np.argmax(beyond))
        year = 1970 + seconds[row] // (365.2425 * 86_400)
        what = f"the timestamp {values[row]:.15g}, which in {_NAMES[unit]} is the year {year:.0f}"
        raise fail(row, what, "give another time_unit")
    return seconds


def _unit(values: Floats, fail: Fail) -> Unit:
    """Return the coarsest unit under which all times lie before 2100, if no time would do so under a coarser one."""
    top = float(values.max())
    unit = next((name for name, scale in SCALES.items() if top <= END * scale), None)
    if unit is None:
        row = int(np.argmax(values))
        raise fail(row, f"the timestamp {top:.15g}, beyond the year 2100 in any unit", "correct it")
    if unit == "s":
        return "s"
    coarser = (values != 0) & (values <= END * SCALES[unit] / 1e3)
    if coarser.any():
        row = int(np.argmax(coarser))
        what = f"the timestamp {values[row]:.15g}, and others are {_NAMES[unit]} like {top:.15g}"
        raise fail(row, what, "give all in one unit, or say time_unit, as in a card.yaml")
    return unit


def _refuse_dates(values: Floats, fail: Fail) -> None:
    """Refuse numbers that are all years, all days since 1970 from 1980 on, or all dates without hyphens.

    As seconds they are hours of 1970.
    """
    days = (values >= 3652) & (values < END / 86_400)
    if days.all():
        raise fail(0, f"the timestamp {values[0]:.15g}, days since 1970", "multiply by 86400, or say time_unit='s'")
    if values.max() >= 21_000_000 or (values != np.floor(values)).any():
        return
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    dates = (year >= 1970) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    years = (values >= 1970) & (values < 2100)
    for mask, what in ((dates, "a date without hyphens"), (years, "a year")):
        if mask.all():
            raise fail(0, f"the timestamp {values[0]:.0f}, {what}", "write dates as 2024-01-31, or say time_unit='s'")


def _refuse(wrong: Bools, values: Floats, what: str, todo: str, fail: Fail) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise fail(row, what.format(f"{values[row]:.15g}"), todo)
