"""What density models share: rows of bits or reals, checked, the baseline of independent bits, and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from irkit.arrays import Floats
from irkit.errors import ConfigError, DataError, ShapeError
from irkit.generative.independent import INDEPENDENT, independent_log_prob
from irkit.io.kinds import Examples
from irkit.learn.data import as_examples, numbers
from irkit.learn.estimate import Estimate, Kind, Measure, Quantity, check_draws
from irkit.learn.latent import Bound, bound_measures
from irkit.learn.model import Model
from irkit.learn.objectives import importance_weighted

TOGETHER = 100
"Examples whose importance weights are computed at once."


def check_dynamic(who: str, part: Examples, bits: bool) -> None:
    """Raise `ConfigError` if bits would be drawn of examples that are not of bits, or not of independent ones."""
    if part.dynamic and not bits:
        raise ConfigError(f"{who}: a model of reals has no bits to sample; drop dynamic")


class Density(Model):
    """Base of the density models of rows (n, D): `log_prob` says whether it is exact, a bound or an estimate."""

    abilities = frozenset({"log_prob", "score", "sample"})

    @property
    def bits(self) -> bool:
        """Whether rows are bits, not reals."""
        return True

    @property
    def size(self) -> int:
        """Values in a row, D."""
        return int(self.fitted.size)

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return the mean log p of test rows under independent bits, in nats; for bits alone."""
        if not self.bits:
            return {}
        return {"log p": {INDEPENDENT: float(independent_log_prob(train.x, test.x).mean())}}

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tensor:
        """Check rows and return them as a tensor of reals.

        Parameters
        ----------
        data : rows (n, D)
            Bits; reals if the model is of reals; probabilities of bits if the rows are dynamic.
        soft : bool
            Whether probabilities will do for bits.
        """
        part = as_examples(data)
        if part.kind not in self.takes:
            raise ShapeError(f"{self.name}: learns from rows, got {part.spec}; give it rows")
        check_dynamic(self.name, part, self.bits)
        return self._checked(part.x, soft or part.dynamic)

    def _checked(self, x: Any, soft: bool) -> Tensor:
        found = x if isinstance(x, Tensor) else torch.from_numpy(np.require(x, requirements=["C", "W"]))
        found = found if found.is_floating_point() else found.float()
        size = None if self.net is None else self.size
        if found.ndim != 2 or 0 in found.shape or (size is not None and found.shape[1] != size):
            wanted = "(n, D)" if size is None else f"(n, {size})"
            raise ShapeError(f"{self.name}: rows must have shape {wanted}, got {tuple(found.shape)}")
        if not self.bits:
            wrong = ~found.isfinite()
            what, todo = "finite numbers", "scale or clean the data"
        elif soft:
            wrong = ~((found >= 0) & (found <= 1))
            what, todo = "probabilities from 0 to 1", "scale the data"
        else:
            wrong = (found != 0) & (found != 1)
            what, todo = "0 and 1", "binarise the data, or fit with dynamic=True"
        if bool(wrong.any()):
            row, column = wrong.nonzero()[0].tolist()
            raise DataError(
                f"{self.name}: rows must hold {what}, got {float(found[row, column]):g} in row {row}, "
                f"column {column}; {todo}"
            )
        return found


class Bounded(Model):
    """Base of models with Gaussian latent variables; the net has the parts of a `bound`, and `log_weights`."""

    abilities = frozenset({"log_prob", "score", "sample", "encode", "reconstruct"})

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor, *, samples: int = 100, seed: int = 1) -> Estimate:
        """Return the importance-weighted bound on log p(x) of each row: (n,) nats.

        Parameters
        ----------
        data : examples or rows (n, D)
        samples : int
            K; the bound rises to log p(x) with it.
        seed : int
        """
        rows, rng = self.examples(data), self.generator(seed)
        samples = check_draws(self.name, "samples", samples)
        parts = self.batches(rows, TOGETHER)
        return importance_weighted(self.fitted.log_weights(part, samples, rng) for part in parts)

    @property
    def kl_kind(self) -> Kind:
        """What the KL of one draw of z is: exact where each posterior is of x alone, not of z drawn before it."""
        return "exact"

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """The importance-weighted bound, and the ELBO, which is looser."""
        return {"log p": Quantity("nats"), "elbo": Quantity("nats")}

    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return both bounds for each row, (n,) nats each; the ELBO by one draw of z, its error at most its spread."""
        elbo = numbers(torch.cat([bound.elbo for bound in self._bounds(test)]))
        return {"log p": self.log_prob(test, **arguments), "elbo": Estimate.by_one_draw(elbo, "lower_bound")}

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return the bound on log p and, by one draw of z, what the ELBO is made of; also how many z are used."""
        log_p = Measure(self.log_prob(test, **arguments).mean(), "nats")
        return {"log p": log_p} | bound_measures(self._bounds(test), self.encode(test), self.kl_kind)

    @torch.no_grad()
    def _bounds(self, test: Examples | Floats | Tensor) -> list[Bound]:
        """Return the parts of the ELBO by one draw of z, batch after batch."""
        rng = self.generator(1)
        return [self.fitted.bound(part, rng) for part in self.batches(self.examples(test))]


class LatentDensity(Bounded, Density):
    """Base of density models with Gaussian latent variables, prior N(0, I)."""

    abilities = Bounded.abilities | {"decode"}
