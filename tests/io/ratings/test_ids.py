"""Tests of irkit.io.ratings.ids: one reader of ids of every kind."""

import numpy as np
import pyarrow as pa
import pytest

from irkit.io.ratings.ids import read_ids


class Refused(Exception):
    pass


def fail(row, what, todo):
    return Refused(f"{row}: {what}; {todo}")


def ids(values, *, strip=True):
    array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    return read_ids(array, "user_id", fail, strip=strip).to_pylist()


@pytest.mark.parametrize(
    ("values", "want"),
    [
        (["022", "a b", "ü電"], ["022", "a b", "ü電"]),
        ([" tea", "green  tea\t", "x"], ["tea", "green  tea", "x"]),
        ([7, -7], ["7", "-7"]),
        ([7.0, -0.0, 123456789012.0, 2.0**53 - 1], ["7", "0", "123456789012", "9007199254740991"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([7.0], pa.float32()), ["7"]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.chunked_array([["a"], ["b"]]), ["a", "b"]),
        (pa.array([b"a"]), ["a"]),
    ],
    ids=str,
)
def test_ids_of_every_kind_are_texts(values, want):
    assert ids(values) == want


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", None], "1: no user_id; fill it or drop the row"),
        (["a", ""], "1: no user_id"),
        (["a", " \t"], "1: no user_id"),
        ([1.0, float("nan")], "1: no user_id"),
        ([0.5], "0: the user_id 0.5, not an exact whole number; write ids as text"),
        ([2.0**53], "0: the user_id 9007199254740992.0, not an exact whole number"),
        ([float("inf")], "0: the user_id inf, not an exact"),
        ([True], "0: a user_id of the kind bool; write ids as text"),
        (pa.array([[1]]), "0: a user_id of the kind list"),
        (pa.array([b"\xff"]), "0: the first user_id of a column of bytes that are not UTF-8"),
        (["a", "b\x00c"], "1: the user_id 'b.x00c', with a control character; take it out"),
        (["\x1b[31mred"], "0: the user_id"),
        (["abc\u202edcba"], "0: the user_id 'abc.u202edcba', with a control character"),
        (["a\u2028b"], "with a control character"),
        (["a\u200fb"], "with a control character"),
        (["a\x85b"], "with a control character"),
        (["a\nb"], "with a control character"),
    ],
    ids=str,
)
def test_what_is_no_id_is_refused_by_its_row(values, message):
    with pytest.raises(Refused, match=message):
        ids(values)


def test_blanks_of_every_alphabet_are_dropped_whatever_the_other_ids():
    assert ids(["\u00a0a", "b\u3000", "\x85c"]) == ["a", "b", "c"]
    with pytest.raises(Refused, match="0: the user_id '\\\\xa0a', with blanks around it"):
        ids(["\u00a0a"], strip=False)


def test_floats_of_single_precision_are_ids_while_they_are_exact():
    assert ids(pa.array(np.array([2**24 - 1], np.float32))) == ["16777215"]
    with pytest.raises(Refused, match=r"0: the user_id 16777216\.0, not an exact whole number"):
        ids(pa.array(np.array([2**24 + 1], np.float32)))


def test_blanks_are_refused_where_they_are_not_layout():
    assert ids(["a b"], strip=False) == ["a b"]
    with pytest.raises(Refused, match="1: the user_id ' a', with blanks around it; strip it"):
        ids(["a", " a"], strip=False)
    with pytest.raises(Refused, match="0: the user_id ' ', with blanks around it"):
        ids([" "], strip=False)
