"""Tests of irkit.io.ratings.layout: separators, and which field is what."""

from __future__ import annotations

import pandas as pd
import pytest

from irkit.errors import ConfigError, DataError
from irkit.io.ratings import files as module
from irkit.io.ratings.files import read_ratings
from irkit.io.ratings.layout import option, parse_columns
from irkit.streams import held_by_command

ROWS = {"user_id": ["ann", "bob"], "item_id": ["tea", "a cake"], "rating": [5.0, 2.5]}
TIMES = {"timestamp": [1.7e9, 1.8e9]}
LIKES = ROWS | {"rating": [1.0, 1.0]}


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("text", "columns", "want"),
    [
        ("user;item;rating\nann;tea;5\nbob;a cake;2.5\n", None, ROWS),
        ("user|item|rating\nann|tea|5\nbob|a cake|2.5\n", None, ROWS),
        ('member;dish;rating\nann;tea;5\nbob;"a cake";2.5\n', "user=member,item=dish", ROWS),
        ("ann;tea;5;1700000000\nbob;a cake;2.5;1800000000\n", "user,item,rating,time", ROWS | TIMES),
        ("tea,x,ann,5\na cake,y,bob,2.5\n", "item,_,user,rating", ROWS),
        ("ann\ttea\nbob\ta cake\n", "user,item", LIKES),
        ("ann::tea::1700000000\nbob::a cake::1800000000\n", "user,item,time", LIKES | TIMES),
        ("ann tea 7\nbob cake 9\n", "user,item,-", LIKES | {"item_id": ["tea", "cake"]}),
        ("user,item,rating\nann,tea,\nbob,a cake,x\n", "rating=-", LIKES),
        ("user\titem\nann\ttea\nbob\ta cake\n", "rating=-", LIKES),
        ('"User-ID";"ISBN";"Book-Rating"\n"ann";"tea";"5"\n"bob";"a cake";"2.5"\n', None, ROWS),
        ("ann,tea,5\nbob,a cake,2.5\n", "user,item,count", ROWS),
        ("user,item,plays\nann,tea,5\nbob,a cake,2.5\n", None, ROWS),
        ("user,item,rating,x\nann,tea,1,5\nbob,a cake,1,2.5\n", "count=x", ROWS),
    ],
)
def test_fields_are_what_is_said(slow, text, columns, want, tmp_path, monkeypatch):
    if slow:
        monkeypatch.setattr(module, "_fast", lambda *args: None)
    else:
        monkeypatch.setattr(module, "_slow", lambda *args: pytest.fail("read line by line"))
    path = tmp_path / "r.txt"
    path.write_text(text)
    assert read_ratings(path, columns=columns and parse_columns(columns)).to_dict("list") == want


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("ann,tea,5\n", "user,item", r"r\.txt:1: there are 3 fields, and 2 columns are named; name every field, and -"),
        ("a,b,1\na,c,x\n", "user,item,rating", r"r\.txt:2: the rating must be a finite number, got 'x'"),
        ("a,b,1\na,c\n", "user,item,rating", r"r\.txt:2: 3 fields are needed, as in the first line, got 2"),
        ("userId,movieId,5\na,c,1\n", "user,item,_", r"r\.txt:1: the first line holds names of columns \(userId, movi"),
        ("member,dish,5\na,c,1\n", "rating=-", r"r\.txt:1: a column 'user_id' is needed, got member, dish, 5"),
        (
            "a;b\nc;d\n",
            None,
            r"r\.txt:1: there are two fields and no rating, got a, b; where every row is a like, write",
        ),
        ("a,b,1\na,c,0\n", "user,item,count", r"r\.txt:2: the count 0, and counts are greater than 0; drop the row"),
    ],
)
def test_a_file_that_is_laid_out_otherwise_is_refused_by_its_line(text, columns, message, tmp_path):
    path = tmp_path / "r.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_ratings(path, columns=columns and parse_columns(columns))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("user,rating", "columns need item_id, got user,rating; name it"),
        ("user,item,user", "columns name user_id twice, got user,item,user"),
        ("user,itm", "there is no column 'itm' to name; did you mean item"),
        ("user=member,item", "is neither all names in their order .* name=column; write user=member,item=item"),
        ("user=a,user=b", "names a column twice"),
        ("user,item,rating,count", "columns name both rating and count; leave out one with -"),
        ("user=-", "columns of users and of items are needed"),
    ],
)
def test_columns_that_make_no_sense_are_refused(columns, message, tmp_path):
    (tmp_path / "r.csv").write_text("user,item,rating\na,b,1\n")
    with pytest.raises(ConfigError, match=message):
        read_ratings(tmp_path / "r.csv", columns=parse_columns(columns))


