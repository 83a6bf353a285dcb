"""What a judge is: it measures fitted models that have no likelihood, or beside it, and states its controls.

A judge is made for a data set. Whatever it needs to know, such as a classifier, it learns from the training part once,
with a seed of its own, so that all models have the same judge. What it gives has a value for each batch of samples,
each test example, caption or episode: what intervals draw and what tests pair.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from irkit.arrays import Floats
from irkit.errors import AbilityError, DataError
from irkit.learn.abilities import Ability
from irkit.learn.data import Data
from irkit.learn.estimate import Estimate, Measure, Quantity
from irkit.learn.model import Model
from irkit.rng import MOST


class Control(NamedTuple):
    """Something that stands beside models to be compared with, such as real data."""

    name: str
    about: str
    "What it is, in a sentence."
    values: Mapping[str, Floats]
    "As `Judge.values`."


class Judge(ABC):
    """Base of the judges.

    Parameters
    ----------
    data : Data
        What models are trained and judged on.

    Raises
    ------
    ConfigError
        If the data is not of the kind that is judged.
    """

    name: ClassVar[str] = ""
    one: ClassVar[str]
    "What one value is of, such as `batch` or `caption`."
    needs: ClassVar[tuple[Ability, ...]] = ("sample",)
    "What models must be able to do."
    beside: ClassVar[tuple[str, ...]] = ()
    "Names of its controls, in their order."
    asks: ClassVar[Mapping[str, Ability]] = {}
    "What else for single quantities, by name; a model that does not has no values of them."

    def __init__(self, data: Data) -> None:
        self.data = data

    @property
    @abstractmethod
    def quantities(self) -> Mapping[str, Quantity]:
        """What is measured, the figure that matters most first."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many values a model has of each."""

    @abstractmethod
    def values(self, model: Model, *, seed: int) -> Mapping[str, Floats]:
        """Return the values of every quantity, but those that `asks` too much of a fitted model: (size,) each.

        Parameters
        ----------
        model : Model
        seed : int
            Of what the model draws.
        """

    @property
    def many(self) -> str:
        """What several values are of, such as `batches`."""
        return f"{self.one}es" if self.one.endswith("ch") else f"{self.one}s"

    def controls(self) -> Iterator[Control]:
        """Yield what stands beside models on every board."""
        return iter(())

    @property
    def facts(self) -> Sequence[str]:
        """What a reader should know of how it judges, in sentences."""
        return ()

    def check(self, model: Model, quantities: Sequence[str] = ()) -> None:
        """Raise `AbilityError` unless a model can do what is asked of it, for some quantities too."""
        lacking = next((one for one in self.needs if not model.can(one)), None)
        if lacking is not None:
            raise AbilityError(
                f"{self.name}: judges models that {lacking}, which {model.name} does not; choose another"
            )
        beyond = next((one for one in quantities if one in self.asks and not model.can(self.asks[one])), None)
        if beyond is not None:
            raise AbilityError(
                f"{self.name}: {beyond} is of models that {self.asks[beyond]}, which {model.name} does not; choose "
                "other measures"
            )

    def judged(self, model: Model, *, seed: int) -> Mapping[str, Floats]:
        """Return `values` of a fitted model.

        Raises
        ------
        AbilityError
            If it cannot do what is asked.
        DataError
            If a value is not finite.
        """
        self.check(model)
        found = self.values(model, seed=seed)
        wrong = next((name for name, one in found.items() if not np.isfinite(one).all()), None)
        if wrong is not None:
            raise DataError(
                f"{self.name}: values must be finite, got one of {wrong} for {model.name} that is not; train it "
                "otherwise, or judge other data"
            )
        return found

    def measures(self, model: Model, *, seed: int) -> dict[str, Measure]:
        """Return the mean of each quantity for a fitted model; its error is that of a mean of so many values."""
        found = self.judged(model, seed=seed)
        known = {name: one.unit for name, one in self.quantities.items() if name in found}
        return {name: Measure(_mean(found[name]), unit) for name, unit in known.items()}


def _mean(values: Floats) -> Estimate:
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return Estimate(float(values.mean()), error, "estimate")


def batch_seed(seed: int, batch: int, batches: int) -> int:
    """Return the seed of a batch of samples, another for each batch of each seed; those of the largest go on from 0.

    Examples
    --------
    >>> batch_seed(1, 2, 10), batch_seed(2**64 - 1, 9, 10)
    (12, 18446744073709551615)
    """
    return (seed * batches + batch) % (MOST + 1)


def need_posteriors(who: str, model: Model) -> None:
    """Raise `AbilityError` unless a model gives means and variances of posteriors of sets, as `posteriors`."""
    if not hasattr(model, "posteriors") or "sets" not in model.takes:
        raise AbilityError(
            f"{who}: judges models that give posteriors of sets, which {model.name} does not; choose another"
        )
