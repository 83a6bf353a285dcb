"""Sequences for models of sequences, in three parts; and those that are piano rolls.

A piano roll is T steps of the 88 keys, 1 where a key sounds; key 0 is the lowest, MIDI pitch 21. A step without
a note is a step. Published log-likelihoods are per step, averaged over steps or over pieces: say which.

Source: Boulanger-Lewandowski, Bengio and Vincent, "Modeling temporal dependencies in
high-dimensional sequences", ICML 2012 (pieces and parts).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from irkit.arrays import Floats
from irkit.errors import DataError
from irkit.io.kinds import PARTS, Ragged, Sequences, Spec, part_of
from irkit.io.lines import content
from irkit.io.rows.mat import read_mat
from irkit.packing import bare

KEYS = 88
"Keys of a piano."
LOWEST = 21
"MIDI pitch of the first of them."
_PITCHES = frozenset(range(LOWEST, LOWEST + KEYS))
_VARIABLES = {"train": "traindata", "valid": "validdata", "test": "testdata"}


@dataclass(frozen=True)
class SequenceData:
    """Three parts of sequences.

    Parameters
    ----------
    name : str
    width : int
        Values a step, bits or reals.
    train, valid, test : list of (T, width) float32
        T of at least 1 differs from one to the next.
    """

    name: str
    width: int
    train: list[Floats] = field(repr=False)
    valid: list[Floats] = field(repr=False)
    test: list[Floats] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Hash of content and split: 32 hexadecimal digits."""
        found = hashlib.blake2b(f"{self.name}\n{self.width}\n".encode(), digest_size=16)
        for part in _VARIABLES:
            for one in getattr(self, part):
                found.update(f"{part} {one.dtype} {one.shape}\n".encode())
                found.update(np.ascontiguousarray(one).data)
        return found.hexdigest()

    @property
    def details(self) -> dict[str, str]:
        """What else decides the content: nothing."""
        return {}

    @property
    def spec(self) -> Spec:
        """What one sequence looks like."""
        longest = max(len(one) for name in PARTS for one in getattr(self, name))
        return Spec("sequences", (self.width,), longest=longest)

    def part(self, name: str) -> Sequences:
        """Return the sequences of a part."""
        return Sequences(Ragged.of(part_of(self, name)))


def piano(path: Path) -> list[list[Floats]]:
    """Read the pieces of the three parts: (T, 88) float32 each, from a MATLAB file or a JSON file."""
    return _rolls_of_mat(path) if bare(path).suffix == ".mat" else _rolls_of_json(path)


def _rolls_of_mat(path: Path) -> list[list[Floats]]:
    """Return the parts of a MATLAB file: cells of T x 88 matrices."""
    parts = []
    for variable, cells in zip(_VARIABLES.values(), read_mat(path, list(_VARIABLES.values())), strict=True):
        rolls: list[Floats] = []
        for roll in cells.ravel() if cells.dtype == object else []:
            right = isinstance(roll, np.ndarray) and roll.ndim == 2 and roll.shape[1] == KEYS and len(roll)
            if not right or roll.dtype.kind not in "buif" or not np.isin(roll, (0, 1)).all():
                raise _wrong(path, f"{variable} {len(rolls)}", f"a piece is T x {KEYS} zeros and ones")
            rolls.append(roll.astype(np.float32))
        if not rolls:
            raise _wrong(path, variable, "pieces are a row of cells")
        parts.append(rolls)
    return parts


def _rolls_of_json(path: Path) -> list[list[Floats]]:
    """Return the parts of a JSON file: `{"train": [piece, ...], ...}`, a piece being lists of sounding pitches."""
    try:
        tree = json.loads(content(path))
    except (ValueError, RecursionError):
        raise DataError(f"{path}: is no JSON text; fetch the file again") from None
    parts = []
    for part in _VARIABLES:
        pieces = tree.get(part) if isinstance(tree, dict) else None
        if not isinstance(pieces, list) or not pieces:
            raise _wrong(path, part, "pieces are a list")
        parts.append([_roll(piece, path, f"{part} {at}") for at, piece in enumerate(pieces)])
    return parts


def _roll(piece: Any, path: Path, where: str) -> Floats:
    """Turn lists of pitches into a roll: (T, 88) float32."""
    if not isinstance(piece, list) or not piece or not all(_is_step(step) for step in piece):
        raise _wrong(path, where, f"a piece is lists of pitches {LOWEST} to {LOWEST + KEYS - 1}")
    roll = np.zeros((len(piece), KEYS), dtype=np.float32)
    for at, step in enumerate(piece):
        roll[at, [int(pitch) - LOWEST for pitch in step]] = 1
    return roll


def _is_step(step: Any) -> bool:
    # Some pieces of the files have their pitches as 62.0.
    return isinstance(step, list) and all(isinstance(one, (int, float)) and one in _PITCHES for one in step)


def _wrong(path: Path, where: str, what: str) -> DataError:
    return DataError(f"{path}: {where}: {what}, got something else; fetch the file again")
