"""Tests of irkit.io.rows.mat, with SciPy's reader and writer as the oracle."""

import gzip
import io
import struct

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from irkit.errors import DataError, NotFoundError
from irkit.io.rows.mat import read_mat


def cells(*matrices: np.ndarray) -> np.ndarray:
    out = np.empty((1, len(matrices)), dtype=object)
    for at, matrix in enumerate(matrices):
        out[0, at] = matrix
    return out


def saved(packed: bool, **variables: np.ndarray) -> bytes:
    file = io.BytesIO()
    savemat(file, variables, do_compression=packed)
    return file.getvalue()


def element(kind: int, body: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(name: bytes, values: np.ndarray, order: str = "<", flags: int = 6) -> bytes:
    """A variable of doubles as the format's document has it."""
    parts = [
        element(6, struct.pack(f"{order}II", flags, 0), order),
        element(5, struct.pack(f"{order}{values.ndim}i", *values.shape), order),
        element(1, name, order),
        element(9, values.astype(f"{order}f8").tobytes("F"), order),
    ]
    return element(14, b"".join(parts), order)


def header(order: str = "<") -> bytes:
    return b"MATLAB 5.0".ljust(124) + (b"\x00\x01IM" if order == "<" else b"\x01\x00MI")


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_made_by_hand_from_the_document(tmp_path, order):
    values = np.array([[1.0, 2.5, -3.0], [4.0, 5.0, 6.0]])
    (tmp_path / "a").write_bytes(header(order) + matrix(b"xs", values, order))
    (found,) = read_mat(tmp_path / "a", ["xs"])
    np.testing.assert_array_equal(found, values)
    assert found.dtype == np.float64
    assert found.dtype.isnative


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_scipy_writes_is_read(tmp_path, packed, pack):
    rng = np.random.default_rng(0)
    variables = {
        name: rng.integers(0, 100, (3, 4)).astype(kind)
        for name, kind in zip("abcdef", "u1 i2 u4 i8 f4 f8".split(), strict=True)
    }
    # Names and values of at most four bytes stand within their tags.
    variables |= {"long_name": rng.random((2, 3, 2)), "tiny": np.array([[7]], dtype=np.uint8), "none": np.zeros((0, 3))}
    variables["rolls"] = cells(np.eye(3, 5, dtype=np.uint8), rng.random((1, 5)))
    (tmp_path / "a").write_bytes(pack(saved(packed, **variables)))
    names = sorted(variables)
    for name, found in zip(names, read_mat(tmp_path / "a", names), strict=True):
        if name == "rolls":
            assert found.shape == (1, 2)
            for one, other in zip(found.ravel(), variables[name].ravel(), strict=True):
                np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_array_equal(found, variables[name])
            assert found.shape == variables[name].shape


def test_other_variables_are_passed_over(tmp_path):
    text = {"title": np.array(["frames"]), "who": {"a": 1}, "complex": np.array([[1j]])}
    (tmp_path / "a").write_bytes(saved(True, **text, x=np.eye(2)))
    np.testing.assert_array_equal(read_mat(tmp_path / "a", ["x"])[0], np.eye(2))
    for name in text:
        with pytest.raises(DataError, match=r"is no readable MATLAB file \(something else than real numbers\)"):
            read_mat(tmp_path / "a", [name])


def test_wrong_files_are_named(tmp_path):
    path = tmp_path / "a.mat"
    with pytest.raises(NotFoundError, match=r"a.mat: there is no such file"):
        read_mat(path, ["x"])
    good = header() + matrix(b"x", np.eye(3))
    packed = saved(True, x=np.eye(30))
    no_sizes = element(14, element(6, bytes([6] + [0] * 7)) + element(5, b"") + element(1, b"x"))
    nested = saved(False, x=cells(cells(np.eye(2))))
    for data, message in [
        (b"", "is no MATLAB file of version 5 to 7; fetch it again, or save it with -v7"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "is no MATLAB file of version 5 to 7"),
        (header() + matrix(b"y", np.eye(3)), "has no variable 'x'; fetch the file again"),
        (good[:-1], r"\(an element ends after the file\)"),
        (packed[:-4] + bytes(4), r"\(Error -3 while decompressing"),
        (packed[:132] + struct.pack("<I", 40) + packed[136:176], r"\(a packed variable is cut short or too large\)"),
        (good + element(9, bytes(8)), r"\(element of type 9 in place of a variable\)"),
        (header() + no_sizes, r"\(a matrix of sizes \[\]\)"),
        (header() + matrix(b"x", np.eye(3))[:-8] + bytes(8), None),
        (header() + matrix(b"x", np.eye(3), flags=6 | 0x0800), r"\(something else than real numbers\)"),
        (good.replace(struct.pack("<ii", 3, 3), struct.pack("<ii", 3, 4)), r"\(9 numbers in a matrix of 12\)"),
        (good.replace(struct.pack("<ii", 3, 3), struct.pack("<ii", -3, 3)), r"\(a matrix of sizes \[-3, 3\]\)"),
        (header() + matrix(b"x", np.zeros((1, 2**20)), flags=1)[:200], r"\(an element ends after the file\)"),
        (header() + matrix(b"x", np.eye(3), flags=1), r"\(element of type 9 in a cell\)"),
        (nested, r"\(something else than real numbers\)"),
    ]:
        path.write_bytes(data)
        if message is None:
            np.testing.assert_array_equal(read_mat(path, ["x"])[0], np.diag([1.0, 1.0, 0.0]))
        else:
            with pytest.raises(DataError, match=message):
                read_mat(path, ["x"])


def test_any_damage_is_an_error_or_harmless(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "a.mat"
    for packed in (False, True):
        good = np.frombuffer(saved(packed, x=cells(np.eye(3, 8), np.eye(2, 8)), y=np.eye(2)), dtype=np.uint8)
        for _ in range(150):
            bad = good.copy()
            bad[rng.integers(0, len(bad), rng.integers(1, 5))] = rng.integers(0, 256)
            path.write_bytes(bad[: rng.integers(len(bad) // 2, len(bad) + 1)].tobytes())
            try:
                found = read_mat(path, ["x", "y"])
            except DataError:
                continue
            assert found[0].dtype == object


@pytest.mark.data
@pytest.mark.parametrize("name", ["olivetti/olivettifaces.mat", "piano-rolls/JSB_Chorales.mat"])
def test_the_real_files_are_read_as_scipy_reads_them(data_folder, name):
    theirs = {key: value for key, value in loadmat(data_folder / name).items() if not key.startswith("_")}
    for (key, value), found in zip(theirs.items(), read_mat(data_folder / name, list(theirs)), strict=True):
        assert (found.shape, found.dtype) == (value.shape, value.dtype), key
        for one, other in zip(found.ravel()[:1000], value.ravel()[:1000], strict=True):
            np.testing.assert_array_equal(one, other)
