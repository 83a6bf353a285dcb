"""Optimisers and how their rate changes over the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import torch
from pydantic import Field
from torch import nn

from irkit.config import Config

Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


class OptimiserConfig(Config):
    """Settings of one optimiser."""

    kind: Literal["adam", "sgd", "rmsprop"] = "adam"
    "The update rule."
    learning_rate: float = Field(1e-3, gt=0)
    "Step size at the start."
    momentum: float = Field(0.0, ge=0, lt=1)
    "Of SGD and RMSProp."
    betas: tuple[Share, Share] = (0.9, 0.999)
    "Decay of Adam's two moments."
    weight_decay: float = Field(0.0, ge=0)
    "Penalty 1/2 weight_decay |w|^2 on matrices of weights, added to the gradient; biases go free."
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    "How the rate falls over the budget."
    hold: float = Field(0.0, ge=0, lt=1)
    "Share of the budget before the rate begins to fall."
    warmup: float = Field(0.0, ge=0, lt=1)
    "Share of the budget over which the rate first rises from nothing."
    final: float = Field(0.0, ge=0, le=1)
    "Rate at the end, over the rate at the start."
    clip: float | None = Field(None, gt=0)
    "Largest norm of the gradient of all parameters together; None leaves it alone."

    def rate(self, progress: float) -> float:
        """Return the learning rate at a share `progress` of the budget.

        Examples
        --------
        >>> OptimiserConfig(learning_rate=1.0, schedule="linear", hold=0.5).rate(0.75)
        0.5
        """
        if progress < self.warmup:
            return self.learning_rate * progress / self.warmup
        if self.schedule == "constant" or progress <= self.hold:
            return self.learning_rate
        t = (progress - self.hold) / (1 - self.hold)
        left = 1 - t if self.schedule == "linear" else (1 + math.cos(math.pi * t)) / 2
        return self.learning_rate * (self.final + (1 - self.final) * left)

    @property
    def follows_budget(self) -> bool:
        """Whether the rate depends on how much of the budget is used."""
        return self.schedule != "constant" or self.warmup > 0

    def make(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Construct the optimiser of some parameters."""
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        used = [group for group in groups if group["params"]]
        if self.kind == "adam":
            return torch.optim.Adam(used, self.learning_rate, betas=self.betas)
        if self.kind == "sgd":
            return torch.optim.SGD(used, self.learning_rate, momentum=self.momentum)
        return torch.optim.RMSprop(used, self.learning_rate, momentum=self.momentum)


def check_changes(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return changes to the settings of several optimisers as plain values, for a config's field.

    Raises
    ------
    ConfigError
        If one is no setting of an optimiser.
    """
    found = {}
    for name, settings in changes.items():
        found[name] = OptimiserConfig(**settings).model_dump(mode="json", include=set(settings))
    return found
