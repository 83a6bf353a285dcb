"""Locks between processes and threads: they die with their process and leave no file behind.

`held` keeps others out of what is written at this moment. `turn` is for what is made on first use: one makes it,
the others wait, after a word, and find it there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

ENDING = ".turn"
POLL = 0.1
"Seconds between two looks at a lock that another process holds; Ctrl-C is heard between them."


@contextmanager
def held(path: Path, wait: float = -1.0) -> Iterator[None]:
    """Hold the lock of a file that nobody else uses, waiting at most `wait` seconds for it; without end by default.

    A file that a killed process left goes with the next holder.

    Raises
    ------
    filelock.Timeout
        If it is taken.
    OSError
        If the file cannot be made.
    """
    lock = _lock(path)
    lock.acquire(timeout=wait)
    try:
        yield
    finally:
        _release(lock)


@contextmanager
def turn(path: Path, what: str) -> Iterator[None]:
    """Wait until no other process or thread makes the same thing, and keep others waiting.

    Whoever waited looks again whether the thing is there. A process that dies gives its turn to the
    next. Where no lock can be written there is none.

    Parameters
    ----------
    path : path
        What is made; the lock lies beside it as long as it is held.
    what : str
        What the holder does, for the line that those who wait print: `builds the index of lee`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "thing"
    >>> with turn(path, "makes a thing"):
    ...     sorted(entry.name for entry in path.parent.iterdir())
    ['.thing.turn']
    >>> list(path.parent.iterdir())
    []
    """
    lock = _taken(path.parent / f".{path.name}{ENDING}", what)
    try:
        yield
    finally:
        if lock is not None:
            _release(lock)


def alive(pid: int) -> bool:
    """Say whether a process of this machine may have this number; True where that cannot be asked."""
    if os.name == "nt":  # where signal 0 is no question but Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _lock(path: Path) -> Any:
    from filelock import FileLock

    return FileLock(path)


def _release(lock: Any) -> None:
    """Let go of a lock and of its file.

    The file is removed while the lock is held: whoever waited for it finds that it has no name any more, and takes
    the next one, which filelock looks after.
    """
    from filelock import UnixFileLock

    if isinstance(lock, UnixFileLock):  # the others remove theirs when they let go
        with suppress(OSError):
            os.unlink(lock.lock_file)
    lock.release()


def _taken(place: Path, what: str) -> Any:
    """Take a lock, after a word where another holds it; None where none can be written."""
    from filelock import Timeout

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(place)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("waiting for %s, which %s", _holder(place), what)
            lock.acquire(poll_interval=POLL)
    except OSError:
        return None
    with suppress(OSError):  # Windows lets nobody write to a locked file
        place.write_text(str(os.getpid()), encoding="ascii")
    return lock


def _holder(place: Path) -> str:
    try:
        pid = int(place.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return "another process"
    return "another thread" if pid == os.getpid() else f"process {pid}"
