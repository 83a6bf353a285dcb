"""Tests of irkit.rank.scaling."""

from itertools import pairwise

import numpy as np

from irkit.rank.scaling import lowest_for_missing, minmax_by_query, standardised, statistics

PTR = np.array([0, 3, 3, 4, 6])
rng = np.random.default_rng(0)
X = rng.normal(size=(6, 5)) * 10.0 ** rng.integers(-3, 3, 5)
X[:, 2] = 0.1  # constant
X[4:, 3] = X[4, 3]  # constant in the last query


def test_each_query_s_features_reach_from_0_to_1():
    found = minmax_by_query(PTR, X)
    for start, end in pairwise(PTR):
        for column in range(5):
            values = X[start:end, column].tolist()
            low, high = (min(values), max(values)) if values else (0, 0)
            slow = [(value - low) / (high - low) if high > low else 0.0 for value in values]
            np.testing.assert_allclose(found[start:end, column], slow, atol=1e-15)
    assert not found[:, 2].any()
    assert not found[3].any(), "a query of one result"
    np.testing.assert_array_equal(minmax_by_query(PTR, found), found)


def test_standardised_features_have_mean_0_and_deviation_1():
    found = standardised(X, *statistics(X))
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(0), [1, 1, 0, 1, 1], rtol=1e-12)
    assert not found[:, 2].any()


def test_a_feature_that_was_constant_in_training_says_nothing_later():
    mean, deviation = statistics(X)
    assert deviation[2] == 0
    assert standardised(X + 5, mean, deviation)[:, 2].tolist() == [0.0] * 6


def test_a_missing_value_is_the_lowest_of_its_query():
    nan = np.nan
    x = np.array([[3.0, nan], [nan, nan], [-2.0, nan], [nan, 4.0], [1.0, nan], [nan, 6.0]])
    found = lowest_for_missing(PTR, x)
    assert found.tolist() == [[3, 0], [-2, 0], [-2, 0], [0, 4], [1, 6], [1, 6]]


def test_results_that_do_not_count_give_no_ends():
    ptr, counted = np.array([0, 3, 4]), np.array([False, True, True, False])
    x = np.array([[9.0], [1.0], [3.0], [7.0]])
    assert minmax_by_query(ptr, x, counted).tolist() == [[4], [0], [1], [0]]
    x[[1, 3]] = np.nan
    assert lowest_for_missing(ptr, x, counted).tolist() == [[9], [3], [3], [0]]


def test_without_results_there_is_nothing_to_scale():
    none, ptr = np.zeros((0, 3)), np.zeros(3, dtype=int)
    assert minmax_by_query(ptr, none).shape == lowest_for_missing(ptr, none).shape == (0, 3)
