"""Pointwise ranking by maximum likelihood: each document by itself is relevant or not.

    p(relevant | x) = sigmoid(s)
    loss = -[y log sigmoid(s) + (1 - y) log sigmoid(-s)]        y = 1 where the label is greater than 0

The loss is the mean over the documents of a query, then over queries, so that queries with many results do not rule.

Source: Nallapati, "Discriminative models for information retrieval", SIGIR 2004; the row MLE of Wang et al., "IRGAN",
SIGIR 2017.
Symbols: B queries of a batch, L documents in the longest of their lists.
Departure: the mean over each query; the source weights all documents alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.rank.net_ranker import NetRanker, NetRankerConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.rank.lists import ListBatch


class PointwiseConfig(NetRankerConfig):
    """Settings of `Pointwise`."""


def pointwise(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the cross-entropy of sigmoid(scores) and whether labels are greater than 0, in nats: a scalar.

    Parameters
    ----------
    scores, labels : (B, L)
    mask : (B, L) bool
        Where there is a document; each query has one.
    """
    from torch.nn.functional import softplus

    relevant = (labels > 0).to(scores.dtype)
    each = softplus(scores) - relevant * scores  # log(1 + e^s) - y s
    return (each.masked_fill(~mask, 0).sum(1) / mask.sum(1)).mean()


class Pointwise(NetRanker):
    """Rank by the probability that a document is relevant."""

    name = "pointwise"
    config_type = PointwiseConfig
    config: PointwiseConfig
    output_bias = True
    needs_order = False

    def loss(self, scores: Tensor, batch: ListBatch, rng: torch.Generator) -> Tensor:
        """Return the cross-entropy."""
        return pointwise(scores, batch.labels, batch.mask)
