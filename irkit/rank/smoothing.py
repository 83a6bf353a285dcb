"""Query likelihood of documents whose language model is smoothed by another model of documents too.

    p(w | d) = (1 - weight) (c(w, d) + mu p(w | C)) / (|d| + mu) + weight p_model(w | d)
    score(q, d) = sum over terms w of q of q(w) log p(w | d)          q(w) counts, or weights

p_model is what a model such as `DocNADE` expects of a next word, all words of the document seen. The first part is
the exact query likelihood of `lucene(model="ql-dirichlet")`, from the same statistics: weight 0 gives its scores to
the bit. Terms that the collection lacks are left out, as there.

A model knows fewer words than the index. Its probabilities sum to 1 over those, so that the mixture sums to 1 over
the terms of the index with p_model = 0 for the others: they count by their Dirichlet part alone, times 1 - weight,
which is the same factor for all documents. At weight 1 nothing is left of them, and they are left out.

Source: Zhai and Lafferty, "A study of smoothing methods for language models applied to ad hoc information retrieval",
SIGIR 2001 (Dirichlet); the mixture with a model of topics is that of Wei and Croft, "LDA-based document models for
ad-hoc retrieval", SIGIR 2006, equation 5.
Symbols: m results, P pairs of a result and a term of its query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints, offsets
from irkit.config import Config
from irkit.frames import asked
from irkit.hits import Hits
from irkit.lucene.similarity import QLDirichlet
from irkit.pipeline.explain import Terms
from irkit.pipeline.stage import Stage
from irkit.rank.encoder import Encoder, require

if TYPE_CHECKING:
    from irkit.lucene import Index

PAIRS = 1 << 21
"Pairs of a result and a term that are scored together."

DOCUMENTS = 256
"Documents whose words are predicted together."


class WordEncoder(Encoder, Protocol):
    """An encoder whose model predicts words."""

    def word_log_prob(self, rows: Ints, words: Sequence[str]) -> Floats:
        """Return log p(word | document) for rows of `docnos`: (n, m) nats, -inf of a word that is not known."""


class SmoothedConfig(Config):
    """Settings of `Smoothed`."""

    weight: float = Field(0.3, ge=0, le=1)
    "Of the model; 0 is Dirichlet smoothing alone."
    mu: float | Literal["auto"] = 1000.0
    "Dirichlet prior mass in tokens; `auto` takes three times the mean document length."
    threads: int | None = Field(None, ge=1)
    "Threads; default all cores."


def mixture(dirichlet: Floats, model: Floats, weight: float) -> Floats:
    """Return log((1 - weight) p + weight p_model), given the logarithms of both; -inf of a model does not know.

    Examples
    --------
    >>> np.exp(mixture(np.log([0.5, 0.5]), np.array([np.log(0.1), -np.inf]), 0.25)).round(3).tolist()
    [0.4, 0.375]
    >>> np.exp(mixture(np.log([0.5, 0.5]), np.array([np.log(0.1), -np.inf]), 1)).round(3).tolist()
    [0.1, 1.0]
    """
    if weight == 1:
        return np.where(np.isneginf(model), 0.0, model)
    if weight == 0:
        return dirichlet
    mixed: Floats = np.logaddexp(np.log1p(-weight) + dirichlet, np.log(weight) + model)
    return mixed


class Smoothed(Stage):
    """Score results anew by query likelihood, their language models smoothed by a model of documents.

    It scores all the results that it is given, as `rescore` does; cut before, `first % 100 >> smoothed`.
    """

    name = "smoothed"
    needs = ("index", "encoder")
    config_type = SmoothedConfig
    config: SmoothedConfig

    def __init__(
        self, index: Index, encoder: WordEncoder, config: SmoothedConfig | None = None, **settings: Any
    ) -> None:
        super().__init__(config, **settings)
        self.index, self.encoder = index, encoder
        self.similarity = QLDirichlet(mu=self.config.mu)
        require(encoder, "word_log_prob", who=self.name)

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        NotFoundError
            If the index or the encoder lacks a document.
        FrameError
            If the results do not hold the queries' texts, as a run file does not.
        """
        if not len(flow):
            return flow
        queries, weight = asked(flow.queries, who=self.name), self.config.weight
        rows = flow.on(self.index.docnos).doc
        if weight == 0:
            threads = self.config.threads
            return flow.rescored(self.index.score(queries, flow.ptr, rows, self.similarity, threads=threads))
        terms = self._terms(queries)
        known = flow.on(self.encoder.docnos).doc
        score = np.zeros(len(flow))
        for start, end in groups(np.diff(flow.ptr) * [len(own) for own in terms], PAIRS):
            here = slice(int(flow.ptr[start]), int(flow.ptr[end]))
            ptr = flow.ptr[start : end + 1] - flow.ptr[start]
            score[here] = self._scores(terms[start:end], ptr, rows[here], known[here])
        return flow.rescored(score)

    def explain_terms(self, flow: Hits, docno: str) -> Terms | None:
        """Return what each query term adds to one document's score."""
        (terms,) = self._terms(asked(flow.queries, who=self.name)[:1])
        rows, known = (np.array([docnos.row(docno)]) for docnos in (self.index.docnos, self.encoder.docnos))
        log_p = self._log_prob([terms], np.array([0, 1]), rows, known)
        return [(term, weight, weight * float(p)) for (term, weight), p in zip(terms.items(), log_p, strict=True)]

    def _terms(self, queries: Sequence[str | Mapping[str, float]]) -> list[dict[str, float]]:
        """Return the terms of each query that the index has, with their weights."""
        texts = [query for query in queries if isinstance(query, str)]
        analysed = iter(self.index.analyze(texts) if texts else [])
        bags = [Counter(next(analysed)) if isinstance(query, str) else query for query in queries]
        every = list(dict.fromkeys(term for bag in bags for term in bag))
        indexed = {term for term, row in zip(every, self.index.vocabulary.ids(every).tolist(), strict=True) if row >= 0}
        return [{term: float(w) for term, w in bag.items() if w > 0 and term in indexed} for bag in bags]

    def _scores(self, terms: Sequence[dict[str, float]], ptr: Ints, rows: Ints, known: Ints) -> Floats:
        """Return the scores of the results of some queries: (m,)."""
        log_p, done, out = self._log_prob(terms, ptr, rows, known), 0, []
        for own, n in zip(terms, np.diff(ptr).tolist(), strict=True):
            pairs = log_p[done : done + len(own) * n].reshape(len(own), n)
            out.append((np.array(list(own.values()))[:, None] * pairs).sum(0))
            done += pairs.size
        return np.concatenate(out)

    def _log_prob(self, terms: Sequence[dict[str, float]], ptr: Ints, rows: Ints, known: Ints) -> Floats:
        """Return log p(w | d) for query after query, term after term, result after result: (P,) nats."""
        counts = np.array([len(own) for own in terms])
        number = {term: at for at, term in enumerate(dict.fromkeys(term for own in terms for term in own))}
        query = np.repeat(np.arange(len(terms)), counts)  # of each term
        sizes = np.diff(ptr)[query]
        # The results of a query once for each of its terms.
        pair = np.arange(sizes.sum()) + np.repeat(ptr[:-1][query] - offsets(sizes)[:-1], sizes)
        single = [{term: 1.0} for own in terms for term in own]
        threads = self.config.threads
        dirichlet = self.index.score(single, offsets(sizes), rows[pair], self.similarity, threads=threads)
        term = np.repeat([number[name] for own in terms for name in own], sizes).astype(np.int64)
        return mixture(dirichlet, predicted(self.encoder, known[pair], term, list(number)), self.config.weight)


