"""Tests of irkit.recommend.seen: rated items leave the lists, whatever stage kept them."""

import pytest

from irkit.errors import ConfigError, FrameError, NotFittedError
from irkit.pipeline.operators import normalise
from irkit.recipe import Recipe, to_recipe
from irkit.recommend.bias import Bias
from irkit.recommend.popularity import Popularity
from irkit.recommend.seen import DropSeen
from tests.recommend.ratings_toy import random_table, table

ROWS = [("a", "x", 5.0), ("a", "y", 3.0), ("b", "x", 4.0), ("c", "z", 1.0)]


def pairs(frame):
    return list(zip(frame["qid"], frame["docno"], frame["rank"], strict=True))


def test_rated_items_are_dropped_and_ranks_close_up():
    train = table(ROWS)
    everything = Popularity(seen="keep").fit(train)
    assert pairs(everything.recommend(["a", "new"]))[:3] == [("a", "x", 0), ("a", "z", 1), ("a", "y", 2)]
    found = (everything >> DropSeen().fit(train))(["a", "new"])
    assert pairs(found) == [("a", "z", 0), ("new", "x", 0), ("new", "z", 1), ("new", "y", 2)]


def test_it_does_what_a_recommender_does_by_itself():
    train = random_table()
    users = [f"u{number}" for number in range(12)]
    own = Bias().fit(train).recommend(users)
    filtered = (Bias(seen="keep").fit(train) >> DropSeen().fit(train))(users)
    assert pairs(filtered) == pairs(own)


def test_items_unknown_in_training_stay():
    found = (Popularity(seen="keep").fit(table(ROWS)) >> DropSeen().fit(table(ROWS[:1])))(["a"])
    assert pairs(found) == [("a", "z", 0), ("a", "y", 1)]


def test_a_pipeline_is_fitted_whole_and_so_is_that_of_a_recipe():
    train = random_table()
    pipeline = normalise(Popularity(seen="keep")) >> DropSeen()
    fitted = pipeline.fit(train)
    stages = [{"use": "popularity", "seen": "keep"}, {"use": "normalise"}, {"use": "drop-seen"}]
    built = Recipe(name="mine", stages=stages, needs=("train",)).build()
    assert built == pipeline != fitted
    built = built.fit(train)
    assert built == fitted
    assert pairs(built(["u1"])) == pairs(fitted(["u1"]))
    assert to_recipe(built, "mine").stages == stages


def test_errors():
    with pytest.raises(NotFittedError, match=r"drop-seen: is not fitted; call pipeline.fit\(RatingTable"):
        (Popularity(seen="keep").fit(table(ROWS)) >> DropSeen())(["a"])
    with pytest.raises(FrameError, match="drop-seen: train must be a RatingTable, got list"):
        DropSeen().fit([("a", "x")])
    with pytest.raises(ConfigError, match="drop-seen: holds no pipelines, got 1; remove 'of'"):
        Recipe(name="mine", stages=[{"use": "drop-seen", "of": [[{"use": "cut", "k": 1}]]}], needs=("train",))
