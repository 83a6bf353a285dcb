"""Embedding-based query language models EQE1 and EQE2.

Source: Zamani and Croft, "Embedding-based query language models", ICTIR 2016, section 3.2.
Symbols: T index terms with a vector, k distinct query terms with one, c their counts, n = sum(c);
delta similarity and Z its normalisers (`irkit.text.similarity`).
Departures: the vocabulary is the index's terms that have a vector; on a stemmed index the vector of a
stem is the centroid of its surface forms. Query terms without a vector are ignored by the estimate
and kept in the original query.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.config import Config
from irkit.errors import CompositionError
from irkit.expand.feedback import QueryTerms, TermModel, mixed, normalised, query_counts, rewritten, truncated
from irkit.frames import Queries
from irkit.pipeline.stage import Stage
from irkit.text.similarity import TermSimilarity
from irkit.text.vectors import Vectors

if TYPE_CHECKING:
    from irkit.lucene import Index

GROUP = 1 << 22
"Queries are expanded in groups of this many similarities per query term."


class EQEConfig(Config):
    """Settings of `EQE1` and `EQE2`."""

    fb_terms: int = Field(50, ge=1)
    "Expansion terms kept; 50 to 75 was best on news in the paper."
    keep: float = Field(0.5, ge=0, le=1)
    "Weight of the original query; 1 leaves the query unchanged."
    a: float = Field(10.0, ge=0)
    "Steepness of the sigmoid over similarity."
    c: float = Field(0.8, ge=0, le=1)
    "Similarity, mapped to [0, 1], at which the sigmoid is 1/2."


def log_eqe1(delta: Floats, counts: Floats, mass: Floats) -> Floats:
    """Compute EQE1 up to a constant: query terms independent given w.

    p(w | q) proportional to p(w) prod_i p(q_i | w), with p(q_i | w) = delta(q_i, w) / Z_w and
    p(w) proportional to Z_w: log p = (1 - n) log Z_w + sum_i c_i log delta(q_i, w).

    Parameters
    ----------
    delta : (k, T) float, positive
    counts : (k,) float64
    mass : (T,) float64
        Z.

    Returns
    -------
    (T,) float64, nats
    """
    return (1 - counts.sum()) * np.log(mass) + counts.astype(delta.dtype) @ np.log(delta)


def eqe1(delta: Floats, counts: Floats, mass: Floats) -> Floats:
    """Estimate p(w | q) by EQE1; see `log_eqe1`. Returns (T,) float64 summing to 1."""
    log_p = log_eqe1(delta, counts, mass)
    p = np.exp(log_p - log_p.max())
    return p / p.sum()


def eqe2(delta: Floats, counts: Floats, query_mass: Floats) -> Floats:
    """Estimate p(w | q) by EQE2: the query's terms each spread over their neighbours.

    p(w | q) = sum_i [delta(q_i, w) / Z_{q_i}] c_i / n

    Parameters
    ----------
    delta : (k, T) float
    counts : (k,) float64
    query_mass : (k,) float64
        Z of the query terms.

    Returns
    -------
    (T,) float64 summing to 1
    """
    return (counts / counts.sum() / query_mass).astype(delta.dtype) @ delta


@lru_cache(maxsize=8)
def index_similarity(index: Index, vectors: Vectors, a: float, c: float) -> tuple[TermSimilarity, Ints]:
    """Return the similarity over the index terms that have a vector, and the row of each index term in it (-1 none).

    Rows keep the order of the index vocabulary.
    """
    aligned = _aligned(index, vectors)
    row = np.full(len(index.vocabulary.terms), -1, dtype=np.int64)
    row[index.vocabulary.ids(aligned.words)] = np.arange(len(aligned))
    return TermSimilarity(aligned, a, c), row


def similarity_terms(row_of: Ints) -> Ints:
    """Return the term number of each row of a similarity, ascending."""
    return np.flatnonzero(row_of >= 0)


@lru_cache(maxsize=4)
def _aligned(index: Index, vectors: Vectors) -> Vectors:
    return vectors.for_terms(index.vocabulary.terms.to_pylist(), lambda words: index.analyze(words))


class _EQE(Stage):
    """What the two models share: everything but the estimate."""

    takes = "queries"
    gives = "queries"
    needs = ("index", "vectors")
    config_type: ClassVar[type[Config]] = EQEConfig
    config: Any

    def __init__(self, config: Config | None = None, *, index: Index, vectors: Vectors, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.index, self.vectors = index, vectors

    def estimate(self, delta: Floats, counts: Floats, query_mass: Floats, mass: Floats) -> Floats:
        """Return (T,) weights proportional to p(w | q); the arguments are those of `eqe1` and `eqe2`."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement estimate")

    def expand(self, queries: Sequence[QueryTerms]) -> list[TermModel]:
        """Return each query mixed with its best expansion terms; with no term that has a vector it stays as it is."""
        similarity, row_of = index_similarity(self.index, self.vectors, self.config.a, self.config.c)
        terms = similarity_terms(row_of)
        out = []
        # Queries of a group share their terms' rows, which one matrix product makes.
        step = max(1, GROUP // max(len(similarity), 1))
        for at in range(0, len(queries), step):
            group = queries[at : at + step]
            rows = [row_of[query.terms] for query in group]
            distinct = np.unique(np.concatenate(rows))
            distinct = distinct[distinct >= 0]
            delta = similarity.rows(distinct)
            for query, own in zip(group, rows, strict=True):
                known = own >= 0
                original = query.terms, normalised(query.weights)
                if not known.any():
                    out.append(original)
                    continue
                place = np.searchsorted(distinct, own[known])
                found = self.estimate(delta[place], query.weights[known], similarity.mass[own[known]], similarity.mass)
                out.append(mixed(original, truncated(terms, found, self.config.fb_terms), self.config.keep))
        return out

    def run(self, flow: Queries) -> Queries:
        """Rewrite every query."""
        return rewritten(self.index, flow, self.expand(query_counts(self.index, flow)))


class EQE1(_EQE):
    """Expand queries with terms close to the whole query in embedding space."""

    name = "eqe1"

    def estimate(self, delta: Floats, counts: Floats, query_mass: Floats, mass: Floats) -> Floats:
        """Return EQE1."""
        return eqe1(delta, counts, mass)


class EQE2(_EQE):
    """Expand queries with terms close to any query term in embedding space."""

    name = "eqe2"

    def estimate(self, delta: Floats, counts: Floats, query_mass: Floats, mass: Floats) -> Floats:
        """Return EQE2."""
        return eqe2(delta, counts, query_mass)