def test_formats_that_name_their_columns_and_those_that_do_not(tmp_path):
    (tmp_path / "u.data").write_text("a\tb\t1\n")
    with pytest.raises(ConfigError, match="the format tab has no column names; name the fields in their order"):
        read_ratings(tmp_path / "u.data", "tab", columns={"rating": "-"})


@pytest.mark.parametrize(
    "text",
    [
        "user,item\nann,tea\nbob,cake\n",
        "User-ID;ISBN\nann;tea\nbob;cake\n",
        "user\titem\nann\ttea\nbob\tcake\n",
        "user,item,timestamp\nann,tea,1700000000\nbob,cake,1700000001\n",
    ],
)
def test_where_users_items_and_times_alone_are_named_every_row_is_a_like_and_that_is_said(text, tmp_path, caplog):
    path = tmp_path / "r.csv"
    path.write_text(text)
    found = read_ratings(path)
    assert found[["user_id", "item_id", "rating"]].to_numpy().tolist() == [["ann", "tea", 1.0], ["bob", "cake", 1.0]]
    assert caplog.messages == [f"{path}: there are no ratings, so every row is a like"]
    pd.testing.assert_frame_equal(found, read_ratings(path, columns={"rating": "-"}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("user,item,kind\nann,tea,hot\n", "rating=-"),
        ("ann,tea\nbob,cake\n", "user,item"),
        ("ann\ttea\nbob\tcake\n", "user,item"),
        ("ann,tea,5\nbob,cake,2\n", "user,item,rating"),
        ("ann;tea;5;1700000000;x\nbob;cake;2;1700000000;y\n", "user,item,rating,time,-"),
        ("ann,tea,1700000000\nbob,cake,1700000001\n", "user,item,time"),
        ("ann tea 5\nbob cake 2\n", "user,item,rating"),
    ],
)
def test_a_refusal_says_the_option_that_reads_the_file(text, told, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_ratings(path)
    assert f"write {option(told)}" in str(caught.value) or f"order: {option(told)}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(read_ratings(path, columns=parse_columns(told))) > 0
    with held_by_command(), pytest.raises(DataError, match=f"--columns {told}"):
        read_ratings(path)


def test_a_column_that_may_hold_ratings_is_proposed(tmp_path):
    (tmp_path / "r.csv").write_text("user,item,liking\nann,tea,5\n")
    with (
        held_by_command(),
        pytest.raises(DataError, match="--columns rating=-, or where liking holds them, --columns rat"),
    ):
        read_ratings(tmp_path / "r.csv")


def test_counts_are_known_as_such(tmp_path):
    (tmp_path / "r.csv").write_text("user,item,count\nann,tea,5\n")
    assert read_ratings(tmp_path / "r.csv").attrs == {"counts": True}
    assert read_ratings(tmp_path / "r.csv", columns={"rating": "count"}).attrs == {}
    frame = read_ratings(tmp_path / "r.csv")
    frame.rename(columns={"user_id": "user", "item_id": "item", "rating": "plays"}).to_parquet(tmp_path / "r.parquet")
    again = read_ratings(tmp_path / "r.parquet")
    assert (again["rating"].tolist(), again.attrs) == ([5.0], {"counts": True})
