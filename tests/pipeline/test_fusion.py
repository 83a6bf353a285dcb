"""Tests of irkit.pipeline.fusion."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.pipeline.fusion import below, member, minmax, pool, reciprocal_rank, sum_to_one, zscore

PTR = np.array([0, 3, 3, 4, 6])
SCORE = np.array([4.0, 3.0, 0.0, -2.0, 5.0, 5.0])

floats = st.floats(-1e9, 1e9, allow_nan=False)
groups = st.lists(st.lists(floats, max_size=6), max_size=5)


def laid(lists):
    ptr = np.cumsum([0, *map(len, lists)])
    return ptr, np.array([score for part in lists for score in part], dtype=float)


def test_normalisers_by_hand():
    assert minmax(PTR, SCORE).tolist() == [1.0, 0.75, 0.0, 1.0, 1.0, 1.0]
    third = 1 / 7
    np.testing.assert_allclose(sum_to_one(PTR, SCORE), [4 * third, 3 * third, 0, 1, 0.5, 0.5], rtol=1e-15)
    mean, deviation = 7 / 3, math.sqrt((25 + 4 + 49) / 27)
    expected = [(s - mean) / deviation for s in (4, 3, 0)] + [0, 0, 0]
    np.testing.assert_allclose(zscore(PTR, SCORE), expected, rtol=1e-13)


@settings(max_examples=80, deadline=None)
@given(groups)
def test_normalisers_keep_to_their_ranges(lists):
    ptr, score = laid(lists)
    for i, part in enumerate(lists):
        own = slice(ptr[i], ptr[i + 1])
        if not part:
            continue
        low_high = minmax(ptr, score)[own]
        assert 0 <= low_high.min() <= low_high.max() == 1
        shares = sum_to_one(ptr, score)[own]
        assert shares.min() >= 0
        assert shares.sum() == pytest.approx(1)
        standard = zscore(ptr, score)[own]
        assert standard.mean() == pytest.approx(0, abs=1e-6)
        if len(set(part)) > 1:
            assert (standard**2).mean() == pytest.approx(1)
        else:
            assert not standard.any()


@settings(max_examples=60, deadline=None)
@given(groups)
def test_normalisers_keep_the_order(lists):
    ptr, score = laid(lists)
    for normaliser in (minmax, zscore, sum_to_one):
        out = normaliser(ptr, score)
        for i in range(len(lists)):
            for a in range(ptr[i], ptr[i + 1]):
                for b in range(ptr[i], ptr[i + 1]):
                    if score[a] >= score[b]:
                        assert out[a] >= out[b]


@pytest.mark.parametrize("scale", [1e-200, 1e-310, 1e150])
def test_normalisers_do_not_lose_tiny_or_huge_scores(scale):
    ptr, score = np.array([0, 3]), np.array([3.0, 2.0, 1.0]) * scale
    np.testing.assert_allclose(minmax(ptr, score), [1, 0.5, 0], rtol=1e-9)
    np.testing.assert_allclose(zscore(ptr, score), np.sqrt(1.5) * np.array([1, 0, -1]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(sum_to_one(ptr, score), [2 / 3, 1 / 3, 0], rtol=1e-9)


def test_normalisers_take_nothing():
    for normaliser in (minmax, zscore, sum_to_one):
        assert normaliser(np.array([0]), np.zeros(0)).tolist() == []
        assert normaliser(np.array([0, 0, 0]), np.zeros(0)).tolist() == []


def test_reciprocal_ranks_start_at_one():
    assert reciprocal_rank(np.array([0, 1, 9]), 60).tolist() == [1 / 61, 1 / 62, 1 / 70]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=20))
def test_pooling_finds_each_pair_once(pairs):
    query = np.array([q for q, _ in pairs], dtype=int)
    doc = np.array([d for _, d in pairs], dtype=int)
    found_query, found_doc, which = pool(query, doc, 5)
    distinct = list(zip(found_query.tolist(), found_doc.tolist(), strict=True))
    assert distinct == sorted(set(pairs))
    assert [distinct[i] for i in which] == pairs


@settings(max_examples=60, deadline=None)
@given(keys=st.lists(st.integers(-9, 9)), known=st.lists(st.integers(-9, 9)))
def test_membership_is_pythons(keys, known):
    found = member(np.array(keys, dtype=np.int64), np.array(known, dtype=np.int64))
    assert found.tolist() == [key in known for key in keys]


@settings(max_examples=150, deadline=None)
@given(
    last=st.floats(-1e300, 1e300, allow_nan=False),
    scores=st.lists(st.floats(-1e300, 1e300, allow_nan=False), min_size=1, max_size=6),
)
def test_shifted_scores_lie_below_and_keep_their_order(last, scores):
    falling = np.array(sorted(scores, reverse=True))
    out = below(last, falling)
    assert out[0] < last
    assert np.isfinite(out).all()
    for a, b, before, after in zip(falling, falling[1:], out, out[1:], strict=False):
        assert (before == after) if a == b else (before > after)


def test_shifted_scores_keep_their_differences():
    assert below(10.0, np.array([3.5, 3.0, 1.0])).tolist() == [9.0, 8.5, 6.5]
