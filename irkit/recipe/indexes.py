"""The index of a collection: built once, found again by what it was built from."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import irkit
from irkit.config import digest
from irkit.errors import DamagedError, NotFoundError
from irkit.locate import home
from irkit.locks import turn

if TYPE_CHECKING:
    from irkit.io import Collection, PoolsCollection
    from irkit.lucene import Index

log = logging.getLogger(__name__)

NAME = r".+-[0-9a-f]{16}(-[0-9a-f]{8})?"
"Form of the names of our indexes; older ones lack the hash of the code."


def index_path(collection: Collection | PoolsCollection, analyzer: str = "english") -> Path:
    """Return where the index of a collection lies, whether it is built or not.

    The folder's name holds a hash of the collection's files and reading options, the analyser and
    the code that reads and indexes: when one of them changes, another folder is meant. A second
    hash is of the code alone, so that what another version built is known by its name.
    """
    key = digest("index", collection.fingerprint, analyzer, _code())
    name = re.sub(r"[^\w.-]+", "-", Path(collection.name).name).strip(".-")[:60] or "collection"
    return home() / "indexes" / f"{name}-{key[:16]}-{_code()[:8]}"


def current(name: str) -> bool:
    """Say whether an index of this name was built by the code that runs."""
    return name.endswith(f"-{_code()[:8]}") and re.fullmatch(NAME, name) is not None


def collection_index(
    collection: Collection | PoolsCollection | str, analyzer: str = "english", *, progress: bool = False
) -> Index:
    """Open the index of a collection, building it first where there is none, or a damaged one.

    While another process builds the same index this one waits, and says so.

    Parameters
    ----------
    collection : Collection, PoolsCollection or str
        A collection, or its name or path; of pools the texts of all candidates, under their docnos.
    analyzer : str
        See `irkit.lucene.Analyzer`.
    progress : bool
        Show a progress bar while building.

    Raises
    ------
    ConfigError
        If candidates of pools have no texts; if a damaged index lies there together with anything else, which is not
        removed.
    """
    from irkit.lucene import build_index
    from irkit.lucene.owned import discard_leftover

    if isinstance(collection, str):
        from irkit.io.library.catalogue import load_searchable

        collection = load_searchable(collection)
    path = index_path(collection, analyzer)
    index = _opened(path)
    if index is None:
        with turn(path, f"builds the index of {collection.name}"):
            index = _opened(path)
            if index is None:
                if path.exists():
                    log.warning("the index %s is damaged and is built again", path)
                    discard_leftover(path)  # where no manifest proves any more whose files they are, their form does
                log.info("index of %s: is built in %s", collection.name, path)
                index = build_index(path, collection.documents(), analyzer=analyzer, progress=progress, overwrite=True)
    return index


def _opened(path: Path) -> Index | None:
    """Open an index; None if there is none or it is damaged."""
    from irkit.lucene import Index

    if not path.exists():  # an index gets its place when it is complete
        return None
    with suppress(OSError):
        os.utime(path)  # the time of last use
    try:
        return Index.open(path)
    except (DamagedError, NotFoundError):
        return None


@cache
def _code() -> str:
    """Hash the code between a collection's files and the finished index."""
    package = Path(irkit.__file__).parent
    files = [package / "documents.py"]
    for folder in ("io", "lucene"):
        files += sorted(path for path in (package / folder).rglob("*") if path.suffix in {".py", ".jar"})
    total = blake2b(digest_size=16)
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()
