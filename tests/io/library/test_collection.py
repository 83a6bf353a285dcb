"""Collections: look-up, folders without a card, splits, fingerprints, verification."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import collections, load_collection

CARD = """
name: toy
about: A toy.
files:
  - {name: toy.tar.gz, url: "https://example.org/toy.tar.gz", members: [docs.jsonl, q.tsv, q.qrels]}
kind: texts
documents: {files: [docs.jsonl]}
queries: {file: q.tsv}
qrels: {file: q.qrels, labels: {1: 2, 0: 0}}
exclude_self: true
counts: {documents: 2, queries: 2, judgements: 2}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    (tmp_path / "home" / "data").mkdir(parents=True)
    return tmp_path / "home"


def toy(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "docs.jsonl").write_text('{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n')
    (folder / "q.tsv").write_text("1\tone\n2\ttwo\n")
    (folder / "q.qrels").write_text("1 0 a 1\n2 0 b 0\n")
    return folder


def test_a_card_is_looked_up_in_the_data_folder_and_then_in_the_cache(tmp_path, home, monkeypatch):
    (home / "data" / "toy.yaml").write_text(CARD)
    todo = r"run 'irkit data get toy', or set IRKIT_DATA to a folder that holds toy/docs\.jsonl"
    with pytest.raises(NotFoundError, match=f"toy: the collection is not on this machine; {todo}"):
        load_collection("toy")
    assert collections()["toy"].state == "downloadable"
    toy(home / "collections" / "toy")
    assert load_collection("toy").folder == home / "collections" / "toy"
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path / "data"))
    toy(tmp_path / "data" / "toy")
    collection = load_collection("toy")
    assert collection.folder == tmp_path / "data" / "toy"
    assert collections()["toy"].state == "here"
    assert (collection.name, collection.about, collection.splits, collection.exclude_self) == (
        "toy",
        "A toy.",
        (),
        True,
    )
    assert [d.docno for d in collection.documents()] == ["a", "b"]
    assert collection.queries()["qid"].tolist() == ["1", "2"]
    assert collection.qrels()["label"].tolist() == [2, 0]
    (tmp_path / "data" / "toy" / "q.qrels").unlink()
    assert load_collection("toy").folder == home / "collections" / "toy", "half a collection is passed over"


def test_verification_compares_counts_and_digests(tmp_path, home):
    (home / "data" / "toy.yaml").write_text(CARD)
    folder = toy(home / "collections" / "toy")
    assert [(c.what, c.ok) for c in load_collection("toy").verify()] == [
        ("documents", True),
        ("queries", True),
        ("judgements", True),
    ]
    (folder / "docs.jsonl").write_text('{"id": "a", "text": "one"}\n')
    wrong = [check for check in load_collection("toy").verify() if not check.ok]
    assert [(c.what, c.expected, c.found) for c in wrong] == [("documents", "2", "1")]
    (home / "data" / "toy.yaml").write_text(
        CARD.replace("members: [docs.jsonl,", f"members: {{docs.jsonl: {'f' * 64}}}}}\n#")
    )
    wrong = [check for check in load_collection("toy").verify() if not check.ok]
    assert [c.what for c in wrong] == ["docs.jsonl SHA-256", "documents"]


def test_a_fingerprint_changes_with_content_and_reading_but_not_with_place_or_name(tmp_path, home):
    (home / "data" / "toy.yaml").write_text(CARD)
    folder = toy(home / "collections" / "toy")
    first = load_collection("toy").fingerprint
    assert first == load_collection("toy").fingerprint
    (home / "data" / "toy.yaml").write_text(CARD.replace("A toy.", "Another line."))
    assert load_collection("toy").fingerprint == first
    (home / "data" / "toy.yaml").write_text(CARD.replace("{1: 2, 0: 0}", "{1: 1, 0: 0}"))
    second = load_collection("toy").fingerprint
    assert second != first
    os.utime(folder / "q.tsv", (1000, 1000))
    assert load_collection("toy").fingerprint == second
    (folder / "q.tsv").write_text("1\tone\n2\ttoo\n")
    assert load_collection("toy").fingerprint not in {first, second}


def test_errors_of_the_look_up(tmp_path):
    with pytest.raises(NotFoundError, match="there is no 'cranfeld'; did you mean cranfield"):
        load_collection("cranfeld")
    with pytest.raises(NotFoundError, match="there is no such folder"):
        load_collection(tmp_path / "nothing")
    with pytest.raises(NotFoundError, match="there is no such folder"):
        load_collection(f"{tmp_path}/nothing")
    with pytest.raises(NotFoundError, match=r"robust04: .* sign NIST's agreement .*, then set IRKIT_DATA"):
        load_collection("robust04")
    assert collections()["robust04"].state == "by path"


