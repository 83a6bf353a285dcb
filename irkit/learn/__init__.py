"""What learned models share: the training loop, checkpoints, likelihoods that say how exact they are, samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.learn.estimate import Estimate as Estimate
    from irkit.learn.optimiser import OptimiserConfig as OptimiserConfig
    from irkit.learn.trainer import DivergedError as DivergedError
    from irkit.learn.trainer import TrainerConfig as TrainerConfig
else:
    __getattr__, __dir__, __all__ = door(__name__)
