"""Tests of irkit.io.rows.pictures: tiny or made-up files of each format, then the real sets."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from irkit.errors import DataError, NotFoundError
from irkit.io import load_rows


@pytest.fixture(autouse=True)
def place(request, tmp_path, monkeypatch):
    """The folder of collections of a test; the real one of those that ask for it."""
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    if "data_folder" not in request.fixturenames:
        monkeypatch.setenv("IRKIT_DATA", str(tmp_path))


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


def test_digits_are_all_there_once_and_thresholded_at_8_of_16():
    from sklearn.datasets import load_digits

    data = load_rows("digits")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [1297, 250, 250]
    ours = np.concatenate([data.train, data.valid, data.test])
    theirs, labels = load_digits(return_X_y=True)
    bits = (theirs >= 8).astype(np.float32)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, bits))
    pairs = np.column_stack([ours, np.concatenate([data.train_labels, data.valid_labels, data.test_labels])])
    assert sorted(map(bytes, pairs)) == sorted(map(bytes, np.column_stack([bits, labels])))
    assert (data.binarisation, data.shape, data.dynamic) == ("threshold", (8, 8), False)


def test_mnist_keeps_the_last_training_images_for_validation(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, n in (("train", 10_005), ("t10k", 3)):
        images, labels = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images), 1))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    data = load_rows("mnist")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [5, 10_000, 3]
    np.testing.assert_array_equal(data.test, (images.reshape(3, -1) >= 128).astype(np.float32))
    np.testing.assert_array_equal(data.test_labels, labels)
    small = data.cut(4, 2, 1)
    assert (small.name, len(small.valid_labels), len(small.test)) == ("mnist[4,2,1]", 2, 1)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(4)))
    with pytest.raises(
        DataError, match=r"t10k-images.*: must be n images of 28 x 28 beside n labels, got \(3, 28, 28\) and \(4,\)"
    ):
        load_rows("mnist")


# Frey


def frames(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (1965, 28, 20), dtype=np.uint8)


def test_frey_faces_are_the_same_from_either_file(tmp_path):
    faces = frames(np.random.default_rng(0))
    folder = tmp_path / "freyfaces"
    folder.mkdir()
    savemat(folder / "frey_rawface.mat", {"ff": faces.reshape(1965, 560).T})
    columns = load_rows("frey", binarise="none")
    with gzip.open(folder / "freyfaces-uint8-1965x28x20.npy.gz", "wb", 1) as file:
        np.save(file, faces)
    data = load_rows("frey", binarise="none")
    assert data.fingerprint == columns.fingerprint
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(1565, 560), (200, 560), (200, 560)]
    assert (data.shape, data.binarisation, set(data.test_labels)) == ((28, 20), "none", {-1})
    ours = np.rint(255 * np.concatenate([data.train, data.valid, data.test])).astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, faces.reshape(1965, 560)))
    assert not np.array_equal(ours, faces.reshape(1965, 560))
    bits = load_rows("frey")
    np.testing.assert_array_equal(bits.test, (data.test >= 0.5).astype(np.float32))


def test_wrong_frey_faces_are_refused(tmp_path):
    folder = tmp_path / "freyfaces"
    folder.mkdir()
    (folder / "freyfaces.pkl").write_bytes(b"a pickle is no substitute")
    with pytest.raises(
        NotFoundError, match=r"frey: the collection is not on this machine; .*freyfaces/frey_rawface.mat"
    ):
        load_rows("frey")
    savemat(folder / "frey_rawface.mat", {"ff": np.zeros((560, 3), dtype=np.uint8)})
    with pytest.raises(DataError, match=r"must be 1,965 pictures of 28 x 20 bytes, got \(560, 3\) of uint8; fetch"):
        load_rows("frey")
    np.save(folder / "freyfaces-uint8-1965x28x20.npy", np.zeros((1965, 28, 20)))
    with pytest.raises(DataError, match=r"got \(1965, 28, 20\) of float64; fetch"):
        load_rows("frey")


# Olivetti


def test_olivetti_faces_stand_upright_and_each_person_is_in_every_part(tmp_path):
    # Pixel 0 says who, pixel 1 which of the ten; the rest rises from row to row.
    faces = np.tile((np.arange(64)[:, None] + np.zeros(64)).astype(np.uint8), (400, 1, 1))
    faces[:, 0, 0], faces[:, 0, 1] = np.divmod(np.arange(400), 10)
    folder = tmp_path / "olivetti"
    folder.mkdir()
    savemat(folder / "olivettifaces.mat", {"faces": faces.transpose(2, 1, 0).reshape(4096, 400)}, do_compression=True)
    data = load_rows("olivetti", binarise="none")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [320, 40, 40]
    seen = []
    for rows, labels, each in [
        (data.train, data.train_labels, 8),
        (data.valid, data.valid_labels, 1),
        (data.test, data.test_labels, 1),
    ]:
        pictures = np.rint(255 * rows).astype(int).reshape(-1, 64, 64)
        np.testing.assert_array_equal(pictures[:, 0, 0], labels)
        np.testing.assert_array_equal(np.bincount(labels), [each] * 40)
        assert (pictures[:, 1:] == np.arange(1, 64)[:, None]).all()
        seen += list(zip(labels.tolist(), pictures[:, 0, 1].tolist(), strict=True))
    assert sorted(seen) == [(who, which) for who in range(40) for which in range(10)]
    savemat(folder / "olivettifaces.mat", {"faces": np.zeros((4096, 4))})
    with pytest.raises(DataError, match=r"faces must be 4096 x 400 bytes, got \(4096, 4\) of "):
        load_rows("olivetti")


# Omniglot


def drawing(*black: tuple[slice, slice], size: int = 105) -> bytes:
    """A PNG file, white but for some places."""
    pixels = np.full((size, size), 255, dtype=np.uint8)
    for place in black:
        pixels[place] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).convert("1").save(file, "PNG")
    return file.getvalue()


def archive(folder, changed: dict[str, bytes | None] | None = None) -> None:
    """Two characters by twenty drawers; drawer d has d black rows at the top."""
    files = {
        f"images_background_small1/{character}/0{at}_{drawer:02}.png": drawing((slice(0, drawer), slice(None)))
        for at, character in enumerate(("Latin/character01", "Greek/character02"))
        for drawer in range(1, 21)
    }
    files |= {"images_background_small1/Latin/notes.txt": b"nothing"} | (changed or {})
    (folder / "omniglot-small").mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "omniglot-small" / "images_background_small1.zip", "w") as file:
        for name, body in files.items():
            if body is not None:
                file.writestr(name, body)


def test_drawings_are_shrunk_inverted_and_parted_by_drawer(tmp_path):
    archive(tmp_path, {"images_background_small1/Latin/character01/00_20.png": drawing((slice(15, 30), slice(60, 90)))})
    data = load_rows("omniglot", binarise="none")
    assert (data.shape, data.train.dtype) == ((28, 28), np.float32)
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(28, 784), (6, 784), (6, 784)]
    assert data.train_labels.tolist() == [0] * 14 + [1] * 14  # Greek comes before Latin
    # Ink is 1 and its share of the picture stays.
    np.testing.assert_allclose(data.train.mean(1) * 105, [*range(1, 15), *range(1, 15)], rtol=1e-5)
    np.testing.assert_allclose(data.valid.mean(1) * 105, [15, 16, 17, 15, 16, 17], rtol=1e-5)
    # 105 / 28 = 3.75: four rows fill the first row of the small picture and a fifteenth of the second.
    fourth = data.train[3].reshape(28, 28)
    np.testing.assert_allclose(fourth[:3], np.array([1, 0.25 / 3.75, 0])[:, None] + np.zeros(28), atol=1e-6)
    square = np.zeros((28, 28))
    square[4:8, 16:24] = 1
    np.testing.assert_allclose(data.test[5].reshape(28, 28), square, atol=1e-6)


def test_wrong_drawings_are_named(tmp_path):
    first = "images_background_small1/Greek/character02/01_01.png"
    for body, message in [
        (None, "lacks drawer 1 of Greek/character02; fetch the file again"),
        (b"GIF89a", "01_01.png: is no readable PNG file; fetch the archive again"),
        (drawing()[:-30], "01_01.png: is no readable PNG file"),
        (drawing(size=28), r"01_01.png: must be 105 x 105, got \(28, 28\); fetch the file again"),
        (bytes(2 << 20), "01_01.png unpacks to 2,097,152 bytes, no such drawing does"),
    ]:
        archive(tmp_path, {first: body})
        with pytest.raises(DataError, match=message):
            load_rows("omniglot")
    path = tmp_path / "omniglot-small" / "images_background_small1.zip"
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:60] + bytes(40) + whole[100:], b""):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"small1.zip: (the archive is cut short or damaged|.*is no readable PNG)"):
            load_rows("omniglot")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("nothing.txt", b"")
    with pytest.raises(DataError, match="lacks any drawing; fetch the file again"):
        load_rows("omniglot")


@pytest.mark.parametrize(
    ("name", "place"),
    [("frey", "freyfaces"), ("olivetti", "olivetti"), ("omniglot", "omniglot-small"), ("mnist", "mnist")],
)
def test_missing_sets_say_where_they_belong(tmp_path, monkeypatch, name, place):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    todo = f"run 'irkit data get {name}', or set IRKIT_DATA to a folder that holds {place}/"
    with pytest.raises(NotFoundError, match=f"{name}: the collection is not on this machine; {todo}"):
        load_rows(name)


def test_files_of_a_card_of_ones_own_belong_somewhere_too(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    card = "name: bars\nkind: rows\nabout: x\nread: {format: npy, files: [bars.npy]}\n"
    (tmp_path / "data" / "bars.yaml").write_text(card)
    with pytest.raises(NotFoundError, match=r"machine; set IRKIT_DATA to a folder that holds bars/bars\.npy$"):
        load_rows("bars")


# The real sets


@pytest.mark.data
def test_the_real_mnist(data_folder):
    data = load_rows("mnist")
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(50_000, 784), (10_000, 784), (10_000, 784)]
    assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sizes", "shape", "levels"),
    [
        ("frey", [1565, 200, 200], (28, 20), (8, 238)),
        ("olivetti", [320, 40, 40], (64, 64), (0, 242)),
        ("omniglot", [1904, 408, 408], (28, 28), (0, 255)),
    ],
)
def test_the_real_pictures_have_the_published_counts(data_folder, name, sizes, shape, levels):
    data = load_rows(name, binarise="none")
    parts = (data.train, data.valid, data.test)
    assert [part.shape for part in parts] == [(n, shape[0] * shape[1]) for n in sizes]
    assert data.shape == shape
    every = np.concatenate(parts)
    assert (round(255 * float(every.min())), round(255 * float(every.max()))) == levels
    people = np.concatenate([data.train_labels, data.valid_labels, data.test_labels])
    if name != "frey":
        np.testing.assert_array_equal(np.bincount(people), [10] * 40 if name == "olivetti" else [20] * 136)
