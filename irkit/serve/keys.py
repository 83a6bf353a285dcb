"""Keys that let in: a file of them, read once, and compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from irkit.errors import ConfigError, DataError
from irkit.wording import no_file

SHORTEST = 20
"Characters of a key that is long enough not to be guessed."


class Keys:
    """Keys, known by their hashes only.

    Parameters
    ----------
    keys : iterable of str
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __len__(self) -> int:
        return len(self._hashes)

    def let_in(self, key: str) -> bool:
        """Say whether a key is one of these; how long that takes tells nothing of them."""
        given = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        return sum(hmac.compare_digest(given, known) for known in self._hashes) > 0


def read_keys(path: Path) -> Keys:
    """Read a file of keys, one a line; empty lines and those that begin with # do not count.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ConfigError
        If others than its owner may read it, it holds no key, or one that is too short or has white space.
    DataError
        If it is not text in ASCII.
    """
    if not path.is_file():
        raise no_file(path)
    mode = path.stat().st_mode
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path}: others than its owner may use it, got mode {stat.S_IMODE(mode):o}; chmod 600 it")
    try:
        lines = path.read_text("ascii").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path}: keys are text in ASCII") from None
    keys = {number: line.strip() for number, line in enumerate(lines, 1)}
    kept = {number: key for number, key in keys.items() if key and not key.startswith("#")}
    for number, key in kept.items():  # no message shows a key
        if len(key) < SHORTEST or len(key.split()) > 1:
            raise ConfigError(
                f"{path}:{number}: a key is one word of {SHORTEST} characters or more; make one of random ones"
            )
    if not kept:
        raise ConfigError(f"{path}: holds no key; write one a line")
    return Keys(kept.values())
