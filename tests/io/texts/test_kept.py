"""Tests of irkit.io.texts.kept: numbered texts that are read again from the user's folder."""

import pytest

from irkit.io import load_data
from irkit.io.library.catalogue import load_any
from irkit.io.texts import files, kept

CARD = """name: own
about: Mine.
kind: tokens
read: {format: csv, files: [a.csv]}
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("irkit.io.library.parts_collection.LARGE", 1)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.csv").write_text("text,label\n" + "Red rose red,r\nblue rose ü,b\n" * 20)
    (tmp_path / "own" / "card.yaml").write_text(CARD)
    return tmp_path / "own"


def places(own):
    return sorted((own.parent / "home" / "tokens").glob("*.npz"))


def test_what_was_kept_is_what_was_made(own, monkeypatch):
    made = load_data(own)
    (place,) = places(own)
    assert place.name.startswith("own-")
    monkeypatch.setattr(files, "_table", lambda *_: pytest.fail("is read anew"))
    again = load_data(own)
    assert (again.fingerprint, again.details, again.train.words) == (made.fingerprint, made.details, made.train.words)
    assert again.valid.labels.tolist() == made.valid.labels.tolist()


def test_another_text_or_tokenisation_is_made_anew(own):
    first = load_data(own)
    (own / "card.yaml").write_text(CARD + "tokens: {most: 2}\n")
    assert load_data(own).train.vocabulary == 2
    (own / "card.yaml").write_text(CARD + "parting: {seed: 2}\n")
    assert load_data(own).train.same(first.train) is False
    (own / "card.yaml").write_text(CARD)
    (own / "a.csv").write_text("text,label\n" + "red rose,r\nblue rose,b\n" * 20)
    assert load_data(own).train.vocabulary == 3
    assert len(places(own)) == 4


def test_a_damaged_one_is_made_anew(own):
    made = load_data(own)
    (place,) = places(own)
    place.write_bytes(place.read_bytes()[:-20])
    assert load_data(own).fingerprint == made.fingerprint


@pytest.mark.parametrize("name", ["files", "parts", "sentences", "tokens"])
def test_code_that_changed_makes_them_anew(own, monkeypatch, name):
    load_data(own)
    code = kept._code
    monkeypatch.setattr(kept, "_code", lambda module: code(module) + "#" * module.__name__.endswith(f".{name}"))
    load_data(own)
    assert len(places(own)) == 2


def test_small_ones_are_not_kept(own, monkeypatch):
    monkeypatch.setattr("irkit.io.library.parts_collection.LARGE", 1 << 20)
    assert load_any(own).holds() == {"train": 32, "valid": 4, "test": 4, "words": 120}
    assert places(own) == []
