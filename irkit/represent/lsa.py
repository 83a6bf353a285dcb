"""LSA: documents and queries in the space of the largest singular vectors of the document-term matrix.

Source: Deerwester, Dumais, Furnas, Landauer and Harshman, "Indexing by latent semantic analysis", JASIS 41(6), 1990.

    A[d, t] = (1 + log tf) log(N / df), each row scaled to length 1        A ~ U S V^T
    document = A[d] V        query = its own weighted row V                "folding in"

Symbols: N documents, T terms, K dimensions.
Cost: scipy's truncated decomposition (ARPACK), a matrix-vector product by A for each of some K steps.
Departure: vectors are projections A V = U S, by which cosines weigh dimensions by their singular values.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Self

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, offsets, segments
from irkit.config import Config, digest
from irkit.errors import ConfigError, NotFittedError, ShapeError
from irkit.io.kinds import Bags
from irkit.rng import Seed, generator


class LSAConfig(Config):
    """Settings of `LSA`."""

    dimensions: int = Field(100, ge=1)
    "K."
    seed: Seed = 1
    "Of the vector that the decomposition starts from."


def weighted(bags: Bags, idf: Floats) -> Any:
    """Return rows of (1 + log tf) idf, scaled to length 1: (n, T) csr."""
    from scipy.sparse import csr_matrix

    counts = np.ones(len(bags.x.values)) if bags.counts is None else bags.counts.values
    weights = (1 + np.log(counts)) * idf[bags.x.values]
    ptr = offsets(bags.x.lengths)
    row = segments(ptr)
    length = np.sqrt(np.bincount(row, weights**2, len(bags)))[row]
    weights /= np.where(length > 0, length, 1)  # 0 where every document holds all its terms
    return csr_matrix((weights, bags.x.values, ptr), shape=(len(bags), bags.vocabulary))


class LSA:
    """Latent semantic analysis of bags."""

    name = "lsa"
    takes = frozenset({"bags"})

    def __init__(self, config: LSAConfig | None = None, **settings: Any) -> None:
        self.config = config or LSAConfig(**settings)
        self.words: tuple[str, ...] | None = None
        self.idf: Floats | None = None
        self.axes: Floats | None = None

    def fit(self, documents: Bags) -> Self:
        """Return a copy fitted to documents.

        Raises
        ------
        ConfigError
            If there are not more documents and terms than dimensions.
        """
        from scipy.sparse.linalg import svds

        k, (n, terms) = self.config.dimensions, (len(documents), documents.vocabulary)
        if k >= min(n, terms):
            raise ConfigError(
                f"lsa: dimensions must be fewer than documents and terms, got {k} for {n} documents of {terms} terms"
            )
        fitted = type(self)(self.config)
        df = np.bincount(documents.x.values, minlength=terms)
        fitted.idf = np.log(n / np.maximum(df, 1))
        start = generator(self.config.seed, "lsa").normal(size=min(n, terms))
        _, size, axes = svds(weighted(documents, fitted.idf), k=k, v0=start)
        fitted.axes = axes[np.argsort(-size)].T
        fitted.words = documents.words
        return fitted

    def encode(self, bags: Bags) -> Floats:
        """Return a vector for each document or query: (n, K) float32.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ShapeError
            If the bags are of another vocabulary.
        """
        if self.axes is None or self.idf is None:
            raise NotFittedError("lsa: is not fitted; call fit(documents) first")
        if bags.vocabulary != len(self.idf) or (None not in (self.words, bags.words) and self.words != bags.words):
            raise ShapeError(f"lsa: bags of {len(self.idf):,} terms are needed, those it was fitted on; number them so")
        found: Floats = np.asarray(weighted(bags, self.idf) @ self.axes, dtype=np.float32)
        return found

    @property
    def fingerprint(self) -> str:
        """Hash of what the vectors depend on."""
        if self.axes is None or self.idf is None:
            raise NotFittedError("lsa: is not fitted; call fit(documents) first")
        return digest("lsa", self.words, [blake2b(one.tobytes()).hexdigest() for one in (self.axes, self.idf)])
