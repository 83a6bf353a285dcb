"""RFMF: pseudo-relevance feedback as a recommendation problem, solved by matrix factorisation.

Source: Zamani, Dadashkarimi, Shakery and Croft, "Pseudo-relevance feedback based on matrix
factorization", CIKM 2016.
Symbols: R (F + 1, W), row 0 the query, rows 1.. the feedback documents, over the W terms in any of
them; U V its factorisation of rank r; the expansion terms are row 0 of U V.
Departures:
- the paper factorises at rank = rows with every cell; there U = I, V = R is exact, so nothing is
  recommended and what expansion remains comes from stopping early. The default rank here is 2.
- the start is deterministic (NNDSVD); `start="random"` with a seed is the paper's. Under `kl` at rank 2 NNDSVD ends
  6 % above the least loss known on Cranfield, CACM, NPL and MEDLINE, random starts 3 % and `start="groups"` 0.3 %;
  less loss ranks worse: AP falls by .009 to .016 with groups (`python -m benchmarks --only feedback` shows two).
- `keep` weights the original query; the paper's alpha weights the feedback, so alpha = 1 - keep.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.expand.feedback import Feedback, FeedbackConfig, FeedbackStage, TermModel
from irkit.expand.rocchio import tf_idf
from irkit.learn.nmf import grouped_start, nmf, nndsvd, random_start
from irkit.rng import Seed, generator


class RFMFConfig(FeedbackConfig):
    """Settings of `RFMF`."""

    fb_terms: int = Field(25, ge=1)
    "Expansion terms kept; 25 was best on news in the paper."
    weighting: Literal["lm", "vsm"] = "lm"
    "Cell weights: language model (section 3.1 of the paper) or tf-idf."
    objective: Literal["kl", "frobenius"] = "kl"
    "What the factorisation minimises."
    rank: int | None = Field(2, ge=1)
    "Latent factors; None takes the number of rows, the paper's degenerate setting."
    iterations: int = Field(50, ge=1)
    "Multiplicative updates."
    masked: bool = False
    "Whether only non-zero cells count."
    start: Literal["nndsvd", "groups", "random"] = "nndsvd"
    "How the factors start: `groups` of rows ends at less loss under `kl`, `nndsvd` ranks better."
    seed: Seed = 1
    "Seed of a random start; each query draws its own stream."
    mu: float = Field(1000.0, gt=0)
    "Dirichlet prior mass in the document rows, in tokens."
    mu_query: float = Field(1.0, gt=0)
    "The same in the query row; small, so that query terms keep a high weight."


def lm_weight(counts: Floats, collection: Floats, mu: float) -> Floats:
    """Weigh a term by the probability that it is topical in a text (paper, equation 3 with lambda_d = alpha_d).

    weight(w, d) = c(w, d) / (c(w, d) + mu p(w | C)); absent terms get 0.

    Parameters
    ----------
    counts : (F, W) float64
    collection : (W,) float64, positive
    mu : float

    Returns
    -------
    (F, W) float64 in [0, 1)
    """
    return counts / (counts + mu * collection)


class RFMF(FeedbackStage):
    """Expand a query with the terms that factorising query and top documents together recommends."""

    name = "rfmf"
    config_type = RFMFConfig
    config: RFMFConfig

    def matrix(self, feedback: Feedback) -> Floats:
        """Return R: the query's row above the feedback documents'."""
        f, c = feedback, self.config
        if c.weighting == "vsm":
            return tf_idf(np.vstack([f.query, f.counts]), f.df, f.documents)
        return np.vstack([lm_weight(f.query[None], f.collection, c.mu_query), lm_weight(f.counts, f.collection, c.mu)])

    def estimate(self, feedback: Feedback) -> Floats:
        """Return the query's row of the factorised matrix."""
        u, v = self.factors(feedback)
        row: Floats = u[0] @ v
        return row

    def evidence(self, feedback: Feedback) -> tuple[list[str], Floats]:
        """Return what each factor adds to the query's row."""
        u, v = self.factors(feedback)
        return [f"factor {number}" for number in range(1, len(v) + 1)], u[0][:, None] * v

    def factors(self, feedback: Feedback) -> tuple[Floats, Floats]:
        """Return U and V."""
        c = self.config
        r = self.matrix(feedback)
        rank = c.rank or r.shape[0]
        if c.start == "random":
            key = ",".join(map(str, feedback.terms[feedback.query > 0]))
            u, v = random_start(r, rank, generator(c.seed, "rfmf", key))
        else:
            u, v = (grouped_start if c.start == "groups" else nndsvd)(r, rank)
        mask = (r > 0).astype(np.float64) if c.masked else None
        return nmf(r, u, v, objective=c.objective, iterations=c.iterations, mask=mask)

    def original(self, feedback: Feedback) -> TermModel:
        """Return the query's model; in the vector space of unit length instead of unit sum (paper, section 3.3).

        There a query of terms that every document holds has no direction; it keeps its model of unit sum.
        """
        if self.config.weighting == "lm" or not len(feedback.docs):
            return super().original(feedback)
        query = tf_idf(feedback.query[None], feedback.df, feedback.documents)[0]
        used = np.flatnonzero(query)
        return (feedback.terms[used], query[used]) if len(used) else super().original(feedback)

    def suggested(self, feedback: Feedback) -> TermModel:
        """Return the best terms, scaled as the query's model is."""
        terms, best = super().suggested(feedback)
        length = np.linalg.norm(best) if self.config.weighting == "vsm" else 0.0
        return terms, best / length if length else best
