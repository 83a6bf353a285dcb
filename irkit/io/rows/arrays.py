"""Files that rows come in: idx, lines of bits, arrays of NumPy. None of the readers runs code.

NumPy files are read with pickles disallowed, and pickles not at all: loading one executes what its maker wrote.
What a header promises is bounded before it is read, so that a small file cannot fill the memory.
"""

from __future__ import annotations

import math
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from irkit.arrays import Floats, Ints
from irkit.errors import DataError
from irkit.io.lines import bad, content, opened, raw_lines
from irkit.wording import no_file

MOST = 1 << 29
"Values that arrays, tables and pictures may have together."

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_IDX_BYTES = 0x08  # the idx type code of unsigned bytes


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
    NotFoundError
        If there is no such file.
    DataError
        If it is damaged or too large, or holds objects, which would be a pickle.
    """
    with opened(path) as file:
        return _array(file, str(path))


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an archive of NumPy by name; errors are those of `read_npy`."""
    found: dict[str, npt.NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    name = entry.filename.removesuffix(".npy")
                    found[name] = _array(file, f"{path}: {name}", MOST - sum(one.size for one in found.values()))
    except FileNotFoundError:
        raise no_file(path) from None
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise DataError(f"{path}: is no archive of arrays, or a damaged one ({error}); save it again") from None
    return found


def _array(file: IO[bytes], where: str, most: int = MOST) -> npt.NDArray[Any]:
    """Read one array; nothing is allocated before its size is known to be bounded."""
    try:
        shape, fortran, kind = _HEADERS[np.lib.format.read_magic(file)](file)
        size = math.prod(shape)
        data = b"" if kind.kind not in "buif" or size > most else file.read(size * kind.itemsize + 1)
    except Exception:  # what a damaged file raises depends on where it is damaged
        raise DataError(f"{where}: is no array of numbers, or a damaged one; fetch or save the file again") from None
    if kind.kind not in "buif":
        raise DataError(f"{where}: must be an array of numbers, got {kind}; objects and text are not read")
    if size > most:
        raise DataError(f"{where}: has {size:,} values, more than {MOST:,}; give a part of them")
    if len(data) != size * kind.itemsize:
        raise DataError(f"{where}: has fewer or more values than its header says; fetch or save the file again")
    values = np.frombuffer(data, dtype=kind)
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
