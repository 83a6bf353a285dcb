"""Tests of the commands over what irkit ships: collections, recipes, suites."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.plugins import installed

MADE = """
import numpy as np

from irkit.io.kinds import DataSet, Ragged, Rows, Sets


def bars():
    \"\"\"Bars of four.\"\"\"
    return DataSet("bars-here", *(Rows(np.ones((n, 4))) for n in (3, 2, 1)))


def bunches():
    return DataSet("bunches", *(Sets(Ragged.of([np.ones((2, 3)), np.ones((1, 3))])) for _ in range(3)))


def lost():
    raise OSError("there is no such file")
"""


def test_data_list_has_a_row_per_card(irkit):
    blocks = [block.splitlines() for block in irkit("data", "list").out.split("\n\n")]
    assert [block[0].split()[:2] for block in blocks] == [
        [kind, "state"]
        for kind in (
            "texts",
            "ratings",
            "rows",
            "pictures",
            "sequences",
            "bags",
            "tokens",
            "pools",
            "captioned",
            "sets",
        )
    ]
    texts, ratings, rows, pictures, sequences, bags, tokens, pools, captioned, sets = blocks
    assert texts[0].split() == ["texts", "state", "documents", "queries", "splits", "about"]
    found = {row.split()[0]: row for row in texts[1:]}
    assert found["lee"].split()[1:4] == ["here", "350", "50"]
    assert {"cranfield", "medline", "cacm", "npl", "nfcorpus"} <= set(found)
    assert ratings[0].split() == ["ratings", "state", "ratings", "users", "items", "splits", "about"]
    found = {row.split()[0]: row for row in ratings[1:]}
    assert found["ml-100k"].split()[2:5] == ["100,000", "943", "1,682"]
    assert {"ml-1m", "ml-10m", "ml-20m", "ml-latest-small", "movietweetings"} <= set(found)
    assert next(row for row in rows if row.startswith("debd/nltcs ")).split()[2:6] == ["16,181", "2,157", "3,236", "16"]
    digits = next(row for row in pictures if row.startswith("digits"))
    assert digits.split()[1:8] == ["here", "1,297", "250", "250", "8", "x", "8"]
    assert next(row for row in sequences if row.startswith("piano/jsb ")).split()[2:6] == ["229", "76", "77", "88"]
    short = next(row for row in bags if row.startswith("docnade-sets/20NSshort "))
    assert short.replace("by path", "here").split()[2:6] == ["1,245", "100", "438", "1,448"]
    found = {row.split()[0]: row.replace("by path", "here") for row in tokens[1:]}
    assert found["ptb"].split()[2:6] == ["42,068", "3,370", "3,761", "9,999"]
    assert {"20newsgroups", "20newsgroups/stripped", "imdb", "imdb/5000", "reuters21578/r52"} <= set(found)
    assert pools[0].split() == ["pools", "state", "queries", "candidates", "features", "folds", "about"]
    found = {row.split()[0]: row.replace("by path", "here") for row in pools[1:]}
    assert found["letor-mq2008"].split()[2:6] == ["784", "15,211", "46", "5"]
    assert found["wikiqa"].split()[2:6] == ["1,242", "12,153", "-", "-"]
    assert {"trecqa", "trecqa/raw", "insuranceqa", "insuranceqa/test2"} <= set(found)
    assert next(row for row in captioned if row.startswith("captioned-digits ")).split()[1:5] == [
        "made",
        "5,188",
        "250",
        "250",
    ]
    assert next(row for row in sets if row.startswith("families ")).split()[1:6] == [
        "made",
        "10,000",
        "500",
        "2,000",
        "1",
    ]


def test_data_list_of_one_kind(irkit):
    assert [line.split()[0] for line in irkit("data", "list", "--kind", "pictures").lines] == [
        *("pictures", "digits", "frey", "mnist", "olivetti", "omniglot")
    ]
    wrong = irkit("data", "list", "--kind", "picture", status=2).err
    assert "there is no kind 'picture'; did you mean pictures?" in wrong


def test_data_made_by_code_are_listed_and_shown_as_those_of_cards_are(irkit, folder):
    (folder / "site").mkdir()
    (folder / "site" / "made_here.py").write_text(MADE)
    (folder / "site" / "pyproject.toml").write_text(
        '[project]\nname = "made-here"\nversion = "1.0"\n[project.entry-points."irkit.sets"]\n'
        'bars-here = "made_here:bars"\nbunches = "made_here:bunches"\nlost = "made_here:lost"\n'
    )
    with installed(folder / "site"):
        blocks = [block.splitlines() for block in irkit("data", "list").out.split("\n\n")]
        shelves = {block[0].split()[0]: block for block in blocks}
        assert [*shelves] == [
            "texts",
            "ratings",
            "rows",
            "pictures",
            "sequences",
            "bags",
            "tokens",
            "pools",
            "captioned",
            "sets",
            "name",
        ]
        row = next(row for row in shelves["rows"] if row.startswith("bars-here "))
        assert row.split(None, 6)[1:] == ["made", "3", "2", "1", "4", "Bars of four."]
        assert shelves["sets"][0].split() == ["sets", "state", "train", "valid", "test", "values", "about"]
        (row,) = (row for row in shelves["sets"] if row.startswith("bunches "))
        assert row.split() == ["bunches", "made", "2", "2", "2", "3"]
        assert shelves["name"][1].split()[:2] == ["lost", "broken"]
        assert {"sets", "bunches"} <= {line.split()[0] for line in irkit("data", "list", "--kind", "sets").lines}
        assert "bars-here" in irkit("data", "list", "--kind", "rows").out
        assert irkit("data", "show", "bars-here").lines == [
            "name:     bars-here",
            "kind:     rows",
            "about:    Bars of four.",
            "state:    made by made_here:bars",
            "holds:    3 training, 2 validation and 1 test rows of 4 values",
        ]
        assert (
            "holds:    2 training, 2 validation and 2 test sets of 3 values an element"
            in irkit("data", "show", "bunches").out
        )
        assert "bars-here: is made by code and has no files" in irkit("data", "verify", "bars-here", status=2).err
        assert "bars-here: is made by code and has no files" in irkit("data", "get", "bars-here", status=2).err


def test_data_show_counts_what_has_no_card(irkit, folder):
    np.save(folder / "my.npy", np.eye(20)[:, :6])
    assert "holds:    16 training, 2 validation and 2 test rows of 6 values" in irkit("data", "show", "my.npy").lines
    (folder / "toy").mkdir()
    (folder / "toy" / "documents.jsonl").write_text('{"id": "d1", "text": "rain"}\n{"id": "d2", "text": "storm"}\n')
    (folder / "toy" / "queries.tsv").write_text("1\tstorm\n")
    shown = irkit("data", "show", "./toy").lines
    assert "holds:    2 documents, 1 query" in shown
    assert "kind:     texts" in shown
    (folder / "seen.csv").write_text("user,item,rating\na,x,3\na,y,1\n")
    assert "holds:    2 ratings, 1 user, 2 items" in irkit("data", "show", "seen.csv").lines


def test_data_show_of_a_set_and_of_all_of_its_card(irkit):
    one = irkit("data", "show", "debd/nltcs").lines
    assert "holds:    16,181 training, 2,157 validation and 3,236 test rows of 16 values" in one
    assert "files:    nltcs/nltcs.train.data, nltcs/nltcs.valid.data, nltcs/nltcs.test.data" in one
    assert "sets:     mushrooms, dna, nips, nltcs" in irkit("data", "show", "debd").lines
    assert "23,134 steps in all" in irkit("data", "show", "piano/jsb").out


def test_data_show_and_verify_of_pools(irkit, folder):
    shown = irkit("data", "show", "trecqa").lines
    assert "holds:    227 queries, 7,277 candidates (801 relevant)" in shown
    assert "left out: queries whose candidates are all relevant, or none (valid, test)" in shown
    assert "sets:     raw" in shown
    assert not any(line.startswith("left out") for line in irkit("data", "show", "trecqa/raw").lines)
    assert (
        "784 queries, 15,211 candidates (2,932 relevant) of 46 features, 5 folds"
        in irkit("data", "show", "letor-mq2008").out
    )
    (folder / "train.txt").write_text("1 qid:1 1:5 2:3 # a\n0 qid:1 2:1 # b\n")
    (folder / "test.txt").write_text("0 qid:2 3:1 # a\n")
    shown = irkit("data", "show", ".").lines
    assert "kind:     pools" in shown
    assert "holds:    2 queries, 3 candidates (1 relevant) of 3 features" in shown
    assert irkit("data", "verify", ".").lines == ["nothing is on record to check"]
    (folder / "card.yaml").write_text(
        "name: own\nabout: Own.\nkind: pools\nformat: letor\nfolds: [{train: {files: [train.txt], candidates: 3}}]\n"
    )
    assert irkit("data", "verify", ".", status=1).lines == ["problem  train candidates: 2, expected 3"]
    assert "own: holds pools and no texts; use load_pools" in irkit("run", "bm25", "./", status=2).err
    assert "own: its candidates are features and have no texts" in irkit("index", "./", status=2).err
    (folder / "test.txt").write_text("0 qid:2 3:x\n")
    assert "test.txt:1: the feature 3 must be a finite number" in irkit("data", "show", "test.txt", status=2).err


def test_data_show_of_texts_says_how_they_become_terms(irkit, folder):
    shown = irkit("data", "show", "imdb/5000").out
    assert "holds:    22,500 training, 2,500 validation and 25,000 test documents of 5000 terms" in shown
    assert """tokens:   {"pattern": "[a-z']+|[!?.]", "lower": true, "stopwords": "none", "most": 5000,""" in shown
    assert 'parting:  {"valid": 2500, "test": null, "seed": 1}' in shown
    (folder / "own.csv").write_text("text,label\n" + "red rose,r\nblue sky,b\n" * 10)
    shown = irkit("data", "show", "own.csv").lines
    assert "holds:    16 training, 2 validation and 2 test documents of 4 terms, 40 words in all" in shown
    assert "kind:     tokens" in shown


def test_data_show_says_terms_and_where(irkit):
    text = irkit("data", "show", "lee").out
    assert "state:    here, in " in text
    assert "350 documents, 50 queries, 2,450 judgements" in text
    robust = irkit("data", "show", "robust04").out
    assert "terms:" in robust
    ratings = irkit("data", "show", "ml-100k").out
    assert "100,000 ratings, 943 users, 1,682 items" in ratings
    assert "splits:   u1, u2, u3, u4, u5, ua, ub" in ratings
    assert "not to redistribute them" in ratings


def test_data_verify_of_ratings(irkit, folder):
    (folder / "u.data").write_text("1\t7\t5\t10\n")
    (folder / "card.yaml").write_text(
        "name: toy\nabout: A toy.\nkind: ratings\nratings: {file: u.data}\ncounts: {users: 2, items: 1}\n"
    )
    done = irkit("data", "verify", ".", status=1)
    assert done.lines == ["problem  users: 1, expected 2", "ok       items: 1"]


def test_data_verify_counts_and_checksums(irkit):
    lines = irkit("data", "verify", "lee").lines
    assert "ok       documents: 350" in lines
    assert any("SHA-256" in line for line in lines)


def test_data_verify_reports_what_differs(irkit, folder):
    place = folder / "toy"
    place.mkdir()
    (place / "docs.jsonl").write_text('{"id": "d1", "text": "rain"}\n')
    (place / "card.yaml").write_text(
        "name: toy\nabout: A toy.\nkind: texts\ndocuments: {files: [docs.jsonl]}\ncounts: {documents: 2}\n"
    )
    done = irkit("data", "verify", "./toy", status=1)
    assert "problem  documents: 1, expected 2" in done.lines


def test_data_get_of_what_is_here_says_where(irkit):
    assert irkit("data", "get", "lee").out.startswith("lee: ")


def test_data_get_says_how_to_get_what_has_no_address(irkit, folder, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(folder))
    (folder / "data").mkdir()
    (folder / "data" / "closed.yaml").write_text(
        "name: closed\nkind: texts\nabout: By agreement.\ndocuments: {files: [a.txt]}\n"
        "files: [{name: a.txt, how: ask its owners}]\n"
    )
    assert "by path" in next(line for line in irkit("data", "list").lines if line.startswith("closed"))
    done = irkit("data", "get", "closed", status=2)
    assert "ask its owners" in done.err
    assert done.err.count("\n") == 1


def test_pipelines_list_and_show_agree(irkit):
    lines = irkit("pipelines", "list").lines
    gap = lines.index("")
    assert lines[0].split() == ["recipe", "kind", "needs", "about"]
    assert lines[gap + 1].split() == ["space", "recipe", "varies", "about"]
    rows = lines[1:gap]
    for row in rows:
        shown = irkit("pipelines", "show", row.split()[0]).out
        assert shown.startswith("# ")
        assert f"\nname: {row.split()[0]}\n" in shown


@pytest.fixture
def close_recipe(folder):
    """A recipe that needs word vectors, whichever are shipped."""
    from irkit.recipe import list_recipes

    return next(row.name for row in list_recipes() if row.needs == ("index", "vectors"))


def test_a_recipe_that_needs_vectors_says_how_to_give_them(irkit, folder, close_recipe, lee_index):
    assert "--vectors trained:ppmi-svd" in irkit("run", close_recipe, "lee", status=2).err
    (folder / "q.tsv").write_text("1\train\n")
    options = ["--queries", "q.tsv", "--vectors", "trained:ppmi-svd"]
    assert "name a file" in irkit("run", close_recipe, lee_index, *options, status=2).err
    assert "did you mean" in irkit("run", close_recipe, "lee", "--vectors", "trained:word2vek", status=2).err
    assert "no file 'none.txt'" in irkit("run", close_recipe, "lee", "--vectors", "none.txt", status=2).err


@pytest.mark.slow
def test_vectors_are_trained_on_the_collection(irkit, folder, close_recipe):
    done = irkit("run", close_recipe, "lee", "--vectors", "trained:ppmi-svd", "-n", "5", "-o", "close.run")
    assert done.out.startswith("close.run: 50 queries, 250 lines")


def test_leaderboard_without_a_suite_lists_them(irkit):
    rows = {line.split()[0]: line for line in irkit("leaderboard").lines[1:]}
    assert "lee" in rows["quickstart"]


@pytest.fixture
def small(folder):
    """A suite of two systems on the embedded collection."""
    path = folder / "small.yaml"
    path.write_text(
        "name: small\nabout: Two systems.\ncollections: [lee]\nmeasures: AP P@5\nbaseline: bm25\nrepeats: 1\n"
        "systems: [bm25, ql-dirichlet]\n"
    )
    return path


def test_leaderboard_prints_and_writes(irkit, small, folder):
    done = irkit("leaderboard", small, "--report", "report.html", "--json", "small.json")
    assert done.err == ""
    assert done.lines[0].startswith("lee (350 documents, 50 queries")
    assert done.lines[-2:] == ["report.html", "small.json"]
    assert "<table" in (folder / "report.html").read_text()
    result = json.loads((folder / "small.json").read_text())
    assert [row["name"] for row in result["boards"][0]["rows"]] == ["bm25", "ql-dirichlet"]


def test_leaderboard_rows_name_commands_that_give_the_same_number(irkit, small, folder):
    irkit("leaderboard", small, "--json", "small.json")
    row = json.loads((folder / "small.json").read_text())["boards"][0]["rows"][1]
    assert row["command"] == f"irkit leaderboard {small} --only lee --system ql-dirichlet"
    irkit(*row["command"].split()[1:], "--json", "again.json")
    (again,) = json.loads((folder / "again.json").read_text())["boards"][0]["rows"]
    assert again["name"] == "ql-dirichlet"
    assert again["values"] == row["values"]
    assert again["cells"]["AP"]["mean"] == row["cells"]["AP"]["mean"]


def test_leaderboard_saves_among_the_results_and_writes_the_page_anew(irkit, small, folder, monkeypatch):
    monkeypatch.setattr("irkit.locate._PACKAGE", folder / "irkit")  # a checkout of its own
    for kind in ("pipelines", "data", "eval/results", "eval/suites"):
        (folder / kind).mkdir(parents=True)
    (folder / "eval" / "suites" / "made-up.yaml").write_text("name: made-up\n")
    from irkit.cli import leaderboard as module
    from irkit.evaluate import board

    monkeypatch.setattr(board, "shipped", lambda kind: folder / kind)
    result = {
        "schema": 1, "suite": "made-up", "about": "", "date": "2020-01-01", "irkit": "0", "code": "", "seed": 1,
        "machine": {"cpu": "", "cores": 1, "python": "", "platform": ""}, "command": "irkit leaderboard made-up",
        "boards": [],
    }  # fmt: skip
    paths = module.save_result(board.as_result(result, who="test"))
    assert paths == [folder / "eval" / "results" / "made-up.json", folder / "eval" / "LEADERBOARD.md"]
    assert "irkit leaderboard made-up" in paths[1].read_text()
