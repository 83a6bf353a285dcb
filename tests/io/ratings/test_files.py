"""Tests of irkit.io.ratings: every format, and every wrong file by its line."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io.ratings import files as module
from irkit.io.ratings.files import read_ratings

WANT = pd.DataFrame(
    {
        "user_id": ["1", "1", "022"],
        "item_id": ["0104257", "7", "0104257"],
        "rating": [5.0, 0.0, 3.5],
        "timestamp": [978300760.0, 978302109.0, 881250949.0],
    }
).astype({"user_id": "str", "item_id": "str"})

TEXTS = {
    "u.data": "1\t0104257\t5\t978300760\n1\t7\t0\t978302109\n022\t0104257\t3.5\t881250949\n",
    "ratings.dat": "1::0104257::5::978300760\n1::7::0::978302109\n022::0104257::3.5::881250949\n",
    "ratings.csv": "userId,movieId,rating,timestamp\n1,0104257,5.0,978300760\n1,7,0,978302109\n"
    "022,0104257,3.5,881250949\n",
    "ratings.tsv": "rating\ttimestamp\titem_id\tnote\tuser_id\n5\t978300760\t0104257\t\t1\n0\t978302109\t7\tx\t1\n"
    "3.5\t881250949\t0104257\ty\t022\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("slow", [False, True])
def test_every_format_gives_the_same_frame_by_both_ways(name, slow, tmp_path, monkeypatch):
    if slow:
        monkeypatch.setattr(module, "_fast", lambda *args: None)
    path = tmp_path / name
    path.write_text(TEXTS[name])
    pd.testing.assert_frame_equal(read_ratings(path), WANT)
    pd.testing.assert_frame_equal(read_ratings(tmp_path), WANT)  # found in its folder
    path.write_text(TEXTS[name].replace("\n", "\r\n"))
    pd.testing.assert_frame_equal(read_ratings(path), WANT)
    path.write_bytes(gzip.compress(TEXTS[name].encode()))
    pd.testing.assert_frame_equal(read_ratings(path), WANT)


@pytest.mark.parametrize("name", ["u.data", "ratings.csv"])
def test_lines_that_end_in_a_carriage_return_alone_lose_no_column(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(TEXTS[name].replace("\n", "\r").encode())
    pd.testing.assert_frame_equal(read_ratings(path), WANT)


def test_whole_files_are_not_read_line_by_line(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_slow", lambda *args: pytest.fail("read line by line"))
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
        read_ratings(tmp_path / name)


def test_parquet_and_named_columns(tmp_path):
    odd = WANT.rename(columns={"user_id": "who", "item_id": "what", "rating": "Score", "timestamp": "when"})
    odd.to_parquet(tmp_path / "odd.parquet")
    names = {"user_id": "who", "item_id": "what", "timestamp": "when"}
    pd.testing.assert_frame_equal(read_ratings(tmp_path / "odd.parquet", columns=names), WANT)
    odd.to_csv(tmp_path / "odd.csv", index=False)
    pd.testing.assert_frame_equal(read_ratings(tmp_path / "odd.csv", columns=names), WANT)
    dated = odd.assign(when=pd.to_datetime(odd["when"], unit="s"))
    dated.to_parquet(tmp_path / "dated.parquet")
    pd.testing.assert_frame_equal(read_ratings(tmp_path / "dated.parquet", columns=names), WANT)
    numbers = WANT.assign(user_id=[1, 1, 22])
    numbers.to_parquet(tmp_path / "numbers.parquet")
    assert read_ratings(tmp_path / "numbers.parquet")["user_id"].tolist() == ["1", "1", "22"]


TIMES = {
    "seconds": ["1700000000", "1700003600"],
    "milliseconds": ["1700000000000", "1700003600000"],
    "microseconds": ["1700000000000000", "1700003600000000"],
    "nanoseconds": ["1700000000000000000", "1700003600000000000"],
    "dates": ["2023-11-14 22:13:20", "2023-11-15T00:13:20+01:00"],
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize("slow", [False, True])
def test_times_of_every_kind_are_the_same_seconds_from_every_format(kind, form, slow, tmp_path, monkeypatch):
    if slow:
        monkeypatch.setattr(module, "_fast", lambda *args: None)
    path = tmp_path / f"r.{form}"
    frame = pd.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "rating": [1.0, 2.0], "timestamp": TIMES[kind]})
    if form == "parquet":
        (frame if kind == "dates" else frame.astype({"timestamp": "int64"})).to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if form == "csv" else "\t")
    assert read_ratings(path)["timestamp"].tolist() == [1700000000.0, 1700003600.0]


def test_dates_are_not_read_line_by_line(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_slow", lambda *args: pytest.fail("read line by line"))
    (tmp_path / "r.csv").write_text("user, item,rating,timestamp\na, x,1,2023-11-14 22:13:20\n")
    found = read_ratings(tmp_path / "r.csv")
    assert found.to_dict("list") == {"user_id": ["a"], "item_id": ["x"], "rating": [1.0], "timestamp": [1700000000.0]}


def test_a_unit_can_be_given_and_is_checked(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating,timestamp\na,x,1,86400000\nb,x,1,8640000000\n")
    with pytest.raises(
        DataError, match=r"r.csv:2: the timestamp 86400000, and others are milliseconds like 8640000000"
    ):
        read_ratings(path)
    assert read_ratings(path, time_unit="ms")["timestamp"].tolist() == [86400.0, 8640000.0]
    path.write_text("user,item,rating,timestamp\na,x,1,1700000000000\n")
    with pytest.raises(DataError, match=r"r.csv:2: the timestamp 1700000000000, which in seconds is the year 55840"):
        read_ratings(path, time_unit="s")
    with pytest.raises(ConfigError, match="time_unit is one of auto, s, ms, us, ns, got 'minutes'"):
        read_ratings(path, time_unit="minutes")


def test_a_column_of_times_that_is_empty_is_none(tmp_path):
    (tmp_path / "r.csv").write_text("user,item,rating,timestamp\na,x,1,\nb,x,1,\n")
    assert list(read_ratings(tmp_path / "r.csv")) == ["user_id", "item_id", "rating"]


def test_ids_are_the_same_from_every_format(tmp_path):
    frame = pd.DataFrame({"user": [123456789012, 7], "item": ["green tea", "x"], "rating": [1.0, 2.0]})
    frame.to_csv(tmp_path / "r.csv", index=False)
    frame.astype({"user": "float64"}).to_parquet(tmp_path / "float.parquet")
    frame.to_parquet(tmp_path / "whole.parquet")
    (tmp_path / "spaced.csv").write_text("user, item, rating\n123456789012 , green tea , 1\n 7, x,2\n")
    for name in ("r.csv", "float.parquet", "whole.parquet", "spaced.csv"):
        found = read_ratings(tmp_path / name)
        assert found["user_id"].tolist() == ["123456789012", "7"], name
        assert found["item_id"].tolist() == ["green tea", "x"], name


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ([1.0, 2.5], "row 2 has the user_id 2.5, not an exact whole number; write ids as text"),
        ([1.0, 2.0**53], "row 2 has the user_id 9007199254740992.0, not an exact whole number"),
        ([1.0, None], "row 2 has no user_id; fill it or drop the row"),
        (["a", " "], "row 2 has no user_id; fill it or drop the row"),
        ([True, False], "row 1 has a user_id of the kind bool; write ids as text"),
    ],
)
def test_ids_that_are_none_are_refused_in_parquet(user, message, tmp_path):
    frame = pd.DataFrame({"user": user, "item": ["x", "y"], "rating": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=message):
        read_ratings(tmp_path / "r.parquet")


def test_the_time_may_be_absent(tmp_path):
    for name, text in {"a.dat": "1::2::3\n", "a.tab": "1\t2\t3\n", "a.csv": "user,item,rating\n1,2,3\n"}.items():
        (tmp_path / name).write_text(text)
        assert read_ratings(tmp_path / name).to_dict("list") == {"user_id": ["1"], "item_id": ["2"], "rating": [3.0]}


def test_latin_1_and_a_byte_order_mark(tmp_path):
    (tmp_path / "a.dat").write_bytes("J\xfcrgen::1193::5::978300760\n".encode("latin-1"))
    assert read_ratings(tmp_path / "a.dat", encoding="latin-1")["user_id"].tolist() == ["Jürgen"]
    with pytest.raises(DataError, match=r"a.dat:1: not valid utf-8: byte 0xfc in column 2; give the file's encoding"):
        read_ratings(tmp_path / "a.dat")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + TEXTS["ratings.csv"].encode())
    pd.testing.assert_frame_equal(read_ratings(tmp_path / "b.csv"), WANT)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("u.data", "", r"u.data:1: the file is empty"),
        ("u.data", "1\t2\t3\t4\n1\t2\tgood\t4\n", r"u.data:2: the rating must be a finite number, got 'good'"),
        ("u.data", "1\t2\t3\t4\n1\t2\tnan\t4\n", r"u.data:2: the rating must be a finite number, got 'nan'"),
        ("u.data", "1\t2\t3\t4\n\n1\t2\t3\n", r"u.data:3: 4 fields are needed, as in the first line, got 3"),
        ("u.data", "1\t2\t3\t4\n1\t\t3\t4\n", r"u.data:2: no item_id; fill it or drop the row"),
        ("r.dat", "1::2::3::4\n1::2::3::\n", r"r.dat:2: no timestamp while others have one"),
        ("r.dat", "1::2\n", r"r.dat:1: user, item, rating and perhaps a timestamp are needed, got 2 fields"),
        (
            "r.csv",
            "user,thing,rating\n1,2,3\n",
            r"r.csv:1: a column 'item_id' is needed, got user, thing, rating; name it, as in "
            r"columns=\{\"item\": \"thing\"\}, or rename the column$",
        ),
        ("r.csv", "user,item,rating\n", r"r.csv:1: the file holds no rating"),
        ("r.csv", 'user,item,rating\n1,"2,3\n', r"r.csv:2: not valid CSV"),
        (
            "r.jsonl",
            '{"user_id":"u1","item_id":"i1"}\n',
            r"r.jsonl:1: ratings are not read from JSON Lines; write them as one of",
        ),
        ("r.csv", "user,item,rating\nann,tea,5\n ,tea,3\n", r"r.csv:3: no user_id; fill it or drop the row"),
        ("r.csv", "user,item,rating\nann,\x1b[2J,5\n", r"r.csv:2: the item_id '.x1b.2J', with a control"),
        ("r.csv", "user,item,liking\nann,tea,9\n", r"r.csv:1: a column 'rating' is needed, got user, item, liking"),
        ("r.csv", "user,item,rating,time\na,b,1,today\n", r"r.csv:2: the timestamp 'today'; write seconds since 1970"),
        (
            "r.dat",
            "1::2::3::1700000000\n\n1::4::3::1700000000000\n",
            r"r.dat:1: the timestamp 1700000000, and others are",
        ),
        ("r.txt", "hello world\n", r"r.txt:1: these are no ratings that irkit knows; name one of tab, dat"),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_ratings(tmp_path / name)


def test_a_column_that_occurs_twice_or_is_named_twice_is_refused(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("user,item,rating,Rating\na,b,1,5\n")
    with pytest.raises(DataError, match="1: the column 'rating' occurs twice; rename one of them"):
        read_ratings(path)
    with pytest.raises(DataError, match="1: the column 'item' is to be item_id and another; name one column each"):
        read_ratings(path, columns={"user_id": "item"})


def test_a_damaged_or_wrong_parquet_file_is_refused(tmp_path):
    path = tmp_path / "r.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_ratings(path)
    WANT.assign(rating=[1.0, None, 2.0]).to_parquet(path)
    with pytest.raises(DataError, match="row 2 has no valid rating, got"):
        read_ratings(path)
    WANT.assign(rating=["a", "b", "c"]).to_parquet(path)
    with pytest.raises(DataError, match="the column of rating holds"):
        read_ratings(path)
    WANT.drop(columns="rating").to_parquet(path)
    with pytest.raises(DataError, match="a column 'rating' is needed"):
        read_ratings(path)


def test_options_that_do_not_fit_are_refused(tmp_path):
    (tmp_path / "u.data").write_text(TEXTS["u.data"])
    with pytest.raises(ConfigError, match="there is no format 'cvs'; did you mean csv"):
        read_ratings(tmp_path / "u.data", "cvs")
    with pytest.raises(ConfigError, match="the format tab has no column names"):
        read_ratings(tmp_path / "u.data", columns={"user_id": "u"})
    with pytest.raises(ConfigError, match="there is no column 'userid' to name; did you mean user_id"):
        read_ratings(tmp_path / "u.data", "csv", columns={"userid": "u"})
    with pytest.raises(NotFoundError, match="there is no such file"):
        read_ratings(tmp_path / "v.data")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="the folder holds none of u"):
        read_ratings(tmp_path / "empty")


@given(
    st.lists(
        st.tuples(
            st.text("abc019._-", min_size=1, max_size=4),
            st.text("xyz019._-", min_size=1, max_size=4),
            st.floats(0, 10).map(lambda x: round(x, 2)),
            st.integers(10**8, 2**31),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=20)
def test_what_is_written_is_read_by_both_ways(rows):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.dat"
        path.write_text("".join(f"{u}::{i}::{r}::{t}\n" for u, i, r, t in rows))
        fast = read_ratings(path)
        slow = module._slow(path, "dat", module.Columns(), "utf-8", "auto")
    pd.testing.assert_frame_equal(fast, slow)
    assert fast.to_numpy().tolist() == [[u, i, r, float(t)] for u, i, r, t in rows]


@pytest.mark.slow
def test_a_million_ratings_are_read(tmp_path):
    rng = np.random.default_rng(0)
    user, item = rng.integers(1, 6041, (2, 1_000_000))
    frame = pd.DataFrame({"u": user, "i": item, "r": rng.integers(1, 6, 1_000_000), "t": 978300760})
    text = frame.to_csv(index=False, header=False, sep=":").replace(":", "::")
    (tmp_path / "ratings.dat").write_text(text)
    assert len(read_ratings(tmp_path / "ratings.dat")) == 1_000_000


@pytest.mark.data
def test_the_real_files_have_their_published_counts(data_folder):
    ml = read_ratings(data_folder / "ml-100k")
    assert (len(ml), ml["user_id"].nunique(), ml["item_id"].nunique()) == (100_000, 943, 1682)
    assert (ml["timestamp"].min(), ml["timestamp"].max()) == (874724710, 893286638)
    mt = read_ratings(data_folder / "movietweetings" / "snapshots" / "100K")
    assert (len(mt), mt["user_id"].nunique(), mt["item_id"].nunique()) == (100_000, 16_554, 10_506)
    assert (mt["rating"].min(), int((mt["rating"] == 0).sum()), mt["rating"].max()) == (0, 12, 10)
    assert "0104257" in set(mt["item_id"])  # leading zeros stay


def test_true_and_false_in_parquet_are_no_ratings(tmp_path):
    pd.DataFrame({"user": ["a"], "item": ["x"], "rating": [True]}).to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"r.parquet:1: the column of rating holds true and false; write numbers"):
        read_ratings(tmp_path / "r.parquet")
