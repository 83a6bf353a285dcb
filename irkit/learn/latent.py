"""What models with Gaussian latent variables share: the two parts of the bound, and what is told of them.

    z ~ N(0, I)        ELBO = E_q log p(x | z) - KL(q(z | x) || N(0, I))

Source: Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; Burda, Grosse and Salakhutdinov,
"Importance weighted autoencoders", ICLR 2016, section 5.2 (active units).
Symbols: B batch, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from irkit.arrays import Floats
from irkit.errors import ShapeError
from irkit.learn.distributions import LOG_2PI, gaussian_log_prob
from irkit.learn.estimate import Estimate, Kind, Measure
from irkit.learn.estimators import reparameterise

ACTIVE = 0.01
"Variance over examples of a latent mean above which it counts as active."


class Gaussian(NamedTuple):
    """Gaussians with diagonal covariance."""

    mean: Tensor
    log_var: Tensor

    def rows(self, at: Tensor) -> Gaussian:
        """Return some of them, (n,) numbers."""
        return Gaussian(self.mean[at], self.log_var[at])

    def draw(self, rng: torch.Generator | None) -> Tensor:
        """Draw from each, or without a generator return the means."""
        return self.mean if rng is None else reparameterise(self.mean, self.log_var, rng)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return log N(z): (..., Z) to (...)."""
        return gaussian_log_prob(z, self.mean, self.log_var)


class Bound(NamedTuple):
    """The two parts of the ELBO."""

    reconstruction: Tensor
    "log p(x | z) of one z drawn from q: (B,)."
    kl: Tensor
    "KL(q || p) of each latent dimension: (B, Z)."

    @property
    def elbo(self) -> Tensor:
        """The bound: (B,)."""
        return self.reconstruction - self.kl.sum(1)


def check_points(who: str, z: Any, size: int | None) -> Tensor:
    """Return points of a latent space as a tensor.

    Parameters
    ----------
    who : str
        Whose space it is.
    z : (n, Z) array or tensor
    size : int or None
        Z; None where any will do.

    Raises
    ------
    ShapeError
        If they have another shape, or are not all finite numbers.
    """
    given = z if isinstance(z, Tensor) else np.asarray(z)
    known = isinstance(given, Tensor) or given.dtype.kind in "iuf"
    if not known or given.ndim != 2 or size not in (None, given.shape[1]):
        wanted = "Z" if size is None else size
        raise ShapeError(
            f"{who}: vectors must be numbers of shape (n, {wanted}), got {tuple(given.shape)} of {given.dtype}; give "
            "a row for each"
        )
    found = torch.as_tensor(given)
    if not bool(found.isfinite().all()):
        raise ShapeError(f"{who}: vectors must be finite, got one that is not; leave it out")
    return found


def standard_normal(z: Tensor) -> Tensor:
    """Return log N(z; 0, I): (..., Z) to (...)."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)


def log_weights(
    mean: Tensor,
    log_var: Tensor,
    samples: int,
    rng: torch.Generator,
    *,
    together: int,
    likelihood: Callable[[Tensor, int], Tensor],
) -> Tensor:
    """Return log p(x | z_k) + log N(z_k; 0, I) - log q(z_k | x) of draws from a Gaussian q: (samples, B) float64.

    Parameters
    ----------
    mean, log_var : (B, Z)
        Of q.
    samples : int
    rng : torch.Generator
    together : int
        Most draws of each example that are made at once, 1 or more.
    likelihood : function of z (k B, Z) and k
        log p(x | z), (k B,) nats, of the examples k times over.
    """
    found = []
    for done in range(0, samples, together):
        k = min(together, samples - done)
        m, s = mean.repeat(k, 1), log_var.repeat(k, 1)
        z = reparameterise(m, s, rng)
        log_w = likelihood(z, k) + standard_normal(z) - gaussian_log_prob(z, m, s)
        found.append(log_w.view(k, -1).double())
    return torch.cat(found)


def bound_measures(bounds: Sequence[Bound], means: Floats, kl_kind: Kind = "exact") -> dict[str, Measure]:
    """Return, by one draw of z, what the ELBO is made of, and how many latent dimensions are used.

    Parameters
    ----------
    bounds : sequence of Bound
        Of the test examples, in batches.
    means : (n, Z)
        Posterior means of the same examples.
    kl_kind : {"exact", "estimate"}
        What the KL is.
    """
    whole = Bound(torch.cat([one.reconstruction for one in bounds]), torch.cat([one.kl for one in bounds]))
    kl = float(whole.kl.sum(1).mean())
    active = int((means.var(0) > ACTIVE).sum())
    return {
        "elbo": Measure(Estimate(float(whole.elbo.mean()), math.inf, "lower_bound"), "nats"),
        "reconstruction": Measure(Estimate(float(whole.reconstruction.mean()), math.inf, "estimate"), "nats"),
        "kl": Measure(Estimate(kl, 0.0 if kl_kind == "exact" else math.inf, kl_kind), "nats"),
        "active_units": Measure(Estimate.exact(active), "units"),
    }
