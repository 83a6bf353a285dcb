"""Tests of irkit.recommend.splits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, FrameError
from irkit.recommend.splits import (
    k_folds,
    leave_last_out,
    predefined_split,
    random_split,
    rolling_splits,
    rows_hash,
    time_split,
)
from irkit.recommend.table import DAY
from tests.recommend.ratings_toy import random_table, table

DAYS = [
    ("a", "x", 1.0, 0 * DAY),
    ("a", "y", 2.0, 1 * DAY),
    ("b", "x", 3.0, 2 * DAY),
    ("b", "z", 4.0, 3 * DAY),
    ("c", "z", 5.0, 3 * DAY),
]


def keys(part):
    return {tuple(row) for row in part.frame().to_numpy()}


@given(fraction=st.floats(0.05, 0.95), seed=st.integers(0, 9))
@settings(max_examples=15)
def test_a_random_split_is_a_partition_of_the_wanted_sizes(fraction, seed):
    whole = random_table()
    split = random_split(whole, fraction, seed)
    assert keys(split.train) | keys(split.test) == keys(whole)
    assert len(split.train) + len(split.test) == len(whole)
    assert len(split.test) == round(fraction * len(whole))
    assert split.hash == random_split(whole, fraction, seed).hash


def test_folds_hold_out_every_rating_once():
    whole = random_table()
    folds = k_folds(whole, 4)
    assert set.union(*[keys(fold.test) for fold in folds]) == keys(whole)
    assert sum(len(fold.test) for fold in folds) == len(whole)
    assert len({fold.hash for fold in folds}) == 4


def test_a_cut_in_time_puts_ties_with_the_first_test_rating_into_the_test_part():
    split = time_split(table(DAYS, time=True), fraction=0.2)
    assert split.test.frame()["user_id"].tolist() == ["b", "c"]
    assert split.train.days.max() < split.test.days.min()
    at = time_split(table(DAYS, time=True), at=2 * DAY)
    assert len(at.train) == 2
    assert at.settings == {"at": 2 * DAY}


def test_parts_know_only_their_own_users_and_items():
    split = time_split(table(DAYS, time=True), at=3 * DAY)
    assert split.train.users.rows(["a", "b", "c"]).tolist() == [0, 1, -1]
    assert split.train.items.rows(["z"]).tolist() == [-1]


def test_the_manifest_on_paper():
    split = time_split(table(DAYS, time=True, scale=(1, 5)), at=3 * DAY)
    got = split.manifest()
    assert got["train"] == {"ratings": 3, "users": 2, "items": 2}
    assert got["test"] == {"ratings": 2, "users": 2, "items": 1}
    assert (got["cold_user"], got["cold_item"], got["cold_both"]) == (0.5, 1.0, 0.5)
    assert (got["users_in_both"], got["items_in_both"]) == (1, 0)
    assert (got["newest_train"], got["oldest_test"], got["older_than_train"]) == (2 * DAY, 3 * DAY, 0.0)
    assert got["hash"] == split.hash
    assert got["leaky"] == ""


def test_leaving_the_last_out_is_labelled_leaky_and_measured_so():
    split = leave_last_out(table(DAYS, time=True))
    assert keys(split.test) == {("a", "y", 2.0, 1 * DAY), ("b", "z", 4.0, 3 * DAY)}
    assert "newer" in split.leaky
    assert split.manifest()["older_than_train"] == 0.5  # that of user a
    assert leave_last_out(random_table(time=True), 2).in_test.sum() == 24


def test_rolling_windows_train_on_all_before_each_and_ignore_what_comes_after():
    whole = table(DAYS, time=True)
    first, second = rolling_splits(whole, windows=2, days=1.0)
    assert keys(first.test) == {DAYS[2]}
    assert keys(first.train) == {DAYS[0], DAYS[1]}
    assert keys(second.test) == set(DAYS[3:])
    assert keys(second.train) == set(DAYS[:3])
    assert not (first.in_train | first.in_test)[3:].any()


def test_predefined_parts_keep_their_ratings():
    whole = random_table(scale=(0, 10))
    parts = random_split(whole)
    split = predefined_split(parts.train, parts.test, "u1")
    assert split.hash == parts.hash
    assert split.settings == {"name": "u1"}
    with pytest.raises(FrameError, match="are in the training and the test part of u1"):
        predefined_split(whole, parts.test, "u1")
    with pytest.raises(FrameError, match="u1 has timestamps in one part only"):
        predefined_split(whole, random_table(time=True), "u1")


def test_the_inner_split_never_touches_the_test_part():
    split = time_split(random_table(time=True), fraction=0.3)
    inner = split.inner(0.2)
    assert inner.kind == "time"
    assert keys(inner.train) | keys(inner.test) == keys(split.train)
    assert random_split(random_table()).inner().kind == "random"


def test_the_hash_follows_content_and_not_order():
    whole = random_table(time=True)
    again = table([tuple(row) for row in whole.frame().to_numpy()[::-1]], time=True, scale=(1, 5))
    assert rows_hash(whole) == rows_hash(again)
    other = whole.frame()
    other.loc[3, "rating"] = 6 - other.loc[3, "rating"] + (other.loc[3, "rating"] == 3)
    assert rows_hash(table([tuple(row) for row in other.to_numpy()], time=True)) != rows_hash(whole)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t: random_split(t, 1.0), "fraction must lie between 0 and 1, got 1.0"),
        (lambda t: random_split(t, 0.0001), "random leaves no rating for the test part"),
        (lambda t: k_folds(t, 1), "their number must lie between 2 and that of the ratings"),
        (lambda t: time_split(t), "give either at or fraction"),
        (lambda t: time_split(t, at=0.0), "time leaves no rating for the training part"),
        (lambda t: leave_last_out(t, 0), "n must be a whole number"),
        (lambda t: rolling_splits(t, windows=0, days=1), "windows >= 1"),
    ],
)
def test_settings_that_do_not_make_sense_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make(random_table(time=True))


def test_time_is_needed_where_it_is_needed():
    for make in (leave_last_out, lambda t: time_split(t, fraction=0.1), lambda t: rolling_splits(t, days=1)):
        with pytest.raises(FrameError, match="need the column 'timestamp'"):
            make(random_table())


def test_a_split_of_ratings_of_one_value_has_no_scale_to_check():
    split = predefined_split(table([("a", "x", 3.0)]), table([("b", "x", 3.0)]), "toy")
    assert split.test.rating.tolist() == np.array([3.0]).tolist()
