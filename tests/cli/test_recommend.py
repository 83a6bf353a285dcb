"""Tests of `irkit recommend`."""

from __future__ import annotations

import gzip
import json

import pytest

from irkit.recommend import EASE, Bias, load_ratings

CSV = "user,item,rating\n" + "".join(
    f"u{user},i{item},{1 + (user + item) % 5}\n" for user in range(6) for item in range(5) if user != item
)


@pytest.fixture
def ratings(folder):
    (folder / "my ratings.csv").write_text(CSV)
    return "my ratings.csv"


def test_lists_are_those_of_the_model(irkit):
    lines = irkit("recommend", "planted-factors", "u1", "u7", "-n", "3").lines
    assert lines[0].split() == ["user_id", "rank", "item_id", "score"]
    expected = EASE().fit(load_ratings("planted-factors")).recommend(["u1", "u7"], 3)
    assert [line.split()[:3] for line in lines[1:]] == [
        [row.qid, str(row.rank + 1), row.docno] for row in expected.itertuples()
    ]
    assert [float(line.split()[3]) for line in lines[1:]] == pytest.approx(expected["score"].tolist(), abs=1e-4)


def test_a_file_of_ratings_and_settings(irkit, ratings):
    rows = [
        json.loads(line)
        for line in irkit("recommend", ratings, "u0", "--recipe", "popularity", "--set", "seen=keep", "--json").lines
    ]
    assert {row["item_id"] for row in rows} == {f"i{item}" for item in range(5)}
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert list(rows[0]) == ["user_id", "rank", "item_id", "score", "known"]


def test_a_pipeline_of_several_stages(irkit, ratings):
    lines = irkit("recommend", ratings, "u0", "--recipe", "recommend/ease-popularity").lines
    assert [line.split()[2] for line in lines[1:]] == ["i0"], "the one item u0 has not rated"


def test_who_has_no_ratings_is_told_apart(irkit, ratings):
    lines = irkit("recommend", ratings, "u0", "nobody", "--recipe", "als", "-n", "1").lines
    assert lines[2].split()[:3] == ["nobody", "1", "i4"], "rated by five, like the others; ties by id"
    assert lines[-1] == "without ratings, so these are the most rated items: nobody"
    rows = [json.loads(line) for line in irkit("recommend", ratings, "u0", "nobody", "-n", "1", "--json").lines]
    assert [(row["user_id"], row["known"]) for row in rows] == [("u0", True), ("nobody", False)]


