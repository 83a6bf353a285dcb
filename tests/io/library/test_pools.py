"""Pools behind cards and in folders of one's own: parts, folds, sets, counts, and what is wrong with them."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest

from irkit.documents import Document
from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import collections, load_collection, load_data, load_pools, load_rows
from irkit.io.library.cards import card_names, find_card, load_card
from irkit.io.library.catalogue import load_any, load_searchable
from irkit.io.library.pools_card import PARTS, PoolsCard

CARD = """name: toys
about: Toys.
kind: pools
format: letor
features: 3
folds:
  - {train: {files: [a.txt, b.txt], queries: 3, candidates: 5, relevant: 2}, test: [c.txt]}
  - {train: [c.txt], test: {files: [a.txt], queries: 2}}
counts: {queries: 4, candidates: 6}
sets: {both: {about: Both., keep: {train: mixed}, folds: [{train: {files: [a.txt, b.txt], queries: 1}}]}}
"""
FILES = {
    "a.txt": "1 qid:1 1:1 # x\n0 qid:1 2:1 # y\n0 qid:2 1:1 # x\n",
    "b.txt": "0 qid:3 1:1 # x\n1 qid:3 1:1 # y\n",
    "c.txt": "1 qid:9 1:1 # z\n",
}
QUESTIONS = """<QApairs id='{}'>
<question>
Why\t?
</question>
<positive>
because {}
</positive>
<negative>
no
</negative>
</QApairs>
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path / "data"))
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / "toys.yaml").write_text(CARD)
    return tmp_path / "home"


@pytest.fixture
def toys(tmp_path):
    folder = tmp_path / "data" / "toys"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def filled(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names, 1):
        data = f"1 qid:{i} {i}:1 # x\n0 qid:{i} 1:2 # y\n".encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


def test_shipped_cards_are_complete():
    shipped = [find_card(name) for name in card_names() if name != "toys"]
    found = {card.name: card for card in shipped if isinstance(card, PoolsCard)}
    assert set(found) == {"letor-mq2008", "letor-mq2007-agg", "wikiqa", "trecqa", "insuranceqa"}
    for card in found.values():
        for one in [card, *map(card.of, card.sets)]:
            assert one.about.endswith(".")
            assert one.source
            assert one.terms
            assert one.citation
            assert one.holds()["queries"] > 0
            assert all(tuple(fold.parts()) == PARTS for fold in one.folds)
            assert set(one.needed()) <= {file.name for file in one.files}, "all files that are read are named"
            assert all(files.queries for fold in one.folds for files in fold.parts().values())
        assert card.files[0].how, "how to get them is said of the first"
    assert [len(card.folds) for card in found.values() if card.format == "letor"] == [5, 5]


def test_parts_and_folds_are_read(toys):
    found = load_pools("toys")
    assert (found.folds, found.parts(), found.parts(1)) == (2, ("train", "test"), ("train", "test"))
    assert found.queries("train")["qid"].tolist() == ["1", "2", "3"]
    assert found.queries("test", 1)["qid"].tolist() == ["1", "2"]
    assert found.qrels("test").values.tolist() == [["9", "z", 1]]
    assert found.candidates("test")[["qid", "docno", "score"]].values.tolist() == [["9", "z", 0]]
    assert found.candidates("test")["features"].iloc[0].tolist() == [1, 0, 0], "as many as the card says"
    assert found.holds() == {"queries": 4, "candidates": 6, "relevant": 3, "folds": 2}
    assert found.shape() == (2,)


def test_pools_that_are_nowhere_are_said_to_be(home):
    with pytest.raises(NotFoundError, match="toys: the collection is not on this machine; set IRKIT_DATA to a folder"):
        load_pools("toys")


@pytest.mark.parametrize(
    ("part", "fold", "says"),
    [
        ("valid", 0, "toys: has no part 'valid', only train, test; name one of these"),
        ("dev", 0, "toys: there is no part 'dev'; "),
        ("test", 2, "toys: there is no fold 2; they are numbered 0..1"),
        ("test", -1, "toys: there is no fold -1; they are numbered 0..1"),
    ],
)
def test_what_is_not_there_is_said(toys, part, fold, says):
    with pytest.raises(NotFoundError) as caught:
        load_pools("toys").pool(part, fold)
    assert str(caught.value).startswith(says)


