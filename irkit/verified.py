"""What was found intact: a file is read for its digest once, then known by its size, times and inode.

Whoever keeps files with a token that says what they should hold (a digest, a format with checksums of its own) calls
`once` before it believes them. What was found intact is noted under `IRKIT_HOME/verified/`, one record for each subject
(an index, a cache), and for the rest of the process where that cannot be written. A file that was copied, touched or
written to is another file and is read again; so is everything where a record is damaged or foreign.
What this cannot see is a disk that returns other bytes than were written, without any write: `forget` and check again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from irkit.atomic import LEFTOVER, replacing
from irkit.config import digest
from irkit.locate import home

State: TypeAlias = list[int]
"Size, times of change of content and of inode (ns), inode."

FOLDER = "verified"
FORMAT = 1
MOST_RECORDS = 2000
TICK = 17_000_000 if sys.platform == "win32" else 11_000_000
"Nanoseconds; the clock that stamps files goes in steps of at most 10 ms on Linux and 16 ms on Windows."

_LEFT_BEHIND = 3600  # seconds after which an unfinished record is taken for one of a killed process

_here: dict[Path, dict[str, list[Any]]] = {}
_lock = threading.Lock()


def once(subject: Path, files: Mapping[str, str], check: Callable[[list[str]], None]) -> None:
    """Have files checked that are not known to be intact as they are now.

    Parameters
    ----------
    subject : path
        What the files belong to; names the record.
    files : mapping from path to token
        What must be intact, and what it should hold; another token is another thing to check.
    check : function
        Takes the paths in doubt and raises if one is not as its token says; missing files are among them.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_text("whole")
    >>> once(path, {str(path): "v1"}, lambda paths: print("read", len(paths)))
    read 1
    >>> once(path, {str(path): "v1"}, lambda paths: print("read", len(paths)))
    """
    before = states(files)
    known = _known(subject, before, files)
    doubtful = [path for path in files if path not in known]
    if doubtful:
        check(doubtful)
        after = states(doubtful)
        same = {path: state for path, state in after.items() if state == before.get(path)}
        remember(subject, {path: files[path] for path in same}, same)


def states(paths: Iterable[str]) -> dict[str, State]:
    """Return how each file stands; files that are not there are left out."""
    found = {}
    for path in paths:
        with suppress(OSError):
            stat = os.stat(path)
            found[path] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    return found


def remember(subject: Path, files: Mapping[str, str], found: Mapping[str, State]) -> None:
    """Note that files in these states hold what their tokens say.

    Returns when the clock of the file system has gone on, so that whatever is written from then on has another time.
    """
    newest = max((max(state[1:3]) for state in found.values()), default=0)
    time.sleep(min(max(newest + TICK - time.time_ns(), 0), TICK) / 1e9)
    fresh = {path: [*state, files[path]] for path, state in found.items()}
    with _lock:
        _here.setdefault(subject, {}).update(fresh)
    with suppress(OSError):
        kept = {path: entry for path, entry in _read(subject).items() if os.path.exists(path)}
        _write(subject, {**kept, **fresh})


def forget(subject: Path) -> None:
    """Have every file of a subject checked again."""
    with _lock:
        _here.pop(subject, None)
    with suppress(OSError):
        _record(subject).unlink()


def file_digest(path: str | os.PathLike[str]) -> str:
    """Hash a file to 32 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _known(subject: Path, found: Mapping[str, State], files: Mapping[str, str]) -> set[str]:
    """Return the files known to be intact; the record is only read if this process does not know them all."""
    wanted = {path: [*state, files[path]] for path, state in found.items()}
    with _lock:
        here = dict(_here.get(subject, {}))
    known = {path for path, entry in wanted.items() if here.get(path) == entry}
    if len(known) < len(wanted):
        record = _read(subject)
        noted = {path: entry for path, entry in wanted.items() if record.get(path) == entry}
        with _lock:
            _here.setdefault(subject, {}).update(noted)
        known |= set(noted)
    return known


def _record(subject: Path) -> Path:
    return home() / FOLDER / f"{digest(str(subject))}.json"


def _read(subject: Path) -> dict[str, list[Any]]:
    """Return a record's entries, none if it is missing, damaged or of another subject or version."""
    try:
        content = json.loads(_record(subject).read_bytes())
        said = content.pop("digest")
        if said != digest(content) or (content["format"], content["subject"]) != (FORMAT, str(subject)):
            return {}
        return dict(content["files"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write(subject: Path, files: Mapping[str, list[Any]]) -> None:
    """Write a record in one step; of two writers at once the later wins, and the other's files are read again."""
    content = {"format": FORMAT, "subject": str(subject), "files": files}
    path = _record(subject)
    with replacing(path) as file:
        file.write(json.dumps({**content, "digest": digest(content)}).encode())
    _tidy(path.parent)


def _tidy(folder: Path) -> None:
    """Remove the records that were not written for longest when there are too many, and what killed processes left."""
    records, left = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.name.endswith(".json"):
                    records.append((entry.stat().st_mtime, entry.path))
                elif LEFTOVER.fullmatch(entry.name) and entry.stat().st_mtime < time.time() - _LEFT_BEHIND:
                    left.append(entry.path)
    for path in [*left, *(path for _, path in sorted(records)[: max(0, len(records) - MOST_RECORDS)])]:
        with suppress(OSError):
            os.unlink(path)
