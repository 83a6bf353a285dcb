"""Tests of irkit.io.density."""

import gzip
import struct

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io.density import DEBD_SETS, binarised, load_density, read_bits, read_idx


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


def test_digits_are_all_there_once_and_thresholded_at_8_of_16():
    from sklearn.datasets import load_digits

    data = load_density("digits")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [1297, 250, 250]
    ours = np.concatenate([data.train, data.valid, data.test])
    theirs, labels = load_digits(return_X_y=True)
    bits = (theirs >= 8).astype(np.float32)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, bits))
    pairs = np.column_stack([ours, np.concatenate([data.train_labels, data.valid_labels, data.test_labels])])
    assert sorted(map(bytes, pairs)) == sorted(map(bytes, np.column_stack([bits, labels])))
    assert (data.binarisation, data.shape, data.dynamic) == ("threshold", (8, 8), False)


def test_the_binarisation_is_part_of_the_identity():
    one, two = load_density("digits", binarise="sample"), load_density("digits", binarise="sample", seed=2)
    dynamic = load_density("digits", binarise="dynamic")
    assert one.binarisation == "sample, seed 1"
    assert dynamic.dynamic
    assert dynamic.binarisation == "dynamic, seed 1"
    prints = {data.fingerprint for data in (load_density("digits"), one, two, dynamic)}
    assert len(prints) == 4
    assert load_density("digits", binarise="sample").fingerprint == one.fingerprint
    np.testing.assert_array_equal(one.test, dynamic.test)
    assert not np.array_equal(one.train, dynamic.train)
    assert set(np.unique(dynamic.train * 16)) == set(range(17))


def test_a_sample_has_the_probabilities_of_the_grey_values():
    grey = np.tile([0.0, 0.2, 0.9, 1.0], (20_000, 1))
    bits = binarised(grey, "sample", 1, "train")
    np.testing.assert_allclose(bits.mean(0), grey[0], atol=0.015)
    assert bits[:, 0].max() == 0
    assert bits[:, 3].min() == 1
    assert not np.array_equal(bits, binarised(grey, "sample", 1, "valid"))


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
        (gzip.compress(whole)[:-6], "the gzip stream is cut short"),
    ]:
        path.write_bytes(data)
        with pytest.raises(DataError, match=message):
            read_idx(path)


def test_mnist_keeps_the_last_training_images_for_validation(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, n in (("train", 10_005), ("t10k", 3)):
        images, labels = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images), 1))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    data = load_density("mnist", folder=tmp_path)
    assert [len(part) for part in (data.train, data.valid, data.test)] == [5, 10_000, 3]
    np.testing.assert_array_equal(data.test, (images.reshape(3, -1) >= 128).astype(np.float32))
    np.testing.assert_array_equal(data.test_labels, labels)
    small = data.cut(4, 2, 1)
    assert (small.name, len(small.valid_labels), len(small.test)) == ("mnist[4,2,1]", 2, 1)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(4)))
    with pytest.raises(DataError, match=r"t10k must be n images of 28 x 28 and n labels, got \(3, 28, 28\) and \(4,\)"):
        load_density("mnist", folder=tmp_path)


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


def test_missing_sets_and_files_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    with pytest.raises(NotFoundError, match="mnist: is not shipped; set IRKIT_DATA to a folder that holds mnist/"):
        load_density("mnist")
    with pytest.raises(NotFoundError, match="there is no 'debd/nltc'; did you mean debd/nltcs"):
        load_density("debd/nltc")
    with pytest.raises(NotFoundError, match=r"nips.train.data: there is no such file, nor nips.train.data.gz; put it"):
        load_density("debd/nips", folder=tmp_path)
    with pytest.raises(ConfigError, match="digits: unknown binarisation, got 'round'; choose from threshold, sample"):
        load_density("digits", binarise="round")


def test_parts_of_different_width_are_refused(tmp_path):
    folder = tmp_path / "debd" / "nips"
    folder.mkdir(parents=True)
    for part, row in (("train", "0,1\n"), ("valid", "0,1\n"), ("test", "0,1,1\n")):
        (folder / f"nips.{part}.data").write_text(row)
    with pytest.raises(DataError, match="its parts must have one width, got 2, 2, 3"):
        load_density("debd/nips", folder=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sizes", "width"),
    [
        ("mushrooms", [2000, 500, 5624], 112),
        ("dna", [1600, 400, 1186], 180),
        ("nips", [400, 100, 1240], 500),
        ("nltcs", [16181, 2157, 3236], 16),
    ],
)
def test_the_real_binary_sets(data_folder, name, sizes, width):
    assert name in DEBD_SETS
    data = load_density(f"debd/{name}", folder=data_folder)
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(n, width) for n in sizes]
    assert (data.binarisation, data.shape) == ("bits", (1, width))


@pytest.mark.data
def test_the_real_mnist(data_folder):
    data = load_density("mnist", folder=data_folder)
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(50_000, 784), (10_000, 784), (10_000, 784)]
    assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
