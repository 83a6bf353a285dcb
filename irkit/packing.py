"""Compressed files: gzip, bzip2, xz and Zstandard, told by their first bytes, written as their names say."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

_LONGEST = 10  # bytes that tell
_KINDS = {
    "gzip": re.compile(rb"\x1f\x8b"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),  # letters alone could be a text's
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd"),
}
_SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_BUFFER = 1 << 17


class Damaged(EOFError):
    """A compressed stream ends too early, or is not what it should be; says of which kind it is."""


def kind_of(name: str | os.PathLike[str]) -> str | None:
    """Return the compression that a file's name asks for.

    Examples
    --------
    >>> kind_of("bm25.run.gz"), kind_of("bm25.run")
    ('gzip', None)
    """
    return _SUFFIXES.get(Path(name).suffix.lower())


def bare(name: str | os.PathLike[str]) -> Path:
    """Return a name without the suffix of a compression.

    Examples
    --------
    >>> bare("results.json.xz").name, bare("results.json").name
    ('results.json', 'results.json')
    """
    path = Path(name)
    return path.with_suffix("") if kind_of(path) else path


def copies(path: Path) -> list[Path]:
    """Return where a file may lie: as it is called, or packed with gzip, or unpacked.

    Examples
    --------
    >>> [one.name for one in copies(Path("a.json"))], [one.name for one in copies(Path("a.json.gz"))]
    (['a.json', 'a.json.gz'], ['a.json.gz', 'a.json'])
    """
    return [path, bare(path) if kind_of(path) else path.with_name(path.name + ".gz")]


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """Return a reader of what a file holds: of its bytes as they are, unless the first ones say it is compressed.

    Reading from it raises `Damaged`, and `OSError` if the system refuses.
    """
    start = file.read(_LONGEST)
    file.seek(0)
    kind = next((kind for kind, magic in _KINDS.items() if magic.match(start)), None)
    return file if kind is None else io.BufferedReader(_Unpacked(file, kind), _BUFFER)


@contextmanager
def packed(file: BinaryIO, kind: str | None) -> Iterator[BinaryIO]:
    """Lend a file whose bytes are compressed on their way into another; the same bytes give the same file."""
    if kind is None:
        yield file
        return
    with _writer(kind, file) as out:
        yield out


def _reader(kind: str, file: IO[bytes]) -> Any:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if kind == "bzip2":
        return bz2.BZ2File(file)
    if kind == "xz":
        return lzma.LZMAFile(file)
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(_Open(file), "r"), "zstd")


def _writer(kind: str, file: BinaryIO) -> Any:
    if kind == "gzip":
        return gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6)
    if kind == "bzip2":
        return bz2.BZ2File(file, "wb")
    if kind == "xz":
        return lzma.LZMAFile(file, "wb")
    return _Zstd(file)


class _Zstd(io.RawIOBase):
    """Arrow's compressor, which would close the file below it."""

    def __init__(self, file: BinaryIO) -> None:
        import pyarrow as pa

        self.out = pa.CompressedOutputStream(pa.PythonFile(_Open(file), "w"), "zstd")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return int(self.out.write(data))

    def close(self) -> None:
        if not self.closed:
            self.out.close()
        super().close()


class _Open(io.RawIOBase):
    """A file that stays open when it is closed."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return int(self.file.readinto(buffer))

    def write(self, data: Any) -> int:
        return int(self.file.write(data))


class _Unpacked(io.RawIOBase):
    """Reads what a decompressor gives; whatever its library raises on wrong bytes becomes `Damaged`.

    Going back means to begin anew.
    """

    def __init__(self, file: IO[bytes], kind: str) -> None:
        self.file = file
        self.kind = kind
        self.at = 0
        self.inner = _reader(kind, file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            while self.read(_BUFFER):
                pass
        target = offset if whence == io.SEEK_SET else self.at + offset
        if target < self.at:
            self.file.seek(0)
            self.at, self.inner = 0, _reader(self.kind, self.file)
        while self.at < target and self.read(min(_BUFFER, target - self.at)):
            pass
        return self.at

    def readinto(self, buffer: Any) -> int:
        try:
            data = cast(bytes, self.inner.read(len(buffer)))
        except (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault, not the compressor's
            raise Damaged(f"the {self.kind} stream is cut short or damaged") from None
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)
