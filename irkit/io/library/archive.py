"""Take wanted files out of a tar or zip archive, trusting nothing in it.

Refused: names that climb out of the folder, links and devices in place of files, files that grow
beyond a limit when unpacked. Files are written one by one, each whole or not at all.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from irkit.atomic import writing
from irkit.errors import DataError

LIMIT = 32 << 30
"Bytes that one archive may unpack to unless the caller says otherwise."
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


class _Entry(NamedTuple):
    name: str
    kind: str
    "`file`, `folder`, or `other` for links and devices."
    size: int
    "Declared bytes, unpacked."
    open: Callable[[], IO[bytes]]


def extract(
    archive: Path,
    folder: Path,
    members: Sequence[str],
    *,
    digests: Mapping[str, str | None] | None = None,
    limit: int = LIMIT,
) -> list[Path]:
    """Extract some files of an archive into a folder.

    Parameters
    ----------
    archive : Path
        A tar (plain, gzip, bzip2, xz) or zip file, told by its content.
    folder : Path
        Made if need be.
    members : sequence of str
        Paths as they shall stand in `folder`. An entry belongs to a member if its path is the
        member's or ends with `/` and the member's, so that an enclosing folder does not matter.
    digests : mapping of str to str or None, optional
        The SHA-256 that a member must have; with another one it never gets its place.
    limit : int
        Bytes that all entries may have together.

    Returns
    -------
    list of Path
        The files written, in the order of `members`.

    Raises
    ------
    DataError
        If the archive is damaged, unsafe, too large, lacks a member, holds one twice or one with
        another digest; or if a file cannot be written.
    """
    wanted: dict[str, _Entry] = {}
    total = 0
    try:
        with _entries(archive) as entries:
            for count, entry in enumerate(entries, 1):
                _refuse_climbing(archive, entry.name)
                total += entry.size
                if total > limit or count > _ENTRIES:
                    what = f"{limit:,} bytes" if total > limit else f"{_ENTRIES:,} entries"
                    raise DataError(f"{archive}: it unpacks to more than {what}; unpack it by hand if that is right")
                member = _member(entry.name, members)
                if member is None or entry.kind == "folder":
                    continue
                if entry.kind != "file":
                    raise DataError(
                        f"{archive}: entry {entry.name!r} is a link or device; a plain file is needed there"
                    )
                if member in wanted:
                    both = f"{wanted[member].name!r} and {entry.name!r}"
                    raise DataError(f"{archive}: {member!r} is there twice, as {both}; unpack it by hand")
                wanted[member] = entry
            missing = [member for member in members if member not in wanted]
            if missing:
                raise DataError(
                    f"{archive}: there is no file {missing[0]!r} in it; its layout may have changed, unpack it by hand"
                )
            for member, entry in wanted.items():  # in the order of the archive
                with entry.open() as source, writing(folder / member) as target:
                    digest = _copy(source, target, entry, archive)
                    expected = digests.get(member) if digests else None
                    if expected is not None and digest != expected:
                        raise DataError(
                            f"{archive}: {member} has the SHA-256 {digest}, expected {expected}; "
                            "do not trust this archive"
                        )
    except _TooLong as error:
        raise DataError(f"{archive}: {error}; do not trust this archive") from None
    except DataError:
        raise
    except _DAMAGE as error:
        what = " ".join(str(error).split())[:200] or "it is cut short"
        raise DataError(f"{archive}: is damaged or unreadable: {what}; fetch it again") from None
    return [folder / member for member in members]


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[_Entry]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield (
                _Entry(info.filename, _zip_kind(info), info.file_size, partial(packed.open, info))
                for info in packed.infolist()
            )
    else:
        with tarfile.open(archive, tarinfo=_Header) as packed_tar:
            yield _tar_entries(archive, packed_tar)


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


def _tar_entries(archive: Path, packed: tarfile.TarFile) -> Iterator[_Entry]:
    for info in packed:
        yield _Entry(info.name, _tar_kind(info), info.size, partial(_tar_open, packed, info))
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


def _copy(source: IO[bytes], target: IO[bytes], entry: _Entry, archive: Path) -> str:
    """Copy an entry, which may hold no more bytes than it declares; return its SHA-256."""
    digest = hashlib.sha256()
    copied = 0
    while block := source.read(_BLOCK):
        copied += len(block)
        if copied > entry.size:
            raise DataError(
                f"{archive}: entry {entry.name!r} holds more bytes than it declares; do not trust this archive"
            )
        digest.update(block)
        target.write(block)
    if copied < entry.size:
        raise DataError(f"{archive}: entry {entry.name!r} is cut short; fetch the archive again")
    return digest.hexdigest()


def _refuse_climbing(archive: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    if (
        not name
        or name.startswith("/")
        or ".." in parts
        or "\\" in name
        or "\0" in name
        or re.match(r"[A-Za-z]:", name)
    ):
        raise DataError(f"{archive}: entry {name!r} would land outside the folder; do not trust this archive")


def _member(name: str, members: Sequence[str]) -> str | None:
    name = PurePosixPath(name).as_posix()
    return next((member for member in members if name == member or name.endswith(f"/{member}")), None)
