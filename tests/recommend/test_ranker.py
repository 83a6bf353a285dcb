"""Tests of irkit.recommend.ranker: liking is a threshold, and every ranker keeps to it."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.recommend.als import ALS
from irkit.recommend.bpr import BPR
from irkit.recommend.dns import DNS
from irkit.recommend.ease import EASE
from irkit.recommend.popularity import Popularity
from irkit.recommend.rfmf import RFMFUsers
from tests.recommend.ratings_toy import random_table, table


def precision_by_hand(fitted, valid, threshold=None):
    """P@5 of one user's list after the other: of all items but those the user likes in training."""
    users, items = fitted.fitted.users, fitted.fitted.items

    def liked(ratings):
        return [
            (row.user_id, row.item_id)
            for row in ratings.frame().itertuples()
            if threshold is None or row.rating >= threshold
        ]

    train = liked(fitted.fitted)
    held = [(user, item) for user, item in liked(valid) if user in set(users) and item in set(items)]
    found = []
    for user in sorted({user for user, _ in held}):
        scores = dict(zip(items, fitted.scores(users.rows([user]))[0], strict=True))
        candidates = [item for item in items if (user, item) not in train]
        first = sorted(candidates, key=scores.get, reverse=True)[:5]
        found.append(sum((user, item) in held for item in first) / 5)
    return np.mean(found) if found else None


RANKERS = [ALS(embedding_size=2), BPR(epochs=3), DNS(epochs=3), EASE(), Popularity(), RFMFUsers(k=4, rank=2)]


@pytest.mark.parametrize("model", RANKERS, ids=lambda model: model.name)
def test_lower_ratings_teach_nothing_but_are_dropped_from_lists(model):
    ratings = random_table(users=20, items=10)
    strict = type(model)(model.config.changed(threshold=4.0))
    fitted = strict.fit(ratings)
    low = ratings.rating < 4
    # The same as if every rating below the threshold were another one below it.
    frame = ratings.frame()
    other = frame.assign(rating=np.where(low, 6 - frame["rating"].clip(3), frame["rating"]).clip(1, None))
    other.loc[low, "rating"] = 1.0
    again = strict.fit(table([tuple(row) for row in other.to_numpy()], scale=(1, 5)))
    np.testing.assert_array_equal(fitted.scores(np.arange(20)), again.scores(np.arange(20)))
    assert not np.array_equal(fitted.scores(np.arange(20)), model.fit(ratings).scores(np.arange(20)))
    lists = fitted.recommend([f"u{u}" for u in range(20)])
    rated = set(zip(frame["user_id"], frame["item_id"], strict=True))
    assert rated.isdisjoint(zip(lists["qid"], lists["docno"], strict=True))


def test_popularity_counts_what_is_liked():
    rows = [("a", "x", 5.0), ("b", "x", 1.0), ("b", "y", 4.0), ("c", "y", 4.0)]
    model = Popularity(threshold=4.0).fit(table(rows))
    assert model.scores(np.array([0])).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("model", RANKERS, ids=lambda model: model.name)
def test_who_likes_nothing_and_who_is_new_get_what_others_like(model):
    rows = [("a", "w", 5.0), ("a", "x", 4.0), ("b", "x", 4.0), ("b", "y", 4.0), ("c", "y", 4.0), ("c", "x", 5.0)]
    rows += [("odd", "w", 1.0), ("d", "z", 1.0), ("e", "z", 1.0), ("f", "z", 1.0), ("f", "w", 4.0)]
    found = type(model)(model.config.changed(threshold=4.0)).fit(table(rows)).recommend(["new", "odd"])
    lists = {user: list(zip(one["docno"], one["score"], strict=True)) for user, one in found.groupby("qid")}
    # z has the most ratings but for x, and nobody likes it.
    assert lists["new"] == [("x", 3.0), ("y", 2.0), ("w", 2.0), ("z", 0.0)]
    assert lists["odd"] == [("x", 3.0), ("y", 2.0), ("z", 0.0)]
    rated = type(model)(model.config.changed(threshold=4.0)).fit(table(rows)).rater()
    pairs = pd.DataFrame({"qid": ["odd", "odd"], "docno": ["z", "x"], "score": [2.0, 1.0]})
    assert rated(pairs)["docno"].tolist() == ["x", "z"]


def test_a_threshold_nobody_reaches_is_an_error():
    with pytest.raises(ConfigError, match="ease: no rating reaches the threshold 6, the greatest is 5; lower it"):
        EASE(threshold=6.0).fit(random_table())


def test_a_model_fitted_again_forgets_what_was_liked_before():
    first = EASE(threshold=4.0).fit(random_table())
    again = first.fit(random_table(seed=5))
    np.testing.assert_array_equal(again.weights_, EASE(threshold=4.0).fit(random_table(seed=5)).weights_)


# ---------------------------------------------------------------- held-out precision


def precision(fitted, valid):
    found = fitted.held_out_precision(valid.like(fitted.fitted))
    return None if found is None else found()


@pytest.mark.parametrize("items", [11, 3])
@pytest.mark.parametrize("threshold", [None, 3.0, 5.0])
def test_held_out_precision_is_that_of_each_user_s_list(threshold, items):
    for seed in range(5):
        train, valid = (random_table(users=12, items=items, density=0.3, seed=2 * seed + part) for part in (0, 1))
        fitted = BPR(epochs=2, threshold=threshold, learning_rate=0.3, init=1.0).fit(train)
        by_hand = precision_by_hand(fitted, valid, threshold)
        assert precision(fitted, valid) == pytest.approx(by_hand)
        assert 0 < by_hand < 1


def test_held_out_precision_counts_users_who_like_nothing_in_training_and_leaves_strangers_out():
    rows = [("a", "v", 5.0), ("a", "w", 1.0), ("b", "x", 5.0), ("low", "y", 1.0), ("c", "z", 4.0), ("c", "v", 4.0)]
    fitted = EASE(threshold=4.0).fit(table(rows))
    fitted.weights_ = np.zeros((5, 5))
    valid = table([("a", "w", 5.0), ("low", "x", 4.0), ("c", "y", 1.0), ("new", "x", 5.0), ("b", "new", 5.0)])
    # Each of the lists of "a" (but for v) and of "low" holds at most five items, and all that are liked are in it.
    assert precision(fitted, valid) == pytest.approx((1 / 5 + 1 / 5) / 2)


def test_an_item_liked_in_training_is_not_listed_even_where_there_is_none_left():
    rows = [("a", "x", 1.0), ("a", "y", 1.0), ("b", "x", 1.0)]
    fitted = BPR(epochs=1).fit(table(rows))
    assert precision(fitted, table([("a", "x", 1.0), ("b", "y", 1.0)])) == pytest.approx((0 + 1 / 5) / 2)


def test_without_a_held_out_item_that_is_liked_there_is_no_precision():
    fitted = BPR(epochs=1, threshold=4.0).fit(random_table())
    assert fitted.held_out_precision(None) is None
    assert precision(fitted, table([("u1", "i1", 3.0)])) is None
    assert precision(fitted, table([("new", "i1", 5.0)])) is None
