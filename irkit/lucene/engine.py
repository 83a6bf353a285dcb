"""What searches an index that is open: here by the JVM of this process, elsewhere by others (`irkit.cluster`).

Queries come encoded (`bridge.encode`), documents as rows of the docno table, hits as `Found`.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from irkit.arrays import Ints, offsets
from irkit.hits import Ties
from irkit.lucene import bridge
from irkit.lucene.bridge import Found
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.wire import java_errors, pack, unpack

_handles = itertools.count(secrets.randbits(60))  # this module may be loaded anew while the JVM goes on


UNREADABLE = "{} cannot be read"


class Engine(Protocol):
    """Searches an index for `Index`, which has checked all arguments."""

    def search(
        self, line: str, scorer: str, ties: Ties, batch: Sequence[bytes], k: int, threads: int, *, exact: bool
    ) -> Found:
        """Rank documents for a batch of queries by the model of a line (`bridge.model_line`)."""
        ...

    def score(self, line: str, batch: Sequence[bytes], ptr: Ints, doc: Ints, threads: int, *, exact: bool) -> Found:
        """Score the documents `doc[ptr[i]:ptr[i + 1]]` for query i, in their order."""
        ...

    def explain(self, line: str, query: bytes, doc: int) -> list[tuple[str, float, float]]:
        """Split a score into (term, weight, share)."""
        ...

    def texts(self, doc: Ints) -> list[str | None]:
        """Return what is stored of documents."""
        ...

    def use_lengths(self, known: Callable[[], Ints | None]) -> None:
        """Ask for the exact lengths, which may not be known, before the first exact likelihood."""
        ...

    def close(self) -> None:
        """Let go of files and memory."""
        ...


class Whole(NamedTuple):
    """Numbers of the collection that a shard is a part of."""

    documents: int
    with_terms: int
    tokens: int
    postings: int


class Local:
    """The JVM of this process.

    Parameters
    ----------
    path : Path
        What messages name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = next(_handles)
        self._pid = os.getpid()
        self._measured = False

    @contextmanager
    def _calling(self, what: str) -> Iterator[Any]:
        search = java("Search")  # first, as it starts the JVM and refuses a forked child
        with java_errors(f"index: {what.format(self.path)}"):
            yield search

    def open(self, folders: Sequence[str], analyzer: str) -> None:
        """Open an index, or several as one."""
        with self._calling(UNREADABLE) as search:
            search.open(self._handle, list(folders), analyzer)

    def use_rank(self, rank: Ints) -> None:
        """Hand over the ranks of the external ids, before the first search."""
        with self._calling(UNREADABLE) as search:
            search.useRank(self._handle, rank.astype("<i4", copy=False).tobytes())

    def use_lengths(self, known: Callable[[], Ints | None]) -> None:
        """Hand over the exact lengths once, if they are known; else the JVM walks all postings."""
        if self._measured:
            return
        lengths = known()
        if lengths is not None:
            with self._calling(UNREADABLE) as search:
                search.useLengths(self._handle, lengths.astype("<i4", copy=False).tobytes())
        self._measured = True

    def use_whole(self, whole: Whole) -> None:
        """Score as in a larger collection, before the first search; of each term `use_terms` tells then."""
        with self._calling(UNREADABLE) as search:
            search.useCollection(self._handle, *whole)

    def counts(self, terms: bytes) -> Ints:
        """Count documents and occurrences of terms in this index: (n, 2) int64.

        Parameters
        ----------
        terms : bytes
            n strings of `wire.pack`.
        """
        with self._calling(UNREADABLE) as search:
            found = interruptible(search.counts, self._handle, terms)
        return np.frombuffer(found, dtype="<i8").reshape(-1, 2)

    def use_terms(self, terms: bytes, counts: Ints) -> None:
        """Tell the same of terms in the larger collection."""
        with self._calling(UNREADABLE) as search:
            search.useTerms(self._handle, terms, counts.astype("<i8", copy=False).tobytes())

    def search(
        self, line: str, scorer: str, ties: Ties, batch: Sequence[bytes], k: int, threads: int, *, exact: bool
    ) -> Found:
        """Rank documents for a batch of queries."""
        n = len(batch)
        return bridge.decode(self.search_block(line, scorer, ties, pack(batch), n, k, threads), n, exact=exact)

    def search_block(self, line: str, scorer: str, ties: Ties, block: bytes, n: int, k: int, threads: int) -> bytes:
        """Rank documents for n queries in one block; return the hits as `bridge.decode` takes them."""
        with self._calling("searching {} failed") as search:
            return interruptible(search.search, self._handle, line, scorer, ties, block, k, _workers(n, threads))

    def score(self, line: str, batch: Sequence[bytes], ptr: Ints, doc: Ints, threads: int, *, exact: bool) -> Found:
        """Score given documents for a batch of queries."""
        return self.score_block(line, pack(batch), ptr, doc, threads, exact=exact)

    def score_block(self, line: str, block: bytes, ptr: Ints, doc: Ints, threads: int, *, exact: bool) -> Found:
        """Score given documents for the queries of one block."""
        ends, docs = (np.asarray(part, dtype="<i4").tobytes() for part in (ptr, doc))
        n = len(ptr) - 1
        with self._calling("scoring in {} failed") as search:
            found = interruptible(search.score, self._handle, line, block, ends, docs, _workers(n, threads))
        return bridge.decode(found, n, exact=exact)

    def explain(self, line: str, query: bytes, doc: int) -> list[tuple[str, float, float]]:
        """Split a score by the terms of a query."""
        with self._calling("explaining a score in {} failed") as search:
            return bridge.decode_shares(interruptible(search.explain, self._handle, line, pack([query]), doc))

    def texts(self, doc: Ints) -> list[str | None]:
        """Return what is stored of documents."""
        with self._calling("reading texts of {} failed") as search:
            return bridge.decode_texts(interruptible(search.texts, self._handle, doc.astype("<i4").tobytes()))

    def close(self) -> None:
        """Free files and memory in the JVM."""
        if os.getpid() == self._pid:  # a forked child has no JVM to close anything in
            java("Search").close(self._handle)


class Joiner:
    """Joins what the shards of an index found.

    Parameters
    ----------
    rank : (D,) int32
        Positions of all external ids in ascending order.
    starts : (number of shards,) int
        Row of the first document of each shard.
    """

    def __init__(self, rank: Ints, starts: Ints) -> None:
        self._java = java("Join")
        with java_errors("index: the joining of shards failed"):
            self._shards = self._java.of(*(np.asarray(part, dtype="<i4").tobytes() for part in (rank, starts)))

    def join(self, blocks: Sequence[Any], n: int, k: int, ties: Ties, *, exact: bool) -> Found:
        """Return the k best hits of n queries, given the blocks of all shards in their order (`Local.search_block`)."""
        begins = offsets(np.array([len(block) for block in blocks]))[:-1].astype("<i4").tobytes()
        with java_errors("index: the joining of shards failed"):
            found = interruptible(self._java.join, self._shards, b"".join(blocks), begins, n, k, ties, int(exact))
        return bridge.decode(found, n, exact=exact)


def bags(analyzer: str, batch: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """Make bags of terms of queries: the block of these, and their distinct terms in ascending byte order."""
    search = java("Search")
    with java_errors("index: the analysis of queries failed"):
        found = interruptible(search.bags, analyzer, pack(batch))
    _, end = unpack(found)
    terms, _ = unpack(found[end:])
    return found[:end], terms.cast(pa.large_binary()).to_pylist()


def _workers(n: int, threads: int) -> int:
    return 1 if n == 1 else min(threads, n)
