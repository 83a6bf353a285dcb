"""Adversarial variational Bayes: a variational autoencoder whose posterior is any function of noise.

Source: Mescheder, Nowozin and Geiger, "Adversarial variational Bayes", ICML 2017, sections 2 and 3.

    z ~ N(0, I);  x ~ p(x | z)
    q(z | x):       z = f(x, eps), eps ~ N(0, I), whose density is not known
    contrast        r(z | x) = N(mean(x), sigma(x)^2) with the moments of q, held fixed; or the prior, if it is plain
    adversary       maximises  E_q log sigmoid(T(x, z)) + E_r log(1 - sigmoid(T(x, z))); at its best T* = log q - log r
    primal          maximises  E_q [log p(x | z) - T(x, z) - log r(z | x) + log p(z)], the ELBO where T = T*

T sees (z - mean) / sigma, so that r is N(0, I) to it. The primal's gradient goes through z into T, and leaves T's own
parameters alone; that of T* in the parameters of q is 0 in expectation.

The two encoders are in `irkit.generative.implicit`.

The primal's value is an estimate: where T lags behind T* it may lie above log p(x). The likelihood is bounded by
importance sampling with the Gaussian of q's moments as the proposal, which needs neither T nor the density of q: the
weights p(x, z) / r(z | x), z ~ r, have the mean p(x) whatever r is, so that by Jensen's inequality the log of their
average is at most log p(x) in expectation, and rises to it with the number of draws.

Symbols: B batch, D values, Z latent, K functions of noise, E dimensions of noise, M draws.
Departures: moments are taken over eps drawn once and kept, so that r(z | x) is a function of x alone; T starts at 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError, DataError
from irkit.generative.base import LatentDensity
from irkit.generative.coders import MLPDecoder
from irkit.generative.implicit import Adversary, BasisEncoder, BlackBoxEncoder, Gaussian
from irkit.io.kinds import Examples, Spec
from irkit.learn.adversarial import discriminator_loss
from irkit.learn.data import as_examples, numbers
from irkit.learn.distributions import bernoulli_log_prob, gaussian_log_prob, logit
from irkit.learn.estimate import Estimate, Measure, Quantity, check_draws
from irkit.learn.estimators import sample_bits
from irkit.learn.latent import check_points, log_weights, standard_normal
from irkit.learn.net import Net
from irkit.learn.objectives import log_mean_exp
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now, Phase
from irkit.learn.trainer import TrainerConfig

DECODED = 10_000
"Latent vectors decoded at once."

SCORED = 10
"Draws of the importance-weighted bound that validation looks at."


class AVBConfig(Config):
    """Settings of `AVB`."""

    latent_size: int = Field(8, ge=1)
    "Latent dimensions Z."
    hidden_size: int = Field(500, ge=1)
    "Units of a hidden layer of encoder and decoder."
    encoder: Literal["basis", "black-box"] = "basis"
    "How noise enters: in functions of its own, or beside x."
    basis: int = Field(2, ge=1)
    "Functions of noise K, of the encoder `basis`."
    basis_size: int = Field(64, ge=1)
    "Hidden units of each of them."
    noise_size: int = Field(32, ge=1)
    "Dimensions of the noise E, or of that of each function."
    moment_draws: int = Field(200, ge=2)
    "Draws of noise M that moments are taken over."
    contrast: Literal["adaptive", "plain"] = "adaptive"
    "What q is told from: the Gaussian of its own moments, or the prior."
    adversary_size: int = Field(256, ge=1)
    "Units of each of the adversary's two hidden layers."
    adversary_updates: int = Field(1, ge=1)
    "Updates of the adversary in a step."
    observed: Literal["bits", "one-hot"] = "bits"
    "Independent bits given z, or a single 1 by a softmax."
    loadings: tuple[tuple[float, ...], ...] | None = None
    "Of a decoder that is given: logits are loadings z, (D, Z); None learns a decoder."
    widen: float = Field(1.0, gt=0)
    "Standard deviations of the proposal of importance sampling, over those of q."


class Parts(NamedTuple):
    """What the primal's value is made of, by one z a row: (B,) each."""

    reconstruction: Tensor
    "log p(x | z)."
    kl: Tensor
    "T + log r(z | x) - log p(z), which is log q - log p where T = T*."


