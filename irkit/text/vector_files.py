"""Word vectors in files: word2vec and GloVe, text and binary, and irkit's own, told by what is in them.

    3 2                       word2vec: words and dimensions, then a word a line
    storm 0.1 0.2
    storm 0.1 0.2             GloVe: the same without the first line

Numbers are counted from the end of the line, so that words may hold blanks; blanks or tabs separate.
In binary files the numbers are float32, little end first, behind the word and one blank. Irkit's own are `.npz`
archives, which say too whether the words are index terms.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from irkit.arrays import Floats
from irkit.errors import DataError
from irkit.packing import Damaged, bare, unpacked
from irkit.streams import open_bytes

_ZIP = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"
_LONGEST = 1 << 24  # bytes of a line; a small gzip file can hold one that fills the memory
_WIDEST = 1 << 20  # dimensions
_CHUNK = 1 << 20
_CONTROL = bytes(set(range(32)) - set(b"\t\r\n")) + b"\x7f"


def read_vectors(path: Path, limit: int | None = None) -> tuple[list[str], Floats, bool]:
    """Read the words, the matrix (V, d), and whether words are index terms, of a file, packed or not.

    Of a word that comes twice the first vector counts.

    Raises
    ------
    DataError
        `path:line: what is wrong; what to do`.
    """
    try:
        with open_bytes(path) as raw:
            file = unpacked(raw)
            start = file.read(len(_ZIP))
            file.seek(0)
            return _saved(file, path, limit) if start == _ZIP else (*_read(file, path, limit), False)
    except Damaged as error:
        raise _bad(path, 1, str(error), "fetch or pack the file again") from None
    except (OSError, MemoryError) as error:
        raise _bad(path, 1, f"cannot be read: {error or 'out of memory'}", "check the file and the disk") from None


def _read(file: Any, path: Path, limit: int | None) -> tuple[list[str], Floats]:
    first = _line(file, path, 1).removeprefix(_BOM)
    parts = first.split()
    if len(parts) == 2 and all(part.isdigit() and len(part) < 19 for part in parts):
        count, size = map(int, parts)
        if not 0 < size <= _WIDEST:
            raise _bad(path, 1, f"the first line says {size} numbers a word", "name a file of word vectors")
        begin = file.tell()
        sample = file.read(min(64 * size + 4096, _CHUNK))
        file.seek(begin)
        if _is_binary(sample.split(b"\n", 1)[0], size, path):
            rows = _binary(file, path, count, size, limit)
        else:
            rows = _text(file, path, 2, count, size, limit)
    else:
        if first.translate(None, _CONTROL) != first:
            raise _bad(path, 1, "this is neither text nor word2vec's binary form", "name a file of word vectors")
        if len(parts) < 2:
            raise _bad(path, 1, "the first line has no numbers", "name a file of word vectors")
        file.seek(0)
        rows = _text(file, path, 1, None, len(parts) - 1, limit)
    words: dict[str, Floats] = {}
    for line, word, row in rows:
        if not np.isfinite(row).all():
            raise _bad(path, line, f"the vector of {word!r} is not finite", "drop or repair it")
        words.setdefault(word, row)
    if not words:
        raise _bad(path, 1, "the file holds no words", "check that it was written completely")
    return list(words), np.stack(list(words.values()))


def write_vectors(file: BinaryIO, words: list[str], matrix: Floats, analyzed: bool) -> None:
    """Write irkit's own form; no pickle is involved."""
    text = np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)
    np.savez(file, allow_pickle=False, words=text, matrix=matrix, analyzed=np.array(analyzed))


def _saved(raw: Any, path: Path, limit: int | None) -> tuple[list[str], Floats, bool]:
    """Read what `write_vectors` wrote."""
    try:
        with np.load(io.BytesIO(raw.read()), allow_pickle=False) as file:
            words, matrix, analyzed = json.loads(file["words"].tobytes()), file["matrix"], bool(file["analyzed"])
    except (ValueError, TypeError, LookupError, EOFError, OSError, NotImplementedError, zipfile.BadZipFile) as error:
        raise _bad(path, 1, f"not vectors saved by irkit: {error}", "save them again") from None
    return words[:limit], matrix[:limit], analyzed


