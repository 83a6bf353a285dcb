"""DARN: layers of bits with autoregressive connections within them, trained to compress.

Source: Gregor, Danihelka, Mnih, Blundell and Wierstra, "Deep autoregressive networks", ICML 2014.

    p(x, h) = p(x | h^1) p(h^1 | h^2) ... p(h^L)
    logit of p(own_i = 1 | own_<i, above) = b_i + sum over j < i of W_ij own_j + U_i . f(above)
    q(h | x) = q(h^1 | x) q(h^2 | h^1) ... with independent bits in each layer
    L(x) = E_q [log q(h | x) - log p(h)] + E_q [-log p(x | h)] >= -log p(x)

The two terms are the code length of h and that of x given h. With f the identity and no layers this
is a fully visible sigmoid belief net, whose likelihood is exact: a strong model already, so the code
length of h tells whether the latent bits are used.

Symbols: B batch, D bits, H_l bits of layer l, S configurations or samples; tensors of h may have
leading axes before B. Deterministic tanh layers may stand between layers (f), and NADE may take the
place of the linear conditional: h_d = sigmoid(c + A f(above) + sum over j < d of own_j W_j).
Departures: the gradient is one of four (`estimator`): `st`, straight-through, like the paper's biased
and of low variance; `gumbel`, likewise with the gradient of relaxed bits (Jang, Gu and Poole, ICLR 2017);
`reinforce`, unbiased, with a learned baseline (NVIL); `exact`, by enumeration, for at most 12 latent bits.
All draw true bits, so that what is minimised is the code length and no relaxation of it. Own weights
start at zero, output biases at the logit of the training means.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config, Sizes
from irkit.errors import ConfigError
from irkit.generative.base import Density
from irkit.generative.nade import nade_logits
from irkit.io.kinds import Examples, Spec
from irkit.learn.abilities import Ability
from irkit.learn.data import numbers
from irkit.learn.distributions import bernoulli_log_prob, logit
from irkit.learn.estimate import Estimate, Measure, check_draws
from irkit.learn.estimators import (
    Baseline,
    all_bits,
    sample_bits,
    score_function,
    straight_through,
    straight_through_gumbel,
)
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import importance_weighted, nats_to_bits
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.trainer import TrainerConfig

MOST_LATENT = 12
"Most latent bits, over all layers, that are enumerated."
SAMPLED = 10_000
"Rows times samples of h at once."


class DARNConfig(Config):
    """Settings of `DARN`."""

    hidden_sizes: Sizes = (100,)
    "Bits of each layer of h, bottom up; none leaves a fully visible belief net."
    conditional: Literal["linear", "nade"] = "linear"
    "How a bit depends on those before it."
    nade_size: int = Field(100, ge=1)
    "Hidden units of a NADE conditional."
    deterministic: int = Field(0, ge=0)
    "Tanh units between layers, in both directions; 0 connects them directly."
    estimator: Literal["st", "gumbel", "reinforce", "exact"] = "st"
    "Of the gradient through h."
    temperature: float = Field(1.0, gt=0)
    "Of the relaxed bits of `gumbel`."


class Conditional(nn.Module):
    """p(own | above): bits that depend on the bits before them and on a layer above, if there is one."""

    def __init__(self, size: int, above: int, config: DARNConfig) -> None:
        super().__init__()
        self.size, self.kind = size, config.conditional
        self.bias = nn.Parameter(torch.zeros(size))
        width = config.deterministic or above
        self.between = (
            nn.Sequential(nn.Linear(above, width), nn.Tanh()) if above and config.deterministic else nn.Identity()
        )
        self.from_above = nn.Linear(width, size, bias=False) if above else None
        if self.kind == "linear":
            self.own = nn.Parameter(torch.zeros(size, size))
        else:
            self.w = nn.Parameter(0.01 * torch.randn(size, config.nade_size))
            self.v = nn.Parameter(0.01 * torch.randn(size, config.nade_size))
            self.c = nn.Parameter(torch.zeros(config.nade_size))
            self.to_hidden: Any = nn.Linear(width, config.nade_size, bias=False) if above else None

    def told(self, above: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return what the layer above adds to the logits, biases included, and to NADE's hidden units."""
        if above is None or self.from_above is None:
            return self.bias, self.c if self.kind == "nade" else None
        f = self.between(above)
        return self.bias + self.from_above(f), self.c + self.to_hidden(f) if self.kind == "nade" else None

    def log_prob(self, own: Tensor, above: Tensor | None) -> Tensor:
        """Return log p(own | above); axes before the last are broadcast: (..., D), (..., A) to (...)."""
        logits, c = self.told(above)
        if c is None:
            return bernoulli_log_prob(own, logits + own @ self.own.tril(-1).T)
        lead = np.broadcast_shapes(own.shape[:-1], c.shape[:-1])
        flat, c = own.expand(*lead, -1).reshape(-1, self.size), c.expand(*lead, -1).reshape(-1, c.shape[-1])
        zero = torch.zeros_like(self.bias)
        return bernoulli_log_prob(own, logits + nade_logits(flat, self.w, c, self.v, zero).view(*lead, -1))

    def sample(self, n: int, above: Tensor | None, rng: torch.Generator) -> Tensor:
        """Draw n rows, one for each row of `above` if there is one: (n, D)."""
        logits, c = self.told(above)
        logits = logits.expand(n, -1)
        own = torch.zeros_like(logits)
        a = None if c is None else c.expand(n, -1)
        for i in range(self.size):
            if a is None:
                own[:, i] = sample_bits(logits[:, i] + own[:, :i] @ self.own[i, :i], rng)
            else:
                own[:, i] = sample_bits(logits[:, i] + torch.sigmoid(a) @ self.v[i], rng)
                a = torch.addr(a, own[:, i], self.w[i])
        return own


