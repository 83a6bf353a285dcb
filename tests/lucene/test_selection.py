"""Tests of the bridge's selection of the best hits, called directly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.lucene import jvm


@pytest.fixture(scope="module")
def select():
    jvm.start()
    import jnius

    return jnius.autoclass("irkit.TopFloats").select


PATTERNS = {
    "ascending": lambda n: list(range(n)),
    "descending": lambda n: list(range(n, 0, -1)),
    "organ pipe": lambda n: [min(i, n - i) * 2 + i % 2 for i in range(n)],
    "valley": lambda n: [max(i, n - i) * 2 + i % 2 for i in range(n)],
    "equal": lambda n: [7] * n,
    "two values": lambda n: [i % 2 for i in range(n)],
    "saw": lambda n: [i % 17 * n + i for i in range(n)],
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("n", [2, 3, 10, 257, 3000])
def test_patterns(select, pattern, n):
    for k in {1, 2, n // 2, n - 1} - {0}:
        keys = PATTERNS[pattern](n)
        best = sorted(keys, reverse=True)[:k]
        select(keys, n, k)
        assert sorted(keys[:k], reverse=True) == best


@settings(max_examples=50, deadline=None)
@given(keys=st.lists(st.integers(0, 2**62), min_size=2, max_size=60), data=st.data())
def test_any_keys(select, keys, data):
    k = data.draw(st.integers(1, len(keys) - 1))
    everything, best = sorted(keys), sorted(keys, reverse=True)[:k]
    select(keys, len(keys), k)
    assert sorted(keys[:k], reverse=True) == best
    assert sorted(keys) == everything
