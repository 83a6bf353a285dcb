"""One shard of an index, searched by itself in a process of its own with the statistics of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from irkit.arrays import Ints
from irkit.errors import ConfigError
from irkit.lucene import Index
from irkit.lucene.engine import Local, Whole


class Shard:
    """What an actor does; its documents are numbered from 0.

    Parameters
    ----------
    folder : str
        Folder of the shard, where the actor runs.
    analyzer : str
        Of the whole index.
    key : str
        Commit that the statistics are of (`irkit.lucene.manifest.commit_key`).
    whole : Whole
        Numbers of the whole index.

    Raises
    ------
    ConfigError
        If another index lies there by now.
    IrkitError
        If it cannot be opened.
    """

    def __init__(self, folder: str, analyzer: str, key: str, whole: Whole) -> None:
        from irkit.lucene.sidecar import Sidecar

        self._index = Index.open(folder, analyzer)
        if Sidecar.open(folder).key != key:
            raise ConfigError(f"index: the shard {folder} was built again since the index was opened; open it again")
        self._engine: Local = self._index._engine
        self._engine.use_whole(whole)

    def search(self, terms: tuple[bytes, bytes], line: str, exact: bool, *rest: Any) -> tuple[Ints, Ints, Any]:
        ...
