"""Result sets as arrays: what flows between the stages of a pipeline.

A frame of results is made on demand; until then a result set is offsets, document numbers and
scores beside one table of external ids. The tie rule lives here, in `rank_order`, and nowhere
else.

Symbols: n queries, m hits, D rows of the docno table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Bools, Floats, Ints, offsets, segments
from irkit.columns import (
    arrow_rows,
    arrow_strings,
    feature_matrix,
    frame_strings,
    laid_end_to_end,
    repeat_rows,
    repeat_strings,
    take_rows,
)
from irkit.docnos import Docnos as Docnos
from irkit.errors import FrameError, NotFoundError

if TYPE_CHECKING:
    import pandas as pd

Ties: TypeAlias = Literal["trec", "anserini"]
"`trec`: equal scores by docno descending, as trec_eval does. `anserini`: by docno ascending."

QUERY_COLUMNS = ("query", "query_0", "query_toks", "timestamp")
"Columns of a results frame that belong to the query and are read back as such; others belong to the hit."

OWN_COLUMNS = ("qid", "docno", "score", "rank")


def rank_order(query: Ints, score: Floats, rank: Ints, ties: Ties = "trec") -> Ints:
    """Order hits by query, then score descending, then the tie rule: irkit's only sort of results.

    Parameters
    ----------
    query : (m,) int
        Query number of each hit.
    score : (m,) float
    rank : (m,) int
        Position of each hit's docno among all docnos in ascending byte order.
    ties : {"trec", "anserini"}

    Returns
    -------
    (m,) int64
        A permutation.

    Examples
    --------
    >>> rank_order(np.zeros(3, int), np.array([1.0, 2.0, 1.0]), np.array([0, 1, 2])).tolist()
    [1, 2, 0]
    """
    # Three keys in one lexsort, only faster: most scores differ, so that the third key orders few hits.
    score = np.asarray(score)
    order = np.argsort(-score)
    order = order[_stable_order(np.asarray(query)[order])]
    return settle_ties(order, np.asarray(query)[order], score[order], rank, ties)


def settle_ties(order: Ints, query: Ints, score: Floats, rank: Ints, ties: Ties = "trec") -> Ints:
    """Apply the tie rule to hits that stand in the order of query and score already.

    Parameters
    ----------
    order : (m,) int
        Their rows of `rank`; the equal ones among them are put in order in place.
    query, score : (m,)
        In that order.
    rank, ties
        As `rank_order` has them.
    """
    same = (query[1:] == query[:-1]) & (score[1:] == score[:-1])
    if same.any():
        tied = np.append(same, False) | np.insert(same, 0, False)
        group = np.cumsum(np.insert(~same, 0, True))[tied]
        rows = order[tied]
        last = rank[rows] if ties == "anserini" else -rank[rows].astype(np.int64)
        order[tied] = rows[np.lexsort((last, group))]
    return order


def _stable_order(numbers: Ints) -> Ints:
    """Order whole numbers >= 0, equal ones as they come; numpy does 16-bit numbers by radix, many times faster."""
    small = len(numbers) and numbers.max() < 1 << 16
    return np.argsort(numbers.astype(np.uint16) if small else numbers, kind="stable")


@dataclass(frozen=True, eq=False)
class Hits:
    """Ranked documents of n queries; immutable, always in rank order.

    Build one with `Hits.ranked`, which sorts, or `Hits.from_frame`; the plain constructor
    trusts its caller (a retriever whose hits come sorted).
    """

    queries: pd.DataFrame
    "n rows with unique `qid`; queries without any hit are kept."
    ptr: Ints
    "(n + 1,) int64: hits of query i are `ptr[i]:ptr[i + 1]`, best first."
    doc: Ints
    "(m,) int: rows of `docnos`."
    score: Floats
    "(m,) float64, finite."
    docnos: Docnos
    "The external ids."
    ties: Ties = "trec"
    "The tie rule in force."
    columns: dict[str, Any] = field(default_factory=dict)
    "Further per-hit columns by name: (m,) arrays, Arrow arrays of strings, or an (m, F) float64 `features`."

    def __len__(self) -> int:
        return len(self.doc)

    @property
    def query(self) -> Ints:
        """(m,) int64: the query number of each hit."""
        return segments(self.ptr)

    @property
    def rank(self) -> Ints:
        """(m,) int64: 0 is best."""
        return np.arange(len(self.doc)) - np.repeat(self.ptr[:-1], np.diff(self.ptr))

    @classmethod
    def ranked(
        cls,
        queries: pd.DataFrame,
        query: Ints,
        doc: Ints,
        score: Floats,
        docnos: Docnos,
        ties: Ties = "trec",
        columns: dict[str, Any] | None = None,
    ) -> Hits:
        """Sort loose hits into a result set.

        Parameters
        ----------
        query : (m,) int
            Row of `queries` for each hit, in any order.
        doc, score, docnos, ties, columns
            As the fields of the class, in the order of `query`.

        Raises
        ------
        FrameError
            If a score is not finite; the message names its query and document.
        """
        query, doc = np.asarray(query, dtype=np.int64), np.asarray(doc, dtype=np.int64)
        score = np.asarray(score, dtype=np.float64)
        finite = np.isfinite(score)
        if not finite.all():
            bad = int(np.argmin(finite))
            raise FrameError(
                f"results: the score of docno {docnos[doc[bad]]!r} for qid {queries['qid'].iloc[int(query[bad])]!r} "
                f"must be finite, got {score[bad]}; look at the stage that made it"
            )
        order = rank_order(query, score, docnos.rank[doc], ties)
        ptr = offsets(np.bincount(query, minlength=len(queries)))
        moved = {name: take_rows(column, order) for name, column in (columns or {}).items()}
        return cls(queries, ptr, doc[order], score[order], docnos, ties, moved)

    @classmethod
    def none(cls, queries: pd.DataFrame, ties: Ties = "trec") -> Hits:
        """Return the result set in which no query has any hit."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(queries, np.zeros(len(queries) + 1, dtype=np.int64), nothing, np.zeros(0), Docnos([]), ties)

    def rescored(self, score: Floats, **columns: Any) -> Hits:
        """Give every hit a new score and put them in order again."""
        return Hits.ranked(
            self.queries, self.query, self.doc, score, self.docnos, self.ties, {**self.columns, **columns}
        )

    def carrying(self, **columns: Any) -> Hits:
        """Add or replace per-hit columns, given in the order of the hits."""
        return replace(self, columns={**self.columns, **columns})

    def without(self, *names: str) -> Hits:
        """Leave out per-hit columns; a name that is not there does no harm."""
        if not set(names) & set(self.columns):
            return self
        return replace(self, columns={name: column for name, column in self.columns.items() if name not in names})

    def kept(self, mask: Bools) -> Hits:
        """Keep the hits where `mask` is true; the order stays."""
        counts = np.bincount(self.query[mask], minlength=len(self.queries))
        columns = {name: take_rows(column, np.flatnonzero(mask)) for name, column in self.columns.items()}
        return replace(self, ptr=offsets(counts), doc=self.doc[mask], score=self.score[mask], columns=columns)

    def between(self, start: int, stop: int) -> Hits:
        """Return the hits of queries start, ..., stop - 1 as a result set of their own."""
        low, high = int(self.ptr[start]), int(self.ptr[stop])
        rows = np.arange(low, high)
        columns = {name: take_rows(column, rows) for name, column in self.columns.items()}
        queries = self.queries.iloc[start:stop].reset_index(drop=True)
        ptr = self.ptr[start : stop + 1] - low
        return replace(
            self, queries=queries, ptr=ptr, doc=self.doc[low:high], score=self.score[low:high], columns=columns
        )

    def of(self, qids: Sequence[str]) -> Hits:
        """Return the hits of some of the queries as a result set of their own; the order stays."""
        wanted = self.queries["qid"].isin(qids).to_numpy(dtype=bool)
        kept = self.kept(wanted[self.query])
        queries = self.queries[wanted].reset_index(drop=True)
        return replace(kept, queries=queries, ptr=offsets(np.diff(kept.ptr)[wanted]))

    def for_queries(self, queries: pd.DataFrame) -> Hits:
        """Express the same hits on another queries frame that holds all their qids.

        Raises
        ------
        FrameError
            If a query with hits is not in `queries`.
        """
        if queries is self.queries:
            return self
        mine, other = arrow_strings(self.queries["qid"]), arrow_strings(queries["qid"])
        if mine.equals(other):
            return replace(self, queries=queries)
        row = pc.index_in(mine, value_set=other).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        query = row[self.query]
        if len(query) and query.min() < 0:
            stray = self.queries["qid"].iloc[int(self.query[int(np.argmin(query))])]
            raise FrameError(f"results: qid {stray!r} is not among the queries; pass all queries of the run")
        order = np.argsort(query, kind="stable")
        columns = {name: take_rows(column, order) for name, column in self.columns.items()}
        ptr = offsets(np.bincount(query, minlength=len(queries)))
        return Hits(queries, ptr, self.doc[order], self.score[order], self.docnos, self.ties, columns)

    def cut(self, k: int) -> Hits:
        """Keep the best k hits of each query."""
        return self if np.diff(self.ptr).max(initial=0) <= k else self.kept(self.rank < k)

    def on(self, docnos: Docnos) -> Hits:
        """Express the same hits on another docno table that holds all their ids."""
        if docnos is self.docnos:
            return self
        used, inverse = np.unique(self.doc, return_inverse=True)
        rows = docnos.rows(self.docnos.take(used))
        if len(rows) and rows.min() < 0:
            stray = self.docnos[used[int(np.argmin(rows))]]
            raise NotFoundError(
                f"docno: there is no document {stray!r} in the table; was it retrieved from another index?"
            )
        return replace(self, doc=rows[inverse], docnos=docnos)

    def compact(self) -> Hits:
        """Express the same hits on a docno table of just the documents they hold, to send or store them."""
        used, inverse = np.unique(self.doc, return_inverse=True)
        return replace(self, doc=inverse, docnos=Docnos(self.docnos.take(used)))

    def frame(self) -> pd.DataFrame:
        """Return the results as a frame: `qid`, the queries' columns, `docno`, `score`, `rank`, the hits' columns.

        Another tie rule than trec_eval's stands in `frame.attrs["ties"]`, where `from_frame` finds it.
        """
        import pandas as pd

        counts = np.diff(self.ptr)
        data: dict[str, Any] = {"qid": frame_strings(repeat_strings(arrow_strings(self.queries["qid"]), counts))}
        further = [str(name) for name in self.queries if name not in OWN_COLUMNS and name not in QUERY_COLUMNS]
        for name in (*QUERY_COLUMNS, *further):
            if name in self.queries:
                data[name] = repeat_rows(self.queries[name], counts)
        data |= {"docno": frame_strings(self.docnos.take(self.doc)), "score": self.score, "rank": self.rank}
        for name, column in self.columns.items():
            if isinstance(column, pa.Array):
                column = frame_strings(column)
            data[name] = list(column) if getattr(column, "ndim", 1) == 2 else column
        frame = pd.DataFrame(data)
        if self.ties != "trec":
            frame.attrs["ties"] = self.ties
        return frame

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, queries: pd.DataFrame | None = None, ties: Ties | None = None, who: str = "results"
    ) -> Hits:
        """Read a results frame; the order within each query is made anew from scores and the tie rule.

        A column `rank` is not looked at: it may be older than the scores.

        Parameters
        ----------
        frame : results frame
            Needs `qid`, `docno`, `score`; a frame without any column has no results.
        queries : queries frame, optional
            All queries, so that those without hits are kept; default those in `frame`.
        ties : {"trec", "anserini"}, optional
            Default that of the results the frame was made of, as `frame.attrs` tells, else trec.
        who : str
            Whose frame it is, for messages.

        Raises
        ------
        FrameError
            If a column is missing, a score is NaN, a pair occurs twice or a `qid` is not in `queries`.
        """
        import pandas as pd

        from irkit.frames import check_results, check_weighted_terms

        if isinstance(frame, pd.DataFrame) and not len(frame) and not len(frame.columns):
            frame = pd.DataFrame({"qid": [], "docno": [], "score": []})
        check_results(frame, who=who)
        if ties is None:
            ties = "anserini" if frame.attrs.get("ties") == "anserini" else "trec"
        if queries is None:
            check_weighted_terms(frame, who=who)
            extra = [name for name in QUERY_COLUMNS if name in frame]
            queries = frame[["qid", *extra]].drop_duplicates("qid").reset_index(drop=True)
            _check_texts(frame, queries, who)
        query = pd.Index(queries["qid"]).get_indexer(pd.Index(frame["qid"]))
        if len(query) and query.min() < 0:
            stray = frame["qid"].iloc[int(np.argmin(query))]
            raise FrameError(f"{who}: qid {stray!r} is not among the queries; pass all queries of the run")
        names = arrow_strings(frame["docno"]).dictionary_encode()
        doc = names.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        further = [name for name in frame.columns if name not in OWN_COLUMNS and name not in QUERY_COLUMNS]
        columns = {str(name): _column(frame[name]) for name in further}
        score = frame["score"].to_numpy(dtype=np.float64)
        return cls.ranked(queries, query, doc, score, Docnos(names.dictionary), ties, columns)


