"""Rank results again by the angle between the vectors of document and query, mixed with the score they come with.

    likeness(q, d) = <q, d> / (|q| |d|)

What is mixed how, and what a document or query without a vector (all zero) counts, `irkit.rank.rerank` says.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.rank.rerank import Reranker


def cosines(documents: Floats, query: Floats) -> Floats:
    """Return the cosines of documents (n, d) with a query (d,): (n,) float64, NaN where either is zero or d is 0."""
    if not documents.shape[1] or not len(query):  # of texts without letters nobody knows how many numbers there are
        return np.full(len(documents), np.nan)
    documents, query = documents.astype(np.float64), query.astype(np.float64)
    lengths = np.linalg.norm(documents, axis=1) * np.linalg.norm(query)
    found: Floats = np.divide(documents @ query, lengths, out=np.full(len(documents), np.nan), where=lengths > 0)
    return found


class Latent(Reranker):
    """Rank results again by the cosine of document and query."""

    name = "latent"

    def likeness(self, texts: list[str], ptr: Ints, rows: Ints) -> Floats:
        """Return the cosines."""
        documents, queries = self.encoder.documents, self.encoder.encode(texts)
        each = [
            cosines(documents[rows[start:end]], query)
            for (start, end), query in zip(pairwise(ptr.tolist()), queries, strict=True)
        ]
        return np.concatenate(each)
