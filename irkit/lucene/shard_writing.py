"""Add a shard to an index in shards, or build one of them anew; the others are left as they are."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from irkit.errors import ConfigError, DamagedError, DataError, NotFoundError
from irkit.lucene import owned, swap
from irkit.lucene.build import checked_options, finish, write_documents
from irkit.lucene.index import Index
from irkit.lucene.manifest import commit_key, read_manifest
from irkit.lucene.owned import FOLDER, builder
from irkit.lucene.shards import FORM, lost_shard, new_shard, shard_folders, write_shards
from irkit.lucene.sidecar import Sidecar


def add_shard(
    path: str | os.PathLike[str],
    documents: Any,
    *,
    threads: int | None = None,
    memory_mb: int = 512,
    progress: bool = False,
) -> Index:
    """Index documents as one more shard, and open the index with it.

    The analyser and what is stored are those of the index. Whoever has the index open sees it as it was; who opens it
    anew sees all of the shard or nothing of it.

    Parameters
    ----------
    path : path
        Folder of an index that was built with `shards`.
    documents : frame or iterable
        As for `build_index`; no id may be in the index already.
    threads, memory_mb, progress
        As for `build_index`.

    Raises
    ------
    NotFoundError
        If there is no index.
    ConfigError
        If it is not in shards, or cannot be written.
    DataError
        For documents that `build_index` refuses, or an id that is in another shard.
    LockedError
        If another process changes the index.
    """
    return _change(path, documents, None, threads, memory_mb, progress)


def replace_shard(
    path: str | os.PathLike[str],
    number: int,
    documents: Any,
    *,
    threads: int | None = None,
    memory_mb: int = 512,
    progress: bool = False,
) -> Index:
    """Index documents in the place of one shard, and open the index with them.

    Of several shards that are lost each can be built again: until the last is, opening the index raises `DamagedError`.

    Parameters
    ----------
    path, documents, threads, memory_mb, progress
        As for `add_shard`.
    number : int
        Which shard, from 0.

    Raises
    ------
    ConfigError
        If there is no shard of this number; otherwise as `add_shard`.
    """
    return _change(path, documents, number, threads, memory_mb, progress)


def _change(
    path: str | os.PathLike[str],
    documents: Any,
    number: int | None,
    threads: int | None,
    memory_mb: int,
    progress: bool,
) -> Index:
    index = swap.target(path)
    if shard_folders(index) == [index]:
        commit_key(index)  # raises where there is no index; that of lost shards is what is mended here
    with ExitStack() as stack:
        with swap.writing(index):
            stack.enter_context(swap.locked(index))
        folders = shard_folders(index)
        at = _place(index, folders, number)
        for folder in index.iterdir():
            if FORM.fullmatch(folder.name) and folder not in folders:  # of a build that was killed
                owned.discard_leftover(folder)
        others = _others(index, folders, at)
        manifest = others[0].manifest if others else read_manifest(folders[at] / FOLDER)
        if manifest is None:
            raise ConfigError(f"{builder()}: how {index} was built is not known any more; build it again as a whole")
        options = checked_options(manifest.analyzer, manifest.positions, manifest.text, threads, memory_mb)
        with swap.writing(index):
            fresh = new_shard(index, at)
            try:
                write_documents([fresh], documents, options, index, progress=progress)
                finish(fresh, fresh)
                _check_ids(Sidecar.open(fresh), others)
                write_shards(index, [*folders[:at], fresh, *folders[at + 1 :]])
            except BaseException:
                if fresh not in shard_folders(index):
                    owned.discard(fresh)
                raise
            for old in folders[at : at + 1]:
                if old.exists():
                    owned.discard(old, owned.lucene_files(old))
    return Index.open(index)


def _place(index: Path, folders: list[Path], number: int | None) -> int:
    if folders == [index]:
        raise ConfigError(f"{builder()}: {index} is not in shards; build it with shards, of 1 or more")
    if number is None:
        return len(folders)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(folders):
        raise ConfigError(f"{builder()}: {index} has the shards 0 to {len(folders) - 1}, got {number!r}")
    return number


def _others(index: Path, folders: list[Path], at: int) -> list[Sidecar]:
    """Open the shards that stay; of several that are lost or damaged, one is mended after the other.

    Raises
    ------
    DamagedError
        If a shard is to be added to an index that lacks one.
    """
    if at == len(folders) and (lost := lost_shard(folders)):
        raise DamagedError(f"{builder()}: {index} is damaged {lost}")
    found = []
    for i, folder in enumerate(folders):
        if i != at:
            with suppress(*((NotFoundError, DamagedError) if at < len(folders) else ())):
                found.append(Sidecar.open(folder))
    return found


def _check_ids(fresh: Sidecar, others: list[Sidecar]) -> None:
    """Refuse documents that are in another shard."""
    for other in others:
        rows = other.docnos.rows(fresh.docnos.names)
        if (rows >= 0).any():
            twice = other.docnos[int(rows[rows >= 0][0])]
            raise DataError(f"{builder()}: the id {twice!r} is in {other.path} already; ids must be unique")
