"""Lines of files, plain or compressed, and of streams, counted and strictly decoded: the ground of all text readers."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from irkit.errors import DataError, NotFoundError
from irkit.packing import Damaged, unpacked
from irkit.streams import open_bytes
from irkit.wording import no_file, shown

_BOM = b"\xef\xbb\xbf"

LONGEST_LINE = 1 << 25
"Bytes of a line, unpacked; a small gzip file can hold one that fills the memory."
LONGEST_ROW = 1 << 20
"Bytes of a line of ids and numbers."


def bad(path: Path | str, line: int, what: str, todo: str) -> DataError:
    """Return the error `path:line: what; what to do`."""
    return DataError(f"{path}:{line}: {what}; {todo}")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file or a stream for reading bytes, unpacking gzip, bzip2, xz and Zstandard, told by their first bytes.

    Reading from it raises `irkit.packing.Damaged` where a compressed stream is cut or damaged.

    Raises
    ------
    NotFoundError
        If there is no such file, or it is a folder.
    DataError
        If it may not be read.
    """
    if os.path.isdir(path):
        raise NotFoundError(f"{path}: this is a folder, a file is needed here")
    try:
        file = open_bytes(path)
    except FileNotFoundError:
        raise no_file(path) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
    with file:
        try:
            content = unpacked(file)
        except OSError as error:
            raise bad(path, 1, f"cannot be read: {error.strerror or error}", "check the disk") from error
        with content:
            yield content


def raw_lines(path: Path, longest: int | None = None, *, of_text: bool = False) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line without its end) as bytes; a byte-order mark is dropped.

    Parameters
    ----------
    path : Path
    longest : int, optional
        Bytes of a line; default `LONGEST_LINE`.
    of_text : bool
        The file is one text, whose lines may end by carriage returns alone.

    Raises
    ------
    DataError
        If the file is empty, a line has more than `longest` bytes, the file is UTF-16 or its lines end by carriage
        returns alone, or its compressed stream is cut short or damaged.
    """
    line = 0
    longest = LONGEST_LINE if longest is None else longest
    with opened(path) as file:
        try:
            for line, raw in enumerate(iter(partial(file.readline, longest + 1), b""), 1):
                if line == 1:
                    refuse_utf16(path, raw)
                    if not of_text:
                        refuse_carriage_returns(path, raw)
                if len(raw) > longest:
                    what = f"the line has more than {longest:,} bytes"
                    raise bad(path, line, what, "check that this is the right file, and its line ends")
                if line == 1 and raw.startswith(_BOM):
                    raw = raw[len(_BOM) :]
                yield line, raw.rstrip(b"\r\n")
        except Damaged as error:
            raise bad(path, line + 1, str(error), "fetch or pack the file again") from None
        except OSError as error:
            raise bad(path, line + 1, f"cannot be read further: {error.strerror or error}", "check the disk") from error
    if line == 0:
        raise bad(path, 1, "the file is empty", "check that it was written completely")


def refuse_utf16(path: Path, start: bytes) -> None:
    """Raise `DataError` where a file begins with the mark of UTF-16."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise bad(path, 1, "this is UTF-16", "write it as UTF-8 (iconv -f UTF-16 -t UTF-8)")


def refuse_carriage_returns(path: Path, start: bytes) -> None:
    """Raise `DataError` where the lines of a file end by carriage returns alone, as its first bytes have it."""
    if b"\n" not in start and b"\r" in start.strip():
        what = "the lines end by carriage returns alone, as on old Macs"
        raise bad(path, 1, what, "end them by line feeds (tr '\\r' '\\n')")


def lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, text of the line without its end).

    Raises
    ------
    DataError
        As `raw_lines`, and if the bytes do not fit the encoding.
    """
    for line, raw in raw_lines(path):
        yield line, decoded(raw, encoding, path, line)


def decoded(raw: bytes, encoding: str, path: Path | str, line: int) -> str:
    """Decode one line, or say where its first wrong byte is."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        byte = f"byte 0x{raw[error.start]:02x} in column {error.start + 1}"
        todo = "give the file's encoding, such as latin-1 (--encoding latin-1 in commands), or save it as UTF-8"
        raise bad(path, line, f"not valid {encoding}: {byte}", todo) from None


def split_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields between ASCII white space); blank lines are left out."""
    for line, raw in raw_lines(path, LONGEST_ROW):
        parts = raw.split()  # bytes: white space inside ids beyond ASCII stays
        if parts:
            yield line, decoded(b" ".join(parts), encoding, path, line).split(" ")


def head(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of a file, unpacked, or what can be read of them."""
    with opened(path) as file:
        try:
            data = file.read(size)
        except Damaged as error:
            raise bad(path, 1, str(error), "fetch or pack the file again") from None
        except OSError as error:
            raise bad(path, 1, f"cannot be read: {error.strerror or error}", "check the disk") from error
    return data.removeprefix(_BOM)


def content(path: Path) -> bytes:
    """Read a whole file, plain or compressed, or a stream.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it cannot be read to its end.
    """
    with opened(path) as file:
        try:
            return file.read()
        except Damaged as error:
            raise DataError(f"{path}: {error}; fetch or pack the file again") from None
        except OSError as error:
            raise DataError(f"{path}: cannot be read further: {error.strerror or error}; check the disk") from error


def whole(token: str, name: str, path: Path, line: int) -> int:
    """Read a whole number."""
    if token.isascii() and token.lstrip("+-").isdigit():
        try:
            return int(token)
        except ValueError:
            pass
    raise bad(path, line, f"the {name} must be a whole number, got {shown(token)}", "correct the line")


def finite(token: str, name: str, path: Path, line: int) -> float:
    """Read a finite number."""
    try:
        value = float(token) if token.isascii() and "_" not in token else math.nan
    except ValueError:
        value = math.nan
        token = token or "nothing"
    if not math.isfinite(value):
        todo = "decimal commas are not read: write 2.5" if re.fullmatch(r"\d+,\d+", str(token)) else "correct the line"
        raise bad(path, line, f"the {name} must be a finite number, got {shown(token)}", todo)
    return value


def once(seen: dict[Any, int], key: Any, what: str, path: Path, line: int) -> None:
    """Record a key, or say on which line it stood before."""
    before = seen.setdefault(key, line)
    if before != line:
        raise bad(path, line, f"{what} occurs twice, first in line {before}", "remove one of them")
