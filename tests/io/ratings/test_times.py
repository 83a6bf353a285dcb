"""Tests of irkit.io.ratings.times: one reader of times of every kind."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from irkit.errors import ConfigError
from irkit.io.ratings.times import frame_times, read_times

NOON = datetime.datetime(2023, 11, 14, 12, tzinfo=datetime.UTC)
SECONDS = [NOON.timestamp(), NOON.timestamp() + 1800.5]
WALL = ["2023-11-14 12:00:00", "2023-11-14 12:30:00.5"]


class Refused(Exception):
    pass


def fail(row, what, todo):
    return Refused(f"{row}: {what}; {todo}")


def naive(*texts):
    return pd.Series(pd.to_datetime(list(texts), format="ISO8601"))


@pytest.mark.parametrize(
    "values",
    [
        SECONDS,
        np.array(SECONDS),
        pd.Series(SECONDS),
        pa.array(SECONDS),
        pa.chunked_array([[SECONDS[0]], [SECONDS[1]]]),
        [1000 * second for second in SECONDS],
        [int(1_000_000 * second) for second in SECONDS],
        [int(1_000_000_000 * second) for second in SECONDS],
        WALL,
        [f" {text} " for text in WALL],
        [WALL[0] + "Z", WALL[1]],
        ["2023-11-14T14:00:00+02:00", "2023-11-14T07:30:00.500-05:00"],
        [WALL[0] + " UTC", WALL[1] + " UTC"],
        [str(second) for second in SECONDS],
        pd.Series(WALL).astype("category"),
        naive(*WALL),
        *(naive(*WALL).astype(f"datetime64[{unit}]") for unit in ("ms", "us", "ns")),
        naive(*WALL).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        [datetime.datetime(2023, 11, 14, 12), datetime.datetime(2023, 11, 14, 12, 30, 0, 500_000)],
        np.array(WALL, dtype="datetime64[ms]"),
    ],
    ids=str,
)
def test_every_kind_gives_the_same_seconds(values):
    assert read_times(values, fail).tolist() == SECONDS


def test_a_day_without_an_hour_begins_at_midnight_in_utc():
    midnight = [datetime.datetime(2023, 11, 14, tzinfo=datetime.UTC).timestamp()]
    for values in (["2023-11-14"], [datetime.date(2023, 11, 14)], pa.array([datetime.date(2023, 11, 14)], pa.date64())):
        assert read_times(values, fail).tolist() == midnight
    assert read_times(naive("2023-11-14").astype("datetime64[s]"), fail).tolist() == midnight


def test_dates_before_1970_and_numbers_that_are_said_to_be_seconds_may_be_negative():
    assert read_times(["1969-12-31"], fail).tolist() == [-86400.0]
    assert read_times([-86400], fail, unit="s").tolist() == [-86400.0]
    with pytest.raises(Refused, match="1: the timestamp -1, before 1970; correct it, or give time_unit"):
        read_times([5, -1], fail)


def test_the_unit_is_that_of_the_whole_column_and_zero_is_in_any():
    assert read_times([0, 1_700_000_000_000], fail).tolist() == [0.0, 1_700_000_000.0]
    assert read_times([5, 7], fail).tolist() == [5.0, 7.0]
    assert read_times([4_102_444_800], fail).tolist() == [4_102_444_800.0]
    assert read_times([4_102_444_801, 4_102_444_801], fail).tolist() == [4_102_444.801] * 2
    with pytest.raises(Refused, match="1: the timestamp 1700000000, and others are milliseconds like 1700000000000"):
        read_times([1_700_000_000_000, 1_700_000_000], fail)
    assert read_times([1_700_000_000_000, 1_700_000_000], fail, unit="ms").tolist() == [1.7e9, 1.7e6]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None], "1: no timestamp while others have one; fill it or drop the column"),
        ([np.nan, 5.0], "0: no timestamp while others have one"),
        (pd.Series([pd.NaT, pd.Timestamp("2020-01-01")]), "0: no timestamp while others have one"),
        (["2020-01-01", " "], "1: no timestamp while others have one"),
        ([1.0, np.inf], "1: the timestamp inf; correct it"),
        ([True, False], "0: a timestamp of the kind bool; give seconds since 1970 or dates"),
        ([b"2020-01-01"], "0: a timestamp of the kind binary"),
        ([datetime.timedelta(1)], "0: a timestamp of the kind duration"),
        (["2020-01-01", "1700000000"], "1: the timestamp '1700000000'; write seconds since 1970, or a date as"),
        (["01/02/2020"], "0: the timestamp '01/02/2020'; write"),
        (["2020-02-30"], "0: the timestamp '2020-02-30'; write"),
        ([1.0, "2020-01-01"], "0: the first of a column of mixed kinds"),
        ([20240131, 20231201], "0: the timestamp 20240131, a date without hyphens; write dates as 2024-01-31"),
        (["20240131"], "0: the timestamp 20240131, a date without hyphens"),
        ([1999, 2024], "0: the timestamp 1999, a year; write dates as"),
        ([19675, 19700.5], "0: the timestamp 19675, days since 1970; multiply by 86400, or say time_unit='s'"),
        ([1e30], r"0: the timestamp 1e\+30, beyond the year 2100 in any unit"),
    ],
)
def test_what_is_no_time_or_may_be_several_is_refused(values, message):
    with pytest.raises(Refused, match=message):
        read_times(values, fail)


def test_numbers_like_dates_are_seconds_if_that_is_said():
    assert read_times([20240131], fail, unit="s").tolist() == [20240131.0]
    assert read_times([20240131, 20240132], fail).tolist() == [20240131.0, 20240132.0]  # there is no such day
    assert read_times([19675, 19700], fail, unit="s").tolist() == [19675.0, 19700.0]
    assert read_times([3, 19700], fail).tolist() == [3.0, 19700.0]  # an order, from any beginning that is no date


def test_a_unit_that_is_none_or_has_nothing_to_say_is_refused():
    with pytest.raises(ConfigError, match="time_unit is one of auto, s, ms, us, ns, got 'h'"):
        read_times([1], fail, unit="h")
    with pytest.raises(Refused, match="0: a date, and time_unit='ms' is for numbers; leave time_unit out"):
        read_times(["2020-01-01"], fail, unit="ms")
    with pytest.raises(Refused, match="0: the timestamp 1700000000000, which in seconds is the year 55840"):
        read_times([1_700_000_000_000], fail, unit="s")


def test_no_time_at_all_is_none():
    for values in ([], [None, None], ["", " "], np.array([np.nan]), pd.Series([pd.NaT])):
        assert read_times(values, fail) is None


def test_a_frame_says_what_its_times_count_and_dates_need_no_word():
    frame = pd.DataFrame({"timestamp": [1999.0, 2000.0]})
    with pytest.raises(Refused, match="a year"):
        frame_times(frame, fail)
    frame.attrs["time_unit"] = "s"
    assert frame_times(frame, fail).tolist() == [1999.0, 2000.0]
    assert frame_times(frame.assign(other=1), fail).tolist() == [1999.0, 2000.0]
    frame["timestamp"] = pd.to_datetime(["2020-01-01", "2020-01-02"])
    assert frame_times(frame, fail).tolist() == [1577836800.0, 1577923200.0]
    assert frame_times(pd.DataFrame({"a": [1]}), fail) is None


def test_dates_agree_with_pandas_on_random_moments():
    rng = np.random.default_rng(3)
    moments = pd.to_datetime(rng.integers(0, 4_000_000_000_000, 300), unit="ms")
    want = [one.timestamp() for one in moments]
    texts = [one.isoformat() for one in moments]
    np.testing.assert_allclose(read_times(texts, fail), want, rtol=0, atol=1e-6)
    np.testing.assert_allclose(read_times(pd.Series(moments), fail), want, rtol=0, atol=1e-6)
