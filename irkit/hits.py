"""Result sets as arrays: what flows between the stages of a pipeline.

A frame of results is made on demand; until then a result set is offsets, document numbers and
scores beside one table of external ids. The tie rule lives here, in `rank_order`, and nowhere
else.

Symbols: n queries, m hits, D rows of the docno table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Bools, Floats, Ints, offsets, segments
from irkit.errors import FrameError, NotFoundError, near_misses

if TYPE_CHECKING:
    import pandas as pd

Ties: TypeAlias = Literal["trec", "anserini"]
"`trec`: equal scores by docno descending, as trec_eval does. `anserini`: by docno ascending."

QUERY_COLUMNS = ("query", "query_0", "query_toks", "timestamp")
"Columns that belong to the query and are repeated on each of its hits in a frame."

OWN_COLUMNS = ("qid", "docno", "score", "rank")


class Docnos:
    """A table of external document ids, addressed by row number.

    Parameters
    ----------
    names : sequence of str or pyarrow array, (D,)
        Unique ids.
    rank : (D,) int32, optional
        Position of each id in ascending byte order; computed when first needed.
    """

    def __init__(self, names: Sequence[str] | pa.Array, rank: Ints | None = None) -> None:
        array = names if isinstance(names, pa.Array) else pa.array(names, type=pa.large_string())
        self.names: pa.LargeStringArray = array.cast(pa.large_string())
        self._rank = rank

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, row: int) -> str:
        return str(self.names[int(row)].as_py())

    @property
    def rank(self) -> Ints:
        """(D,) int32: position of each id in ascending order of its UTF-8 bytes."""
        if self._rank is None:
            order = pc.sort_indices(self.names).to_numpy()
            rank = np.empty(len(order), dtype=np.int32)
            rank[order] = np.arange(len(order), dtype=np.int32)
            self._rank = rank
        return self._rank

    def take(self, rows: Ints) -> pa.LargeStringArray:
        """Return the ids of some rows as an Arrow array."""
        return self.names.take(pa.array(rows))

    def rows(self, docnos: Iterable[str] | pa.Array) -> Ints:
        """Return the row of each id, -1 where the table has no such id."""
        wanted = docnos if isinstance(docnos, pa.Array) else pa.array(list(docnos), type=pa.large_string())
        found = pc.index_in(wanted.cast(pa.large_string()), value_set=self.names)
        return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)

    def row(self, docno: str) -> int:
        """Return the row of one id.

        Raises
        ------
        NotFoundError
            If the table has no such id.
        """
        found = int(self.rows([docno])[0])
        if found < 0:
            some = self.names.slice(0, 10_000).to_pylist()
            raise NotFoundError(f"docno: there is no document {docno!r}; {near_misses(docno, some, limit=3)}")
        return found


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
    return np.lexsort((rank if ties == "anserini" else -rank.astype(np.int64), -score, query))


@dataclass(frozen=True)
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
    "Further per-hit columns by name: (m,) arrays, Arrow arrays, or an (m, F) float64 `features`."

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
        """
        order = rank_order(query, score, docnos.rank[doc], ties)
        ptr = offsets(np.bincount(query, minlength=len(queries)))
        moved = {name: _take(column, order) for name, column in (columns or {}).items()}
        return cls(queries, ptr, doc[order], np.asarray(score, dtype=np.float64)[order], docnos, ties, moved)

    def rescored(self, score: Floats, **columns: Any) -> Hits:
        """Give every hit a new score and put them in order again."""
        return Hits.ranked(
            self.queries, self.query, self.doc, score, self.docnos, self.ties, {**self.columns, **columns}
        )

    def kept(self, mask: Bools) -> Hits:
        """Keep the hits where `mask` is true; the order stays."""
        counts = np.bincount(self.query[mask], minlength=len(self.queries))
        columns = {name: _take(column, np.flatnonzero(mask)) for name, column in self.columns.items()}
        return replace(self, ptr=offsets(counts), doc=self.doc[mask], score=self.score[mask], columns=columns)

    def cut(self, k: int) -> Hits:
        """Keep the best k hits of each query."""
        return self if np.diff(self.ptr).max(initial=0) <= k else self.kept(self.rank < k)

    def on(self, docnos: Docnos) -> Hits:
        """Express the same hits on another docno table that holds all their ids."""
        if docnos is self.docnos:
            return self
        used, inverse = np.unique(self.doc, return_inverse=True)
        rows = docnos.rows(self.docnos.take(used))
        return replace(self, doc=rows[inverse], docnos=docnos)

    def frame(self) -> pd.DataFrame:
        """Return the results as a frame: `qid`, query columns, `docno`, `score`, `rank`, further columns."""
        import pandas as pd

        query = self.query
        data: dict[str, Any] = {"qid": _repeat(self.queries["qid"], query)}
        for name in QUERY_COLUMNS:
            if name in self.queries:
                data[name] = _repeat(self.queries[name], query)
        data["docno"] = _strings(self.docnos.take(self.doc))
        data["score"] = self.score
        data["rank"] = self.rank
        for name, column in self.columns.items():
            if isinstance(column, pa.Array):
                column = _strings(column)
            data[name] = list(column) if getattr(column, "ndim", 1) == 2 else column
        return pd.DataFrame(data)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, queries: pd.DataFrame | None = None, ties: Ties = "trec") -> Hits:
        """Read a results frame; the order within each query is made anew from scores and the tie rule.

        Parameters
        ----------
        frame : results frame
            Needs `qid`, `docno`, `score`.
        queries : queries frame, optional
            All queries, so that those without hits are kept; default those in `frame`.

        Raises
        ------
        FrameError
            If a column is missing, a score is NaN, a pair occurs twice or a `qid` is not in `queries`.
        """
        from irkit.frames import check_results

        check_results(frame, who="results")
        if queries is None:
            extra = [name for name in QUERY_COLUMNS if name in frame]
            queries = frame[["qid", *extra]].drop_duplicates("qid").reset_index(drop=True)
        import pandas as pd

        query = pd.Index(queries["qid"]).get_indexer(frame["qid"])
        if len(query) and query.min() < 0:
            stray = frame["qid"].iloc[int(np.argmin(query))]
            raise FrameError(f"results: qid {stray!r} is not among the queries; pass all queries of the run")
        names = pa.array(frame["docno"], type=pa.large_string()).dictionary_encode()
        if isinstance(names, pa.ChunkedArray):
            names = names.combine_chunks()
        doc = names.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        columns: dict[str, Any] = {}
        for name in frame.columns:
            if name in OWN_COLUMNS or name in QUERY_COLUMNS:
                continue
            values = frame[name]
            if name == "features":
                columns[name] = np.stack(list(values)) if len(values) else np.zeros((0, 0))
            else:
                columns[name] = values.to_numpy()
        score = frame["score"].to_numpy(dtype=np.float64)
        return cls.ranked(queries, query, doc, score, Docnos(names.dictionary), ties, columns)


def shared_docnos(results: Sequence[Hits]) -> list[Hits]:
    """Express several result sets on one docno table, without work where they share one already."""
    first = results[0].docnos
    if all(hits.docnos is first for hits in results):
        return list(results)
    used = [hits.docnos.take(np.unique(hits.doc)) for hits in results]
    table = Docnos(pc.unique(pa.concat_arrays(used)))
    return [hits.on(table) for hits in results]


def _take(column: Any, rows: Ints) -> Any:
    return column.take(pa.array(rows)) if isinstance(column, pa.Array) else np.asarray(column)[rows]


def _strings(array: pa.Array) -> Any:
    import pandas as pd

    dtype = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.arrays.ArrowStringArray(array.cast(pa.large_string()), dtype=dtype)  # type: ignore[call-arg]


def _repeat(column: pd.Series[Any], rows: Ints) -> Any:
    """Repeat a query column once per hit, in Arrow where it holds strings."""
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return _strings(pa.array(column, type=pa.large_string()).take(pa.array(rows)))
    return column.to_numpy()[rows]
