"""LambdaRank: RankNet, where each pair weighs as much as swapping its two documents would change nDCG@k.

    G(y) = 2^y - 1, or y        D(r) = 1 / log2(1 + r) for ranks r up to k, else 0
    |delta nDCG@k|(i, j) = |G(y_i) - G(y_j)| |D(r_i) - D(r_j)| / DCG@k of the best order
    loss = sum over pairs with y_i > y_j of |delta nDCG@k|(i, j) log(1 + exp(-(s_i - s_j)))

Ranks r are those of the scores at this moment and the weights are held fixed, so that the gradient with respect to
the scores is the source's lambdas. The loss is the mean over the pairs of a query whose weight is not 0, then over
queries that have such, as RankNet's.

Source: Burges, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82, section 4; Burges, Ragno and
Le, "Learning to rank with nonsmooth cost functions", NIPS 2006.
Symbols: B queries of a batch, L documents in the longest of their lists, at most P of one above another; y labels
(below 0 as 0), s scores.
Cost: O(B P L).
Departure: the mean over each query; in the source all pairs weigh as above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field

from irkit.rank.net_ranker import NetRanker, NetRankerConfig
from irkit.rank.ranknet import mean_by_query, pair_losses, pairs_in_order

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.rank.lists import ListBatch

Gain: TypeAlias = Literal["exponential", "linear"]
"What a document of label y adds to DCG before its discount: 2^y - 1, as in LETOR and the source, or y, as trec_eval."


class LambdaRankConfig(NetRankerConfig):
    """Settings of `LambdaRank`."""

    k: int | None = Field(10, ge=1)
    "The cutoff of nDCG; None looks at the whole list."
    gain: Gain = "exponential"
    "Of a label y: 2^y - 1, or linear, y."


def gains(labels: Tensor, kind: Gain) -> Tensor:
    """Return G of labels, 0 of those below 0."""
    positive = labels.clamp(min=0)
    return positive.exp2() - 1 if kind == "exponential" else positive


def discounts(order: Tensor, k: int | None) -> Tensor:
    """Return D of the rank of each document.

    Parameters
    ----------
    order : (B, L) int64
        The documents of each list, best first.
    k : int, optional
        The cutoff.

    Returns
    -------
    (B, L) float64
        In the order of the documents.
    """
    import torch

    rank = torch.arange(1, order.shape[1] + 1, dtype=torch.float64, device=order.device)
    each = 1 / torch.log2(1 + rank)
    if k is not None:
        each = each.masked_fill(rank > k, 0)
    return torch.zeros(order.shape, dtype=torch.float64, device=order.device).scatter(
        1, order, each.expand(order.shape)
    )


def swap_weights(
    scores: Tensor, labels: Tensor, mask: Tensor, k: int | None, gain: Gain, above: int | None = None
) -> Tensor:
    """Return |delta nDCG@k| of swapping each of the first P documents with another in the order of scores.

    Parameters
    ----------
    scores, labels : (B, L)
    mask : (B, L) bool
        Where there is a document.
    k : int, optional
        The cutoff.
    gain : {"exponential", "linear"}
    above : int, optional
        P; default L.

    Returns
    -------
    (B, P, L), without gradient
        In the type of the scores; 0 in a list without a label above 0.
    """
    import torch

    scores, outside = scores.detach(), ~mask
    order = scores.masked_fill(outside, -torch.inf).argsort(dim=1, descending=True, stable=True)
    discount = discounts(order, k)
    gained = gains(labels.double(), gain).masked_fill(outside, 0)
    best = gained.sort(dim=1, descending=True).values
    ideal = (best * discounts(torch.arange(best.shape[1], device=best.device).expand(best.shape), k)).sum(1)
    share = (gained / ideal.masked_fill(ideal == 0, torch.inf)[:, None]).to(scores.dtype)  # 0 where there is no gain
    discount = discount.to(scores.dtype)
    gained, moved = ((one[:, :above, None] - one[:, None, :]).abs() for one in (share, discount))
    return gained * moved


def lambdarank(
    scores: Tensor,
    labels: Tensor,
    mask: Tensor,
    k: int | None = None,
    gain: Gain = "exponential",
    above: int | None = None,
) -> Tensor:
    """Return the mean weighted loss of pairs in nats: a scalar; parameters as those of `swap_weights`."""
    weights = swap_weights(scores, labels, mask, k, gain, above)
    return mean_by_query(weights * pair_losses(scores, above), pairs_in_order(labels, mask, above) & (weights > 0))


class LambdaRank(NetRanker):
    """Rank by scores that put those pairs of documents right which nDCG@k gains most by."""

    name = "lambdarank"
    config_type = LambdaRankConfig
    config: LambdaRankConfig

    def loss(self, scores: Tensor, batch: ListBatch, rng: torch.Generator) -> Tensor:
        """Return the mean weighted loss of pairs."""
        return lambdarank(scores, batch.labels, batch.mask, self.config.k, self.config.gain, batch.above)
