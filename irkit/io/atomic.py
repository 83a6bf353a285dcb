"""Write files so that nobody ever sees half of one: a hidden sibling, fsync, one rename."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from irkit.errors import DataError, IrkitError


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Lend a binary file; on success it takes the place of `path`, on any failure it is removed.

    The folder of `path` is made if need be. What stood at `path` stays until the last moment, and
    stays for good if the block raises or the disk is full.

    Raises
    ------
    DataError
        If the system refuses to write; the message carries its reason.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with writing(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing at the file it names
    fresh = target.with_name(f".{target.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        put(fresh, target)
    except IrkitError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot write: {error.strerror or error}; check free space and permissions") from error
    finally:
        with suppress(OSError):
            fresh.unlink()


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a whole file at once, as `writing` does."""
    with writing(path) as file:
        file.write(data)


def put(fresh: Path, target: Path) -> None:
    """Rename a finished file onto its place and make the rename itself durable."""
    os.replace(fresh, target)
    if hasattr(os, "O_DIRECTORY"):  # Windows cannot open folders
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
