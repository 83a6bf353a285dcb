"""How the lasting part of a sidecar is made: ids, their ranks and the manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import irkit
from irkit import verified
from irkit.arrays import Ints
from irkit.atomic import put
from irkit.config import digest
from irkit.errors import ConfigError, DataError
from irkit.lucene import owned, storage
from irkit.lucene.calls import interruptible
from irkit.lucene.integrity import DamagedPart, check_parts, commit_files
from irkit.lucene.jvm import java
from irkit.lucene.manifest import (
    LASTING,
    NAME,
    PARTS,
    Manifest,
    commit_key,
    read_manifest,
    sidecar_lock,
    work_folder,
    write_manifest,
)
from irkit.lucene.shards import java_paths
from irkit.lucene.wire import java_errors

ASSUMED_ANALYZER = "english"
"Taken for indexes that others built; Lucene does not record the analyser."


class Replaced(Exception):
    """The index was replaced while its sidecar was made; start again."""


def create(index: Path, folder: Path, key: str) -> Manifest:
    """Write ids, ranks and manifest of an index; parts of an older commit go.

    Parameters
    ----------
    index : Path
        Folder of an index whose files are intact.
    folder : Path
        Folder of the sidecar; it may hold nothing but a sidecar.
    key : str
        From `commit_key`.

    Raises
    ------
    ConfigError
        If the index has no documents, deleted documents or no field `contents`.
    DataError
        If two documents have the same id.
    OSError
        If the folder cannot be written, or holds what is not irkit's.
    Replaced
        If the index is no longer that of the key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if strangers := owned.strangers_in_sidecar(folder):
        raise FileExistsError(f"{folder} holds other files than a sidecar, such as {strangers[0]}")
    with work_folder(folder) as work:
        facts = _facts(index)
        with java_errors(f"sidecar: copying the ids of {index} failed"):
            interruptible(java("Export").docnos, java_paths(index), str(work))
        docnos = storage.raw_strings(work, "docnos")
        rank = _ranks(index, docnos)
        storage.write_strings(work / "docnos.arrow", docnos)
        storage.write_array(work / "rank.npy", rank)
        files = commit_files(index)
        manifest = _manifest(key, facts, files, docnos, {name: verified.file_digest(work / name) for name in LASTING})
        del docnos  # Windows removes no file that is mapped, and the work folder goes with all that is in it
        with sidecar_lock(folder):
            if commit_key(index) != key:
                raise Replaced
            if (theirs := _intact(index, folder, key)) is not None:
                return theirs
            for name in (NAME, *sorted(PARTS)):
                (folder / name).unlink(missing_ok=True)
            for name in LASTING:
                put(work / name, folder / name)
            write_manifest(folder, manifest, work)
    return manifest


def _intact(index: Path, folder: Path, key: str) -> Manifest | None:
    """Return the manifest that another thread or process has written meanwhile, if the parts are as it says."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.key != key or not set(LASTING) <= set(manifest.parts):
        return None
    try:
        check_parts(index, folder, {name: manifest.parts[name] for name in LASTING})
    except DamagedPart:
        return None
    return manifest


def _facts(index: Path) -> dict[str, str]:
    export = java("Export")
    with java_errors(f"index: {index} cannot be read"):
        lines = interruptible(export.describe, java_paths(index)).decode().split("\n")
    facts = dict(line.partition(" ")[::2] for line in lines)
    analyzers = sorted(set(facts["analyzer"].split(",")))
    if len(analyzers) > 1:
        said = " and ".join(name or "another maker's" for name in analyzers)
        raise ConfigError(f"index: the shards of {index} have different analysers, got {said}; build them alike")
    facts["analyzer"] = analyzers[0]
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


def _manifest(
    key: str, facts: dict[str, str], files: list[str], docnos: pa.LargeStringArray, parts: dict[str, str]
) -> Manifest:
    order = hashlib.blake2b(digest_size=16)
    for buffer in docnos.buffers()[1:]:
        order.update(buffer)
    positions, text = facts["positions"] == "1", "raw" in facts["fields"].split()
    analyzer, lucene, documents = facts["analyzer"] or ASSUMED_ANALYZER, facts["lucene"], int(facts["documents"])
    content = facts["content"] if all(facts["content"].split(",")) else key
    return Manifest(
        key=key,
        fingerprint=digest("index", content, order.hexdigest(), analyzer, positions, text, lucene),
        analyzer=analyzer,
        assumed=not facts["analyzer"],
        positions=positions,
        text=text,
        documents=documents,
        empty=documents - int(facts["with_terms"]),
        terms=int(facts["terms"]),
        tokens=int(facts["tokens"]),
        postings=int(facts["postings"]),
        files=files,
        parts=parts,
        irkit=irkit.__version__,
        lucene=lucene,
    )
