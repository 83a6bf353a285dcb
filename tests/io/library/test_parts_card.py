"""Cards of rows, pictures and sequences: what they say, what is wrong with them, where their files are sought."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.io import collections, load_data, load_rows
from irkit.io.library.cards import find_card, load_card
from irkit.io.library.catalogue import load_parts
from irkit.io.library.parts_card import PartsCard
from irkit.io.library.places import locate

CARD = """name: bars
about: Bars.
kind: rows
read: {format: bits, files: ["{set}/{set}.train.data", "{set}/{set}.valid.data", "{set}/{set}.test.data"]}
sets: {thin: {shape: [2], counts: {train: 2, valid: 1, test: 1}}}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path / "data"))
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / "bars.yaml").write_text(CARD)
    return tmp_path / "home"


def fill(folder, name: str, width: int = 2) -> None:
    (folder / name).mkdir(parents=True)
    for part, n in (("train", 2), ("valid", 1), ("test", 1)):
        row = ",".join("1" * width)
        (folder / name / f"{name}.{part}.data").write_text(f"{row}\n" * n)


@pytest.mark.parametrize(
    "name", ["debd", "digits", "frey", "mnist", "olivetti", "omniglot", "omniglot-strokes", "piano"]
)
def test_a_shipped_card_is_complete(name):
    card = find_card(name)
    assert isinstance(card, PartsCard)
    assert card.about.endswith((".", "here, no download."))
    assert card.source
    assert card.terms
    assert card.citation
    assert card.package or all(file.url.startswith("https://") for file in card.files)
    for one in [card.of(short) for short in card.sets] or [card]:
        assert set(one.holds()) - {"steps"} == {"train", "valid", "test"}
        assert one.shape
        come = {file.name.removesuffix(".gz") for file in one.files}
        assert {path.removesuffix(".gz") for path in one.needed()} == come, "a download brings every file that is read"


@pytest.mark.parametrize("name", ["20newsgroups", "imdb", "ptb", "reuters21578"])
def test_a_shipped_card_of_texts_is_complete(name):
    card = find_card(name)
    for one in [card, *map(card.of, card.sets)]:
        assert one.about.endswith(".")
        assert one.source
        assert one.terms
        assert one.citation
        assert set(one.holds()) - {"words"} == {"train", "valid", "test"}
        assert one.shape
        assert one.tokens.most in (None, *one.shape)
        assert (one.parting is None) == (len(one.read.files) == 3), "what is held out is said"
        assert set(one.needed()) == {file.name for file in one.files}, "a download brings every file that is read"
        assert all(file.how if file.url is None else file.url.startswith("https://") for file in one.files)
    abouts = [one.about for one in [card, *map(card.of, card.sets)]]
    assert len(set(abouts)) == len(abouts)


