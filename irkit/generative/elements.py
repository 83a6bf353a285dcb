"""Elements of sets one below the other, and the networks that a model of sets is made of.

Symbols: B sets of T elements at most, N elements in all of them, D values of an element, H hidden units, Z latent.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from irkit.learn.data import Padded
from irkit.learn.distributions import bernoulli_log_prob, gaussian_log_prob, logit
from irkit.learn.estimators import reparameterise, sample_bits
from irkit.learn.latent import Gaussian


class Elements(NamedTuple):
    """The elements of B sets, one below the other, without padding."""

    x: Tensor
    "(N, D)"
    owner: Tensor
    "(N,) int64, the set of each."
    lengths: Tensor
    "(B,) int64, how many each set has."

    @classmethod
    def of(cls, sets: Padded, like: Tensor) -> Elements:
        """Take the elements out of their padding, in the type of a tensor."""
        cells = sets.cells
        return cls(sets.x.flatten(0, 1)[cells].to(like.dtype), cells // sets.x.shape[1], sets.lengths)

    def sum(self, values: Tensor) -> Tensor:
        """Add up what elements have over each set: (N, ...) to (B, ...)."""
        return values.new_zeros(len(self.lengths), *values.shape[1:]).index_add(0, self.owner, values)

    def mean(self, values: Tensor) -> Tensor:
        """Average what elements have over each set: (N, H) to (B, H)."""
        return self.sum(values) / self.lengths[:, None]


def mlp(size: int, hidden: int, layers: int) -> list[nn.Module]:
    """Return hidden layers of ELU units."""
    sizes = [size] + [hidden] * layers
    return [one for a, b in pairwise(sizes) for one in (nn.Linear(a, b), nn.ELU())]


class Norm(nn.BatchNorm2d):
    """Batch normalisation of maps, in training by the moments of the batch, later by the running means of these.

    A single value a map has no variance: it is normalised by the running means in training too.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, R, C)."""
        if self.training and x.numel() == x.shape[1]:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        found: Tensor = super().forward(x)
        return found


def convolutions(shape: tuple[int, int], hidden: int) -> nn.Sequential:
    """Return three convolutions of stride 2 with 16, 32 and 64 maps, and a layer of ELU units: (N, D) to (N, H)."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, *shape))]
    for a, b in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), Norm(b), nn.ELU()]
    rows, columns = (-(-side // 8) for side in shape)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * rows * columns, hidden), nn.ELU())


class GaussianMLP(nn.Module):
    """Hidden layers, and on top of them mean and log-variance of what they are given side by side: (n, size)."""

    def __init__(self, size: int, out: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*mlp(size, hidden, layers))
        self.mean, self.log_var = nn.Linear(hidden, out), nn.Linear(hidden, out)

    def forward(self, *inputs: Tensor) -> Gaussian:
        """Return the Gaussians."""
        h = self.body(torch.cat(inputs, 1))
        return Gaussian(self.mean(h), self.log_var(h))


class Bits(nn.Module):
    """Independent bits, given h (N, H)."""

    def __init__(self, hidden: int, size: int) -> None:
        super().__init__()
        self.logits = nn.Linear(hidden, size)

    @torch.no_grad()
    def start(self, values: Tensor) -> None:
        """Begin at the means of some bits (n, D)."""
        self.logits.bias.copy_(logit(values.mean(0)))

    def log_prob(self, x: Tensor, h: Tensor) -> Tensor:
        """Return log p(x | h): (N,)."""
        return bernoulli_log_prob(x, self.logits(h))

    def mean(self, h: Tensor) -> Tensor:
        """Return the means: (N, D)."""
        return torch.sigmoid(self.logits(h))

    def sample(self, h: Tensor, rng: torch.Generator) -> Tensor:
        """Draw x: (N, D)."""
        return sample_bits(self.logits(h), rng)


class Reals(nn.Module):
    """Independent Gaussians, given h (N, H), whose variances depend on it too."""

    def __init__(self, hidden: int, size: int) -> None:
        super().__init__()
        self.mean, self.log_var = nn.Linear(hidden, size), nn.Linear(hidden, size)

    @torch.no_grad()
    def start(self, values: Tensor) -> None:
        """Begin at means and variances of some numbers (n, D)."""
        self.mean.bias.copy_(values.mean(0))
        self.log_var.bias.copy_(values.var(0, correction=0).clamp_min(1e-6).log())

    def log_prob(self, x: Tensor, h: Tensor) -> Tensor:
        """Return log p(x | h): (N,)."""
        return gaussian_log_prob(x, self.mean(h), self.log_var(h))

    def sample(self, h: Tensor, rng: torch.Generator) -> Tensor:
        """Draw x: (N, D)."""
        return reparameterise(self.mean(h), self.log_var(h), rng)
