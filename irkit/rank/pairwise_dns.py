"""Pairs with dynamic negatives: each relevant document above the best-scored of some that are not.

    for each relevant i: j_1, ..., j_n drawn from the query's other documents, with repeats
    j* = the one of them with the greatest score at this moment
    loss = - log sigmoid(s_i - s_j*)

With n = 1 negatives are random; the more are drawn, the harder they are. The loss is the mean over the relevant
documents of a query, then over queries that have both kinds.

Source: Zhang, Chen, Wang and Yu, "Optimizing top-N collaborative filtering via dynamic negative item sampling",
SIGIR 2013, as the start of IRGAN for web search uses it (Wang et al., SIGIR 2017, section 4.1).
Symbols: B queries of a batch, L documents in the longest of their lists, n drawn; relevant is a label above 0.
Departure: negatives are drawn anew for each step, not once for a pass or several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from irkit.rank.net_ranker import NetRanker, NetRankerConfig
from irkit.rank.ranknet import mean_by_query

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.rank.lists import ListBatch


class PairwiseDNSConfig(NetRankerConfig):
    """Settings of `PairwiseDNS`."""

    candidates: int = Field(5, ge=1)
    "Documents drawn for each negative; with 1 negatives are random."


def draw_negatives(labels: Tensor, mask: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """Draw documents that are not relevant, with repeats: (B, L) to (B, L, n) int64 places, n for each document.

    In a list without any, whatever is drawn means nothing.
    """
    import torch

    negative = mask & (labels <= 0)
    places = negative.to(torch.uint8).argsort(dim=1, descending=True, stable=True)  # those of negatives first
    counts = negative.sum(1)[:, None, None]
    shares = torch.rand((*labels.shape, n), generator=rng, device=labels.device)
    drawn = (shares * counts).long().clamp(max=(counts - 1).clamp(min=0))
    return places.gather(1, drawn.flatten(1)).view_as(drawn)


def pairwise_dns(scores: Tensor, labels: Tensor, mask: Tensor, drawn: Tensor) -> Tensor:
    """Return the mean loss of pairs in nats: a scalar.

    Parameters
    ----------
    scores, labels : (B, L)
    mask : (B, L) bool
        Where there is a document.
    drawn : (B, L, n) int64
        Places of documents that are not relevant, for each document.
    """
    from torch.nn.functional import softplus

    hardest = scores.gather(1, drawn.flatten(1)).view_as(drawn).amax(2)  # (B, L)
    able = (mask & (labels <= 0)).any(1, keepdim=True)
    return mean_by_query(softplus(hardest - scores), mask & (labels > 0) & able)


class PairwiseDNS(NetRanker):
    """Rank by scores that put relevant documents above hard ones that are not; what IRGAN's players start from."""

    name = "pairwise-dns"
    config_type = PairwiseDNSConfig
    config: PairwiseDNSConfig

    def loss(self, scores: Tensor, batch: ListBatch, rng: torch.Generator) -> Tensor:
        """Return the mean loss of pairs."""
        drawn = draw_negatives(batch.labels, batch.mask, self.config.candidates, rng)
        return pairwise_dns(scores, batch.labels, batch.mask, drawn)
