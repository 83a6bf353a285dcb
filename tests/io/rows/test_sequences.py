"""Tests of irkit.io.rows.sequences."""

import gzip
import json

import numpy as np
import pytest
from scipy.io import savemat

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import load_data, load_rows, load_sequences
from irkit.io.library.finding import kind_meant

PIECES = {
    "train": [[[21, 108], [], [60]], [[64.0, 60.0]]],
    "valid": [[[22]]],
    "test": [[[23], [23, 23]]],
}


@pytest.fixture(autouse=True)
def place(request, tmp_path, monkeypatch):
    """The folder of collections of a test; the real one of those that ask for it."""
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    if "data_folder" not in request.fixturenames:
        monkeypatch.setenv("IRKIT_DATA", str(tmp_path))


def roll(piece: list[list[float]]) -> np.ndarray:
    out = np.zeros((len(piece), 88))
    for at, step in enumerate(piece):
        for pitch in step:
            out[at, int(pitch) - 21] = 1
    return out


def cells(rolls: list[np.ndarray]) -> np.ndarray:
    out = np.empty((1, len(rolls)), dtype=object)
    for at, one in enumerate(rolls):
        out[0, at] = one
    return out


def write_mat(folder, **changed: object) -> None:
    folder.mkdir(exist_ok=True)
    names = {"train": "traindata", "valid": "validdata", "test": "testdata"}
    variables = {names[part]: cells([roll(piece).astype(np.uint8) for piece in PIECES[part]]) for part in PIECES}
    savemat(folder / "JSB_Chorales.mat", variables | changed, do_compression=True)


def write_json(folder, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "jsb-chorales-8th.json.gz").write_bytes(gzip.compress(text.encode()))


def test_rolls_are_read_from_pitches_and_from_matrices(tmp_path):
    write_mat(tmp_path / "piano-rolls")
    write_json(tmp_path / "piano-rolls", json.dumps(PIECES))
    one, two = (load_sequences(name) for name in ("piano/jsb", "piano/jsb-8th"))
    for data in (one, two):
        assert data.width == 88
        for part, pieces in PIECES.items():
            rolls = getattr(data, part)
            assert [found.dtype for found in rolls] == [np.float32] * len(pieces)
            for found, piece in zip(rolls, pieces, strict=True):
                np.testing.assert_array_equal(found, roll(piece))
    assert one.train[0].nonzero()[1].tolist() == [0, 87, 39]
    assert one.fingerprint != two.fingerprint  # the name belongs to it
    assert one.fingerprint == load_sequences("piano/jsb").fingerprint
    write_mat(tmp_path / "piano-rolls", testdata=cells([np.eye(2, 88, dtype=np.uint8)]))
    assert load_sequences("piano/jsb").fingerprint != one.fingerprint


@pytest.mark.parametrize(
    "wrong",
    [
        cells([np.zeros((3, 87))]),
        cells([np.full((3, 88), 2)]),
        cells([np.full((3, 88), 0.5)]),
        cells([np.zeros((0, 88))]),
        np.zeros((3, 88)),
    ],
)
def test_wrong_matrices_are_named(tmp_path, wrong):
    write_mat(tmp_path / "piano-rolls", validdata=wrong)
    with pytest.raises(DataError, match=r"JSB_Chorales.mat: validdata.*: (a piece is T x 88 zeros|pieces are a row)"):
        load_sequences("piano/jsb")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"valid": None}, "valid: pieces are a list, got something else; fetch"),
        ({"valid": []}, "valid: pieces are a list"),
        ({"test": [[[60]], []]}, "test 1: a piece is lists of pitches 21 to 108, got something else"),
        ({"test": [[[20]]]}, "test 0: a piece is lists of pitches"),
        ({"test": [[[109]]]}, "test 0: a piece is lists of pitches"),
        ({"test": [[[60.5]]]}, "test 0: a piece is lists of pitches"),
        ({"test": [[["60"]]]}, "test 0: a piece is lists of pitches"),
        ({"test": [[60]]}, "test 0: a piece is lists of pitches"),
        ({"test": [{"60": 60}]}, "test 0: a piece is lists of pitches"),
    ],
)
def test_wrong_pitches_are_named(tmp_path, change, message):
    write_json(tmp_path / "piano-rolls", json.dumps(PIECES | change))
    with pytest.raises(DataError, match=f"jsb-chorales-8th.json.gz: {message}"):
        load_sequences("piano/jsb-8th")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ud800".encode("utf-16", "surrogatepass").decode("latin-1")])