def test_a_set_says_what_is_other_about_it(toys):
    both = load_pools("toys/both")
    assert both.pool("train").counts() == {"queries": 2, "candidates": 4, "relevant": 2}
    assert load_pools("toys").pool("train").counts()["queries"] == 3
    assert both.fingerprint != load_pools("toys").fingerprint
    listed = collections("pools")
    assert (listed["toys"].about, listed["toys/both"].about) == ("Toys.", "Both.")
    assert listed["toys"].state == listed["toys/both"].state == "here"
    assert (listed["toys"].holds, listed["toys"].shape) == ({"queries": 4, "candidates": 6, "folds": 2}, (3,))
    with pytest.raises(NotFoundError, match="toys: there is no set 'raw'"):
        load_pools("toys/raw")


def test_counts_are_verified_part_by_part(toys):
    found = {check.what: (check.expected, check.found, check.ok) for check in load_pools("toys").verify()}
    assert found == {
        "train queries of fold 0": ("3", "3", True),
        "train candidates of fold 0": ("5", "5", True),
        "train relevant of fold 0": ("2", "2", True),
        "test queries of fold 1": ("2", "2", True),
        "queries": ("4", "4", True),
        "candidates": ("6", "6", True),
        "features": ("3", "2", False),
    }
    assert [(check.what, check.ok) for check in load_pools("toys/both").verify()] == [
        ("train queries", False),
        ("features", False),
    ]


def test_files_may_be_packed_and_are_checked_by_what_they_hold(toys, home):
    digest = hashlib.sha256(FILES["c.txt"].encode()).hexdigest()
    (home / "data" / "toys.yaml").write_text(f"{CARD}files: [{{name: c.txt, sha256: {digest}, how: ask}}]\n")
    before = load_pools("toys").pool("test").results
    (toys / "c.txt").unlink()
    with pytest.raises(NotFoundError, match=r"toys: \S+/data/toys lacks c\.txt; ask, then set IRKIT_DATA to a folder"):
        load_pools("toys")
    (toys / "c.txt.gz").write_bytes(gzip.compress(FILES["c.txt"].encode()))
    found = load_pools("toys")
    assert found.pool("test").results.equals(before)
    assert found.verify()[0] == ("c.txt SHA-256", digest, digest, True)
    (toys / "c.txt.gz").write_bytes(gzip.compress(b"0 qid:9 1:1\n"))
    assert not load_pools("toys").verify()[0].ok


def test_the_fingerprint_is_that_of_content_and_reading(toys, home):
    before = load_pools("toys").fingerprint
    assert load_pools("toys").fingerprint == before
    (toys / "c.txt").write_text("0 qid:9 1:1 # z\n")
    changed = load_pools("toys").fingerprint
    (home / "data" / "toys.yaml").write_text(CARD.replace("test: [c.txt]}", "valid: [c.txt]}"))
    assert len({before, changed, load_pools("toys").fingerprint}) == 3


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "format: letor",
            "format: leter",
            "pools have no format 'leter', only answers, insuranceqa, letor, trecqa, wikiqa",
        ),
        ("[c.txt]", "[../c.txt]", "the file '../c.txt' lies outside the collection's folder"),
        (
            "[{train: {files: [a.txt",
            "[{train: {files: [/a.txt",
            "the file '/a.txt' lies outside the collection's folder",
        ),
        ("{both: ", "{a/b: ", "sets: a name has no separator, got 'a/b'"),
        ("{train: mixed}", "{train: good}", "keep"),
        ("{train: mixed}", "{dev: mixed}", "keep"),
        ("test: [c.txt]", "tests: [c.txt]", "unknown field"),
        ("test: [c.txt]", "test: []", "files"),
        (
            "  - {train: [c.txt], test: {files: [a.txt], queries: 2}}\n",
            "  - {}\n",
            "a fold has one of train, valid, test",
        ),
        ("features: 3", "features: 0", "features"),
    ],
)
def test_a_wrong_card_is_explained_in_one_line(tmp_path, old, new, says):
    assert old in CARD
    path = tmp_path / "toys.yaml"
    path.write_text(CARD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_card(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_answers_are_documents_once_and_features_are_none(tmp_path, toys):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "card.yaml").write_text(
        "name: mine\nabout: Mine.\nkind: pools\nformat: trecqa\nfolds: [{train: [a.xml], test: [b.xml]}]\n"
    )
    for name in "ab":
        (folder / f"{name}.xml").write_text(QUESTIONS.format(name, name))
    mine = load_searchable(folder)
    documents = list(mine.documents())
    assert all(isinstance(document, Document) for document in documents)
    assert sorted(document.text for document in documents) == ["because a", "because b", "no", "no"]
    hits = [mine.pool(part).candidates for part in ("train", "test")]
    assert {document.docno: document.text for document in documents} == {
        docno: text
        for one in hits
        for docno, text in zip(one.frame()["docno"], one.columns["text"].to_pylist(), strict=True)
    }
    with pytest.raises(ConfigError, match=r"toys: its candidates are features and have no texts; .* use pool\(\)"):
        list(load_pools("toys").documents())


def test_answers_of_all_folds_are_documents_and_none_has_two_texts(tmp_path):
    folds = "[{train: [a.xml], test: [b.xml]}, {train: [b.xml], test: [c.xml]}]"
    (tmp_path / "card.yaml").write_text(f"name: mine\nabout: Mine.\nkind: pools\nformat: trecqa\nfolds: {folds}\n")
    for name in "abc":
        (tmp_path / f"{name}.xml").write_text(QUESTIONS.format(name, name))
    texts = [document.text for document in load_pools(tmp_path).documents()]
    assert sorted(texts) == ["because a", "because b", "because c", "no", "no", "no"]
    (tmp_path / "c.xml").write_text(QUESTIONS.format("b", "c"))  # the question b, with other answers
    with pytest.raises(
        DataError, match=r"the candidate 'b-\d' has another text in the part test of fold 2 than before"
    ):
        list(load_pools(tmp_path).documents())


@pytest.mark.slow
def test_questions_of_a_collection_can_be_indexed_and_searched(tmp_path):
    from irkit.recipe import collection_index

    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "card.yaml").write_text(
        "name: mine\nabout: Mine.\nkind: pools\nformat: trecqa\nfolds: [{test: [a.xml]}]\n"
    )
    (folder / "a.xml").write_text(QUESTIONS.format("7", "apples fall"))
    with collection_index(str(folder)) as index:
        assert len(index) == 2


