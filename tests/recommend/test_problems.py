"""Tests of irkit.recommend.problems: ratings by name or path, and ways to split them."""

import datetime

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, DataError, FrameError, NotFoundError
from irkit.io import load_rating_collection
from irkit.recommend.problems import PLANTED, SETTINGS, SplitChoice, load_problem, load_ratings, problems_of
from irkit.recommend.splits import k_folds, leave_last_out, predefined_split, random_split, rolling_splits, time_split
from irkit.recommend.table import RatingTable
from irkit.streams import held_by_command
from tests.recommend.ratings_toy import random_table

CARD = """
name: toy
about: A toy.
kind: ratings
ratings: {file: all.tsv, scale: [1, 5]}
splits: {first: {train: first.base, test: first.test}}
"""


@pytest.fixture
def toy(tmp_path):
    """A folder with a card and a split of its own."""
    rows = ["a\tx\t4\t10", "a\ty\t2\t20", "b\tx\t5\t30", "b\tz\t3\t40"]
    for name, lines in {"all.tsv": rows, "first.base": rows[:3], "first.test": rows[3:]}.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "card.yaml").write_text(CARD)
    return tmp_path


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "random", "fraction": 0.3, "seed": 7}, lambda t: random_split(t, 0.3, 7)),
        ({"kind": "random"}, random_split),
        ({"kind": "k-fold", "k": 3, "fold": 2, "seed": 1}, lambda t: k_folds(t, 3, 1)[2]),
        ({"kind": "leave-last-out", "n": 2}, lambda t: leave_last_out(t, 2)),
        ({"kind": "time", "fraction": 0.25}, lambda t: time_split(t, fraction=0.25)),
        ({"kind": "time", "at": 5e6}, lambda t: time_split(t, at=5e6)),
        (
            {"kind": "rolling", "windows": 2, "days": 20, "window": 1},
            lambda t: rolling_splits(t, windows=2, days=20)[1],
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_choice_is_the_split_of_that_function(fields, expected):
    ratings = random_table(time=True)
    found, wanted = SplitChoice(**fields).of(ratings), expected(ratings)
    assert (found.kind, found.settings, found.hash) == (wanted.kind, wanted.settings, wanted.hash)
    np.testing.assert_array_equal(found.in_test, wanted.in_test)


def test_the_moment_of_a_split_may_be_a_date():
    for at in ("1970-01-31", datetime.date(1970, 1, 31), datetime.datetime(1970, 1, 31)):
        assert SplitChoice(kind="time", at=at).at == 30 * 86400.0
    with pytest.raises(ConfigError, match="at is not valid, got 'soon'; write seconds since 1970, or a date as 2024"):
        SplitChoice(kind="time", at="soon")


def test_a_card_says_what_times_count_and_a_pair_in_both_parts_is_named(toy):
    (toy / "all.tsv").write_text("a\tx\t4\t0\na\ty\t2\t86400000\nb\tx\t5\t8640000000\n")
    with pytest.raises(DataError, match=r"all.tsv:2: the timestamp 86400000, and others are milliseconds"):
        load_ratings(toy)
    (toy / "card.yaml").write_text(CARD.replace("scale:", "time_unit: ms, scale:"))
    assert load_ratings(toy).days.tolist() == [0.0, 1.0, 100.0]
    (toy / "first.test").write_text("b\tz\t3\t40\na\tx\t4\t10\n")
    with pytest.raises(FrameError, match="user 'a' and item 'x' are in the training and the test part of first; take"):
        load_problem(toy, "first")


def test_every_kind_and_setting_is_known():
    assert set(SETTINGS) == set(SplitChoice.model_fields["kind"].annotation.__args__)
    assert {name for names in SETTINGS.values() for name in names} == set(SplitChoice.model_fields) - {"kind"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "random", "k": 3}, "a random split has no k; it has fraction, seed"),
        ({"kind": "time", "fraction": 0.2, "at": 1}, "a time split has either at or fraction, got 1 and 0.2"),
        ({"kind": "k-fold", "fold": 5}, "fold counts from 0 and must be below k, got fold 5 of 5"),
        ({"kind": "rolling"}, "a rolling split needs days, the length of a window"),
        ({"kind": "rolling", "days": 1, "window": 3}, "window counts from 0 and must be below windows, got 3 of 3"),
        ({"kind": "random", "fraction": 1}, "fraction is not valid, got 1"),
        ({"kind": "randm"}, "kind is not valid, got 'randm'"),
        ({"kind": "random", "fractoin": 0.1}, "unknown field 'fractoin'; did you mean fraction?"),
        ({"fraction": 0.1}, "field 'kind' is missing"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(fields, says):
    with pytest.raises(ConfigError) as caught:
        SplitChoice(**fields)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_ratings_come_with_the_error_of_who_knows_the_law(name):
    problem = load_problem(name, {"kind": "random", "fraction": 0.2})
    planted = PLANTED[name][0]()
    held = problem.split.in_test
    error = planted.ratings.rating[held] - planted.expected[held]
    assert problem.floor == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12)
    assert 0.25 < problem.floor < 0.35, "the noise has a standard deviation of 0.3"
    assert problem.about.endswith(".")
    assert problem.fingerprint == load_ratings(name).fingerprint
    assert problem.split.hash == load_problem(name, SplitChoice(kind="random", fraction=0.2)).split.hash


