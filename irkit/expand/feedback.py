"""What every feedback model shares: the feedback documents as a small matrix, truncation, mixing.

A feedback model sees one query at a time as a `Feedback`: its top documents over the terms that
occur in them or in the query. It returns a distribution over those terms; truncation to the best
terms, mixing with the original query and the way back to `query_toks` are done here, once.

Symbols: F feedback documents, W terms in them or in the query, V index terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from pydantic import Field

from irkit.arrays import Floats, Ints, offsets
from irkit.config import Config
from irkit.errors import CompositionError
from irkit.frames import Queries, asked
from irkit.hits import Hits
from irkit.pipeline.explain import Origin
from irkit.pipeline.stage import Stage

if TYPE_CHECKING:
    from irkit.lucene import Index


TermModel: TypeAlias = tuple[Ints, Floats]
"A distribution over index terms: term numbers ascending, and their probabilities."


class QueryTerms(NamedTuple):
    """A query in index terms."""

    terms: Ints
    "Term numbers, ascending."
    weights: Floats
    "Their weights; counts for a plain text query."
    unknown: float = 0.0
    "Weight of the terms that the index lacks; they cannot be scored and are left out."


@dataclass(frozen=True)
class Feedback:
    """One query and its top documents, over the W terms that occur in any of them."""

    terms: Ints
    "(W,) int64: numbers of the terms in the index vocabulary, ascending."
    query: Floats
    "(W,) float64: weight of each term in the query; counts for a plain text query."
    unknown: float
    "Weight of the query's terms that the index lacks."
    counts: Floats
    "(F, W) float64: occurrences of each term in each document, best document first."
    lengths: Floats
    "(F,) float64: document lengths in tokens."
    scores: Floats
    "(F,) float64: retrieval scores."
    collection: Floats
    "(W,) float64: p(w | C), the share of each term among all tokens of the collection."
    df: Floats
    "(W,) float64: documents that hold each term."
    documents: int
    "Documents in the collection."
    docs: Ints
    "(F,) rows of the docno table."


class FeedbackConfig(Config):
    """Settings that every feedback model has."""

    fb_docs: int = Field(10, ge=1)
    "Feedback documents."
    fb_terms: int = Field(30, ge=1)
    "Expansion terms kept."
    keep: float = Field(0.5, ge=0, le=1)
    "Weight of the original query; 1 leaves the query unchanged."


class FeedbackStage(Stage):
    """Base of the models that rewrite a query from its top documents; a subclass implements `estimate`."""

    takes = "results"
    gives = "queries"
    needs: ClassVar[tuple[str, ...]] = ("index",)
    config_type: ClassVar[type[Config]] = FeedbackConfig
    config: Any

    def __init__(self, index: Index, config: Config | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.index = index

    def estimate(self, feedback: Feedback) -> Floats:
        """Return the model's (W,) nonnegative term weights; they need not sum to 1."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement estimate")

    def expand(self, feedback: Feedback) -> TermModel:
        """Return the new query model: the original mixed with the best terms of the estimate."""
        return mixed(self.original(feedback), self.suggested(feedback), self.config.keep)

    def suggested(self, feedback: Feedback) -> TermModel:
        """Return the best terms of the estimate."""
        return truncated(feedback.terms, self.estimate(feedback), self.config.fb_terms)

    def original(self, feedback: Feedback) -> TermModel:
        """Return the model of the original query: maximum likelihood over the terms the index has."""
        used = np.flatnonzero(feedback.query)
        return feedback.terms[used], normalised(feedback.query[used])

    def evidence(self, feedback: Feedback) -> tuple[list[str], Floats]:
        """Return the sources of the estimate by name, and (sources, W) what each gave every term.

        Here the documents, by occurrences, for models that see them as one bag of words.
        """
        return [self.index.docnos[doc] for doc in feedback.docs], feedback.counts

    def explain_rewrite(self, flow: Hits) -> list[Origin] | None:
        """Return the share of the original query and of each source in each term's weight."""
        flow = flow.on(self.index.docnos)
        feedback = gather(
            self.index, flow, 0, query_counts(self.index, flow.queries, self.name)[0], self.config.fb_docs
        )
        if not len(feedback.docs):
            return None
        sources, given = self.evidence(feedback)
        return origins(
            self.index,
            self.original(feedback),
            self.suggested(feedback),
            self.config.keep,
            sources,
            lambda terms: given[:, np.searchsorted(feedback.terms, terms)],
        )

    def run(self, flow: Hits) -> Queries:
        """Rewrite every query; one without feedback documents or known terms stays as it is."""
        flow = flow.on(self.index.docnos)  # a join, a cache or a run file numbers documents its own way
        models = []
        for row, query in enumerate(query_counts(self.index, flow.queries, self.name)):
            feedback = gather(self.index, flow, row, query, self.config.fb_docs)
            models.append(self.expand(feedback) if len(feedback.docs) else self.original(feedback))
        return rewritten(self.index, flow.queries, models)


