"""What a network says of a vector: bits, reals as a Gaussian or a mixture of Gaussians, or reals and then bits.

    p(x)      = sum over k of w_k N(reals; mean_k, deviation_k^2)  times  product over bits of Bernoulli(sigmoid(logit))
    deviation = floor + softplus(what the network says)

Symbols: D columns, the last `bits` of them bits and R reals before them, K components.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from irkit.learn.distributions import bernoulli_log_prob, logit, mixture_log_prob, softplus
from irkit.learn.estimators import sample_bits

OutputKind: TypeAlias = Literal["bernoulli", "gaussian", "mixture"]

SMALL = 0.1
"What the output's first weights are scaled by, so that training starts at the frequencies."


class Parameters(NamedTuple):
    """Of p(x) for each of any number of vectors."""

    log_weights: Tensor
    "(..., K) of the components, of sum 1 when exponentiated."
    mean: Tensor
    "(..., K, R)"
    log_var: Tensor
    "(..., K, R)"
    logits: Tensor
    "(..., bits)"


def log_variance(raw: Tensor, floor: float) -> Tensor:
    """Return 2 log(floor + softplus(raw)): variances that cannot vanish, which a density would be rewarded for."""
    return 2 * torch.log(floor + softplus(raw))


def raw_deviation(deviation: Tensor, floor: float) -> Tensor:
    """Return what `log_variance` makes a deviation of, as near as the floor allows."""
    return torch.log(torch.expm1((deviation - floor).clamp_min(1e-3)))


class Output(nn.Module):
    """A linear map from hidden units to the parameters of p(x).

    Parameters
    ----------
    inputs, size : int
        Hidden units, and columns D.
    kind : {"bernoulli", "gaussian", "mixture"}
    components : int
        K of a mixture.
    bits : int
        How many of the last columns are bits, where the others are reals.
    floor : float
        Smallest deviation of reals.
    """

    def __init__(self, inputs: int, size: int, kind: OutputKind, *, components: int, bits: int, floor: float) -> None:
        super().__init__()
        self.bits = size if kind == "bernoulli" else bits
        self.reals = size - self.bits
        self.components = components if kind == "mixture" else 1
        self.floor = floor
        k, r = self.components, self.reals
        self.sizes = [k if k > 1 else 0, k * r, k * r, self.bits]
        "Of log-weights, means, deviations and logits; a single component needs no weight."
        self.map = nn.Linear(inputs, sum(self.sizes))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let p(x) begin at the means, deviations and frequencies of vectors (N, D), components spread among them."""
        self.map.weight *= SMALL
        weights, mean, deviation, logits = torch.split(self.map.bias, self.sizes)
        x = x.to(self.map.bias)
        reals, bits = x[:, : self.reals], x[:, self.reals :]
        shape = (self.components, self.reals)
        spread = torch.zeros(shape, device=x.device, dtype=x.dtype)
        if self.components > 1:
            nn.init.normal_(spread)
        weights.zero_()
        if self.reals:
            sd = reals.std(0, correction=0)
            mean.copy_((reals.mean(0) + sd * spread).flatten())
            deviation.copy_(raw_deviation(sd, self.floor).expand(shape).flatten())
        logits.copy_(logit(bits.mean(0)))

    def forward(self, h: Tensor) -> Parameters:
        """Return the parameters for hidden units (..., inputs)."""
        weights, mean, deviation, logits = torch.split(self.map(h), self.sizes, -1)
        shape = (*h.shape[:-1], self.components, self.reals)
        log_weights = weights.log_softmax(-1) if self.components > 1 else weights.new_zeros(*h.shape[:-1], 1)
        return Parameters(log_weights, mean.reshape(shape), log_variance(deviation.reshape(shape), self.floor), logits)

    def log_prob(self, x: Tensor, p: Parameters) -> Tensor:
        """Return log p(x): (..., D) to (...)."""
        reals = mixture_log_prob(x[..., : self.reals], p.log_weights, p.mean, p.log_var)
        return reals + bernoulli_log_prob(x[..., self.reals :], p.logits)

    def means(self, p: Parameters) -> Tensor:
        """Return the expectations of reals and the probabilities of bits: (..., D)."""
        reals = (p.log_weights.exp()[..., None] * p.mean).sum(-2)
        return torch.cat([reals, torch.sigmoid(p.logits)], -1)

    def sample(self, p: Parameters, rng: torch.Generator) -> Tensor:
        """Draw a vector from each of n distributions, whose parameters are (n, ...): (n, D)."""
        which = torch.multinomial(p.log_weights.exp(), 1, generator=rng)  # (n, 1)
        where = which[:, :, None].expand(-1, -1, self.reals)
        mean, log_var = (one.gather(1, where).squeeze(1) for one in (p.mean, p.log_var))
        noise = torch.empty_like(mean).normal_(generator=rng)
        return torch.cat([mean + torch.exp(0.5 * log_var) * noise, sample_bits(p.logits, rng)], -1)