def test_who_likes_nothing_is_told_apart(irkit, folder):
    rows = ["ann,tea,5", "ann,pie,4", "bob,tea,4", "cid,soup,2", "cid,cake,1", "dee,cake,2", "eve,cake,3"]
    (folder / "r.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    for model in ("ease", "popularity", "als"):
        arguments = ["r.csv", "cid", "new", "--recipe", model, "--set", "threshold=4", "-n", "2"]
        lines = irkit("recommend", *arguments).lines
        # Cake has the most ratings, and nobody likes it.
        got = [line.split() for line in lines[1:5]]
        assert got == [
            ["cid", "1", "tea", "2.0000"],
            ["cid", "2", "pie", "1.0000"],
            ["new", "1", "tea", "2.0000"],
            ["new", "2", "pie", "1.0000"],
        ]
        notes = ["without ratings, so these are the items most often rated 4 or more: new"]
        if model != "popularity":  # which gives everybody the same
            notes.append("without a rating of 4 or more, so these are the items most often rated 4 or more: cid")
        assert [line for line in lines[5:] if line] == notes


def test_who_has_rated_everything_is_told_so(irkit, folder):
    (folder / "one.csv").write_text("user,item,rating\nann,tea,3\nann,soup,5\n")
    lines = irkit("recommend", "one.csv", "ann").lines
    note = "rated every item, so that nothing is left to recommend (the setting seen=keep lists them): ann"
    assert lines[-1] == note
    as_json = irkit("recommend", "one.csv", "ann", "--json")
    assert (as_json.lines, as_json.err) == ([], f"irkit: {note}\n")
    assert len(irkit("recommend", "one.csv", "ann", "--set", "seen=keep").lines) == 3


def test_ratings_of_given_items(irkit, ratings):
    lines = irkit("recommend", ratings, "u0", "--rate", "i0", "--rate", "nothing", "--recipe", "bias").lines
    assert lines[0].split() == ["user_id", "item_id", "rating", "known"]
    assert lines[1].split()[:2] == ["u0", "i0"]
    assert lines[1].endswith("user and item")
    assert lines[2].split() == ["u0", "nothing", lines[2].split()[2], "user"]
    predicted = Bias().fit(load_ratings(ratings)).recommend(["u0"], 1)["score"].tolist()
    assert float(lines[1].split()[2]) == pytest.approx(predicted[0], abs=1e-4)
    stranger = irkit("recommend", ratings, "nobody", "--rate", "i0", "--recipe", "bias").lines
    assert stranger[-1] == "without ratings, so these are what is known of the items alone: nobody"


def test_a_saved_model_needs_no_ratings(irkit, ratings, folder):
    first = irkit("recommend", ratings, "u0", "u3", "--recipe", "als", "--save", "als.safetensors")
    assert first.lines[0] == "als.safetensors"
    (folder / ratings).unlink()
    again = irkit("recommend", "--load", "als.safetensors", "u0", "u3")
    assert again.lines == first.lines[1:]
    done = irkit("recommend", "--load", "als.safetensors", "u0", "--rate", "i1", status=2)
    assert "als: ranks items and does not predict ratings" in done.err


def test_a_model_is_saved_without_asking_for_anybody(irkit, ratings, folder):
    assert irkit("recommend", ratings, "--recipe", "bias", "--save", "b.safetensors").lines == ["b.safetensors"]
    assert (folder / "b.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["R"], "no user is named"),
        (["R", "u0", "u0"], "'u0' is named twice"),
        ([], "no ratings are named; give a collection or a file, or --load a saved model"),
        (["R", "u0", "--all"], "--all says for whom, and users are named too; leave out u0"),
        (["R", "--all", "--pairs", "R"], "--pairs names users and items; leave out --all"),
        (["R", "--all", "-o", "lists.txt"], "-o must end in .tsv or .csv, got lists.txt; rename it"),
        (["R", "--all", "--why", "i0"], "--why explains an item to one user; name one"),
        (["R", "u0", "--why", "i0", "--json"], "--why explains an item to one user; name one, and leave out --rate"),
        (["R", "u0", "--why", "i00"], "nobody has rated an item 'i00'; did you mean i0"),
        (["R", "--all", "-o", "l.tsv", "--json"], "--json prints and -o writes; leave out one of them"),
        (["R", "--all", "-o", "R"], "-o is a file that is read"),
        (["R", "--recipe", "ease", "--pairs", "R"], "recipe ease: ranks items and predicts no ratings"),
        (["u0", "--load", "x", "--duplicates", "last"], "--duplicates are for a file of ratings; leave them out"),
        (["R", "u0", "-n", "0"], "-n must be 1 or more, got 0"),
        (["R", "u0", "--recipe", "bm25"], "recipe bm25: needs index; a recommender needs train, as ease does"),
        (["R", "u0", "--recipe", "eas"], "there is no 'eas'; did you mean"),
        (["R", "u0", "--recipe", "rrn"], "rrn: uses time, but train has none"),
        (["R", "u0", "--recipe", "ease", "--rate", "i0"], "recipe ease: ranks items and predicts no ratings"),
        (["R", "--recipe", "ease-popularity", "--save", "x"], "has several stages and no file for them"),
        (["u0", "--load", "x", "--recipe", "ease"], "--load brings a fitted model; leave out --recipe"),
        (["u0", "--load", "x"], "x: there is no such checkpoint"),
        (["u0", "--load", "R"], "not a readable"),
        (["lee", "u0"], "lee: holds texts and no ratings"),
        (["none.csv", "u0"], "there is no file or collection 'none.csv'"),
        (["R", "u0", "--save", "my ratings.csv/x", "--recipe", "bias"], "my ratings.csv/x"),
    ],
)
def test_mistakes_are_answered_in_one_line_and_leave_nothing(irkit, ratings, folder, arguments, says):
    done = irkit("recommend", *[ratings if one == "R" else one for one in arguments], status=2)
    assert says in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == [ratings]


def test_other_commands_point_here(irkit):
    assert "use irkit recommend" in irkit("run", "ease", "lee", status=2).err
    assert "irkit recommend ml-100k" in irkit("run", "bm25", "ml-100k", status=2).err


def test_columns_and_duplicates_of_a_file_without_names(irkit, folder):
    (folder / "visits.csv").write_text("ann;tea;1\nann;tea;2\nbob;tea;3\nbob;cake;4\n")
    options = ("recommend", "visits.csv", "ann", "--recipe", "popularity", "--columns", "user,item,_")
    assert irkit(*options, status=2).err.startswith(
        "irkit: visits.csv:2: user 'ann' rated item 'tea' in line 1 already; drop one"
    )
    assert irkit(*options, "--duplicates", "last").lines[1].split()[:3] == ["ann", "1", "cake"]
    refused = irkit("recommend", "planted-factors", "u1", "--columns", "user,item", status=2)
    assert "columns, format and encoding are for a file of ratings, got planted-factors" in refused.err


