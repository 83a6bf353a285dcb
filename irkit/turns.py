"""Things made on first use are made by one process at a time: the others wait, after a word, and find them there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ENDING = ".turn"
POLL = 0.1
"Seconds between two looks at a lock that another process holds; Ctrl-C is heard between them."


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
    held = _acquire(path.parent / f".{path.name}{ENDING}", what)
    try:
        yield
    finally:
        if held is not None:
            _release(held)


def _acquire(place: Path, what: str) -> Any:
    from filelock import FileLock, Timeout

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            sys.stderr.write(f"irkit: waiting for {_holder(place)}, which {what}\n")  # in one piece
            lock.acquire(poll_interval=POLL)
    except OSError:
        return None
    with suppress(OSError):  # Windows lets nobody write to a locked file
        place.write_text(str(os.getpid()))
    return lock


def _release(lock: Any) -> None:
    from filelock import UnixFileLock

    if isinstance(lock, UnixFileLock):  # who waits sees that its file has no name any more, and opens the next one
        with suppress(OSError):
            os.unlink(lock.lock_file)
    lock.release()


def _holder(place: Path) -> str:
    try:
        pid = int(place.read_text())
    except (OSError, ValueError):
        return "another process"
    return "another thread" if pid == os.getpid() else f"process {pid}"
