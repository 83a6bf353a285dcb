"""How near a model's q(z | x) comes to its posterior, where two latent dimensions let that be known: on a grid.

    p(z | x) proportional to N(z; 0, I) p(x | z), the model's own likelihood, at the middles of small squares
    mean        | E_q z - E_p z |, Euclidean
    variance    largest absolute difference between the entries of both covariance matrices
    kl          of histograms, sum over cells of q log(q / p); cells of .5 x .5, those at the rim with all beyond

q is known by its draws alone. The data state a likelihood, softmax of loadings z, by which the controls are made.
Source: after the toy of Mescheder, Nowozin and Geiger, "Adversarial variational Bayes", ICML 2017, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.special import log_softmax, softmax

from irkit.arrays import Floats
from irkit.errors import AbilityError, ConfigError
from irkit.learn.data import Data
from irkit.learn.estimate import Quantity
from irkit.learn.judges.judge import Control, Judge
from irkit.learn.model import Model
from irkit.rng import generator

DRAWS = 20_000
"Draws of q for each point."

REACH, STEP = 6.0, 0.05
"The grid spans -REACH to REACH, in squares of side STEP."

EDGES = np.linspace(-4.0, 4.0, 17)
"Of the cells, along each axis."


@runtime_checkable
class Infers(Protocol):
    """A model whose likelihood of x given z is known, and that draws z given x."""

    def likelihood(self, data: Any, z: Floats) -> Floats:
        """Return log p(x | z) of n examples and G points (G, Z): (n, G) nats."""

    def infer(self, data: Any, samples: int, *, seed: int = 1) -> Floats:
        """Draw z from q(z | x): (samples, n, Z)."""


class Posterior(Judge):
    """Judges what models with two latent dimensions and a known likelihood infer."""

    name = "posterior"
    one = "point"
    needs = ("encode", "decode")
    quantities = {  # noqa: RUF012
        "histogram kl": Quantity("nats", lower=True),
        "mean error": Quantity(lower=True),
        "variance error": Quantity(lower=True),
    }

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        try:
            self.loadings = np.array(data.details["loadings"].split(), dtype=np.float64).reshape(data.spec.size, 2)
            if not np.isfinite(self.loadings).all():
                raise ValueError
        except (KeyError, ValueError):
            raise ConfigError(
                f"posterior: the likelihood of {data.name} is not known; its details need `loadings`, two numbers for "
                "each value of an example"
            ) from None
        if data.spec.kind != "rows" or not len(data.part("test")):
            got = f"{len(data.part('test'))} of {data.spec}"
            raise ConfigError(f"posterior: rows to test on are needed, got {got} in {data.name}; judge other data")

    @property
    def size(self) -> int:
        """How many test points there are."""
        return len(self.data.part("test"))

    def check(self, model: Model, quantities: Sequence[str] = ()) -> None:
        """Raise `AbilityError` unless a model has two latent dimensions, a likelihood, and draws of its posterior."""
        super().check(model, quantities)
        if not isinstance(model, Infers):
            raise AbilityError(
                f"posterior: judges models that say how likely x is given z, and draw z given x, which {model.name} "
                "does not; choose another"
            )
        if model.latent_size != 2:
            raise AbilityError(
                f"posterior: judges models of 2 latent dimensions, got {model.latent_size} of {model.name}; set "
                "latent_size to 2"
            )

    def values(self, model: Any, *, seed: int) -> Mapping[str, Floats]:
        """Return how far the draws for each test point are from the posterior of the model's own likelihood."""
        test = self.data.part("test")
        drawn = model.infer(test, DRAWS, seed=seed)
        return compared(drawn.swapaxes(0, 1), posterior(model.likelihood(test, grid())))

    def controls(self) -> Iterator[Control]:
        """Yield the posterior's own draws, and those of the Gaussian with its moments."""
        truth = self.truth()
        rng = generator(0, "posterior")
        z = grid()
        own = np.stack(
            [z[rng.choice(len(z), DRAWS, p=one)] + rng.uniform(-0.5, 0.5, (DRAWS, 2)) * STEP for one in truth]
        )
        about = "Draws of the posterior itself, on the grid."
        yield Control("posterior", about, compared(own, truth))
        normal = np.stack([rng.multivariate_normal(*moments(one), DRAWS) for one in truth])
        about = "Draws of the Gaussian that has the posterior's own mean and covariance."
        yield Control("gaussian", about, compared(normal, truth))

    def truth(self) -> Floats:
        """Return the posterior of each test point by the likelihood that the data state: (n, G)."""
        log_p = log_softmax(grid() @ self.loadings.T, axis=1)  # (G, D)
        return posterior(np.asarray(self.data.part("test").x, dtype=np.float64) @ log_p.T)

    @property
    def facts(self) -> tuple[str, ...]:
        """Say how is compared."""
        return (
            f"the posterior is known on a grid of {len(grid()):,} squares of side {STEP:g}, q by {DRAWS:,} draws for "
            "each point; histogram kl is over cells of .5 x .5",
        )


def grid() -> Floats:
    """Return the middles of the squares: (G, 2)."""
    axis = np.arange(-REACH + STEP / 2, REACH, STEP)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


def posterior(log_likelihood: Floats) -> Floats:
    """Return p(z | x) of points, given log p(x | z) on the grid: (n, G) to (n, G), rows that sum to 1."""
    found: Floats = softmax(log_likelihood - 0.5 * np.square(grid()).sum(1), axis=1)
    return found


def moments(p: Floats) -> tuple[Floats, Floats]:
    """Return mean (2,) and covariance (2, 2) of a distribution on the grid, (G,)."""
    z = grid()
    mean = p @ z
    return mean, (z * p[:, None]).T @ z - np.outer(mean, mean)


def cells(z: Floats, weights: Floats | None = None) -> Floats:
    """Return the share of points (n, 2) in each cell: (16, 16)."""
    inside = np.clip(z, EDGES[0], np.nextafter(EDGES[-1], 0))
    counts = np.histogram2d(inside[:, 0], inside[:, 1], bins=(EDGES, EDGES), weights=weights)[0]
    found: Floats = counts / counts.sum()
    return found


def compared(drawn: Floats, truth: Floats) -> dict[str, Floats]:
    """Compare draws with distributions on the grid.

    Parameters
    ----------
    drawn : (n, S, 2)
    truth : (n, G)

    Returns
    -------
    dict of (n,) float64
    """
    found: dict[str, list[float]] = {"histogram kl": [], "mean error": [], "variance error": []}
    for q, p in zip(drawn, truth, strict=True):
        mean, covariance = moments(p)
        found["mean error"].append(float(np.linalg.norm(q.mean(0) - mean)))
        found["variance error"].append(float(np.abs(np.cov(q.T) - covariance).max()))
        q_cells, p_cells = cells(q), cells(grid(), p)
        used = q_cells > 0
        found["histogram kl"].append(float((q_cells[used] * np.log(q_cells[used] / p_cells[used])).sum()))
    return {name: np.array(each) for name, each in found.items()}
