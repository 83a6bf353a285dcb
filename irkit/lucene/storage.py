"""Arrays and tables in files, read through memory maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from irkit.arrays import Ints


def write_array(path: Path, array: Ints) -> None:
    """Write an npy file of format 1.0."""
    with blocks(path, len(array), array.dtype) as write:
        write(array)


@contextmanager
def blocks(path: Path, size: int, dtype: Any) -> Iterator[Callable[[Ints], None]]:
    """Write a one-dimensional npy file of format 1.0 block by block, with the function it lends.

    Plain writes and no memory map: a full disk must be an `OSError`, not a killed process.
    """
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": (size,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)

        def write(block: Ints) -> None:
            file.write(np.ascontiguousarray(block, dtype=dtype).data)

        yield write


def read_array(path: Path, size: int, dtype: Any) -> Ints | None:
    """Memory-map an npy file; None if it is missing, damaged, or not of this size and type."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(array) if array.shape == (size,) and array.dtype == np.dtype(dtype) else None


def write_strings(path: Path, strings: pa.LargeStringArray) -> None:
    """Write an Arrow file with one column of strings."""
    table = pa.table({"value": strings})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read_strings(path: Path, size: int) -> pa.LargeStringArray | None:
    """Memory-map a file of `write_strings`; None if it is missing, damaged, or not of this size."""
    try:
        column = pa.ipc.open_file(pa.memory_map(str(path))).read_all().column(0)
    except (OSError, pa.ArrowException):
        return None
    if len(column) != size or column.type != pa.large_string():
        return None
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def raw_strings(folder: Path, name: str) -> pa.LargeStringArray:
    """Memory-map the strings that the bridge wrote as `NAME.ptr` (int64 offsets) and `NAME.bytes`."""
    ptr = pa.memory_map(str(folder / f"{name}.ptr")).read_buffer()
    path = folder / f"{name}.bytes"
    data = pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
    return pa.LargeStringArray.from_buffers(ptr.size // 8 - 1, ptr, data)
