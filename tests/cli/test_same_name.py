"""One name, several things: every command takes the same one and mentions the other."""

from __future__ import annotations

import json
import logging

import pytest

from irkit.errors import NotFoundError
from irkit.io.library.catalogue import load_any, load_collection, load_rating_collection
from irkit.recipe.vectors import open_vectors
from irkit.recommend import load_ratings

CARD = "name: toy\nkind: texts\nabout: A toy.\ndocuments: {files: [d.jsonl]}\n"
CARD += "queries: {file: q.tsv}\nqrels: {file: r.txt}\n"
RATINGS = "name: stars\nabout: Stars.\nkind: ratings\nratings: {file: u.data, format: tab}\n"


def fill(place, text: str) -> None:
    place.mkdir(parents=True)
    (place / "d.jsonl").write_text(json.dumps({"id": "d1", "text": text}) + "\n")
    (place / "documents.jsonl").write_text(json.dumps({"id": "d1", "text": text}) + "\n")
    (place / "q.tsv").write_text("1\tword\n")
    (place / "r.txt").write_text("1 0 d1 1\n")


@pytest.fixture
def three(folder, monkeypatch):
    """`toy` and `stars` as cards whose data lie in IRKIT_DATA, in the cache, and other data here."""
    home, data = folder.parent / "home", folder.parent / "data"
    monkeypatch.setenv("IRKIT_HOME", str(home))
    monkeypatch.setenv("IRKIT_DATA", str(data))
    (home / "data").mkdir(parents=True)
    (home / "data" / "toy.yaml").write_text(CARD)
    (home / "data" / "stars.yaml").write_text(RATINGS)
    for place, text in ((data, "word data"), (home / "collections", "word cache"), (folder, "word here")):
        fill(place / "toy", text)
        (place / "stars").mkdir()
        (place / "stars" / "u.data").write_text(f"{text.split()[1]}\ti1\t3\t0\n")
    return folder


def only(collection) -> str:
    return next(iter(collection.documents())).text


def people(name: str) -> list[str]:
    return load_ratings(name).frame()["user_id"].tolist()


def test_python_finds_the_card_and_its_data_in_irkit_data_then_in_the_cache(three, monkeypatch):
    for load in (load_collection, load_any):
        assert only(load("toy")) == "word data"
        assert only(load("./toy")) == "word here"
        assert only(load(three / "toy")) == "word here"
    for load in (load_rating_collection, load_any):
        assert load("stars").ratings()["user_id"].tolist() == ["data"]
        assert load("./stars").ratings()["user_id"].tolist() == ["here"]
    assert people("stars") == ["data"]
    monkeypatch.delenv("IRKIT_DATA")
    assert only(load_collection("toy")) == "word cache"
    assert people("stars") == ["cache"]


def test_only_cards_make_names_of_what_irkit_data_holds(three):
    fill(three.parent / "data" / "bare", "word bare")
    with pytest.raises(
        NotFoundError, match=r"there is no 'bare'; for what IRKIT_DATA holds without a card write .*bare"
    ):
        load_collection("bare")
    fill(three / "bare", "word mine")
    assert only(load_collection("bare")) == "word mine"


def test_every_command_takes_the_card_and_mentions_what_lies_here(irkit, three, caplog):
    irkit("index", "./toy/d.jsonl", "--to", "lee")  # an index here, called as a card is
    (three / "toy" / "qrels").write_text("1 0 d1 0\n")
    assert irkit("search", "toy", "word").lines[0].endswith("word data")
    irkit("index", "toy", "--to", "of-card")
    assert irkit("search", "of-card", "word").lines[0].endswith("word data")
    irkit("run", "bm25", "toy", "-o", "toy.run")
    assert irkit("evaluate", "toy", "toy.run", "-m", "RR").lines[1].split()[-1] == "1.0000"
    assert "word" in irkit("explain", "bm25", "toy", "1", "d1").out
    assert str(three.parent / "data" / "toy") in irkit("data", "show", "toy").out
    assert "data" in irkit("recommend", "stars", "--rate", "i1", "data").out
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert messages == [
        f"{name}: is taken as a name; what lies here as ./{name} is not meant, write ./{name} for it"
        for name in ("toy", "stars")
    ]


def test_doctor_reads_the_index_that_is_kept_of_a_name_and_the_folder_of_a_path(irkit, three):
    assert "no index of toy is kept yet" in irkit("doctor", "toy", status=2).err
    irkit("index", "./toy/d.jsonl", "--to", "toy/inner")
    irkit("search", "toy", "word")
    damaged = next((three.parent / "home" / "indexes").glob("toy-*")) / "_0.fdt"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "_0.fdt" in irkit("doctor", "toy", status=1).out
    assert "problem" not in irkit("doctor", "./toy/inner").out


