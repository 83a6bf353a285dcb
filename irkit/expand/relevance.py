"""Relevance models RM1 and RM3.

Source: Lavrenko and Croft, "Relevance-based language models", SIGIR 2001 (RM1); Abdul-Jaleel et al.,
"UMass at TREC 2004: Novelty and HARD", TREC 2004 (RM3: RM1 mixed with the query).
Symbols: F feedback documents, W their terms, p(w | D) maximum likelihood, p_mu Dirichlet-smoothed.
Departures: `compatible="anserini"` copies Anserini's RM3 instead of the papers: terms are filtered,
every document is cut to its `fb_terms` heaviest terms before mixing, documents are weighted by their
retrieval scores, which must not be negative, and query terms the collection lacks keep their share
of the original query.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from irkit.arrays import Bools, Floats
from irkit.errors import FrameError
from irkit.expand.feedback import Feedback, FeedbackConfig, FeedbackStage, TermModel, prior_mass


class RM3Config(FeedbackConfig):
    """Settings of `RM3`."""

    mu: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    "Dirichlet prior mass for p(Q | D), in tokens; `auto` takes three times the mean document length."
    compatible: Literal["anserini"] | None = None
    "Copy another toolkit's RM3 instead of the papers'."


def log_likelihood(query: Floats, counts: Floats, lengths: Floats, collection: Floats, mu: float) -> Floats:
    """Compute log p_mu(Q | D) of each document.

    Parameters
    ----------
    query : (W,) float64
        Query term counts.
    counts : (F, W) float64
    lengths : (F,) float64
    collection : (W,) float64, positive
        p(w | C).
    mu : float

    Returns
    -------
    (F,) float64, nats
    """
    used = query > 0
    smoothed = (counts[:, used] + mu * collection[used]) / (lengths[:, None] + mu)
    log_p: Floats = np.log(smoothed) @ query[used]
    return log_p


def posterior(log_likelihood: Floats) -> Floats:
    """Turn log-likelihoods into p(D | Q) under a uniform prior: a softmax, safe from underflow."""
    weight = np.exp(log_likelihood - log_likelihood.max())
    share: Floats = weight / weight.sum()
    return share


def rm1(counts: Floats, lengths: Floats, weight: Floats) -> Floats:
    """Compute RM1: p(w | R) = sum over D of p(D | Q) p(w | D).

    Parameters
    ----------
    counts : (F, W) float64
    lengths : (F,) float64, positive
    weight : (F,) float64
        p(D | Q).

    Returns
    -------
    (W,) float64
        Sums to the sum of `weight`.
    """
    return (weight / lengths) @ counts


def anserini_terms(terms: pa.LargeStringArray, df: Floats, documents: int) -> Bools:
    """Say which terms Anserini's RM3 lets through: 2-20 of [a-z0-9], in at most a tenth of the documents."""
    shaped = pc.match_substring_regex(terms, r"\A[a-z0-9]{2,20}\z").to_numpy(zero_copy_only=False)
    allowed: Bools = shaped & (df / documents <= 0.1)
    return allowed


def anserini_cut(counts: Floats, fb_terms: int) -> Floats:
    """Cut each document to its heaviest terms, scaled to sum to 1; equal counts are cut by term number ascending.

    Counts (F, W) are whole numbers below 2^52 / W.
    """
    width = counts.shape[1]
    if width > fb_terms:
        order = counts * width - np.arange(width)  # no two are equal; those of a term that is there are above 0
        least = np.partition(order, width - fb_terms, axis=1)[:, width - fb_terms, None]
        counts = np.where(order >= least, counts, 0.0)
    total = counts.sum(axis=1, keepdims=True)
    cut: Floats = counts / np.where(total > 0, total, 1)
    return cut


def anserini_rm1(counts: Floats, scores: Floats, fb_terms: int) -> Floats:
    """Compute RM1 as Anserini does: each document cut and scaled, weighted by its retrieval score."""
    return scores @ anserini_cut(counts, fb_terms)


class RM3(FeedbackStage):
    """Expand a query with the relevance model of its top documents."""

    name = "rm3"
    config_type = RM3Config
    config: RM3Config

    def estimate(self, feedback: Feedback) -> Floats:
        """Return RM1 over the feedback documents."""
        f, c = feedback, self.config
        if c.compatible == "anserini":
            _check_scores(f.scores)
            return anserini_rm1(self._allowed(f), f.scores, c.fb_terms)
        return rm1(f.counts, f.lengths, self._posterior(f))

    def evidence(self, feedback: Feedback) -> tuple[list[str], Floats]:
        """Return what each feedback document adds to RM1."""
        f, c = feedback, self.config
        documents, _ = super().evidence(f)
        if c.compatible == "anserini":
            return documents, f.scores[:, None] * anserini_cut(self._allowed(f), c.fb_terms)
        return documents, (self._posterior(f) / f.lengths)[:, None] * f.counts

    def _posterior(self, f: Feedback) -> Floats:
        mu = prior_mass(self.config.mu, self.index)
        return posterior(log_likelihood(f.query, f.counts, f.lengths, f.collection, mu))

    def _allowed(self, f: Feedback) -> Floats:
        allowed = anserini_terms(self.index.vocabulary.terms.take(f.terms), f.df, f.documents)
        return np.where(allowed, f.counts, 0.0)

    def original(self, feedback: Feedback) -> TermModel:
        """Return the original query's model; Anserini scales before it drops what the collection lacks."""
        terms, weights = super().original(feedback)
        known = feedback.query.sum()
        lost = feedback.unknown if self.config.compatible == "anserini" else 0.0
        return terms, weights * (known / (known + lost)) if lost else weights


def _check_scores(scores: Floats) -> None:
    if scores.min(initial=0.0) < 0:
        raise FrameError(
            "rm3: compatible='anserini' weights documents by their scores, which must be 0 or more, got "
            f"{scores.min():g}; retrieve with bm25 or lucene-qld, or leave compatible out"
        )
