"""Tests of irkit.io.rows.arrays."""

import gzip
import io
import pickle
import struct

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.io.rows.arrays import read_bits, read_idx, read_npy


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_are_read_plain_or_packed(tmp_path, pack):
    array = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(pack(idx(array)))
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


def test_what_is_no_idx_file_is_refused(tmp_path):
    whole = idx(np.zeros((2, 3)))
    path = tmp_path / "a"
    for data, message in [
        (b"", "begins with nothing"),
        (b"\x00\x00\x0d\x01" + bytes(8), "begins with 00000d01"),
        (whole[:9], "begins with 00000802"),
        (whole[:-1], "promises 2 x 3 bytes, got 5"),
        (whole + b"\0", "promises 2 x 3 bytes, got 7"),
        (gzip.compress(whole, mtime=0)[:-6], "the gzip stream is cut short"),
    ]:
        path.write_bytes(data)
        with pytest.raises(DataError, match=message):
            read_idx(path)


def test_rows_of_bits_are_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0,1,1\r\n1,0,0\n")
    np.testing.assert_array_equal(read_bits(path), [[0, 1, 1], [1, 0, 0]])


@pytest.mark.parametrize("row", ["0,1,2", "0,1", "0 1 1", "0,1,1,", "", "0,-1,1"])
def test_a_wrong_row_is_named(tmp_path, row):
    path = tmp_path / "a"
    path.write_text(f"0,1,1\n{row}\n")
    with pytest.raises(DataError, match=r"a:2: (a row is 0 and 1|3 bits are needed, got 2)"):
        read_bits(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_arrays_of_numbers_are_read(tmp_path, pack):
    file = io.BytesIO()
    np.save(file, np.arange(6, dtype=np.uint8).reshape(2, 3))
    (tmp_path / "a.npy").write_bytes(pack(file.getvalue()))
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), [[0, 1, 2], [3, 4, 5]])


class Trap:
    """What a pickle may do when it is read."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


def test_pickles_and_damaged_arrays_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    whole, objects = io.BytesIO(), io.BytesIO()
    np.save(whole, np.arange(100))
    np.save(objects, np.array([Trap()], dtype=object), allow_pickle=True)
    for data in (b"", objects.getvalue(), pickle.dumps(Trap()), whole.getvalue()[:-1], whole.getvalue()[:50]):
        path.write_bytes(data)
        with pytest.raises(
            DataError,
            match=r"a.npy: (is no array of numbers, or a|must be an array of numbers, got object|has fewer)",
        ):
            read_npy(path)
