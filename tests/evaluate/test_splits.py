"""Tests of irkit.evaluate.splits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.errors import ConfigError
from irkit.evaluate.splits import folds

QIDS = [f"q{i}" for i in range(11)]


@given(st.sets(st.text(max_size=3), min_size=2, max_size=20), st.data())
def test_folds_are_a_partition_of_near_equal_parts(qids, data):
    k = data.draw(st.integers(2, len(qids)))
    split = folds(qids, k, seed=data.draw(st.integers(0, 9)))
    assert len(split) == k
    assert sorted(qid for fold in range(k) for qid in split.test(fold)) == sorted(qids)
    sizes = [len(split.test(fold)) for fold in range(k)]
    assert max(sizes) - min(sizes) <= 1
    for fold in range(k):
        assert sorted(split.train(fold) + split.test(fold)) == sorted(qids)


def test_folds_depend_on_the_seed_and_not_on_the_order():
    assert folds(QIDS, 3, seed=1) == folds(QIDS[::-1], 3, seed=1)
    assert folds(QIDS, 3, seed=1).parts != folds(QIDS, 3, seed=2).parts


def test_these_folds_never_change():
    assert folds(["1", "2", "3", "4", "5", "6"], 3, seed=42).parts == PINNED


PINNED = (("1", "3"), ("2", "6"), ("4", "5"))


@pytest.mark.parametrize("k", [1, 0, 12, True, 2.0])
def test_a_k_that_does_not_fit_is_refused(k):
    with pytest.raises(ConfigError, match="folds: their number must lie between 2 and that of the queries, 11, got"):
        folds(QIDS, k)


def test_repeats_and_missing_folds_are_refused():
    with pytest.raises(ConfigError, match="folds: qid '1' occurs twice"):
        folds(["1", "2", "1"], 2)
    with pytest.raises(ConfigError, match="there is no fold 3; folds are numbered 0 to 2"):
        folds(QIDS, 3).test(3)
