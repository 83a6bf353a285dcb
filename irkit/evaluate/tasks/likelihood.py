"""Density models: the mean test log-likelihood in nats per row, each number with what it is.

A value is exact, a lower bound, or an estimate with a Monte Carlo standard error. Rows of the test part
are what intervals draw and what tests pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError
from irkit.evaluate.board import Measure
from irkit.evaluate.tasks.task import Measured
from irkit.evaluate.tasks.trained import TrainedChoice, TrainedTask

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite
    from irkit.io.kinds import Examples
    from irkit.learn.data import Data
    from irkit.learn.estimate import Estimate

LOG_P = "log p"
"In nats per row; higher is better."

INDEPENDENT = "independent"
"Name of the row of independent bits, on every board."


class Likelihood(TrainedTask):
    """Rows of bits, and models that say how probable they are."""

    kind = "likelihood"

    @property
    def measures(self) -> list[Measure]:
        """The log-likelihood."""
        return [Measure(name=LOG_P, unit="nats")]

    def values(self, model: Any, test: Examples, **arguments: Any) -> Mapping[str, Estimate]:
        """Return the log-likelihood of each row."""
        return {LOG_P: model.log_prob(test, **arguments)}

    def extra(self) -> Iterator[tuple[str, str, Measured]]:
        """Yield independent bits."""
        from irkit.generative.independent import independent_log_prob

        train = self.board.part("train").x
        values = independent_log_prob(train, self.board.part("test").x)
        worth = {LOG_P: {"kind": "exact", "error": 0.0, "ess": None}}
        about = "Independent bits, with add-one frequencies of the training rows."
        means = {LOG_P: float(values.mean())}
        yield INDEPENDENT, about, Measured({LOG_P: values}, means, parameters=train.shape[1], facts={"worth": worth})

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say what a row is."""
        return [f"{LOG_P} is in nats per row of {self.board.spec.size} bits", *super().notes(found)]


class DataChoice(TrainedChoice):
    """Rows of a suite and how grey values become bits."""

    field = "density"
    task = Likelihood
    rows = (INDEPENDENT,)

    @classmethod
    def check_suite(cls, suite: Suite) -> None:
        """Raise `ConfigError` if other measures are asked for."""
        if suite.measures not in ((), (LOG_P,)):
            raise ConfigError(f"measures: density models are measured by {LOG_P} alone; leave them out")

    def examples(self) -> Data:
        """Return the rows."""
        found = super().examples()
        if found.spec.kind != "rows":
            raise ConfigError(f"{self.name}: is of {found.spec.kind}, not of rows; name it under data")
        if self.binarise == "none":
            raise ConfigError(f"{self.name}: binarise: none leaves reals, of which density has no board; use data")
        return found
