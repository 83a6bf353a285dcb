"""Data for density models: rows of bits in three parts, with how they became bits as part of their identity.

- `digits`: the 8 x 8 digits inside scikit-learn, 1,797 images of 16 grey levels.
- `mnist`: the four idx files of MNIST, plain or gzip, in the folder `mnist` of the collections.
- `debd/<name>`: a binary density-estimation set (UCI and others, as in the NADE papers), files
  `<name>.train.data`, `.valid.data` and `.test.data`, plain or gzip, in the folder `debd/<name>`.

Grey values become bits by a `threshold` of one half, by one fixed `sample` with p(1) = grey value,
or `dynamic`ally: training keeps its grey values, to be sampled anew for each batch, and the other
parts are a fixed sample. Likelihoods under the three differ by nats and are never to be compared.

Sources: LeCun, Cortes and Burges, the MNIST database; Larochelle and Murray, "The neural
autoregressive distribution estimator", AISTATS 2011 (the binary sets).
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, DataError, NotFoundError, near_misses
from irkit.io.lines import bad, opened, raw_lines
from irkit.locate import collections_home
from irkit.rng import generator

Binarise: TypeAlias = Literal["threshold", "sample", "dynamic"]
DEBD_SETS = ("adult", "connect4", "dna", "mushrooms", "nips", "nltcs", "ocr_letters", "rcv1")
PARTS = ("train", "valid", "test")

_IDX_BYTES = 0x08  # the idx type code of unsigned bytes
_DIGITS_TEST = _DIGITS_VALID = 250
_MNIST_VALID = 10_000


@dataclass(frozen=True)
class DensityData:
    """Three parts of rows.

    Parameters
    ----------
    name : str
    binarisation : str
        `bits` if the source has bits, or how grey values became bits, with the seed where one was used.
    shape : (rows, columns)
        Of the picture a row is; (1, D) if it is none.
    train, valid, test : (n, D) float32
        Bits; `train` holds probabilities of bits if the binarisation is dynamic.
    train_labels, valid_labels, test_labels : (n,) int64
        Classes, -1 where there are none.
    """

    name: str
    binarisation: str
    shape: tuple[int, int]
    train: Floats = field(repr=False)
    valid: Floats = field(repr=False)
    test: Floats = field(repr=False)
    train_labels: Ints = field(repr=False)
    valid_labels: Ints = field(repr=False)
    test_labels: Ints = field(repr=False)

    @property
    def dynamic(self) -> bool:
        """Whether training rows are to be sampled anew for each batch."""
        return self.binarisation.startswith("dynamic")

    @property
    def fingerprint(self) -> str:
        """Hash of content, split and binarisation: 32 hexadecimal digits."""
        found = hashlib.blake2b(f"{self.name}\n{self.binarisation}\n{self.shape}\n".encode(), digest_size=16)
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                found.update(f"{one.name} {value.dtype} {value.shape}\n".encode())
                found.update(np.ascontiguousarray(value).data)
        return found.hexdigest()

    def cut(self, train: int, valid: int, test: int) -> DensityData:
        """Return the first rows of each part."""
        sizes = dict(zip(PARTS, (train, valid, test), strict=True))
        parts = {
            f"{part}{kind}": getattr(self, f"{part}{kind}")[:n] for part, n in sizes.items() for kind in ("", "_labels")
        }
        return DensityData(f"{self.name}[{train},{valid},{test}]", self.binarisation, self.shape, **parts)


def load_density(
    name: str, *, binarise: Binarise = "threshold", seed: int = 1, folder: Path | None = None
) -> DensityData:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        `digits`, `mnist`, or `debd/` and one of `DEBD_SETS`.
    binarise : {"threshold", "sample", "dynamic"}
        How grey values become bits; sets of bits ignore it.
    seed : int
        Of the fixed sample.
    folder : path, optional
        Folder of collections; default what IRKIT_DATA names.

    Raises
    ------
    NotFoundError
        If there is no such set, or a file of it is missing; the message says where it belongs.
    DataError
        If a file cannot be read.
    """
    if binarise not in get_args(Binarise):
        raise ConfigError(
            f"{name}: unknown binarisation, got {binarise!r}; choose from {', '.join(get_args(Binarise))}"
        )
    if name == "digits":
        return _binarised("digits", (8, 8), *_digits(), binarise, seed)
    known = ["digits", "mnist", *(f"debd/{one}" for one in DEBD_SETS)]
    if name not in known:
        raise NotFoundError(f"density data: there is no {name!r}; {near_misses(name, known)}")
    root = folder or collections_home()
    if root is None:
        raise NotFoundError(f"{name}: is not shipped; set IRKIT_DATA to a folder that holds {name}/")
    if name == "mnist":
        return _binarised("mnist", (28, 28), *_mnist(root / name), binarise, seed)
    short = name.removeprefix("debd/")
    rows = [read_bits(found(root / name / f"{short}.{part}.data")) for part in PARTS]
    if len({part.shape[1] for part in rows}) > 1:
        widths = ", ".join(str(part.shape[1]) for part in rows)
        raise DataError(f"{root / name}: its parts must have one width, got {widths}; fetch the set again")
    none = [np.full(len(part), -1, dtype=np.int64) for part in rows]
    return _parts(name, "bits", (1, rows[0].shape[1]), rows, none)


