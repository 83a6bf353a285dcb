"""Tests of irkit.recommend.ease and popularity."""

import numpy as np
import pytest

from irkit.errors import ConfigError, DivergedError
from irkit.recommend import ease
from irkit.recommend.ease import EASE, ease_weights, item_gram
from irkit.recommend.popularity import Popularity
from tests.recommend.ratings_toy import random_table, table


def slow_weights(x, reg):
    """Each item's ridge regression on the other items, one at a time: the same optimum by another road."""
    items = x.shape[1]
    weights = np.zeros((items, items))
    for j in range(items):
        others = [i for i in range(items) if i != j]
        left = x[:, others].T @ x[:, others] + reg * np.eye(items - 1)
        weights[others, j] = np.linalg.solve(left, x[:, others].T @ x[:, j])
    return weights


@pytest.mark.parametrize("reg", [0.5, 20.0])
def test_weights_are_the_ridge_regressions_of_each_item_on_the_others(reg):
    x = random_table(users=15, items=7).matrix_of_ones.toarray()
    got = ease_weights(x.T @ x, reg)
    np.testing.assert_allclose(got, slow_weights(x, reg), atol=1e-10)
    assert (np.diag(got) == 0).all()


def test_two_items_on_paper():
    # G = [[2, 1], [1, 3]], reg 1: P = inv([[3, 1], [1, 4]]) = [[4, -1], [-1, 3]] / 11
    got = ease_weights(np.array([[2.0, 1.0], [1.0, 3.0]]), 1.0)
    np.testing.assert_allclose(got, [[0, 1 / 3], [1 / 4, 0]], rtol=1e-12)


def test_many_items_are_solved_in_the_memory_of_their_gram():
    x = np.random.default_rng(2).random((900, 1100)) < 0.02
    gram = x.T.astype(float) @ x
    p = np.linalg.inv(gram + 3 * np.eye(1100))
    got = ease_weights(gram, 3.0)
    assert np.shares_memory(got, gram)
    expected = -p / np.diag(p)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(got, expected, atol=1e-11)


@pytest.mark.parametrize("block", [3, 7, 512])
def test_the_gram_is_counted_block_by_block(block, monkeypatch):
    monkeypatch.setattr(ease, "BLOCK", block)
    x = random_table(users=15, items=7).matrix_of_ones
    got = item_gram(x)
    np.testing.assert_array_equal(got, x.toarray().T @ x.toarray())
    assert got.flags.c_contiguous  # what `ease_weights` overwrites; another order would be copied


def test_what_is_not_positive_definite_is_refused():
    with pytest.raises(DivergedError, match=r"ease: .* not positive definite in float64; raise reg, got 0\.5"):
        ease_weights(np.array([[1.0, 9.0], [9.0, 1.0]]), 0.5)


def test_scores_of_pairs_are_cells_of_scores_of_users():
    model = EASE(reg=2.0).fit(random_table())
    rows = model.scores(np.array([3, 5]))
    pairs = model.score(np.array([3, 3, 5]), np.array([0, 4, 8]), None)
    np.testing.assert_allclose(pairs, [rows[0, 0], rows[0, 4], rows[1, 8]], rtol=1e-12)
    slow = model.fitted.matrix_of_ones.toarray()[[3, 5]] @ model.weights_
    np.testing.assert_allclose(rows, slow, rtol=1e-12)


def test_a_penalty_of_zero_is_refused():
    with pytest.raises(ConfigError, match="ease: reg is not valid, got 0"):
        EASE(reg=0)


def test_popularity_counts_ratings():
    model = Popularity(seen="keep").fit(table([("a", "x", 1.0), ("b", "y", 9.0), ("a", "y", 2.0)]))
    got = model.recommend(["a", "new"])
    assert got["docno"].tolist() == ["y", "x"] * 2
    assert got["score"].tolist() == [2.0, 1.0] * 2
    assert model.score(np.array([0]), np.array([1]), None).tolist() == [2.0]
