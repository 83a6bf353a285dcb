"""VAE/GAN: an autoencoder whose reconstructions are compared in the features of a discriminator, not pixel by pixel.

Source: Larsen, Sonderby, Larochelle and Winther, "Autoencoding beyond pixels using a learned similarity metric", ICML
2016, sections 2.3 to 2.5, equations 4 to 11 and algorithm 1.

    z   ~ q(z | x) = N(mean(x), exp(log_var(x)))        x~  = Gen(z)         a reconstruction
    z_p ~ N(0, I)                                       x_p = Gen(z_p)       a sample
    L_prior = KL(q(z | x) || N(0, I))
    L_llike = 1/2 |Dis_l(x) - Dis_l(x~)|^2              -log N(Dis_l(x); Dis_l(x~), I) up to a constant
    L_GAN   = log D(x) + 1/2 log(1 - D(x~)) + 1/2 log(1 - D(x_p))

    Enc minimises    kl_weight L_prior + L_llike
    Gen minimises    gamma L_llike - 1/2 log D(x~) - 1/2 log D(x_p)
    Dis minimises    -L_GAN

Each network is updated by its own line alone: L_GAN does not reach the encoder, nor L_llike the discriminator. Without
a discriminator Dis_l(x) is x, and both networks minimise kl_weight L_prior + L_llike: a VAE whose p(x | z) is Gaussian
of variance `kl_weight`, its objective times that variance.

Symbols: B batch, D pixels, Z latent, H units of a layer; D(x) the discriminator's probability that x is real, Dis_l its
features, the values of its first layer.
There is no log-likelihood: it needs p(x | z), and L_llike is a density of features, whose measure changes with the
discriminator and which many x share.
Departures: L_prior has a weight. Features of a layer without normalisation are small, so that with a weight of 1 the
posterior becomes the prior: samples stay as good, and reconstructions show other things. Reconstructions and samples
count half each, as much as real rows together; the generator does not saturate. Phases draw noise of their own, and
each sees what those before it have learned. Layers are fully connected; the generator's output starts at the training
means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import DataError, ShapeError
from irkit.io.kinds import Examples, Spec
from irkit.learn.adversarial import discriminator_loss, generator_loss
from irkit.learn.data import numbers
from irkit.learn.distributions import gaussian_kl, logit
from irkit.learn.estimate import Estimate, Quantity
from irkit.learn.estimators import reparameterise
from irkit.learn.model import Model
from irkit.learn.net import Net
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now, Phase
from irkit.learn.trainer import TrainerConfig

SLOPE = 0.2
"Of the leaky units below 0."


class VAEGANConfig(Config):
    """Settings of `VAEGAN`."""

    latent_size: int = Field(16, ge=1)
    "Latent dimensions Z."
    hidden_size: int = Field(256, ge=1)
    "Units H of each of the two hidden layers of every network."
    kl_weight: float = Field(0.02, gt=0)
    "Weight of L_prior where the encoder learns; 1 is the paper's. Larger pictures, and wider layers, bear more."
    gamma: float = Field(1.0, ge=0)
    "Weight of L_llike where the generator learns, against that of fooling the discriminator."
    adversarial: bool = True
    "Whether there is a discriminator; without one it is the VAE of the same encoder and generator, without gamma."


def likeness(real: Tensor, made: Tensor) -> Tensor:
    """Return 1/2 |real - made|^2 of each row, L_llike: (B, F) features of two to (B,) nats.

    Examples
    --------
    >>> likeness(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]]))
    tensor([2.5000])
    """
    return 0.5 * (real - made).square().sum(1)


class Norm(nn.BatchNorm1d):
    """Batch normalisation, in training by the moments of the batch, later by the running means of these.

    A batch of one row has no variance: it is normalised by the running means in training too.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, H)."""
        if self.training and len(x) == 1:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        found: Tensor = super().forward(x)
        return found


def layer(inputs: int, units: int, *, norm: bool) -> nn.Sequential:
    """Return a fully connected layer of leaky units, with batch normalisation before them or without."""
    between = [Norm(units)] if norm else []
    return nn.Sequential(nn.Linear(inputs, units), *between, nn.LeakyReLU(SLOPE))


class Encoder(nn.Module):
    """Two layers and two linear heads: (B, D) to mean and log-variance of q(z | x), (B, Z) each."""

    def __init__(self, size: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(layer(size, hidden, norm=True), layer(hidden, hidden, norm=True))
        self.mean, self.log_var = nn.Linear(hidden, latent), nn.Linear(hidden, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        h = self.body(x)
        return self.mean(h), self.log_var(h)


class Generator(nn.Module):
    """Two layers and grey values: (B, Z) to (B, D) in 0..1."""

    def __init__(self, size: int, hidden: int, latent: int) -> None:
        super().__init__()
        body = [layer(latent, hidden, norm=True), layer(hidden, hidden, norm=True)]
        self.body, self.out = nn.Sequential(*body), nn.Linear(hidden, size)

    @torch.no_grad()
    def start(self, bias: Tensor) -> None:
        """Let the output begin at given logits, (D,)."""
        self.out.bias.copy_(bias)

    def forward(self, z: Tensor) -> Tensor:
        """Return the grey values."""
        return torch.sigmoid(self.out(self.body(z)))


class Discriminator(nn.Module):
    """Two layers, without normalisation, and the logit of a row being real."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.features: nn.Module = layer(size, hidden, norm=False)
        "Dis_l: (B, D) to (B, H)."
        self.rest = nn.Sequential(layer(hidden, hidden, norm=False), nn.Linear(hidden, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits: (B, D) to (B,)."""
        found: Tensor = self.rest(self.features(x)).squeeze(1)
        return found


class VAEGANNet(Net):
    """Encoder, generator and, unless it is a plain VAE, discriminator."""

    def __init__(self, size: int, config: VAEGANConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        hidden, latent = config.hidden_size, config.latent_size
        self.encoder, self.generator = Encoder(size, hidden, latent), Generator(size, hidden, latent)
        self.discriminator = Discriminator(size, hidden) if config.adversarial else None

    def start(self, x: Tensor) -> None:
        """Let what is generated begin at the training means."""
        self.generator.start(logit(x.mean(0), floor=5e-3))

    def phases(self) -> list[Phase]:
        """Return the updates of a training step: encoder, generator and discriminator, or one of a VAE."""
        if self.discriminator is None:
            return [Phase("vae", list(self.parameters()), self.encoder_loss)]
        return [
            Phase("encoder", list(self.encoder.parameters()), self.encoder_loss),
            Phase("generator", list(self.generator.parameters()), self.generator_loss),
            Phase("discriminator", list(self.discriminator.parameters()), self.discriminator_loss),
        ]

    # ------------------------------------------------------------------ what is made

    def features(self, x: Tensor) -> Tensor:
        """Return what rows are compared by: Dis_l(x), or without a discriminator the rows themselves."""
        return x if self.discriminator is None else self.discriminator.features(x)

    def logits(self, x: Tensor) -> Tensor:
        """Return the discriminator's logits: (B, D) to (B,)."""
        assert self.discriminator is not None  # a plain VAE has no phase that asks
        found: Tensor = self.discriminator(x)
        return found

    def posterior(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Draw a z of each row: (B, D) to (B, Z)."""
        mean, log_var = self.encoder(x)
        return reparameterise(mean, log_var, rng)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z from the prior and return what it makes: (n, D)."""
        like = self.encoder.mean.weight
        z = torch.empty(n, self.config.latent_size, dtype=like.dtype, device=like.device).normal_(generator=rng)
        found: Tensor = self.generator(z)
        return found

    # ------------------------------------------------------------------ what each network minimises

    def encoder_loss(self, batch: Tensor, now: Now) -> Loss:
        """Return kl_weight L_prior + L_llike, means over the batch."""
        mean, log_var = self.encoder(batch)
        kl = gaussian_kl(mean, log_var).sum(1).mean()
        made = self.generator(reparameterise(mean, log_var, now.rng))
        llike = likeness(self.features(batch), self.features(made)).mean()
        return Loss(self.config.kl_weight * kl + llike, {"kl": kl, "likeness": llike})

    def generator_loss(self, batch: Tensor, now: Now) -> Loss:
        """Return gamma L_llike and how far reconstructions and samples are from passing as real."""
        with torch.no_grad():
            z = self.posterior(batch, now.rng)
        made, drawn = self.generator(z), self.sample(len(batch), now.rng)
        llike = likeness(self.features(batch), self.features(made)).mean()
        fooling = 2 * generator_loss(self.logits(torch.cat([made, drawn])))
        return Loss(self.config.gamma * llike + fooling, {"likeness": llike, "fooling": fooling})

    def discriminator_loss(self, batch: Tensor, now: Now) -> Loss:
        """Return -L_GAN; 2 log 2 of a discriminator that knows nothing."""
        with torch.no_grad():
            made = torch.cat([self.generator(self.posterior(batch, now.rng)), self.sample(len(batch), now.rng)])
        return Loss(2 * discriminator_loss(self.logits(batch), self.logits(made)), {})

    # ------------------------------------------------------------------ what models ask

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior means: (B, Z)."""
        found: Tensor = self.encoder(x)[0]
        return found

    def decode(self, z: Tensor) -> Tensor:
        """Return what the generator makes: (B, Z) to (B, D)."""
        found: Tensor = self.generator(z.to(self.encoder.mean.weight))
        return found

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return what the generator makes of the posterior means."""
        return self.decode(self.encode(x))


class VAEGAN(Model):
    """An autoencoder of rows in 0..1, such as grey pictures, that a discriminator teaches; it has no likelihood."""

    name = "vae-gan"
    config_type = VAEGANConfig
    config: VAEGANConfig
    trainer = TrainerConfig(epochs=3, batch_size=64, optimiser=OptimiserConfig(kind="rmsprop", learning_rate=3e-4))
    abilities = frozenset({"sample", "encode", "decode", "reconstruct"})
    quantities: Mapping[str, Quantity] = {"kl": Quantity("nats")}

    def build(self, spec: Spec) -> VAEGANNet:
        """Return an untrained network."""
        return VAEGANNet(spec.size, self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions Z."""
        found: int = self.config.latent_size
        return found

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tensor:
        """Check rows, before `fit` their kind alone, and return them as a tensor of reals.

        Raises
        ------
        ShapeError
            If they are no rows, or are of another size.
        DataError
            If a value is beyond 0..1, which the generator does not reach.
        """
        found: Any = super().examples(data, soft=soft)
        if found.ndim != 2:
            raise ShapeError(f"vae-gan: rows must have shape (n, D), got {tuple(found.shape)}; flatten each")
        found = found if found.is_floating_point() else found.float()
        wrong = ~((found >= 0) & (found <= 1))
        if bool(wrong.any()):
            row, column = wrong.nonzero()[0].tolist()
            raise DataError(
                f"vae-gan: rows must hold values from 0 to 1, got {float(found[row, column]):g} in row {row}, "
                f"column {column}; scale the data"
            )
        rows: Tensor = found
        return rows

    @torch.no_grad()
    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return KL(q(z | x) || N(0, I)) of each row, (n,) nats: near 0 the encoder tells nothing of it."""
        parts = [gaussian_kl(*self.fitted.encoder(part)).sum(1) for part in self.batches(self.examples(test))]
        return {"kl": Estimate.exact(numbers(torch.cat(parts)))}
