"""Cards: all shipped ones load, wrong ones say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.io.cards import Card, FileCard, card_names, find_card, load_card
from irkit.io.library import rating_collections
from irkit.locate import shipped

EXPECTED = sorted(
    [
        *("lee", "cranfield", "medline", "cacm", "cacm-html", "npl", "nfcorpus", "nfcorpus-beir", "robust04"),
        *("msmarco-passage", "trec-covid", "scifact", "fiqa", "arguana", "quora", "nq", "hotpotqa", "fever"),
        *("dbpedia-entity", "webis-touche2020"),
    ]
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_shipped_cards():
    assert card_names() == sorted([*EXPECTED, *rating_collections()])


@pytest.mark.parametrize("name", EXPECTED)
def test_a_shipped_card_is_complete(name):
    card = find_card(name)
    assert card.name == name
    assert card.about.endswith((".", "here, no download."))
    assert card.source
    assert card.terms
    assert card.citation
    assert card.counts.documents
    parts = [card.splits[split].counts for split in card.splits] or [card.counts]
    assert all(counts.queries and counts.judgements for counts in parts)
    for file in card.files:
        if file.url:
            assert file.url.startswith(("https://", "http://ir.dcs.gla.ac.uk/"))
        else:
            assert file.how or card.package
    come = {name for file in card.files for name in (file.members or [file.name])}
    assert card.through_irds or set(card.needed()) <= come, "a download brings every file that is read"


def test_cranfield_grades_are_turned_round():
    assert find_card("cranfield").qrels.labels == {1: 4, 2: 3, 3: 2, 4: 1, -1: 0}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = "name: toy\nabout: A toy.\ndocuments: {files: [a.jsonl]}\n"


def test_the_least_card(tmp_path):
    card = load_card(write(tmp_path, GOOD))
    assert card.needed() == ["a.jsonl"]
    assert card.part(None) == (None, None)


def test_splits_share_what_they_do_not_name():
    card = Card(
        name="toy",
        about="A toy.",
        documents={"files": ["a"]},
        queries={"file": "q"},
        splits={"dev": {"qrels": "d"}, "test": {"queries": "tq", "qrels": "t"}},
        default_split="test",
    )
    assert card.part("dev") == ("q", "d")
    assert card.part("test") == ("tq", "t")
    assert card.needed() == ["a", "tq", "t"]


def test_members_are_a_list_or_carry_digests():
    assert FileCard(name="a", members=["x", "y"]).members == {"x": None, "y": None}
    assert FileCard(name="a", members={"x": "0" * 64}).members == {"x": "0" * 64}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD + "fils: []\n", 4, "unknown field 'fils'; did you mean files?"),
        ("about: x\ndocuments: {files: [a]}\n", 1, "field 'name' is missing"),
        (
            "name: toy\nabout: x\ndocuments:\n  files: [a]\n  formt: smart\n",
            3,
            "unknown field 'formt'; did you mean format?",
        ),
        ("name: toy\nabout: x\ndocuments: {files: []}\n", 3, "files is not valid"),
        ("name: toy\nabout: x\ndocuments: {files: [a], format: pdf}\n", 3, "documents have no format 'pdf'"),
        (
            "name: toy\nabout: x\ndocuments: {files: [a], encoding: utf-16}\n",
            1,
            "encoding must be one that extends ASCII",
        ),
        (GOOD + "queries: {numbering: roman}\n", 4, "numbering is not valid, got 'roman'"),
        (GOOD + "qrels: {labels: {a: 1}}\n", 4, "qrels: labels.a is not valid"),
        (GOOD + "splits: {dev: {qrels: q}}\n", 1, "default_split must name one of the splits (dev)"),
        (GOOD + "default_split: dev\n", 4, "default_split without splits"),
        (GOOD + "files: [{name: a, sha256: abc}]\n", 4, "sha256 is not valid, got 'abc'"),
        ("name: ../toy\nabout: x\ndocuments: {files: [a]}\n", 1, "name is not valid, got '../toy'"),
        (
            "name: toy\nabout: x\ndocuments: {files: [../../etc/passwd]}\n",
            1,
            "the file '../../etc/passwd' lies outside",
        ),
        ("name: toy\nabout: x\ndocuments: {files: [/etc/passwd]}\n", 1, "the file '/etc/passwd' lies outside"),
        (GOOD + "files: [{name: a.zip, members: [../x]}]\n", 1, "the file '../x' lies outside"),
        (GOOD + "splits: [\n", 5, "expected the node content"),
        ("- a\n- b\n", 1, "a card is a mapping of names to values, got list"),
        ("", 1, "a card is a mapping of names to values, got NoneType"),
        ("name: !!python/object/apply:os.system ['echo x']\n", 1, "could not determine a constructor for the tag"),
    ],
)
def test_a_wrong_card_is_explained_in_one_line(tmp_path, text, line, says):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_card(path)
    message = str(caught.value)
    assert says in message
    assert message.startswith(f"{path}:"), message
    assert "\n" not in message
    if line != 1:
        assert message.startswith(f"{path}:{line}: ")


def test_a_users_card_is_found_and_wins(home):
    (home / "data").mkdir(parents=True)
    (home / "data" / "toy.yaml").write_text(GOOD)
    (home / "data" / "lee.yaml").write_text(GOOD.replace("name: toy", "name: lee"))
    assert find_card("toy").about == "A toy."
    assert find_card("lee").about == "A toy."
    with pytest.raises(NotFoundError, match="there is no 'cranfeld'; did you mean cranfield"):
        find_card("cranfeld")


def test_cards_hold_nothing_but_yaml():
    assert {path.suffix for path in shipped("data").iterdir()} == {".yaml"}
