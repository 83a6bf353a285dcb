"""Replace an index folder as a whole: nobody ever sees half an index.

An index is built in a hidden sibling `.NAME.building-<pid>-<random>` and put in place by one
atomic exchange (Linux), or else by two renames through `.NAME.old-<pid>-<random>`, which
`recover` completes or undoes after a crash. A lock on `.NAME.lock` keeps builders apart; it dies
with its process.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from irkit import locks
from irkit.atomic import sync_folder
from irkit.errors import ConfigError, LockedError
from irkit.lucene import owned
from irkit.lucene.wire import no_text

PATIENCE = 5.0
"Seconds a reader waits for a builder that is between two renames."

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def building(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Lend a fresh folder to build in; on success it takes the place of `path`.

    Any exception removes the fresh folder and leaves `path` as it was. Folders that killed
    builds left behind are removed first. What is to be replaced is looked at again at the end, as
    a build may take hours.

    Parameters
    ----------
    path : Path
        As `target` returns it.

    Raises
    ------
    ConfigError
        If `path` exists and may not be overwritten, holds anything but an index, or its parent
        cannot be written.
    LockedError
        If another process builds the same index.
    """
    with ExitStack() as stack:
        with writing(path):
            owned.refuse_to_overwrite(path, overwrite=overwrite)
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(path))
            tidy(path)
            owned.refuse_to_overwrite(path, overwrite=overwrite)
            fresh = _sibling(path, "building")
            fresh.mkdir()
        mine = True
        try:
            yield fresh
            with writing(path):
                known = owned.refuse_to_overwrite(path, overwrite=overwrite)
                mine = False  # from here on the old index may lie there
                put(fresh, path, known)
        except BaseException:
            if mine:
                shutil.rmtree(fresh, ignore_errors=True)
            else:
                owned.discard(fresh)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says against writing an index into one line.

    Raises
    ------
    ConfigError
        For any `OSError` inside.
    """
    try:
        yield
    except OSError as error:
        reason = f"cannot write {path}: {error.strerror or error}"
        raise ConfigError(f"{owned.builder()}: {reason}; check free space, limits and permissions") from error


def target(path: str | os.PathLike[str]) -> Path:
    """Return the real folder that `path` means, links followed.

    Raises
    ------
    ConfigError
        If it holds bytes that are no text, which Java cannot express.
    """
    real = Path(os.path.realpath(Path(path).expanduser()))
    try:
        str(real).encode()
    except UnicodeEncodeError:
        raise no_text("index", str(real)) from None
    return real


@contextmanager
def locked(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of an index, waiting at most `wait` seconds for it.

    Raises
    ------
    LockedError
        If it is taken; the message names the process that builds.
    """
    from filelock import Timeout

    with ExitStack() as stack:
        try:
            # Beside the index, where everybody sees it who can write there, from whatever machine and account.
            stack.enter_context(locks.held(path.parent / f".{path.name}.lock", wait))
        except Timeout:
            pids = [pid for pid, _ in _siblings(path, "building") if locks.alive(pid)]
            who = f"process {pids[-1]}" if pids else "another process"
            raise LockedError(
                f"{owned.builder()}: {who} is building {path}; wait for it or choose another path"
            ) from None
        yield


def recover(path: Path) -> None:
    """Bring back an index whose replacement was interrupted between its two renames.

    Does nothing while `path` exists, while there is nothing to bring back, or while its builder
    is still alive.
    """
    if path.exists() or not _siblings(path, "old"):
        return
    try:
        with locked(path, wait=PATIENCE):
            restore(path)
    except LockedError:
        if not path.exists():
            raise


def restore(path: Path) -> None:
    """Give the old index its name back if it has lost it; call under the lock only."""
    olds = _siblings(path, "old")
    if olds and not path.exists():
        os.rename(olds[-1][1], path)


def tidy(path: Path) -> None:
    """Remove what killed builds left beside `path`; call under the lock only, which says that nobody builds."""
    restore(path)
    for kind in ("old", "building"):
        for _, folder in _siblings(path, kind):
            owned.discard_leftover(folder)


def put(fresh: Path, path: Path, known: Collection[str] = ()) -> None:
    """Put a finished folder in the place of `path`; what was there is removed.

    The old folder leaves under the name of a leftover, so a crash at any point is cleared up by
    the next build.

    Parameters
    ----------
    fresh, path : Path
    known : collection of str
        Lucene's files of the index at `path`; none where it is free.
    """
    sync_folder(fresh)
    with suppress(OSError):
        path.rmdir()  # an empty folder is free to take
    if not known or not path.exists():
        os.rename(fresh, path)  # fails if somebody has put something there meanwhile
    elif _exchange(fresh, path):
        owned.discard(fresh, known)
    else:
        old = _sibling(path, "old")
        os.rename(path, old)
        try:
            os.rename(fresh, path)
        except BaseException:
            os.rename(old, path)
            raise
        sync_folder(path.parent)
        owned.discard(old, known)
    sync_folder(path.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system or file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    swapped: bool = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0
    return swapped


def _sibling(path: Path, kind: str) -> Path:
    return path.parent / f".{path.name}.{kind}-{os.getpid()}-{secrets.token_hex(4)}"


def _siblings(path: Path, kind: str) -> list[tuple[int, Path]]:
    """List our folders of a kind beside `path` with the pid that made them, oldest first."""
    form = re.compile(rf"\.{re.escape(path.name)}\.{kind}-(\d+)-[0-9a-f]{{8}}")
    try:
        with os.scandir(path.parent) as entries:
            found = [(match, entry) for entry in entries if (match := form.fullmatch(entry.name))]
    except OSError:
        return []
    with suppress(OSError):
        found.sort(key=lambda pair: pair[1].stat().st_mtime)
    return [(int(match.group(1)), Path(entry.path)) for match, entry in found]