@pytest.mark.parametrize("valid", ["vali.txt", "valid.txt", "vali.txt.gz", "validation.txt", "val.txt", "dev.txt"])
@pytest.mark.parametrize("inner", ["", "Fold1"])
def test_a_folder_of_feature_files_needs_no_card(tmp_path, valid, inner):
    folder = tmp_path / "my set"
    filled(folder / inner, ["train.txt", valid, "test.txt.gz"])
    (folder / "README.txt").write_text("not this one")
    found = load_pools(folder)
    assert (found.name, found.folds, found.parts()) == ("my-set", 1, ("train", "valid", "test"))
    assert [found.queries(part)["qid"].tolist() for part in PARTS] == [["1"], ["2"], ["3"]]
    assert {found.pool(part).candidates.columns["features"].shape for part in PARTS} == {(2, 3)}, "the widest part's"
    assert found.verify() == []
    assert type(load_any(folder)).__name__ == "PoolsCollection"


def test_folders_of_folds_come_in_the_order_of_their_numbers(tmp_path):
    for k in (10, 2, 1):
        filled(tmp_path / "set" / f"Fold{k}", ["train.txt"] * k + ["test.txt"])
    found = load_pools(tmp_path / "set")
    assert [found.queries("test", fold)["qid"].tolist() for fold in range(3)] == [["2"], ["3"], ["11"]]
    assert found.holds()["folds"] == 3


def test_a_fold_without_feature_files_beside_others_is_refused(tmp_path):
    for k in (1, 3):
        filled(tmp_path / "set" / f"Fold{k}", ["train.txt", "test.txt"])
    (tmp_path / "set" / "Fold2").mkdir()
    (tmp_path / "set" / "Fold2" / "test.txt").write_text("label,qid,feature\n")
    with pytest.raises(ConfigError, match="Fold2: holds no letor files, and folds beside it do"):
        load_pools(tmp_path / "set")


@pytest.mark.parametrize("name", ["my.letor", "train.txt", "x.gz"])
def test_one_feature_file_is_a_part_to_train_on(tmp_path, name):
    filled(tmp_path, [name])
    found = load_pools(tmp_path / name)
    assert (found.name, found.parts()) == (name, ("train",))
    assert found.pool().counts() == {"queries": 1, "candidates": 2, "relevant": 1}
    assert type(load_any(tmp_path / name)).__name__ == "PoolsCollection"
    assert load_pools(str(tmp_path / name)).holds() == {"queries": 1, "candidates": 2, "relevant": 1}


def test_a_card_beside_the_files_says_more(tmp_path, toys):
    (toys / "card.yaml").write_text(CARD)
    assert load_pools(toys).pool("train").counts()["queries"] == 3
    assert type(load_any(toys)).__name__ == "PoolsCollection"


def test_two_names_of_the_validation_part_compete(tmp_path):
    filled(tmp_path / "set", ["train.txt", "vali.txt", "valid.txt"])
    with pytest.raises(ConfigError, match=r"vali\.txt and valid\.txt compete; keep one or write a card\.yaml"):
        load_pools(tmp_path / "set")


