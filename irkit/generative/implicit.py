"""Posteriors that are functions of noise: two encoders, the Gaussian of their moments, and what tells them from it.

    black-box   z = f(x, eps)
    basis       z = z_0(x) + sum over k of a_k(x) v_k(eps_k), products by coordinate
                mean = z_0 + sum over k of a_k E v_k        variance = sum over k of a_k^2 Var v_k

Moments are taken over draws of eps that are made once and kept, so that they are functions of x alone: of a basis those
of v_k, one for all x; of a black box those of z itself, M draws for each x.

Source: Mescheder, Nowozin and Geiger, "Adversarial variational Bayes", ICML 2017, section 3 and the supplement.
Symbols: B batch, D values, Z latent, H hidden units, K functions of noise, E dimensions of noise, M draws.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

FLOOR = 1e-4
"Added to the variances of the Gaussian."


class Gaussian(NamedTuple):
    """A Gaussian of each row: mean and log-variance, (B, Z) each."""

    mean: Tensor
    log_var: Tensor

    def standardised(self, z: Tensor) -> Tensor:
        """Return (z - mean) / sigma."""
        return (z - self.mean) * torch.exp(-0.5 * self.log_var)


class BasisEncoder(nn.Module):
    """z = z_0(x) + sum over k of a_k(x) v_k(eps_k), products by coordinate; at first about as wide as the prior."""

    probe: Tensor

    def __init__(
        self, size: int, hidden: int, latent: int, *, basis: int, basis_size: int, noise: int, draws: int
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, hidden), nn.Tanh())
        self.centre = nn.Linear(hidden, latent)
        self.scale = nn.Linear(hidden, basis * latent)
        nn.init.constant_(self.scale.bias, 1 / math.sqrt(basis))
        self.w = nn.Parameter(torch.randn(basis, noise, basis_size) / math.sqrt(noise))
        self.b = nn.Parameter(0.5 * torch.randn(basis, basis_size))
        self.v = nn.Parameter(torch.randn(basis, basis_size, latent) * math.sqrt(2 / basis_size))
        self.register_buffer("probe", torch.randn(draws, basis, noise))

    def functions(self, noise: Tensor) -> Tensor:
        """Return v_k(eps_k): (n, K, E) to (n, K, Z)."""
        hidden = torch.tanh(torch.einsum("nke,keh->nkh", noise, self.w) + self.b)
        return torch.einsum("nkh,khz->nkz", hidden, self.v)

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_0 (B, Z) and a (B, K, Z)."""
        h = self.body(x)
        return self.centre(h), self.scale(h).view(len(x), len(self.w), -1)

    def draw(self, read: tuple[Tensor, Tensor], rng: torch.Generator) -> Tensor:
        """Draw a z for each row that was read: (B, Z)."""
        centre, scale = read
        noise = centre.new_empty(len(centre), *self.probe.shape[1:]).normal_(generator=rng)
        return centre + (scale * self.functions(noise)).sum(1)

    @torch.no_grad()
    def moments(self, read: tuple[Tensor, Tensor]) -> Gaussian:
        """Return the Gaussian of the moments of q, without gradients."""
        centre, scale = read
        v = self.functions(self.probe)
        mean = centre + (scale * v.mean(0)).sum(1)
        variance = (scale.square() * v.var(0, unbiased=False)).sum(1)
        return Gaussian(mean, torch.log(variance + FLOOR))


class BlackBoxEncoder(nn.Module):
    """A network of x and eps with two hidden layers, whose z are at first about as wide as the prior."""

    probe: Tensor

    def __init__(self, size: int, hidden: int, latent: int, *, noise: int, draws: int) -> None:
        super().__init__()
        self.seen = nn.Linear(size, hidden)
        self.noise = nn.Linear(noise, hidden, bias=False)
        self.body = nn.Sequential(nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.out = nn.Linear(hidden, latent)
        nn.init.normal_(self.noise.weight)
        nn.init.normal_(self.out.weight, std=2 / math.sqrt(hidden))
        self.register_buffer("probe", torch.randn(draws, noise))

    def read(self, x: Tensor) -> Tensor:
        """Return what the first layer makes of x: (B, H)."""
        found: Tensor = self.seen(x)
        return found

    def function(self, read: Tensor, noise: Tensor) -> Tensor:
        """Return z for noise (..., E), beside (..., H) of x: (..., Z)."""
        found: Tensor = self.out(self.body(read + self.noise(noise)))
        return found

    def draw(self, read: Tensor, rng: torch.Generator) -> Tensor:
        """Draw a z for each row that was read: (B, Z)."""
        return self.function(read, read.new_empty(len(read), self.probe.shape[1]).normal_(generator=rng))

    @torch.no_grad()
    def moments(self, read: Tensor) -> Gaussian:
        """Return the Gaussian of the moments of q, without gradients."""
        z = self.function(read, self.probe[:, None])  # (M, B, Z)
        return Gaussian(z.mean(0), torch.log(z.var(0, unbiased=False) + FLOOR))


class Adversary(nn.Module):
    """T(x, z), two hidden layers of ELU units, smooth since its gradient in z is what the encoder learns from."""

    def __init__(self, size: int, latent: int, hidden: int) -> None:
        super().__init__()
        self.seen, self.latent = nn.Linear(size, hidden), nn.Linear(latent, hidden, bias=False)
        self.body = nn.Sequential(nn.ELU(), nn.Linear(hidden, hidden), nn.ELU())
        self.out = nn.Linear(hidden, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, *z: Tensor) -> list[Tensor]:
        """Return the logits of x (B, D) beside each of some z (B, Z): (B,) each."""
        seen = self.seen(x)
        return [self.out(self.body(seen + self.latent(one))).squeeze(-1) for one in z]