def test_lists_of_all_users_are_written(irkit, ratings, folder):
    done = irkit("recommend", ratings, "--all", "-n", "1", "--recipe", "popularity", "-o", "lists.tsv.gz")
    assert done.lines == ["lists.tsv.gz: 5 items for 5 users; nothing for 1 user"]
    rows = gzip.decompress((folder / "lists.tsv.gz").read_bytes()).decode().splitlines()
    assert rows[:2] == ["user_id\titem_id\trank\tscore", "u0\ti0\t1\t5"]
    on_screen = irkit("recommend", ratings, "--all", "-n", "1", "--recipe", "popularity").lines
    assert [line.split()[:3] for line in on_screen[1:6]] == [[u, r, i] for u, i, r, _ in map(str.split, rows[1:])]
    irkit("recommend", ratings, "--recipe", "popularity", "--save", "p.safetensors")
    irkit("recommend", "--load", "p.safetensors", "--all", "-n", "1", "-o", "again.tsv")
    assert (folder / "again.tsv").read_text().splitlines() == rows


def test_pairs_of_a_file_are_predicted(irkit, ratings, folder):
    (folder / "test.csv").write_text("user,item,rating\nu0,i0,5\nnobody,i1,3\n")
    done = irkit("recommend", ratings, "--recipe", "bias", "--pairs", "test.csv", "-o", "p.csv")
    assert done.lines == ["p.csv: 2 predictions"]
    rows = [line.split(",") for line in (folder / "p.csv").read_text().splitlines()]
    assert rows[0] == ["user_id", "item_id", "prediction", "branch"]
    assert [row[:2] + row[3:] for row in rows[1:]] == [["u0", "i0", "user and item"], ["nobody", "i1", "item"]]
    one = irkit("recommend", ratings, "u0", "--recipe", "bias", "--rate", "i0").lines[1].split()[2]
    assert float(rows[1][2]) == pytest.approx(float(one), abs=1e-4)
    irkit("recommend", ratings, "--recipe", "bias", "--all", "--rate", "i0", "-o", "all.tsv")
    assert len((folder / "all.tsv").read_text().splitlines()) == 1 + 6


def test_counts_weigh_for_als_and_others_say_what_they_take_them_for(irkit, folder):
    rows = ["u1,a,9", "u1,b,1", "u2,a,8", "u2,c,7", "u3,b,1", "u3,d,9", "u1,a,2"]
    (folder / "plays.csv").write_text("user,item,plays\n" + "\n".join(rows) + "\n")
    counted = irkit("recommend", "plays.csv", "u1", "--recipe", "als", "--set", "reg=0.1")
    likes = irkit("recommend", "plays.csv", "u1", "--recipe", "als", "--set", "reg=0.1", "--columns", "rating=-",
                  "--duplicates", "last")  # fmt: skip
    assert (counted.err, counted.lines != likes.lines) == ("", True)
    ease = irkit("recommend", "plays.csv", "u1", "--recipe", "ease")
    assert ease.err == "irkit: ease: counts are taken for likes, whatever their size; als weighs them\n"
    bias = irkit("recommend", "plays.csv", "u1", "--recipe", "bias")
    assert bias.err == "irkit: bias: counts are taken for ratings; als weighs them\n"


def test_why_says_what_a_score_is_the_sum_of(irkit, ratings):
    lines = irkit("recommend", ratings, "u0", "--recipe", "bias", "--why", "i0").lines
    assert lines[0] == "item i0 for user 'u0'"
    score = float(lines[1].split()[-1])
    assert {line.split(" x ")[1] for line in lines[2:]} == {"mean rating", "the user's level", "the item's"}
    assert sum(float(line.split()[0]) for line in lines[2:]) == pytest.approx(score, abs=2e-4)


def test_why_says_that_a_rated_item_is_left_out_and_only_then(irkit, folder):
    rows = "".join(f"u{u},i{i},{1 + u * i % 5}\n" for u in range(5) for i in range(6) if (u + i) % 3)
    (folder / "r.csv").write_text("user,item,rating\n" + rows)
    said = "u1 has rated i1, and what is rated is not recommended"
    assert said in irkit("recommend", "r.csv", "u1", "--why", "i1").out
    assert said not in irkit("recommend", "r.csv", "u1", "--why", "i1", "--set", "seen=keep").out
    assert "has rated" not in irkit("recommend", "r.csv", "u1", "--why", "i2").out
