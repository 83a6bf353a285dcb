"""Restricted Boltzmann machines: contrastive divergence, exact or annealed normalisers, greedy stacks.

Sources: Hinton, "Training products of experts by minimizing contrastive divergence", Neural
Computation 2002 (CD); Tieleman, "Training restricted Boltzmann machines using approximations to the
likelihood gradient", ICML 2008 (PCD); Salakhutdinov and Murray, ICML 2008 (AIS); Hinton, Osindero
and Teh, "A fast learning algorithm for deep belief nets", Neural Computation 2006 (stacks).

    E(v, h) = -v'W h - b'v - c'h                 bits
    E(v, h) = -v'W h + 1/2 |v - b|^2 - c'h       reals of unit variance
    log f(v) = log of the sum over h of exp(-E) = term(v, b) + sum over j of softplus(c_j + v'W_j)
    log p(v) = log f(v) - log Z

Symbols: B batch, D visible, H hidden, M chains; v (B, D), h (B, H), W (D, H), b (D,), c (H,).
The gradient is not taken through samples: that of mean log f(v_0) - mean log f(v_k), with v_k fixed,
is CD-k's with probabilities in place of the last hidden bits. v_k comes from the data (CD) or from
chains that are never reset (PCD).
Departures: W starts as N(0, 0.01^2), b at the logit of the training means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.generative.base import Density
from irkit.io.kinds import Examples, Spec
from irkit.learn.data import numbers
from irkit.learn.distributions import LOG_2PI, logit, softplus
from irkit.learn.estimate import Estimate
from irkit.learn.estimators import MOST_BITS, all_bits, sample_bits
from irkit.learn.net import LossNet
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.samplers import ais, gibbs
from irkit.learn.trainer import TrainerConfig

CHUNK = 1 << 13
"Configurations enumerated at once."


class RBMConfig(Config):
    """Settings of `RBM`."""

    hidden_size: int = Field(500, ge=1)
    "Hidden units."
    visible: Literal["bits", "reals"] = "bits"
    "What the data is; reals should be scaled to unit variance."
    k: int = Field(1, ge=1)
    "Gibbs sweeps in an update."
    chains: int | None = Field(100, ge=1)
    "Chains that persist between updates (PCD-k); None starts from the batch each time (CD-k)."


def hidden_logits(v: Tensor, w: Tensor, c: Tensor) -> Tensor:
    """Return the logits of p(h_j = 1 | v): (B, H)."""
    return torch.addmm(c, v, w)


def visible_parameters(h: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return the logits of p(v_i = 1 | h), or the means of p(v | h) for reals: (B, D)."""
    return torch.addmm(b, h, w.T)


def visible_term(v: Tensor, b: Tensor, visible: str) -> Tensor:
    """Return what the visible biases add to log f: v'b for bits, -1/2 |v - b|^2 for reals: (B,)."""
    return v @ b if visible == "bits" else -0.5 * (v - b).square().sum(-1)


def log_unnormalised(v: Tensor, w: Tensor, b: Tensor, c: Tensor, visible: str = "bits") -> Tensor:
    """Return log f(v), minus the free energy: (B,)."""
    return visible_term(v, b, visible) + softplus(hidden_logits(v, w, c)).sum(-1)


def exact_log_z(w: Tensor, b: Tensor, c: Tensor, visible: str = "bits") -> float:
    """Return log Z by enumerating the smaller layer (of reals: the hidden one).

    Over h the visible sums are closed: softplus(b_i + (W h)_i) each for bits; for reals
    D/2 log 2 pi + 1/2 |b + W h|^2 - 1/2 |b|^2.

    Raises
    ------
    ConfigError
        If that layer has more than 20 units.
    """
    d, h = w.shape
    by_visible = visible == "bits" and d < h
    if min(d, h) > MOST_BITS if visible == "bits" else h > MOST_BITS:
        raise ConfigError(f"rbm: log Z of {d} x {h} units cannot be enumerated, at most {MOST_BITS}; use ais_log_z")

    def log_f(bits: Tensor) -> Tensor:
        if by_visible:
            return log_unnormalised(bits, w, b, c)
        inner = visible_parameters(bits, w, b)
        if visible == "bits":
            return bits @ c + softplus(inner).sum(-1)
        return bits @ c + 0.5 * (inner.square().sum(-1) - b.square().sum() + d * LOG_2PI)

    configurations = all_bits(d if by_visible else h, dtype=w.dtype, device=w.device)
    return float(torch.cat([log_f(part).double() for part in torch.split(configurations, CHUNK)]).logsumexp(0))


