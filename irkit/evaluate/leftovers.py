"""What lies in the user's folder (`IRKIT_HOME`) and is not needed any more.

Only what is provably irkit's is found: a name that only irkit gives, in the place it gives it, and for
folders nothing inside but what irkit and Lucene put there. Links are left alone. Recipes, cards,
suites, results and downloads, interrupted ones too, are never among it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from irkit.config import digest
from irkit.errors import IrkitError
from irkit.locks import alive
from irkit.recipe.indexes import NAME, current

UNUSED = 30 * 24 * 3600.0
"Seconds after which what was not used counts as old."

STALE = 3600.0
"Seconds without a write after which what is unfinished counts as left by a killed process."

_HEX = r"[0-9a-f]{32}"
_FILES = {
    "cache/??": (rf"{_HEX}\.flow", "results of stages"),
    "similarity": (rf"{_HEX}\.npy", "sums of similarities"),
    "vectors": (r".+-[0-9a-f]{16}\.npz", "trained word vectors"),
    "tokens": (r".+-[0-9a-f]{16}\.npz", "numbered texts"),
    "crash": (r"(hs_err|replay)_pid\d+\.log|java_pid\d+\.hprof(\.\d+)?", "crash reports of Java"),
}
_UNFINISHED = re.compile(
    r"\..+\.(?P<pid>\d+)-[0-9a-f]{8}\.(part|tmp)|\..+\.(building|old)-(?P<builder>\d+)-[0-9a-f]{8}"
    rf"|{_HEX}\.[\w-]+\.part|\..+\.\d+\.part"
)
_PLACES = (".", "cache/??", "similarity", "vectors", "tokens", "indexes", "verified")
_INDEX = re.compile(r"(pending_)?segments_[0-9a-z]+|_[0-9a-z]+(_[0-9A-Za-z_-]+)?\.[0-9a-z]+|write\.lock")
_SIDECAR = re.compile(r"manifest\.json|\w+\.(npy|arrow)|\.lock|\.work-\d+-[0-9a-f]{8}")


class Leftover(NamedTuple):
    """One thing that may go."""

    what: str
    "A path below the user's folder, or what the files are."
    why: str
    size: int
    "Bytes."
    paths: tuple[Path, ...]


def leftovers(home: Path, *, everything: bool = False) -> list[Leftover]:
    """List what is not needed any more, largest first.

    Parameters
    ----------
    home : path
        The user's folder.
    everything : bool
        List all that irkit can make again, not only what is old.
    """
    found = [*_indexes(home, everything), *_sidecars(home, everything), *_records(home), *_unfinished(home)]
    for place, (form, what) in _FILES.items():
        files = [path for path in _entries(home, place) if re.fullmatch(form, path.name) and path.is_file()]
        old = files if everything else [path for path in files if _age(path) > UNUSED]
        if old:
            why = "can be made again" if everything else f"not used for {UNUSED / 86400:.0f} days"
            size = sum(map(_size, old))
            found.append(Leftover(f"{place.split('/')[0]}: {len(old):,} {what}", why, size, tuple(old)))
    return sorted(found, key=lambda one: (-one.size, one.what))


def remove(leftover: Leftover) -> list[OSError]:
    """Remove what was listed, and return what the system refused."""
    refused: list[OSError] = []

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # gone meanwhile
            refused.append(error)

    for path in leftover.paths:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            refuse(error)
    return refused


def _indexes(home: Path, everything: bool) -> Iterator[Leftover]:
    """Yield indexes of collections that other code made, or that were not used for long."""
    for path in _entries(home, "indexes"):
        if not (re.fullmatch(NAME, path.name) and _holds(path, _INDEX, sidecar=True)):
            continue
        if everything:
            yield _folder(home, path, "can be built again")
        elif not current(path.name):
            yield _folder(home, path, "built by another version of irkit")
        elif _age(path) > UNUSED:
            yield _folder(home, path, f"not used for {UNUSED / 86400:.0f} days")


def _sidecars(home: Path, everything: bool) -> Iterator[Leftover]:
    """Yield the sidecars kept here of indexes that are gone or were built again since."""
    of = {}
    for _, record in _verified(home):
        for place in record["files"]:
            of[Path(place).parent] = Path(record["subject"])
    for path in _entries(home, "sidecars"):
        if not (re.fullmatch(_HEX, path.name) and _holds(path, _SIDECAR)):
            continue
        index = of.get(path)
        if everything:
            yield _folder(home, path, "can be made again")
        elif index is not None and not index.exists():
            yield _folder(home, path, f"its index is gone: {index}")
        elif index is not None and _sidecar_name(index) not in {None, path.name}:
            yield _folder(home, path, f"its index was built again: {index}")


def _sidecar_name(index: Path) -> str | None:
    from irkit.lucene.sidecar import commit_key

    try:
        return digest(str(index), commit_key(index))
    except IrkitError:
        return None


def _records(home: Path) -> Iterator[Leftover]:
    """Yield the records of what was checked and is gone."""
    gone = [path for path, record in _verified(home) if not os.path.lexists(record["subject"])]
    if gone:
        size = sum(map(_size, gone))
        yield Leftover(f"verified: {len(gone):,} records", "of indexes that are gone", size, tuple(gone))


def _verified(home: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in _entries(home, "verified"):
        with suppress(OSError, ValueError, AttributeError, KeyError):
            record = json.loads(path.read_bytes())
            if record.pop("digest") == digest(record) and isinstance(record["files"], dict):
                yield path, {"files": record["files"], "subject": str(record["subject"])}


def _unfinished(home: Path) -> Iterator[Leftover]:
    """Yield what killed processes left."""
    for place in _PLACES:
        for path in _entries(home, place):
            match = _UNFINISHED.fullmatch(path.name)
            if match is None or _age(path) < STALE or _last_copy(path):
                continue
            pid = match["pid"] or match["builder"]
            if pid is None or not alive(int(pid)):
                yield _folder(home, path, "left by a killed process")


def _last_copy(path: Path) -> bool:
    """Say whether this is an index that lost its name in a crash and will be given it back."""
    name, old, _ = path.name[1:].rpartition(".old-")
    return bool(old) and not (path.parent / name).exists()


def _entries(home: Path, place: str) -> Iterator[Path]:
    """Yield what lies in our folders, but no links, nor what links lead to."""
    folders = [home] if place == "." else home.glob(place)
    for folder in sorted(folders):
        if any(part.is_symlink() for part in (folder, folder.parent) if part != home and home in part.parents):
            continue
        with suppress(OSError), os.scandir(folder) as entries:
            yield from [Path(entry.path) for entry in entries if not entry.is_symlink()]


def _holds(folder: Path, form: re.Pattern[str], *, sidecar: bool = False) -> bool:
    """Say whether a folder holds something, and nothing but names of this form."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    if sidecar and "irkit" in names:
        inside = folder / "irkit"
        return not inside.is_symlink() and _holds(inside, _SIDECAR) and _only(names, form, {"irkit"})
    return bool(names) and _only(names, form, set())


def _only(names: list[str], form: re.Pattern[str], also: set[str]) -> bool:
    return all(name in also or form.fullmatch(name) for name in names)


def _folder(home: Path, path: Path, why: str) -> Leftover:
    return Leftover(path.relative_to(home).as_posix(), why, _size(path), (path,))


def _below(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")


def _of_states(path: Path, value: Callable[[os.stat_result], float]) -> Iterator[float]:
    for one in _below(path):
        with suppress(OSError):
            yield value(one.lstat())


def _size(path: Path) -> int:
    return int(sum(_of_states(path, lambda state: state.st_size)))


def _age(path: Path) -> float:
    return time.time() - max(_of_states(path, lambda state: state.st_mtime), default=time.time())
