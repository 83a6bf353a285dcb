"""A file that is arriving: its bytes, and beside them a record of how far they can be believed.

Bytes go to `<name>.part`. The record `<name>.part.json` is written after the bytes it speaks of have
reached the disk: where they come from, which version the server has, how many bytes there are, and
their digest. After a kill, a full disk or a power cut the part holds what the record says and perhaps
more; the rest is cut off. Where the bytes are not those of the record, nothing is believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from irkit.atomic import write_bytes
from irkit.errors import IrkitError

FLUSH_BYTES = 1 << 26
"Bytes after which a record is written; so many are fetched twice after a kill at most."
FLUSH_SECONDS = 5.0
"Seconds after which a record is written, for slow connections."
_BLOCK = 1 << 20


class Part:
    """The bytes of one download so far.

    Parameters
    ----------
    path : Path
        Where the finished file goes.
    url : str
        Where it comes from; what came from another address is not continued.
    """

    def __init__(self, path: Path, url: str) -> None:
        self.path = path.with_name(path.name + ".part")
        self.record = path.with_name(path.name + ".part.json")
        self.url = url
        self.version = ""
        "What the server calls the version of the file (ETag or Last-Modified); empty where nothing may be continued."
        self.total: int | None = None
        "Bytes of the whole file, where the server says it."
        self.have = 0
        self._digest = hashlib.sha256()
        self._load()

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes written so far."""
        return self._digest.hexdigest()

    @property
    def whole(self) -> bool:
        """Whether all bytes are here."""
        return self.total is not None and self.have == self.total

    def begin(self, version: str, total: int | None) -> None:
        """Throw away what is here, and expect this version of the file."""
        self.drop()
        self.version, self.total = version, total

    def drop(self) -> None:
        """Throw away what is here."""
        self.path.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)
        self.version, self.total, self.have = "", None, 0
        self._digest = hashlib.sha256()

    @contextmanager
    def appending(self) -> Iterator[Part]:
        """Open the part for `write`; however the block ends, what was written by then is on record."""
        with self.path.open("ab") as self._file:
            self._flushed, self._since = self.have, time.monotonic()
            try:
                yield self
            except BaseException:
                with suppress(OSError):  # the failure on its way says more
                    self._note()
                raise
            self._note()

    def write(self, block: bytes) -> None:
        """Append bytes."""
        self._file.write(block)
        self._digest.update(block)
        self.have += len(block)
        if self.have - self._flushed >= FLUSH_BYTES or time.monotonic() - self._since >= FLUSH_SECONDS:
            self._note()
            self._flushed, self._since = self.have, time.monotonic()

    def _note(self) -> None:
        """Bring the bytes to the disk, then say so."""
        sync(self._file)
        known = {
            "url": self.url,
            "version": self.version,
            "total": self.total,
            "bytes": self.have,
            "sha256": self.sha256,
        }
        with suppress(IrkitError):  # without a record there is only nothing to continue
            write_bytes(self.record, (json.dumps(known, indent=1) + "\n").encode())

    def _load(self) -> None:
        """Take up what an earlier call left, as far as the record vouches for it."""
        try:
            known = json.loads(self.record.read_bytes())
            have, total, version = known["bytes"], known["total"], known["version"]
            if known["url"] != self.url or not version or not _count(have) or not (total is None or _count(total)):
                raise ValueError("not ours")
            with self.path.open("rb+") as file:
                digest = hashlib.sha256()
                rest = have
                while rest and (block := file.read(min(rest, _BLOCK))):
                    digest.update(block)
                    rest -= len(block)
                if digest.hexdigest() != known["sha256"] or rest:
                    raise ValueError("not what was written")
                file.truncate(have)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            self.drop()
            return
        self.version, self.total, self.have, self._digest = str(version), total, have, digest


def sync(file: BinaryIO) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
