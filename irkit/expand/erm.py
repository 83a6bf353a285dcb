"""Embedding-based relevance model ERM, and RM1 or ERM mixed with an embedding-based query model.

Source: Zamani and Croft, "Embedding-based query language models", ICTIR 2016, section 3.3.
Symbols: F feedback documents, W their terms, k query terms with counts c; delta similarity;
p_tm(Q | D) = prod p_mu(q_i | D); p_sem(Q | w, D) = prod of semantic translations of q_i;
p(w | theta_F) proportional to sum over D of p(Q | w, D) p_mu(w | D).
Query models: mle, eqe1 or eqe2 gives the paper's MLE+ERM, EQE1+ERM and EQE2+ERM; with `beta` 0 on
the semantic part the same three are MLE+RM1 (RM3 with smoothed p(w | D)), EQE1+RM1 and EQE2+RM1.
Departures:
- the paper contradicts itself on what beta weights: equation 10 puts it on term matching, its text
  and best values speak for the semantic part. `beta_on` chooses; the default is the text's reading.
- the paper's p_sem is 0 as soon as one query term is missing from D. Here each factor is smoothed as
  the document model is, (|D| t(q | w, D) + mu p(q | C)) / (|D| + mu) with
  t(q | w, D) = delta(q, w) c(q, D) / sum over v in D of delta(v, w) c(v, D); a constant delta then
  gives p_tm, so both parts have one scale. `smooth=False` is the paper's.
- a term without a vector is similar to itself alone: its cosine with any other term counts as 0.
Only the best terms are estimated: similarities within the feedback documents are summed for those terms alone
whose share, by a lower bound of that sum, may be among the best. They are in single precision: weights are within
1e-5, as a share, of those in double precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.expand.eqe import EQE1, EQE2, EQEConfig, index_similarity
from irkit.expand.feedback import (
    Feedback,
    FeedbackConfig,
    FeedbackStage,
    QueryTerms,
    TermModel,
    normalised,
    prior_mass,
)
from irkit.expand.similar_terms import SimilarTerms, exact_best
from irkit.text.vectors import Vectors

if TYPE_CHECKING:
    from irkit.lucene import Index


class ERMConfig(FeedbackConfig):
    """Settings of `ERM`."""

    fb_terms: int = Field(50, ge=1)
    "Expansion terms kept; 50 was best in the paper."
    beta: float = Field(0.1, ge=0, le=1)
    "Weight of the part that `beta_on` names."
    beta_on: Literal["semantic", "term"] = "semantic"
    "Whether beta weights semantic similarity (the paper's text) or term matching (its equation 10)."
    query_model: Literal["mle", "eqe1", "eqe2"] = "mle"
    "What the feedback model is mixed with."
    query_terms: int = Field(50, ge=1)
    "Terms kept of an embedding-based query model."
    query_keep: float = Field(0.5, ge=0, le=1)
    "Weight of the original query inside an embedding-based query model."
    a: float = Field(10.0, ge=0)
    "Steepness of the sigmoid over similarity."
    c: float = Field(0.8, ge=0, le=1)
    "Similarity, mapped to [0, 1], at which the sigmoid is 1/2."
    mu: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    "Dirichlet prior mass, in tokens; `auto` takes three times the mean document length."
    smooth: bool = True
    "Whether the semantic part is smoothed with the collection."


def term_likelihood(query: Floats, counts: Floats, lengths: Floats, collection: Floats, mu: float) -> Floats:
    """Compute log p_tm(Q | D) = sum_i c_i log p_mu(q_i | D): (F,) float64, nats; mu = 0 is unsmoothed."""
    used = query > 0
    with np.errstate(divide="ignore"):
        log_p: Floats = np.log((counts[:, used] + mu * collection[used]) / (lengths[:, None] + mu)) @ query[used]
        return log_p


def semantic_likelihood(
    query: Floats, counts: Floats, lengths: Floats, collection: Floats, similar: Floats, mass: Floats, mu: float
) -> Floats:
    """Compute log p_sem(Q | w, D) for every document and some terms w.

    Parameters
    ----------
    query : (k,) float64
        Query term counts.
    counts : (F, k) float64
        Counts of the query's terms in the documents.
    lengths : (F,) float64
    collection : (k,) float64
    similar : (k, n) float64
        delta(q, w).
    mass : (F, n) float64
        Sum over v in D of delta(v, w) c(v, D), or less: then the likelihood comes out greater.
    mu : float
        Prior mass; 0 is the paper's unsmoothed form.

    Returns
    -------
    (F, n) float64, nats; -inf where a query term is missing and mu is 0
    """
    room = (lengths / (lengths + mu))[:, None] / np.maximum(mass, 1e-300)
    found: Floats = np.zeros_like(room)
    factor = np.empty_like(room)
    with np.errstate(divide="ignore"):
        for weight, own, near, share in zip(query, counts.T, similar, collection, strict=True):
            np.multiply(own[:, None], near, out=factor)  # (F, n)
            factor *= room
            factor += (mu * share / (lengths + mu))[:, None]
            np.log(factor, out=factor)
            factor *= weight
            found += factor
    return found


def erm_parts(log_term: Floats, log_semantic: Floats, p_w: Floats, semantic: float, top: float | None = None) -> Floats:
    """Mix the two likelihoods of every document.

    p(w | theta_F) proportional to sum_D [(1 - semantic) p_tm(Q | D) + semantic p_sem(Q | w, D)] p(w | D)

    Parameters
    ----------
    log_term : (F,) float64
    log_semantic : (F, W) float64
    p_w : (F, W) float64
        p(w | D).
    semantic : float in [0, 1]
    top : float, optional
        Logarithm of what likelihoods are divided by, so that none overflows; default the greatest.

    Returns
    -------
    (F, W) float64, the terms of the sum up to a common factor; all zeros if every likelihood is 0
    """
    if top is None:
        top = greatest(log_term, log_semantic)
    if not np.isfinite(top):
        return np.zeros_like(p_w)
    likelihood = (1 - semantic) * np.exp(log_term - top)[:, None] + semantic * np.exp(log_semantic - top)
    parts: Floats = likelihood * p_w
    return parts


def greatest(log_term: Floats, log_semantic: Floats) -> float:
    """Return the greatest log-likelihood; -inf if there is none."""
    return float(max(log_term.max(initial=-np.inf), log_semantic.max(initial=-np.inf)))


class ERM(FeedbackStage):
    """Expand a query with a relevance model that also weighs semantic similarity to the query."""

    name = "erm"
    needs: ClassVar[tuple[str, ...]] = ("index", "vectors")
    config_type = ERMConfig
    config: ERMConfig

    def __init__(self, index: Index, vectors: Vectors, config: ERMConfig | None = None, **settings: Any) -> None:
        super().__init__(index, config, **settings)
        self.vectors = vectors
        c = self.config
        model = {"eqe1": EQE1, "eqe2": EQE2}.get(c.query_model)
        own = EQEConfig(fb_terms=c.query_terms, keep=c.query_keep, a=c.a, c=c.c)
        self.query_expander = model(index, vectors, own) if model else None

    def estimate(self, feedback: Feedback) -> Floats:
        """Return p(w | theta_F) of the best terms, up to a factor; 0 for others."""
        return normalised(self._parts(feedback).sum(axis=0))

    def evidence(self, feedback: Feedback) -> tuple[list[str], Floats]:
        """Return what each feedback document adds to p(w | theta_F) of the best terms."""
        return super().evidence(feedback)[0], self._parts(feedback)

    def _parts(self, f: Feedback) -> Floats:
        """Return the terms of the sum over documents, up to a common factor; 0 for terms not among the best."""
        c, mu = self.config, prior_mass(self.config.mu, self.index)
        semantic = c.beta if c.beta_on == "semantic" else 1 - c.beta
        log_term = term_likelihood(f.query, f.counts, f.lengths, f.collection, mu)
        p_w = (f.counts + mu * f.collection) / (f.lengths[:, None] + mu)
        # Smoothing gives terms that no feedback document holds a share too; the feedback set does not suggest them.
        p_w *= f.counts.any(axis=0)
        if semantic == 0:
            return erm_parts(log_term, np.full_like(p_w, -np.inf), p_w, semantic)
        similar = self._similar(f)
        used = np.flatnonzero(f.query)
        near, prior = similar.rows(used), mu if c.smooth else 0.0

        def log_semantic(near: Floats, mass: Floats) -> Floats:
            return semantic_likelihood(
                f.query[used], f.counts[:, used], f.lengths, f.collection[used], near, mass, prior
            )

        bound = log_semantic(near, similar.least())
        top = greatest(log_term, bound)

        def exactly(places: Ints) -> Floats:
            exact = log_semantic(near[:, places], similar.mass(places))
            return erm_parts(log_term, exact, p_w[:, places], semantic, top)

        return exact_best(erm_parts(log_term, bound, p_w, semantic, top), exactly, ~similar.known, c.fb_terms)

    def original(self, feedback: Feedback) -> TermModel:
        """Return the query model: maximum likelihood, or embedding-based."""
        if self.query_expander is None:
            return super().original(feedback)
        used = np.flatnonzero(feedback.query)
        return self.query_expander.expand([QueryTerms(feedback.terms[used], feedback.query[used])])[0]

    def _similar(self, feedback: Feedback) -> SimilarTerms:
        similarity, row_of = index_similarity(self.index, self.vectors, self.config.a, self.config.c)
        rows = row_of[feedback.terms]
        unit = similarity.vectors.matrix.take(rows[rows >= 0], axis=0)
        return SimilarTerms(feedback.counts, feedback.lengths, unit, rows >= 0, self.config.a, self.config.c)
