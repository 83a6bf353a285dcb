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
