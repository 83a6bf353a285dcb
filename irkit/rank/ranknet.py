"""RankNet: of two documents with different labels, the one of the greater label above the other.

    p(i above j) = sigmoid(s_i - s_j)
    loss = sum over pairs with y_i > y_j of log(1 + exp(-(s_i - s_j)))

The loss is the mean over the pairs of a query, then over queries that have pairs, so that queries with many results,
whose pairs grow with the square of them, do not rule.

Source: Burges, Shaked, Renshaw, Lazier, Deeds, Hamilton and Hullender, "Learning to rank using gradient descent",
ICML 2005, section 3.
Symbols: B queries of a batch, L documents in the longest of their lists, at most P of one above another; y labels,
s scores.
Cost: O(B P L).
Departure: the mean over each query; in the source all pairs weigh alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.rank.net_ranker import NetRanker, NetRankerConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.rank.lists import ListBatch


class RankNetConfig(NetRankerConfig):
    """Settings of `RankNet`."""


def pairs_in_order(labels: Tensor, mask: Tensor, above: int | None = None) -> Tensor:
    """Say of which documents the first should be above the second.

    Parameters
    ----------
    labels : (B, L)
    mask : (B, L) bool
        Where there is a document.
    above : int, optional
        P, if after the first P documents of each list none should be above another; default L.

    Returns
    -------
    (B, P, L) bool
    """
    both = mask[:, :above, None] & mask[:, None, :]
    return both & (labels[:, :above, None] > labels[:, None, :])


def pair_losses(scores: Tensor, above: int | None = None) -> Tensor:
    """Return log(1 + exp(-(s_i - s_j))) of the first P documents with all in nats: (B, L) to (B, P, L)."""
    from torch.nn.functional import softplus

    return softplus(scores[:, None, :] - scores[:, :above, None])


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


def ranknet(scores: Tensor, labels: Tensor, mask: Tensor, above: int | None = None) -> Tensor:
    """Return the mean loss of pairs in nats: a scalar; parameters as those of `pairs_in_order`."""
    return mean_by_query(pair_losses(scores, above), pairs_in_order(labels, mask, above))


class RankNet(NetRanker):
    """Rank by scores that put pairs of documents in the order of their labels."""

    name = "ranknet"
    config_type = RankNetConfig
    config: RankNetConfig

    def loss(self, scores: Tensor, batch: ListBatch, rng: torch.Generator) -> Tensor:
        """Return the mean loss of pairs."""
        return ranknet(scores, batch.labels, batch.mask, batch.above)
