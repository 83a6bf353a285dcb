"""Tests of irkit.recommend.rfmf: RFMF with users in place of documents."""

import math
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import NMF

from irkit.learn.nmf import nndsvd
from irkit.recommend.rfmf import RFMFUsers, most_similar, rating_weights, unit_rows
from tests.recommend.ratings_toy import random_table, table

BETA = {"kl": "kullback-leibler", "frobenius": "frobenius"}


def test_a_rating_weighs_by_its_place_on_the_scale():
    np.testing.assert_allclose(rating_weights(np.array([1.0, 3.0, 5.0]), (1, 5)), [0.2, 0.6, 1.0])
    np.testing.assert_allclose(rating_weights(np.array([0.0, 10.0]), (0, 10)), [1 / 11, 1.0])
    np.testing.assert_allclose(rating_weights(np.array([1.0]), (1, 1)), [1.0])


def test_similar_users_on_paper():
    # Cosines with user 0: user 1 has 1, user 2 has 1 / sqrt 2, user 3 has nothing in common, user 4 is as user 2.
    unit = unit_rows(csr_matrix(np.array([[1.0, 0, 0], [0.5, 0, 0], [1, 1, 0], [0, 1, 1], [2, 0, 2], [0, 0, 0]])))
    np.testing.assert_allclose(np.linalg.norm(unit.toarray(), axis=1), [1, 1, 1, 1, 1, 0])
    assert most_similar(unit, 0, 9).tolist() == [1, 2, 4]
    assert most_similar(unit, 0, 2).tolist() == [1, 2]
    assert most_similar(unit, 3, 9).tolist() == [2, 4]
    assert most_similar(unit, 5, 9).tolist() == []


@pytest.mark.parametrize("objective", ["kl", "frobenius"])
def test_scores_are_row_0_of_scikit_learns_factors(objective):
    ratings = random_table(users=14, items=10, density=0.4)
    model = RFMFUsers(k=5, rank=2, objective=objective, iterations=60, threshold=2.0).fit(ratings)
    weights = np.zeros((14, 10))
    for user, item, rating in zip(ratings.user, ratings.item, ratings.rating, strict=True):
        if rating >= 2:
            weights[user, item] = rating / 5
    for user in range(14):
        cosine = []
        for other in range(14):
            lengths = math.sqrt((weights[user] ** 2).sum() * (weights[other] ** 2).sum())
            cosine.append(weights[user] @ weights[other] / lengths if lengths and other != user else 0.0)
        near = [other for other in sorted(range(14), key=lambda o: (-round(cosine[o], 12), o)) if cosine[other] > 0]
        rows = weights[[user, *near[:5]]]
        used = np.flatnonzero(rows.any(axis=0))
        expected = np.zeros(10)
        if len(used):
            u, v = nndsvd(rows[:, used], 2)
            oracle = NMF(2, solver="mu", beta_loss=BETA[objective], init="custom", max_iter=60, tol=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected[used] = oracle.fit_transform(rows[:, used], W=u, H=v)[0] @ oracle.components_
        np.testing.assert_allclose(model.scores(np.array([user]))[0], expected, rtol=1e-3, atol=1e-5)


def test_single_scores_are_cells_of_the_rows():
    model = RFMFUsers(k=3, rank=2).fit(random_table())
    user, item = np.array([4, 0, 4, 2]), np.array([1, 8, 1, 0])
    np.testing.assert_array_equal(model.score(user, item, None), model.scores(np.arange(5))[user, item])


def test_a_user_is_given_what_users_alike_have_seen():
    rows = [(f"a{u}", f"x{i}", 5.0) for u in range(4) for i in range(4) if u != i]
    rows += [(f"b{u}", f"y{i}", 5.0) for u in range(4) for i in range(4) if u != i]
    found = RFMFUsers(k=3, rank=2).fit(table(rows, scale=(1, 5))).recommend(["a0", "b2", "new"], 1)
    assert found[found["qid"] != "new"]["docno"].tolist() == ["x0", "y2"]
    assert len(found) == 3, "an unknown user gets a popular item"


def test_who_likes_nothing_has_scores_of_0():
    rows = [("a", "x", 1.0), ("b", "x", 5.0), ("b", "y", 5.0)]
    assert RFMFUsers(threshold=4.0).fit(table(rows)).scores(np.array([0])).tolist() == [[0.0, 0.0]]


def test_asking_changes_nothing():
    ratings = random_table()
    model = RFMFUsers(k=3).fit(ratings)
    first = model.scores(np.arange(4))
    np.testing.assert_array_equal(model.scores(np.arange(4)), first)
    np.testing.assert_array_equal(np.sort(ratings.matrix.data), np.sort(ratings.rating))
