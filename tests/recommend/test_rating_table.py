"""Tests of irkit.recommend.table."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, FrameError
from irkit.recommend.table import RatingTable
from irkit.streams import held_by_command
from tests.recommend.ratings_toy import frame, random_table, table

ROWS = [("b", "y", 3.0, 86400.0), ("a", "x", 5.0, 0.0), ("b", "x", 1.0, 43200.0)]


def test_rows_are_numbered_in_the_order_they_come_and_time_is_in_days():
    got = table(ROWS, time=True)
    assert [got.users[0], got.users[1]] == ["b", "a"]
    assert got.user.tolist() == [0, 1, 0]
    assert got.item.tolist() == [0, 1, 1]
    assert got.days.tolist() == [1.0, 0.0, 0.5]
    assert got.scale == (1.0, 5.0)


def test_a_table_gives_back_its_frame():
    ratings = frame(ROWS, time=True)
    pd.testing.assert_frame_equal(table(ROWS, time=True).frame(), ratings)


def test_zero_is_a_rating_and_stays_in_the_matrix():
    got = table([("a", "x", 0.0), ("a", "y", 10.0)], scale=(0, 10))
    assert got.matrix.nnz == 2
    assert got.matrix_of_ones.toarray().tolist() == [[1.0, 1.0]]


def test_each_users_ratings_are_listed_oldest_first():
    got = random_table(time=True)
    ptr, order = got.by_user
    for user in range(len(got.users)):
        rows = order[ptr[user] : ptr[user + 1]]
        assert set(rows) == set(np.flatnonzero(got.user == user))
        assert (np.diff(got.days[rows]) >= 0).all()


def test_compact_leaves_out_who_has_no_rating_and_keeps_the_rest_by_name():
    whole = table(ROWS, time=True)
    some = whole.kept(whole.rating > 2).compact()
    assert some.frame().equals(whole.frame()[whole.rating > 2].reset_index(drop=True))
    some = whole.kept(whole.rating > 4).compact()
    assert (len(some.users), len(some.items)) == (1, 1)
    assert whole.compact() is whole


def test_before_is_strict():
    assert table(ROWS, time=True).before(0.5).frame()["user_id"].tolist() == ["a"]


def test_like_renumbers_by_name_and_leaves_out_the_unknown():
    whole = table(ROWS, time=True)
    other = table([("a", "x", 2.0), ("c", "x", 2.0), ("b", "z", 2.0), ("b", "y", 4.0)])
    got = other.like(whole)
    assert got.user.tolist() == [1, 0]
    assert got.item.tolist() == [1, 0]
    assert got.rating.tolist() == [2.0, 4.0]
    assert got.users is whole.users


def test_the_fingerprint_follows_content_and_not_numbering():
    whole = table(ROWS, time=True)
    again = table(ROWS, time=True)
    assert whole.fingerprint == again.fingerprint
    changed = [(*ROWS[0][:2], 4.0, ROWS[0][3]), *ROWS[1:]]
    assert table(changed, time=True).fingerprint != whole.fingerprint
    assert table([row[:3] for row in ROWS]).fingerprint != whole.fingerprint
    assert table(ROWS, time=True, scale=(0, 5)).fingerprint != whole.fingerprint


TWICE = [("a", "x", 1.0, 50.0), ("a", "y", 2.0, 10.0), ("a", "x", 4.0, 20.0)]


def test_a_repeated_pair_is_refused_unless_one_says_what_to_do():
    with pytest.raises(FrameError, match=r"ratings: user 'a' rated item 'x' in rows 0 and 2; drop one, or"):
        table(TWICE, time=True)
    with held_by_command(), pytest.raises(FrameError, match="drop one, or choose --duplicates last, mean or sum"):
        table(TWICE, time=True)
    assert table(TWICE, time=True, duplicates="last").rating.tolist() == [1.0, 2.0]  # by time, not by place
    assert table([row[:3] for row in TWICE], duplicates="last").rating.tolist() == [2.0, 4.0]
    assert table(TWICE, time=True, duplicates="mean").rating.tolist() == [2.5, 2.0]
    with pytest.raises(ConfigError, match="duplicates is one of error, last, mean, sum, got 'first'"):
        table(TWICE, time=True, duplicates="first")


def test_counts_of_a_pair_are_summed_and_are_above_zero():
    counts = table(TWICE, time=True, counts=True)
    assert (counts.counts, counts.rating.tolist(), counts.scale) == (True, [5.0, 2.0], (2.0, 5.0))
    assert (counts.days * 86400).round().tolist() == [50.0, 10.0]
    assert table(TWICE, time=True, counts=True, duplicates="last").rating.tolist() == [1.0, 2.0]
    assert RatingTable.from_frame(counts.frame()).fingerprint == counts.fingerprint
    assert table(ROWS, time=True, counts=True).fingerprint != table(ROWS, time=True).fingerprint
    with pytest.raises(FrameError, match="row 1 has the count 0; drop it, counts are greater than 0"):
        table([("a", "x", 1.0), ("a", "y", 0.0)], counts=True)
    with pytest.raises(FrameError, match=r"row 0 lies outside the scale 1\.\.4, got 5; correct it, or state"):
        table(TWICE, time=True, counts=True, scale=(1, 4))


def test_what_a_collection_says_of_its_frame_holds_unless_told_otherwise():
    told = frame(TWICE, time=True)
    told.attrs |= {"scale": (0.0, 5.0), "duplicates": "last"}
    table = RatingTable.from_frame(told)
    assert (table.scale, table.scale_stated, table.rating.tolist()) == ((0.0, 5.0), True, [1.0, 2.0])
    table = RatingTable.from_frame(told, scale=(1, 9), duplicates="mean")
    assert (table.scale, table.rating.tolist()) == ((1, 9), [2.5, 2.0])


def test_ratings_outside_the_scale_are_refused_by_row():
    with pytest.raises(FrameError, match=r"ratings: row 1 lies outside the scale 1\.\.5, got 0"):
        table([("a", "x", 3.0), ("a", "y", 0.0)], scale=(1, 5))
    for scale in ((5, 1), (1, 3, 5), "15", 5):
        with pytest.raises(ConfigError, match="scale is \\(low, high\\) with low < high"):
            table([("a", "x", 3.0)], scale=scale)


def test_a_frame_of_no_rows_is_refused_whatever_its_columns_hold():
    with pytest.raises(FrameError, match="ratings: there is no rating; give at least one row"):
        RatingTable.from_frame(pd.DataFrame({"user_id": [], "item_id": [], "rating": []}))


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (frame([]), "there is no rating"),
        (frame([("a", "x", np.nan)]), "column 'rating' must be finite, got nan in row 0"),
        (frame([("a", "x", 1.0, 3.0), ("a", "y", 1.0, np.nan)], time=True), "row 1 has no timestamp"),
        (pd.DataFrame({"user_id": ["a", 7], "item_id": ["x", "y"], "rating": [1, 2]}), "must hold strings, got int"),
        (pd.DataFrame({"user_id": [1, 2], "item_id": ["x", "y"], "rating": [1, 2]}), "astype"),
        (
            pd.DataFrame({"user_id": [1.2e11], "item_id": ["x"], "rating": [1]}),
            "got float; make them whole numbers first",
        ),
        (pd.DataFrame({"user_id": ["a", None], "item_id": ["x", "y"], "rating": [1, 2]}), "missing value in row 1"),
        (pd.DataFrame({"user_id": ["a", ""], "item_id": ["x", "y"], "rating": [1, 2]}), "row 1 has no user_id"),
        (pd.DataFrame({"user_id": ["a"], "item_id": [" x"], "rating": [1]}), "row 0 has the item_id ' x', with blanks"),
        (pd.DataFrame({"user_id": ["a\x00"], "item_id": ["x"], "rating": [1]}), "with a control character"),
        (
            frame([("a", "x", 1.0, 1.7e9), ("a", "y", 1.0, 1.7e12)], time=True),
            "row 0 has the timestamp 1700000000, and",
        ),
        (pd.DataFrame({"user_id": ["a"], "item_id": ["x"], "rating": ["good"]}), "must hold numbers"),
        (pd.DataFrame({"user_id": ["a"], "item_id": ["x"]}), "needs the column 'rating'"),
    ],
)
def test_what_is_no_ratings_frame_is_refused(ratings, message):
    with pytest.raises(FrameError, match=message):
        RatingTable.from_frame(ratings)


def test_times_of_every_kind_are_the_same_days():
    want = table([("a", "x", 1.0, 1.7e9), ("a", "y", 2.0, 1.7e9 + 43200)], time=True)
    for times in (
        [1.7e12, 1.7e12 + 43_200_000],
        ["2023-11-14T22:13:20", "2023-11-15T10:13:20"],
        pd.to_datetime([1_700_000_000, 1_700_043_200], unit="s"),
    ):
        given = want.frame().assign(timestamp=times)
        given.attrs.clear()
        np.testing.assert_array_equal(RatingTable.from_frame(given).days, want.days)
    assert RatingTable.from_frame(want.frame().assign(timestamp=[None, None])).time is None


def test_a_table_gives_back_its_frame_whatever_its_times_look_like():
    for times in ([-86400.0, 5.0], [1999.0, 2001.0], [5.0, 1.7e11]):
        rows = frame([("a", "x", 1.0, times[0]), ("a", "y", 2.0, times[1])], time=True)
        ours = RatingTable.from_frame(rows, time_unit="s")
        np.testing.assert_allclose(RatingTable.from_frame(ours.frame()).days, ours.days)


def test_time_where_there_is_none_is_an_error():
    with pytest.raises(FrameError, match="need the column 'timestamp'"):
        table([("a", "x", 1.0)]).before(3.0)


def test_other_numbers_in_the_place_of_a_frames_seconds_are_asked_for_their_unit():
    table = RatingTable.from_frame(
        pd.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], "rating": [1.0, 2.0], "timestamp": [1.7e9, 1.71e9]})
    )
    frame = table.frame()
    assert RatingTable.from_frame(frame.iloc[1:]).time.tolist() == [1.71e9 / 86400]
    frame["timestamp"] = table.time  # days
    with pytest.raises(FrameError, match="time_unit"):
        RatingTable.from_frame(frame)