def test_the_hash_of_the_data_stands_in_what_is_printed(irkit, three):
    by_name = load_collection("toy").fingerprint[:8]
    here = load_collection("./toy").fingerprint[:8]
    assert by_name != here
    assert irkit("run", "bm25", "toy", "-o", "a.run").out.endswith(f" ms per query, data {by_name}\n")
    assert irkit("run", "bm25", "./toy", "-o", "b.run", "--queries", "toy/q.tsv").out.endswith(f"data {here}\n")
    assert irkit("evaluate", "toy", "a.run").lines[-1] == f"toy: data {by_name}"
    assert irkit("compare", "toy", "a.run", "b.run").lines[-1] == f"toy: data {by_name}"
    assert json.loads(irkit("evaluate", "toy", "a.run", "--json").out)["data_hash"][:8] == by_name
    assert irkit("evaluate", "./toy/r.txt", "a.run").lines[-1].startswith("a.run")
    irkit("index", "toy", "--to", "my-index")
    assert irkit("run", "bm25", "my-index", "--queries", "toy/q.tsv").out.rsplit("data ", 1)[1].strip().isalnum()


def test_the_readmes_bare_index_folder_is_a_path_where_nothing_is_called_so(irkit, three, caplog):
    irkit("index", "./toy/d.jsonl", "--to", "my-index")
    assert irkit("search", "my-index", "word").lines[0].endswith("word here")
    (three / "q.tsv").write_text("1\tword\n")
    irkit("run", "bm25", "my-index", "--queries", "q.tsv", "-o", "my.run")
    (three / "judged").write_text("1 0 d1 1\n")
    assert irkit("evaluate", "judged", "my.run", "-m", "RR").lines[1].split()[-1] == "1.0000"
    assert not [record for record in caplog.records if record.name == "irkit"]


def test_vectors_by_a_bare_name_are_those_of_irkit_data_and_by_a_path_those_here(three):
    text = "2 1\nword {0}\nother {0}\n"
    (three.parent / "data" / "glove").write_text(text.format(1))
    (three.parent / "data" / "glove.txt").write_text(text.format(1))
    (three / "glove").write_text(text.format(2))
    (three / "glove.txt").write_text(text.format(2))

    def first(name: str) -> float:
        return float(open_vectors(name).matrix[0, 0])

    assert (first("glove"), first("./glove"), first("glove.txt")) == (1, 2, 2)
    (three / "glove.txt").unlink()
    assert first("glove.txt") == 1


@pytest.mark.parametrize("command", [["index", "no.jsonl"], ["evaluate", "no.jsonl", "q.tsv"]])
def test_a_file_that_is_not_there_is_called_one(irkit, three, command):
    (three / "q.tsv").write_text("1 Q0 d1 1 1.0 t\n")
    told = irkit(*command, status=2).err
    assert told.startswith("irkit: collections: there is no file, folder or collection 'no.jsonl'; ")


def test_a_planted_law_is_meant_by_its_name(three):
    (three / "planted-factors").write_text("u\ti\t3\t0\n")
    assert len(load_ratings("planted-factors").users) == 200
    assert people("./planted-factors") == ["u"]


@pytest.mark.parametrize("command", [["data", "verify"], ["run", "bm25"], ["recommend"]])
@pytest.mark.parametrize("name", ["a\udcffb", "x" * 5000, "a\nb", "http://[::1"])
def test_a_path_that_is_none_is_one_line(irkit, three, command, name):
    done = irkit(*command, name, *(["u"] if command == ["recommend"] else []), status=2)
    assert done.err.count("\n") == 1
    assert done.err.startswith("irkit: ")


def test_a_path_with_bytes_that_are_no_text_is_not_found_either(three):
    for load in (load_collection, load_rating_collection, load_any):
        with pytest.raises(NotFoundError, match="there is no such"):
            load("./a\udcffb")


def test_listing_cards_mentions_nothing(irkit, three, caplog):
    irkit("data", "list")
    assert not caplog.records


def test_a_folder_and_files_whose_names_are_not_unicode_are_read(irkit, three):
    place = three / "n\udcffme"
    fill(place, "word")
    (place / "documents.jsonl").unlink()
    (place / "documents").mkdir()
    (place / "documents" / "d\udcff.jsonl").write_text(json.dumps({"id": "d1", "text": "word"}) + "\n")
    (place / "d.jsonl").unlink()
    irkit("index", "./n\udcffme/documents", "--to", "there")
    irkit("index", "./n\udcffme", "--to", "whole")
    assert irkit("search", "whole", "word").lines[0].split("\t")[2] == "d1"
    collection = load_collection("./n\udcffme")
    assert len(collection.fingerprint) == 32
