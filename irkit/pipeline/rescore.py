"""Score given documents by a weighting model of the index: what a retriever would give them, found or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from irkit.arrays import Ints
from irkit.frames import asked
from irkit.hits import Hits
from irkit.pipeline.explain import Terms
from irkit.pipeline.retrieve import Weighting
from irkit.pipeline.stage import Stage

if TYPE_CHECKING:
    from irkit.lucene import Index


class RescoreConfig(Weighting):
    """Settings of `Rescore`."""

    threads: int | None = Field(None, ge=1)
    "Threads; default all cores."


class Rescore(Stage):
    """Score results anew by a weighting model, as the retriever `lucene` scores what it finds, to the bit.

    Queries are those of the results, weighted terms (`query_toks`) and all. A document without any of a
    query's terms gets 0; under exact query likelihood it has its likelihood, as any other document.
    """

    name = "rescore"
    needs = ("index",)
    config_type = RescoreConfig
    config: RescoreConfig

    def __init__(self, index: Index, config: RescoreConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.index = index
        self.similarity = self.config.similarity()

    def run(self, flow: Hits) -> Hits:
        """Score all results in one batch.

        Raises
        ------
        NotFoundError
            If the index lacks a document.
        FrameError
            If the results do not hold the queries' texts, as a run file does not.
        """
        if not len(flow):
            return flow
        queries, threads = asked(flow.queries, who=self.name), self.config.threads
        return flow.rescored(self.index.score(queries, flow.ptr, self._rows(flow), self.similarity, threads=threads))

    def explain_terms(self, flow: Hits, docno: str) -> Terms | None:
        """Return what each query term adds to one document's score."""
        return self.index.explain(asked(flow.queries, who=self.name)[0], docno, self.similarity)

    def _rows(self, flow: Hits) -> Ints:
        """Return the index's row of each result."""
        if flow.docnos is self.index.docnos:
            return flow.doc
        used, place = np.unique(flow.doc, return_inverse=True)
        rows = self.index.docnos.rows(flow.docnos.take(used))
        if rows.min() < 0:
            self.index.docnos.row(flow.docnos[int(used[np.argmin(rows)])])  # raises, with near misses
        return rows[place]
