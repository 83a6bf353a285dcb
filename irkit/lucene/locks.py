"""Locks that die with their process and leave no file behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path, wait: float = -1.0) -> Iterator[None]:
    """Hold the lock of a file that nobody else uses, waiting at most `wait` seconds for it; without end by default.

    The file is removed while the lock is held: whoever waited for it finds that it has no name any more, and takes the
    next one (filelock looks after that from version 4 on). One that a killed process left goes with the next holder.

    Raises
    ------
    filelock.Timeout
        If it is taken.
    OSError
        If the file cannot be made.
    """
    from filelock import FileLock, UnixFileLock

    lock = FileLock(path)
    lock.acquire(timeout=wait)
    try:
        yield
    finally:
        if isinstance(lock, UnixFileLock):  # the others remove theirs when they let go
            with suppress(OSError):
                path.unlink()
        lock.release()