def _is_binary(line: bytes, size: int, path: Path) -> bool:
    """Say whether what comes behind a first line of two numbers is binary; the name counts only where both may be."""
    if _trailing(line.split()) >= size:
        return False
    return line.translate(None, _CONTROL) != line or bare(path.name).name.endswith(".bin")


def _text(
    file: Any, path: Path, line: int, count: int | None, size: int, limit: int | None
) -> Iterator[tuple[int, str, Floats]]:
    wanted = min(sys.maxsize if count is None else count, limit or sys.maxsize)
    read = 0
    number = line - 1
    while raw := _line(file, path, number := number + 1):
        if not raw.strip():
            continue
        if read == wanted:
            if read == count:
                raise _bad(path, number, f"the first line says {count} words, but there are more", "correct that line")
            return
        raw = raw.removeprefix(_BOM) if number == 1 else raw
        parts = raw.rsplit(None, size)
        word = parts[0].rstrip() if len(parts) > size else b""
        if len(parts) < size or (len(parts) == size and not raw[:1].isspace()) or _ends_with_number(word):
            raise _count(path, number, raw, size)
        try:
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused then
                row = np.array(parts[-size:], dtype=np.float32)
        except ValueError:
            raise _count(path, number, raw, size) from None
        read += 1
        yield number, _decoded(word, path, number), row
    if count is not None and read < wanted:
        raise _bad(path, line + read, f"the first line says {count} words, but there are {read}", "fetch it again")


def _line(file: Any, path: Path, number: int) -> bytes:
    raw: bytes = file.readline(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise _bad(path, number, f"the line has more than {_LONGEST:,} bytes", "name a file of word vectors")
    return raw


def _binary(file: Any, path: Path, count: int, size: int, limit: int | None) -> Iterator[tuple[int, str, Floats]]:
    wanted, width = min(count, limit or sys.maxsize), 4 * size
    data, at = b"", 0
    for number in range(2, wanted + 2):
        while (end := data.find(b" ", at)) < 0 or len(data) - end <= width:
            more = file.read(_CHUNK)
            if not more:
                what = f"the file ends within word {number - 1} of the {count} that its first line says"
                raise _bad(path, number, what, "fetch it again")
            if end < 0 and len(data) - at > _CHUNK:
                raise _bad(path, number, "no word ends here", "name a file of word vectors")
            data, at = data[at:] + more, 0
        word = data[at:end].lstrip(b"\r\n")
        yield number, _decoded(word, path, number), np.frombuffer(data, "<f4", size, end + 1).astype(np.float32)
        at = end + 1 + width
    if wanted == count and (data[at:] + file.read(2)).strip():
        raise _bad(path, wanted + 2, f"the first line says {count} words, but there are more", "correct that line")


def _count(path: Path, line: int, raw: bytes, size: int) -> DataError:
    """Say that a line has not as many numbers as it should."""
    parts = raw.split()
    found = _trailing(parts[1:])
    if found < size and found < len(parts) - 1 and not _is_number(parts[-1]):
        shown = parts[-1][:40].decode(errors="backslashreplace")
        return _bad(path, line, f"the line ends with {shown!r} and not with {size} numbers", "correct the line")
    what = f"there are {found} numbers behind the word, not {size}"
    todo = "correct the line; a word of several parts may not end with a number" if found > size else "correct the line"
    return _bad(path, line, what, todo)


def _ends_with_number(word: bytes) -> bool:
    parts = word.split()
    return len(parts) > 1 and _is_number(parts[-1])


def _trailing(parts: list[bytes]) -> int:
    """Count the numbers at the end of a line."""
    return next((number for number, part in enumerate(reversed(parts)) if not _is_number(part)), len(parts))


def _is_number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _decoded(word: bytes, path: Path, line: int) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        byte = f"byte 0x{word[error.start]:02x} in column {error.start + 1}"
        shown = word[:40].decode(errors="backslashreplace")
        raise _bad(path, line, f"the word {shown!r} is not valid utf-8: {byte}", "correct or drop the line") from None


def _bad(path: Path, line: int, what: str, todo: str) -> DataError:
    return DataError(f"{path}:{line}: {what}; {todo}")
