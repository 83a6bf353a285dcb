"""Variational autoencoders, with feed-forward, convolutional or recurrent inference.

Sources: Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; Burda, Grosse and
Salakhutdinov, ICLR 2016 (importance-weighted bound, active units); Fabius and van Amersfoort, ICLR
2015 workshop (recurrent encoder and decoder).

    z ~ N(0, I);  x ~ p(x | z);  q(z | x) = N(mean(x), exp(log_var(x)))
    ELBO = E_q log p(x | z) - KL(q(z | x) || N(0, I)) <= log p(x)
    IW_K = E log mean over k of p(x, z_k) / q(z_k | x), rising to log p(x) with K

Symbols: B batch, D values, Z latent, K samples.
Departures: the output bias starts at the training means; the KL term may be annealed and have free
bits (both off by default).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.generative.base import LatentDensity
from irkit.generative.coders import DecoderKind, Encoder, EncoderKind, MLPDecoder, RecurrentDecoder
from irkit.io.kinds import Examples, Spec
from irkit.learn.abilities import Ability
from irkit.learn.data import as_examples
from irkit.learn.distributions import bernoulli_log_prob, gaussian_kl, gaussian_log_prob, logit
from irkit.learn.estimate import Estimate, Measure
from irkit.learn.estimators import reparameterise, sample_bits
from irkit.learn.latent import Bound, log_weights, standard_normal
from irkit.learn.neighbours import VOTES, knn_accuracy
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import KLSchedule, free_bits
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.trainer import TrainerConfig

DECODED = 10_000
"Latent vectors decoded at once."


class VAEConfig(Config):
    """Settings of `VAE`."""

    latent_size: int = Field(2, ge=1)
    "Latent dimensions Z."
    hidden_size: int = Field(500, ge=1)
    "Units of the hidden layers of both networks."
    encoder: EncoderKind = "mlp"
    "The inference network."
    decoder: DecoderKind = "mlp"
    "The generating network; lstm or gru make a variational recurrent autoencoder."
    shape: tuple[int, int] | None = None
    "Rows and columns of a picture, for networks other than mlp."
    observed: Literal["bits", "reals"] = "bits"
    "Reals are Gaussian with one learned variance."
    kl: KLSchedule = KLSchedule()
    "Weight of the KL term over training."
    free_bits: float = Field(0.0, ge=0)
    "Nats that each latent dimension costs at least."


class VAENet(ScoreNet):
    """Encoder, decoder and, for reals, the logarithm of their variance."""

    kind = "lower_bound"

    def __init__(self, size: int, config: VAEConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        hidden, latent = config.hidden_size, config.latent_size
        self.encoder = Encoder(config.encoder, size, config.shape, hidden, latent)
        self.decoder: Any = (
            MLPDecoder(size, hidden, latent)
            if config.decoder == "mlp"
            else RecurrentDecoder(config.decoder, size, config.shape, hidden, latent)
        )
        if config.observed == "reals":
            self.log_var = nn.Parameter(torch.zeros(()))

    @property
    def follows_budget(self) -> bool:
        """Whether the weight of the KL term grows."""
        return self.config.kl.shape != "constant"

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let the output begin at the training means."""
        mean = x.mean(0)
        self.decoder.start(logit(mean) if self.config.observed == "bits" else mean)

    def likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x | z): (B,)."""
        parameters = self.decoder(z, x)
        if self.config.observed == "bits":
            return bernoulli_log_prob(x, parameters)
        return gaussian_log_prob(x, parameters, self.log_var)

    def bound(self, x: Tensor, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO with one z a row."""
        mean, log_var = self.encoder(x)
        return Bound(self.likelihood(x, reparameterise(mean, log_var, rng)), gaussian_kl(mean, log_var))

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the ELBO: (B,)."""
        return self.bound(x, rng).elbo

    def loss(self, batch: Tensor, now: Now) -> Loss:
        """Return minus the ELBO with the KL term weighted and floored as configured."""
        bound = self.bound(batch, now.rng)
        reconstruction = -bound.reconstruction.mean()
        kl = free_bits(bound.kl, self.config.free_bits)
        total = reconstruction + self.config.kl.weight(now.progress) * kl
        return Loss(total, {"reconstruction": reconstruction, "kl": bound.kl.sum(1).mean()})

    def log_weights(self, x: Tensor, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(x, z_k) - log q(z_k | x) of `samples` draws: (samples, B) float64."""
        mean, log_var = self.encoder(x)
        together = max(1, DECODED // len(x))
        return log_weights(
            mean, log_var, samples, rng, together=together, likelihood=lambda z, k: self.likelihood(x.repeat(k, 1), z)
        )

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z from the prior and x given z."""
        weight = self.decoder.out.weight
        z = torch.empty(n, self.config.latent_size, dtype=weight.dtype, device=weight.device).normal_(generator=rng)
        return self.draw(z, rng)

    def draw(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Draw x given z: (n, D)."""
        columns = self.size if self.config.decoder == "mlp" else self.decoder.shape[1]
        x = z.new_zeros(len(z), self.size)
        for row in range(0, self.size, columns):  # one pass for all of it, or one for each row
            parameters = self.decoder(z, x)[:, row : row + columns]
            if self.config.observed == "bits":
                x[:, row : row + columns] = sample_bits(parameters, rng)
            else:
                noise = torch.empty_like(parameters).normal_(generator=rng)
                x[:, row : row + columns] = parameters + torch.exp(0.5 * self.log_var) * noise
        return x

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior means: (B, Z)."""
        found: Tensor = self.encoder(x)[0]
        return found

    def decode(self, z: Tensor) -> Tensor:
        """Return the means of p(x | z), which a recurrent decoder does not have: (B, D)."""
        return self.means(self.decoder(z, z))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the means of p(x | z) at the posterior means, each row of a recurrent decoder given those above."""
        return self.means(self.decoder(self.encode(x), x))

    def means(self, parameters: Tensor) -> Tensor:
        """Return the means of what the decoder's parameters stand for."""
        return torch.sigmoid(parameters) if self.config.observed == "bits" else parameters


class VAE(LatentDensity):
    """A variational autoencoder; its likelihood is a lower bound, or by quadrature for Z of 1 and 2."""

    name = "vae"
    config_type = VAEConfig
    config: VAEConfig
    trainer = TrainerConfig(epochs=20, batch_size=100, optimiser=OptimiserConfig(learning_rate=1e-3))

    def build(self, spec: Spec) -> VAENet:
        """Return an untrained network."""
        return VAENet(spec.size, self.config)

    @property
    def bits(self) -> bool:
        """Whether rows are bits."""
        return self.config.observed == "bits"

    @torch.no_grad()
    def quadrature(self, x: Floats | Tensor, *, points: int = 200, reach: float = 6.0) -> Estimate:
        """Return log p(x) of each row by the trapezoid rule over z, for Z of 1 or 2.

        The error given is the change from every second point: 0 or nearly so when the grid is fine enough.

        Parameters
        ----------
        points : int
            Of each axis.
        reach : float
            The grid spans -reach to reach; a posterior narrower than its spacing is missed.

        Raises
        ------
        ConfigError
            If there are more latent dimensions.
        """
        latent = self.config.latent_size
        if latent > 2:
            raise ConfigError(f"vae: quadrature is for 1 or 2 latent dimensions, got {latent}; use log_prob")
        rows = self.examples(x)
        axis = torch.linspace(-reach, reach, 2 * (points // 2) + 1, dtype=torch.float64)
        z = torch.cartesian_prod(*[axis] * latent).view(-1, latent).to(self.place)
        coarse = (torch.arange(len(axis)) % 2 == 0).to(self.place.device)
        coarse = torch.cartesian_prod(*[coarse] * latent).view(-1, latent).all(1)
        cell = latent * math.log(2 * reach / (len(axis) - 1))
        values, errors = [], []
        for part in self.batches(rows, 1):
            log_p = [
                self.fitted.likelihood(part.expand(len(zs), -1), zs) + standard_normal(zs)
                for zs in torch.split(z, DECODED)
            ]
            joint = torch.cat(log_p).double()
            fine = float(joint.logsumexp(0)) + cell
            values.append(fine)
            errors.append(abs(fine - float(joint[coarse].logsumexp(0)) - cell - latent * math.log(2)))
        return Estimate(np.array(values), np.array(errors), "estimate")

    def can(self, ability: Ability) -> bool:
        """Whether this model has an ability: a recurrent decoder draws, but has no single mean."""
        return super().can(ability) and (ability != "decode" or self.config.decoder == "mlp")

    @property
    def latent_size(self) -> int:
        """Latent dimensions Z."""
        found: int = self.config.latent_size
        return found

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return what `LatentDensity` does.

        With labels, more than 5 rows and Z = 2, also the share of rows whose 5 nearest others have their label.
        """
        rows = as_examples(test)
        found, labels = super().measures(rows, **arguments), rows.labels
        if labels is not None and (labels >= 0).all() and self.latent_size == 2 and len(rows) > VOTES:
            found["knn_5_accuracy"] = Measure(Estimate.exact(knn_accuracy(self.encode(rows), labels)), "")
        return found
