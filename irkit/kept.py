"""Files of a cache: written whole, with a digest at their end, and believed only while it is right.

One that is missing, cut, changed by a single bit or written before there were digests is made
anew. A place that cannot be written costs time only: it is said once, and done without.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, TypeVar

from irkit.atomic import replacing
from irkit.errors import IrkitError

log = logging.getLogger(__name__)

T = TypeVar("T")

SIGN = b"\nirkit kept\n"
"Stands before the digest."

_DIGEST = 32
END = len(SIGN) + _DIGEST
"Bytes that follow the content."

_BLOCK = 1 << 20
_told: set[Path] = set()  # folders that could not be written


def keep(path: Path, write: Callable[[BinaryIO], object]) -> bool:
    """Keep a file.

    Parameters
    ----------
    path : path
        Its place; the folder is made if need be.
    write : function
        Writes the content to the file it is given.

    Returns
    -------
    bool
        Whether it is kept. What the system refuses is a warning, once for each folder.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "answer"
    >>> keep(path, lambda file: file.write(b"42"))
    True
    >>> found(path, lambda place: place.read_bytes()[:-44])
    b'42'
    """
    try:
        with replacing(path) as file:
            seal(file, write)
    except (OSError, IrkitError) as error:
        say_not_kept(path.parent, error)
        return False
    log.debug("%s: kept", path)
    return True


def say_not_kept(folder: Path, error: BaseException) -> None:
    """Warn that a folder cannot be written, once for each."""
    if folder not in _told:
        _told.add(folder)
        why = getattr(error, "strerror", None) or error
        log.warning("%s cannot be written, %s; results are not kept", folder, why)


def seal(file: BinaryIO, write: Callable[[BinaryIO], object]) -> None:
    """Write content, then its digest, into an empty file that can be read too."""
    write(file)
    file.seek(0)
    total = blake2b(digest_size=_DIGEST)
    while block := file.read(_BLOCK):
        total.update(block)
    file.write(SIGN + total.digest())


def found(path: Path, read: Callable[[Path], T]) -> T | None:
    """Read a kept file; None if there is none, or it is not what was written.

    Parameters
    ----------
    path : path
    read : function
        Reads the content from the path it is given, where the digest follows it: npy and npz do not
        mind. An `OSError` or `ValueError` counts as damage.
    """
    try:
        if whole(path):
            with suppress(OSError):
                os.utime(path)  # the time of last use
            log.debug("%s: taken as it was kept", path)
            return read(path)
        log.debug("%s is not what was written and is made anew", path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        log.debug("%s cannot be read and is made anew, %s", path, error)
    return None


def whole(path: Path) -> bool:
    """Say whether a file is what was written, to its last bit; an `OSError` where it cannot be read."""
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - END
        total = blake2b(digest_size=_DIGEST)
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            total.update(block)
            left -= len(block)
        return left == 0 and file.read() == SIGN + total.digest()
