"""The adaptive softmax: frequent words first, the rest in clusters of narrow vectors; exact.

Source: Grave, Joulin, Cisse, Grangier and Jegou, "Efficient softmax approximation for GPUs", ICML 2017.
Symbols: n rows, H hidden units, V vocabulary size.
Departure: the clusters of the tail have biases, so that they too can begin at the unigram distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from irkit.errors import ConfigError
from irkit.learn.softmaxes import SPREAD, Softmax


class AdaptiveSoftmax(Softmax):
    """Frequent words and clusters of rarer ones in one softmax, the words of each cluster in another.

    p(w | h) = head(w | h) for a frequent word, head(c | h) tail_c(w | h) for a word of cluster c,
    and cluster c sees h through a projection to H / shrink^(c + 1) units, at least one. A word's
    place is its rank by frequency: `start` sets it; until then words count as sorted already.

    Parameters
    ----------
    cutoffs : sequence of int
        Ranks at which a new cluster begins, increasing, between 1 and V - 1; the first is the number
        of words in the head.
    shrink : int
        How much narrower each cluster is than the one before; the sizes are as in `Softmax`.

    Raises
    ------
    ConfigError
        If cutoffs or shrink are otherwise, or as `Softmax`.
    """

    place: Tensor
    "The rank of each word: (V,) int64."

    def __init__(self, hidden_size: int, vocabulary_size: int, *, cutoffs: Sequence[int], shrink: int = 4) -> None:
        super().__init__(hidden_size, vocabulary_size)
        ends = [*cutoffs, vocabulary_size]
        if len(ends) < 2 or ends[0] < 1 or any(low >= high for low, high in pairwise(ends)):
            raise ConfigError(
                f"softmax: cutoffs must increase between 1 and {vocabulary_size - 1}, got {list(cutoffs)}; "
                "give the ranks at which clusters begin"
            )
        if shrink < 1:
            raise ConfigError(f"softmax: clusters cannot be wider than the head, got shrink {shrink}; use 1 or more")
        self.ends = ends
        sizes = [high - low for low, high in pairwise(ends)]
        widths = [max(1, hidden_size // shrink ** (at + 1)) for at in range(len(sizes))]
        self.head = _linear(hidden_size, ends[0] + len(sizes))
        self.narrow = nn.ModuleList([nn.Linear(hidden_size, width, bias=False) for width in widths])
        self.tails = nn.ModuleList([_linear(width, size) for width, size in zip(widths, sizes, strict=True)])
        self.register_buffer("place", torch.arange(vocabulary_size))

    @torch.no_grad()
    def start(self, unigram: Tensor) -> None:
        """Rank the words, most frequent first and equals by number, and set all biases to log masses."""
        mass = self._mass(unigram)
        order = mass.argsort(descending=True, stable=True)
        self.place[order] = torch.arange(len(order), device=order.device)
        frequent, *rare = mass[order].tensor_split(self.ends[:-1])
        self.head.bias.copy_(torch.cat([frequent, torch.stack([words.sum() for words in rare])]).log())
        for tail, words in zip(self.tails, rare, strict=True):
            tail.get_parameter("bias").copy_((words / words.sum()).log())

    def log_prob(self, h: Tensor, y: Tensor) -> Tensor:
        """Return log p(y | h): (n,); only the clusters that hold a word of y are computed."""
        self._check(h, y)
        place = self.place[y]
        cluster = torch.bucketize(place, torch.tensor(self.ends[:-1], device=y.device), right=True)  # 0 is the head
        entry = torch.where(cluster == 0, place, self.ends[0] + cluster - 1)
        out = log_softmax(self.head(h), dim=1).gather(1, entry[:, None]).squeeze(1)
        for at, start in enumerate(self.ends[:-1]):
            rows = (cluster == at + 1).nonzero().squeeze(1)
            if len(rows):
                within = self._tail(at, h[rows]).gather(1, (place[rows] - start)[:, None]).squeeze(1)
                out = out.index_add(0, rows, within)
        return out

    def log_prob_all(self, h: Tensor) -> Tensor:
        """Return log p(w | h): (n, V)."""
        self._check(h)
        head = log_softmax(self.head(h), dim=1)
        frequent = self.ends[0]
        tails = [head[:, frequent + at, None] + self._tail(at, h) for at in range(len(self.tails))]
        return torch.cat([head[:, :frequent], *tails], dim=1)[:, self.place]

    def _tail(self, at: int, h: Tensor) -> Tensor:
        """Return the log-probabilities of a cluster's words within it."""
        return log_softmax(self.tails[at](self.narrow[at](h)), dim=1)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=SPREAD)
    nn.init.zeros_(layer.bias)
    return layer
