"""Cards: all shipped ones load, wrong ones say where."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io.library.card import FileCard
from irkit.io.library.cards import card_names, find_card, load_card
from irkit.io.library.catalogue import broken_data, collections, load_collection
from irkit.io.library.text_card import TextCard
from irkit.locate import shipped
from irkit.yamlfile import MOST

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
    parts = ["debd", "digits", "docnade-sets", "frey", "mnist", "olivetti", "omniglot", "omniglot-strokes", "piano"]
    texts = ["20newsgroups", "imdb", "ptb", "reuters21578"]
    pools = ["insuranceqa", "letor-mq2007-agg", "letor-mq2008", "trecqa", "wikiqa"]
    assert card_names() == sorted([*EXPECTED, *parts, *texts, *collections("ratings"), *pools])


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


GOOD = "name: toy\nabout: A toy.\nkind: texts\ndocuments: {files: [a.jsonl]}\n"


def test_the_least_card(tmp_path):
    card = load_card(write(tmp_path, GOOD))
    assert card.needed() == ["a.jsonl"]
    assert card.part(None) == (None, None)


def test_splits_share_what_they_do_not_name():
    card = TextCard(
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
        (GOOD + "fils: []\n", 5, "unknown field 'fils'; did you mean files?"),
        ("about: x\nkind: texts\ndocuments: {files: [a]}\n", 1, "field 'name' is missing"),
        (
            "name: toy\nabout: x\nkind: texts\ndocuments:\n  files: [a]\n  formt: smart\n",
            4,
            "unknown field 'formt'; did you mean format?",
        ),
        ("name: toy\nabout: x\nkind: texts\ndocuments: {files: []}\n", 4, "files is not valid"),
        (
            "name: toy\nabout: x\nkind: texts\ndocuments: {files: [a], format: pdf}\n",
            4,
            "documents have no format 'pdf'",
        ),
        (
            "name: toy\nabout: x\nkind: texts\ndocuments: {files: [a], encoding: utf-16}\n",
            1,
            "encoding must be one that extends ASCII",
        ),
        (GOOD + "queries: {numbering: roman}\n", 5, "numbering is not valid, got 'roman'"),
        (GOOD + "qrels: {labels: {a: 1}}\n", 5, "qrels: labels.a is not valid"),
        (GOOD + "splits: {dev: {qrels: q}}\n", 1, "default_split must name one of the splits (dev)"),
        (GOOD + "default_split: dev\n", 5, "default_split without splits"),
        (GOOD + "files: [{name: a, sha256: abc}]\n", 5, "sha256 is not valid, got 'abc'"),
        ("name: ../toy\nabout: x\nkind: texts\ndocuments: {files: [a]}\n", 1, "name is not valid, got '../toy'"),
        (
            "name: toy\nabout: x\nkind: texts\ndocuments: {files: [../../etc/passwd]}\n",
            1,
            "the file '../../etc/passwd' lies outside",
        ),
        (
            "name: toy\nabout: x\nkind: texts\ndocuments: {files: [/etc/passwd]}\n",
            1,
            "the file '/etc/passwd' lies outside",
        ),
        (GOOD + "files: [{name: a.zip, members: [../x]}]\n", 1, "the file '../x' lies outside"),
        (GOOD + "splits: [\n", 6, "expected the node content"),
        (GOOD.replace("kind: texts\n", ""), 1, "field 'kind' is missing; it is one of texts, ratings, rows, pictures"),
        (GOOD.replace("kind: texts", "kind: text"), 3, "there is no kind 'text' of data; did you mean texts?"),
        (GOOD.replace("kind: texts", "kind: [texts]"), 3, "there is no kind ['texts'] of data"),
        ("- a\n- b\n", 1, "the top level must be a mapping of fields (name: ...), got a list"),
        ("", 1, "the top level must be a mapping of fields (name: ...), got nothing"),
        ("name: !!python/object/apply:os.system ['echo x']\n", 1, "tags are not allowed, got !!python/object/apply"),
        (GOOD + "name: again\n", 5, "'name' occurs twice, first in line 1"),
        (GOOD + '"(": 1\n', 5, "unknown field '('"),
        (GOOD + "self: 1\n", 5, "unknown field 'self'"),
        (GOOD + "folder: ../../etc\n", 5, "the folder '../../etc' lies outside of IRKIT_DATA"),
        (GOOD + "folder: /etc\n", 5, "the folder '/etc' lies outside of IRKIT_DATA"),
        (GOOD + 'files: [{name: "a\\0b"}]\n', 1, "the file 'a\\x00b' lies outside"),
        (GOOD + "files: [{name: manifest.json}]\n", 5, "'manifest.json' cannot be the name of one"),
        (
            GOOD + "files: [{name: a.zip, members: [./manifest.json]}]\n",
            5,
            "'./manifest.json' cannot be the name of one",
        ),
        (GOOD + "files: [{name: a.zip, members: [{a: b}]}]\n", 5, "files.0: members is not valid"),
        (GOOD + f"? {'x' * 5000}\n: 1\n", 5, "unknown field 'xxx"),
        (GOOD + "files: [{name: .}]\n", 5, "'.' cannot be the name of one"),
        (GOOD + "package: evil.sub/x\n", 5, "package must be one of gensim, sklearn, got 'evil.sub'"),
        (GOOD + "package: gensim.test/x\n", 5, "package must be one of gensim, sklearn, got 'gensim.test'"),
        (GOOD + "package: os/x\n", 5, "package must be one of gensim, sklearn, got 'os'"),
        (GOOD + "package: gensim/../..\n", 5, "package: the folder '../..' lies outside of gensim"),
        (GOOD + "package: gensim//etc\n", 5, "package: the folder '/etc' lies outside of gensim"),
    ],
)
def test_a_wrong_card_is_explained_in_one_line(tmp_path, text, line, says):
    path = write(tmp_path, text)
    with pytest.raises((ConfigError, DataError)) as caught:
        load_card(path)
    message = str(caught.value)
    assert says in message
    assert message.startswith(f"{path}:"), message
    assert "\n" not in message
    assert len(message) < 700
    if line != 1:
        assert message.startswith(f"{path}:{line}: ")


def bomb() -> str:
    """480 bytes that unfold into 9 ** 9 words."""
    names = "abcdefghi"
    lines = [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise(names)]
    return "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *lines]) + "\n"


def test_a_bomb_of_aliases_is_refused_at_its_first_line(tmp_path):
    with pytest.raises(DataError, match=r"toy\.yaml:5: anchors are not supported, got &a"):
        load_card(write(tmp_path, GOOD + bomb()))


def test_a_card_is_short(tmp_path):
    with pytest.raises(DataError, match=f"more than {MOST} values"):
        load_card(write(tmp_path, GOOD + "splits: [" + "x, " * MOST + "]\n"))


def test_numbers_and_text_of_cards_are_what_they_look_like(tmp_path):
    card = load_card(write(tmp_path, GOOD + "terms: no\ncitation: 2004-01-31\nqrels: {labels: {1: 4, -1: 0}}\n"))
    assert (card.terms, card.citation, card.qrels.labels) == ("no", "2004-01-31", {1: 4, -1: 0})


def test_every_shipped_file_has_a_digest_unless_its_card_says_why_not():
    without = {
        (name, file.name)
        for name in card_names()
        for file in find_card(name).files
        if not (file.sha256 or file.md5) and file.url
    }
    assert without == {
        ("cacm", "cacm.tar.gz"),
        ("frey", "frey_rawface.mat"),
        ("medline", "med.tar.gz"),
        ("ml-latest-small", "ml-latest-small.zip"),
        ("olivetti", "olivettifaces.mat"),
        ("reuters21578", "reuters21578.tar.gz"),
    }
    for name, _ in without:
        assert "checksum" in (shipped("data") / f"{name}.yaml").read_text(encoding="utf-8")


def test_a_card_is_called_by_its_name(home):
    (home / "data").mkdir(parents=True)
    (home / "data" / "mine.yaml").write_text(GOOD)
    with pytest.raises(
        ConfigError, match=r"mine\.yaml: the card is called 'mine' and its name is 'toy'; make them one"
    ):
        find_card("mine")


def test_one_broken_card_hides_no_other(home):
    (home / "data").mkdir(parents=True)
    (home / "data" / "bomb.yaml").write_text(bomb())
    (home / "data" / "toy.yaml").write_text(GOOD)
    (home / "data" / "folder.yaml").mkdir()
    assert "toy" in collections()
    assert "ml-100k" in collections("ratings")
    broken = broken_data()
    assert list(broken) == ["bomb"]
    assert "bomb.yaml:1: anchors are not supported" in broken["bomb"]
    assert "bomb" not in collections()


def test_a_package_is_found_without_importing_anything_and_not_in_the_current_folder(tmp_path, monkeypatch):
    evil = tmp_path / "gensim"
    (evil / "test" / "test_data").mkdir(parents=True)
    for name in ("__init__.py", "test/__init__.py"):
        (evil / name).write_text("raise SystemExit('imported')\n")
    for name in find_card("lee").needed():
        (evil / "test" / "test_data" / name).write_text("other data\n")
    monkeypatch.chdir(tmp_path)
    for here in ("", str(tmp_path), "."):
        monkeypatch.setattr(sys, "path", [here, *sys.path])
    loaded = set(sys.modules)
    folder = load_collection("lee").folder
    assert not folder.is_relative_to(tmp_path)
    assert (folder / "lee.cor").is_file()
    assert not {name for name in set(sys.modules) - loaded if name.startswith("gensim")}


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
