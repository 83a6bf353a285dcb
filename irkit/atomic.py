"""Write files so that nobody ever sees half of one: a hidden sibling, fsync, one rename.

Devices, pipes and `-` are no files to replace: they are written into. The hidden sibling of a writer
that was killed is removed by the next one who writes to the same place; it is known by its name
and by the lock on it that ended with its writer.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from irkit.errors import DataError, IrkitError
from irkit.locks import alive
from irkit.packing import kind_of, packed
from irkit.streams import descriptor, duplicate

try:
    import fcntl
except ImportError:  # Windows: leftovers stay, since nothing tells that their writer has ended
    fcntl = None  # type: ignore[assignment]

LEFTOVER = re.compile(r"\..+\.[0-9]+-[0-9a-f]{8}\.tmp")
"Form of the names of hidden siblings."

_OUTPUT = 1


@contextmanager
def writing(path: str | os.PathLike[str], *, pack: bool = False) -> Iterator[BinaryIO]:
    """Lend a binary file; on success it takes the place of `path`, on any failure it is removed.

    The folder of `path` is made if need be. What stood at `path` stays until the last moment, and
    stays for good if the block raises or the disk is full; what replaces it has its permissions. A
    device, a pipe or `-` (standard output) gets the bytes as they come.

    Parameters
    ----------
    path
        A link to a file keeps pointing at it.
    pack : bool
        Compress if the name ends in .gz, .bz2, .xz or .zst.

    Raises
    ------
    DataError
        If the system refuses to write; the message carries its reason.
    BrokenPipeError
        If whoever reads a pipe has stopped.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with writing(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    kind = kind_of(path) if pack else None
    try:
        with _stream(path) if is_stream(path) else replacing(path) as file, packed(file, kind) as out:
            yield out
    except (IrkitError, BrokenPipeError):
        raise
    except OSError as error:
        raise refused(path, error) from error


def write_bytes(path: str | os.PathLike[str], data: bytes, *, pack: bool = False) -> None:
    """Write a whole file at once, as `writing` does."""
    with writing(path, pack=pack) as file:
        file.write(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Lend a file, to write and to read, that takes the place of `path`: `writing` but for streams and `DataError`.

    Raises
    ------
    OSError
        If the system refuses.
    """
    target = Path(os.path.realpath(path))
    fresh = hidden(target)
    mode = _mode(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _collect(target)
        with fresh.open("x+b") as file:
            _lock(file)
            if mode is not None:
                os.chmod(fresh, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name != "nt":
                _rename(fresh, target)  # under the lock: nobody takes it for a leftover
        if os.name == "nt":  # which renames no open file
            _rename(fresh, target)
    finally:
        with suppress(OSError):
            fresh.unlink()


def put(fresh: Path, target: Path) -> None:
    """Rename a finished file onto its place; it and its name are on the disk when this returns."""
    with fresh.open("rb+") as file:  # Windows syncs no file that is only read
        os.fsync(file.fileno())
    _rename(fresh, target)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Say whether an output is a device, a pipe or `-`, which is written into and never replaced."""
    if descriptor(path, _OUTPUT) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refused(path: str | os.PathLike[str], error: OSError) -> DataError:
    """Return the one line about what the system did not let us write."""
    return DataError(f"{path}: cannot write: {error.strerror or error}; check free space and permissions")


def hidden(target: Path) -> Path:
    """Return a new name beside a file, under which it is written until it is complete."""
    return target.with_name(f".{_start(target)}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def _start(target: Path) -> str:
    """Return so much of a name that ours fits into the 255 bytes a name may have."""
    return target.name.encode(errors="surrogateescape")[:100].decode(errors="ignore")


@contextmanager
def _stream(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    number = descriptor(path, _OUTPUT)
    if number is None:
        handle = os.open(path, os.O_WRONLY)
    else:
        for out in (sys.stdout, sys.stderr):  # what was printed before comes before
            if out is not None:
                out.flush()
        handle = duplicate(number)
    with open(handle, "wb") as file:
        yield file


def _rename(fresh: Path, target: Path) -> None:
    os.replace(fresh, target)
    sync_folder(target.parent)


def _mode(target: Path) -> int | None:
    """Return the permissions of the file that is to be replaced, which must be one that may be written."""
    try:
        state = os.stat(target)
    except FileNotFoundError:
        return None
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(state.st_mode)


def _lock(file: BinaryIO) -> None:
    """Mark a file as being written until it is closed, by us or by the end of the process."""
    if fcntl is not None:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _collect(target: Path) -> None:
    """Remove what killed writers of this file left: of exactly our form, not locked, its process gone."""
    if fcntl is None:
        return
    form = re.compile(re.escape(f".{_start(target)}.") + r"([0-9]{1,10})-[0-9a-f]{8}\.tmp")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            found = form.fullmatch(entry.name)
            if found and not alive(int(found.group(1))) and _unlocked(entry.path):
                os.unlink(entry.path)


def _unlocked(path: str) -> bool:
    """Say whether nobody, in another container or on another machine either, is writing a file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
