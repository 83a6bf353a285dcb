"""What is known of an index without opening it, and how the lasting part of a sidecar is first written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import irkit
from irkit.arrays import Ints
from irkit.config import digest
from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.lucene import storage, swap
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.wire import java_errors

ASSUMED_ANALYZER = "english"
"Taken for indexes that others built; Lucene does not record the analyser."


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
    irkit: str
    lucene: str


class Replaced(Exception):
    """The index was replaced while its sidecar was made; start again."""


def commit_key(index: Path) -> str:
    """Identify the latest commit of an index by its segments file, which holds random ids; no JVM needed.

    Raises
    ------
    NotFoundError
        If there is no index.
    ConfigError
        If it cannot be read.
    """
    for last in (False, False, True):
        try:
            commits = [name for name in os.listdir(index) if re.fullmatch(r"segments_[0-9a-z]+", name)]
            if not commits:
                break
            latest = max(commits, key=lambda name: int(name.removeprefix("segments_"), 36))
            content = (index / latest).read_bytes()
            return digest(latest, hashlib.blake2b(content, digest_size=16).hexdigest())
        except OSError as error:
            if not index.is_dir():
                break
            if last or not isinstance(error, FileNotFoundError):  # else a newer commit has just replaced it
                raise ConfigError(f"index: {index} cannot be read: {error.strerror or error}") from error
    what = f"{index} holds no Lucene index" if index.is_dir() else f"there is no folder {index}"
    raise NotFoundError(f"index: {what}; build one with irkit index or build_index")


def read_manifest(folder: Path) -> Manifest | None:
    """Read a manifest; None if there is none or another version of irkit wrote it in another form."""
    try:
        return Manifest(**json.loads((folder / "manifest.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def create(index: Path, folder: Path, key: str) -> Manifest:
    """Write ids, ranks and manifest of an index; parts of an older commit go.

    Parameters
    ----------
    index : Path
        Folder of the index.
    folder : Path
        Folder of the sidecar.
    key : str
        From `commit_key`.

    Raises
    ------
    ConfigError
        If the index has no documents, deleted documents or no field `contents`.
    DataError
        If two documents have the same id.
    OSError
        If the folder cannot be written.
    Replaced
        If the index is no longer that of the key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with work_folder(folder) as work:
        facts = _facts(index)
        with java_errors(f"index: the ids of {index} cannot be read"):
            interruptible(java("Export").docnos, str(index), str(work))
        docnos = storage.raw_strings(work, "docnos")
        rank = _ranks(index, docnos)
        manifest = _manifest(key, facts, docnos)
        storage.write_strings(work / "docnos.arrow", docnos)
        storage.write_array(work / "rank.npy", rank)
        (work / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1) + "\n")
        with sidecar_lock(folder):
            if commit_key(index) != key:
                raise Replaced
            for path in folder.iterdir():
                if path.suffix in {".json", ".npy", ".arrow"}:
                    path.unlink()
            for part in ("docnos.arrow", "rank.npy", "manifest.json"):
                storage.keep(work / part, folder)
    swap.sync_folder(folder)
    return manifest


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """Lend a folder inside a sidecar; it is removed at the end."""
    work = folder / f".work-{os.getpid()}-{secrets.token_hex(4)}"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def sidecar_lock(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same sidecar for a moment."""
    from filelock import FileLock

    with FileLock(folder / ".lock"):
        yield


def _facts(index: Path) -> dict[str, str]:
    export = java("Export")
    with java_errors(f"index: {index} cannot be read"):
        facts = dict(
            line.partition(" ")[::2] for line in interruptible(export.describe, str(index)).decode().split("\n")
        )
    if facts["documents"] == "0":
        raise ConfigError(f"index: {index} holds no documents; build it again")
    if facts["deleted"] != "0":
        raise ConfigError(
            f"index: {index} has deleted documents, got {facts['deleted']}; Lucene's statistics still count them, "
            "so build it again from the documents that remain"
        )
    if "contents" not in facts["fields"].split():
        raise ConfigError(
            f"index: {index} has no field 'contents', got {facts['fields']}; irkit reads indexes with Anserini's fields"
        )
    return facts


def _ranks(index: Path, docnos: pa.LargeStringArray) -> Ints:
    """Number the ids in byte order, (D,) int32; equal ids are an error."""
    order = pc.sort_indices(docnos)
    inorder = docnos.take(order)
    same = pc.equal(inorder.slice(1), inorder.slice(0, len(inorder) - 1))
    if pc.any(same, min_count=0).as_py():
        twice = inorder[pc.index(same, True).as_py()].as_py()
        raise DataError(f"index: two documents in {index} have the id {twice!r}; ids must be unique, so build it again")
    rank = np.empty(len(docnos), dtype=np.int32)
    rank[order.to_numpy()] = np.arange(len(docnos), dtype=np.int32)
    return rank


def _manifest(key: str, facts: dict[str, str], docnos: pa.LargeStringArray) -> Manifest:
    order = hashlib.blake2b(digest_size=16)
    for buffer in docnos.buffers()[1:]:
        order.update(buffer)
    positions, text = facts["positions"] == "1", "raw" in facts["fields"].split()
    analyzer, lucene, documents = facts["analyzer"] or ASSUMED_ANALYZER, facts["lucene"], int(facts["documents"])
    return Manifest(
        key=key,
        fingerprint=digest("index", facts["content"] or key, order.hexdigest(), analyzer, positions, text, lucene),
        analyzer=analyzer,
        assumed=not facts["analyzer"],
        positions=positions,
        text=text,
        documents=documents,
        empty=documents - int(facts["with_terms"]),
        terms=int(facts["terms"]),
        tokens=int(facts["tokens"]),
        postings=int(facts["postings"]),
        irkit=irkit.__version__,
        lucene=lucene,
    )
