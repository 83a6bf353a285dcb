"""Tests of irkit.recommend.guards: each guard passes what is clean and fails on a planted leak."""

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.recommend.base import Recommender
from irkit.recommend.bias import Bias
from irkit.recommend.guards import (
    Looks,
    checked,
    future_probe,
    no_duplicates,
    no_future,
    no_test_pairs,
    not_the_test_part,
    popularity_as_of,
)
from irkit.recommend.popularity import Popularity
from irkit.recommend.splits import RatingSplit, random_split, time_split
from irkit.recommend.table import DAY
from tests.recommend.ratings_toy import frame, random_table, table

WHOLE = random_table(users=15, items=10, time=True)
SPLIT = time_split(WHOLE, fraction=0.3)


class Running(Recommender):
    """Predicts a user's mean so far, or the mean of everything they ever rated."""

    name = "running"
    uses_time = True
    causal = True

    def learn(self, train, valid):
        """Nothing: the ratings are read when predicting."""

    def score(self, user, item, day):
        train, out = self.fitted, np.zeros(len(user))
        for place, (who, when) in enumerate(zip(user, day, strict=True)):
            rows = (train.user == who) & ((train.days < when) | (not self.causal))
            out[place] = train.rating[rows].mean() if rows.any() else self.mean_
        return out


class Oracle(Running):
    causal = False


def test_a_clean_model_passes_every_guard():
    model = Bias().fit(SPLIT.train)
    assert checked(model, SPLIT) == []
    assert checked(Popularity().fit(SPLIT.train.kept(SPLIT.train.rating > 3)), SPLIT) == []


def test_the_future_in_the_training_part_is_found():
    no_future(Bias().fit(SPLIT.train), SPLIT.test)
    with pytest.raises(ConfigError, match=r"guard: bias was fitted on \d+ ratings as new as the oldest test rating"):
        no_future(Bias().fit(WHOLE), SPLIT.test)
    with pytest.raises(ConfigError, match="cannot be told without timestamps"):
        no_future(Bias().fit(random_table()), SPLIT.test)


def test_the_probe_finds_a_model_that_reads_later_ratings():
    pairs = WHOLE.frame()[["user_id", "item_id"]].head(20)
    middle = float(np.median(WHOLE.days) * DAY)
    future_probe(Running().fit(WHOLE), pairs, middle)
    future_probe(Bias().fit(WHOLE), pairs, middle)  # reads nothing when it predicts
    with pytest.raises(ConfigError, match=r"guard: running predicts \d+ of 20 ratings from ratings given later"):
        future_probe(Oracle().fit(WHOLE), pairs, middle)


def test_popularity_of_the_whole_log_is_found():
    popularity_as_of(Popularity().fit(SPLIT.train), SPLIT.train)
    popularity_as_of(Popularity().fit(SPLIT.train), WHOLE.before(float(SPLIT.test.days.min())))
    with pytest.raises(ConfigError, match=r"guard: popularity counted \d+ ratings of item 'i\d', and \d+ were known"):
        popularity_as_of(Popularity().fit(WHOLE), SPLIT.train)
    with pytest.raises(ConfigError, match="counted 1 ratings of item 'new', and 0 were known"):
        popularity_as_of(Popularity().fit(table([("a", "new", 1.0)])), SPLIT.train)


def test_a_test_pair_in_the_input_is_found_by_name():
    leak = table(
        [*[tuple(row) for row in SPLIT.train.frame().to_numpy()], tuple(SPLIT.test.frame().to_numpy()[0])], True
    )
    no_test_pairs(Bias().fit(SPLIT.train), SPLIT.test)
    who, what = SPLIT.test.frame().to_numpy()[0][:2]
    with pytest.raises(
        ConfigError, match=f"fitted on 1 of the {len(SPLIT.test)} test pairs.*'{who}' and item '{what}'"
    ):
        no_test_pairs(Bias().fit(leak), SPLIT.test)


def test_pairs_and_times_on_both_sides_of_a_cut_are_found():
    no_duplicates(SPLIT)
    both = np.ones(len(WHOLE), dtype=bool)
    with pytest.raises(ConfigError, match=f"guard: {len(WHOLE)} pairs are in the training and in the test part"):
        no_duplicates(RatingSplit("random", {}, WHOLE, both, both))
    tied = table([("a", "x", 1.0, 5.0), ("b", "x", 1.0, 5.0)], time=True)
    parts = np.array([True, False]), np.array([False, True])
    with pytest.raises(ConfigError, match="1 test ratings have the timestamp of a training rating"):
        no_duplicates(RatingSplit("time", {}, tied, *parts))
    no_duplicates(RatingSplit("random", {}, tied, *parts))


def test_choosing_on_the_test_part_is_found():
    not_the_test_part(SPLIT.inner().test, SPLIT)
    with pytest.raises(ConfigError, match=r"choose on split.inner\(\).test"):
        not_the_test_part(SPLIT.test, SPLIT)


def test_a_waiver_turns_the_finding_into_a_note():
    model = Bias().fit(WHOLE)
    with pytest.raises(ConfigError, match="guard"):
        checked(model, SPLIT)
    waivers = {"future": "an upper bound", "test pairs": "an upper bound", "popularity": "an upper bound"}
    notes = checked(model, SPLIT, waivers)
    assert len(notes) == 3
    assert notes[0].startswith("test pairs waived (an upper bound): bias was fitted on")
    with pytest.raises(ConfigError, match="there is no guard 'futur' to waive; did you mean future"):
        checked(model, SPLIT, {"futur": "why not"})
    assert checked(Bias().fit(random_split(WHOLE).train), random_split(WHOLE), {"future": "not looked at"}) == []


def test_looks_are_counted_by_content():
    looks = Looks()
    assert looks.note(SPLIT) == "test part looked at 0 times"
    looks.look(SPLIT)
    assert looks.note(time_split(WHOLE, fraction=0.3)) == "test part looked at 1 time"
    assert looks.look(SPLIT) == 2
    assert looks.note(random_split(WHOLE)) == "test part looked at 0 times"


def test_frames_of_pairs_need_not_have_a_time():
    future_probe(Bias().fit(WHOLE), frame([("u1", "i1", 0.0)]), 0.0)
