"""Look at every file of an index again, whatever is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from irkit import verified
from irkit.errors import IrkitError
from irkit.lucene import swap
from irkit.lucene.integrity import DamagedPart, check_index, check_parts, commit_files
from irkit.lucene.manifest import NAME, Manifest, OtherVersion, commit_key, parse
from irkit.lucene.sidecar import places

MADE_AGAIN = "it is made again when it is next needed"


class Part(NamedTuple):
    """What was found of one part of an index."""

    name: str
    found: str
    remedy: str = ""
    "What to do; empty where all is well."


def examine(path: str | Path) -> Iterator[Part]:
    """Check Lucene's files, then the manifest and every part of the sidecar.

    What was known of the files is forgotten first, so that a search after this one believes only
    what was found intact here.

    Raises
    ------
    NotFoundError
        If there is no index at `path`.
    """
    index = swap.target(path)
    key = commit_key(index)
    verified.forget(index)
    try:
        check_index(index)
        files = commit_files(index)
        size = sum((index / name).stat().st_size for name in files)
        yield Part("lucene", f"{len(files)} files, {size:,} bytes, as Lucene wrote them")
    except IrkitError as error:
        found, _, remedy = str(error).rpartition("; ")
        yield Part("lucene", found, remedy)
    for folder in places(index, key):
        yield from _examine_sidecar(index, folder, key)


def _examine_sidecar(index: Path, folder: Path, key: str) -> Iterator[Part]:
    try:
        manifest = parse((folder / NAME).read_bytes())
    except OSError:
        return  # there is none yet, or none here
    except OtherVersion as why:
        yield Part(NAME, f"{folder / NAME}: {why}, and {MADE_AGAIN}")
        return
    except ValueError as why:
        yield Part(NAME, f"{folder / NAME}: {why}", MADE_AGAIN)
        return
    if manifest.key != key:
        yield Part(NAME, f"{folder / NAME} is of an older commit; {MADE_AGAIN}")
        return
    yield Part(NAME, f"{folder / NAME}, {manifest.documents:,} documents, {manifest.terms:,} terms")
    yield from _examine_parts(index, folder, manifest)


def _examine_parts(index: Path, folder: Path, manifest: Manifest) -> Iterator[Part]:
    for name, token in sorted(manifest.parts.items()):
        try:
            check_parts(index, folder, {name: token})
            yield Part(name, f"{(folder / name).stat().st_size:,} bytes, as irkit wrote them")
        except (DamagedPart, OSError) as error:
            yield Part(name, f"{folder / error.args[0]}" if isinstance(error, DamagedPart) else str(error), MADE_AGAIN)
