"""Digests of files, remembered by path, size and time of change so that big files are read once.

What is remembered carries a digest of its own: a damaged entry counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from irkit.atomic import write_bytes
from irkit.config import digest
from irkit.errors import DataError, IrkitError
from irkit.io.lines import opened
from irkit.locate import home
from irkit.packing import Damaged
from irkit.streams import is_stream, open_bytes

_BLOCK = 1 << 20
_SETTLED = 2.0  # seconds; a file changed more recently may change again within one tick of the clock


def hash_file(path: Path, algorithm: str = "sha256") -> str:
    """Digest a file's bytes, as hexadecimal digits."""
    total = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with open_bytes(path) as file:
            while block := file.read(_BLOCK):
                total.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return total.hexdigest()


def hash_content(path: Path) -> str:
    """Digest with SHA-256 what a file holds, packed or not."""
    total = hashlib.sha256()
    with opened(path) as file:
        try:
            while block := file.read(_BLOCK):
                total.update(block)
        except (Damaged, OSError) as error:
            raise DataError(f"{path}: cannot be read: {error}; fetch the file again") from None
    return total.hexdigest()


def sha256(path: Path) -> str:
    """Digest a file with SHA-256, or return what was remembered if size, times of change and inode are the same."""
    if is_stream(path):
        return hash_file(path)
    path = Path(os.path.realpath(path))
    stat = path.stat()
    key, stamp = str(path), [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    known = _load().get(key)
    if isinstance(known, list) and known[:-2] == stamp and known[-1] == digest(key, *known[:-1]):
        return str(known[-2])
    value = hash_file(path)
    if time.time() - stat.st_mtime > _SETTLED:
        _remember(key, [*stamp, value, digest(key, *stamp, value)])
    return value


def _file() -> Path:
    return home() / "checksums.json"


def _load() -> dict[str, Any]:
    try:
        known = json.loads(_file().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}  # a cache: nothing is lost
    return known if isinstance(known, dict) else {}


def _remember(key: str, value: list[Any]) -> None:
    with suppress(IrkitError):  # a home that cannot be written only costs time
        write_bytes(_file(), json.dumps({**_load(), key: value}, indent=0, sort_keys=True).encode())
