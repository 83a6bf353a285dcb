"""Stages that leave results out, and the way back from results to queries."""

from __future__ import annotations

import numpy as np
import pandas as pd

from irkit.arrays import Bools
from irkit.config import Config
from irkit.errors import FrameError
from irkit.frames import Queries, asked
from irkit.hits import Hits
from irkit.pipeline.fusion import member
from irkit.pipeline.stage import Stage


class Drop(Stage):
    """Leave out given pairs of query and document, such as what a user has seen.

    Parameters
    ----------
    pairs : frame with `qid` and `docno`
        Other columns are not looked at, so qrels do. Queries and documents that do not occur do no harm.
    """

    name = "drop"
    needs = ("pairs",)

    def __init__(self, pairs: pd.DataFrame, config: Config | None = None) -> None:
        super().__init__(config)
        columns = list(map(str, getattr(pairs, "columns", ())))
        if not {"qid", "docno"} <= set(columns):
            got = ", ".join(columns) or type(pairs).__name__
            raise FrameError(f"drop: needs a frame with the columns 'qid' and 'docno', got {got}")
        self.pairs = pairs[["qid", "docno"]].drop_duplicates().sort_values(["qid", "docno"], ignore_index=True)

    def run(self, flow: Hits) -> Hits:
        """Drop the pairs; the ranks close up."""
        query = pd.Index(flow.queries["qid"]).get_indexer(pd.Index(self.pairs["qid"]))
        mine = query >= 0
        doc = flow.docnos.rows(self.pairs["docno"][mine])
        pairs = query[mine].astype(np.int64) * len(flow.docnos) + doc
        return _kept(flow, ~member(flow.query * len(flow.docnos) + flow.doc, pairs[doc >= 0]))


class DropSelf(Stage):
    """Leave out the document whose docno is the qid, for queries that are documents themselves."""

    name = "drop-self"

    def run(self, flow: Hits) -> Hits:
        """Drop each query's own document."""
        return _kept(flow, not_self(flow))


def not_self(hits: Hits) -> Bools:
    """Say which results are another document than their query: (m,) bool."""
    own = hits.docnos.rows(hits.queries["qid"])
    found: Bools = hits.doc != own[hits.query]
    return found


class Reset(Stage):
    """Go back from results to the queries they were found with, as they were before any rewriting.

    `query_0` becomes `query` again and weighted terms are forgotten, so that
    `a >> feedback >> b >> reset() >> c` runs c on what the user asked.
    """

    name = "reset"
    gives = "queries"

    def run(self, flow: Hits) -> Queries:
        """Restore the queries.

        Raises
        ------
        FrameError
            If the results do not hold the queries' texts, as a run file does not.
        """
        queries = flow.queries.drop(columns="query_toks", errors="ignore")
        if "query_0" in queries:
            queries = queries.assign(query=queries["query_0"]).drop(columns="query_0")
        asked(queries, who="reset")
        return queries


def reset() -> Stage:
    """Go back from results to the queries as they were asked: `a >> feedback >> b >> reset() >> c`."""
    return Reset()


def drop_seen(train: pd.DataFrame) -> Stage:
    """Leave out what a user has seen in training.

    Parameters
    ----------
    train : ratings frame (`user_id`, `item_id`), or a frame with `qid` and `docno`
    """
    if isinstance(train, pd.DataFrame) and {"user_id", "item_id"} <= set(train.columns):
        train = train[["user_id", "item_id"]].set_axis(["qid", "docno"], axis=1)
    return Drop(train)


def _kept(hits: Hits, mask: np.ndarray) -> Hits:
    return hits if mask.all() else hits.kept(mask)
