"""What was downloaded into a collection's folder, and the digests it had then.

Most owners publish no checksums. The first download is trusted and written down; a later one that
differs is refused until the user says otherwise by deleting the manifest.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TypedDict

from irkit.atomic import write_bytes
from irkit.errors import DataError

NAME = "manifest.json"


class Fetched(TypedDict):
    """One file as it was downloaded or taken out of an archive."""

    url: str
    sha256: str
    bytes: int
    date: str


def load(folder: Path) -> dict[str, Fetched]:
    """Return what is on record, by file name; nothing if the folder was not downloaded."""
    path = folder / NAME
    if not path.is_file():
        return {}
    try:
        files = json.loads(path.read_bytes())["files"]
        return {name: _checked(**entry) for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path}: is damaged ({type(error).__name__}); delete it, the files are then trusted anew"
        ) from None


def save(folder: Path, files: dict[str, Fetched]) -> None:
    """Write the record, whole or not at all."""
    write_bytes(folder / NAME, (json.dumps({"files": files}, indent=2, sort_keys=True) + "\n").encode())


def _checked(url: str, sha256: str, bytes: int, date: str) -> Fetched:
    if not all(isinstance(text, str) for text in (url, sha256, date)) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError("no entry")
    return Fetched(url=url, sha256=sha256, bytes=int(bytes), date=date)


def fetched(url: str, sha256: str, size: int, date: str = "") -> Fetched:
    """Make an entry, dated today unless a date is given."""
    return Fetched(url=url, sha256=sha256, bytes=size, date=date or time.strftime("%Y-%m-%d", time.gmtime()))
