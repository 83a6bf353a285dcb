"""Data for density models: rows in three parts, with how they became bits as part of their identity.

- Pictures: `digits`, `mnist`, `frey`, `olivetti` and `omniglot`; see `irkit.io.density_pictures`.
- `debd/<name>`: a binary density-estimation set (UCI and others, as in the NADE papers), files
  `<name>.train.data`, `.valid.data` and `.test.data`, plain or gzip, in the folder `debd/<name>`.

Sequences of bits are in `irkit.io.density_sequences`.

Grey values become bits by a `threshold` of one half, by one fixed `sample` with p(1) = grey value,
or `dynamic`ally: training keeps its grey values, to be sampled anew for each batch, and the other
parts are a fixed sample. Likelihoods under the three differ by nats and are never to be compared.
For models of reals they can stay as they are, in 0..1.

Source: Larochelle and Murray, "The neural autoregressive distribution estimator", AISTATS 2011 (the
binary sets).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, DataError, NotFoundError, near_misses
from irkit.io.density_files import found, read_bits
from irkit.io.density_pictures import PICTURES, Pictures, digits
from irkit.io.density_sequences import PIANO_SETS
from irkit.io.kinds import PARTS, Rows, Spec, part_of
from irkit.locate import collections_home
from irkit.rng import generator

Binarise: TypeAlias = Literal["threshold", "sample", "dynamic"]
DEBD_SETS = ("adult", "connect4", "dna", "mushrooms", "nips", "nltcs", "ocr_letters", "rcv1")


@dataclass(frozen=True)
class DensityData:
    """Three parts of rows.

    Parameters
    ----------
    name : str
    binarisation : str
        `bits` if the source has bits, `none` if grey values stayed as they are, or how they became bits,
        with the seed where one was used.
    shape : (rows, columns)
        Of the picture a row is; (1, D) if it is none.
    train, valid, test : (n, D) float32
        Bits; `train` holds probabilities of bits if the binarisation is dynamic. Grey values in 0..1 if it is none.
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


def load_density(
    name: str, *, binarise: Binarise | None = "threshold", seed: int = 1, folder: Path | None = None
) -> DensityData:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        `digits`, one of `PICTURES`, or `debd/` and one of `DEBD_SETS`.
    binarise : {"threshold", "sample", "dynamic"}, optional
        How grey values become bits; None leaves them, for models of reals. Sets of bits ignore it.
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
    if binarise is not None and binarise not in get_args(Binarise):
        raise ConfigError(
            f"{name}: unknown binarisation, got {binarise!r}; choose from {', '.join(get_args(Binarise))}"
        )
    if name in PIANO_SETS:
        raise NotFoundError(f"density data: {name!r} is of sequences, not of rows; use load_sequences")
    known = ["digits", *PICTURES, *(f"debd/{one}" for one in DEBD_SETS)]
    if name not in known:
        raise NotFoundError(f"density data: there is no {name!r}; {near_misses(name, known)}")
    if name == "digits":
        return _of_pictures(name, digits(), binarise, seed)
    place = PICTURES[name].folder if name in PICTURES else name
    root = folder or collections_home()
    if root is None:
        raise NotFoundError(f"{name}: is not shipped; set IRKIT_DATA to a folder that holds {place}/")
    if name in PICTURES:
        return _of_pictures(name, PICTURES[name].read(root / place), binarise, seed)
    short = name.removeprefix("debd/")
    rows = [read_bits(found(root / name / f"{short}.{part}.data")) for part in PARTS]
    if len({part.shape[1] for part in rows}) > 1:
        widths = ", ".join(str(part.shape[1]) for part in rows)
        raise DataError(f"{root / name}: its parts must have one width, got {widths}; fetch the set again")
    none = [np.full(len(part), -1, dtype=np.int64) for part in rows]
    return _parts(name, "bits", (1, rows[0].shape[1]), rows, none)


def binarised(grey: Floats, how: Binarise | None, seed: int, part: str) -> Floats:
    """Turn grey values into bits; each part has its own stream.

    Parameters
    ----------
    grey : (n, D) in 0..1
    how : {"threshold", "sample", "dynamic"} or None
        A threshold takes one half and more as 1. Dynamic leaves the part `train` as it is and samples the others;
        None leaves all.
    seed : int
    part : {"train", "valid", "test"}

    Returns
    -------
    (n, D) float32
    """
    if how == "threshold":
        return (grey >= 0.5).astype(np.float32)
    if how is None or (how == "dynamic" and part == "train"):
        return grey.astype(np.float32)
    return (generator(seed, "binarise", part).random(grey.shape, dtype=np.float32) < grey).astype(np.float32)


def _of_pictures(name: str, pictures: Pictures, how: Binarise | None, seed: int) -> DensityData:
    rows = [binarised(grey, how, seed, part) for grey, part in zip(pictures.parts, PARTS, strict=True)]
    binarisation = "none" if how is None else how if how == "threshold" else f"{how}, seed {seed}"
    return _parts(name, binarisation, pictures.shape, rows, pictures.labels)


def _parts(
    name: str, binarisation: str, shape: tuple[int, int], rows: Sequence[Floats], labels: Sequence[Ints]
) -> DensityData:
    (train, valid, test), (train_labels, valid_labels, test_labels) = rows, labels
    return DensityData(name, binarisation, shape, train, valid, test, train_labels, valid_labels, test_labels)
