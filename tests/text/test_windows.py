"""Tests of irkit.text.windows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError
from irkit.text.windows import passages, windows


@pytest.mark.parametrize(
    ("n", "size", "stride", "expected"),
    [
        (0, 3, 2, [[0, 0]]),
        (1, 3, 2, [[0, 1]]),
        (3, 3, 2, [[0, 3]]),
        (4, 3, 2, [[0, 3], [2, 4]]),
        (5, 3, 2, [[0, 3], [2, 5]]),
        (6, 3, 2, [[0, 3], [2, 5], [4, 6]]),
        (6, 3, 3, [[0, 3], [3, 6]]),
        (7, 3, 3, [[0, 3], [3, 6], [6, 7]]),
        (4, 1, 1, [[0, 1], [1, 2], [2, 3], [3, 4]]),
        (4, 4, 1, [[0, 4]]),
        (5, 4, 1, [[0, 4], [1, 5]]),
    ],
)
def test_windows_by_hand(n, size, stride, expected):
    assert windows(n, size, stride).tolist() == expected


@settings(deadline=None)
@given(n=st.integers(0, 60), size=st.integers(1, 12), data=st.data())
def test_windows_cover_everything_and_none_is_needless(n, size, data):
    stride = data.draw(st.integers(1, size))
    found = windows(n, size, stride).tolist()
    slow, begin = [[0, min(size, n)]], 0
    while slow[-1][1] < n:
        begin += stride
        slow.append([begin, min(begin + size, n)])
    assert found == slow
    assert {i for a, b in found for i in range(a, b)} == set(range(n))
    assert all(b < n for _, b in found[:-1])


@pytest.mark.parametrize(
    ("size", "stride", "message"),
    [
        (0, 1, "windows: size must be 1 or more, got 0"),
        (3, 0, "windows: stride must lie between 1 and the size 3, got 0; more would skip words"),
        (3, 4, "windows: stride must lie between 1 and the size 3, got 4; more would skip words"),
    ],
)
def test_a_window_that_skips_words_is_refused(size, stride, message):
    with pytest.raises(ConfigError) as error:
        windows(9, size, stride)
    assert str(error.value) == message


def test_passages_are_words_with_single_spaces():
    assert passages(" a\tb\n\nc  d e ", 2, 1) == ["a b", "b c", "c d", "d e"]
    assert passages("a b c d e", 2, 2) == ["a b", "c d", "e"]
    assert passages("a b", 5, 3) == ["a b"]
    assert passages("  ", 5, 3) == [""]