def _check_texts(frame: pd.DataFrame, queries: pd.DataFrame, who: str) -> None:
    """Raise `FrameError` if a qid stands for two texts, as where results of two lists of queries were put together."""
    import pandas as pd

    if "query" not in frame or not isinstance(frame["query"].dtype, pd.StringDtype):
        return
    row = pd.Index(queries["qid"]).get_indexer(pd.Index(frame["qid"]))
    first, own = arrow_strings(queries["query"]).take(arrow_rows(row)), arrow_strings(frame["query"])
    other = pc.not_equal(first, own).fill_null(False).to_numpy(zero_copy_only=False)
    if other.any():
        at = int(np.argmax(other))
        raise FrameError(
            f"{who}: qid {frame['qid'].iloc[at]!r} has two queries, {first[at].as_py()!r} and {own[at].as_py()!r}; "
            "give each query a qid of its own"
        )


def _column(values: pd.Series[Any]) -> Any:
    """Read a further column of a frame."""
    import pandas as pd

    if values.name == "features":
        return feature_matrix(values)
    return arrow_strings(values) if isinstance(values.dtype, pd.StringDtype) else values.to_numpy()


def shared_docnos(results: Sequence[Hits]) -> list[Hits]:
    """Express several result sets on one docno table, without work where they share one already."""
    first = results[0].docnos
    if all(hits.docnos is first for hits in results):
        return list(results)
    used, place = zip(*(np.unique(hits.doc, return_inverse=True) for hits in results), strict=True)
    names = pa.concat_arrays([hits.docnos.take(rows) for hits, rows in zip(results, used, strict=True)])
    coded = names.dictionary_encode()
    table, rows = Docnos(coded.dictionary), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    starts = offsets(np.array([len(part) for part in used]))
    return [replace(hits, doc=rows[starts[i] + place[i]], docnos=table) for i, hits in enumerate(results)]


def stacked(results: Sequence[Hits], queries: pd.DataFrame) -> Hits:
    """Put the result sets of consecutive groups of queries, together `queries`, one after another."""
    results = shared_docnos(results)
    first = results[0]
    ptr = offsets(np.concatenate([np.diff(hits.ptr) for hits in results]))
    doc = np.concatenate([hits.doc for hits in results])
    score = np.concatenate([hits.score for hits in results])
    return Hits(queries, ptr, doc, score, first.docnos, first.ties, common_columns(results))


def common_columns(results: Sequence[Hits]) -> dict[str, Any]:
    """Lay the per-hit columns that every result set has end to end.

    A result set without hits has a say only if none has hits: a stage that saw nothing may not
    have made its column.
    """
    filled = [hits for hits in results if len(hits)] or list(results)
    names = [name for name in filled[0].columns if all(name in hits.columns for hits in filled)]
    return {name: laid_end_to_end([hits.columns[name] for hits in filled]) for name in names}
