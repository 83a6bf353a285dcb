"""Rank results again by how near the posterior of a document's latent variables is to the query's.

Models such as a variational autoencoder or TopicRNN infer of a text not a point but a Gaussian, q(z | text), of
means m and variances v; a short query has a wide one. Minus the distance of two such Gaussians p and q is

    symmetric KL    KL(p | q) + KL(q | p) = 1/2 sum over dimensions of v / v' + v' / v - 2 + (m - m')^2 (1 / v + 1 / v')
    Bhattacharyya   -log integral of sqrt(p q) = sum of (m - m')^2 / (4 (v + v')) + 1/2 log((v + v') / (2 sqrt(v v')))

Sources: Jeffreys, "An invariant form for the prior probability in estimation problems", Proc. R. Soc. A 186, 1946;
Bhattacharyya, "On a measure of divergence between two statistical populations", Bull. Calcutta Math. Soc. 35, 1943.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.rank.encoder import Encoder, require
from irkit.rank.rerank import RerankConfig, Reranker


class PosteriorEncoder(Encoder, Protocol):
    """An encoder whose vectors are Gaussian posteriors."""

    def posteriors(self, texts: Sequence[str] | None = None) -> tuple[Floats, Floats]:
        """Return means and variances of texts, or of all documents: (n, d) each, NaN where nothing is known."""


class PosteriorConfig(RerankConfig):
    """Settings of `Posterior`."""

    weight: float = Field(1.0, ge=0, le=1)
    "Of minus the distance; the rest is of the score that results come with."
    distance: Literal["symmetric-kl", "bhattacharyya"] = "symmetric-kl"
    "Of the two Gaussians."


def symmetric_kl(mean: Floats, variance: Floats, mean_2: Floats, variance_2: Floats) -> Floats:
    """Return KL(p | q) + KL(q | p) of diagonal Gaussians: arrays (..., d) to (...) nats."""
    apart = np.square(mean - mean_2) * (1 / variance + 1 / variance_2)
    found: Floats = 0.5 * (variance / variance_2 + variance_2 / variance - 2 + apart).sum(-1)
    return found


def bhattacharyya(mean: Floats, variance: Floats, mean_2: Floats, variance_2: Floats) -> Floats:
    """Return -log of the integral of sqrt(p q) of diagonal Gaussians: arrays (..., d) to (...)."""
    both = variance + variance_2
    apart = np.square(mean - mean_2) / (4 * both)
    spread = np.log(both / 2) - 0.5 * (np.log(variance) + np.log(variance_2))
    found: Floats = (apart + 0.5 * spread).sum(-1)
    return found


DISTANCES = {"symmetric-kl": symmetric_kl, "bhattacharyya": bhattacharyya}
"Distances by name."


class Posterior(Reranker):
    """Rank results again by the distance of the posteriors of document and query, nearest first."""

    name = "posterior"
    config_type = PosteriorConfig
    config: PosteriorConfig
    encoder: PosteriorEncoder

    def __init__(self, encoder: PosteriorEncoder, config: PosteriorConfig | None = None, **settings: Any) -> None:
        super().__init__(encoder, config, **settings)
        require(encoder, "posteriors", who=self.name)

    def likeness(self, texts: list[str], ptr: Ints, rows: Ints) -> Floats:
        """Return minus the distances."""
        distance = DISTANCES[self.config.distance]
        mean, variance = self.encoder.posteriors()
        asked = zip(*self.encoder.posteriors(texts), strict=True)
        each = [
            -distance(mean[rows[start:end]], variance[rows[start:end]], *query)
            for (start, end), query in zip(pairwise(ptr.tolist()), asked, strict=True)
        ]
        return np.concatenate(each)
