"""What learned models share: their base, the training loop, likelihoods that say how exact they are, samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.learn.data import Padded as Padded
    from irkit.learn.estimate import Estimate as Estimate
    from irkit.learn.estimate import Quantity as Quantity
    from irkit.learn.model import Model as Model
    from irkit.learn.net import LossNet as LossNet
    from irkit.learn.net import Net as Net
    from irkit.learn.net import ScoreNet as ScoreNet
    from irkit.learn.optimiser import OptimiserConfig as OptimiserConfig
    from irkit.learn.phases import Loss as Loss
    from irkit.learn.phases import Phase as Phase
    from irkit.learn.trainer import TrainerConfig as TrainerConfig
else:
    __getattr__, __dir__, __all__ = door(__name__)
