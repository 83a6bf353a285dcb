"""LSA: documents and queries in the space of the largest singular vectors of the document-term matrix.

Source: Deerwester, Dumais, Furnas, Landauer and Harshman, "Indexing by latent semantic analysis", JASIS 41(6), 1990.

    A[d, t] = (1 + log tf) log(N / df), each row scaled to length 1        A ~ U S V^T
    document = A[d] V        query = its own weighted row V                "folding in"

Symbols: N documents, T terms, K dimensions.
Cost: scipy's truncated decomposition (ARPACK), a matrix-vector product by A for each of some K steps.
Departure: vectors are projections A V = U S, by which cosines weigh dimensions by their singular values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field
from torch import Tensor

from irkit.arrays import Floats, segments
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.io.kinds import Spec, Tokens
from irkit.represent.solved import SolvedModel, SolvedNet, count_matrix, frequencies
from irkit.rng import generator


class LSAConfig(Config):
    """Settings of `LSA`."""

    dimensions: int = Field(100, ge=1)
    "K."


def weighted(counts: Any, idf: Floats) -> Any:
    """Return rows of (1 + log tf) idf, scaled to length 1: (n, T) csr."""
    from scipy.sparse import csr_matrix

    weights = (1 + np.log(counts.data)) * idf[counts.indices]
    row = segments(counts.indptr)
    length = np.sqrt(np.bincount(row, weights**2, counts.shape[0]))[row]
    weights /= np.where(length > 0, length, 1)  # 0 where every document holds all its terms
    return csr_matrix((weights, counts.indices, counts.indptr), shape=counts.shape)


class LSANet(SolvedNet):
    """The arrays: idf (T,) and axes (T, K), the largest first."""

    def __init__(self, terms: int, dimensions: int) -> None:
        super().__init__()
        self.hold("idf", terms)
        self.hold("axes", terms, dimensions)

    @property
    def topics(self) -> Tensor:
        """The singular vectors of terms: (T, K)."""
        found: Tensor = self.get_parameter("axes")
        return found


class LSA(SolvedModel):
    """Latent semantic analysis of documents, whose words need no order."""

    name = "lsa"
    config_type = LSAConfig
    config: LSAConfig

    def build(self, spec: Spec) -> LSANet:
        """Return a net whose arrays are empty."""
        assert spec.vocabulary is not None
        return LSANet(spec.vocabulary, self.config.dimensions)

    def solve(self, documents: Tokens, net: SolvedNet, seed: int) -> None:
        """Decompose the weighted counts.

        Raises
        ------
        ConfigError
            If there are not more documents and terms than dimensions.
        """
        from scipy.sparse.linalg import svds

        counts = count_matrix(documents)
        k, (n, terms) = self.config.dimensions, counts.shape
        if k >= min(n, terms):
            raise ConfigError(
                f"lsa: dimensions must be fewer than documents and terms, got {k} for {n} documents of {terms} terms"
            )
        idf = frequencies(counts)
        start = generator(seed, "lsa").normal(size=min(n, terms))
        _, size, axes = svds(weighted(counts, idf), k=k, v0=start)
        net.fill(idf=idf, axes=axes[np.argsort(-size)].T)

    def vectors(self, documents: Tokens) -> Floats:
        """Project weighted counts onto the axes: (n, K)."""
        found: Floats = weighted(count_matrix(documents), self.fitted.array("idf")) @ self.fitted.array("axes")
        return found
