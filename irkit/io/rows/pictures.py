"""Sets of pictures in formats of their own: grey values in three parts that never change, and labels.

- `digits`: the 8 x 8 digits as scikit-learn carries them, 1,797 lines of 64 grey levels 0..16 and the
  label, in a fixed order: 1,297, 250 and 250. Labels are the digits.
- `mnist`: four idx files; the last 10,000 training pictures are for validation.
- `frey`: 1,965 frames of a face, 28 x 20, an array of bytes or `frey_rawface.mat` (variable `ff`) of the
  official page. They come in the order of the film, so a fixed permutation is cut into 1,565, 200 and
  200, as users of the set do; neighbouring frames are nearly equal, hence parts are not independent. The
  pickle that goes around is not read.
- `olivetti`: 40 people, ten pictures each, 64 x 64, stored column by column. Of each person eight
  pictures drawn by a fixed seed are for training, one for validation, one for testing. Labels are the
  people.
- `omniglot`: 136 characters of five alphabets by 20 drawers each, an archive of pictures of 105 x 105 with
  black ink on white; here ink is 1, and pictures are averaged by area to 28 x 28. Drawers 1 to 14 of each
  alphabet are for training, 15 to 17 for validation, 18 to 20 for testing. Labels are the characters. Not
  to be compared with the 28 x 28 pictures of all 50 alphabets that papers use.

Sources: LeCun, Cortes and Burges, the MNIST database; Roweis, data page (Frey and Olivetti faces;
the latter AT&T Laboratories Cambridge); Lake, Salakhutdinov and Tenenbaum, "Human-level concept
learning through probabilistic program induction", Science 2015 (Omniglot).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import DataError
from irkit.io.lines import opened
from irkit.io.rows.arrays import read_idx, read_npy
from irkit.io.rows.data import Parts
from irkit.io.rows.mat import read_mat
from irkit.packing import bare
from irkit.rng import generator

_DIGITS, _DIGITS_VALID, _DIGITS_TEST = 1797, 250, 250
_MNIST_VALID = 10_000
_FREY = (1965, 28, 20)
_FREY_VALID = _FREY_TEST = 200
_PEOPLE, _EACH = 40, 10
_OLIVETTI_SIDE = 64
_OMNIGLOT_SIDE = 105
_OMNIGLOT_NAME = re.compile(r"(?:^|/)([^/]+/[^/]+)/\d+_(\d\d)\.png$")  # .../Greek/character01/0394_20.png
_DRAWERS = (range(1, 15), range(15, 18), range(18, 21))
_PNG_LIMIT = 1 << 20


def digits(path: Path) -> Parts:
    """Return the digits in a fixed order."""
    try:
        with opened(path) as file:
            table = np.loadtxt(file, delimiter=",")
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path}: must be lines of numbers ({error}); install scikit-learn again") from None
    if table.shape != (_DIGITS, 65):
        raise DataError(
            f"{path}: must be {_DIGITS:,} lines of 65 numbers, got {table.shape}; install scikit-learn again"
        )
    grey, label = table[:, :-1], table[:, -1].astype(np.int64)
    order = generator(0, "digits").permutation(len(grey))
    cuts = [len(grey) - _DIGITS_VALID - _DIGITS_TEST, len(grey) - _DIGITS_TEST]
    return Parts((8, 8), np.split(grey[order] / 16, cuts), np.split(label[order], cuts))


def mnist(train_images: Path, train_labels: Path, test_images: Path, test_labels: Path) -> Parts:
    """Return MNIST with the last 10,000 training images for validation, as its users do."""
    rows: list[Floats] = []
    labels: list[Ints] = []
    for images_path, labels_path in ((train_images, train_labels), (test_images, test_labels)):
        images, classes = read_idx(images_path), read_idx(labels_path)
        if images.ndim != 3 or images.shape[1:] != (28, 28) or classes.shape != images.shape[:1]:
            raise DataError(
                f"{images_path}: must be n images of 28 x 28 beside n labels, got {images.shape} and {classes.shape}; "
                "fetch the files again"
            )
        rows.append(_grey(images))
        labels.append(classes.astype(np.int64))
    cut = max(0, len(rows[0]) - _MNIST_VALID)
    (train, valid), (train_classes, valid_classes) = np.split(rows[0], [cut]), np.split(labels[0], [cut])
    return Parts((28, 28), [train, valid, rows[1]], [train_classes, valid_classes, labels[1]])


def frey(path: Path) -> Parts:
    """Return the Frey faces in a fixed order."""
    if bare(path).suffix == ".mat":
        (columns,) = read_mat(path, ["ff"])
        faces = columns.T.reshape(_FREY) if columns.shape == (560, 1965) else columns
    else:
        faces = read_npy(path)
    if faces.shape != _FREY or faces.dtype != np.uint8:
        raise DataError(
            f"{path}: must be 1,965 pictures of 28 x 20 bytes, got {faces.shape} of {faces.dtype}; fetch the file again"
        )
    shuffled = _grey(faces)[generator(0, "frey").permutation(len(faces))]
    parts = np.split(shuffled, [len(faces) - _FREY_VALID - _FREY_TEST, len(faces) - _FREY_TEST])
    return Parts(_FREY[1:], parts, [np.full(len(part), -1, dtype=np.int64) for part in parts])


def olivetti(path: Path) -> Parts:
    """Return the Olivetti faces, eight, one and one of each person."""
    (columns,) = read_mat(path, ["faces"])
    side, n = _OLIVETTI_SIDE, _PEOPLE * _EACH
    if columns.shape != (side * side, n) or columns.dtype != np.uint8:
        raise DataError(
            f"{path}: faces must be {side * side} x {n} bytes, got {columns.shape} of {columns.dtype}; "
            "fetch the file again"
        )
    grey = _grey(columns.T.reshape(n, side, side).transpose(0, 2, 1))
    shuffled = generator(0, "olivetti").permuted(np.arange(n).reshape(_PEOPLE, _EACH), axis=1)
    chosen = [part.ravel() for part in np.split(shuffled, [_EACH - 2, _EACH - 1], axis=1)]
    return Parts((side, side), [grey[rows] for rows in chosen], [rows // _EACH for rows in chosen])


def omniglot(path: Path) -> Parts:
    """Return the small background set of Omniglot at 28 x 28, parted by drawers."""
    drawings: dict[tuple[str, int], Floats] = {}
    shrink = _area_average(_OMNIGLOT_SIDE, 28)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                match = _OMNIGLOT_NAME.search(entry.filename)
                if match is None:
                    continue
                if entry.file_size > _PNG_LIMIT:
                    raise DataError(
                        f"{path}: {entry.filename} unpacks to {entry.file_size:,} bytes, no such drawing does; "
                        "fetch the file again"
                    )
                ink = _ink(archive.read(entry), f"{path}: {entry.filename}")
                drawings[match[1], int(match[2])] = (shrink @ ink @ shrink.T).astype(np.float32).ravel()
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError):
        raise DataError(f"{path}: the archive is cut short or damaged; fetch it again") from None
    wanted = by_drawers(drawings, path)
    number = {character: at for at, character in enumerate(sorted({character for character, _ in drawings}))}
    parts = [np.stack([drawings[one] for one in part]) for part in wanted]
    labels = [np.array([number[character] for character, _ in part]) for part in wanted]
    return Parts((28, 28), parts, labels)


def by_drawers(drawings: Collection[tuple[str, int]], path: Path) -> list[list[tuple[str, int]]]:
    """Return which drawings, each a character and its drawer, are in each part: all characters, other drawers.

    Raises
    ------
    DataError
        If there is none, or a drawer of a character is missing.
    """
    characters = sorted({character for character, _ in drawings})
    parts = [[(character, drawer) for character in characters for drawer in drawers] for drawers in _DRAWERS]
    lacking = next((one for part in parts for one in part if one not in drawings), None)
    if lacking is not None or not characters:
        what = "any drawing" if lacking is None else f"drawer {lacking[1]} of {lacking[0]}"
        raise DataError(f"{path}: lacks {what}; fetch the file again")
    return parts


def _grey(pictures: Ints) -> Floats:
    """Return bytes (n, rows, columns) as (n, D) float32 in 0..1."""
    return pictures.reshape(len(pictures), -1).astype(np.float32) / 255


def _ink(png: bytes, where: str) -> Floats:
    """Return where a drawing is black, as 0 and 1: (105, 105)."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if picture.size != (_OMNIGLOT_SIDE, _OMNIGLOT_SIDE):  # asked before anything is unpacked
                raise DataError(f"{where}: must be 105 x 105, got {picture.size}; fetch the file again")
            return (np.asarray(picture.convert("L")) < 128).astype(np.float64)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: is no readable PNG file; fetch the archive again") from None


def _area_average(old: int, new: int) -> Floats:
    """Return the weights (new, old) by which pixels of one grid cover those of a coarser one; rows sum to 1."""
    edges = np.arange(new + 1) * old / new
    low, high = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)
    shares: Floats = np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, None) * new / old
    return shares
