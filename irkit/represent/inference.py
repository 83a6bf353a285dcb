"""What a topic model makes of a text: a Gaussian over its topics, from its content words alone.

    a = sum over the n content words of their embeddings / sqrt(n)
    b = relu(U relu(a) + u)          q(theta | words) = N(M b + m, diag exp(S b + s))

Symbols: n texts of W symbols at most, V vocabulary, K topics.
Departures from TopicRNN's q: embeddings that are added take the place of counts and a first layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag


class Inference(nn.Module):
    """q: embeddings of content words, each over the root of their number, and two layers of rectified units."""

    def __init__(self, symbols: int, size: int, topics: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(0.5 * torch.randn(symbols, size))
        self.hidden = nn.Linear(size, size)
        self.mean = nn.Linear(size, topics)
        self.log_var = nn.Linear(size, topics)
        nn.init.constant_(self.log_var.bias, -2.0)

    def forward(self, windows: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, (n, K) each; the prior's where a window has no content word.

        Parameters
        ----------
        windows : (n, W) int64
        content : (V + 1,)
            1 for words that count, else 0.
        """
        weights = content[windows]
        n = weights.sum(1, keepdim=True)
        weights = weights * n.clamp_min(1).rsqrt()
        bag = embedding_bag(windows, self.embedding, per_sample_weights=weights, mode="sum")
        h = self.hidden(bag.relu()).relu()
        known = (n > 0).to(h.dtype)
        return self.mean(h) * known, self.log_var(h) * known
