"""Formats of rows, pictures and sequences that a plug-in reads, named by cards as those that irkit reads are."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.cli import main
from irkit.errors import ConfigError, DataError
from irkit.io import load_rows, load_sequences
from irkit.io.library.catalogue import load_parts
from irkit.io.lines import bad, lines
from irkit.io.rows.data import Parts
from irkit.io.rows.readers import files_of
from irkit.registry import PICTURES, ROWS, SEQUENCES
from tests.plugins import installed

PROJECT = f"""[project]
name = "hashes"
version = "1.0"
entry-points."irkit.rows".hash-rows = "{__name__}:rows"
entry-points."irkit.rows".hash-broken = "hashes_that_are_not_there:rows"
entry-points."irkit.pictures".hash-pictures = "{__name__}:pictures"
entry-points."irkit.sequences".hash-sequences = "{__name__}:sequences"
"""


def hashes(path) -> np.ndarray:
    """A line a row: 1 where a # stands."""
    found = []
    for number, line in lines(path, "utf-8"):
        if set(line) - set("#."):
            raise bad(path, number, f"the row {line!r}", "write # and . alone")
        found.append([character == "#" for character in line])
    return np.array(found, dtype=np.float32)


def rows(train, valid, test) -> Parts:
    parts = [hashes(path) for path in (train, valid, test)]
    return Parts((1, parts[0].shape[1]), parts, [np.full(len(part), -1) for part in parts], bits=True)


def pictures(path) -> Parts:
    """Twenty pictures of two by two in one piece, the last five of another class."""
    return Parts((2, 2), [hashes(path)], [np.repeat([0, 1], [15, 5])], bits=True)


def sequences(path) -> list[list[np.ndarray]]:
    """Three parts that grow by one step."""
    steps = hashes(path)
    return [[steps[:n], steps[:1]] for n in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with files of each format and their cards, and the plug-in."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "pyproject.toml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    for kind, files, counts in (
        ("rows", {"a.txt": "##.\n#..\n", "b.txt": "...\n", "c.txt": "..#\n"}, "train: 2, valid: 1, test: 1"),
        ("pictures", {"all.txt": "#..#\n" * 15 + ".##.\n" * 5}, "train: 16, valid: 2, test: 2"),
        ("sequences", {"steps.txt": "#.\n##\n.#\n"}, "train: 2, valid: 2, test: 2, steps: 9"),
    ):
        (place := tmp_path / kind).mkdir()
        for name, text in files.items():
            (place / name).write_text(text)
        (place / "card.yaml").write_text(
            f"name: hashes\nkind: {kind}\nabout: Hashes.\nread: {{format: hash-{kind}, files: [{', '.join(files)}]}}\n"
            f"counts: {{{counts}}}\n"
        )
    with installed(tmp_path / "site"):
        yield tmp_path


def test_rows_of_a_plugins_format_are_read_by_their_card(folder):
    data = load_rows("./rows")
    assert [part.tolist() for part in (data.train, data.valid, data.test)] == [
        [[1, 1, 0], [1, 0, 0]],
        [[0, 0, 0]],
        [[0, 0, 1]],
    ]
    assert (data.name, data.binarisation, str(data.spec)) == ("hashes", "bits", "rows of shape (3,)")


def test_pictures_in_one_piece_are_parted_with_their_classes(folder):
    data = load_rows("./pictures")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [16, 2, 2]
    assert data.spec.picture == (2, 2)
    for part, labels in ((data.train, data.train_labels), (data.test, data.test_labels)):
        assert [row.tolist() == [0, 1, 1, 0] for row in part] == (labels == 1).tolist()


def test_sequences_of_a_plugins_format_are_read_by_their_card(folder):
    data = load_sequences("./sequences")
    assert [[len(piece) for piece in part] for part in (data.train, data.valid, data.test)] == [[1, 1], [2, 1], [3, 1]]
    assert data.test[0].tolist() == [[1, 0], [1, 1], [0, 1]]
    assert data.width == 2


@pytest.mark.parametrize("kind", ["rows", "pictures", "sequences"])
def test_the_card_is_verified_and_shown_as_any_other(folder, capsys, kind):
    assert main(["data", "verify", f"./{kind}"]) == 0
    verified = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in verified)
    assert len(verified) >= 3
    assert main(["data", "show", f"./{kind}"]) == 0
    assert f"kind:     {kind}" in capsys.readouterr().out
    (folder / kind / "card.yaml").write_text((folder / kind / "card.yaml").read_text().replace("valid: ", "valid: 1"))
    assert main(["data", "verify", f"./{kind}"]) == 1


def test_a_model_is_trained_on_rows_of_a_plugins_format(folder, capsys):
    (folder / "made.yaml").write_text("model: made\ndata: ./rows\ntrainer: {epochs: 1, threads: 1}\n")
    assert main(["train", "made.yaml"]) == 0
    assert "on 1 test row" in capsys.readouterr().out


def test_what_the_reader_finds_wrong_is_told_with_file_and_line(folder):
    (folder / "rows" / "b.txt").write_text("...\n.x.\n")
    with pytest.raises(DataError, match=r"rows/b\.txt:2: the row '\.x\.'; write # and \. alone$"):
        load_rows("./rows")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", c.txt", "", "read: the format hash-rows reads 3 files, got 2"),
        ("kind: rows", "kind: pictures", "read: pictures have no format 'hash-rows', only digits, mnist"),
        ("hash-rows", "hash-row", "read: rows have no format 'hash-row', only bits, npy, npz, csv, hash-broken, hash-"),
        ("hash-rows", "hash-broken", "format of rows 'hash-broken': the plug-in hashes (hashes_that_are_not_there:row"),
    ],
)
def test_a_card_that_does_not_fit_the_reader_is_one_line(folder, old, new, message):
    card = folder / "rows" / "card.yaml"
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(ConfigError) as told:
        load_parts("./rows")
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_each_kind_has_its_own_formats_and_a_reader_says_how_many_files_it_takes(folder):
    known = {"rows": ROWS, "pictures": PICTURES, "sequences": SEQUENCES}
    assert {kind: table.plugged() for kind, table in known.items()} == {
        "rows": ["hash-broken", "hash-rows"],
        "pictures": ["hash-pictures"],
        "sequences": ["hash-sequences"],
    }
    assert (files_of(rows), files_of(pictures), files_of(ROWS.load("npy"))) == ((3,), (1,), (1, 3))
