"""What is known of an index without opening it: the manifest of its sidecar, covered by a digest of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from irkit import locks
from irkit.atomic import put
from irkit.config import digest
from irkit.errors import ConfigError, DamagedError, NotFoundError
from irkit.lucene.shards import lost_shard, shard_folders
from irkit.streams import by_command

NAME = "manifest.json"
FORMAT = 2
"Version of the sidecar; another one is made anew."

LASTING = ("docnos.arrow", "rank.npy")
"Parts that are written with the manifest."

PARTS = frozenset(
    {
        *LASTING,
        "terms.arrow",
        *(f"{name}.npy" for name in ("df", "cf", "lengths", "csc_ptr", "csc_doc", "csc_tf")),
        *(f"{name}.npy" for name in ("csr_ptr", "csr_term", "csr_tf")),
    }
)
RAW = frozenset({"docnos.ptr", "docnos.bytes", "terms.ptr", "terms.bytes"})
"What the bridge leaves in a work folder for a moment."

LOCK = ".lock"
WORK = re.compile(r"\.work-(\d+)-[0-9a-f]{8}")
ABANDONED = 3600.0
"Seconds without a write after which a dead process's work folder is removed."

_TYPES = {"str": str, "bool": bool, "int": int, "list[str]": list, "dict[str, str]": dict}


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`."""

    key: str
    "Identity of the commit the sidecar belongs to."
    fingerprint: str
    "Identity of the content: equal for equal documents in equal internal order and equal options."
    analyzer: str
    "Name of the analyser."
    assumed: bool
    "The analyser is a guess: irkit did not build the index."
    positions: bool
    "Positions of terms are indexed."
    text: bool
    "Texts are stored."
    documents: int
    empty: int
    "Documents without any term."
    terms: int
    "Distinct terms."
    tokens: int
    "Total term frequency."
    postings: int
    "Pairs of a term and a document."
    files: list[str]
    "Lucene's files of the commit, which carry checksums of their own."
    parts: dict[str, str]
    "Digest of each file of the sidecar."
    irkit: str
    lucene: str


class OtherVersion(ValueError):
    """Another version of irkit wrote a manifest."""


def commit_key(index: Path) -> str:
    """Identify the latest commit of an index by its segments file, which holds random ids; no JVM needed.

    That of an index in shards is made of theirs.

    Raises
    ------
    NotFoundError
        If there is no index.
    ConfigError
        If it cannot be read.
    DamagedError
        If `shards.json` is damaged, or a shard that it names is missing.
    """
    for last in (False, False, True):
        try:
            shards = shard_folders(index)
            if shards != [index]:
                return digest("shards", [[shard.name, commit_key(shard)] for shard in shards])
            commits = [name for name in os.listdir(index) if re.fullmatch(r"segments_[0-9a-z]+", name)]
            if not commits:
                break
            latest = max(commits, key=lambda name: int(name.removeprefix("segments_"), 36))
            content = (index / latest).read_bytes()
            return digest(latest, hashlib.blake2b(content, digest_size=16).hexdigest())
        except NotFoundError as error:
            if last:  # else another shard has just taken its place
                raise DamagedError(
                    f"index: {index} is damaged {lost_shard(shards) or '(a shard is missing); build it again'}"
                ) from error
        except OSError as error:
            if not index.is_dir():
                break
            if last or not isinstance(error, FileNotFoundError):  # else a newer commit has just replaced it
                raise ConfigError(f"index: {index} cannot be read: {error.strerror or error}") from error
    how = " with irkit index" if by_command() else " with irkit index or build_index"
    if index.is_file():
        raise NotFoundError(f"index: {index} is a file and no index; build one of it{how}")
    what = f"{index} holds no Lucene index" if index.is_dir() else f"there is no folder {index}"
    raise NotFoundError(f"index: {what}; build one{how}")


def parse(content: bytes) -> Manifest:
    """Read a manifest.

    Raises
    ------
    ValueError
        If it is damaged; `OtherVersion` if another version of irkit wrote it.
    """
    try:
        values = json.loads(content)
    except ValueError:
        raise ValueError("it is damaged") from None
    if not isinstance(values, dict):
        raise ValueError("it is damaged")
    said = values.pop("digest", None)
    if said is None and "format" not in values:  # before version 2 it had neither
        raise OtherVersion("another version of irkit wrote it")
    if said != digest(values):
        raise ValueError("it is damaged")
    version = values.pop("format", None)
    types = {field.name: _TYPES[str(field.type)] for field in fields(Manifest)}
    if version != FORMAT or {name: type(value) for name, value in values.items()} != types:
        raise OtherVersion(f"another version of irkit wrote it, {values.get('irkit', 'unknown')}")
    return Manifest(**values)


def read_manifest(folder: Path) -> Manifest | None:
    """Read a manifest; None if there is none, it is damaged, or another version of irkit wrote it."""
    try:
        return parse((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return None


def write_manifest(folder: Path, manifest: Manifest, work: Path) -> None:
    """Put a manifest into a folder in one step, by way of a work folder."""
    content: dict[str, Any] = {"format": FORMAT, **asdict(manifest)}
    content["digest"] = digest(content)
    (work / NAME).write_bytes((json.dumps(content, indent=1) + "\n").encode())
    put(work / NAME, folder / NAME)


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """Lend a folder inside a sidecar; it is removed at the end. Those of killed processes are removed first."""
    clear_work(folder)
    work = folder / f".work-{os.getpid()}-{secrets.token_hex(4)}"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def clear_work(folder: Path) -> None:
    """Remove the work folders of dead processes.

    A number alone proves nothing, as the process may be one of another machine: the folder must also have been left
    alone for an hour. Only names that irkit gives are removed.
    """
    old = time.time() - ABANDONED
    for work in folder.glob(".work-*"):
        match = WORK.fullmatch(work.name)
        if match is None or work.is_symlink() or locks.alive(int(match.group(1))):
            continue
        with suppress(OSError):
            files = list(work.iterdir())
            if max(path.lstat().st_mtime for path in (work, *files)) < old:
                for path in files:
                    if path.name in PARTS | RAW | {NAME}:
                        path.unlink()
                work.rmdir()


@contextmanager
def sidecar_lock(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same sidecar for a moment."""
    with locks.held(folder / LOCK):
        yield
