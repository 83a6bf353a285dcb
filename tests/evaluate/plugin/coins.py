"""A kind of task that irkit does not have: guess how often a coin falls heads; the error is the measure."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from irkit.config import digest
from irkit.evaluate import Measured, Task, TaskChoice
from irkit.evaluate.board import Measure, Size
from irkit.rng import generator


@dataclass(frozen=True)
class Guess:
    """What is fitted: the share of heads, pulled to one half by pseudo-throws."""

    about: str = "A smoothed share."
    pseudo: float = 1.0
    stages: ClassVar = ()

    hash = property(lambda self: digest(self.pseudo))
    yaml = staticmethod(lambda: "")


class CoinChoice(TaskChoice):
    """Coins of a suite."""

    field = "coins"
    throws: int = 50

    @classmethod
    def recipe(cls, choice):
        return Guess(pseudo=float(choice.settings.get("pseudo", 1.0)))

    def load(self, suite, options):
        bias = generator(7, "coins").random(40)
        return Coins(suite, self, bias, generator(7, self.name).random((self.throws, 40)) < bias)


@dataclass(frozen=True, eq=False)
class Coins(Task):
    """Forty coins of unknown bias, and some throws of each."""

    choice: CoinChoice
    bias: np.ndarray
    thrown: np.ndarray
    kind, timed = "coins", "coin"
    name = property(lambda self: self.choice.name)
    data_hash = property(lambda self: digest(self.thrown.tolist()))
    sizes = property(lambda self: [Size(number=40, one="coin", many="coins")])
    measures = property(lambda self: [Measure(name="error", lower=True, unit="share")])

    def fit(self, trial):
        pseudo = trial.system.recipe.pseudo
        return (self.thrown.sum(axis=0) + pseudo) / (len(self.thrown) + 2 * pseudo)

    def measure(self, fitted, trial):
        error = np.abs(fitted - self.bias)
        return Measured({"error": error}, {"error": float(error.mean())})
