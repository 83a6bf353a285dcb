"""Weighting models a Lucene index is searched with.

`bm25`, `lucene-qld`, `lucene-qljm` and `tf-idf` are Lucene's own, on its one-byte document lengths.
`ql-dirichlet` and `ql-jelinek-mercer` are exact query likelihood on exact lengths.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from irkit.config import Config
from irkit.errors import ConfigError, near_misses

LEAST, LARGEST = 1e-6, 1e12
"Bounds of smoothing parameters: beyond, floats run over and no ranking changes."


class Similarity(Config):
    """Base of the weighting models."""

    name: ClassVar[str]
    "Name in recipes."


class BM25(Similarity):
    """Okapi BM25 as Lucene computes it (Robertson and Zaragoza, FnTIR 2009, without the query-term factor).

    score = sum over terms of weight * log(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * dl / avgdl))
    """

    name = "bm25"
    k1: float = Field(0.9, ge=0, le=1e6)
    "Term-frequency saturation; Anserini's default."
    b: float = Field(0.4, ge=0, le=1)
    "Length normalisation; Anserini's default."


class QLDirichlet(Similarity):
    """Exact query likelihood, Dirichlet prior (Zhai and Lafferty, SIGIR 2001).

    Scores are log p(query | document) in nats, of documents with at least one query term.

    p(w | d) = (c(w, d) + mu * p(w | C)) / (|d| + mu)
    """

    name = "ql-dirichlet"
    mu: float | Literal["auto"] = 1000.0
    "Prior mass in tokens; `auto` takes three times the mean document length."

    @field_validator("mu", mode="before")
    @classmethod
    def _in_range(cls, mu: Any) -> Any:
        if mu == "auto" or (isinstance(mu, (int, float)) and LEAST <= mu <= LARGEST):
            return mu
        raise ValueError(f"should be 'auto' or a number from {LEAST:g} to {LARGEST:g}")


class QLJelinekMercer(Similarity):
    """Exact query likelihood, Jelinek-Mercer (Zhai and Lafferty, SIGIR 2001).

    Scores are log p(query | document) in nats, of documents with at least one query term.

    p(w | d) = (1 - lam) * c(w, d) / |d| + lam * p(w | C)
    """

    name = "ql-jelinek-mercer"
    lam: float = Field(0.1, ge=LEAST, lt=1)
    "Weight of the collection model."


class LuceneQLD(Similarity):
    """Lucene's LMDirichletSimilarity, which is not exact likelihood.

    Each matching term's share is clamped at 0 and missing terms are ignored, so the part of the
    length that they carry is lost.
    """

    name = "lucene-qld"
    mu: float = Field(1000.0, ge=LEAST, le=LARGEST)
    "Prior mass in tokens."


class LuceneQLJM(Similarity):
    """Lucene's LMJelinekMercerSimilarity. Rank-equal to exact likelihood up to the one-byte lengths."""

    name = "lucene-qljm"
    lam: float = Field(0.1, ge=LEAST, lt=1)
    "Weight of the collection model."


class TFIDF(Similarity):
    """Lucene's ClassicSimilarity: sqrt(tf) * (1 + log((N + 1) / (df + 1)))^2 / sqrt(dl)."""

    name = "tf-idf"


MODELS: dict[str, type[Similarity]] = {
    kind.name: kind for kind in (BM25, QLDirichlet, QLJelinekMercer, LuceneQLD, LuceneQLJM, TFIDF)
}
"Weighting models by name."


def similarity(name: str, **parameters: Any) -> Similarity:
    """Make a weighting model by name.

    Raises
    ------
    ConfigError
        If there is no such model or it has no such parameter.
    """
    if name not in MODELS:
        raise ConfigError(f"similarity: there is no model {name!r}; {near_misses(name, MODELS)}")
    return MODELS[name](**parameters)
