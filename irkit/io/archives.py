"""Entries of tar and zip archives, one by one and trusting nothing in them.

Refused: names that climb out of a folder, links and devices in place of files, entries that grow beyond a limit or
hold more bytes than they declare, headers larger than any honest one.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from irkit.errors import DataError

LIMIT = 32 << 30
"Bytes that one archive may unpack to unless the caller says otherwise."
TEXTS = 4 << 30
"Bytes that an archive of texts may unpack to: they are held in memory."

_ENTRIES = 1_000_000  # more than any collection's archive has
_BLOCK = 1 << 20
_TRAILING = 1 << 26
_HEADER = 1 << 20  # bytes of a name or of other facts about one entry
_FACTS = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}


# What the readers of Python raise at one damage or another; also where they take numbers and names apart.
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error, OSError, EOFError, RuntimeError),
    *(ValueError, IndexError, KeyError, OverflowError),
)


class Entry(NamedTuple):
    """One entry, whose name and size are what the archive claims."""

    name: str
    kind: str
    "`file`, `folder`, or `other` for links and devices."
    size: int
    "Declared bytes, unpacked."
    open: Callable[[], IO[bytes]]


@contextmanager
def entries(archive: Path, limit: int = LIMIT) -> Iterator[Iterator[Entry]]:
    """Lend the entries of a tar (plain, gzip, bzip2, xz) or zip file, told by its content.

    Raises
    ------
    DataError
        If the archive is damaged, unsafe, or larger than `limit` bytes; also while its entries are read.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield _checked(archive, _zip_entries(packed), limit)
        else:
            with tarfile.open(archive, tarinfo=_Header) as packed_tar:
                yield _checked(archive, _tar_entries(archive, packed_tar), limit)
    except _TooLong as error:
        raise DataError(f"{archive}: {error}; do not trust this archive") from None
    except DataError:
        raise
    except _DAMAGE as error:
        what = " ".join(str(error).split())[:200] or "it is cut short"
        raise DataError(f"{archive}: is damaged or unreadable: {what}; fetch it again") from None


def blocks(archive: Path, entry: Entry) -> Iterator[bytes]:
    """Yield what an entry holds, which may be no more and no fewer bytes than it declares."""
    copied = 0
    with entry.open() as source:
        while block := source.read(_BLOCK):
            copied += len(block)
            if copied > entry.size:
                raise DataError(
                    f"{archive}: entry {entry.name!r} holds more bytes than it declares; do not trust this archive"
                )
            yield block
    if copied < entry.size:
        raise DataError(f"{archive}: entry {entry.name!r} is cut short; fetch the archive again")


def matching(archive: Path, wanted: re.Pattern[str], limit: int = TEXTS) -> Iterator[tuple[re.Match[str], bytes]]:
    """Yield the files of an archive whose whole names a pattern matches, and their bytes; nothing is written.

    Parameters
    ----------
    archive : Path
    wanted : pattern
    limit : int
        Bytes that all entries may have together.
    """
    with entries(archive, limit) as found:
        for entry in found:
            match = wanted.fullmatch(entry.name)
            if match is None or entry.kind == "folder":
                continue
            if entry.kind != "file":
                raise DataError(f"{archive}: entry {entry.name!r} is a link or device; a plain file is needed there")
            yield match, b"".join(blocks(archive, entry))


class _TooLong(Exception):
    """A header is larger than any honest one."""


class _Header(tarfile.TarInfo):
    """A header of a tar file, which may claim only so much memory for facts about its entry."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _FACTS and header.size > _HEADER:
            raise _TooLong(f"it has a header of {header.size:,} bytes")
        return header


def _checked(archive: Path, found: Iterator[Entry], limit: int) -> Iterator[Entry]:
    total = 0
    for count, entry in enumerate(found, 1):
        _refuse_climbing(archive, entry.name)
        total += entry.size
        if total > limit or count > _ENTRIES:
            what = f"{limit:,} bytes" if total > limit else f"{_ENTRIES:,} entries"
            raise DataError(f"{archive}: it unpacks to more than {what}; unpack it by hand if that is right")
        yield entry


def _zip_entries(packed: zipfile.ZipFile) -> Iterator[Entry]:
    for info in packed.infolist():
        yield Entry(info.filename, _zip_kind(info), info.file_size, partial(packed.open, info))


def _tar_entries(archive: Path, packed: tarfile.TarFile) -> Iterator[Entry]:
    for info in packed:
        yield Entry(info.name, _tar_kind(info), info.size, partial(_tar_open, packed, info))
    rest = 0
    while packed.fileobj and (block := packed.fileobj.read(_BLOCK)):  # only at its end does gzip compare its checksum
        rest += len(block)
        if rest > _TRAILING:
            raise DataError(
                f"{archive}: goes on for more than {_TRAILING:,} bytes behind its end; do not trust this archive"
            )


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if info.is_dir():
        return "folder"
    return "file" if stat.S_IFMT(mode) in {0, stat.S_IFREG} else "other"


def _tar_kind(info: tarfile.TarInfo) -> str:
    return "folder" if info.isdir() else "file" if info.isreg() and not info.issparse() else "other"


def _tar_open(packed: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = packed.extractfile(info)
    assert file is not None  # plain files only
    return file


def _refuse_climbing(archive: Path, name: str) -> None:
    if (
        not name
        or name.startswith("/")
        or ".." in name.split("/")
        or "\\" in name
        or "\0" in name
        or re.match(r"[A-Za-z]:", name)
    ):
        raise DataError(f"{archive}: entry {name!r} would land outside the folder; do not trust this archive")
