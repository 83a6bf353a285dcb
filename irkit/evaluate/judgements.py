"""Relevance judgements as arrays, and where in a ranking the judged documents stand.

Symbols: n evaluated queries, j judgements of them, c judged hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints, offsets
from irkit.columns import arrow_numbers, arrow_strings, take_rows
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
        self.label: Ints = qrels["label"].to_numpy(dtype=np.int64)[kept]  # (j,)
        self.docnos = take_rows(arrow_strings(qrels["docno"]), kept)  # (j,)
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
        retrieved = np.where(row >= 0, hits.ptr[row + 1], 0) - begin
        place = self._places(hits, begin, retrieved)
        query, rank, label = self.query[place >= 0], place[place >= 0], self.label[place >= 0]
        order = np.lexsort((rank, query))
        return Found(retrieved, query[order], rank[order], label[order], self.query, self.label)

    def _places(self, hits: Hits, begin: Ints, retrieved: Ints) -> Ints:
        """Return the rank of the document of each judgement among the hits of its query, -1 for none: (j,) int64."""
        wanted = self._rows_in(hits)
        place = np.zeros(len(wanted), dtype=np.int64)
        ranks = np.arange(retrieved.max(initial=0), dtype=np.int32)
        last = np.zeros(len(hits.docnos), dtype=np.int32)  # the rank a document had last, in whatever query
        for i, (start, count) in enumerate(zip(begin.tolist(), retrieved.tolist(), strict=True)):
            if not count:
                continue
            doc = hits.doc[start : start + count].astype(np.intp, copy=False)
            last[doc] = ranks[:count]
            other = last.take(doc, mode="clip") != ranks[:count]
            if other.any():
                twice = hits.docnos[doc[int(np.argmax(other))]]
                raise FrameError(f"results: qid {self.qids[i].as_py()!r}, docno {twice!r} occurs twice; keep one")
            own = slice(self.ptr[i], self.ptr[i + 1])
            place[own] = last.take(wanted[own], mode="clip")
        known = np.flatnonzero((wanted >= 0) & (place < retrieved[self.query]))
        known = known[hits.doc[begin[self.query[known]] + place[known]] == wanted[known]]
        out = np.full(len(wanted), -1)
        out[known] = place[known]
        return out

    def _rows_in(self, hits: Hits) -> Ints:
        """Return the row of each judged document in the table of the hits, -1 where no hit can be it: (j,)."""
        table = hits.docnos
        if self._placed is not None and self._placed[0] is table:
            return self._placed[1]
        if len(hits) < len(table):  # to look up names in a whole large table takes longer than in those of few hits
            used = np.unique(hits.doc)
            row = _rows(self.docnos, table.take(used))
            return np.where(row >= 0, used[row], -1) if len(used) else row
        self._placed = table, table.rows(self.docnos)  # the next system's hits are likely to have the same
        return self._placed[1]


def _rows(strings: Any, known: Any) -> Ints:
    """Return the place of each string among known ones, -1 where it is none of them: int64."""
    found = pc.index_in(arrow_strings(strings), value_set=known)
    return arrow_numbers(found.fill_null(-1)).astype(np.int64)
