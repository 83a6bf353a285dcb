"""Attention: a weighted mean of a memory, by how well each of its places fits a query.

- `AdditiveAttention`: fit = v . tanh(W query + U memory + b).
- `DotAttention`: fit = query . memory / sqrt(M), no parameters.

Weights are a softmax over the places that hold something: they sum to 1 there and are exactly 0 on
padding, whatever stands there. A memory without any place gives weights and a mean of 0.

Sources: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and
translate", ICLR 2015 (additive); Luong, Pham and Manning, "Effective approaches to attention-based
neural machine translation", EMNLP 2015 (dot product); Vaswani et al., "Attention is all you need",
NIPS 2017, section 3.2.1 (its scale).
Symbols: B batch, S queries of one memory, T places, Q and M their sizes, A attention units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from irkit.errors import ShapeError
from irkit.learn.recurrent import cleared


class Attended(NamedTuple):
    """What a query found."""

    mean: Tensor
    "The weighted mean of the memory, also called context: (B, S, M)."
    weights: Tensor
    "Of each place, 0 to 1: (B, S, T)."


class AdditiveAttention(nn.Module):
    """A hidden layer of A tanh units scores each pair of query and place.

    Parameters
    ----------
    query_size, memory_size, hidden_size : int
        Q, M and A.
    """

    def __init__(self, query_size: int, memory_size: int, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, hidden_size, bias=False)
        self.memory = nn.Linear(memory_size, hidden_size)
        self.fit = nn.Linear(hidden_size, 1, bias=False)

    def forward(self, query: Tensor, memory: Tensor, valid: Tensor) -> Attended:
        """Attend to a padded memory.

        Parameters
        ----------
        query : (B, S, Q)
            S is 1 where queries come one by one.
        memory : (B, T, M)
        valid : (B, T) bool
            Which places are no padding.

        Raises
        ------
        ShapeError
            If the shapes are others.
        """
        _check(query, self.query.in_features, memory, self.memory.in_features, valid)
        memory = cleared(memory, valid)  # 0 times NaN would be NaN
        pairs = self.query(query)[:, :, None] + self.memory(memory)[:, None]  # (B, S, T, A)
        return _attended(self.fit(torch.tanh(pairs)).squeeze(-1), memory, valid)


class DotAttention(nn.Module):
    """The scaled dot product scores each pair; queries and places have one size."""

    def forward(self, query: Tensor, memory: Tensor, valid: Tensor) -> Attended:
        """Attend to a padded memory: (B, S, M), (B, T, M) and (B, T) bool, as `AdditiveAttention`."""
        _check(query, memory.shape[-1], memory, memory.shape[-1], valid)
        memory = cleared(memory, valid)
        return _attended(query @ memory.mT / math.sqrt(memory.shape[2]), memory, valid)


def masked_softmax(scores: Tensor, valid: Tensor) -> Tensor:
    """Return exp(score) over its sum over valid places, exactly 0 elsewhere.

    Parameters
    ----------
    scores : (..., T) finite
    valid : bool, broadcast to `scores`

    Returns
    -------
    (..., T) summing to 1, or to 0 where no place is valid
    """
    scores = torch.where(valid, scores, torch.finfo(scores.dtype).min)  # -inf would give NaN where nothing is valid
    return torch.where(valid, scores.softmax(-1), 0)


def _attended(scores: Tensor, memory: Tensor, valid: Tensor) -> Attended:
    weights = masked_softmax(scores, valid[:, None])
    return Attended(weights @ memory, weights)


def _check(query: Tensor, query_size: int, memory: Tensor, memory_size: int, valid: Tensor) -> None:
    if memory.ndim != 3 or memory.shape[2] != memory_size:
        raise ShapeError(
            f"attention: memory must be (B, T, {memory_size}), got {tuple(memory.shape)}; give one row a place"
        )
    if query.ndim != 3 or query.shape[2] != query_size or len(query) != len(memory):
        raise ShapeError(
            f"attention: query must be ({len(memory)}, S, {query_size}), got {tuple(query.shape)}; "
            "give S queries to each memory"
        )
    if valid.shape != memory.shape[:2] or valid.dtype != torch.bool:
        raise ShapeError(
            f"attention: valid must be {tuple(memory.shape[:2])} of bool, got {tuple(valid.shape)} of {valid.dtype}; "
            "give irkit.learn.recurrent.mask(lengths, T)"
        )
