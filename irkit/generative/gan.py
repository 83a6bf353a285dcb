"""GAN: a generator that learns to deceive a discriminator, which learns to tell its points from real ones.

Source: Goodfellow et al., "Generative adversarial nets", NIPS 2014, section 3, algorithm 1. The losses are in
`irkit.learn.adversarial`.

    z ~ N(0, I),  x = G(z)
    k times:  D lowers  -1/2 E log D(x) - 1/2 E log(1 - D(G(z)))
    once:     G lowers  -1/2 E log D(G(z))         `non-saturating`
                     or  1/2 E log(1 - D(G(z)))    `minimax`

There is no density: p(x) cannot be asked for, and no x can be traced back to its z. What it draws is measured by a
judge, such as the number of known modes that it reaches. Neither loss says how good the samples are, as each is
relative to the other player: where the game stands even, that of D is log 2.

Symbols: B batch, D values of a row, Z latent dimensions, k discriminator steps.
Departures: ReLU in both networks (the paper has maxout and dropout in D), Adam with betas .5 and .999 (Radford, Metz
and Chintala, ICLR 2016) in place of momentum.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config, Sizes
from irkit.errors import DataError, ShapeError
from irkit.generative.base import check_dynamic
from irkit.io.kinds import Examples, Spec
from irkit.learn.adversarial import GeneratorLoss, discriminator_loss, generator_loss
from irkit.learn.data import as_examples
from irkit.learn.model import Model
from irkit.learn.net import Net
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now, Phase
from irkit.learn.trainer import TrainerConfig

Output = Literal["linear", "sigmoid"]


class GANConfig(Config):
    """Settings of `GAN`."""

    latent_size: int = Field(2, ge=1)
    "Latent dimensions Z."
    hidden_sizes: Sizes = (128, 128)
    "Units of the hidden layers of both networks, from their inputs on."
    output: Output = "linear"
    "What the generator ends in: linear for reals, sigmoid for values from 0 to 1 such as grey levels."
    loss: GeneratorLoss = "non-saturating"
    "What the generator lowers."
    discriminator_steps: int = Field(1, ge=1)
    "Updates of the discriminator before each of the generator, k."
    smoothing: float = Field(0.0, ge=0, lt=0.5)
    "Share of each real example that counts as made, for the discriminator; 0 is the paper's loss."


def layers(sizes: tuple[int, ...]) -> nn.Sequential:
    """Return linear layers of the given sizes with ReLU between them."""
    found: list[nn.Module] = []
    for below, own in pairwise(sizes):
        found += [nn.Linear(below, own), nn.ReLU()]
    return nn.Sequential(*found[:-1])


class GANNet(Net):
    """Generator and discriminator."""

    def __init__(self, size: int, config: GANConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        self.generator = layers((config.latent_size, *config.hidden_sizes, size))
        if config.output == "sigmoid":
            self.generator.append(nn.Sigmoid())
        self.discriminator = layers((size, *config.hidden_sizes, 1))

    def logits(self, x: Tensor) -> Tensor:
        """Return the discriminator's log-odds that rows (B, D) are real: (B,)."""
        found: Tensor = self.discriminator(x).squeeze(1)
        return found

    def loss_discriminator(self, batch: Tensor, now: Now) -> Loss:
        """Return the loss on real and as many made rows; its parts are the shares of each that it tells."""
        with torch.no_grad():
            fake = self.sample(len(batch), now.rng)
        real, made = self.logits(batch), self.logits(fake)
        parts = {"real": (real > 0).to(real.dtype).mean(), "made": (made <= 0).to(made.dtype).mean()}
        return Loss(discriminator_loss(real, made, self.config.smoothing), parts)

    def loss_generator(self, batch: Tensor, now: Now) -> Loss:
        """Return the generator's loss on as many made rows as there are in a batch."""
        return Loss(generator_loss(self.logits(self.sample(len(batch), now.rng)), self.config.loss), {})

    def phases(self) -> list[Phase]:
        """Return the updates of a step: the discriminator's, then the generator's."""
        told = list(self.discriminator.parameters())
        made = list(self.generator.parameters())
        return [
            Phase("discriminator", told, self.loss_discriminator, repeats=self.config.discriminator_steps),
            Phase("generator", made, self.loss_generator),
        ]

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z from the prior, and make x of it: (n, D)."""
        weight = next(self.generator.parameters())
        z = torch.empty(n, self.config.latent_size, dtype=weight.dtype, device=weight.device).normal_(generator=rng)
        return self.decode(z)

    def decode(self, z: Tensor) -> Tensor:
        """Return G(z): (B, Z) to (B, D)."""
        found: Tensor = self.generator(z)
        return found


class GAN(Model):
    """A generative adversarial net of rows of reals: it draws, and gives no likelihood."""

    name = "gan"
    config_type = GANConfig
    config: GANConfig
    abilities = frozenset({"sample", "decode"})
    bits = False
    "Rows are reals: bits are told from what a generator makes at once."
    trainer = TrainerConfig(
        epochs=50, batch_size=100, optimiser=OptimiserConfig(learning_rate=2e-4, betas=(0.5, 0.999))
    )

    def build(self, spec: Spec) -> GANNet:
        """Return untrained networks."""
        return GANNet(spec.size, self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions Z."""
        return self.config.latent_size

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tensor:
        """Check rows, for values that the generator could make, and return them as a tensor of reals.

        Raises
        ------
        ShapeError
            If they are no rows, or are of another size.
        ConfigError
            If they are dynamic, probabilities of bits.
        DataError
            If a value is not finite, or for a sigmoid not from 0 to 1.
        """
        part = as_examples(data)
        check_dynamic(self.name, part, bits=False)
        found = super().examples(part, soft=soft)
        assert isinstance(found, Tensor)
        if found.ndim != 2:
            raise ShapeError(f"{self.name}: rows must have shape (n, D), got {tuple(found.shape)}; flatten each")
        found = found if found.is_floating_point() else found.float()
        wrong, what, todo = ~found.isfinite(), "finite numbers", "scale or clean the data"
        if self.config.output == "sigmoid":
            wrong, what = ~((found >= 0) & (found <= 1)), "numbers from 0 to 1"
            todo = "scale the data, or set output: linear"
        if bool(wrong.any()):
            row, column = wrong.nonzero()[0].tolist()
            got = f"{float(found[row, column]):g} in row {row}, column {column}"
            raise DataError(f"{self.name}: rows must hold {what}, got {got}; {todo}")
        return found
