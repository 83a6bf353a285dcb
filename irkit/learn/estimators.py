"""Gradients of expectations over latent variables: five ways, from exact and slow to biased and cheap.

- `reparameterise`: z = mean + sigma eps; unbiased, low variance, Gaussian latents only.
- `straight_through`: sampled bits forward, the probabilities' gradient backward; biased, low variance.
- `straight_through_gumbel`: likewise, but the gradient of a relaxed draw with the same noise.
- `score_function`: REINFORCE with a learned baseline and variance normalisation; unbiased.
- `all_bits`: every configuration of H bits, for exact expectations; 2^H terms.

Sources: Kingma and Welling, ICLR 2014; Bengio, Leonard and Courville, "Estimating or propagating
gradients through stochastic neurons", 2013; Mnih and Gregor, "Neural variational inference and
learning in belief networks", ICML 2014; Jang, Gu and Poole, "Categorical reparameterization with
Gumbel-softmax", ICLR 2017, section 2.2; Maddison, Mnih and Teh, "The concrete distribution", ICLR
2017, appendix B.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from irkit.errors import ConfigError

MOST_BITS = 20
"Most bits that are enumerated: a million configurations."


def reparameterise(mean: Tensor, log_var: Tensor, rng: torch.Generator) -> Tensor:
    """Draw z ~ N(mean, exp(log_var)) so that gradients flow to both parameters."""
    noise = torch.empty_like(mean).normal_(generator=rng)
    return mean + torch.exp(0.5 * log_var) * noise


def sample_bits(logits: Tensor, rng: torch.Generator) -> Tensor:
    """Draw independent bits of the given logits, as 0 and 1 in their dtype, without a gradient."""
    return torch.bernoulli(torch.sigmoid(logits.detach()), generator=rng)


def straight_through(logits: Tensor, rng: torch.Generator) -> Tensor:
    """Draw bits whose gradient is that of their probabilities."""
    p = torch.sigmoid(logits)
    bits = torch.bernoulli(p.detach(), generator=rng)
    return bits + p - p.detach()


def relaxed_bits(logits: Tensor, temperature: float, rng: torch.Generator) -> Tensor:
    """Draw from the binary concrete distribution: sigmoid((logit + noise) / temperature), with logistic noise.

    A draw is above 1/2 as often as a bit is 1, whatever the temperature; as that falls, draws approach bits, and the
    gradient of an expectation that of an expectation over bits, with a variance that grows without bound.

    Parameters
    ----------
    logits : (...)
    temperature : float, above 0
    rng : torch.Generator

    Returns
    -------
    (...) from 0 to 1
    """
    u = torch.empty_like(logits).uniform_(generator=rng)
    noise = torch.logit(u, eps=torch.finfo(u.dtype).eps)  # the logistic distribution: two Gumbels' difference
    return torch.sigmoid((logits + noise) / temperature)


def straight_through_gumbel(logits: Tensor, temperature: float, rng: torch.Generator) -> Tensor:
    """Draw bits whose gradient is that of a relaxed draw with the same noise.

    As the temperature falls, the gradient of E f(bit) by this approaches p (1 - p) (f'(0) + f'(1)) / 2: that of the
    bits themselves, p (1 - p) (f(1) - f(0)), with the difference by the trapezoid rule. So a bias is left at any
    temperature unless f is quadratic in each bit.
    """
    relaxed = relaxed_bits(logits, temperature, rng)
    return (relaxed.detach() > 0.5).to(logits.dtype) + (relaxed - relaxed.detach())


class Baseline(nn.Module):
    """What REINFORCE subtracts: a network of the input, plus running mean and deviation of the signal.

    Symbols: B batch, D inputs, H hidden units.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, size: int, hidden_size: int, decay: float = 0.9) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(size, hidden_size), nn.Tanh(), nn.Linear(hidden_size, 1))
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("variance", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Predict the signal of each example: (B, D) to (B,)."""
        signal: Tensor = self.net(x).squeeze(-1) + self.mean
        return signal

    @torch.no_grad()
    def update(self, residual: Tensor) -> None:
        """Follow the mean and variance of the signal less the baseline."""
        self.mean.lerp_(self.mean + residual.mean(), 1 - self.decay)
        self.variance.lerp_(residual.var(unbiased=False), 1 - self.decay)

    def scale(self) -> Tensor:
        """Return the running deviation, at least 1, by which the signal is divided."""
        return self.variance.sqrt().clamp_min(1.0)


def score_function(log_q: Tensor, signal: Tensor, baseline: Tensor | None = None) -> Tensor:
    """Return a surrogate whose gradient is the mean of (signal - baseline) grad log q.

    Parameters
    ----------
    log_q : (B,)
        Log-probability of what was drawn, with a gradient.
    signal : (B,)
        What the draw was worth; detached here.
    baseline : (B,), optional
        A prediction of `signal` that does not depend on the draw; detached here.

    Returns
    -------
    () whose value means nothing
    """
    advantage = signal if baseline is None else signal - baseline
    return (advantage.detach() * log_q).mean()


def all_bits(n: int, *, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu") -> Tensor:
    """Return every vector of n bits, (2^n, n), the first bit changing slowest.

    Raises
    ------
    ConfigError
        If there are too many.
    """
    if n > MOST_BITS:
        raise ConfigError(f"all_bits: at most {MOST_BITS} bits can be enumerated, got {n}; use sampling")
    codes = torch.arange(1 << n, device=device)
    shifts = torch.arange(n - 1, -1, -1, device=device)
    return ((codes[:, None] >> shifts) & 1).to(dtype)