def ais_log_z(
    w: Tensor,
    b: Tensor,
    c: Tensor,
    base: Tensor,
    rng: torch.Generator,
    *,
    visible: str = "bits",
    chains: int = 100,
    betas: Tensor | None = None,
) -> Estimate:
    """Estimate log Z by annealing from independent visibles with biases `base`.

    log f(v, beta) = (1 - beta) term(v, base) + beta term(v, b) + sum over j of softplus(beta (c_j + v'W_j)).

    Parameters
    ----------
    w, b, c : (D, H), (D,), (H,)
    base : (D,)
        Biases at the start; those of the data's means make a good one.
    chains : int
        M.
    betas : (T,), optional
        Default 1,000 from 0 to 1, evenly.

    Source: Salakhutdinov and Murray, ICML 2008, section 4.1.
    """
    steps = torch.linspace(0, 1, 1000, dtype=torch.float64) if betas is None else betas
    log_z_base = float(softplus(base).sum()) if visible == "bits" else 0.5 * len(base) * LOG_2PI

    def draw(parameters: Tensor) -> Tensor:
        return draw_visible(parameters, visible, rng)

    def step(v: Tensor, before: float, beta: float) -> tuple[Tensor, Tensor]:
        logits = hidden_logits(v, w, c)
        ratio = (beta - before) * (visible_term(v, b, visible) - visible_term(v, base, visible))
        ratio += (softplus(beta * logits) - softplus(before * logits)).sum(-1)
        h = sample_bits(beta * logits, rng)
        return ratio, draw((1 - beta) * base + beta * visible_parameters(h, w, b))

    start = draw(base.expand(chains, -1))
    return ais(start, step, steps, log_z_base + w.shape[1] * math.log(2))


def draw_visible(parameters: Tensor, visible: str, rng: torch.Generator) -> Tensor:
    """Draw bits of the given logits, or reals of the given means and unit variance."""
    if visible == "bits":
        return sample_bits(parameters, rng)
    return parameters + torch.empty_like(parameters).normal_(generator=rng)


