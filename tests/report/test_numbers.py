"""Tests of irkit.report.numbers."""

from hypothesis import given
from hypothesis import strategies as st

from irkit.report.numbers import (
    digits_for,
    fixed,
    megabytes,
    milliseconds,
    p_value,
    plain,
)


def test_decimals_shrink_as_values_grow():
    assert [digits_for([value]) for value in (0.5, 1.0, 9.5, 50.5, 500.5, 5000.5, 5000.0)] == [4, 4, 4, 3, 2, 1, 0]
    assert digits_for([]) == 4


def test_numbers_have_no_negative_zero_and_a_sign_where_asked():
    assert fixed(-0.00004) == "0.0000"
    assert fixed(-0.00004, sign=True) == "0.0000"
    assert fixed(0.00006, sign=True) == "+0.0001"
    assert fixed(-1.5, 2, sign=True) == "-1.50"


def test_a_small_p_is_never_printed_as_zero():
    assert p_value(0.0) == p_value(0.0000999) == "< .0001"
    assert p_value(0.0001) == p_value(0.00014) == "0.0001"
    assert p_value(1.0) == "1.0000"


def test_missing_costs_are_dashes():
    assert milliseconds(None) == megabytes(None) == "–"
    assert [milliseconds(v) for v in (0.0, 0.00001, 0.05, 9.99, 99.94, 100.4)] == [
        "0.00",
        "<0.0001",
        "0.05",
        "9.99",
        "99.9",
        "100",
    ]


def test_plain_text_keeps_letters_of_every_script_and_drops_what_steers_terminals():
    assert plain("検索 naïve مرحبا 👩‍🔬") == "検索 naïve مرحبا 👩‍🔬"
    assert plain("a\x1b]0;title\x07b\u202ec\ud800") == r"a\x1b]0;title\x07b\u202ec\ud800"
    assert plain("a\r\n b\tc") == "a b c"
    assert plain("a:\r\n\tb\x00", lines=True) == "a:\n\tb\\x00"
    assert plain(None) == ""


@given(st.text(), st.booleans())
def test_plain_text_can_always_be_encoded_and_is_a_fixed_point(text, lines):
    once = plain(text, lines=lines)
    once.encode("utf-8")
    assert plain(once, lines=lines) == once