def query_counts(index: Index, queries: Queries, who: str = "feedback") -> list[QueryTerms]:
    """Return each query in index terms; `who` opens the message where one has neither text nor weighted terms."""
    wanted = asked(queries, who=who)
    plain = [row for row, query in enumerate(wanted) if isinstance(query, str)]
    analysed = index.analyze([wanted[row] for row in plain]) if plain else []  # type: ignore[misc]
    known: list[Any] = list(wanted)
    for row, words in zip(plain, analysed, strict=True):
        known[row] = Counter(words)
    ids = index.vocabulary.ids([term for tok in known for term in tok])
    weights = np.array([weight for tok in known for weight in tok.values()], dtype=np.float64)
    ends = offsets(np.array([len(tok) for tok in known], dtype=np.int64))
    out = []
    for begin, end in pairwise(ends.tolist()):
        used = weights[begin:end] > 0  # a weight of 0 leaves a term out, as in a search
        own, weight = ids[begin:end][used], weights[begin:end][used]
        order = np.argsort(own)[np.count_nonzero(own < 0) :]
        out.append(QueryTerms(own[order], weight[order], float(weight[own < 0].sum())))
    return out


def gather(index: Index, hits: Hits, row: int, query: QueryTerms, fb_docs: int) -> Feedback:
    """Collect one query's feedback documents from the forward index: those of the best `fb_docs` that have a term."""
    begin, end = int(hits.ptr[row]), int(hits.ptr[row + 1])
    end = min(end, begin + fb_docs)
    docs = hits.doc[begin:end].astype(np.int64)
    filled = index.lengths[docs] > 0
    docs = docs[filled]
    forward = index.forward
    spans = [slice(int(forward.indptr[doc]), int(forward.indptr[doc + 1])) for doc in docs]
    ids = query.terms
    found = [forward.indices[span] for span in spans]
    # With `return_index` the sort is a stable one, which is fast on what comes in ascending runs.
    terms, _, place = np.unique(np.concatenate([ids, *found]).astype(np.int64), return_index=True, return_inverse=True)
    counts = np.zeros((len(docs), len(terms)))
    owner = np.repeat(np.arange(len(docs)), [len(part) for part in found])
    if len(docs):
        counts[owner, place[len(ids) :]] = np.concatenate([forward.data[span] for span in spans])
    own = np.zeros(len(terms))
    own[place[: len(ids)]] = query.weights
    vocabulary, stats = index.vocabulary, index.stats
    return Feedback(
        terms=terms,
        query=own,
        unknown=query.unknown,
        counts=counts,
        lengths=index.lengths[docs].astype(np.float64),
        scores=hits.score[begin:end][filled],
        collection=vocabulary.cf[terms] / stats.tokens,
        df=vocabulary.df[terms].astype(np.float64),
        documents=stats.documents,
        docs=docs,
    )


def prior_mass(mu: float | Literal["auto"], index: Index) -> float:
    """Return a Dirichlet prior mass in tokens; `auto` is three times the mean document length, as in retrieval."""
    return 3 * index.stats.mean_length if mu == "auto" else float(mu)


