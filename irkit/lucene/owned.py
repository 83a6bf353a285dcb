"""What is provably an index and nothing else: only that may be replaced or removed.

Names alone prove little: `irkit/` and `_build/` may be a checkout. A file is Lucene's if a commit that Lucene reads or
an intact manifest of ours lists it, or if it has a name of Lucene's and begins as Lucene begins its files.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from irkit.errors import ConfigError, IrkitError
from irkit.locate import SHARDS
from irkit.lucene import shards
from irkit.lucene.manifest import LOCK, NAME, PARTS, RAW, WORK, read_manifest
from irkit.streams import by_command

log = logging.getLogger(__name__)

FOLDER = "irkit"
"Name of the sidecar's folder inside the index."

MAGIC = b"\x3f\xd7\x6c\x17"
"First bytes of every file that Lucene writes."

_LUCENE = re.compile(r"(pending_)?segments_[0-9a-z]+|_[0-9a-z]+(_[0-9A-Za-z_-]+)?\.[0-9a-z]+")
_WRITE_LOCK = "write.lock"
_SIDECAR = PARTS | {NAME, LOCK}


def builder() -> str:
    """Say who builds an index, as the messages of a command or of Python begin."""
    return "index" if by_command() else "build_index"


def lucene_files(path: Path) -> set[str]:
    """List the files that belong to the index in a folder; none if there is no proof of an index.

    The manifest is asked first, so that an index of ours whose files are damaged is known all the same; if the folder
    holds more than it lists, Lucene is asked, which starts a JVM.
    """
    manifest = read_manifest(path / FOLDER)
    known = set(manifest.files) if manifest else set()
    if set(os.listdir(path)) - {FOLDER, _WRITE_LOCK, SHARDS} - {name.split("/")[0] for name in known}:
        from irkit.lucene.integrity import commit_files

        with suppress(IrkitError, OSError):  # nothing that Lucene can read
            known.update(commit_files(path))
    return known


def strangers(path: Path, known: Collection[str], *, shapes: bool = False) -> list[str]:
    """List what is in a folder and not provably of an index, as paths inside it, sorted.

    Parameters
    ----------
    path : path
    known : collection of str
        From `lucene_files`.
    shapes : bool
        Take a file for Lucene's, too, if it is named and begins like one: all there is to go by in a folder where an
        index was being built or removed.
    """
    return sorted(name for name, ours in _survey(path, known, shapes) if not ours)


def strangers_in_sidecar(folder: Path) -> list[str]:
    """List what is in the folder of a sidecar and not of it, as paths inside it, sorted."""
    return sorted(name for name, ours in _survey_sidecar(folder) if not ours)


def refuse_to_overwrite(path: Path, *, overwrite: bool) -> set[str]:
    """Check that `path` is free, empty, or an index that may be replaced; return the names of Lucene's files there.

    Raises
    ------
    ConfigError
        Otherwise.
    """
    if not path.exists():
        return set()
    if not path.is_dir():
        raise ConfigError(f"{builder()}: the path is a file, got {path}; choose a folder")
    if not os.listdir(path):
        return set()
    known = lucene_files(path)
    foreign = strangers(path, known)
    if foreign or not known:
        names = foreign or sorted(os.listdir(path))
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise ConfigError(f"{builder()}: {path} holds other files than an index, got {shown}; choose another folder")
    if not overwrite:
        raise ConfigError(f"{builder()}: there is an index already, got {path}; pass overwrite=True to replace it")
    return known


def discard(path: Path, known: Collection[str] = ()) -> None:
    """Remove what is left of an index, file by file; what is not provably of it stays, and is logged.

    Parameters
    ----------
    path : path
    known : collection of str
        From `lucene_files`, when the index was whole.
    """
    with suppress(OSError):
        names = [name for name, ours in _survey(path, known, shapes=True) if ours]
        for name in sorted(names, key=lambda name: name.endswith(NAME)):  # the manifest proves the rest
            with suppress(OSError):
                (path / name).unlink()
        for inside in (*_shards(path), path):
            sidecar = inside / FOLDER
            for folder in (*sidecar.glob(".work-*"), sidecar, *([] if inside == path else [inside])):
                with suppress(OSError):
                    folder.rmdir()  # only if nothing is left in it
        path.rmdir()
    if path.exists():
        with suppress(OSError):
            log.warning("%s: %s holds %s, which is not of an index, and stays", builder(), path, os.listdir(path))


def discard_leftover(path: Path) -> None:
    """Remove what a killed build left in a hidden folder of ours, unless it holds anything else."""
    with suppress(OSError):
        manifest = read_manifest(path / FOLDER)
        known = manifest.files if manifest else []
        if not strangers(path, known, shapes=True):
            discard(path, known)


def _survey(path: Path, known: Collection[str], shapes: bool) -> Iterator[tuple[str, bool]]:
    """Yield every name in a folder, as a path inside it, and whether it is provably of an index."""
    for entry in _listed(path):
        if entry.name == FOLDER and entry.is_dir(follow_symlinks=False):
            for name, ours in _survey_sidecar(Path(entry.path)):
                yield f"{FOLDER}/{name}", ours
        elif shards.FORM.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            own = {name.partition("/")[2] for name in known if name.startswith(f"{entry.name}/")}
            for name, ours in _survey(Path(entry.path), own, shapes or not own):  # none: of a build that was killed
                yield f"{entry.name}/{name}", ours
        elif entry.name == SHARDS:
            yield entry.name, _is_file(entry) and shards.is_ours(path)
        else:
            yield entry.name, _is_file(entry) and _is_lucenes(Path(entry.path), known, shapes)


def _shards(path: Path) -> list[Path]:
    return [Path(entry.path) for entry in _listed(path) if shards.FORM.fullmatch(entry.name) and entry.is_dir()]


def _survey_sidecar(folder: Path) -> Iterator[tuple[str, bool]]:
    entries = _listed(folder)
    names = {entry.name for entry in entries}
    for entry in entries:
        if WORK.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            for one in _listed(Path(entry.path)):
                yield f"{entry.name}/{one.name}", one.name in PARTS | RAW | {NAME} and _is_file(one)
        elif entry.name == NAME and not names & PARTS:
            yield NAME, _is_file(entry) and _looks_like_manifest(Path(entry.path))
        else:
            yield entry.name, entry.name in _SIDECAR and _is_file(entry)


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing if it has gone meanwhile, as the work folder of another thread may."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a file, or a link: to remove one loses nothing but the link."""
    return entry.is_file(follow_symlinks=False) or entry.is_symlink()


def _is_lucenes(file: Path, known: Collection[str], shapes: bool) -> bool:
    if file.name == _WRITE_LOCK:
        return file.lstat().st_size == 0
    if file.name in known:
        return True
    if not shapes or not _LUCENE.fullmatch(file.name) or file.is_symlink():
        return False
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) in (b"", MAGIC)


def _looks_like_manifest(path: Path) -> bool:
    """Say whether a manifest without any other part beside it is ours, though it may be damaged."""
    content = path.read_bytes()[:1000]
    return not content or sum(word in content for word in (b'"key"', b'"fingerprint"', b'"analyzer"')) > 1
