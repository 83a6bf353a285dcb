"""Scorers of documents by their features: linear, or with one hidden layer.

    s(x) = w x + c                          hidden_size 0
    s(x) = w tanh(W x + b) + c              hidden_size H

Source of form and start: the networks of IRGAN's released code for web search (Wang et al., SIGIR 2017), H = F = 46.
Symbols: F features, H hidden units, W (H, F), b (H,), w (1, F) or (1, H), c () where there is an output bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Scorer(nn.Module):
    """A score for each feature vector.

    Parameters
    ----------
    features : int
        F.
    hidden_size : int
        H; 0 for a linear scorer.
    output_bias : bool
        Whether there is a c. Losses of differences of scores do not see it.
    """

    def __init__(self, features: int, hidden_size: int = 0, *, output_bias: bool = True) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden_size) if hidden_size else None
        self.output = nn.Linear(hidden_size or features, 1, bias=output_bias)

    @torch.no_grad()
    def start(self, rng: torch.Generator, deviation: float = 0.1) -> Scorer:
        """Draw weights from a normal distribution cut at two deviations, set biases to 0, and return the scorer.

        Parameters
        ----------
        rng : torch generator
            On the device of the weights.
        deviation : float
            Before the cut; .1 in IRGAN's code.
        """
        for weights in self.parameters():
            if weights.ndim > 1:
                nn.init.trunc_normal_(weights, std=deviation, a=-2 * deviation, b=2 * deviation, generator=rng)
            else:
                weights.zero_()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Score feature vectors, float64 ones in float64.

        Parameters
        ----------
        x : (..., F)

        Returns
        -------
        (...)
        """
        if self.hidden is not None:
            x = torch.tanh(_through(self.hidden, x))
        return _through(self.output, x)[..., 0]


def _through(layer: nn.Linear, x: Tensor) -> Tensor:
    return functional.linear(x, layer.weight.to(x.dtype), None if layer.bias is None else layer.bias.to(x.dtype))