class Code(NamedTuple):
    """The description of rows by a draw of h, in nats."""

    h: Tensor
    "log q(h | x) - log p(h): (..., B)."
    x: Tensor
    "-log p(x | h): (..., B)."


class DARNNet(ScoreNet):
    """Decoders bottom up, the last being p(h^L); encoders bottom up; the baseline of REINFORCE."""

    kind = "lower_bound"

    def __init__(self, size: int, config: DARNConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        sizes = [size, *config.hidden_sizes]
        self.decoders: Any = nn.ModuleList([Conditional(own, above, config) for own, above in pairwise([*sizes, 0])])
        self.encoders: Any = nn.ModuleList(
            [_encoder(below, own, config.deterministic) for below, own in pairwise(sizes)]
        )
        if config.estimator == "exact" and sum(config.hidden_sizes) > MOST_LATENT:
            raise ConfigError(
                f"darn: at most {MOST_LATENT} latent bits can be enumerated, got {sum(config.hidden_sizes)}; "
                "choose estimator st, gumbel or reinforce"
            )
        if config.estimator == "reinforce":
            self.baseline = Baseline(size, 100)

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let the bits of x begin at their frequencies."""
        self.decoders[0].bias.copy_(logit(x.mean(0)))

    # ------------------------------------------------------------------ the bound

    def log_q(self, x: Tensor, h: list[Tensor]) -> Tensor:
        """Return log q(h | x): (..., B)."""
        pairs = zip(self.encoders, [x, *h][:-1], h, strict=True)
        return sum((bernoulli_log_prob(own, encoder(below)) for encoder, below, own in pairs), x.new_zeros(len(x)))

    def log_p(self, x: Tensor, h: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return log p(x | h) and log p(h): (..., B) each."""
        own = [x, *h]
        above: list[Tensor | None] = [*h, None]
        terms = [decoder.log_prob(*pair) for decoder, *pair in zip(self.decoders, own, above, strict=True)]
        return terms[0], sum(terms[1:], x.new_zeros(len(x)))

    def code(self, x: Tensor, h: list[Tensor]) -> Code:
        """Return both code lengths of given h."""
        log_x, log_h = self.log_p(x, h)
        return Code(self.log_q(x, h) - log_h, -log_x)

    def draw(self, x: Tensor, rng: torch.Generator) -> list[Tensor]:
        """Draw h ~ q(h | x), without gradients."""
        h: list[Tensor] = []
        for encoder in self.encoders:
            h.append(sample_bits(encoder(h[-1] if h else x), rng))
        return h

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the bound on log p(x) by one draw: (B,); exact if there is no h."""
        code = self.code(x, self.draw(x, rng))
        return -code.h - code.x

    # ------------------------------------------------------------------ the gradient, four ways

    def loss(self, batch: Tensor, now: Now) -> Loss:
        """Return the mean code length, or for `reinforce` a loss with its gradient in expectation."""
        if not self.encoders:
            code = self.code(batch, [])
        elif self.config.estimator in ("st", "gumbel"):
            code = self.code_straight_through(batch, now.rng)
        elif self.config.estimator == "exact":
            code = self.code_exact(batch)
        else:
            return self.loss_reinforce(batch, now.rng)
        parts = {"code_h": code.h.mean(), "code_x": code.x.mean()}
        return Loss(parts["code_h"] + parts["code_x"], parts)

    def code_straight_through(self, x: Tensor, rng: torch.Generator) -> Code:
        """Draw h so that gradients pass; E log q is minus the entropy, in closed form for each layer."""
        h: list[Tensor] = []
        log_q = x.new_zeros(len(x))
        for encoder in self.encoders:
            logits = encoder(h[-1] if h else x)
            h.append(self.passing(logits, rng))
            log_q = log_q + bernoulli_log_prob(torch.sigmoid(logits), logits)
        log_x, log_h = self.log_p(x, h)
        return Code(log_q - log_h, -log_x)

    def passing(self, logits: Tensor, rng: torch.Generator) -> Tensor:
        """Draw bits that gradients pass, as the estimator has it."""
        if self.config.estimator == "gumbel":
            return straight_through_gumbel(logits, self.config.temperature, rng)
        return straight_through(logits, rng)

    def code_exact(self, x: Tensor) -> Code:
        """Return the expectation over all configurations of h."""
        h = self.configurations(x)
        q = torch.exp(self.log_q(x, h))  # (S, B)
        code = self.code(x, h)
        return Code((q * code.h).sum(0), (q * code.x).sum(0))

    def loss_reinforce(self, x: Tensor, rng: torch.Generator) -> Loss:
        """Return the log-derivative surrogate of the encoders, the decoders' loss and the baseline's error."""
        h = self.draw(x, rng)
        log_x, log_h = self.log_p(x, h)
        log_q = self.log_q(x, h)
        signal = (log_x + log_h - log_q).detach()  # (B,)
        guess = self.baseline(x)
        encoders = score_function(log_q, signal, guess) / self.baseline.scale()
        error = (signal - guess).square().mean()
        if self.training:
            self.baseline.update(signal - guess.detach())
        parts = {"code_h": (log_q - log_h).detach().mean(), "code_x": -log_x.detach().mean(), "baseline": error}
        return Loss(-(log_x + log_h).mean() - encoders + 0.01 * error, parts)

    def configurations(self, x: Tensor) -> list[Tensor]:
        """Return every h, (2^sum H, B, H_l) for each layer."""
        sizes = list(self.config.hidden_sizes)
        every = all_bits(sum(sizes), dtype=x.dtype, device=x.device)
        return [part[:, None, :].expand(-1, len(x), -1) for part in torch.split(every, sizes, dim=1)]

    # ------------------------------------------------------------------ use

    def log_weights(self, x: Tensor, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(x, h_k) - log q(h_k | x) of `samples` draws: (samples, B) float64."""
        found = []
        step = max(1, SAMPLED // len(x))
        for done in range(0, samples, step):
            h = self.draw(x.expand(min(step, samples - done), *x.shape), rng)
            code = self.code(x, h)
            found.append((-code.h - code.x).double())
        return torch.cat(found)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw h^L, then down to x."""
        own: Tensor | None = None
        for decoder in reversed(self.decoders):
            own = decoder.sample(n, own, rng)
        assert own is not None
        return own

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior means of the lowest latent layer, q(h^1_j = 1 | x): (B, H_1)."""
        return torch.sigmoid(self.encoders[0](x))


def _encoder(below: int, own: int, deterministic: int) -> nn.Module:
    if not deterministic:
        return nn.Linear(below, own)
    return nn.Sequential(nn.Linear(below, deterministic), nn.Tanh(), nn.Linear(deterministic, own))


class DARN(Density):
    """A deep autoregressive network: a bound on the likelihood, and the code lengths it is made of."""

    name = "darn"
    config_type = DARNConfig
    config: DARNConfig
    abilities = Density.abilities | {"encode"}
    trainer = TrainerConfig(epochs=20, batch_size=100, optimiser=OptimiserConfig(learning_rate=1e-3))

    def build(self, spec: Spec) -> DARNNet:
        """Return an untrained network."""
        return DARNNet(spec.size, self.config)

    def can(self, ability: Ability) -> bool:
        """Whether this model has an ability: without latent bits there is nothing to encode with."""
        return super().can(ability) and (ability != "encode" or bool(self.config.hidden_sizes))

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor, *, samples: int = 100, seed: int = 1) -> Estimate:
        """Return log p(x) of each row (n, D): exact without h, else the importance-weighted bound.

        Parameters
        ----------
        samples : int
            Draws of h; the bound rises to log p(x) with them.
        seed : int
        """
        rows, rng = self.examples(data), self.generator(seed)
        if not self.config.hidden_sizes:
            return Estimate.exact(numbers(torch.cat([self.fitted.score(part, rng) for part in self.batches(rows)])))
        samples = check_draws(self.name, "samples", samples)
        return importance_weighted(self.fitted.log_weights(part, samples, rng) for part in self.batches(rows, 100))

    @torch.no_grad()
    def exact_log_prob(self, x: Floats | Tensor) -> Estimate:
        """Return log p(x) of each row by enumerating h.

        Raises
        ------
        ConfigError
            If there are more than 12 latent bits.
        """
        latent = sum(self.config.hidden_sizes)
        if latent > MOST_LATENT:
            raise ConfigError(f"darn: at most {MOST_LATENT} latent bits can be enumerated, got {latent}; use log_prob")
        if not latent:
            return self.log_prob(x)
        net, found = self.fitted, []
        for part in self.batches(self.examples(x), 50):
            log_x, log_h = net.log_p(part, net.configurations(part))
            found.append((log_x + log_h).logsumexp(0))
        return Estimate.exact(numbers(torch.cat(found)))

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return log p and, by one draw of h, the mean code lengths: of h, of x given h, and of both."""
        net, rng = self.fitted, self.generator(1)
        codes = [net.code(part, net.draw(part, rng)) for part in self.batches(self.examples(test))]
        h, own = (float(torch.cat(part).double().mean()) for part in zip(*codes, strict=True))
        found = super().measures(test, **arguments)
        for name, nats in {"code_h": h, "code_x": own, "code": h + own}.items():
            found[name] = Measure(Estimate(nats, math.inf, "estimate"), "nats")
            found[f"{name}_bits"] = Measure(Estimate(nats_to_bits(nats), math.inf, "estimate"), "bits")
        return found
