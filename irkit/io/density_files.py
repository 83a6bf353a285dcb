"""Files that density data come in: idx, rows of bits, arrays of NumPy. None of the readers runs code.

NumPy files are read with pickles disallowed, and pickles not at all: loading one executes what its maker wrote.
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from irkit.arrays import Floats, Ints
from irkit.errors import DataError, NotFoundError
from irkit.io.lines import bad, content, raw_lines

_IDX_BYTES = 0x08  # the idx type code of unsigned bytes


def found(*paths: Path) -> Path:
    """Return the first of `paths` that exists, or its gzip sibling.

    Raises
    ------
    NotFoundError
        If there is none of them.
    """
    for path in paths:
        for one in (path, path.with_name(path.name + ".gz")):
            if one.is_file():
                return one
    others = [paths[0].name + ".gz", *(path.name for path in paths[1:])]
    raise NotFoundError(f"{paths[0]}: there is no such file, nor {' nor '.join(others)}; put it there")


def read_idx(path: Path) -> Ints:
    """Read an array of unsigned bytes in the idx format of MNIST.

    Raises
    ------
    DataError
        If it is not one, or has more or fewer bytes than its header says.
    """
    data = content(path)
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


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Read an array of numbers in NumPy's format.

    Raises
    ------
    DataError
        If it is damaged, or holds objects, which would be a pickle.
    """
    data = content(path)
    try:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except Exception:  # what a damaged file raises depends on where it is damaged
        raise DataError(f"{path}: is no array of numbers, or a damaged one; fetch the file again") from None