@pytest.mark.parametrize(("text", "says"), [("0.5 qid:1 1:1\n", "the label must be a whole number"), ("", "is empty")])
def test_a_part_that_begins_otherwise_than_those_beside_it_is_not_passed_over(tmp_path, text, says):
    filled(tmp_path / "set", ["train.txt", "vali.txt", "test.txt"])
    (tmp_path / "set" / "vali.txt").write_text(text)
    found = load_pools(tmp_path / "set")
    assert found.parts() == ("train", "valid", "test")
    with pytest.raises(DataError, match=rf"vali\.txt:1: .*{says}"):
        found.pool("valid")
    (tmp_path / "set" / "vali.txt").write_text("# long\n" * 2000 + "1 qid:1 1:1\n")
    assert load_pools(tmp_path / "set").pool("valid").counts()["candidates"] == 1


def test_a_fold_without_files_is_not_passed_over(tmp_path):
    for k in (1, 3):
        filled(tmp_path / "set" / f"Fold{k}", ["train.txt", "test.txt"])
    (tmp_path / "set" / "Fold2").mkdir()
    with pytest.raises(ConfigError, match="Fold2: holds no letor files, and folds beside it do; give it some"):
        load_pools(tmp_path / "set")


def test_texts_are_no_pools_and_pools_no_texts(tmp_path, toys):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "train.txt").write_text("a rose is a rose\n" * 20)
    assert len(load_data(tmp_path / "texts").train) == 16
    with pytest.raises(
        ConfigError,
        match=r"texts: holds no pools; name a file of lines '<label> qid:<id> 1:<value>.*, or with a card\.yaml",
    ):
        load_pools(tmp_path / "texts")
    (tmp_path / "bars.csv").write_text("0,1\n" * 20)
    with pytest.raises(ConfigError, match="holds no pools"):
        load_pools(tmp_path / "bars.csv")
    with pytest.raises(NotFoundError, match="there is no such file or folder"):
        load_pools(tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match="pools: there is no file or set 'toyz'; did you mean toys"):
        load_pools("toyz")
    for load in (load_collection, load_rows, load_data):
        with pytest.raises(ConfigError, match=r"toys: holds pools and no .*; use load_pools"):
            load("toys")
    filled(tmp_path / "set", ["train.txt"])
    with pytest.raises(ConfigError, match="set: holds pools and no rows; use load_pools"):
        load_data(tmp_path / "set")
    with pytest.raises(
        ConfigError, match="lee: holds texts and no pools; use 'irkit run <recipe> lee', in Python load_collection"
    ):
        load_pools("lee")


def test_features_beside_documents_do_not_hide_them(tmp_path):
    folder = filled(tmp_path / "set", ["train.txt"])
    (folder / "documents.jsonl").write_text('{"id": "d1", "text": "rain"}\n')
    assert type(load_any(folder)).__name__ == type(load_searchable(folder)).__name__ == "Collection"
    assert load_pools(folder).parts() == ("train",)


def test_a_plug_in_may_read_another_form(tmp_path, monkeypatch):
    from irkit.io.pools.pool import pool_of
    from irkit.registry import POOLS

    def mine(paths, part):
        rows = [line.split() for path in paths for line in path.read_text().splitlines()]
        return pool_of([row[0] for row in rows], [f"{part}-{row[1]}" for row in rows], [int(row[2]) for row in rows])

    monkeypatch.setitem(POOLS.shipped, "mine", "x:y")
    monkeypatch.setattr(type(POOLS), "load", lambda self, name: mine)
    (tmp_path / "a").write_text("q d 1\n")
    (tmp_path / "card.yaml").write_text(
        "name: own\nabout: Own.\nkind: pools\nformat: mine\nfolds: [{test: [a]}]\nkeep: {test: answered}\n"
    )
    assert load_pools(tmp_path).qrels("test").values.tolist() == [["q", "test-d", 1]]


def test_a_malformed_file_is_named_with_its_line(toys):
    (toys / "c.txt").write_text("1 qid:9 1:1 # z\n1 qid:9 1:x\n")
    with pytest.raises(DataError, match=r"c\.txt:2: the feature 1 must be a finite number, got 'x'"):
        load_pools("toys").pool("test")


def test_features_are_as_wide_in_every_part(tmp_path):
    filled(tmp_path / "set", ["train.txt", "vali.txt", "test.txt"])
    found = load_pools(tmp_path / "set")
    np.testing.assert_array_equal(found.pool("train").candidates.columns["features"], [[2, 0, 0], [1, 0, 0]])