def predicted(encoder: WordEncoder, doc: Ints, term: Ints, words: Sequence[str]) -> Floats:
    """Return log p_model of pairs of a document and a word, each document looked at once.

    Parameters
    ----------
    encoder : WordEncoder
    doc : (P,) int
        Rows of its `docnos`.
    term : (P,) int
        Rows of `words`.

    Returns
    -------
    (P,) float64
    """
    rows, place = np.unique(doc, return_inverse=True)
    order = np.argsort(place, kind="stable")
    ptr = offsets(np.bincount(place, minlength=len(rows)))
    out = np.empty(len(doc))
    for start in range(0, len(rows), DOCUMENTS):
        some = rows[start : start + DOCUMENTS]
        own = order[ptr[start] : ptr[start + len(some)]]
        out[own] = encoder.word_log_prob(some, words)[place[own] - start, term[own]]
    return out


def groups(sizes: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Cut a list into runs of consecutive members whose sizes add up to at most `most`, or of one member.

    Examples
    --------
    >>> list(groups(np.array([2, 2, 9, 1, 3]), 4))
    [(0, 2), (2, 3), (3, 5)]
    """
    start = total = 0
    for end, size in enumerate(sizes.tolist()):
        if end > start and total + size > most:
            yield start, end
            start, total = end, 0
        total += size
    if start < len(sizes):
        yield start, len(sizes)
