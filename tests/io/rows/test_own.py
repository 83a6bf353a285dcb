"""Tests of irkit.io.rows.own: rows from files of one's own, and what is refused."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import load_rows
from irkit.io.rows import arrays, own


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path


def three(data) -> list[np.ndarray]:
    return [data.train, data.valid, data.test]


def packed_rows(rows) -> list[bytes]:
    return sorted(map(bytes, np.ascontiguousarray(rows, dtype=np.float32)))


# One array


def test_one_array_is_parted_by_the_seed_and_every_row_is_in_one_part():
    rows = np.arange(100, dtype=np.float64).reshape(25, 4) / 100
    np.save("my.npy", rows)
    data = load_rows("my.npy", binarise="none")
    assert [len(part) for part in three(data)] == [21, 2, 2]
    assert (data.name, data.shape, data.binarisation) == ("my.npy", (1, 4), "none")
    assert packed_rows(np.concatenate(three(data))) == packed_rows(rows)
    assert not np.array_equal(data.train, rows[:21].astype(np.float32))
    assert load_rows("./my.npy", binarise="none").fingerprint == data.fingerprint
    assert load_rows("my.npy", binarise="none", seed=2).fingerprint != data.fingerprint
    bits = load_rows("my.npy")
    np.testing.assert_array_equal(bits.test, data.test >= 0.5)
    assert set(bits.train_labels) == {-1}


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float64, ">f4"])
def test_zeros_and_ones_are_bits_however_they_are_stored(kind):
    np.save("my.npy", np.asfortranarray(np.tile([[0, 1, 1], [1, 0, 0]], (6, 1)).astype(kind)))
    data = load_rows("my.npy", binarise="dynamic")
    assert (data.binarisation, data.dynamic) == ("bits", False)
    assert packed_rows(np.concatenate(three(data))) == packed_rows([[0, 1, 1], [1, 0, 0]] * 6)


def test_bytes_are_grey_values_and_arrays_of_three_dimensions_are_pictures(here):
    grey = np.arange(240, dtype=np.uint8).reshape(12, 4, 5)
    with gzip.open("my.npy.gz", "wb") as file:
        np.save(file, grey)
    data = load_rows(here / "my.npy.gz", binarise="none")
    assert (data.shape, data.train.shape) == ((4, 5), (10, 20))
    ours = np.rint(255 * np.concatenate(three(data))).astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, grey.reshape(12, 20)))
    sampled = load_rows("my.npy.gz", binarise="sample", seed=3)
    assert sampled.binarisation == "sample, seed 3"
    assert set(np.unique(sampled.train)) <= {0, 1}


def test_reals_stay_reals_and_cannot_become_bits():
    rows = np.random.default_rng(0).normal(size=(20, 3))
    rows[rows < -3] = 0
    np.save("my.npy", rows)
    assert load_rows("my.npy", binarise="none").train.dtype == np.float32
    with pytest.raises(
        DataError, match=r"my.npy: values must lie in 0..1 to become bits, got .* in row \d+, column \d of train"
    ):
        load_rows("my.npy")


# Three parts


def test_three_arrays_stay_three_parts_with_their_labels():
    parts = {"train": np.eye(4), "valid": np.eye(4)[:2], "test": np.eye(4)[2:]}
    np.savez_compressed("my.npz", **parts, train_labels=np.arange(4), valid_labels=np.arange(2))
    data = load_rows("my.npz")
    for part, rows in parts.items():
        np.testing.assert_array_equal(getattr(data, part), rows)
    assert [labels.tolist() for labels in (data.train_labels, data.valid_labels, data.test_labels)] == [
        *([0, 1, 2, 3], [0, 1], [-1, -1])
    ]
    np.savez("one.npz", x=np.eye(12), labels=np.arange(12))
    one = load_rows("one.npz")
    np.testing.assert_array_equal(one.train.argmax(1), one.train_labels)


def test_files_of_a_folder_may_be_the_parts(here):
    (here / "mine").mkdir()
    for part, n in (("train", 4), ("valid", 2), ("test", 3)):
        (here / "mine" / f"{part}.csv").write_text("0,1\n" * n)
    data = load_rows("mine")
    assert [part.shape for part in three(data)] == [(4, 2), (2, 2), (3, 2)]
    assert data.name == "mine"
    for part in ("train", "valid", "test"):
        np.save(here / "mine" / f"{part}.npy", np.eye(3))
    assert load_rows("mine").train.shape == (3, 3), "arrays go before tables"


def test_lines_of_bits_of_any_name_are_a_set(here, monkeypatch):
    monkeypatch.setenv("IRKIT_DATA", str(here / "data"))
    place = here / "data" / "debd" / "bars"
    place.mkdir(parents=True)
    for part, n in (("train", 3), ("valid", 1), ("test", 2)):
        (place / f"bars.{part}.data.gz").write_bytes(gzip.compress(b"0,1,1\n" * n))
    named, given = load_rows("debd/bars"), load_rows(place)
    assert [len(part) for part in three(named)] == [3, 1, 2]
    assert (named.name, given.name, named.binarisation) == ("debd/bars", "bars", "bits")
    np.testing.assert_array_equal(named.train, given.train)
    (here / "debd").mkdir()
    assert load_rows("debd/bars").fingerprint == named.fingerprint, "a folder here is not the card's"
    (place / "bars.test.data.gz").unlink()
    with pytest.raises(
        NotFoundError, match=r"debd: there is no 'debd/bars'.*put bars/bars.train.data and the like below"
    ):
        load_rows("debd/bars")


# Tables


def test_tables_are_read_with_names_of_columns_or_without(here):
    text = "0.5,1e-3,1\r\n\n 0.25 ,0,1\n" * 6
    for name, head in (("bare.csv", ""), ("named.csv", "a,b,c\n"), ("bom.csv", "\ufeffa,b,c\n")):
        (here / name).write_text(head + text, encoding="utf-8")
        rows = np.concatenate(three(load_rows(name, binarise="none")))
        assert packed_rows(rows) == packed_rows([[0.5, 1e-3, 1], [0.25, 0, 1]] * 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n1\n", "t.csv:2: 2 columns are needed, got 1; correct the line"),
        ("1,2\n1,x\n", "t.csv:2: the value in column 2 must be a finite number, got 'x'; correct the line"),
        ("1,2\n1,\n", "t.csv:2: the value in column 2 must be a finite number, got 'nothing'"),
        ("1,2\nnan,2\n", "t.csv:2: the value in column 1 must be a finite number, got 'nan'"),
        ("1,2\n1,inf\n", "t.csv:2: the value in column 2 must be a finite number"),
        ("1,2\n1_0,2\n", "t.csv:2: the value in column 1 must be a finite number, got '1_0'"),
        ("id,2\n1,2\n", "t.csv:1: the value in column 1 must be a finite number, got 'id'"),
        ("a,b\nc,d\n", "t.csv:2: the value in column 1 must be a finite number, got 'c'"),
        ("a,b\n", "t.csv:1: the table has no row of numbers"),
        ("", "t.csv:1: the file is empty"),
        ("1,2\n" * 9, "t.csv: needs 10 rows or more to be parted, got 9; give more, or three parts"),
    ],
)
def test_wrong_tables_are_named_with_line_and_column(here, text, message):
    (here / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        load_rows("t.csv")


# What arrays may not be


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.arange(12.0), r"must have the shape \(n, D\), or .*, got \(12,\); reshape it"),
        (np.zeros((12, 0)), r"must have the shape .*, got \(12, 0\)"),
        (np.zeros((12, 2, 2, 4)), r"must have the shape .*, got \(12, 2, 2, 4\)"),
        (np.array([[1.0, 2.0]] * 11 + [[1.0, np.nan]]), "finite numbers of 32 bits, got nan in row 12, column 2"),
        (np.full((12, 2), 1e300), r"finite numbers of 32 bits, got 1e\+300 in row 1, column 1"),
        (np.array([["a", "b"]] * 12), "must be an array of numbers, got <U1; objects and text are not read"),
        (np.zeros((12, 2), dtype="M8[s]"), "must be an array of numbers, got datetime64"),
        (np.zeros((12, 2), dtype=complex), "must be an array of numbers, got complex128"),
    ],
)
def test_arrays_that_are_no_rows_are_refused(array, message):
    np.save("a.npy", array)
    with pytest.raises(DataError, match=f"a.npy: .*{message}"):
        load_rows("a.npy", binarise="none")


def test_a_pickle_is_not_run(here):
    class Evil:
        def __reduce__(self):
            return (here.joinpath("mark").mkdir, ())

    np.save("a.npy", np.array([[Evil()]], dtype=object), allow_pickle=True)
    np.savez("a.npz", x=np.array([[Evil()]], dtype=object), allow_pickle=True)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DataError, match="must be an array of numbers, got object; objects and text are not read"):
            load_rows(name)
    assert not (here / "mark").exists()


def header(shape: str) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": (1, 1), "fortran_order": False, "descr": "|u1"})
    return file.getvalue().replace(b"(1, 1)", shape.encode())


def test_a_small_file_cannot_promise_a_large_array(here):
    large = header(f"({1 << 40}, 8)")
    (here / "a.npy").write_bytes(large)
    with pytest.raises(DataError, match=r"a.npy: has 8,796,093,022,208 values, more than 536,870,912; give a part"):
        load_rows("a.npy")
    with zipfile.ZipFile("a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", large)
    with pytest.raises(DataError, match=r"a.npz: x: has 8,796,093,022,208 values"):
        load_rows("a.npz")
    (here / "a.npy").write_bytes(header("(1 << 40, 8)"))
    with pytest.raises(DataError, match="is no array of numbers, or a damaged one"):
        load_rows("a.npy")


def test_arrays_of_an_archive_are_bounded_together(here, monkeypatch):
    monkeypatch.setattr(arrays, "MOST", 100)
    np.savez("a.npz", train=np.zeros((30, 2)), valid=np.zeros((20, 2)), test=np.zeros((1, 2)))
    with pytest.raises(DataError, match=r"a.npz: test: has 2 values, more than 100"):
        load_rows("a.npz")


def test_damaged_archives_and_wrong_names_are_refused(here):
    np.savez("a.npz", a=np.zeros((4, 2)), b=np.zeros((4, 2)))
    with pytest.raises(DataError, match="needs arrays train, valid and test, or one array, got a, b; save it so"):
        load_rows("a.npz")
    np.savez("a.npz", train=np.zeros((4, 2)), valid=np.zeros((4, 3)), test=np.zeros((4, 2)))
    with pytest.raises(DataError, match=r"a.npz: train: the parts must have one width, got 2, 3, 2"):
        load_rows("a.npz")
    np.savez("a.npz", x=np.zeros((12, 2)), labels=np.zeros(11))
    with pytest.raises(DataError, match=r"a.npz: x: its labels must be 12 whole numbers, got \(11,\) of float64"):
        load_rows("a.npz")
    np.savez_compressed("a.npz", x=np.random.default_rng(0).random((12, 30)))
    whole = (here / "a.npz").read_bytes()
    for damaged in (b"", whole[:-40], whole[:100] + bytes(40) + whole[140:]):
        (here / "a.npz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"a.npz: (x: )?is no ar\w+ of (numbers|arrays), or a damaged one"):
            load_rows("a.npz")


# Pictures


def picture(path, pixels, mode: str | None = None, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels, dtype=np.uint8))
    (image.convert(mode) if mode else image).save(path, **options)


def test_a_folder_of_grey_pictures_is_read_in_the_order_of_names(here):
    grey = np.random.default_rng(0).integers(0, 256, (12, 4, 6))
    for at, pixels in enumerate(grey):
        picture(here / "faces" / f"{at:02d}.{('png', 'bmp', 'pgm')[at % 3]}", pixels, "RGB" if at % 6 == 0 else None)
    (here / "faces" / "README.txt").write_text("no picture")
    data = load_rows("faces", binarise="none")
    assert (data.name, data.shape) == ("faces", (4, 6))
    ours = np.rint(255 * np.concatenate(three(data))).astype(int)
    assert sorted(map(tuple, ours)) == sorted(map(tuple, grey.reshape(12, -1)))
    np.testing.assert_array_equal(own.pictures(here / "faces").parts[0][3] * 255, grey[3].ravel())


def test_pictures_in_colour_have_channels_and_folders_may_be_the_parts(here):
    colour = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3))
    for at, part in enumerate(("train", "train", "train", "valid", "test")):
        picture(here / "flags" / part / f"{at}.png", colour[at])
    picture(here / "flags" / "test" / "grey.png", np.full((4, 6), 51))
    data = load_rows("flags", binarise="none")
    assert (data.shape, data.train.shape) == ((4, 6, 3), (3, 72))
    np.testing.assert_allclose(255 * data.train[1], colour[1].ravel(), rtol=1e-6)
    np.testing.assert_allclose(data.test[1], np.full(72, 0.2), rtol=1e-6)


def test_wrong_pictures_are_named(here, monkeypatch):
    picture(here / "a" / "1.png", np.zeros((4, 6)))
    picture(here / "a" / "2.png", np.zeros((6, 4)))
    with pytest.raises(DataError, match=r"2.png: must have the size of 1.png, 4 x 6, got 6 x 4; scale the pictures"):
        load_rows("a")
    picture(here / "a" / "2.png", np.zeros((4, 6, 4)))
    with pytest.raises(DataError, match=r"2.png: must be grey or RGB of 8 bits without transparency, got mode RGBA"):
        load_rows("a")
    Image.fromarray(np.zeros((4, 6), dtype=np.uint16)).save(here / "a" / "2.png")
    with pytest.raises(DataError, match=r"2.png: must be grey or RGB of 8 bits .*, got mode I;16"):
        load_rows("a")
    whole = (here / "a" / "1.png").read_bytes()
    for damaged in (b"", whole[:40], b"<svg/>"):
        (here / "a" / "2.png").write_bytes(damaged)
        with pytest.raises(DataError, match=r"2.png: is no readable picture \(.*\); write it again"):
            load_rows("a")


@pytest.mark.parametrize("side", [own.LARGEST_SIDE + 1, 12_000, 60_000])
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked(here, side):
    picture(here / "a" / "1.png", np.zeros((2, 2)))
    data = bytearray((here / "a" / "1.png").read_bytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = __import__("zlib").crc32(data[12:29]).to_bytes(4, "big")
    (here / "a" / "1.png").write_bytes(data)
    with pytest.raises(DataError, match=r"1.png: is (too large, got|no readable picture \(Image size)"):
        load_rows("a")


# Paths


def test_what_is_no_rows_says_what_is(here, monkeypatch):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    (here / "empty").mkdir()
    (here / "x.md").write_text("text")
    for name in ("empty", "x.md"):
        with pytest.raises(ConfigError, match=f"{name}: holds no rows; name a .npy, .npz or .csv file, or a folder of"):
            load_rows(name)
    with pytest.raises(NotFoundError, match=r"\./none.npy: there is no such file or folder"):
        load_rows("./none.npy")
    with pytest.raises(NotFoundError, match="rows: there is no file or set 'digit'; did you mean digits"):
        load_rows("digit")
    with pytest.raises(
        ConfigError, match="lee: holds texts and no rows; use 'irkit run <recipe> lee', in Python load_collection"
    ):
        load_rows("lee")
    monkeypatch.setenv("IRKIT_DATA", str(here))
    (here / "debd" / "dna").mkdir(parents=True)
    for part in ("train", "valid", "test"):
        (here / "debd" / "dna" / f"dna.{part}.data").write_text("0,1\n")
    with pytest.raises(ConfigError, match="debd: is several sets, name one of them: debd/mushrooms, debd/dna"):
        load_rows("debd")


# ---------------------------------------------------------------------- rows that are not parted


@pytest.mark.parametrize("name", ["rows.npy", "rows.npy.gz", "rows.bin", "rows.csv"])
def test_a_matrix_is_an_array_or_a_table_as_its_first_bytes_tell(tmp_path, name):
    rows, raw = np.array([[0.5, -1], [2, 3]]), io.BytesIO()
    np.savetxt(raw, rows, delimiter=",") if name.endswith("csv") else np.save(raw, rows)
    (tmp_path / name).write_bytes(gzip.compress(raw.getvalue()) if name.endswith("gz") else raw.getvalue())
    found = own.matrix(tmp_path / name)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rows)


def test_a_matrix_of_bytes_is_grey_and_one_of_bits_stays(tmp_path):
    np.save(tmp_path / "grey.npy", np.array([[[0, 51], [255, 1]]], dtype=np.uint8))
    np.testing.assert_array_equal(own.matrix(tmp_path / "grey.npy"), np.float32([[0, 51, 255, 1]]) / np.float32(255))
    np.save(tmp_path / "bits.npy", np.array([[0, 1]], dtype=np.uint8))
    np.testing.assert_array_equal(own.matrix(tmp_path / "bits.npy"), [[0, 1]])


def test_a_small_file_cannot_promise_a_large_matrix(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 30, 2)})
    (tmp_path / "bomb.npy").write_bytes(header.getvalue())
    with pytest.raises(DataError, match=r"bomb\.npy: has 2,147,483,648 values, more than 536,870,912; give a part"):
        own.matrix(tmp_path / "bomb.npy")
