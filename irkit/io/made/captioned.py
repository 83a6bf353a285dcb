"""Digits with captions: each in a corner of a larger picture, and a sentence that says which digit and where.

    the digit seven is at the top left of the image .

Ten digits and four corners make 40 captions. Eight of them, digits 0 to 7 in a corner each, are in the test part alone,
so that one sees whether a model puts together what it knows. A label is 4 times the digit and the corner: 0 top left,
1 top right, 2 bottom left, 3 bottom right. Digits lie up to two pixels off the corner.

Source: the task of Mansimov, Parisotto, Ba and Salakhutdinov, "Generating images from captions with attention", ICLR
2016, section 4.1, at half the size, with one digit a picture and fixed parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.io.kinds import Captioned, DataSet, Ragged
from irkit.io.library.catalogue import load_rows
from irkit.rng import generator

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
WORDS = ("the", "digit", *DIGITS, "is", "at", "top", "bottom", "left", "right", "of", "image", ".")
"The vocabulary."

HELD = {digit: digit % 4 for digit in range(8)}
"The corner in which a digit is never seen in training."

JITTER = 2
"Pixels by which a digit may lie off its corner in each direction."

INK = 0.35
"Grey value above which a pixel of four is 1."

REPEATS = 4
"Pictures made of each small digit of the training part."


def caption(label: int) -> str:
    """Return the caption of a label.

    Examples
    --------
    >>> caption(4 * 7 + 1)
    'the digit seven is at the top right of the image .'
    """
    digit, corner = divmod(label, len(CORNERS))
    return f"the digit {DIGITS[digit]} is at the {CORNERS[corner]} of the image ."


def captioned_mnist() -> DataSet[Captioned]:
    """MNIST at 14 x 14 bits in a corner of 30 x 30, and captions; eight of forty are in the test part alone."""
    data = load_rows("mnist", binarise="none")
    parts = {name: (_halved(data.part(name).x), data.part(name).labels) for name in ("train", "valid", "test")}
    return _data("captioned-mnist", parts, 30, {"ink": f"above {INK:g} of the mean of 2 x 2 pixels"})


def captioned_mnist_shuffled() -> DataSet[Captioned]:
    """The pictures of captioned-mnist, the captions of its training and validation parts shuffled: a control."""
    data = captioned_mnist()
    parts = [data.train, data.valid]
    orders = [generator(0, "captioned-mnist-shuffled", str(n)).permutation(len(part)) for n, part in enumerate(parts)]
    train, valid = (replace(part, caption=part.caption.take(order)) for part, order in zip(parts, orders, strict=True))
    return DataSet("captioned-mnist-shuffled", train, valid, data.test, {**data.details, "captions": "shuffled"})


def captioned_digits() -> DataSet[Captioned]:
    """The embedded 8 x 8 digits in a corner of 20 x 20, and captions; eight of forty are in the test part alone."""
    data = load_rows("digits", binarise="threshold")
    parts = {name: (data.part(name).x.reshape(-1, 8, 8), data.part(name).labels) for name in ("train", "valid", "test")}
    x, labels = parts["train"]
    parts["train"] = np.tile(x, (REPEATS, 1, 1)), np.tile(np.asarray(labels), REPEATS)
    return _data("captioned-digits", parts, 20, {"repeats": f"{REPEATS} of each training digit"})


def put(digits: Any, corners: Ints, off: Ints, side: int) -> Any:
    """Put pictures into the corners of larger ones.

    Parameters
    ----------
    digits : (n, S, S) bits
    corners : (n,) int, 0 to 3
    off : (n, 2) int
        Rows and columns between the digit and its corner.
    side : int
        Of the larger pictures.

    Returns
    -------
    (n, 1, side, side) uint8
    """
    small = digits.shape[1]
    far = np.column_stack([corners // 2, corners % 2]) == 1
    first = np.where(far, side - small - off, off)[:, :, None] + np.arange(small)  # (n, 2, S)
    found = np.zeros((len(digits), 1, side, side), dtype=np.uint8)
    found[np.arange(len(digits))[:, None, None], 0, first[:, 0, :, None], first[:, 1, None, :]] = digits
    return found


def _halved(grey: Floats) -> Any:
    """Average 2 x 2 pixels of pictures (n, 784) and let ink be 1: (n, 14, 14) bool."""
    return grey.reshape(-1, 14, 2, 14, 2).mean((2, 4)) > INK


def _data(name: str, parts: Mapping[str, tuple[Any, Any]], side: int, details: Mapping[str, str]) -> DataSet[Captioned]:
    number = {word: n for n, word in enumerate(WORDS)}
    sentences = np.array([[number[word] for word in caption(n).split()] for n in range(4 * len(DIGITS))])

    def part(which: str) -> Captioned:
        digits, classes = parts[which]
        rng = generator(0, name, which)
        never = np.array([HELD.get(digit, 4) for digit in range(10)])[classes]
        if which == "test":
            corners = rng.integers(0, 4, len(digits))
        else:
            corners = rng.integers(0, np.where(never < 4, 3, 4))
            corners += corners >= never
        pictures = put(digits, corners, rng.integers(0, JITTER + 1, (len(digits), 2)), side)
        labels = 4 * classes + corners
        words = Ragged(sentences[labels].ravel(), np.full(len(labels), sentences.shape[1]))
        return Captioned(pictures, len(WORDS), caption=words, words=WORDS, labels=labels)

    train, valid, test = map(part, ("train", "valid", "test"))
    small = parts["train"][0].shape[1]
    held = " ".join(str(4 * digit + corner) for digit, corner in HELD.items())
    known = {"digit": f"{small} x {small}", "quadrant": str(small + JITTER), "held out": held, **details}
    return DataSet(name, train, valid, test, known)
