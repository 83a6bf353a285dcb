"""Rows in three parts, with how they became bits as part of their identity.

Grey values become bits by a `threshold` of one half, by one fixed `sample` with p(1) = grey value,
or `dynamic`ally: training keeps its grey values, to be sampled anew for each batch, and the other
parts are a fixed sample. Likelihoods under the three differ by nats and are never to be compared.
For models of reals they can stay as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import PARTS, Rows, Spec, part_of
from irkit.rng import generator

Binarise: TypeAlias = Literal["threshold", "sample", "dynamic", "none"]


class Parts(NamedTuple):
    """Rows as they were read."""

    shape: tuple[int, ...]
    "Of what a row is: rows and columns of a picture, and channels if it has colour; (1, D) if it is none."
    parts: list[Floats]
    "(n, D) each: three, or one that is still to be parted."
    labels: list[Ints]
    "(n,) int64 each, -1 where there are none."
    bits: bool = False
    "Whether all values are 0 and 1; else they are grey values in 0..1, or reals."


@dataclass(frozen=True)
class DensityData:
    """Three parts of rows.

    Parameters
    ----------
    name : str
    binarisation : str
        `bits` if the source has bits, `none` if grey values stayed as they are, or how they became bits,
        with the seed where one was used.
    shape : (rows, columns) or (rows, columns, channels)
        Of the picture a row is; (1, D) if it is none.
    train, valid, test : (n, D) float32
        Bits; `train` holds probabilities of bits if the binarisation is dynamic. Grey values in 0..1, or other
        reals, if it is none.
    train_labels, valid_labels, test_labels : (n,) int64
        Classes, -1 where there are none.
    """

    name: str
    binarisation: str
    shape: tuple[int, ...]
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

    @property
    def details(self) -> dict[str, str]:
        """What else decides the content."""
        return {"binarisation": self.binarisation}

    @property
    def spec(self) -> Spec:
        """What one row looks like."""
        return self.part("train").spec

    def part(self, name: str) -> Rows:
        """Return the rows of a part with their labels."""
        labels = getattr(self, f"{name}_labels", None)
        dynamic = self.dynamic and name == "train"
        return Rows(part_of(self, name), self.shape, labels=labels, dynamic=dynamic)

    def cut(self, train: int, valid: int, test: int) -> DensityData:
        """Return the first rows of each part."""
        sizes = dict(zip(PARTS, (train, valid, test), strict=True))
        parts = {
            f"{part}{kind}": getattr(self, f"{part}{kind}")[:n] for part, n in sizes.items() for kind in ("", "_labels")
        }
        return DensityData(f"{self.name}[{train},{valid},{test}]", self.binarisation, self.shape, **parts)


def binarised(grey: Floats, how: Binarise, seed: int, part: str) -> Floats:
    """Turn grey values into bits; each part has its own stream.

    Parameters
    ----------
    grey : (n, D) in 0..1
    how : {"threshold", "sample", "dynamic", "none"}
        A threshold takes one half and more as 1. Dynamic leaves the part `train` as it is and samples the others;
        none leaves all.
    seed : int
    part : {"train", "valid", "test"}

    Returns
    -------
    (n, D) float32
    """
    if how == "threshold":
        return (grey >= 0.5).astype(np.float32)
    if how == "none" or (how == "dynamic" and part == "train"):
        return grey.astype(np.float32)
    return (generator(seed, "binarise", part).random(grey.shape, dtype=np.float32) < grey).astype(np.float32)


def rows_of(name: str, read: Parts, how: Binarise, seed: int) -> DensityData:
    """Make data of what was read: rows in one piece are parted, grey values become bits.

    Parameters
    ----------
    name : str
    read : Parts
    how : {"threshold", "sample", "dynamic", "none"}
        None leaves values as they are; rows of bits stay bits.
    seed : int
        Of the parting and of the sample.

    Raises
    ------
    ConfigError
        If there is no such binarisation.
    DataError
        If values beyond 0..1 are to become bits.
    """
    if how not in get_args(Binarise):
        raise ConfigError(f"{name}: unknown binarisation, got {how!r}; choose from {', '.join(get_args(Binarise))}")
    parted = read if len(read.parts) == len(PARTS) else _parted(read, seed)
    if read.bits:
        binarisation, rows = "bits", parted.parts
    else:
        if how != "none":
            _check_range(name, parted.parts)
        binarisation = how if how in ("threshold", "none") else f"{how}, seed {seed}"
        rows = [binarised(grey, how, seed, part) for grey, part in zip(parted.parts, PARTS, strict=True)]
    (train, valid, test), (train_labels, valid_labels, test_labels) = rows, parted.labels
    return DensityData(name, binarisation, read.shape, train, valid, test, train_labels, valid_labels, test_labels)


def _parted(read: Parts, seed: int) -> Parts:
    """Part rows in one piece by a permutation: of ten rows eight to train, one to validate, one to test on."""
    (rows,), (labels,) = read.parts, read.labels
    held = len(rows) // 10
    order = np.split(generator(seed, "parts").permutation(len(rows)), [len(rows) - 2 * held, len(rows) - held])
    return read._replace(parts=[rows[part] for part in order], labels=[labels[part] for part in order])


def _check_range(name: str, parts: list[Floats]) -> None:
    for part, rows in zip(PARTS, parts, strict=True):
        beyond = (rows < 0) | (rows > 1)
        if beyond.any():
            row, column = np.argwhere(beyond)[0]
            raise DataError(
                f"{name}: values must lie in 0..1 to become bits, got {rows[row, column]:g} in row {row + 1}, "
                f"column {column + 1} of {part}; scale them, or keep them as reals "
                "by binarise: none"
            )
