"""RankNet: of two documents with different labels, the one of the greater label above the other.

    p(i above j) = sigmoid(s_i - s_j)
    loss = sum over pairs with y_i > y_j of log(1 + exp(-(s_i - s_j)))

The loss is the mean over the pairs of a query, then over queries that have pairs, so that queries with many results,
whose pairs grow with the square of them, do not rule.

Source: Burges, Shaked, Renshaw, Lazier, Deeds, Hamilton and Hullender, "Learning to rank using gradient descent",
ICML 2005, section 3.
Symbols: B queries of a batch, L documents in the longest of their lists, y labels, s scores.
Cost: O(B L^2).
Departure: the mean over each query; in the source all pairs weigh alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.rank.net_ranker import NetRanker, NetRankerConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class RankNetConfig(NetRankerConfig):
    """Settings of `RankNet`."""


def pairs_in_order(labels: Tensor, mask: Tensor) -> Tensor:
    """Say of which documents the first should be above the second: (B, L) to (B, L, L) bool."""
    both = mask[:, :, None] & mask[:, None, :]
    return both & (labels[:, :, None] > labels[:, None, :])


def pair_losses(scores: Tensor) -> Tensor:
    """Return log(1 + exp(-(s_i - s_j))) of all pairs in nats: (B, L) to (B, L, L)."""
    from torch.nn.functional import softplus

    return softplus(scores[:, None, :] - scores[:, :, None])


def mean_by_query(losses: Tensor, counted: Tensor) -> Tensor:
    """Average over what counts of each query, then over queries where anything does; 0 where none does.

    Parameters
    ----------
    losses : (B, ...)
    counted : (B, ...) bool
    """
    losses, counted = losses.flatten(1), counted.flatten(1)
    counts = counted.sum(1)
    each = losses.masked_fill(~counted, 0).sum(1) / counts.clamp(min=1)
    return each.sum() / (counts > 0).sum().clamp(min=1)


def ranknet(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the mean loss of pairs in nats: a scalar.

    Parameters
    ----------
    scores, labels : (B, L)
    mask : (B, L) bool
        Where there is a document.
    """
    return mean_by_query(pair_losses(scores), pairs_in_order(labels, mask))


class RankNet(NetRanker):
    """Rank by scores that put pairs of documents in the order of their labels."""

    name = "ranknet"
    config_type = RankNetConfig
    config: RankNetConfig

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor, rng: torch.Generator) -> Tensor:
        """Return the mean loss of pairs."""
        return ranknet(scores, labels, mask)
