"""One shard of an index, searched by itself, in a process of its own, with the statistics of the whole."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

import numpy as np

from irkit.arrays import Ints
from irkit.deadline import Deadline, within
from irkit.errors import ConfigError, IrkitError, NotFoundError
from irkit.hits import Ties
from irkit.lucene.bridge import Found
from irkit.lucene.engine import Local, Whole
from irkit.lucene.index import Index
from irkit.lucene.manifest import commit_key

Terms = tuple[bytes, Ints]
"Terms of queries and their counts in the whole index, as `Local.use_terms` takes them."


class Shard:
    """What an actor does; its documents are numbered from 0.

    Parameters
    ----------
    folder : str
        Folder of the shard, where the actor runs.
    analyzer : str
        Of the whole index.
    key : str
        Commit that the statistics are of.
    whole : Whole
        Numbers of the whole index.
    threads : int
        Of a batch of queries.

    What goes wrong as it is opened is raised by the first question: `ConfigError` if another index lies there by now.
    """

    def __init__(self, folder: str, analyzer: str, key: str, whole: Whole, threads: int) -> None:
        self._threads = threads
        self._failure: IrkitError | None = None
        try:
            self._index = _opened(folder, analyzer, key)
            self._local.use_whole(whole)
        except IrkitError as failure:
            self._failure = failure

    def asked(self, name: str, seconds: float | None, *question: Any) -> Any:
        """Answer a question by the method of a name, within some seconds."""
        with nullcontext() if seconds is None else within(Deadline(seconds)):
            return getattr(self, name)(*question)

    @property
    def _local(self) -> Local:
        if self._failure is not None:
            raise self._failure
        return self._index._engine  # type: ignore[return-value]

    def process(self) -> int:
        """Say in which process it is."""
        return os.getpid()

    def size(self) -> int:
        """Count the documents."""
        if self._failure is not None:
            raise self._failure
        return len(self._index)

    def counts(self, terms: bytes) -> Ints:
        """As `Local.counts`: in this shard alone."""
        return self._local.counts(terms)

    def measure(self) -> None:
        """Get ready for exact likelihood."""
        self._local.use_lengths(self._index._sidecar.ready_lengths)

    def search(self, terms: Terms, block: bytes, n: int, line: str, scorer: str, ties: Ties, k: int) -> Ints:
        """As `Local.search_block`, as an array, which is not copied on its way."""
        self._local.use_terms(*terms)
        k = min(k, len(self._index))
        found = self._local.search_block(line, scorer, ties, block, n, k, self._threads)
        return np.frombuffer(found, dtype=np.uint8)

    def score(self, terms: Terms, block: bytes, line: str, ptr: Ints, doc: Ints, exact: bool) -> Found:
        """As `Local.score_block`."""
        self._local.use_terms(*terms)
        return self._local.score_block(line, block, ptr, doc, self._threads, exact=exact)

    def explain(self, terms: Terms, line: str, query: bytes, doc: int) -> list[tuple[str, float, float]]:
        """As `Engine.explain`."""
        self._local.use_terms(*terms)
        return self._local.explain(line, query, doc)

    def texts(self, doc: Ints) -> list[str | None]:
        """As `Engine.texts`."""
        return self._local.texts(doc)


def _opened(folder: str, analyzer: str, key: str) -> Index:
    changed = f"index: the shard {folder} was built again since the index was opened; open it again"
    try:
        index = Index.open(folder, analyzer)
    except NotFoundError:
        raise ConfigError(changed) from None
    if commit_key(index.path) != key:
        raise ConfigError(changed)
    return index
