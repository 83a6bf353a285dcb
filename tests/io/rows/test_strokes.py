"""Tests of irkit.io.rows.strokes."""

import zipfile

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.io import load_sequences
from irkit.io.rows.strokes import strokes

# Two strokes, the second a dot: from the middle of the frame to (52.5, -50.5), two to the right, then to a dot.
DRAWING = "START\n52.5,-50.5,0\n54.5,-50.5,10\nBREAK\n50.5,-54.5,40\nBREAK\n"
MOVES = np.array([[0.0, 2.0, 0], [2.0, 0.0, 1], [-4.0, -4.0, 1]])


def write(path, changed: dict[str, str] | None = None, left_out: tuple[str, ...] = ()):
    names = [f"set/Greek/character01/0394_{drawer:02d}.txt" for drawer in range(1, 21)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("set/", "")
        archive.writestr("__MACOSX/set/Greek/character01/._0394_01.txt", "no drawing")
        for name, text in (dict.fromkeys(names, DRAWING) | (changed or {})).items():
            if name not in left_out:
                archive.writestr(name, text)
    return path


def test_moves_and_lifts_are_those_of_the_pen_in_units_of_the_training_deviation(tmp_path):
    train, valid, test = strokes(write(tmp_path / "a.zip"))
    assert [len(part) for part in (train, valid, test)] == [14, 3, 3]
    deviation = MOVES[:, :2].std()
    for one in (*train, *valid, *test):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, MOVES / [deviation, deviation, 1], rtol=1e-6)
    assert np.concatenate(train)[:, :2].std() == pytest.approx(1, rel=1e-6)


def test_parts_are_by_drawers_and_the_unit_is_that_of_training(tmp_path):
    far = DRAWING.replace("54.5", "154.5")
    train, valid, test = strokes(write(tmp_path / "a.zip", {"set/Greek/character01/0394_15.txt": far}))
    deviation = MOVES[:, :2].std()
    assert valid[0][1, 0] == pytest.approx(102 / deviation, rel=1e-6)
    assert train[0][1, 0] == valid[1][1, 0] == test[0][1, 0] == pytest.approx(2 / deviation, rel=1e-6)


NAME = "set/Greek/character01/0394_03.txt"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "START\n",
        "START\nBREAK\n",
        "1,2,3\nBREAK\n",
        "START\n1,2,3\n",
        "START\n1,2,3\nBREAK\nBREAK\n",
        "START\n1,2,3\nBREAK\n4,5,6\n",
        "START\n1,2\nBREAK\n",
        "START\n1,2,3,4\nBREAK\n",
        "START\n1,x,3\nBREAK\n",
        "START\n1,nan,3\nBREAK\n",
        "START\n1,inf,3\nBREAK\n",
        "START\n1,2,3\nBREAK\n\u00e9",
    ],
)
def test_what_is_no_drawing_is_refused(tmp_path, text):
    with pytest.raises(DataError, match=r"a.zip: set/Greek/character01/0394_03.txt: a drawing is START, then"):
        strokes(write(tmp_path / "a.zip", {NAME: text}))


def test_what_is_no_archive_of_drawings_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a.zip: lacks drawer 3 of Greek/character01; fetch the file again"):
        strokes(write(tmp_path / "a.zip", left_out=(NAME,)))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme", "nothing")
    with pytest.raises(DataError, match=r"b.zip: lacks any drawing; fetch the file again"):
        strokes(tmp_path / "b.zip")
    with pytest.raises(DataError, match=r"c.zip: entry '../Greek/character01/0394_03.txt' would land outside the fold"):
        strokes(write(tmp_path / "c.zip", {"../Greek/character01/0394_03.txt": DRAWING}))
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "d.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"d.zip: is damaged or unreadable"):
        strokes(tmp_path / "d.zip")
    still = {f"set/Greek/character01/0394_{drawer:02d}.txt": "START\n52.5,-52.5,0\nBREAK\n" for drawer in range(1, 21)}
    with pytest.raises(DataError, match=r"e.zip: the pen never moves; fetch the file again"):
        strokes(write(tmp_path / "e.zip", still))


@pytest.mark.data
def test_the_small_set_is_as_its_card_says(data_folder):
    data = load_sequences("omniglot-strokes")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [1904, 408, 408]
    assert sum(len(one) for part in (data.train, data.valid, data.test) for one in part) == 375_709
    moves = np.concatenate(data.train)
    assert moves[:, :2].std() == pytest.approx(1, rel=1e-5)
    assert set(np.unique(moves[:, 2])) == {0.0, 1.0}
    assert all(one[-1, 2] == 1 for one in data.test)
