"""Dense retrieval: the documents whose vectors point most nearly where a query's does.

    score(q, d) = <q, d> / (|q| |d|)

Every document is compared, by FAISS's flat index, so the best n are exact up to float32. A query or document
without a vector (all zero) finds nothing and is found by nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.config import Config
from irkit.frames import Queries
from irkit.hits import Hits
from irkit.pipeline.stage import Stage
from irkit.rank.encoder import Encoder


class DenseConfig(Config):
    """Settings of `Dense`."""

    n: int = Field(1000, ge=1)
    "Documents retrieved per query."


def unit(vectors: Floats) -> Floats:
    """Scale vectors to length 1; zero stays zero: (n, d) to (n, d) float32."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(length > 0, length, 1), dtype=np.float32)


class Dense(Stage):
    """Retrieve the documents whose vectors are nearest to the query's by cosine."""

    name = "dense"
    takes = "queries"
    gives = "results"
    needs = ("encoder",)
    config_type = DenseConfig
    config: DenseConfig

    def __init__(self, config: DenseConfig | None = None, *, encoder: Encoder, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.encoder = encoder

    @cached_property
    def _found(self) -> tuple[Any, Any]:
        """FAISS's index of the documents that have a vector, and which these are."""
        import faiss

        documents = unit(self.encoder.documents)
        rows = np.flatnonzero(documents.any(axis=1))
        flat = faiss.IndexFlatIP(documents.shape[1])
        flat.add(documents[rows])
        return flat, rows

    def run(self, flow: Queries) -> Hits:
        """Search all queries in one batch."""
        flat, rows = self._found
        asked = unit(self.encoder.encode(flow["query"].tolist()))
        known = np.flatnonzero(asked.any(axis=1))
        n = min(self.config.n, len(rows))
        if not len(known) or not n:
            return Hits.none(flow)
        score, found = flat.search(asked[known], n)
        query = np.repeat(known, n)
        return Hits.ranked(flow, query, rows[found.ravel()], score.ravel().astype(np.float64), self.encoder.docnos)

    def limited(self, k: int) -> Dense:
        """Return a retriever that stops at k documents."""
        return self if k >= self.config.n else Dense(self.config.changed(n=k), encoder=self.encoder)
