"""Relevance judgements as arrays, and where in a ranking the judged documents stand.

Symbols: n evaluated queries, j judgements of them, c judged hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints, offsets
from irkit.columns import arrow_numbers, arrow_strings
from irkit.docnos import Docnos
from irkit.errors import FrameError
from irkit.frames import Qrels
from irkit.hits import Hits


@dataclass(frozen=True, eq=False)
class Found:
    """The judged documents among the hits of each query: all that most measures look at."""

    retrieved: Ints
    "(n,) int64: hits of each query."
    query: Ints
    "(c,) int64: query of each judged hit; ascending."
    rank: Ints
    "(c,) int64: 0 is best; ascending within a query."
    label: Ints
    "(c,) int64."
    judged_query: Ints
    "(j,) int64: query of each judgement, found or not; ascending."
    judged_label: Ints
    "(j,) int64."

    def per_query(self, query: Ints, weights: Floats | None = None) -> Any:
        """Count entries by query, or sum their weights in order: (n,)."""
        return np.bincount(query, weights, minlength=len(self.retrieved))

    def relevant(self, rel: int) -> Ints:
        """(n,) int64: judgements of each query with a label of `rel` or more."""
        found: Ints = self.per_query(self.judged_query[self.judged_label >= rel])
        return found


class Judgements:
    """The judgements of some queries.

    Parameters
    ----------
    qrels : qrels frame
        Those of other queries are left out.
    qids : (n,) strings
        Unique.
    """

    def __init__(self, qrels: Qrels, qids: Any) -> None:
        self.qids = arrow_strings(qids)
        query = _rows(qrels["qid"], self.qids)
        kept = np.flatnonzero(query >= 0)
        kept = kept[np.argsort(query[kept], kind="stable")]
        self.query: Ints = query[kept]  # (j,), ascending
        self.label: Ints = qrels["label"].to_numpy()[kept].astype(np.int64)  # (j,)
        self.docnos = arrow_strings(qrels["docno"]).take(kept)  # (j,)
        self.ptr = offsets(np.bincount(self.query, minlength=len(self.qids)))  # (n + 1,)
        self._placed: tuple[Docnos, Ints] | None = None

    def find(self, hits: Hits) -> Found:
        """Look up where the hits of each query have its judged documents.

        Raises
        ------
        FrameError
            If a document occurs twice among the hits of a query.
        """
        row = _rows(self.qids, arrow_strings(hits.queries["qid"]))
        begin = np.where(row >= 0, hits.ptr[row], 0)
        end = np.where(row >= 0, hits.ptr[row + 1], 0)
        place = self._places(hits, begin, end)
        inside = (place >= begin[self.query]) & (place < end[self.query])
        query, rank = self.query[inside], (place - begin[self.query])[inside]
        order = np.lexsort((rank, query))
        return Found(end - begin, query[order], rank[order], self.label[inside][order], self.query, self.label)

    def _places(self, hits: Hits, begin: Ints, end: Ints) -> Ints:
        """Return where among all hits the document of each judgement stands: (j,) int64.

        A number outside `begin` and `end` of its query means nowhere.
        """
        wanted = self._rows_in(hits.docnos)
        place = np.full(len(wanted), -1)
        last = np.full(len(hits.docnos), -1)  # where a document stood last; of earlier queries too
        for i, (start, stop) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
            if start == stop:
                continue
            doc, numbers = hits.doc[start:stop].astype(np.intp), np.arange(start, stop)
            last[doc] = numbers
            other = last.take(doc, mode="clip") != numbers
            if other.any():
                twice = hits.docnos[doc[int(np.argmax(other))]]
                raise FrameError(f"results: qid {self.qids[i].as_py()!r}, docno {twice!r} occurs twice; keep one")
            own = slice(self.ptr[i], self.ptr[i + 1])
            place[own] = last.take(wanted[own], mode="clip")
        place[wanted < 0] = -1
        return place

    def _rows_in(self, docnos: Docnos) -> Ints:
        """Return the row of each judged document in a table, -1 where it has none; kept for the next run: (j,)."""
        if self._placed is None or self._placed[0] is not docnos:
            self._placed = docnos, docnos.rows(self.docnos)
        return self._placed[1]


def _rows(strings: Any, known: Any) -> Ints:
    """Return the place of each string among known ones, -1 where it is none of them: int64."""
    found = pc.index_in(arrow_strings(strings), value_set=known)
    return arrow_numbers(found.fill_null(-1)).astype(np.int64)
