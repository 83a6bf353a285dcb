"""MADE: an exact density of bits by one masked pass of a feed-forward network.

Source: Germain, Gregor, Murray and Larochelle, "MADE: masked autoencoder for distribution
estimation", ICML 2015.

    every unit has a degree: bit d of the order has d, hidden units have degrees in 1..D-1
    a hidden unit sees units below of at most its degree; the logit of bit d sees degrees less than d

So the logit of a bit depends on the bits before it alone, and sum over d of log p(x_d | x_<d) is an
exact log-likelihood. Symbols: B batch, D bits, H hidden units, L layers.
Departures: one order and one set of masks, not resampled; degrees are spread evenly, not drawn; the
output bias starts at the logit of the training means.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.config import Config, Sizes
from irkit.generative.base import Density
from irkit.io.kinds import Spec
from irkit.learn.distributions import bernoulli_log_prob, logit
from irkit.learn.estimators import sample_bits
from irkit.learn.net import ScoreNet
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig


class MADEConfig(Config):
    """Settings of `MADE`."""

    hidden_sizes: Sizes = Field((500,), min_length=1)
    "Units of each hidden layer."
    direct: bool = True
    "Whether bits also reach the logits of later bits directly."


def masks(size: int, hidden_sizes: tuple[int, ...]) -> list[Tensor]:
    """Return the masks from each layer to the next, bits to bits: (above, below) of 0 and 1 each.

    Examples
    --------
    >>> for mask in masks(3, (2,)):
    ...     print(mask.int().tolist())
    [[1, 0, 0], [1, 1, 0]]
    [[0, 0], [1, 0], [1, 1]]
    """
    bits = torch.arange(1, size + 1)
    degrees = [bits, *(torch.arange(n) * max(1, size - 1) // n + 1 for n in hidden_sizes)]
    found = [above[:, None] >= below for below, above in pairwise(degrees)]
    found.append(bits[:, None] > degrees[-1])
    return [mask.float() for mask in found]


class MaskedLinear(nn.Linear):
    """A linear layer some of whose weights are always 0."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        """Return (W * mask) x + b."""
        out: Tensor = nn.functional.linear(x, self.weight * self.mask, self.bias)
        return out


class MADENet(ScoreNet):
    """The masked layers; the last one gives logits."""

    def __init__(self, size: int, config: MADEConfig) -> None:
        super().__init__()
        self.size = size
        self.layers: Any = nn.ModuleList([MaskedLinear(mask) for mask in masks(size, config.hidden_sizes)])
        self.direct = nn.Parameter(torch.zeros(size, size)) if config.direct else None

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let every conditional begin at the bit's frequency."""
        self.layers[-1].bias.copy_(logit(x.mean(0)))

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of p(x_d = 1 | x_<d): (B, D)."""
        h = x
        for layer in self.layers[:-1]:
            h = torch.relu(layer(h))
        out: Tensor = self.layers[-1](h)
        return out if self.direct is None else out + x @ self.direct.tril(-1).T

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return log p(x), exact: (B,)."""
        return bernoulli_log_prob(x, self.logits(x))

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw bit after bit, a pass of the network for each."""
        x: Tensor = self.layers[-1].bias.new_zeros(n, self.size)
        for d in range(self.size):
            x[:, d] = sample_bits(self.logits(x)[:, d], rng)
        return x


class MADE(Density):
    """A masked autoencoder: exact likelihood in one pass."""

    name = "made"
    config_type = MADEConfig
    config: MADEConfig
    trainer = TrainerConfig(epochs=20, batch_size=100, optimiser=OptimiserConfig(learning_rate=1e-3))

    def build(self, spec: Spec) -> MADENet:
        """Return an untrained network."""
        return MADENet(spec.size, self.config)
