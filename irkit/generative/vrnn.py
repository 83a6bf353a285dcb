"""VRNN: a recurrent network with latent variables at each step, whose prior is learned from what came before.

Source: Chung, Kastner, Dinh, Goel, Courville and Bengio, "A recurrent latent variable model for sequential data",
NIPS 2015, section 3.

    for t = 1 ... T
        p(z_t | z_<t, x_<t)     = N(prior(h_t-1))
        q(z_t | z_<t, x_<=t)    = N(encoder(phi_x(x_t), h_t-1))
        p(x_t | z_<=t, x_<t)    = output(decoder(phi_z(z_t), h_t-1))
        h_t                     = cell([phi_x(x_t), phi_z(z_t)], h_t-1),  h_0 = 0
    ELBO = E_q sum over t of log p(x_t | z_<=t, x_<t) - KL(q(z_t | ...) || p(z_t | ...)) <= log p(x)
    IW_K = E log mean over k of w_k,  w_k = product over t of p(x_t, z_t | ...) / q(z_t | ...) along the k-th draw

With latent_size 0 there is no z: p(x_t | x_<t) = output(decoder(h_t-1)), the plain recurrent network, whose
log-likelihood is exact. It can give bits or values of one step as independent alone; z_t can make them depend.

Symbols: B sequences, T steps of the longest, D values a step, H hidden units, Z latent dimensions of a step, K draws.
Departures: one hidden layer of rectifiers in every sub-network; dropout on phi_x(x_t) and on h_t-1 where these enter
sub-networks, never on what the cell remembers; the output starts at the training frequencies with small weights; the
loss is over all steps of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats, evenly, offsets
from irkit.config import Config
from irkit.errors import ConfigError, DataError
from irkit.generative.base import check_dynamic
from irkit.generative.independent import INDEPENDENT, independent_log_prob
from irkit.generative.outputs import Output, OutputKind, log_variance
from irkit.io.kinds import Examples, Ragged, Sequences, Spec
from irkit.learn.data import Padded, batch, numbers
from irkit.learn.distributions import gaussian_kl, gaussian_log_prob
from irkit.learn.estimate import Estimate, Kind, Quantity, check_draws
from irkit.learn.estimators import reparameterise
from irkit.learn.latent import Bound
from irkit.learn.model import Model
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import importance_weighted
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import cleared, masked_mean, masked_sum
from irkit.learn.trainer import TrainerConfig

CELLS = 50_000
"Steps and padding that are looked at together."

FLOOR = 1e-3
"Smallest deviation of a latent dimension."

LOG_P, ELBO, KL = "log p a step", "elbo a step", "kl a step"
"Nats of a sequence by the mean number of steps: the mean over sequences is that over all steps together."

Memory: TypeAlias = Tensor | tuple[Tensor, Tensor]
"What a cell remembers: h or, of an LSTM, (h, c), (B, H) each."


class VRNNConfig(Config):
    """Settings of `VRNN`."""

    hidden_size: int = Field(128, ge=1)
    "Units of the cell and of every hidden layer, H."
    latent_size: int = Field(16, ge=0)
    "Latent dimensions Z of a step; 0 makes it a plain recurrent network."
    cell: Literal["gru", "lstm"] = "gru"
    "What remembers."
    outputs: OutputKind = "bernoulli"
    "What a step is: bits, reals as one Gaussian, or reals as a mixture of Gaussians with diagonal covariances."
    components: int = Field(20, ge=1)
    "Of a mixture."
    bits: int = Field(0, ge=0)
    "How many of the last columns are bits, where the others are reals."
    floor: float = Field(1e-2, gt=0)
    "Smallest deviation of reals."
    dropout: float = Field(0.4, ge=0, lt=1)
    "Share of the units of phi_x(x_t) and of h_t-1 that sub-networks do not see while training."


class Path(NamedTuple):
    """What came of following B sequences."""

    before: Tensor
    "(B, T, H) what is remembered before each step, as sub-networks see it."
    after: Tensor
    "(B, T, H) what is remembered after it."
    features: Tensor
    "(B, T, H or 0) phi_z(z)."
    mean: Tensor
    "(B, T, Z) of the posterior of each step."
    log_var: Tensor
    "(B, T, Z)"
    z: Tensor
    "(B, T, Z) what was drawn from it."


def layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return one hidden layer of rectifiers and a linear map."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class VRNNNet(ScoreNet):
    """Feature nets, prior, encoder, decoder, and the cell that remembers."""

    kind: ClassVar[Kind] = "lower_bound"
    lengths: Tensor
    "Steps of the training sequences, a hundred evenly spaced ones of all in order: (100,)."

    def __init__(self, size: int, config: VRNNConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        hidden, latent = config.hidden_size, config.latent_size
        self.phi_x = nn.Sequential(nn.Linear(size, hidden), nn.ReLU())
        if latent:
            self.phi_z = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU())
            self.prior = layers(hidden, hidden, 2 * latent)
            self.encoder = layers(2 * hidden, hidden, 2 * latent)
        both = 2 * hidden if latent else hidden
        self.decoder = nn.Sequential(nn.Linear(both, hidden), nn.ReLU())
        self.output = Output(
            hidden, size, config.outputs, components=config.components, bits=config.bits, floor=config.floor
        )
        self.cell: nn.Module = (nn.LSTMCell if config.cell == "lstm" else nn.GRUCell)(both, hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer("lengths", torch.zeros(100, dtype=torch.int64))

    @torch.no_grad()
    def start(self, x: Sequences) -> None:
        """Let the output begin at the training frequencies; remember how long sequences are."""
        self.output.start(torch.from_numpy(np.asarray(x.x.values, dtype=np.float64)))
        self.lengths.copy_(torch.from_numpy(evenly(x.x.lengths, len(self.lengths))))

    # ------------------------------------------------------------------ one step

    def begin(self, n: int) -> tuple[Tensor, Memory]:
        """Return h and what the cell remembers of n sequences before their first step: nothing."""
        h = self.output.map.weight.new_zeros(n, self.config.hidden_size)
        return h, (h, h) if self.config.cell == "lstm" else h

    def posterior(self, features: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z_t | z_<t, x_<=t), of phi_x(x_t) and h_t-1."""
        mean, raw = self.encoder(torch.cat([features, h], -1)).chunk(2, -1)
        return mean, log_variance(raw, FLOOR)

    def expected(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the prior p(z_t | z_<t, x_<t), of h_t-1: (..., Z) each."""
        if not self.config.latent_size:
            none = h[..., :0]
            return none, none
        mean, raw = self.prior(h).chunk(2, -1)
        return mean, log_variance(raw, FLOOR)

    def remember(self, x: Tensor, z: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Return h_t and what the cell remembers, given phi_x(x_t) and phi_z(z_t), (B, 0) where there is no z."""
        memory = self.cell(torch.cat([x, z], -1), memory)
        return (memory[0] if isinstance(memory, tuple) else memory), memory

    def features(self, z: Tensor) -> Tensor:
        """Return phi_z(z): (..., Z) to (..., H), or as it is where there is no z."""
        found: Tensor = self.phi_z(z) if self.config.latent_size else z
        return found

    # ------------------------------------------------------------------ all steps

    def follow(self, x: Padded, rng: torch.Generator | None) -> Path:
        """Read sequences step by step, z at random or, without a generator, at the posterior means."""
        steps = self.dropout(self.phi_x(cleared(x.x, x.mask)))  # (B, T, H)
        h, memory = self.begin(len(steps))
        found: list[tuple[Tensor, ...]] = []
        for step in steps.unbind(1):
            seen = self.dropout(h)
            mean = log_var = z = seen[:, :0]
            if self.config.latent_size:
                mean, log_var = self.posterior(step, seen)
                z = mean if rng is None else reparameterise(mean, log_var, rng)
            features = self.features(z)
            h, memory = self.remember(step, features, memory)
            found.append((seen, h, features, mean, log_var, z))
        return Path(*(torch.stack(one, 1) for one in zip(*found, strict=True)))

    def likelihood(self, x: Padded, path: Path) -> Tensor:
        """Return log p(x_t | z_<=t, x_<t) of each step, anything on padding: (B, T)."""
        p = self.output(self.decoder(torch.cat([path.features, path.before], -1)))
        return self.output.log_prob(cleared(x.x, x.mask), p)

    def bound(self, x: Padded, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO with one draw of z, the KL of all steps together: (B,), (B, Z)."""
        path = self.follow(x, rng)
        kl = gaussian_kl(path.mean, path.log_var, *self.expected(path.before))
        return Bound(masked_sum(self.likelihood(x, path), x.mask), masked_sum(kl, x.mask))

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return the ELBO of each sequence, the log-likelihood where there is no z: (B,)."""
        return self.bound(batch, rng).elbo

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return minus the ELBO over all steps."""
        bound, steps = self.bound(batch, now.rng), batch.lengths.sum()
        parts = {"reconstruction": -bound.reconstruction.sum() / steps, "kl": bound.kl.sum() / steps}
        return Loss(-bound.elbo.sum() / steps, parts)

    def log_weights(self, x: Padded, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(x, z_k) - log q(z_k | x) of `samples` draws: (samples, B) float64."""
        found = []
        at_once = max(1, CELLS // x.mask.numel())
        for done in range(0, samples, at_once):
            k = min(at_once, samples - done)
            rows = Padded(x.x.repeat(k, 1, 1), x.lengths.repeat(k))
            path = self.follow(rows, rng)
            each = self.likelihood(rows, path) + gaussian_log_prob(path.z, *self.expected(path.before))
            each = each - gaussian_log_prob(path.z, path.mean, path.log_var)
            found.append(masked_sum(each.double(), rows.mask).view(k, -1))
        return torch.cat(found)

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw sequences step by step, as long as those of training."""
        h, memory = self.begin(n)
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=rng, device=h.device)]
        drawn = [h.new_empty(n, 0, self.size)]
        for _ in range(max(lengths.tolist(), default=0)):
            mean, log_var = self.expected(h)
            features = self.features(reparameterise(mean, log_var, rng))
            x = self.output.sample(self.output(self.decoder(torch.cat([features, h], -1))), rng)
            h, memory = self.remember(self.phi_x(x), features, memory)
            drawn.append(x[:, None])
        made = Padded(torch.cat(drawn, 1), lengths)
        return made._replace(x=cleared(made.x, made.mask))

    def encode(self, batch: Padded) -> Tensor:
        """Return the mean of h over the steps, z at the posterior means: (B, H)."""
        return masked_mean(self.follow(batch, None).after, batch.mask)

    def reconstruct(self, batch: Padded) -> Padded:
        """Return the means of p(x_t | z_<=t, x_<t), z at the posterior means."""
        path = self.follow(batch, None)
        p = self.output(self.decoder(torch.cat([path.features, path.before], -1)))
        return batch._replace(x=cleared(self.output.means(p), batch.mask))


class RecurrentNet(VRNNNet):
    """The same without z, whose log-likelihood is exact."""

    kind = "exact"


class VRNN(Model):
    """A recurrent network with latent variables; its likelihood is a lower bound, and exact with none of them."""

    name = "vrnn"
    config_type = VRNNConfig
    config: VRNNConfig
    takes = frozenset({"sequences"})
    abilities = frozenset({"log_prob", "score", "sample", "encode", "reconstruct"})
    trainer = TrainerConfig(
        epochs=85,
        batch_size=16,
        optimiser=OptimiserConfig(learning_rate=3e-3, schedule="linear", hold=0.5, final=0.05, clip=1),
    )

    def build(self, spec: Spec) -> VRNNNet:
        """Return an untrained network."""
        c = self.config
        if c.bits and (c.outputs == "bernoulli" or c.bits >= spec.size):
            raise ConfigError(
                f"vrnn: bits are the last columns behind reals, got {c.bits} of {spec.size} with outputs {c.outputs}; "
                "use outputs bernoulli and bits 0 where all are bits"
            )
        return (VRNNNet if c.latent_size else RecurrentNet)(spec.size, c)

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Sequences:
        """Check sequences: each has a step, bits are 0 and 1 (or probabilities), reals are finite."""
        found = super().examples(data, soft=soft)
        assert isinstance(found, Sequences)
        check_dynamic(self.name, found, self.config.outputs == "bernoulli")
        x, lengths = np.asarray(found.x.values), found.x.lengths
        if found.x.values.ndim != 2 or not lengths.all():
            got = "one without" if found.x.values.ndim == 2 else f"steps of shape {found.x.values.shape[1:]}"
            raise DataError(f"{self.name}: sequences are steps of D values, one step or more, got {got}; leave it out")
        bits = x.shape[1] if self.config.outputs == "bernoulli" else self.config.bits
        binary = np.arange(x.shape[1]) >= x.shape[1] - bits
        soft = soft or found.dynamic
        known = (x >= 0) & (x <= 1) if soft else (x == 0) | (x == 1)
        wrong = np.argwhere(np.where(binary, ~known, ~np.isfinite(x)))
        if len(wrong):
            at, column = wrong[0].tolist()
            sequence = int(np.searchsorted(np.cumsum(lengths), at, side="right"))
            step = at - int(offsets(lengths)[sequence])
            wanted = ("0 to 1" if soft else "0 and 1") if binary[column] else "finite numbers"
            raise DataError(
                f"{self.name}: column {column} must hold {wanted}, got {x[at, column]:g} in step {step} of sequence "
                f"{sequence}; choose other outputs, or clean the data"
            )
        if x.dtype.kind != "f":
            found = replace(found, x=Ragged(x.astype(np.float32), lengths))
        return found

    def batches(self, x: Any, n: int = CELLS) -> Iterator[Padded]:
        """Cut sequences into parts of at most n steps and padding, or of one sequence."""
        start, lengths = 0, x.x.lengths
        while start < len(x):
            widest = np.maximum.accumulate(lengths[start:])
            fits = int((widest * np.arange(1, len(widest) + 1) <= n).sum())
            rows = np.arange(start, start + max(1, fits))
            made: Padded = batch(x.take(rows), self.place)
            yield made
            start += len(rows)

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor, *, samples: int = 32, seed: int = 1) -> Estimate:
        """Return log p of each sequence, without z exactly, else its importance-weighted bound: (n,) nats.

        Parameters
        ----------
        data : sequences
        samples : int
            K, draws of all z of a sequence; the bound rises to log p with it.
        seed : int
        """
        x, rng = self.examples(data), self.generator(seed)
        samples = check_draws(self.name, "samples", samples)
        if not self.config.latent_size:
            return Estimate.exact(numbers(torch.cat([self.fitted.score(part, rng) for part in self.batches(x)])))
        return importance_weighted(self.fitted.log_weights(part, samples, rng) for part in self.batches(x))

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """The bound on log p, the ELBO, which is looser, and the KL, all over steps."""
        return {LOG_P: Quantity("nats"), ELBO: Quantity("nats"), KL: Quantity("nats")}

    @torch.no_grad()
    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return figures of each sequence, (n,) nats by the mean number of steps.

        log p a step    of `log_prob`
        elbo a step     by one draw of z, its error at most its spread; without z the same as log p
        kl a step       what z costs; without z nothing
        """
        x, rng = self.examples(test), self.generator(1)
        bounds = [self.fitted.bound(part, rng) for part in self.batches(x)]
        elbo, kl = (numbers(torch.cat(one)) for one in zip(*((b.elbo, b.kl.sum(1)) for b in bounds), strict=True))
        found = {LOG_P: self.log_prob(x, **arguments)}
        if self.config.latent_size:
            found[ELBO] = Estimate.by_one_draw(elbo, "lower_bound")
            found[KL] = Estimate.by_one_draw(kl, "estimate")
        else:
            found |= {ELBO: found[LOG_P], KL: Estimate.exact(kl)}
        steps = x.x.lengths.mean()
        return {name: replace(one, value=one.value / steps, stderr=one.stderr / steps) for name, one in found.items()}

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return the mean log p of test steps under independent bits, in nats; for bits alone."""
        if self.config.outputs != "bernoulli":
            return {}
        seen, asked = (self.examples(part).x.values for part in (train, test))
        return {LOG_P: {INDEPENDENT: float(independent_log_prob(seen, asked).mean())}}