def test_what_is_no_json_is_refused(tmp_path, text):
    write_json(tmp_path / "piano-rolls", text)
    with pytest.raises(DataError, match=r"8th.json.gz: is no JSON text; fetch the file again"):
        load_sequences("piano/jsb-8th")
    write_json(tmp_path / "piano-rolls", "[]")
    with pytest.raises(DataError, match=r"8th.json.gz: train: pieces are a list, got something else"):
        load_sequences("piano/jsb-8th")


def test_missing_sets_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    with pytest.raises(NotFoundError, match=r"piano/jsb: the collection is not .* that holds piano-rolls/JSB_Chor"):
        load_sequences("piano/jsb")
    with pytest.raises(NotFoundError, match="piano: there is no set 'jbs'; did you mean piano/jsb"):
        load_sequences("piano/jbs")
    write_mat(tmp_path / "piano-rolls")
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match="piano/jsb: is of sequences, not of rows; use load_data"):
        load_rows("piano/jsb")
    with pytest.raises(ConfigError, match="digits: is of pictures, not of sequences; use load_data"):
        load_sequences("digits")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "pieces", "steps"),
    [
        ("piano/jsb", (229, 76, 77), (13_807, 4_602, 4_725)),
        ("piano/nottingham", (694, 173, 170), (176_561, 45_513, 44_463)),
        ("piano/jsb-quarter", (229, 76, 77), (13_807, 4_602, 4_725)),
        ("piano/jsb-8th", (229, 76, 77), (27_614, 9_204, 9_450)),
        ("piano/jsb-16th", (229, 76, 77), (55_228, 18_408, 18_900)),
    ],
)
def test_the_real_rolls_have_the_published_counts(data_folder, name, pieces, steps):
    data = load_sequences(name)
    parts = (data.train, data.valid, data.test)
    assert tuple(map(len, parts)) == pieces
    assert tuple(sum(map(len, part)) for part in parts) == steps


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("piano/jsb", "4224a6247745ecc3ac0b3e5d6062a2a0"),
        ("piano/nottingham", "fe8d5a6f026eea2868a84977cf225271"),
        ("piano/jsb-quarter", "4fb4af973dc07d5ce37b2d890bf55731"),
        ("piano/jsb-8th", "e3b1b1ca004c24474882327f7ea941fe"),
        ("piano/jsb-16th", "662b923278c7ee0c5a5897faa9bb9b2a"),
    ],
)
def test_the_real_rolls_never_change(data_folder, name, fingerprint):
    assert load_sequences(name).fingerprint == fingerprint


@pytest.mark.data
def test_the_two_files_of_chorales_in_quarter_notes_agree(data_folder):
    one, two = (load_sequences(name) for name in ("piano/jsb", "piano/jsb-quarter"))
    for part in ("train", "valid", "test"):
        for ours, theirs in zip(getattr(one, part), getattr(two, part), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_rolls_of_ones_own_is_read_by_its_path(tmp_path, packed):
    write_mat(tmp_path)
    path = (tmp_path / "JSB_Chorales.mat").rename(tmp_path / "mine.mat")
    if packed:
        (tmp_path / "mine.mat.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "mine.mat.gz"
    data = load_sequences(path)
    np.testing.assert_array_equal(data.train[0], roll(PIECES["train"][0]))
    assert load_data(str(path)).fingerprint == data.fingerprint
    assert kind_meant(path) == "sequences"
    savemat(tmp_path / "other.mat", {"x": np.eye(3)})
    with pytest.raises(DataError, match=r"other.mat: has no variable 'traindata'"):
        load_sequences(tmp_path / "other.mat")
