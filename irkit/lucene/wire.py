"""What crosses into the JVM and back: strings as one block of bytes, and errors.

A block is little-endian: int32 n, the byte lengths of the n strings (int32), their UTF-8 bytes. Nothing
separates the strings, so any text survives as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from irkit.arrays import offsets
from irkit.errors import ConfigError, JavaError
from irkit.lucene.jvm import message
from irkit.lucene.threads import attached

_HINTS = {
    "heap space": "; set IRKIT_HEAP to more, such as 8g",
    "GC overhead limit": "; set IRKIT_HEAP to more, such as 8g",
    "unmappable characters": "; set LC_ALL=C.UTF-8",  # a path outside the locale's alphabet
}


def pack(strings: Sequence[bytes]) -> bytes:
    """Put strings into one block, at most 2 GiB.

    Examples
    --------
    >>> pack([b"a", b"bc"]).hex(" ", -4)
    '02000000 01000000 02000000 616263'
    """
    head = np.empty(len(strings) + 1, dtype="<i4")
    head[0] = len(strings)
    head[1:] = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))
    return b"".join([head.tobytes(), *strings])


def pack_strings(strings: pa.LargeStringArray) -> bytes:
    """Put strings without nulls into one block, without a Python object for each.

    Examples
    --------
    >>> pack_strings(pa.array(["a", "bc"], pa.large_string())) == pack([b"a", b"bc"])
    True
    """
    _, offset, data = strings.buffers()
    ptr = np.frombuffer(offset, dtype=np.int64)[strings.offset : strings.offset + len(strings) + 1]
    head = np.empty(len(strings) + 1, dtype="<i4")
    head[0] = len(strings)
    head[1:] = np.diff(ptr)
    return b"".join([head.tobytes(), memoryview(data)[ptr[0] : ptr[-1]] if data is not None else b""])


def unpack(block: bytes) -> tuple[pa.LargeStringArray, int]:
    """Read a block at the start of `block`.

    Returns
    -------
    strings : (n,) pyarrow large_string
        Views of `block`, not copies.
    end : int
        Where the block ends, in bytes.

    Examples
    --------
    >>> unpack(pack([b"a", b"bc"]))[0].to_pylist()
    ['a', 'bc']
    """
    n = int(np.frombuffer(block, dtype="<i4", count=1)[0])
    ptr = offsets(np.frombuffer(block, dtype="<i4", count=n, offset=4))
    start = 4 * (n + 1)
    end = start + int(ptr[-1])
    data = pa.py_buffer(block).slice(start, int(ptr[-1]))
    return pa.LargeStringArray.from_buffers(n, pa.py_buffer(ptr), data), end


def no_text(who: str, path: str) -> ConfigError:
    """Return the error for a path that Java cannot express: its bytes are no text, or not to this process."""
    try:
        os.fsencode(path).decode()
        todo = "set LC_ALL=C.UTF-8, for in this locale Python takes letters beyond ASCII for none"
    except UnicodeError:
        todo = "rename it"
    return ConfigError(f"{who}: Java takes only paths that are valid UTF-8, got {path!a}; {todo}")


@contextmanager
def java_errors(who: str) -> Iterator[None]:
    """Turn Java exceptions into one-line errors; enter it once the JVM runs.

    Raises
    ------
    JavaError
        With `who` and what Java said.
    ConfigError
        If a path holds bytes that are no text, which Java cannot express.
    """
    import jnius

    attached()
    try:
        yield
    except UnicodeEncodeError as error:
        raise no_text(who, str(error.object)) from None
    except jnius.JavaException as error:
        hint = next((todo for sign, todo in _HINTS.items() if sign in message(error)), "")
        raise JavaError(f"{who}: {message(error)}{hint}") from error