def binarised(grey: Floats, how: Binarise, seed: int, part: str) -> Floats:
    """Turn grey values into bits; each part has its own stream.

    Parameters
    ----------
    grey : (n, D) in 0..1
    how : {"threshold", "sample", "dynamic"}
        A threshold takes one half and more as 1. Dynamic leaves the part `train` as it is and samples the others.

    Returns
    -------
    (n, D) float32
    """
    if how == "threshold":
        return (grey >= 0.5).astype(np.float32)
    if how == "dynamic" and part == "train":
        return grey.astype(np.float32)
    return (generator(seed, "binarise", part).random(grey.shape, dtype=np.float32) < grey).astype(np.float32)


def found(path: Path) -> Path:
    """Return `path` or its gzip sibling, whichever there is.

    Raises
    ------
    NotFoundError
        If there is neither.
    """
    packed = path.with_name(path.name + ".gz")
    if path.is_file() or packed.is_file():
        return path if path.is_file() else packed
    raise NotFoundError(f"{path}: there is no such file, nor {packed.name}; put it there")


def read_idx(path: Path) -> Ints:
    """Read an array of unsigned bytes in the idx format of MNIST.

    Raises
    ------
    DataError
        If it is not one, or has more or fewer bytes than its header says.
    """
    with opened(path) as file:
        try:
            data = file.read()
        except (EOFError, OSError, zlib.error):
            raise DataError(f"{path}: the gzip stream is cut short or damaged; fetch or pack the file again") from None
    if len(data) < 4 or data[:3] != bytes([0, 0, _IDX_BYTES]) or len(data) < 4 + 4 * data[3]:
        raise DataError(
            f"{path}: is no idx file of bytes, it begins with {data[:4].hex() or 'nothing'}; fetch it again"
        )
    start = 4 + 4 * data[3]
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    if math.prod(shape) != len(data) - start:
        raise DataError(
            f"{path}: the header promises {' x '.join(map(str, shape))} bytes, got {len(data) - start}; fetch it again"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def read_bits(path: Path) -> Floats:
    """Read rows of 0 and 1 separated by commas: (n, D) float32.

    Raises
    ------
    DataError
        If a row has another width than the first, or holds anything else.
    """
    rows: list[Floats] = []
    for line, raw in raw_lines(path):
        codes = np.frombuffer(raw, dtype=np.uint8)
        bits = codes[::2] - ord("0")
        if len(codes) % 2 == 0 or (bits > 1).any() or (codes[1::2] != ord(",")).any():
            raise bad(path, line, "a row is 0 and 1 separated by commas", "correct the line")
        if rows and len(bits) != len(rows[0]):
            raise bad(path, line, f"{len(rows[0])} bits are needed, got {len(bits)}", "correct the line")
        rows.append(bits.astype(np.float32))
    return np.stack(rows)


def _binarised(
    name: str,
    shape: tuple[int, int],
    parts: Sequence[Floats],
    labels: Sequence[Ints],
    how: Binarise,
    seed: int,
) -> DensityData:
    rows = [binarised(grey, how, seed, part) for grey, part in zip(parts, PARTS, strict=True)]
    return _parts(name, how if how == "threshold" else f"{how}, seed {seed}", shape, rows, labels)


def _parts(
    name: str, binarisation: str, shape: tuple[int, int], rows: Sequence[Floats], labels: Sequence[Ints]
) -> DensityData:
    (train, valid, test), (train_labels, valid_labels, test_labels) = rows, labels
    return DensityData(name, binarisation, shape, train, valid, test, train_labels, valid_labels, test_labels)


def _digits() -> tuple[list[Floats], list[Ints]]:
    """Return the digits in a fixed order: grey values in 0..1 and labels of 1297, 250 and 250 images."""
    from sklearn.datasets import load_digits

    grey, label = load_digits(return_X_y=True)
    order = generator(0, "digits").permutation(len(grey))
    cuts = [len(grey) - _DIGITS_VALID - _DIGITS_TEST, len(grey) - _DIGITS_TEST]
    return np.split(grey[order] / 16, cuts), np.split(label[order].astype(np.int64), cuts)


def _mnist(folder: Path) -> tuple[list[Floats], list[Ints]]:
    """Return MNIST with the last 10,000 training images for validation, as its users do."""
    parts: list[Floats] = []
    labels: list[Ints] = []
    for part in ("train", "t10k"):
        images = read_idx(found(folder / f"{part}-images-idx3-ubyte"))
        classes = read_idx(found(folder / f"{part}-labels-idx1-ubyte"))
        if images.ndim != 3 or images.shape[1:] != (28, 28) or classes.shape != images.shape[:1]:
            raise DataError(
                f"{folder}: {part} must be n images of 28 x 28 and n labels, got {images.shape} and {classes.shape}; "
                "fetch the files again"
            )
        parts.append(images.reshape(len(images), -1).astype(np.float32) / 255)
        labels.append(classes.astype(np.int64))
    cut = max(0, len(parts[0]) - _MNIST_VALID)
    (train, valid), (train_labels, valid_labels) = np.split(parts[0], [cut]), np.split(labels[0], [cut])
    return [train, valid, parts[1]], [train_labels, valid_labels, labels[1]]
