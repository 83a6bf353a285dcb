"""The Neural Statistician: a vector c for a whole set, by which its elements are generated.

Source: Edwards and Storkey, "Towards a Neural Statistician", ICLR 2017, sections 3 and 4.

    c             ~ N(0, I)                                              once a set
    z_L           ~ p(z_L | c)                                           for each element
    z_l           ~ p(z_l | z_l+1, c)           l = L-1 ... 1
    x             ~ p(x | z_1 ... z_L, c)       bits, or reals with a mean and a variance of their own
    q(c | D)      = N(mean(v), exp(log_var(v)))   v the mean of h(x) over the elements of D
    q(z_l | .)    = a Gaussian of h(x), z_l+1 and c
    ELBO(D)       = E_q sum over x of [log p(x | z, c) - sum over l of KL(q(z_l | .) || p(z_l | .))]
                    - KL(q(c | D) || N(0, I))   <= log p(D)

The importance-weighted bound draws c K times, and for each c the z of each element K times: given c elements are
independent, so the product of their mean weights has the mean p(D | c).

    w_k           = p(c_k) / q(c_k | D) * product over x of mean over m of p(x, z_km | c_k) / q(z_km | x, c_k)
    log p(D)      >= E log mean over k of w_k

Symbols: D a set; B sets of T elements at most, N elements in all of them, of D values each, C dimensions of c, Z of
each of the L layers, H hidden units.
Departures: elements of all sets lie one below the other in the net, so that nothing pads them. The likelihood may have
a weight above 1 that falls to 1 in a line, where the authors let it fall by a factor in each pass and divide the KL
terms by it: reals are then explained ever more exactly, so that it must reach 1 long before training ends. The output
begins at the training means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError, DataError, ShapeError
from irkit.generative.base import LatentDensity, check_dynamic
from irkit.generative.elements import Bits, Elements, GaussianMLP, Reals, convolutions, mlp
from irkit.generative.independent import INDEPENDENT, independent_log_prob
from irkit.io.kinds import Examples, Sets, Spec
from irkit.learn.data import Padded, as_examples
from irkit.learn.distributions import gaussian_kl
from irkit.learn.estimate import Estimate, Kind, Measure, Quantity
from irkit.learn.latent import Bound, Gaussian, standard_normal
from irkit.learn.model import Model
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import log_mean_exp
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.trainer import TrainerConfig


class NeuralStatisticianConfig(Config):
    """Settings of `NeuralStatistician`."""

    context_size: int = Field(8, ge=1)
    "Dimensions C of the vector of a set."
    latent_size: int = Field(8, ge=1)
    "Latent dimensions Z of an element in each layer."
    layers: int = Field(1, ge=0)
    "Layers L of latent vectors of an element; with 0 elements depend on c alone."
    hidden_size: int = Field(128, ge=1)
    "Units H of all hidden layers."
    hidden_layers: int = Field(2, ge=1)
    "Hidden layers of each network."
    encoder: Literal["mlp", "conv"] = "mlp"
    "What sees an element; conv has three convolutions of stride 2, for pictures."
    shape: tuple[int, int] | None = None
    "Rows and columns of a picture, for conv."
    observed: Literal["bits", "reals"] = "reals"
    "What elements are vectors of."
    likelihood_weight: float = Field(1.0, ge=1)
    "Weight of the likelihood where training starts; it falls in a line to 1."
    likelihood_over: float = Field(0.5, gt=0, le=1)
    "Share of the budget after which that weight is 1."


class Latents(NamedTuple):
    """The latent vectors of N elements, and the Gaussians that they were drawn from; all layers side by side."""

    z: Tensor
    "(N, L Z)"
    q: Gaussian
    p: Gaussian


class Seen(NamedTuple):
    """What is seen of B sets: their elements, features of them (N, H), and q(c | D)."""

    elements: Elements
    h: Tensor
    q: Gaussian


class NeuralStatisticianNet(ScoreNet):
    """The statistic network, and inference and generation of the elements."""

    kind = "lower_bound"

    def __init__(self, spec: Spec, config: NeuralStatisticianConfig) -> None:
        super().__init__()
        self.size, self.longest, self.config = spec.size, spec.longest or 1, config
        hidden, context, latent, layers = config.hidden_size, config.context_size, config.latent_size, config.layers
        depth = config.hidden_layers
        if config.encoder == "mlp":
            self.encoder: Any = nn.Sequential(*mlp(self.size, hidden, depth))
        else:
            self.encoder = convolutions(self._shape(), hidden)
        self.statistic: Any = GaussianMLP(hidden, context, hidden, depth)
        given = [context + latent * (layer > 0) for layer in range(layers)]  # z_L, the first, has none above it
        self.priors: Any = nn.ModuleList(GaussianMLP(one, latent, hidden, depth) for one in given)
        self.posteriors: Any = nn.ModuleList(GaussianMLP(hidden + one, latent, hidden, depth) for one in given)
        self.decoder: Any = nn.Sequential(*mlp(layers * latent + context, hidden, depth))
        self.observed: Any = (Bits if config.observed == "bits" else Reals)(hidden, self.size)

    def _shape(self) -> tuple[int, int]:
        shape = self.config.shape
        if shape is None or shape[0] * shape[1] != self.size:
            got = "none" if shape is None else f"{shape[0]} x {shape[1]}"
            raise ConfigError(
                f"neural-statistician: conv needs the rows and columns of pictures of {self.size} pixels, got {got}; "
                "set shape"
            )
        return shape

    @property
    def follows_budget(self) -> bool:
        """Whether the weight of the likelihood falls."""
        return self.config.likelihood_weight > 1

    @torch.no_grad()
    def start(self, x: Sets) -> None:
        """Let the output begin at the training means, and for reals at their variances."""
        self.observed.start(torch.as_tensor(x.x.values).to(next(self.parameters())))

    # ------------------------------------------------------------------ inference

    def see(self, sets: Padded) -> Seen:
        """Look at all elements of sets and infer q(c | D), (B, C)."""
        elements = Elements.of(sets, next(self.parameters()))
        h = self.encoder(elements.x)
        return Seen(elements, h, self.statistic(elements.mean(h)))

    def infer(self, seen: Seen, c: Tensor, rng: torch.Generator | None) -> Latents:
        """Draw z_L to z_1 of all elements, each given those above it and c (B, C); their means without a generator."""
        owner = seen.elements.owner
        own, above = c[owner], c.new_zeros(len(owner), 0)
        z, q, p = [above], [Gaussian(above, above)], [Gaussian(above, above)]
        for layer, (prior, posterior) in enumerate(zip(self.priors, self.posteriors, strict=True)):
            p.append(prior(above, own) if layer else prior(c).rows(owner))  # that of z_L is one for a whole set
            q.append(posterior(seen.h, above, own))
            above = q[-1].draw(rng)
            z.append(above)
        return Latents(torch.cat(z, 1), _beside(q), _beside(p))

    def generate(self, c: Tensor, rng: torch.Generator) -> Tensor:
        """Draw z_L to z_1 of elements from the priors, given the c of each one's set (N, C): (N, L Z)."""
        above = c.new_zeros(len(c), 0)
        z = [above]
        for prior in self.priors:
            above = prior(above, c).draw(rng)
            z.append(above)
        return torch.cat(z, 1)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Return what the distribution of elements depends on, given z (N, L Z) and the c of each one's set: (N, H)."""
        found: Tensor = self.decoder(torch.cat([z, c], 1))
        return found

    def likelihood(self, elements: Elements, z: Tensor, c: Tensor) -> Tensor:
        """Return log p(x | z, c) of each element, c (B, C): (N,)."""
        found: Tensor = self.observed.log_prob(elements.x, self.decode(z, c[elements.owner]))
        return found

    # ------------------------------------------------------------------ what training and models ask

    def bound(self, sets: Padded, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO of each set with one c and one z an element: (B,), (B, C + L Z)."""
        seen = self.see(sets)
        c = seen.q.draw(rng)
        z, q, p = self.infer(seen, c, rng)
        each = seen.elements.sum(gaussian_kl(*q, *p))
        log_p = seen.elements.sum(self.likelihood(seen.elements, z, c))
        return Bound(log_p, torch.cat([gaussian_kl(*seen.q), each], 1))

    def score(self, sets: Padded, rng: torch.Generator) -> Tensor:
        """Return the ELBO of each set: (B,)."""
        return self.bound(sets, rng).elbo

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return minus the ELBO in nats per element, the likelihood weighted as configured."""
        bound, n = self.bound(batch, now.rng), batch.lengths.sum()
        left = max(0.0, 1 - now.progress / self.config.likelihood_over)
        weight = 1 + (self.config.likelihood_weight - 1) * left
        reconstruction, context = -bound.reconstruction.sum() / n, bound.kl[:, : self.config.context_size].sum() / n
        kl = bound.kl.sum() / n
        return Loss(weight * reconstruction + kl, {"reconstruction": reconstruction, "kl": kl, "kl_context": context})

    def log_weights(self, sets: Padded, samples: int, rng: torch.Generator) -> Tensor:
        """Return log w_k of `samples` draws of c, with as many z of each element for each: (samples, B) float64."""
        seen, found = self.see(sets), []
        for _ in range(samples):
            c = seen.q.draw(rng)
            each = []
            for _ in range(samples if self.config.layers else 1):
                z, q, p = self.infer(seen, c, rng)
                each.append((self.likelihood(seen.elements, z, c) + p.log_prob(z) - q.log_prob(z)).double())
            elements = log_mean_exp(torch.stack(each)).value
            found.append((standard_normal(c) - seen.q.log_prob(c)).double() + seen.elements.sum(elements))
        return torch.stack(found)

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw c from the prior, and for each as many elements as the largest set of training has."""
        like = next(self.parameters())
        c = torch.empty(n, self.config.context_size, dtype=like.dtype, device=like.device).normal_(generator=rng)
        own = c.repeat_interleave(self.longest, 0)
        x = self.observed.sample(self.decode(self.generate(own, rng), own), rng)
        return Padded(x.view(n, self.longest, self.size), torch.full((n,), self.longest, device=like.device))

    def posterior(self, sets: Padded) -> Gaussian:
        """Return mean and log-variance of q(c | D): (B, C) each."""
        return self.see(sets).q

    def encode(self, sets: Padded) -> Tensor:
        """Return the means of q(c | D): (B, C)."""
        return self.posterior(sets).mean

    def reconstruct(self, sets: Padded) -> Padded:
        """Return the means of p(x | z, c) at the posterior means."""
        seen = self.see(sets)
        c = seen.q.mean
        means = self.observed.mean(self.decode(self.infer(seen, c, None).z, c[seen.elements.owner]))
        x = means.new_zeros(sets.x.shape).flatten(0, 1).index_copy(0, sets.cells, means)
        return Padded(x.view(sets.x.shape), sets.lengths, sets.sizes)


def _beside(layers: list[Gaussian]) -> Gaussian:
    """Put the Gaussians of all layers side by side."""
    return Gaussian(torch.cat([one.mean for one in layers], 1), torch.cat([one.log_var for one in layers], 1))


class NeuralStatistician(LatentDensity):
    """A vector for each set by which its elements are generated; the likelihood of a set is a lower bound."""

    name = "neural-statistician"
    config_type = NeuralStatisticianConfig
    config: NeuralStatisticianConfig
    takes = frozenset({"sets"})
    abilities = frozenset({"log_prob", "score", "sample", "encode", "reconstruct"})
    trainer = TrainerConfig(
        epochs=10, batch_size=16, optimiser=OptimiserConfig(learning_rate=1e-3, schedule="cosine", clip=5)
    )

    def build(self, spec: Spec) -> NeuralStatisticianNet:
        """Return an untrained network."""
        if len(spec.shape) != 1:
            raise ShapeError(f"neural-statistician: elements must be vectors, got shape {spec.shape}; flatten them")
        return NeuralStatisticianNet(spec, self.config)

    @property
    def bits(self) -> bool:
        """Whether elements are bits."""
        return self.config.observed == "bits"

    @property
    def latent_size(self) -> int:
        """Dimensions C of the vector of a set."""
        return self.config.context_size

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Any:
        """Check sets: none of them is empty, and they are of bits, or of finite numbers."""
        part = as_examples(data)
        check_dynamic(self.name, part, self.bits)
        found = Model.examples(self, part, soft=soft)
        empty = np.flatnonzero(part.x.lengths == 0)
        if len(empty):
            raise DataError(f"{self.name}: a set needs an element or more, got none in set {empty[0]}; leave it out")
        self._checked(part.x.values, soft or part.dynamic)
        return found

    @torch.no_grad()
    def posteriors(self, data: Examples | Floats | Tensor) -> tuple[Floats, Floats]:
        """Return means and variances of q(c | D) of each set: (n, C) float32 each."""
        parts = [self.fitted.posterior(part) for part in self.batches(self.examples(data, soft=True))]
        mean, log_var = (torch.cat(part).float() for part in zip(*parts, strict=True))
        return mean.cpu().numpy(), log_var.exp().cpu().numpy()

    def log_prob(self, data: Examples | Floats | Tensor, *, samples: int = 10, seed: int = 1) -> Estimate:
        """Return the importance-weighted bound on log p(D) of each set: (n,) nats.

        Parameters
        ----------
        data : sets
        samples : int
            K draws of c, and for each as many z of each element; the bound rises to log p(D) with it.
        seed : int
        """
        return super().log_prob(data, samples=samples, seed=seed)

    @property
    def kl_kind(self) -> Kind:
        """An estimate where elements have latent vectors, whose Gaussians depend on the c that was drawn."""
        return "estimate" if self.config.layers else "exact"

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """Both bounds for a set, and the ELBO over the number of its elements."""
        return {**super().quantities, "elbo per element": Quantity("nats")}

    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return both bounds for each set, (n,) nats each, and the ELBO over the number of its elements."""
        found = super().values(test, **arguments)
        elbo, n = found["elbo"], as_examples(test).x.lengths
        return {**found, "elbo per element": Estimate(elbo.value / n, elbo.stderr / n, "lower_bound")}

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return what `LatentDensity` does of sets, the ELBO over the number of elements, and the KL of c of a set."""
        found, bounds = super().measures(test, **arguments), self._bounds(test)
        elbo, context = (
            torch.cat(part).double().cpu().numpy()
            for part in zip(*((one.elbo, one.kl[:, : self.latent_size].sum(1)) for one in bounds), strict=True)
        )
        each = float((elbo / as_examples(test).x.lengths).mean())
        return {
            **found,
            "elbo per element": Measure(Estimate(each, np.inf, "lower_bound"), "nats"),
            "kl of c": Measure(Estimate.exact(float(context.mean())), "nats"),
        }

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return the mean log p of test sets under independent bits, in nats a set; for bits alone."""
        if not self.bits:
            return {}
        each = independent_log_prob(train.x.values, test.x.values).sum() / len(test)
        return {"log p": {INDEPENDENT: float(each)}}
