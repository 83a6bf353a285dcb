"""A training that dies within a step, as a killed process does: nothing is written after its last checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from irkit.learn import Model, TrainerConfig
from irkit.learn.data import Data


class Died(BaseException):
    """Nobody catches it."""


def fit_and_die(model: Model, data: Data, trainer: TrainerConfig, folder: Path, step: int) -> None:
    """Train up to the last phase of a step and die there."""

    class Dying(type(model)):
        def begin(self, *given):
            net = super().begin(*given)
            *phases, last = net.phases()

            def loss(batch, now):
                if now.step == step:
                    raise Died
                return last.loss(batch, now)

            net.phases = lambda: [*phases, replace(last, loss=loss)]
            return net

    with pytest.raises(Died):
        Dying(model.config).fit(data, trainer=trainer, folder=folder)


def check_that_it_survives(model: Model, data: Data, trainer: TrainerConfig, folder: Path, step: int) -> Model:
    """Check that a run which died goes on to the same bits as one that did not; return the model."""
    whole = model.fit(data, trainer=trainer)
    fit_and_die(model, data, trainer, folder, step)
    resumed = model.fit(data, trainer=trainer, folder=folder, resume=True)
    assert resumed.training.steps == whole.training.steps > step
    for name, weights in whole.net.state_dict().items():
        assert torch.equal(weights, resumed.net.state_dict()[name]), name
    return resumed