def test_a_card_that_names_its_files_is_a_set_beside_those_it_lists(tmp_path, home):
    (home / "data" / "roses.yaml").write_text(
        "name: roses\nabout: Roses.\nkind: tokens\nread: {format: txt, files: [a.txt]}\ntokens: {most: 3}\n"
        "sets: {few: {about: Few words., tokens: {most: 1}, counts: {train: 16, valid: 2, test: 2}}}\n"
    )
    place = tmp_path / "data" / "roses"
    place.mkdir(parents=True)
    (place / "a.txt").write_text("red rose is a rose\n" * 20)
    listed = collections("tokens")
    assert (listed["roses"].about, listed["roses/few"].about) == ("Roses.", "Few words.")
    assert listed["roses"].state == listed["roses/few"].state == "here"
    assert load_data("roses").train.words == ("rose", "a", "is")
    assert load_data("roses/few").train.words == ("rose",)
    assert [check.ok for check in load_parts("roses/few").verify()] == [True] * 3
    assert load_parts("roses").fingerprint != load_parts("roses/few").fingerprint
    with pytest.raises(ConfigError, match="roses: is of tokens, not of rows; use load_data"):
        load_rows("roses")


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ("{a: {format: csv}}", None),
        ("{a: {format: cvs}}", "tokens have no format 'cvs', only "),
        ("{a: {format: imdb, files: [x, y]}}", "read: the format imdb reads 1 files, got 2"),
        ("{a: {tokens: {pattern: '['}}}", "it is no regular expression"),
    ],
)
def test_a_set_may_be_read_otherwise(tmp_path, sets, says):
    path = tmp_path / "roses.yaml"
    path.write_text(f"name: roses\nabout: Roses.\nkind: tokens\nread: {{format: txt, files: [a.txt]}}\nsets: {sets}\n")
    if says is None:
        assert load_card(path).of("a").read.format == "csv"
        return
    with pytest.raises(ConfigError) as caught:
        load_card(path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("format: bits", "format: bit", 4, "rows have no format 'bit', only bits, npy, npz, csv"),
        ("kind: rows", "kind: pictures", None, "pictures have no format 'bits', only digits, mnist"),
        (', "{set}/{set}.test.data"', "", 4, "read: the format bits reads 3 files, got 2"),
        ("{set}/{set}.test.data", "../x", None, "the file '../x' lies outside the collection's folder"),
        ("{thin: ", "{a/b: ", 5, "sets: a name has no separator, got 'a/b'"),
        ("train: 2", "train: -1", 5, "train is not valid"),
        ("counts: {", "counts: {rows: 1, ", 5, "unknown field 'rows'"),
        ("sets: {thin: {shape: [2], counts: {train: 2, valid: 1, test: 1}}}", "", 4, "and the card has no sets"),
    ],
)
def test_a_wrong_card_is_explained_in_one_line(tmp_path, old, new, line, says):
    path = tmp_path / "bars.yaml"
    path.write_text(CARD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_card(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}:" if line is None else f"{path}:{line}: ")


def test_sets_are_found_in_the_data_folder_and_then_in_the_cache(tmp_path, home):
    assert collections("rows")["bars/thin"].state == "by path"
    assert "bars/wide" not in collections("rows")
    fill(home / "collections" / "bars", "thin")
    assert load_parts("bars/thin").folder == home / "collections" / "bars"
    fill(tmp_path / "data" / "bars", "thin")
    fill(tmp_path / "data" / "bars", "wide", 5)
    assert load_parts("bars/thin").folder == tmp_path / "data" / "bars"
    listed = collections("rows")
    assert (listed["bars/thin"].state, listed["bars/wide"].state) == ("here", "here")
    assert (listed["bars/thin"].holds, listed["bars/wide"].holds) == ({"train": 2, "valid": 1, "test": 1}, {})
    found = load_parts("bars/wide")
    assert (found.holds(), found.shape(), found.verify()) == ({"train": 2, "valid": 1, "test": 1}, (5,), [])
    assert load_rows("bars/wide").name == "bars/wide"
    assert locate(find_card("bars")) == tmp_path / "data" / "bars"


@pytest.mark.parametrize("name", ["bars/../bars", "bars/a/b", "bars/", "bars/."])
def test_what_is_no_name_of_a_set_leads_nowhere(name):
    with pytest.raises(NotFoundError, match="bars: there is no set"):
        load_rows(name)


def test_counts_and_shapes_are_verified(tmp_path):
    fill(tmp_path / "data" / "bars", "thin", 3)
    checks = load_parts("bars/thin").verify()
    assert [(check.what, check.ok) for check in checks] == [
        *(("train", True), ("valid", True), ("test", True), ("shape", False))
    ]
    assert (checks[-1].expected, checks[-1].found) == ("2", "3")


def test_a_file_that_was_packed_anew_is_checked_by_what_it_holds(tmp_path, home):
    content = b"0,1\n" * 12
    digests = {"u": hashlib.sha256(content).hexdigest(), "m": hashlib.md5(gzip.compress(content, 9)).hexdigest()}
    (home / "data" / "bars.yaml").write_text(
        "name: bars\nabout: Bars.\nkind: rows\nread: {format: csv, files: [a.csv]}\n"
        f"files: [{{name: a.csv.gz, md5: {digests['m']}, unpacked: {digests['u']}, how: ask}}]\n"
    )
    place = tmp_path / "data" / "bars"
    place.mkdir(parents=True)
    for name, data in (("a.csv.gz", gzip.compress(content, 1)), ("a.csv", content)):
        (place / name).write_bytes(data)
        (check,) = load_parts("bars").verify()
        assert check == ("a.csv SHA-256", digests["u"], digests["u"], True)
        (place / name).write_bytes(data.replace(b"0,1\n", b"1,0\n", 1) if name == "a.csv" else gzip.compress(b"1,0\n"))
        assert not load_parts("bars").verify()[0].ok
        (place / name).unlink()


def test_a_card_beside_the_files_names_them(tmp_path):
    np.save(tmp_path / "x.npy", np.eye(20))
    (tmp_path / "card.yaml").write_text(
        "name: eye\nabout: An eye.\nkind: rows\nread: {format: npy, files: [x.npy]}\ncounts: {train: 16}\n"
    )
    assert load_rows(tmp_path).name == "eye"
    assert [check.ok for check in load_parts(tmp_path).verify()] == [True]