class GivenDecoder(nn.Module):
    """Logits that are linear in z, and not learned."""

    loadings: Tensor

    def __init__(self, loadings: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.register_buffer("loadings", torch.tensor(loadings))

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the logits of x: (B, Z) to (B, D)."""
        return z @ self.loadings.T


class AVBNet(Net):
    """Encoder, decoder and adversary; a score is an importance-weighted bound."""

    kind = "lower_bound"

    def __init__(self, size: int, config: AVBConfig) -> None:
        super().__init__()
        self.size, self.config = size, config
        c, widths = config, (size, config.hidden_size, config.latent_size)
        noise = {"noise": c.noise_size, "draws": c.moment_draws}
        self.encoder: Any = (
            BasisEncoder(*widths, basis=c.basis, basis_size=c.basis_size, **noise)
            if c.encoder == "basis"
            else BlackBoxEncoder(*widths, **noise)
        )
        self.decoder: Any = MLPDecoder(*widths) if c.loadings is None else GivenDecoder(c.loadings)
        self.adversary: Any = Adversary(size, c.latent_size, c.adversary_size)

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let the output begin at the training means."""
        if self.config.loadings is None:
            mean = x.mean(0)
            self.decoder.start(logit(mean) if self.config.observed == "bits" else torch.log(mean.clamp_min(1e-3)))

    def likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x | z): (B,)."""
        logits = self.decoder(z, x)
        if self.config.observed == "bits":
            return bernoulli_log_prob(x, logits)
        return (x * log_softmax(logits, -1)).sum(-1)

    def contrast(self, read: Any, z: Tensor) -> Gaussian:
        """Return r for rows that were read, whose z (B, Z) was drawn; without gradients."""
        if self.config.contrast == "adaptive":
            found: Gaussian = self.encoder.moments(read)
            return found
        return Gaussian(torch.zeros_like(z), torch.zeros_like(z))

    # ------------------------------------------------------------------ training

    def parts(self, x: Tensor, rng: torch.Generator) -> Parts:
        """Return the two parts of the primal's value; the contrast has no gradient."""
        read = self.encoder.read(x)
        z = self.encoder.draw(read, rng)
        r = self.contrast(read, z)
        (t,) = self.adversary(x, r.standardised(z))
        kl = t + gaussian_log_prob(z, *r) - standard_normal(z)
        return Parts(self.likelihood(x, z), kl)

    def primal_loss(self, batch: Tensor, now: Now) -> Loss:
        """Return minus the primal's mean value."""
        reconstruction, kl = (part.mean() for part in self.parts(batch, now.rng))
        return Loss(kl - reconstruction, {"reconstruction": -reconstruction, "kl": kl})

    def adversary_loss(self, batch: Tensor, now: Now) -> Loss:
        """Return the cross-entropy by which T tells q from r."""
        with torch.no_grad():
            read = self.encoder.read(batch)
            z = self.encoder.draw(read, now.rng)
            of_q = self.contrast(read, z).standardised(z)
            of_r = torch.empty_like(z).normal_(generator=now.rng)
        of_q, of_r = self.adversary(batch, of_q, of_r)
        return Loss(discriminator_loss(of_q, of_r), {})

    def phases(self) -> list[Phase]:
        """Return the updates of a step: the adversary first, so that it knows the q that the primal then improves."""
        primal = [*self.encoder.parameters(), *self.decoder.parameters()]
        updates = self.config.adversary_updates
        return [
            Phase("adversary", list(self.adversary.parameters()), self.adversary_loss, repeats=updates),
            Phase("primal", primal, self.primal_loss),
        ]

    # ------------------------------------------------------------------ use

    def log_weights(self, x: Tensor, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(x, z_k) - log r(z_k | x) of `samples` draws from r: (samples, B) float64.

        r is the Gaussian of the moments of q, its standard deviations times `widen`, whatever the contrast.
        """
        mean, log_var = self.encoder.moments(self.encoder.read(x))
        log_var = log_var + 2 * math.log(self.config.widen)
        together = max(1, DECODED // len(x))
        return log_weights(
            mean, log_var, samples, rng, together=together, likelihood=lambda z, k: self.likelihood(x.repeat(k, 1), z)
        )

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the importance-weighted bound by 10 draws: (B,)."""
        return log_mean_exp(self.log_weights(x, SCORED, rng)).value

    def infer(self, x: Tensor, samples: int, rng: torch.Generator) -> Tensor:
        """Draw z from q(z | x): (samples, B, Z)."""
        found: Tensor = self.encoder.draw(self.encoder.read(x.repeat(samples, 1)), rng)
        return found.view(samples, len(x), -1)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z from the prior and x given z."""
        like = self.encoder.probe
        logits = self.decoder(like.new_empty(n, self.config.latent_size).normal_(generator=rng), None)
        if self.config.observed == "bits":
            return sample_bits(logits, rng)
        which = torch.multinomial(torch.softmax(logits, 1), 1, generator=rng) if n else logits.new_empty(0, 1).long()
        return torch.zeros_like(logits).scatter_(1, which, 1.0)

    def encode(self, x: Tensor) -> Tensor:
        """Return the means of q: (B, Z)."""
        found: Tensor = self.encoder.moments(self.encoder.read(x)).mean
        return found

    def decode(self, z: Tensor) -> Tensor:
        """Return the means of p(x | z): (B, D)."""
        logits = self.decoder(z.to(self.encoder.probe), None)
        return torch.sigmoid(logits) if self.config.observed == "bits" else torch.softmax(logits, 1)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the means of p(x | z) at the means of q."""
        return self.decode(self.encode(x))


class AVB(LatentDensity):
    """A variational autoencoder with an implicit posterior; its likelihood is a lower bound by importance sampling."""

    name = "avb"
    config_type = AVBConfig
    config: AVBConfig
    trainer = TrainerConfig(
        epochs=20,
        batch_size=128,
        optimiser=OptimiserConfig(learning_rate=1.5e-3, betas=(0.5, 0.999), schedule="linear", hold=0.3, final=0.05),
        optimisers={"adversary": {"learning_rate": 2e-3}},
    )

    def build(self, spec: Spec) -> AVBNet:
        """Return an untrained network."""
        given, latent = self.config.loadings, self.config.latent_size
        if given is not None and [len(row) for row in given] != [latent] * spec.size:
            got = " and ".join(map(str, sorted({len(row) for row in given}))) or "no"
            raise ConfigError(
                f"avb: loadings must be {spec.size} rows of {latent} numbers, got {len(given)} of {got}; correct them"
            )
        return AVBNet(spec.size, self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions Z."""
        return self.config.latent_size

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tensor:
        """Check rows, as `Density` does, and that each has a single 1 if it is to be one-hot."""
        part = as_examples(data)
        found = super().examples(part, soft=soft)
        if self.config.observed == "one-hot":
            if part.dynamic:
                raise ConfigError(
                    "avb: of bits drawn one by one not just one is 1; drop dynamic, or set observed to bits"
                )
            wrong = found.sum(1) != 1
            if bool(wrong.any()):
                row = int(wrong.nonzero()[0])
                raise DataError(
                    f"avb: rows must hold a single 1, got a sum of {float(found[row].sum()):g} in row {row}; "
                    "set observed to bits"
                )
        return found

    @torch.no_grad()
    def likelihood(self, data: Examples | Floats | Tensor, z: Floats) -> Floats:
        """Return log p(x | z) of n rows and G points (G, Z): (n, G) nats."""
        x, points = (one.to(self.place) for one in (self.examples(data), check_points(self.name, z, self.latent_size)))
        return numbers(torch.stack([self.fitted.likelihood(one.expand(len(points), -1), points) for one in x]))

    @torch.no_grad()
    def infer(self, data: Examples | Floats | Tensor, samples: int, *, seed: int = 1) -> Floats:
        """Draw z from q(z | x) of n rows: (samples, n, Z)."""
        x = self.examples(data).to(self.place)
        return numbers(self.fitted.infer(x, check_draws(self.name, "samples", samples), self.generator(seed)))

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """The importance-weighted bound, and what training maximises, which is no bound."""
        return {"log p": Quantity("nats"), "training estimate": Quantity("nats")}

    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return the bound on log p and, by one draw of z, the primal's value of each row: (n,) nats each.

        The latter may lie above log p, so that it is an estimate; its error does not tell how far T is from T*.
        """
        found = numbers(torch.cat([part.reconstruction - part.kl for part in self._parts(test)]))
        estimate = Estimate.by_one_draw(found, "estimate")
        return {"log p": self.log_prob(test, **arguments), "training estimate": estimate}

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return the bound on log p and, by one draw of z, the primal's value and what it is made of."""
        whole = [torch.cat(part) for part in zip(*self._parts(test), strict=True)]
        named = {"training estimate": whole[0] - whole[1], "reconstruction": whole[0], "kl": whole[1]}
        estimates = {
            name: Measure(Estimate(float(one.mean()), math.inf, "estimate"), "nats") for name, one in named.items()
        }
        return {"log p": Measure(self.log_prob(test, **arguments).mean(), "nats")} | estimates

    @torch.no_grad()
    def _parts(self, test: Examples | Floats | Tensor) -> list[Parts]:
        """Return the parts of the primal's value by one draw of z, batch after batch."""
        rng = self.generator(1)
        return [self.fitted.parts(part, rng) for part in self.batches(self.examples(test))]
