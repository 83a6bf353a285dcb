"""Embedding-based query language models EQE1 and EQE2.

Source: Zamani and Croft, "Embedding-based query language models", ICTIR 2016, section 3.2.
Symbols: T index terms with a vector, k distinct query terms with one, c their counts, n = sum(c);
delta similarity and Z its normalisers (`irkit.text.similarity`).
Departures: the vocabulary is the index's terms that have a vector; on a stemmed index the vector of a
stem is the centroid of its surface forms. Query terms without a vector are ignored by the estimate
and kept in the original query.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from irkit.arrays import Floats, Ints, offsets
from irkit.config import Config
from irkit.errors import CompositionError
from irkit.expand.feedback import QueryTerms, TermModel, mixed, normalised, origins, query_counts, rewritten, truncated
from irkit.frames import Queries
from irkit.pipeline.explain import Origin
from irkit.pipeline.stage import Stage
from irkit.text.similarity import TermSimilarity
from irkit.text.vectors import Vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from irkit.lucene import Index

SCORES = 1 << 24
"Scores of queries by terms that are held at once: 64 MiB of float32, or the scores of one query if they take more."

WIDTH = 256
"Terms whose similarities are made at a time, few enough that they stay in the processor's cache."

SMALL = 1 << 20
"Scores that are not worth starting threads for."

FOLDS = 1024
"Terms are folded onto this many places to find a lower bound for the best scores."


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


def log_eqe1(log_delta: Floats, counts: Floats, mass: Floats) -> Floats:
    """Compute EQE1 up to a constant: query terms independent given w.

    p(w | q) proportional to p(w) prod_i p(q_i | w), with p(q_i | w) = delta(q_i, w) / Z_w and
    p(w) proportional to Z_w: log p = (1 - n) log Z_w + sum_i c_i log delta(q_i, w).

    Parameters
    ----------
    log_delta : (k, T) float, nats
    counts : (k,) float, or (Q, k) for several queries, which may be sparse
    mass : (T,) float64
        Z.

    Returns
    -------
    (T,) or (Q, T) float, nats
    """
    kind = log_delta.dtype
    log_p = counts.astype(kind, copy=False) @ log_delta
    log_p += np.multiply.outer((1 - counts.sum(axis=-1)).astype(kind), np.log(mass).astype(kind))
    return log_p


def eqe2(delta: Floats, shares: Floats) -> Floats:
    """Estimate p(w | q) by EQE2: the query's terms each spread over their neighbours.

    p(w | q) = sum_i [delta(q_i, w) / Z_{q_i}] c_i / n

    Parameters
    ----------
    delta : (k, T) float
    shares : (k,) float64, or (Q, k) for several queries, which may be sparse
        c_i / (n Z_{q_i}), of `eqe2_shares`.

    Returns
    -------
    (T,) or (Q, T) float, summing to 1
    """
    return shares.astype(delta.dtype, copy=False) @ delta


def eqe2_shares(counts: Floats, query_mass: Floats) -> Floats:
    """Return c_i / (n Z_{q_i}), the factors of delta in EQE2: (k,) float64."""
    shares: Floats = counts / counts.sum() / query_mass
    return shares


def hopeful(scores: Floats, m: int) -> list[Ints]:
    """Find in every row a few columns that are sure to hold the m greatest scores, without sorting the row.

    The row is folded onto `FOLDS` places; the m-th greatest of their maxima is at most the m-th
    greatest score.

    Parameters
    ----------
    scores : (Q, T) float
    m : int

    Returns
    -------
    list of (n,) int64
        Columns ascending, n >= m where there are as many.
    """
    folds = scores.shape[1] // FOLDS
    if folds < 2 or m > FOLDS:
        return [np.arange(scores.shape[1])] * len(scores)
    most = scores[:, : folds * FOLDS].reshape(len(scores), folds, FOLDS).max(axis=1)
    least = np.partition(most, FOLDS - m, axis=1)[:, FOLDS - m]
    return [np.flatnonzero(row >= bound) for row, bound in zip(scores, least, strict=True)]


@lru_cache(maxsize=8)
def index_similarity(index: Index, vectors: Vectors, a: float, c: float) -> tuple[TermSimilarity, Ints]:
    """Return the similarity over the index terms that have a vector, and the row of each index term in it (-1 none).

    Rows keep the order of the index vocabulary.
    """
    own = aligned(index, vectors)
    row = np.full(len(index.vocabulary.terms), -1, dtype=np.int64)
    row[index.vocabulary.ids(own.words)] = np.arange(len(own))
    return TermSimilarity(own, a, c), row


def similarity_terms(row_of: Ints) -> Ints:
    """Return the term number of each row of a similarity, ascending."""
    return np.flatnonzero(row_of >= 0)


@lru_cache(maxsize=4)
def aligned(index: Index, vectors: Vectors) -> Vectors:
    """Return unit vectors of the index terms that have one, in the order of the index vocabulary."""
    return vectors.for_terms(index.vocabulary.terms.to_pylist(), lambda words: index.analyze(words))


class _EQE(Stage):
    """What the two models share: everything but the estimate."""

    takes = "queries"
    gives = "queries"
    needs = ("index", "vectors")
    config_type: ClassVar[type[Config]] = EQEConfig
    config: Any
    unit: ClassVar[Literal["share", "nats"]] = "share"
    prior: ClassVar[tuple[str, ...]] = ()
    "Name of the source that is no query term."

    def __init__(self, index: Index, vectors: Vectors, config: Config | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.index, self.vectors = index, vectors

    def factors(self, counts: Floats, query_mass: Floats) -> Floats:
        """Return (k,) factors of a query's terms in `scores`, from their counts and their Z."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement factors")

    def scores(self, similarity: TermSimilarity, own: Floats, factors: Floats, part: slice) -> Floats:
        """Return (Q, n) scores that rank as p(w | q), for a slice of the terms.

        own holds unit vectors (k, d) of the queries' terms, factors are sparse (Q, k).
        """
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement scores")

    def probabilities(self, scores: Floats) -> Floats:
        """Turn scores of one query's best terms into weights proportional to p(w | q)."""
        return scores

    def suggested(self, queries: Sequence[QueryTerms]) -> list[TermModel]:
        """Return the best terms for each query; none for a query without a term that has a vector.

        Beside the vectors this takes `SCORES` numbers of memory, whatever the number of queries, and a block of
        similarities on each core: the distinct terms of some queries by `WIDTH`.
        """
        similarity, row_of = index_similarity(self.index, self.vectors, self.config.a, self.config.c)
        terms = similarity_terms(row_of)
        out: list[TermModel] = []
        groups = max(1, -(-len(queries) * len(similarity) // SCORES))
        step = max(1, -(-len(queries) // groups))
        held = np.empty((min(step, len(queries)), len(similarity)), dtype=np.float32)
        for at in range(0, len(queries), step):
            group = queries[at : at + step]
            distinct, factors = self._factors(group, row_of, similarity.mass)
            scores = self._scores(similarity, distinct, factors, held[: len(group)])
            expanded = np.diff(factors.indptr) > 0
            for row, best, any_known in zip(scores, hopeful(scores, self.config.fb_terms), expanded, strict=True):
                best = best if any_known else best[:0]
                out.append(truncated(terms[best], self.probabilities(row[best]), self.config.fb_terms))
        return out

    def _scores(self, similarity: TermSimilarity, distinct: Ints, factors: csr_array, scores: Floats) -> Floats:
        """Compute `scores` over all terms into (Q, T) float32, a block of terms at a time on each core."""
        # Queries share the similarities of the terms they have in common.
        own, factors = similarity.vectors.matrix[distinct], factors.astype(np.float32)

        def fill(start: int) -> None:
            part = slice(start, start + WIDTH)
            scores[:, part] = self.scores(similarity, own, factors, part)

        starts = range(0, len(similarity), WIDTH)
        if scores.size < SMALL:
            for start in starts:
                fill(start)
            return scores
        with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1, user_api="blas"):
            list(pool.map(fill, starts))
        return scores

    def _factors(self, queries: Sequence[QueryTerms], row_of: Ints, mass: Floats) -> tuple[Ints, csr_array]:
        """Return the rows of all query terms that have a vector, and (queries, rows) their factors."""
        from scipy.sparse import csr_array

        known = [row_of[query.terms] >= 0 for query in queries]
        rows = [row_of[query.terms[own]] for query, own in zip(queries, known, strict=True)]
        parts = [
            self.factors(query.weights[own], mass[row]) for query, own, row in zip(queries, known, rows, strict=True)
        ]
        distinct, place = np.unique(np.concatenate(rows), return_inverse=True)
        ptr = offsets(np.array([len(row) for row in rows]))
        return distinct, csr_array((np.concatenate(parts), place, ptr), shape=(len(queries), len(distinct)))

    def expand(self, queries: Sequence[QueryTerms]) -> list[TermModel]:
        """Return each query mixed with its best expansion terms; with no term that has a vector it stays as it is."""
        return [
            mixed((query.terms, normalised(query.weights)), found, self.config.keep)
            for query, found in zip(queries, self.suggested(queries), strict=True)
        ]

    def explain_rewrite(self, flow: Queries) -> list[Origin] | None:
        """Return the share of the original query in each term's weight, and what each query term gave."""
        similarity, row_of = index_similarity(self.index, self.vectors, self.config.a, self.config.c)
        query = query_counts(self.index, flow, self.name)[0]
        known = row_of[query.terms] >= 0
        if not known.any():
            return None
        rows, counts = row_of[query.terms[known]], query.weights[known]
        delta, mass = similarity.rows(rows).astype(np.float64), similarity.mass
        return origins(
            self.index,
            (query.terms, normalised(query.weights)),
            self.suggested([query])[0],
            self.config.keep,
            [*self.index.vocabulary.terms.take(query.terms[known]).to_pylist(), *self.prior],
            lambda terms: self.evidence(delta[:, row_of[terms]], counts, mass[rows], mass[row_of[terms]], mass),
            self.unit,
        )

    def evidence(self, delta: Floats, counts: Floats, query_mass: Floats, mass: Floats, every: Floats) -> Floats:
        """Return what each query term, and the prior where there is one, gave m terms: (k or k + 1, m).

        delta is (k, m), counts and query_mass (k,), mass Z of the m terms, every Z of all terms.
        """
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement evidence")

    def run(self, flow: Queries) -> Queries:
        """Rewrite every query."""
        return rewritten(self.index, flow, self.expand(query_counts(self.index, flow, self.name)))


class EQE1(_EQE):
    """Expand queries with terms close to the whole query in embedding space."""

    name = "eqe1"
    unit = "nats"
    prior = ("prior",)

    def factors(self, counts: Floats, query_mass: Floats) -> Floats:
        """Return the counts."""
        return counts

    def scores(self, similarity: TermSimilarity, own: Floats, factors: Floats, part: slice) -> Floats:
        """Return log EQE1 up to a constant."""
        return log_eqe1(similarity.log_block(own, part), factors, similarity.mass[part])

    def probabilities(self, scores: Floats) -> Floats:
        """Return the exponentials, the greatest scaled to 1."""
        weights: Floats = np.exp(scores - scores.max(initial=-np.inf))
        return weights

    def evidence(self, delta: Floats, counts: Floats, query_mass: Floats, mass: Floats, every: Floats) -> Floats:
        """Return c_i log [p(q_i | w) / p(q_i)] and, last, log [p(w) T]; a term's log p(w | q) is their sum + const."""
        information = np.log(delta * every.sum() / (mass * query_mass[:, None]))
        return np.vstack([counts[:, None] * information, np.log(mass / every.mean())])


class EQE2(_EQE):
    """Expand queries with terms close to any query term in embedding space."""

    name = "eqe2"

    def factors(self, counts: Floats, query_mass: Floats) -> Floats:
        """Return the factors of delta."""
        return eqe2_shares(counts, query_mass)

    def scores(self, similarity: TermSimilarity, own: Floats, factors: Floats, part: slice) -> Floats:
        """Return EQE2."""
        return eqe2(similarity.block(own, part), factors)

    def evidence(self, delta: Floats, counts: Floats, query_mass: Floats, mass: Floats, every: Floats) -> Floats:
        """Return the terms of EQE2's sum."""
        return (counts / query_mass)[:, None] * delta
