"""What learned models share: their base, the training loop, likelihoods that say how exact they are, samplers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.learn.data import Padded as Padded
    from irkit.learn.estimate import Estimate as Estimate
    from irkit.learn.model import Model as Model
    from irkit.learn.net import LossNet as LossNet
    from irkit.learn.net import Net as Net
    from irkit.learn.net import ScoreNet as ScoreNet
    from irkit.learn.optimiser import OptimiserConfig as OptimiserConfig
    from irkit.learn.phases import Loss as Loss
    from irkit.learn.phases import Phase as Phase
    from irkit.learn.trainer import TrainerConfig as TrainerConfig

# Imported when first used: torch takes seconds.
_DOOR = {
    "Estimate": "estimate",
    "Loss": "phases",
    "LossNet": "net",
    "Model": "model",
    "Net": "net",
    "OptimiserConfig": "optimiser",
    "Padded": "data",
    "Phase": "phases",
    "ScoreNet": "net",
    "TrainerConfig": "trainer",
}

__all__ = [*_DOOR]


def __getattr__(name: str) -> object:
    if name in _DOOR:
        return getattr(importlib.import_module(f"irkit.learn.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'irkit.learn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
