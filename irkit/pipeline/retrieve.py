"""The retriever: queries in, documents of a Lucene index out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from irkit.config import Config
from irkit.frames import Queries, asked
from irkit.hits import Hits, Ties
from irkit.ids import documents_of
from irkit.lucene.similarity import Similarity, similarity
from irkit.pipeline.explain import Terms
from irkit.pipeline.stage import Stage

if TYPE_CHECKING:
    from irkit.lucene import Index


class Weighting(Config):
    """Settings of a weighting model of the index."""

    model: Literal["bm25", "ql-dirichlet", "ql-jelinek-mercer", "lucene-qld", "lucene-qljm", "tf-idf"] = "bm25"
    "Weighting model; `ql-*` are exact query likelihood, `lucene-*` are Lucene's own approximations."
    k1: float | None = Field(None, ge=0)
    "BM25 term-frequency saturation; default 0.9."
    b: float | None = Field(None, ge=0, le=1)
    "BM25 length normalisation; default 0.4."
    mu: float | Literal["auto"] | None = None
    "Dirichlet prior mass in tokens; `auto` takes three times the mean document length. Default 1000."
    lam: float | None = Field(None, gt=0, lt=1)
    "Jelinek-Mercer weight of the collection model; default 0.1."

    def similarity(self) -> Similarity:
        """Return the weighting model with the parameters that were given."""
        given = {name: getattr(self, name) for name in ("k1", "b", "mu", "lam")}
        return similarity(self.model, **{name: value for name, value in given.items() if value is not None})


class RetrieveConfig(Weighting):
    """Settings of `Retrieve`."""

    n: int = Field(1000, ge=1)
    "Documents retrieved per query."
    ties: Ties = "trec"
    "Order of equal scores."
    scorer: Literal["auto", "maxscore", "wand", "taat"] = "auto"
    "How Lucene's models are scored: results are bitwise the same, and `auto` is the fastest that memory allows."
    threads: int | None = Field(None, ge=1)
    "Search threads; default all cores."


class Retrieve(Stage):
    """Retrieve documents from a Lucene index.

    A query is analysed as the index was; where the queries frame has `query_toks` (term -> weight)
    those analysed, weighted terms are scored instead. A row whose `query_toks` is None falls back to its text.
    """

    name = "lucene"
    takes = "queries"
    gives = "results"
    needs = ("index",)
    config_type = RetrieveConfig
    config: RetrieveConfig

    def __init__(self, index: Index, config: RetrieveConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.index = index
        self.similarity = self.config.similarity()

    def run(self, flow: Queries) -> Hits:
        """Search all queries in one batch."""
        c = self.config
        found = self.index.search(
            asked(flow, who=self.name), c.n, self.similarity, threads=c.threads, scorer=c.scorer, ties=c.ties
        )
        return Hits(flow, found.ptr, found.doc, found.score.astype(np.float64), self.index.docnos, c.ties)

    @property
    def word(self) -> str:
        """The weighting model."""
        return self.config.model

    def limited(self, k: int) -> Retrieve:
        """Return a retriever that stops at k documents."""
        if k >= self.config.n:
            return self
        return Retrieve(self.index, self.config.changed(n=k))

    def explain_terms(self, flow: Queries, docno: str) -> Terms | None:
        """Return what each query term adds to the score of one document, or of that which a passage is of."""
        (known,) = documents_of(self.index.docnos, [docno])
        return self.index.explain(asked(flow, who=self.name)[0], known, self.similarity)