def test_a_folder_with_a_card_has_its_own_splits(toy):
    problem = load_problem(toy, "first")
    assert (problem.name, problem.about, problem.floor) == ("toy", "A toy.", None)
    assert (problem.split.kind, problem.split.settings) == ("predefined", {"name": "first"})
    assert problem.split.train.scale == (1, 5)
    assert problem.split.test.frame().to_numpy().tolist() == [["b", "z", 3.0, 40.0]]
    other = load_problem(str(toy), {"kind": "leave-last-out"})
    assert other.fingerprint == problem.fingerprint
    assert len(other.split.test) == 2


def test_a_file_is_a_problem_too(tmp_path):
    (tmp_path / "my ratings.csv").write_text("user,item,rating\na,x,4\na,y,2\nb,x,5\n")
    problem = load_problem(tmp_path / "my ratings.csv", {"kind": "k-fold", "k": 3, "fold": 1})
    assert problem.name == "my-ratings.csv"
    assert (len(problem.split.train), len(problem.split.test)) == (2, 1)
    assert problem.split.ratings.scale == (2, 5), "without a card, the ratings that occur"
    with pytest.raises(FrameError, match="need the column 'timestamp' here"):
        load_problem(tmp_path / "my ratings.csv", {"kind": "time"})


def test_a_card_may_say_what_to_do_with_repeated_ratings(toy):
    with (toy / "all.tsv").open("a") as file:
        file.write("a\tx\t1\t50\n")
    with pytest.raises(
        DataError, match=r"all.tsv:5: user 'a' rated item 'x' in line 1 already; drop one, or choose dup"
    ):
        load_ratings(toy)
    with held_by_command(), pytest.raises(DataError, match="choose --duplicates last, mean or sum"):
        load_ratings(toy)
    (toy / "card.yaml").write_text(CARD.replace("scale: [1, 5]", "scale: [1, 5], duplicates: last"))
    assert load_ratings(toy).rating.tolist() == [2.0, 5.0, 3.0, 1.0]


def test_the_lines_of_a_pair_in_two_files_are_named(tmp_path):
    (tmp_path / "train.csv").write_text("user,item,rating\na,x,4\n\na,y,2\nb,x,5\n")
    (tmp_path / "test.csv").write_text("user,item,rating\nb,z,3\na,y,1\n")
    with pytest.raises(DataError, match=r"test.csv:3: user 'a' rated item 'y' in .*train.csv:4 already; drop one"):
        load_ratings(tmp_path)
    assert load_ratings(tmp_path, duplicates="last").rating.tolist() == [4.0, 5.0, 3.0, 1.0]
    with pytest.raises(FrameError, match="user 'a' and item 'y' are in the training and the test part of test"):
        load_problem(tmp_path)


def test_files_that_are_parts_by_name_are_a_split(tmp_path):
    (tmp_path / "train.csv").write_text("a;x;4\na;y;2\nb;x;5\n")
    (tmp_path / "test.csv").write_text("b;z;3\n")
    columns = ["user", "item", "rating"]
    problem = load_problem(tmp_path, columns=columns)
    train, test = (load_ratings(tmp_path / f"{part}.csv", columns=columns) for part in ("train", "test"))
    assert problem.split.hash == predefined_split(train, test, "test").hash
    assert (problem.split.settings, len(load_ratings(tmp_path, columns=columns))) == ({"name": "test"}, 4)
    random = load_problem(tmp_path, {"kind": "random", "fraction": 0.5}, columns=columns).split
    assert (random.kind, len(random.test)) == ("random", 2)
    with pytest.raises(NotFoundError, match="there is no split 'tset'; did you mean test"):
        load_problem(tmp_path, "tset", columns=columns)


