"""Pools: the candidates of queries, and which of them are right.

A pool is what rankers learn from and are measured on where nothing is retrieved: every query comes with a list of
its own, such as the documents of a feature file or the answers to a question.

Symbols: n queries, m candidates, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from irkit.arrays import Floats, Ints
from irkit.columns import arrow_strings, frame_strings
from irkit.errors import ConfigError, DataError
from irkit.hits import Docnos, Hits, stacked

if TYPE_CHECKING:
    import pandas as pd

Keep: TypeAlias = Literal["all", "answered", "mixed"]
"""Which queries stay: all, those with a right candidate, or those with right and wrong ones, on which alone rankers
can differ."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The candidates of n queries and their labels."""

    candidates: Hits
    """Every candidate of every query. Its columns hold `features`, (m, F) float64, NaN where the file has no value, or
    `text`, Arrow strings. Where candidates come without an order all scores are 0."""
    qrels: pd.DataFrame
    "`qid`, `docno`, `label`: one row a candidate, in the order in which the files name them."

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def queries(self) -> pd.DataFrame:
        """`qid`, and `query` where queries are texts; also those without candidates."""
        return self.candidates.queries

    @property
    def results(self) -> pd.DataFrame:
        """The candidates as a results frame."""
        return self.candidates.frame()

    def counts(self) -> dict[str, int]:
        """Count the queries, the candidates, and those of a label above 0."""
        return {
            "queries": len(self.queries),
            "candidates": len(self.candidates),
            "relevant": int((self.qrels["label"] > 0).sum()),
        }

    def keeping(self, keep: Keep) -> Pool:
        """Leave out queries, with their candidates and labels, that have no right candidate or none that is wrong.

        Examples
        --------
        >>> rows = [("1", "a", 1), ("1", "b", 0), ("2", "a", 1), ("3", "b", 0)]
        >>> pool = pool_of(*zip(*rows))
        >>> [len(pool.keeping(keep)) for keep in ("all", "answered", "mixed")]
        [3, 2, 1]
        """
        if keep == "all":
            return self
        right = self.qrels["label"] > 0
        stay = self.queries["qid"].isin(self.qrels["qid"][right])
        if keep == "mixed":
            stay &= self.queries["qid"].isin(self.qrels["qid"][~right])
        return self.of(self.queries["qid"][stay])

    def of(self, qids: Any) -> Pool:
        """Return the pool of some of the queries, which keep their order."""
        stay = self.queries["qid"].isin(qids).to_numpy()
        hits = self.candidates.kept(stay[self.candidates.query])
        queries = self.queries[stay].reset_index(drop=True)
        qrels = self.qrels[self.qrels["qid"].isin(queries["qid"])].reset_index(drop=True)
        return Pool(hits.for_queries(queries), qrels)

    def filled(self, value: float = 0.0) -> Pool:
        """Put a number in the place of missing features, for rankers that know of none."""
        features = self._features()
        return replace(
            self, candidates=self.candidates.carrying(features=np.where(np.isnan(features), value, features))
        )

    def widened(self, width: int) -> Pool:
        """Give candidates as many features as others have whose file names some that are 0 here."""
        features = self._features()
        if features.shape[1] >= width:
            return self
        more = np.zeros((len(features), width - features.shape[1]))
        return replace(self, candidates=self.candidates.carrying(features=np.hstack([features, more])))

    def rankings(self) -> list[Hits]:
        """Return each feature as a ranking of its own, for features that are places in rankings, 1 the best.

        Returns
        -------
        list of F Hits
            Without the candidates that the ranking lacks (NaN); the score is the place with its sign turned.

        Examples
        --------
        >>> pool = pool_of(["1", "1"], ["a", "b"], [1, 0], features=np.array([[2.0, np.nan], [1.0, 7.0]]))
        >>> [hits.frame()[["docno", "score"]].values.tolist() for hits in pool.rankings()]
        [[['b', -1.0], ['a', -2.0]], [['b', -7.0]]]
        """
        places, bare = self._features(), self.candidates.without("features")
        return [bare.kept(~np.isnan(one)).rescored(-one[~np.isnan(one)]) for one in places.T]

    def _features(self) -> Floats:
        if "features" not in self.candidates.columns:
            raise ConfigError("pool: its candidates have texts and no features; make features of them first")
        features: Floats = self.candidates.columns["features"]
        return features


def pool_of(
    qid: Sequence[str],
    docno: Sequence[str],
    label: Sequence[int] | Ints,
    queries: pd.DataFrame | None = None,
    **columns: Any,
) -> Pool:
    """Make a pool of loose candidates, each of score 0.

    Parameters
    ----------
    qid, docno, label : (m,)
        Of each candidate, in any order; no pair twice.
    queries : queries frame, optional
        Default the distinct qids in order of appearance.
    columns
        Per candidate: `features` or `text`.
    """
    import pandas as pd

    qids, docnos = arrow_strings(list(qid)), arrow_strings(list(docno))
    names = docnos.dictionary_encode()
    if queries is None:
        queries = pd.DataFrame({"qid": frame_strings(qids.unique())})
    query = Docnos(arrow_strings(queries["qid"])).rows(qids)
    doc = names.indices.to_numpy(zero_copy_only=False)
    hits = Hits.ranked(queries, query, doc, np.zeros(len(qids)), Docnos(names.dictionary), columns=columns)
    qrels = pd.DataFrame(
        {"qid": frame_strings(qids), "docno": frame_strings(docnos), "label": np.asarray(label, dtype=np.int64)}
    )
    return Pool(hits, qrels)


def together(pools: Sequence[Pool], who: str) -> Pool:
    """Put pools of different queries below one another; the widest says how many features there are.

    Raises
    ------
    DataError
        If a query is in two of them.
    """
    import pandas as pd

    if len(pools) == 1:
        return pools[0]
    queries = pd.concat([pool.queries for pool in pools], ignore_index=True)
    twice = queries["qid"][queries["qid"].duplicated()]
    if len(twice):
        raise DataError(f"{who}: the query {twice.iloc[0]!r} is in two files of one part; name each file once")
    if all("features" in pool.candidates.columns for pool in pools):
        width = max(pool.candidates.columns["features"].shape[1] for pool in pools)
        pools = [pool.widened(width) for pool in pools]
    qrels = pd.concat([pool.qrels for pool in pools], ignore_index=True)
    return Pool(stacked([pool.candidates for pool in pools], queries), qrels)


def strings(texts: Sequence[str]) -> pa.LargeStringArray:
    """Return texts as the column of hits that holds them."""
    return arrow_strings(list(texts))
