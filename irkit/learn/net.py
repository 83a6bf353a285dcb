"""The torch modules of models: what a training step updates, by a loss, by a score, or in several phases.

A `Net` names the phases of a step. Most have one: a `LossNet` gives its loss, a `ScoreNet` a score of each
example that training makes as high as it can. What a model declares that it can do is asked of its net by
these names, whose batches are what `irkit.learn.data.batch` makes of some examples:

    score(batch, rng) -> (B,)             log-likelihoods, or what else validation should look at
    sample(n, rng) -> (n, ...)            examples drawn, or a `Padded` of them
    encode(batch) -> (B, d)               a vector for each example
    decode(z) -> (B, ...)                 the means of examples, given their vectors (B, d)
    reconstruct(batch) -> like the batch  what the model makes of examples
    predict(batch) -> (B, ...)            what it says of them
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from irkit.learn.estimate import Kind
from irkit.learn.phases import Loss, Now, Phase


class Net(nn.Module, ABC):
    """Base of the torch modules."""

    kind: ClassVar[Kind] = "exact"
    "What a score is, as a log-likelihood."

    def start(self, x: Any) -> None:
        """Set initial weights that depend on the training examples, such as output biases.

        Parameters
        ----------
        x : (N, ...) tensor on the net's device, or Examples where a batch is more than a tensor
        """

    @abstractmethod
    def phases(self) -> list[Phase]:
        """Return the updates of a training step."""


class LossNet(Net):
    """A net that is trained in one phase."""

    @property
    def follows_budget(self) -> bool:
        """Whether the loss changes with `now.progress`."""
        return False

    @property
    def shares(self) -> bool:
        """Whether the loss is that of `now.mine`, so that processes may share a batch; see `Phase.shares`."""
        return False

    @abstractmethod
    def loss(self, batch: Any, now: Now) -> Loss:
        """Return what training minimises."""

    def phases(self) -> list[Phase]:
        """Return the updates of a training step: one, of all parameters."""
        parameters = list(self.parameters())
        return [Phase("net", parameters, self.loss, follows_budget=self.follows_budget, shares=self.shares)]


class ScoreNet(LossNet):
    """A net that is trained and validated by a score of each example."""

    @abstractmethod
    def score(self, batch: Any, rng: torch.Generator) -> Tensor:
        """Return the log-likelihood of each example, or a bound or estimate of it: (B,) nats."""

    def loss(self, batch: Any, now: Now) -> Loss:
        """Return minus the mean score."""
        return Loss(-self.score(batch, now.rng).mean(), {})
