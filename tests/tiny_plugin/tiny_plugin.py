"""A package of somebody else: a stage, a model and a kind of task."""

import numpy as np
import torch

from irkit.config import Config
from irkit.evaluate import Measured, Task, TaskChoice
from irkit.evaluate.board import Measure, Size
from irkit.generative.base import Density
from irkit.learn import ScoreNet
from irkit.learn.distributions import bernoulli_log_prob
from irkit.pipeline import Stage
from irkit.testing import toy_results


class TailConfig(Config):
    k: int = 1


class Tail(Stage):
    name, config_type = "tiny-tail", TailConfig

    def run(self, flow):
        return flow.rescored(-flow.score).cut(self.config.k)


class BitsNet(ScoreNet):
    def __init__(self, size):
        super().__init__()
        self.size, self.logits = size, torch.nn.Parameter(torch.zeros(size))

    def score(self, x, rng):
        return bernoulli_log_prob(x, self.logits)


class Bits(Density):
    name, abilities = "tiny-bits", frozenset({"log_prob", "score"})

    def build(self, spec):
        return BitsNet(spec.size)


class LengthChoice(TaskChoice):
    field = "lengths"

    def load(self, suite, options):
        return Lengths(suite)


class Lengths(Task):
    name, kind, timed, data_hash = "toy", "lengths", "query", "0"
    sizes, measures = [Size(number=4, one="query", many="queries")], [Measure(name="results")]

    def fit(self, trial):
        return trial.recipe.build()

    def measure(self, fitted, trial):
        found = np.diff(fitted.run(toy_results()).ptr) * 1.0
        return Measured({"results": found}, {"results": found.mean()})