class RBMNet(LossNet):
    """The weights of an RBM and, for PCD, its chains."""

    base: Tensor
    chains: Tensor

    def __init__(self, size: int, config: RBMConfig) -> None:
        super().__init__()
        self.size, self.visible, self.k = size, config.visible, config.k
        self.w = nn.Parameter(0.01 * torch.randn(size, config.hidden_size))
        self.b = nn.Parameter(torch.zeros(size))
        self.c = nn.Parameter(torch.zeros(config.hidden_size))
        self.register_buffer("base", torch.zeros(size))
        self.register_buffer("chains", torch.zeros(config.chains or 0, size))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Set b, the base of AIS and the chains from the training rows."""
        mean = x.mean(0)
        self.base.copy_(logit(mean) if self.visible == "bits" else mean)
        self.b.copy_(self.base)
        if len(self.chains):
            rows = torch.randint(len(x), (len(self.chains),), device=x.device)
            self.chains.copy_(torch.bernoulli(x[rows]) if self.visible == "bits" else x[rows])

    def log_f(self, v: Tensor) -> Tensor:
        """Return log f(v): (B,)."""
        return log_unnormalised(v, self.w, self.b, self.c, self.visible)

    def sweep(self, rng: torch.Generator) -> Callable[[Tensor], Tensor]:
        """Return a function that draws h | v and then v | h."""

        def once(v: Tensor) -> Tensor:
            h = sample_bits(hidden_logits(v, self.w, self.c), rng)
            return draw_visible(visible_parameters(h, self.w, self.b), self.visible, rng)

        return once

    def loss(self, batch: Tensor, now: Now) -> Loss:
        """Return mean log f(v_k) - mean log f(v_0); its value means little, its gradient is CD's."""
        with torch.no_grad():
            v = gibbs(self.sweep(now.rng), self.chains if len(self.chains) else batch, self.k)
            if len(self.chains):
                self.chains.copy_(v)
        return Loss(self.log_f(v).mean() - self.log_f(batch).mean(), {})

    def sample(self, n: int, rng: torch.Generator, sweeps: int = 1000) -> Tensor:
        """Run n chains from the base: approximate samples."""
        start = draw_visible(self.base.expand(n, -1), self.visible, rng)
        return gibbs(self.sweep(rng), start, sweeps)

    def encode(self, x: Tensor) -> Tensor:
        """Return p(h_j = 1 | x): (B, H)."""
        return torch.sigmoid(hidden_logits(x, self.w, self.c))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the means of p(v | h) at the means of p(h | x): (B, D)."""
        parameters = visible_parameters(self.encode(x), self.w, self.b)
        return torch.sigmoid(parameters) if self.visible == "bits" else parameters


class RBM(Density):
    """A restricted Boltzmann machine; its likelihood is exact when small, else estimated by AIS."""

    name = "rbm"
    config_type = RBMConfig
    config: RBMConfig
    abilities = Density.abilities | {"encode", "reconstruct"}
    trainer = TrainerConfig(
        epochs=20, batch_size=100, optimiser=OptimiserConfig(kind="sgd", learning_rate=0.05, schedule="linear")
    )

    def build(self, spec: Spec) -> RBMNet:
        """Return an untrained network."""
        return RBMNet(spec.size, self.config)

    @property
    def bits(self) -> bool:
        """Whether the visible units are bits."""
        return self.config.visible == "bits"

    @torch.no_grad()
    def log_z(self, *, chains: int = 100, temperatures: int = 1000, seed: int = 1) -> Estimate:
        """Return log Z: exact if a layer can be enumerated (of at most 12 units), else by AIS.

        Parameters
        ----------
        chains, temperatures : int
            Of AIS; the first halves its error when quadrupled, the second its bias.
        seed : int
        """
        net = self.fitted
        smaller = min(net.w.shape) if self.bits else net.w.shape[1]
        if smaller <= 12:
            return Estimate.exact(exact_log_z(net.w, net.b, net.c, net.visible))
        betas = torch.linspace(0, 1, temperatures, dtype=torch.float64)
        rng = self.generator(seed)
        return ais_log_z(net.w, net.b, net.c, net.base, rng, visible=net.visible, chains=chains, betas=betas)

    @torch.no_grad()
    def log_prob(
        self, data: Examples | Floats | Tensor, *, chains: int = 100, temperatures: int = 1000, seed: int = 1
    ) -> Estimate:
        """Return log p(x) of each row (n, D); the error of log Z is shared by all of them.

        AIS finds log Z too low rather than too high, and log p(x) too high: look at `ess`.
        """
        log_z = self.log_z(chains=chains, temperatures=temperatures, seed=seed)
        rows = self.examples(data)
        value = numbers(torch.cat([self.fitted.log_f(part) for part in self.batches(rows)])) - float(log_z.value)
        if log_z.kind == "exact":
            return Estimate.exact(value)
        return Estimate(value, 0.0 * value, "estimate", shared=float(log_z.stderr), ess=log_z.ess)

    def score(self, data: Examples | Floats | Tensor, *, seed: int = 1) -> Estimate:
        """Return the mean log-probability by AIS from one seed.

        Where chains mix badly AIS misses part of Z and flatters the model, and choosing the best of many such
        scores favours the most flattered. For big models rather train to the end, without validation rows.
        """
        return self.log_prob(data, seed=seed).mean()


def stack_rbms(
    x: Floats, hidden_sizes: Sequence[int], *, config: RBMConfig | None = None, trainer: TrainerConfig | None = None
) -> list[RBM]:
    """Fit RBMs greedily, each to bits drawn anew from the hidden means of the one below.

    Parameters
    ----------
    x : (N, D)
        Rows for the first.
    hidden_sizes : sequence of int
        Hidden units of each, bottom up.
    config : RBMConfig, optional
        Settings of all but the sizes; the data of the upper ones is bits in any case.
    trainer : TrainerConfig, optional

    Returns
    -------
    list of RBM
    """
    stack: list[RBM] = []
    for hidden_size in hidden_sizes:
        first = not stack
        base = config or RBMConfig()
        one = RBM(base.changed(hidden_size=hidden_size, visible=base.visible if first else "bits"))
        stack.append(one.fit(x, trainer=trainer, dynamic=one.bits))
        x = stack[-1].encode(x)
    return stack
