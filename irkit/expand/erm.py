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
whose share may be among the best, first by a bound that holds for all documents of a term, then by one for each.
They are in single precision: weights are within 1e-5, as a share, of those in double precision. No product of
matrices is large enough to wake threads of BLAS, which wait for the next one longer than they work.
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
from irkit.expand.similar_terms import SimilarTerms, exact_best, mth_greatest
from irkit.text.vectors import Vectors

if TYPE_CHECKING:
    from irkit.lucene import Index


ROUNDING = 1e-9
"Nats by which double precision may move a bound."


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


def most_gained(query: Floats, counts: Floats, collection: Floats, similar: Floats, share: Floats, mu: float) -> Floats:
    """Bound log [p_sem(Q | w, D) / p_mu(Q | D)] over some documents from above: what similarity to w gains at most.

    Of one query term it is 1 + r (delta(q, w) |D| / mass(w, D) - 1) with r = c(q, D) / (c(q, D) + mu p(q | C)).

    Parameters
    ----------
    query : (k,) float64
        Query term counts.
    counts : (F, k) float64
        Counts of the query's terms in the documents; if mu is 0, documents that lack one do not count.
    collection : (k,) float64
    similar : (k, W) float
        delta(q, w).
    share : (W,) float64
        At most mass(w, D) / |D| of any document.
    mu : float

    Returns
    -------
    (W,) float64, nats
    """
    r = counts / (counts + mu * collection) if mu > 0 else np.ones_like(counts)
    most, least = r.max(axis=0, initial=0.0), r.min(axis=0, initial=1.0)
    more = similar / share - 1
    gain = np.maximum(most[:, None] * more, least[:, None] * more)
    found: Floats = query @ np.log1p(gain)
    return found


def log_shares(log_p: Floats, counts: Floats, lengths: Floats, collection: Floats, mu: float) -> Floats:
    """Compute log sum over D of p(Q | D) p_mu(w | D) from log p(Q | D): (W,) float64, nats."""
    top = log_p.max()
    if not np.isfinite(top):
        return np.full(len(collection), -np.inf)
    weights = np.exp(log_p - top) / (lengths + mu)
    found: Floats = np.log(weights @ counts + weights.sum() * mu * collection) + top
    return found


def candidates(
    log_term: Floats,
    log_alone: Floats,
    gain: Floats,
    counts: Floats,
    lengths: Floats,
    collection: Floats,
    mu: float,
    semantic: float,
    m: int,
) -> Ints:
    """Find terms of the documents that are sure to hold those with the m greatest sums of `erm_parts`.

    Parameters
    ----------
    log_term, log_alone : (F,) float64, nats
        log p_tm(Q | D), and that with the prior mass of the semantic part.
    gain : (W,) float64, nats
        Of `most_gained`.
    counts : (F, W) float64
    lengths : (F,) float64
    collection : (W,) float64
    mu : float
    semantic : float in [0, 1]
    m : int

    Returns
    -------
    (n,) int64, ascending
        The terms whose sum may be as great as the m-th greatest of what term matching alone gives.
    """
    present = counts.any(axis=0)
    with np.errstate(divide="ignore"):
        term = log_shares(log_term, counts, lengths, collection, mu)
        alone = term if log_alone is log_term else log_shares(log_alone, counts, lengths, collection, mu)
        sure = np.where(present, np.log(1 - semantic) + term, -np.inf)
        most = np.logaddexp(sure, np.log(semantic) + alone + gain)
    return np.flatnonzero(present & (most >= mth_greatest(sure, m, -np.inf) - ROUNDING))


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
        places, parts = self._parts(feedback)
        found = np.zeros(len(feedback.terms))
        found[places] = parts.sum(axis=0)
        return normalised(found)

    def evidence(self, feedback: Feedback) -> tuple[list[str], Floats]:
        """Return what each feedback document adds to p(w | theta_F) of the best terms."""
        places, parts = self._parts(feedback)
        found = np.zeros_like(feedback.counts)
        found[:, places] = parts
        return super().evidence(feedback)[0], found

    def _parts(self, f: Feedback) -> tuple[Ints, Floats]:
        """Return the terms of the sum over documents, up to a common factor, for some terms; 0 if not among the best.

        Smoothing gives terms that no feedback document holds a share too; the feedback set does not suggest them.
        """
        c, mu = self.config, prior_mass(self.config.mu, self.index)
        semantic = c.beta if c.beta_on == "semantic" else 1 - c.beta
        used = np.flatnonzero(f.query)
        query, counts, collection = f.query[used], f.counts[:, used], f.collection[used]
        log_term = term_likelihood(query, counts, f.lengths, collection, mu)

        def p_w(places: Ints) -> Floats:
            found: Floats = (f.counts[:, places] + mu * f.collection[places]) / (f.lengths[:, None] + mu)
            return found

        if semantic == 0:
            present = np.flatnonzero(f.counts.any(axis=0))
            never = np.full((len(f.lengths), len(present)), -np.inf)
            return present, erm_parts(log_term, never, p_w(present), semantic)
        similar, prior = self._similar(f), mu if c.smooth else 0.0
        log_alone = log_term if prior == mu else term_likelihood(query, counts, f.lengths, collection, prior)
        near = similar.rows(used)
        gain = most_gained(query, counts, collection, near, similar.least_share(), prior)
        places = candidates(log_term, log_alone, gain, f.counts, f.lengths, f.collection, mu, semantic, c.fb_terms)
        near, share = near[:, places], p_w(places)
        bound = semantic_likelihood(query, counts, f.lengths, collection, near, similar.least(places), prior)
        top = greatest(log_term, bound)

        def exactly(own: Ints) -> Floats:
            mass = similar.mass(places[own])
            exact = semantic_likelihood(query, counts, f.lengths, collection, near[:, own], mass, prior)
            return erm_parts(log_term, exact, share[:, own], semantic, top)

        found = erm_parts(log_term, bound, share, semantic, top)
        return places, exact_best(found, exactly, ~similar.known[places], c.fb_terms)

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