def test_splits(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "docs.tsv").write_text("a\tone\nb\ttwo\n")
    for split in ("dev", "test"):
        (folder / f"queries.{split}.tsv").write_text(f"1\t{split}\n")
        (folder / f"qrels.{split}.txt").write_text("1 0 a 1\n")
    collection = load_collection(folder)
    assert (collection.name, collection.splits) == ("my-data", ("dev", "test"))
    assert collection.queries()["query"].tolist() == ["test"]
    assert collection.queries("dev")["query"].tolist() == ["dev"]
    with pytest.raises(NotFoundError, match="my-data: there is no split 'train'; choose from dev, test"):
        collection.qrels("train")
    (folder / "qrels.dev.txt").unlink()
    with pytest.raises(ConfigError, match="split 'dev' has not both queries and qrels"):
        load_collection(folder)


def test_a_folder_with_the_usual_names(tmp_path):
    folder = tmp_path / "trec"
    (folder / "documents").mkdir(parents=True)
    (folder / "documents" / "one").write_text("<DOC><DOCNO>a</DOCNO>x</DOC>\n")
    (folder / "topics.mine.txt").write_text("<top><num>1<title>one</top>\n")
    (folder / "qrels").write_text("1 0 a 1\n")
    collection = load_collection(str(folder))
    assert [d.docno for d in collection.documents()] == ["a"]
    assert collection.queries()["query"].tolist() == ["one"]
    assert len(collection.qrels()) == 1
    assert len(collection.fingerprint) == 32
    assert collection.verify() == []
    (folder / "docs.jsonl").write_text('{"id": "a", "text": "x"}\n')
    with pytest.raises(ConfigError, match=r"docs\.jsonl and documents compete"):
        load_collection(folder)


def test_documents_alone_are_a_collection_without_queries(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "docs.jsonl").write_text('{"id": "a", "text": "x"}\n')
    collection = load_collection(tmp_path / "x")
    with pytest.raises(NotFoundError, match="x: the card names no file of queries"):
        collection.queries()
    with pytest.raises(NotFoundError, match="x: the card names no file of judgements"):
        collection.qrels()
    (tmp_path / "y").mkdir()
    with pytest.raises(NotFoundError, match=r"no documents .* write a card\.yaml"):
        load_collection(tmp_path / "y")


def test_a_beir_folder_gives_only_the_judged_queries_of_a_split(tmp_path):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "a", "title": "", "text": "x"}\n')
    (folder / "queries.jsonl").write_text("".join(f'{{"_id": "{i}", "text": "q{i}"}}\n' for i in range(4)))
    for split, qid in (("train", 0), ("dev", 1), ("test", 3)):
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{qid}\ta\t1\n")
    collection = load_collection(folder)
    assert collection.splits == ("train", "dev", "test")
    assert collection.queries()["qid"].tolist() == ["3"]
    assert collection.queries("train")["qid"].tolist() == ["0"]


def test_a_card_beside_the_files_wins_over_their_names(tmp_path):
    folder = toy(tmp_path / "x")
    (folder / "card.yaml").write_text(CARD)
    collection = load_collection(folder)
    assert collection.name == "toy"
    assert len(collection.qrels()) == 2


def test_files_that_overlap(tmp_path):
    folder = toy(tmp_path / "x")
    (folder / "more.jsonl").write_text('{"id": "b", "text": "two"}\n{"id": "c", "text": "three"}\n')
    (folder / "card.yaml").write_text(CARD.replace("[docs.jsonl]}", "[docs.jsonl, more.jsonl], skip_repeated: true}"))
    assert [d.docno for d in load_collection(folder).documents()] == ["a", "b", "c"]
    (folder / "more.jsonl").write_text('{"id": "b", "text": "zwei"}\n')
    with pytest.raises(DataError, match=r"more\.jsonl:1: document 'b' came before with another text"):
        list(load_collection(folder).documents())
    (folder / "card.yaml").write_text(CARD.replace("[docs.jsonl]}", "[docs.jsonl, more.jsonl]}"))
    assert [d.docno for d in load_collection(folder).documents()] == ["a", "b", "b"], "an index refuses them"


def test_listing_names_what_is_here():
    listed = collections()
    assert listed["lee"].state == "here"
    assert listed["lee"].holds["documents"] == 350
    assert listed["scifact"] == (
        *("texts", listed["scifact"].about, "downloadable"),
        {"documents": 5183, "queries": 300, "judgements": 339},
        ("train", "test"),
        (),
    )
    assert listed["debd/nltcs"].shape == (16,)
    assert {row.kind for row in collections("rows").values()} == {"rows"}
    assert set(listed) > set(collections("ratings"))