def normalised(weights: Floats) -> Floats:
    """Scale nonnegative weights to sum to 1; all zeros stay zeros."""
    total = weights.sum()
    return weights / total if total > 0 else weights


def truncated(terms: Ints, weights: Floats, m: int) -> TermModel:
    """Keep the m largest positive weights, scaled to sum to 1; among equal weights the lower term number wins."""
    best = np.flatnonzero(weights > 0)
    if len(best) > m:
        least = np.partition(weights[best], len(best) - m)[len(best) - m]
        best = np.flatnonzero(weights >= least)  # m terms, and those as heavy as the last of them
        best = np.sort(best[np.argsort(-weights[best], kind="stable")[:m]])
    return terms[best], normalised(weights[best].astype(np.float64))


def mixed(original: TermModel, feedback: TermModel, keep: float) -> TermModel:
    """Mix two models: keep * original + (1 - keep) * feedback; where one is empty the other stays whole."""
    if not len(feedback[0]) or keep == 1 or not len(original[0]):
        return original if len(original[0]) else feedback
    terms = np.union1d(original[0], feedback[0])
    weights = np.zeros(len(terms))
    weights[np.searchsorted(terms, original[0])] = keep * original[1]
    weights[np.searchsorted(terms, feedback[0])] += (1 - keep) * feedback[1]
    return terms[weights > 0], weights[weights > 0]


def origins(
    index: Index,
    original: TermModel,
    suggested: TermModel,
    keep: float,
    sources: list[str],
    given: Callable[[Ints], Floats],
    unit: Literal["share", "nats"] = "share",
) -> list[Origin]:
    """Divide each term's weight in the mixture among the original query and the sources of the other model.

    Parameters
    ----------
    index : Index
    original, suggested : TermModel
    keep : float
        As in `mixed`.
    sources : list of str
    given : function of (m,) term numbers to (sources, m)
        What each source gave the suggested terms: amounts that add up to the weight, up to a factor
        per term, or nats.
    unit : {"share", "nats"}

    Returns
    -------
    list of Origin
        Heaviest term first, the query before other sources; those that gave nothing are left out.
    """
    terms, weights = mixed(original, suggested, keep)
    names = index.vocabulary.terms.take(terms).to_pylist()
    kept, amount = np.zeros(len(terms)), np.zeros((len(sources), len(terms)))
    # Without the other a model stays whole; see `mixed`.
    whole = not len(suggested[0]) or keep == 1
    stay = np.isin(original[0], terms)
    kept[np.searchsorted(terms, original[0][stay])] = original[1][stay] * (1.0 if whole else keep)
    if not (whole and len(original[0])):
        own = np.searchsorted(terms, suggested[0])
        amount[:, own] = given(suggested[0])
        if unit == "share":
            amount[:, own] *= (1 - kept[own] / weights[own]) / amount[:, own].sum(axis=0)
    out = []
    for place in np.argsort(-weights, kind="stable").tolist():
        term, weight = names[place], float(weights[place])
        if kept[place] > 0:
            out.append(Origin(term, weight, "query", float(kept[place] / weight)))
        best = [s for s in np.argsort(-amount[:, place], kind="stable").tolist() if amount[s, place] != 0]
        out += [Origin(term, weight, sources[s], float(amount[s, place]), unit) for s in best]
    return out


def rewritten(index: Index, queries: Queries, models: list[TermModel]) -> Queries:
    """Return the queries with `query_toks` from the models; the text before rewriting is kept in `query_0`."""
    every = np.concatenate([np.zeros(0, dtype=np.int64), *(terms for terms, _ in models)])
    names = iter(index.vocabulary.terms.take(every).to_pylist())
    toks = [dict(zip(islice(names, len(terms)), weights.tolist(), strict=True)) for terms, weights in models]
    out = queries.copy()
    if "query_0" not in out and "query" in out:
        out["query_0"] = out["query"]
    out["query_toks"] = pd.Series(toks, index=out.index, dtype=object)
    return out
