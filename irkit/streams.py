"""Devices, pipes and `-`: paths whose bytes can be had only once, or written only one after the other.

What is read of a stream is kept in a file without a name, which the system removes with the process,
so that a format can be told from the first bytes and a file be read a second time. The source is
read no faster than the bytes are asked for. While anybody holds the stream (see `hold`), every
opening of the same source gives the same bytes from the first on.
"""

from __future__ import annotations

import errno
import io
import os
import re
import select
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any
from weakref import WeakValueDictionary, finalize

STANDARD = "-"
"Names standard input where something is read, standard output where something is written."

_INPUT, _OUTPUT = 0, 1
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")
_NAMED = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_STANDARD = ("__stdin__", "__stdout__", "__stderr__")
_CHUNK = 1 << 16
_LINKS = 40


def descriptor(path: str | os.PathLike[str], standard: int) -> int | None:
    """Return the number of an open file that a path names, such as `/dev/fd/63`; `standard` for `-`."""
    text = os.fspath(path)
    if text == STANDARD:
        return standard
    for _ in range(_LINKS):
        found = _DESCRIPTOR.fullmatch(text)
        if found or text in _NAMED:
            return int(found.group(1)) if found else _NAMED[text]
        if not os.path.islink(text):
            return None
        text = os.path.join(os.path.dirname(text), os.readlink(text))
    return None


def duplicate(number: int) -> int:
    """Return a second descriptor of an open file.

    Raises
    ------
    OSError
        If it is not open. One of the standard three that was closed from the beginning stays so: by now
        its number may be that of a file of ours.
    """
    if number < len(_STANDARD) and getattr(sys, _STANDARD[number]) is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return os.dup(number)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Say whether a path to read is a device, a pipe, a process substitution or `-`."""
    try:
        number = descriptor(path, _INPUT)
        mode = os.stat(path).st_mode if number is None else os.fstat(number).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISDIR(mode) and (number is not None or not stat.S_ISREG(mode))


def readable(path: str | os.PathLike[str]) -> bool:
    """Say whether there is a file or a stream to read at a path: what is there and is no folder."""
    return is_stream(path) or os.path.isfile(path)


def to_stdout(path: str | os.PathLike[str] | None) -> bool:
    """Say whether an output goes to standard output, where then nothing else may be printed."""
    return path is not None and descriptor(path, _OUTPUT) == _OUTPUT


def open_bytes(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file or a stream for reading; what comes back can be sought in.

    Raises
    ------
    OSError
        If the system refuses.
    """
    if not is_stream(path):
        return open(path, "rb")
    return io.BufferedReader(_View(hold(path)), _CHUNK)


def hold(path: str | os.PathLike[str]) -> Any:
    """Return what keeps the bytes of a stream for as long as it is referred to; None for a file.

    A function that opens a path more than once holds it in between.
    """
    if not is_stream(path):
        return None
    number = descriptor(path, _INPUT)
    state = os.stat(path) if number is None else os.fstat(number)
    with _lock:
        kept = _streams.get((state.st_dev, state.st_ino))
        if kept is None:
            source = os.open(path, os.O_RDONLY) if number is None else duplicate(number)
            kept = _streams[state.st_dev, state.st_ino] = _Stream(source)
            if _command is not None:
                _command.append(kept)
    return kept


def on_disk(path: str | os.PathLike[str]) -> tuple[Path, Any]:
    """Return a path for code that opens files by name, and what must be referred to while it is used."""
    kept = hold(path)
    if kept is None:
        return Path(path), None
    kept.all()
    if sys.platform.startswith("linux"):
        return Path(f"/dev/fd/{kept.file.fileno()}"), kept
    # Elsewhere such a name, if there is one, is no second opening: it shares the position in the file.
    copy = _Copy()
    with open(copy.handle, "wb") as file:
        shutil.copyfileobj(_View(kept), file, _CHUNK)
    return copy.path, copy


@contextmanager
def held_by_command() -> Iterator[None]:
    """Hold every stream that is opened in the block until its end: one command reads a source once."""
    global _command
    before, _command = _command, []
    try:
        yield
    finally:
        _command = before


def by_command() -> bool:
    """Say whether a command is running, whose messages name options of the command line."""
    return _command is not None


class _Stream:
    """The bytes of a source, fetched when they are asked for.

    The source stays open until the end: a closed one's number could be given to another.
    """

    def __init__(self, source: int) -> None:
        self.source = io.FileIO(source, "rb")
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (open as long as this object lives)
        self.size = 0
        self.ended = False
        self.lock = Lock()

    def __del__(self) -> None:
        for name in ("source", "file"):
            if name in vars(self):
                vars(self)[name].close()

    def read(self, start: int, count: int) -> bytes:
        """Return at most `count` bytes from a position on; none at the end."""
        with self.lock:
            while start >= self.size and not self.ended:
                self._fetch()
            self.file.seek(start)
            return self.file.read(min(count, max(self.size - start, 0)))

    def all(self) -> int:
        """Fetch the rest; return the size of the whole."""
        with self.lock:
            while not self.ended:
                self._fetch()
            self.file.seek(0)
            return self.size

    def _fetch(self) -> None:
        while (data := self.source.read(_CHUNK)) is None:  # a source that does not wait has nothing yet
            select.select([self.source], [], [])
        self.ended = not data
        self.file.seek(self.size)
        part = memoryview(data)
        while part:
            part = part[self.file.write(part) :]
        self.size += len(data)


class _Copy:
    """A file with a name, removed when nobody refers to it any more."""

    def __init__(self) -> None:
        self.handle, name = tempfile.mkstemp(prefix="irkit-")
        self.path = Path(name)
        finalize(self, _remove, name)


def _remove(name: str) -> None:
    with suppress(OSError):
        os.unlink(name)


class _View(io.RawIOBase):
    """A reader of a stream with a position of its own."""

    def __init__(self, stream: _Stream) -> None:
        self.stream = stream
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(self.at, len(buffer))
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at}.get(whence)
        self.at = (self.stream.all() if start is None else start) + offset
        return self.at


_streams: WeakValueDictionary[tuple[int, int], _Stream] = WeakValueDictionary()
_lock = Lock()
_command: list[_Stream] | None = None
