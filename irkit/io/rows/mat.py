"""Arrays of MATLAB files, versions 5 to 7: matrices of numbers, and cells of them.

Read here and not by `scipy.io.loadmat`, which a damaged file can bring down together with the
interpreter. Every length is checked before it is used.

Source: The MathWorks, "MAT-File Format", level 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from irkit.errors import DataError
from irkit.io.lines import content

_HEADER = 128
_ENDIAN = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CELL, _NUMBERS = 1, range(6, 16)  # classes of matrices
_COMPLEX = 0x0800
_LIMIT = 1 << 28  # bytes that a variable may unpack to; the largest set has 16 million


def read_mat(path: Path, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    """Read variables of a MATLAB file, plain or gzip.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Variables that are matrices of numbers, or cells of such matrices.

    Returns
    -------
    list of arrays
        In the order of `names`, of the type they are stored in, as a rule the smallest that holds them; cells are
        arrays of objects.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is damaged or of another version, or lacks a variable or has something else in its place.
    """
    data = content(path)
    order = _ENDIAN.get(data[_HEADER - 2 : _HEADER])
    if order is None:
        raise DataError(f"{path}: is no MATLAB file of version 5 to 7; fetch it again, or save it with -v7")
    try:
        variables = dict(_variables(data[_HEADER:], order, names))
    except (ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: is no readable MATLAB file ({error}); fetch it again") from None
    for name in names:
        if name not in variables:
            raise DataError(f"{path}: has no variable {name!r}; fetch the file again, or save your own with it")
    return [variables[name] for name in names]


def _variables(data: bytes, order: str, names: Sequence[str]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the wanted variables of a file without its header."""
    at = 0
    while at < len(data):
        kind, body, at = _element(data, at, order)
        if kind == _COMPRESSED:
            kind, body, _ = _element(_unpacked(body), 0, order)
        if kind != _MATRIX:
            raise ValueError(f"element of type {kind} in place of a variable")
        name, *_ = _head(body, order)
        if name in names:
            yield name, _matrix(body, order, cells=True)


def _unpacked(body: bytes) -> bytes:
    """Return what zlib packed; its checksum is verified."""
    stream = zlib.decompressobj()
    found = stream.decompress(body, _LIMIT)
    if not stream.eof:
        raise ValueError("a packed variable is cut short or too large")
    return found


def _element(data: bytes, at: int, order: str) -> tuple[int, bytes, int]:
    """Return the type and content of the element at a place, and the place of the next one."""
    kind, size = struct.unpack_from(f"{order}II", data, at)
    start, end = at + 8, at + 8 + size
    if kind >> 16:  # four bytes or fewer stand within the tag
        kind, size = kind & 0xFFFF, kind >> 16
        start, end = at + 4, at + 4 + size
        if size > 4:
            raise ValueError(f"a short element of {size} bytes")
    if end > len(data):
        raise ValueError("an element ends after the file")
    return kind, data[start:end], end if kind == _COMPRESSED else at + -(-(end - at) // 8) * 8


def _head(body: bytes, order: str) -> tuple[str, int, list[int], int]:
    """Return name, class and sizes of a matrix, and where its values begin."""
    _, flags, at = _element(body, 0, order)
    (word,) = struct.unpack_from(f"{order}I", flags)
    _, sizes, at = _element(body, at, order)
    _, name, at = _element(body, at, order)
    shape = np.frombuffer(sizes, f"{order}i4").tolist()
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"a matrix of sizes {shape}")
    return name.decode("latin-1"), -1 if word & _COMPLEX else word & 0xFF, shape, at


def _matrix(body: bytes, order: str, *, cells: bool = False) -> npt.NDArray[Any]:
    """Return a matrix of numbers or, if `cells`, one of such matrices; stored column by column."""
    _, code, shape, at = _head(body, order)
    n = math.prod(shape)
    if cells and code == _CELL:
        if n > len(body):
            raise ValueError(f"{n} cells in {len(body)} bytes")
        out = np.empty(n, dtype=object)
        for cell in range(n):
            kind, inner, at = _element(body, at, order)
            if kind != _MATRIX:
                raise ValueError(f"element of type {kind} in a cell")
            out[cell] = _matrix(inner, order)
        return out.reshape(shape, order="F")
    kind, raw, _ = _element(body, at, order)
    if code not in _NUMBERS or kind not in _STORED:
        raise ValueError("something else than real numbers")
    values = np.frombuffer(raw, order + _STORED[kind])
    if len(values) != n:
        raise ValueError(f"{len(values)} numbers in a matrix of {n}")
    return values.astype(_STORED[kind]).reshape(shape, order="F")
