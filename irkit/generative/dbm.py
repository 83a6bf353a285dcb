"""A deep Boltzmann machine of two hidden layers.

Source: Salakhutdinov and Hinton, "Deep Boltzmann machines", AISTATS 2009.

    E(v, h1, h2) = -v'W1 h1 - h1'W2 h2 - b'v - c1'h1 - c2'h2
    mean field of p(h1, h2 | v): m1 = sigmoid(c1 + v'W1 + W2 m2), m2 = sigmoid(c2 + m1'W2)
    log p(v) >= -E(v, m1, m2) + entropy(m1) + entropy(m2) - log Z

Given h1, all of v and h2 are independent and the reverse: it is an RBM whose one layer is h1 and
whose other is (v, h2), and so its normaliser is found as an RBM's is, exactly or by AIS.

Symbols: B batch, D visible, H1 and H2 hidden, M chains; W1 (D, H1), W2 (H1, H2).
The gradient is that of E(v, m1, m2) with m fixed, less that of E at persistent chains.
Departures: the layers are pretrained as plain RBMs and their weights halved, in place of training
them with doubled inputs.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.generative.base import Density
from irkit.generative.rbm import RBMConfig, ais_log_z, exact_log_z, stack_rbms
from irkit.io.kinds import Examples, Spec
from irkit.learn.data import Held, numbers
from irkit.learn.distributions import bernoulli_log_prob, logit, softplus
from irkit.learn.estimate import Estimate
from irkit.learn.estimators import all_bits, sample_bits
from irkit.learn.net import LossNet
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.trainer import TrainerConfig

MOST_EXACT = 12
"Units of h1 up to which it is enumerated."


class DBMConfig(Config):
    """Settings of `DBM`."""

    hidden_sizes: tuple[int, int] = (500, 1000)
    "Units of h1 and h2; those of the paper for MNIST."
    chains: int = Field(100, ge=1)
    "Chains that persist between updates."
    sweeps: int = Field(5, ge=1)
    "Gibbs sweeps in an update."
    mean_field: int = Field(10, ge=1)
    "Mean-field updates for each row."
    pretrain_epochs: int = Field(10, ge=0)
    "Epochs for each RBM that the layers start as; 0 starts at random."


class DBMNet(LossNet):
    """The weights of a two-layer DBM and its chains."""

    chains_v: Tensor
    chains_h2: Tensor

    def __init__(self, size: int, config: DBMConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        one, two = config.hidden_sizes
        self.w1 = nn.Parameter(0.01 * torch.randn(size, one))
        self.w2 = nn.Parameter(0.01 * torch.randn(one, two))
        self.b = nn.Parameter(torch.zeros(size))
        self.c1 = nn.Parameter(torch.zeros(one))
        self.c2 = nn.Parameter(torch.zeros(two))
        self.register_buffer("chains_v", torch.zeros(config.chains, size))
        self.register_buffer("chains_h2", torch.zeros(config.chains, two))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Set b to the training means and the chains to training rows."""
        self.b.copy_(logit(x.mean(0)))
        self.chains_v.copy_(torch.bernoulli(x[torch.randint(len(x), (len(self.chains_v),), device=x.device)]))

    def energy(self, v: Tensor, h1: Tensor, h2: Tensor) -> Tensor:
        """Return E(v, h1, h2), or its mean-field expectation: (B,)."""
        pairs = ((v @ self.w1 + h2 @ self.w2.T) * h1).sum(1)
        return -pairs - v @ self.b - h1 @ self.c1 - h2 @ self.c2

    def h1_logits(self, v: Tensor, h2: Tensor) -> Tensor:
        """Return the logits of p(h1 | v, h2): (B, H1)."""
        return self.c1 + v @ self.w1 + h2 @ self.w2.T

    def mean_field(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means m1 (B, H1) and m2 (B, H2) of the approximate posterior."""
        m2 = torch.sigmoid(self.c2).expand(len(v), -1)
        for _ in range(self.config.mean_field):
            m1 = torch.sigmoid(self.h1_logits(v, m2))
            m2 = torch.sigmoid(self.c2 + m1 @ self.w2)
        return m1, m2

    def log_f_bound(self, v: Tensor) -> Tensor:
        """Return the mean-field bound on log f(v), the log of the sum over h of exp(-E): (B,)."""
        m1, m2 = self.mean_field(v)
        entropies = (-bernoulli_log_prob(m, torch.special.logit(m, eps=1e-12)) for m in (m1, m2))
        return -self.energy(v, m1, m2) + sum(entropies)

    def log_f(self, v: Tensor) -> Tensor:
        """Return log f(v) by enumerating h1: (B,)."""
        h1 = all_bits(len(self.c1), dtype=v.dtype, device=v.device)
        of_h2 = softplus(self.c2 + h1 @ self.w2).sum(1)  # (2^H1,)
        return v @ self.b + ((self.c1 + v @ self.w1) @ h1.T + of_h2).logsumexp(1)

    def sweep(self, v: Tensor, h2: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw h1 given v and h2, then v and h2 given h1."""
        h1 = sample_bits(self.h1_logits(v, h2), rng)
        return sample_bits(self.b + h1 @ self.w1.T, rng), sample_bits(self.c2 + h1 @ self.w2, rng)

    def loss(self, batch: Tensor, now: Now) -> Loss:
        """Return the energy at the data's mean field less that of the chains; only its gradient means something."""
        with torch.no_grad():
            m1, m2 = self.mean_field(batch)
            v, h2 = self.chains_v, self.chains_h2
            for _ in range(self.config.sweeps):
                v, h2 = self.sweep(v, h2, now.rng)
            self.chains_v.copy_(v)
            self.chains_h2.copy_(h2)
            h1 = torch.sigmoid(self.h1_logits(v, h2))
        return Loss(self.energy(batch, m1, m2).mean() - self.energy(v, h1, h2).mean(), {})

    def sample(self, n: int, rng: torch.Generator, sweeps: int = 1000) -> Tensor:
        """Run n chains from independent bits: approximate samples."""
        v, h2 = sample_bits(self.b.expand(n, -1), rng), sample_bits(self.c2.expand(n, -1), rng)
        for _ in range(sweeps):
            v, h2 = self.sweep(v, h2, rng)
        return v

    def encode(self, x: Tensor) -> Tensor:
        """Return the mean-field means of both layers side by side: (B, H1 + H2)."""
        return torch.cat(self.mean_field(x), dim=1)

    def as_rbm(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weights and biases of the same distribution as an RBM with visibles h1 and hiddens (v, h2)."""
        return torch.cat([self.w1.T, self.w2], dim=1), self.c1, torch.cat([self.b, self.c2])


class DBM(Density):
    """A two-layer deep Boltzmann machine: exact when h1 is small, else a bound less an estimate of log Z."""

    name = "dbm"
    config_type = DBMConfig
    config: DBMConfig
    abilities = Density.abilities | {"encode"}
    trainer = TrainerConfig(
        epochs=20, batch_size=100, optimiser=OptimiserConfig(kind="sgd", learning_rate=0.02, schedule="linear")
    )

    def build(self, spec: Spec) -> DBMNet:
        """Return an untrained network."""
        return DBMNet(spec.size, self.config)

    @torch.no_grad()
    def begin(self, x: Held, spec: Spec, trainer: TrainerConfig) -> DBMNet:
        """Return a network of two pretrained layers with halved weights and, where they meet, mean biases."""
        assert isinstance(x, Tensor)  # rows
        net = self.build(spec).to(x.device)
        net.start(x)
        if self.config.pretrain_epochs:
            rule = trainer.changed(epochs=self.config.pretrain_epochs, steps=None, seconds=None)
            with torch.enable_grad():
                stack = stack_rbms(
                    numbers(x), self.config.hidden_sizes, config=RBMConfig(chains=self.config.chains), trainer=rule
                )
            one, two = (rbm.fitted for rbm in stack)
            net.b.copy_(one.b)
            net.w1.copy_(one.w / 2)
            net.c1.copy_((one.c + two.b) / 2)
            net.w2.copy_(two.w / 2)
            net.c2.copy_(two.c)
            net.chains_h2.copy_(torch.bernoulli(torch.sigmoid(net.c2).expand_as(net.chains_h2)))
        return net

    @torch.no_grad()
    def log_z(self, *, chains: int = 100, temperatures: int = 1000, seed: int = 1) -> Estimate:
        """Return log Z: exact if h1 has at most 12 units, else by AIS from independent units."""
        w, b, c = self.fitted.as_rbm()
        if len(b) <= MOST_EXACT:
            return Estimate.exact(exact_log_z(w, b, c))
        betas = torch.linspace(0, 1, temperatures, dtype=torch.float64)
        return ais_log_z(w, b, c, b, self.generator(seed), chains=chains, betas=betas)

    @torch.no_grad()
    def log_prob(
        self, data: Examples | Floats | Tensor, *, chains: int = 100, temperatures: int = 1000, seed: int = 1
    ) -> Estimate:
        """Return log p(x) of each row (n, D).

        Exact if h1 has at most 12 units. Else the mean-field bound less AIS's log Z, which is called an
        estimate: the first errs downwards, the second may err upwards.
        """
        net = self.fitted
        log_z = self.log_z(chains=chains, temperatures=temperatures, seed=seed)
        exact = log_z.kind == "exact"
        parts = self.batches(self.examples(data), 100)
        value = numbers(torch.cat([net.log_f(part) if exact else net.log_f_bound(part) for part in parts]))
        value -= float(log_z.value)
        if exact:
            return Estimate.exact(value)
        return Estimate(value, 0.0 * value, "estimate", shared=float(log_z.stderr), ess=log_z.ess)

    def score(self, data: Examples | Floats | Tensor, *, seed: int = 1) -> Estimate:
        """Return the mean log-probability by AIS from one seed; see `RBM.score`."""
        return self.log_prob(data, seed=seed).mean()
