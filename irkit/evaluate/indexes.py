"""The index of a collection: built once, found again by what it was built from."""

from __future__ import annotations

import logging
import re
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import irkit
from irkit.config import digest
from irkit.errors import DamagedError
from irkit.locate import home

if TYPE_CHECKING:
    from irkit.io import Collection
    from irkit.lucene import Index

log = logging.getLogger(__name__)


def index_path(collection: Collection, analyzer: str = "english") -> Path:
    """Return where the index of a collection lies, whether it is built or not.

    The folder's name holds a hash of the collection's files and reading options, the analyser and
    the code that reads and indexes: when one of them changes, another folder is meant.
    """
    key = digest("index", collection.fingerprint, analyzer, _code())
    name = re.sub(r"[^\w.-]+", "-", Path(collection.name).name).strip(".-")[:60] or "collection"
    return home() / "indexes" / f"{name}-{key[:16]}"


def collection_index(collection: Collection | str, analyzer: str = "english", *, progress: bool = False) -> Index:
    """Open the index of a collection, building it first where there is none or it is damaged.

    Parameters
    ----------
    collection : Collection or str
        A collection, or its name or path.
    analyzer : str
        See `irkit.lucene.Analyzer`.
    progress : bool
        Show a progress bar while building.

    Raises
    ------
    LockedError
        If another process builds the same index at this moment.
    """
    from irkit.lucene import Index, build_index

    if isinstance(collection, str):
        from irkit.io import load_collection

        collection = load_collection(collection)
    path = index_path(collection, analyzer)
    if path.exists():  # an index gets its place when it is complete
        try:
            return Index.open(path)
        except DamagedError as error:
            log.warning("%s", str(error).replace("build it again", "it is built again"))
    # Another process may have built the same meanwhile; its name says that it holds the same.
    return build_index(path, collection.documents(), analyzer=analyzer, progress=progress, overwrite=True)


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
