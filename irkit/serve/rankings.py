"""Rankings that were made, kept under an id for a while so that they can be paged through, fused and measured."""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from irkit.arrays import Floats
from irkit.serve.answers import Term
from irkit.serve.limits import RequestError, UnknownError
from irkit.wording import shown

MOST, SIZE, SECONDS = 64, 32 * 2**20, 30 * 60.0
"Rankings that are kept, bytes that they take together, and seconds for which one that nobody asks for is kept."

OVERHEAD = 64
"Bytes that a hit takes besides its id, and a term besides its letters."


@dataclass(frozen=True)
class Ranking:
    """Documents in order, best first."""

    index: str
    pipeline: str
    query: str
    docnos: tuple[str, ...]
    scores: tuple[float, ...]
    terms: Sequence[Term] = field(default=())
    "Of a query that the pipeline rewrote."
    omitted_terms: int = 0

    @cached_property
    def size(self) -> int:
        """Bytes that it takes, about."""
        texts = [self.query, *self.docnos, *(term.term for term in self.terms)]
        return sum(map(sys.getsizeof, texts)) + OVERHEAD * (len(self.docnos) + len(self.terms) + 1)


class Rankings:
    """A bounded store of rankings; those that nobody asked for longest leave first. Threads may share it.

    Parameters
    ----------
    most : int
        Rankings.
    size : int
        Bytes of all of them.
    seconds : float
        How long one is kept that nobody asks for.
    now : function
        The clock, in seconds.
    """

    def __init__(
        self, most: int = MOST, size: int = SIZE, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.most, self.size, self.seconds, self._now = most, size, seconds, now
        self._kept: OrderedDict[str, tuple[float, Ranking]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, ranking: Ranking) -> str:
        """Keep a ranking, and return its id, which nobody can guess.

        Raises
        ------
        RequestError
            If it alone is larger than all may be.
        """
        if ranking.size > self.size:
            raise RequestError(f"ranking: takes {ranking.size:,} bytes of the {self.size:,} there are; ask for fewer")
        name = secrets.token_hex(6)
        with self._lock:
            self._kept[name] = self._now(), ranking
            self._bytes += ranking.size
            self._expire()
            while len(self._kept) > self.most or self._bytes > self.size:
                self._drop()
        return name

    def get(self, name: str) -> Ranking:
        """Return the ranking of an id.

        Raises
        ------
        UnknownError
            If there is none, or it has left.
        """
        with self._lock:
            self._expire()
            if name not in self._kept:
                raise UnknownError(
                    f"ranking: there is none under {shown(name)}, or it has left: the last {self.most:,} are kept, "
                    f"for {self.seconds / 60:g} minutes; search again"
                )
            ranking = self._kept.pop(name)[1]
            self._kept[name] = self._now(), ranking
            return ranking

    def _expire(self) -> None:
        while self._kept and next(iter(self._kept.values()))[0] < self._now() - self.seconds:
            self._drop()

    def _drop(self) -> None:
        self._bytes -= self._kept.popitem(last=False)[1][1].size


def fused(rankings: Sequence[Ranking], k: float) -> Ranking:
    """Make one ranking of several of one index by reciprocal rank fusion; equal scores by docno descending.

    Parameters
    ----------
    rankings : sequence of Ranking
    k : float
        Dampens the weight of the first ranks.

    Raises
    ------
    RequestError
        If they are of different indexes.
    """
    from irkit.hits import rank_order
    from irkit.pipeline.fusion import reciprocal_rank

    indexes = list(dict.fromkeys(one.index for one in rankings))
    if len(indexes) > 1:
        raise RequestError(f"rankings: are of different indexes, {', '.join(indexes)}; fuse those of one")
    lists = [one.docnos for one in rankings]
    docnos = sorted({docno for one in lists for docno in one}, key=str.encode)
    rows = {docno: row for row, docno in enumerate(docnos)}
    document = np.array([rows[docno] for one in lists for docno in one], dtype=np.int64)
    rank = np.concatenate([np.arange(len(one)) for one in lists])
    score: Floats = np.bincount(document, reciprocal_rank(rank, k), minlength=len(docnos)).astype(np.float64)
    best = rank_order(np.zeros(len(docnos), dtype=np.int64), score, np.arange(len(docnos)))
    return Ranking(
        index=indexes[0],
        pipeline=f"rrf({', '.join(dict.fromkeys(one.pipeline for one in rankings))})",
        query=" ".join(dict.fromkeys(one.query for one in rankings)),
        docnos=tuple(docnos[row] for row in best.tolist()),
        scores=tuple(score[best].tolist()),
    )
