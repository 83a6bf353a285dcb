"""ListNet: the probabilities of being ranked first by the scores, as near as can be to those by the labels.

    p(i) = exp(s_i) / sum over j of exp(s_j)        q(i) = exp(y_i) / sum over j of exp(y_j)
    loss = - sum over i of q(i) log p(i)

The loss is the mean over queries, each of which counts once whatever its number of results.

Source: Cao, Qin, Liu, Tsai and Li, "Learning to rank: from pairwise approach to listwise approach", ICML 2007,
section 4, with top-one probabilities.
Symbols: B queries of a batch, L documents in the longest of their lists, y labels, s scores.
Departure: lists whose labels are all equal are left out of training; they would teach that all scores are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.rank.net_ranker import NetRanker, NetRankerConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.rank.lists import ListBatch


class ListNetConfig(NetRankerConfig):
    """Settings of `ListNet`."""


def listnet(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the mean cross-entropy of softmax(labels) and softmax(scores) in nats: a scalar.

    Parameters
    ----------
    scores, labels : (B, L)
    mask : (B, L) bool
        Where there is a document; each query has one.
    """
    import torch

    outside = ~mask
    wanted = labels.to(scores.dtype).masked_fill(outside, -torch.inf).softmax(1)
    found = scores.masked_fill(outside, -torch.inf).log_softmax(1)
    return -(wanted * found.masked_fill(outside, 0)).sum(1).mean()


class ListNet(NetRanker):
    """Rank by scores whose softmax is near that of the labels."""

    name = "listnet"
    config_type = ListNetConfig
    config: ListNetConfig

    def loss(self, scores: Tensor, batch: ListBatch, rng: torch.Generator) -> Tensor:
        """Return the cross-entropy."""
        return listnet(scores, batch.labels, batch.mask)
