"""Tests of irkit.recommend.knn."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from irkit.recommend import knn
from irkit.recommend.knn import ItemKNN, blocks, neighbour_means, shrunk_correlations
from tests.recommend.ratings_toy import random_table


def slow_similarity(z, seen, shrinkage, least):
    items = z.shape[1]
    out = np.zeros((items, items))
    for i in range(items):
        for j in range(items):
            both = seen[:, i] & seen[:, j]
            n = both.sum()
            scale = np.sqrt((z[both, i] ** 2).sum() * (z[both, j] ** 2).sum())
            if i != j and n >= least and scale > 0 and n > 1:
                out[i, j] = max((n - 1) / (n - 1 + shrinkage) * (z[both, i] * z[both, j]).sum() / scale, 0)
    return out


@pytest.mark.parametrize("pairs", [1, 20, 1 << 20])
@pytest.mark.parametrize(("shrinkage", "least"), [(100.0, 2), (0.0, 1), (3.0, 4)])
def test_similarities_are_those_of_a_double_loop_in_blocks_of_any_size(shrinkage, least, pairs, monkeypatch):
    monkeypatch.setattr(knn, "PAIRS", pairs)
    rng = np.random.default_rng(0)
    seen = rng.random((20, 8)) < 0.4
    z = np.where(seen, rng.integers(-2, 3, seen.shape), 0).astype(float)  # some residuals are 0
    user, item = np.nonzero(seen)
    sparse = csr_matrix((z[seen], (user, item)), shape=z.shape)
    got = shrunk_correlations(sparse, shrinkage, least).toarray()
    np.testing.assert_allclose(got, slow_similarity(z, seen, shrinkage, least), atol=1e-12)


def test_the_mean_of_neighbours_on_paper():
    similarity = np.array([[0.5, 0.1, 0.4], [0.0, 0.0, 0.0]])
    got = neighbour_means(similarity, np.array([1.0, 9.0, -2.0]), k=2)
    np.testing.assert_allclose(got, [(0.5 * 1 - 0.4 * 2) / 0.9, 0.0], rtol=1e-12)
    got = neighbour_means(similarity, np.array([1.0, 9.0, -2.0]), k=5)
    assert got[0] == pytest.approx(0.5 + 0.9 - 0.8)


def test_predictions_are_those_of_a_loop_over_pairs():
    ratings = random_table(users=15, items=8)
    model = ItemKNN(k=2, shrinkage=1.0).fit(ratings)
    base = model.mean_ + model.user_bias_[:, None] + model.item_bias_
    similarity = model._matrix().toarray()
    full = np.zeros(base.shape)
    for u in range(15):
        mine = np.flatnonzero(ratings.user == u)
        for i in range(8):
            near = sorted(mine, key=lambda row: -similarity[i, ratings.item[row]])[:2]
            weight = sum(similarity[i, ratings.item[row]] for row in near)
            about = sum(
                similarity[i, ratings.item[row]] * (ratings.rating[row] - base[u, ratings.item[row]]) for row in near
            )
            full[u, i] = base[u, i] + (about / weight if weight else 0)
    np.testing.assert_allclose(model.scores(np.arange(15)), full, rtol=1e-10)
    user, item = np.array([3, 1, 3, 0]), np.array([2, 7, 5, 0])
    np.testing.assert_allclose(model.score(user, item, None), full[user, item], rtol=1e-10)


def test_an_item_like_no_other_gets_the_baseline():
    model = ItemKNN(least=1000).fit(random_table())
    want = model.mean_ + model.user_bias_[2] + model.item_bias_[3]
    assert model.score(np.array([2]), np.array([3]), None)[0] == want


def test_blocks_hold_as_much_as_they_may_and_at_least_one():
    assert list(blocks(np.array([2, 2, 9, 0, 1, 3]), 4)) == [(0, 2), (2, 3), (3, 6)]
    assert list(blocks(np.array([0, 0]), 1)) == [(0, 2)]
