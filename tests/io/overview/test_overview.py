"""Tests of irkit.io.overview.overview."""

from __future__ import annotations

import gzip
import resource
from pathlib import Path

import numpy as np
import pytest

from irkit.errors import DataError, NotFoundError
from irkit.io.overview.overview import LOOKED_INTO, overview


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A collection with every trap that is looked for."""
    rows = ["d1\tstorm damage in sydney", "d2\train", "d3\train"]
    (tmp_path / "documents.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "queries.tsv").write_text("q1\tstorm\nq2\train\nq3\twind\n")
    (tmp_path / "qrels.txt").write_text("q1 0 d1 1\nq2 0 d2 0\nq2 0 d9 0\nq7 0 d1 2\n")
    return tmp_path


def test_a_collection_says_its_counts_files_and_traps(collection: Path):
    found = overview(collection)
    assert (found.kind, found.counts) == ("texts", {"documents": 3, "queries": 3, "judgements": 4})
    assert [(file.name, file.what, file.format) for file in found.files] == [
        ("documents.tsv", "documents", "tsv"),
        ("qrels.txt", "judgements", "trec"),
        ("queries.tsv", "queries", "tsv"),
    ]
    assert found.facts["length"] == (
        "median 1, mean 2.0, 1 to 4 words a document; median 1, mean 1.0, 1 to 1 words a query"
    )
    assert found.facts["labels"] == "0: 2, 1: 1, 2: 1"
    assert found.first[0] == ["d1", "storm damage in sydney"]
    assert found.notes == [
        "1 document with a text that came before",
        "1 query without judgements, such as q3",
        "1 judged query without a text, such as q7",
        "1 query without a relevant document (no label above 0)",
        "1 judged document not in the collection, such as d9",
    ]


def test_repeated_ids_and_empty_documents_are_noted(tmp_path: Path):
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n{"id": "b", "text": ""}\n')
    assert overview(path).notes == [
        "1 document with an id that came before; an index refuses them",
        "1 document without text, such as b",
    ]


def test_splits_are_counted_each(collection: Path):
    for kind in ("queries.tsv", "qrels.txt"):
        stem, suffix = kind.split(".")
        for split in ("dev", "test"):
            (collection / f"{stem}.{split}.{suffix}").write_text((collection / kind).read_text())
        (collection / kind).unlink()
    found = overview(collection)
    assert found.splits == ["dev: 3 queries, 4 judgements", "test (default): 3 queries, 4 judgements"]
    assert "1 query without judgements, such as q3 (dev)" in found.notes


def test_a_folder_of_two_texts_is_a_collection_and_texts_to_learn_from(tmp_path: Path):
    for name in ("good/a.txt", "bad/b.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("a text\n")
    found = overview(tmp_path)
    assert (found.kind, found.counts) == ("texts", {"documents": 2})
    assert found.facts["classes"] == "bad: 1, good: 1 (names of folders)"
    assert found.uses[-1] == f"irkit train RECIPE --set data={tmp_path}"


def test_judgements_beside_pages_are_judgements_and_no_odd_page(tmp_path: Path):
    (tmp_path / "a.txt").write_text("a text\n")
    (tmp_path / "b.txt").write_text("b text\n")
    (tmp_path / "qrels.txt").write_text("1 0 a.txt 1\n")
    (tmp_path / "queries.tsv").write_text("1\ttext\n")
    assert not [note for note in overview(tmp_path).notes if "looks like" in note]


def test_pages_that_look_like_something_else_are_noted(tmp_path: Path):
    (tmp_path / "vectors.txt").write_text("storm 0.1 0.2\nrain 0.2 0.1\n")
    (tmp_path / "b.txt").write_text("a text\n")
    assert "vectors.txt: taken as a document, and looks like word vectors; name it alone to see" in (
        overview(tmp_path).notes
    )


def test_ratings_say_range_density_and_traps(tmp_path: Path):
    path = tmp_path / "visits.csv"
    path.write_text("a,x,5,881250949\na,x,3,881250950\nb,x,4,881337350\n")
    found = overview(path, columns="user,item,rating,time")
    assert found.counts == {"ratings": 3, "users": 2, "items": 1}
    assert found.facts["range"] == "3 to 5, 3 different values, mean 4.00"
    assert found.facts["density"] == "100.00% of all pairs of a user and an item"
    assert found.facts["time"] == "1997-12-04 to 1997-12-05"
    assert found.columns == ["user_id", "item_id", "rating", "timestamp"]
    assert found.first[0] == ["a", "x", "5", "881250949"]
    assert found.notes == [
        "1 rating of an item that the user rated before",
        "1 user with one rating, who cannot be split into training and test",
    ]


def test_a_run_has_ranks_from_1_and_says_its_ties(tmp_path: Path):
    path = tmp_path / "my.run"
    path.write_text("q1 Q0 d1 1 3.5 a\nq1 Q0 d2 2 3.5 b\n")
    found = overview(path)
    assert found.first == [["q1", "d2", "1", "3.5000"], ["q1", "d1", "2", "3.5000"]]
    assert [note[:6] for note in found.notes] == ["2 tags", "1 line"]


def test_rows_texts_pools_and_vectors(tmp_path: Path):
    np.save(tmp_path / "rows.npy", np.arange(60).reshape(20, 3) % 2)
    found = overview(tmp_path / "rows.npy")
    assert (found.counts, found.facts["values"], found.first[0]) == (
        {"train": 16, "valid": 2, "test": 2},
        "0 and 1",
        ["0", "1", "0"],
    )
    assert "18 training rows that came before" in found.notes

    (tmp_path / "lines.txt").write_text("a text\nanother text\n")
    found = overview(tmp_path / "lines.txt")
    assert (found.kind, found.counts) == ("tokens", {"texts": 2})

    (tmp_path / "letor.txt").write_text("1 qid:1 1:0.5 2:1 # docid = a\n0 qid:2 1:0.1 2:3 # docid = b\n")
    found = overview(tmp_path / "letor.txt")
    assert found.counts["candidates"] == 2
    assert found.shape == (2,)
    assert "1 query without a relevant candidate" in found.notes

    (tmp_path / "glove.txt").write_text("storm 0.1 0.2\nrain 0.2 0.1\n")
    found = overview(tmp_path / "glove.txt")
    assert (found.counts, found.facts["width"]) == ({"words": 2}, "2 numbers a word")
    (tmp_path / "cut.txt").write_text("3 2\nstorm 0.1 0.2\nrain 0.2 0.1\n")
    with pytest.raises(DataError, match=r"cut.txt: the first line says 3 words, and there are 2"):
        overview(tmp_path / "cut.txt")


def test_a_folder_that_is_no_whole_lists_its_files(tmp_path: Path):
    (tmp_path / "my.run").write_text("q1 Q0 d1 1 3.5 a\n")
    (tmp_path / "odd.bin").write_bytes(b"\0\1")
    found = overview(tmp_path)
    assert found.kind == "files"
    assert [file.what for file in found.files] == ["run", ""]
    assert found.notes[0].startswith("not read as a whole: no documents")


def test_errors_name_file_and_near_misses(tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    with pytest.raises(NotFoundError, match=r"corpsu: there is no such file or folder; did you mean corpus\?"):
        overview(tmp_path / "corpsu")
    with pytest.raises(NotFoundError, match=r"there is no folder .*nope either"):
        overview(tmp_path / "nope" / "x")
    with pytest.raises(NotFoundError, match=r"no documents"):
        overview(tmp_path / "corpus")
    (tmp_path / "letter.docx").write_bytes(b"some words")
    with pytest.raises(DataError, match=r"letter.docx: is of no form that irkit recognises; .*--columns"):
        overview(tmp_path / "letter.docx")
    (tmp_path / "docs.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": \n')
    with pytest.raises(DataError, match=r"docs.jsonl:2: not valid JSON"):
        overview(tmp_path / "docs.jsonl")


def test_documents_stream(tmp_path: Path):
    """A file of 60 MB is read in less than a third of its size."""
    path = tmp_path / "docs.jsonl"
    with path.open("w") as file:
        for number in range(6_000):
            file.write(f'{{"id": "d{number}", "text": "{"word " * 2_000}"}}\n')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = overview(path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert found.counts == {"documents": 6_000}
    assert grown < path.stat().st_size / 3


def test_queries_and_judgements_are_known_behind_many_documents(tmp_path: Path):
    for number in range(LOOKED_INTO + 1):
        (tmp_path / f"a{number}.txt").write_text("rain fell")
    (tmp_path / "queries.tsv").write_text("1\train\n")
    (tmp_path / "qrels.txt").write_text("1 0 a1.txt 1\n")
    assert [(file.name, file.what) for file in overview(tmp_path).files] == [
        (f"{LOOKED_INTO + 1} files *.txt", "documents"),
        ("qrels.txt", "judgements"),
        ("queries.tsv", "queries"),
    ]


def test_ratings_that_are_in_training_and_test_are_noted(tmp_path: Path):
    (tmp_path / "train.tsv").write_text("u\tx\t4\t900000000\nu\ty\t3\t900000001\n")
    (tmp_path / "test.tsv").write_text("u\tx\t4\t900000002\nv\ty\t3\t900000001\n")
    assert "1 test rating of an item that the user rated in training (test)" in overview(tmp_path).notes


def test_files_of_a_folder_that_cannot_be_read_are_noted(tmp_path: Path):
    (tmp_path / "train.tsv").write_text("u\tx\t4\t900000000\nu\ty\t3\t900000001\n")
    (tmp_path / "test.tsv").write_text("v\ty\t3\t900000001\n")
    (tmp_path / "cut.tsv.gz").write_bytes(gzip.compress(b"1\t2\n" * 10_000)[:60])
    assert any("cut.tsv.gz" in note and "damaged" in note for note in overview(tmp_path).notes)


def test_a_table_that_names_users_is_of_ratings_and_its_reader_names_the_other_column(tmp_path: Path):
    path = tmp_path / "films.csv"
    path.write_text("user,film title,stars\n1,10,4\n1,11,3\n")
    with pytest.raises(DataError, match=r"films.csv:1: a column 'item_id' is needed, got user, film title, stars"):
        overview(path)


def test_a_missing_column_of_judgements_is_missed_in_the_line_of_names(tmp_path: Path):
    path = tmp_path / "qrels.csv"
    path.write_text("qid,docno,kind\nq1,d1,1\n")
    with pytest.raises(DataError, match=r"qrels.csv:1: a column 'label' is needed"):
        overview(path)


def test_a_last_column_that_is_not_read_is_noted(tmp_path: Path):
    path = tmp_path / "films.csv"
    path.write_text("userId,movieId,rating,ts\na,x,5,1700000000\na,y,3,1700000001\nb,x,4,1700000002\n")
    assert "not read: ts; --columns time=ts if it holds times" in overview(path).notes
    assert not [note for note in overview(path, columns="time=ts").notes if "not read" in note]


def test_a_table_in_another_encoding_is_read_by_it_alone(tmp_path: Path):
    path = tmp_path / "films.csv"
    path.write_bytes("user,item,rating,größe\nJosé,x,5,1\nb,x,4,1\n".encode("latin-1"))
    assert "not read: größe; --columns time=größe if it holds times" in overview(path, encoding="latin-1").notes