def test_folds_of_ones_own_are_splits(tmp_path):
    rows = [f"u{user}\ti{item}\t{user + item}\t9" for user in range(3) for item in range(4)]
    for fold in range(2):
        (tmp_path / f"fold{fold + 1}").mkdir()
        for part, own in (("train", rows[fold::2]), ("test", rows[1 - fold :: 2])):
            (tmp_path / f"fold{fold + 1}" / f"{part}.tsv").write_text("\n".join(own) + "\n")
    one, two = (load_problem(tmp_path, f"fold{fold}").split for fold in (1, 2))
    assert (len(one.train), len(one.test), one.hash == two.hash) == (6, 6, False)
    assert one.train.fingerprint == two.test.fingerprint
    assert load_problem(tmp_path).split.kind == "random", "which of several is meant is not known"
    assert len(load_ratings(tmp_path)) == 12


def test_what_a_card_says_of_ratings_holds_in_python_as_in_commands(toy):
    with (toy / "all.tsv").open("a") as file:
        file.write("a\tx\t3\t50\n")
    (toy / "card.yaml").write_text(CARD.replace("scale: [1, 5]", "scale: [0, 9], duplicates: last"))
    collection = load_rating_collection(toy)
    tables = [load_ratings(toy), RatingTable.from_frame(collection.ratings())]
    assert {(table.scale, table.scale_stated, len(table)) for table in tables} == {((0.0, 9.0), True, 4)}
    assert len({table.fingerprint for table in tables}) == 1
    parts = [RatingTable.from_frame(frame) for frame in collection.split("first")]
    by_hand = predefined_split(*parts, "first")
    assert by_hand.hash == load_problem(toy, "first").split.hash
    assert by_hand.ratings.scale_stated


def test_errors_of_the_look_up(toy, tmp_path):
    with pytest.raises(NotFoundError, match="toy: there is no split 'frist'; did you mean first"):
        load_problem(toy, "frist")
    with pytest.raises(NotFoundError, match="planted-factors: has no split 'u1'; choose one by kind"):
        load_problem("planted-factors", "u1")
    with pytest.raises(NotFoundError, match="ratings: there is no 'planted-factor'; did you mean planted-factors"):
        load_ratings("planted-factor")
    with pytest.raises(ConfigError, match="split: is a name or a mapping, got 1; write"):
        load_problem("planted-factors", 1)
    with pytest.raises(ConfigError, match="lee: holds texts and no ratings"):
        load_problem("lee", {"kind": "random"})


@pytest.mark.data
def test_the_splits_of_movielens_are_those_of_its_makers(data_folder, monkeypatch):
    u1 = load_problem("ml-100k", "u1").split
    assert (len(u1.train), len(u1.test)) == (80_000, 20_000)
    assert set(u1.test.users.names.to_pylist()) <= {str(number) for number in range(1, 463)}
    assert len(load_problem("ml-100k", "ua").split.test) == 9_430


FRAME = pd.DataFrame({"user": list("aabbcc"), "item": list("xyxzyz"), "rating": [1.0, 2, 3, 4, 5, 2]})


def test_a_frame_may_have_the_names_that_files_have():
    usual = FRAME.rename(columns={"user": "user_id", "item": "item_id"})
    assert RatingTable.from_frame(FRAME).fingerprint == RatingTable.from_frame(usual).fingerprint
    assert FRAME.columns.tolist() == ["user", "item", "rating"]


def test_frames_make_a_split():
    split = predefined_split(FRAME.iloc[:4], FRAME.iloc[4:], "mine")
    tables = [RatingTable.from_frame(part) for part in (FRAME.iloc[:4], FRAME.iloc[4:])]
    assert split.hash == predefined_split(*tables, "mine").hash


def test_several_splits_are_folds_and_none_of_several_is_said(tmp_path, caplog):
    for number in (1, 2):
        for part, rows in (("train", FRAME.iloc[number:]), ("test", FRAME.iloc[:number])):
            rows.to_csv(tmp_path / f"{part}{number}.csv", index=False)
    found = problems_of(str(tmp_path), ["fold1", "fold2"], who="test")
    assert [len(one.split.test) for one in found] == [1, 2]
    assert not caplog.records
    load_problem(tmp_path)
    assert "has the splits fold1, fold2; a random tenth is held out instead, as none is named" in caplog.text


def test_columns_may_be_written_as_for_a_command(tmp_path):
    (tmp_path / "bare.csv").write_text("a,x,5\na,y,3\n")
    assert len(load_ratings(tmp_path / "bare.csv", columns="user,item,rating")) == 2


def test_a_file_that_is_not_there_is_missed_before_its_options():
    with pytest.raises(NotFoundError, match="nope"):
        load_ratings("nope.csv", columns=["user", "item", "rating"])
