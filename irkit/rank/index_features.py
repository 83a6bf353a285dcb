"""Features of queries and documents that an index knows, beside the scores of its weighting models.

Each stage puts its columns to the right of the `features` that results carry, and leaves their scores as they are, so
that `rescore ** lengths ** coordination` is a list of features and `lengths >> coordination` another. What they are
called stands in `makes`. A query's terms are those that the collection has; others are skipped, as the weighting
models skip them. Of a query without terms every sum is 0.

    t in q      distinct terms of the query, w their weights (how often a text has them)
    t in d      those of them that the document has, tf how often
    idf(t)      log(N / df), N documents, df those with the term: Sparck Jones, Journal of Documentation 28(1), 1972
    cf, C       occurrences of a term in the collection, and tokens of the collection
    |d|, avg    tokens of the document, and of the mean document

The sums over terms are of the kinds of Nallapati, "Discriminative models for information retrieval", SIGIR 2004, Table
1, with log(1 + tf) for log(tf); LETOR has such too (Qin, Liu, Xu and Li, "LETOR: a benchmark collection for research on
learning to rank for information retrieval", Information Retrieval 13, 2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.config import Config
from irkit.errors import CompositionError
from irkit.hits import Hits
from irkit.pipeline.stage import Stage
from irkit.rank.matches import Candidates, candidates

if TYPE_CHECKING:
    from irkit.lucene import Index


class IndexFeatures(Stage):
    """Base of these stages; a subclass names its columns and implements `values`."""

    needs = ("index",)

    def __init__(self, index: Index, config: Config | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.index = index

    def values(self, given: Candidates) -> Floats:
        """Return the columns for m results: (m, F) float64."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement values")

    def run(self, flow: Hits) -> Hits:
        """Add the columns.

        Raises
        ------
        NotFoundError
            If the index lacks a document.
        FrameError
            If the results do not hold the queries' texts, as a run file does not.
        """
        each = [self.values(some) for some in candidates(self.index, flow, who=self.name)] if len(flow) else []
        own = np.concatenate(each) if each else np.zeros((0, len(self.makes)))
        before = flow.columns.get("features")
        return flow.carrying(features=own if before is None else np.concatenate([before, own], axis=1))


class Coordination(IndexFeatures):
    """How many of the query's terms the document has.

        matched         number of t in d
        matched-share   sum of w over t in d / sum of w over t in q

    Source: Cleverdon's level of coordination, as in van Rijsbergen, "Information Retrieval", 1979, chapter 5.
    """

    name = "coordination"
    makes = ("matched", "matched-share")

    def values(self, given: Candidates) -> Floats:
        """Count."""
        found, terms = given.matches, given.terms
        whole = given.repeated(terms.total(terms.weight))
        return np.stack([found.total(np.ones(len(found.hit))), _share(found.total(found.weight), whole)], axis=1)


class Lengths(IndexFeatures):
    """How long document and query are.

    length         |d|
    log-length     log(1 + |d|)
    length-ratio   |d| / avg
    query-length   sum of w over t in q
    """

    name = "lengths"
    makes = ("length", "log-length", "length-ratio", "query-length")

    def values(self, given: Candidates) -> Floats:
        """Look lengths up."""
        length = np.asarray(self.index.lengths)[given.doc].astype(np.float64)
        mean = max(self.index.stats.mean_length, 1e-12)  # of documents without any term
        query = given.repeated(given.terms.total(given.terms.weight))
        return np.stack([length, np.log1p(length), length / mean, query], axis=1)


class IdfSums(IndexFeatures):
    """How rare the query's terms are, and those of them that the document has.

    idf-matched-sum    sum of w idf(t) over t in d
    idf-matched-max    largest idf(t) of t in d
    idf-matched-mean   idf-matched-sum / sum of w over t in d
    idf-matched-share  idf-matched-sum / idf-sum
    idf-sum, idf-max, idf-mean   the same over t in q: of a query alone, for models that see no queries
    """

    name = "idf-sums"
    makes = (
        "idf-matched-sum", "idf-matched-max", "idf-matched-mean", "idf-matched-share", "idf-sum", "idf-max", "idf-mean",
    )  # fmt: skip

    def values(self, given: Candidates) -> Floats:
        """Add up."""
        found, terms = given.matches, given.terms
        own, every = _idf(self.index, found.term), _idf(self.index, terms.term)
        matched, whole = found.total(found.weight * own), terms.total(terms.weight * every)
        columns = [matched, found.largest(own), _share(matched, found.total(found.weight))]
        columns.append(_share(matched, given.repeated(whole)))
        of_query = [whole, terms.largest(every), _share(whole, terms.total(terms.weight))]
        return np.stack(columns + [given.repeated(one) for one in of_query], axis=1)


class TfSums(IndexFeatures):
    """How often the document has the query's terms: sums over t in d of

        tf-sum          w log(1 + tf)
        tf-share-sum    w log(1 + tf / |d|)
        tf-idf-sum      w log(1 + tf) idf(t)
        likelihood-sum  w log(1 + tf / |d| * C / cf)

    The last is query likelihood (Jelinek-Mercer, weight 1/2) without what is the same for all documents of a query.
    """

    name = "tf-sums"
    makes = ("tf-sum", "tf-share-sum", "tf-idf-sum", "likelihood-sum")

    def values(self, given: Candidates) -> Floats:
        """Add up."""
        found = given.matches
        share = found.tf / np.asarray(self.index.lengths)[given.doc[found.hit]]
        rare = self.index.stats.tokens / np.asarray(self.index.vocabulary.cf)[found.term]
        log_tf = np.log1p(found.tf)
        summands = [log_tf, np.log1p(share), log_tf * _idf(self.index, found.term), np.log1p(share * rare)]
        return np.stack([found.total(found.weight * one) for one in summands], axis=1)


def _idf(index: Index, term: Ints) -> Floats:
    """log(N / df) of (T,) terms."""
    idf: Floats = np.log(len(index) / np.asarray(index.vocabulary.df)[term])
    return idf


def _share(part: Floats, whole: Floats) -> Floats:
    """Part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
