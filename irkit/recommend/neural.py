"""Small networks as recommenders: what those that are trained by gradient steps share.

Weights are tensors by name and the models functions of them; torch is imported when one learns. Training is
that of every learned model: `irkit.learn.trainer.train`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.learn.devices import Device
from irkit.recommend.base import Recommender, RecommenderConfig
from irkit.recommend.table import RatingTable
from irkit.rng import Seed

if TYPE_CHECKING:
    from torch import Tensor

    from irkit.learn.batches import Drawn, Source
    from irkit.learn.phases import Now, Phase
    from irkit.learn.trainer import TrainerConfig, Training, Validate

Weights: TypeAlias = "dict[str, Tensor]"

Arrays: TypeAlias = dict[str, Floats]
"Weights as numpy arrays."


class NeuralConfig(RecommenderConfig):
    """Settings of every network."""

    epochs: int = Field(60, ge=1)
    "Passes over the ratings; with held-out ratings, at most."
    learning_rate: float = Field(1e-3, gt=0)
    "Of Adam."
    patience: int = Field(10, ge=1)
    "Epochs without a better held-out error before learning stops."
    device: Device = "auto"
    "Where it is trained: auto, cpu, cuda (or one of several, such as cuda:1) or mps."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves torch's setting."
    processes: int = Field(1, ge=1)
    "Processes that share each batch, on CUDA one a GPU; those on the CPU share the threads of one."
    seed: Seed = 1
    "Seed of start and order."

    def trainer(self, batch_size: int, average: float, clip: float | None) -> TrainerConfig:
        """Return the settings of the training."""
        from irkit.learn.optimiser import OptimiserConfig
        from irkit.learn.trainer import TrainerConfig

        return TrainerConfig(
            epochs=self.epochs,
            batch_size=batch_size,
            optimiser=OptimiserConfig(learning_rate=self.learning_rate, clip=clip),
            average=average,
            patience=self.patience,
            seed=self.seed,
            device=self.device,
            threads=self.threads,
            processes=self.processes,
        )

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the training does."""
        free = {"epochs", "patience", "device", "threads", "processes", "n", "seen"}
        return self.model_dump(mode="json", exclude=free)


class Network(Recommender):
    """Base of the networks; a subclass calls `descend` in `learn`."""

    config: Any
    steadier: ClassVar[str] = "or divide the ratings if large"
    "What else helps where training does not stay finite."
    training: Training | None = None
    "What came of `fit`; a saved model does not have it."
    losses_: list[float]
    "Sum of the losses of each epoch."
    errors_: list[float]
    "Held-out error after each epoch."
    _folder: Path | None = None
    _resume: bool = False

    def fit(
        self,
        train: RatingTable,
        valid: RatingTable | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Return a copy fitted on ratings.

        Parameters
        ----------
        train, valid : RatingTable
            As `Recommender.fit`.
        folder : path, optional
            For metrics and the checkpoint of the training.
        resume : bool
            Go on from the folder's checkpoint, if there is one.

        Raises
        ------
        FrameError, OutOfMemoryError
            As `Recommender.fit`.
        DivergedError
            If training does not stay finite.
        ConfigError
            If the folder holds another run.
        AbilityError
            If there are to be several processes, and the model's batches cannot be shared among them.
        IrkitError
            If another process of the training fails or is killed.
        """
        from irkit.learn.processes import together

        run = copy(self)
        run._folder, run._resume = None if folder is None else Path(folder), resume
        processes = getattr(self.config, "processes", 1)  # models of several phases have no such setting
        with together(processes, partial(self.fit, train, valid, folder=folder, resume=resume)):
            fitted = super(Network, run).fit(train, valid)
        del fitted._folder, fitted._resume
        return fitted

    def descend(
        self,
        start: Arrays,
        loss: Callable[[Weights, Any], Tensor],
        source: Drawn,
        *,
        keep: Callable[[Arrays], None],
        batch_size: int,
        average: float = 0.0,
        clip: float | None = None,
        fixed: Collection[str] = (),
        share: Callable[[Any, slice], Any] | None = None,
    ) -> None:
        """Train, and keep the weights with the least held-out error, or the last.

        Parameters
        ----------
        start : dict of arrays
        loss : (weights, batch) -> scalar
            On the device of the weights.
        source : Drawn
        keep : (arrays) -> None
            Puts weights where the model predicts from: before each held-out error, and last the final ones.
        batch_size : int
        average : float, in [0, 1)
            The weights kept are means that reach back over about this share of all steps so far; 0 keeps
            the last ones.
        clip : float, optional
            Largest norm of a step's gradient.
        fixed : names
            Weights that stay as they are.
        share : (batch, rows) -> batch, optional
            Cuts a batch for processes that share it, where the losses of such parts add up to that of the whole.
        """
        from irkit.learn.conditions import conditions
        from irkit.learn.estimate import Estimate
        from irkit.learn.phases import Loss, Phase
        from irkit.learn.processes import current

        trainer = self.config.trainer(batch_size, average, clip)
        device = current().device(trainer.device)
        net = parameters(start, fixed).to(device)
        weights: Weights = dict(net.items())
        moving = [values for values in net.values() if values.requires_grad]
        error = self.held_out_error(self.held_out)

        def validate() -> Estimate:
            assert error is not None
            keep(arrays(weights))
            return Estimate.exact(-error())

        def of_now(batch: Any, now: Now) -> Loss:
            return Loss(loss(weights, batch if share is None else share(batch, now.mine)), {})

        phase = Phase(self.name, moving, of_now, shares=share is not None)
        with conditions(device, trainer.threads, trainer.seed):
            self.train_net(net, [phase], source, trainer, validate if error else None)
            keep(arrays(weights))
        rows = self.training.rows if self.training else []
        self.losses_ = [len(source) * row["value"] for row in rows if row["metric"] == "loss"]
        self.errors_ = [-row["value"] for row in rows if row["metric"] == "score"]

    def train_net(
        self,
        net: Any,
        phases: Sequence[Phase],
        source: Source,
        trainer: TrainerConfig,
        validate: Validate | None,
        rates: Sequence[str] = ("learning_rate",),
    ) -> None:
        """Train a net on its device, in the folder that `fit` was given; parameters are those of `train`.

        `rates` are the settings to lower where it does not stay finite.
        """
        from irkit.learn.diverged import lowering
        from irkit.learn.trainer import train

        with lowering(self.name, self.config, rates, self.steadier):
            self.training = train(
                net,
                phases,
                source,
                trainer,
                validate=validate,
                validation_data=self.valid_fingerprint,
                settings={"model": self.name, "config": self.config.identity()},
                folder=self._folder,
                resume=self._resume,
            )


def parameters(start: Arrays, fixed: Collection[str] = ()) -> Any:
    """Copy arrays to a torch module of float32 parameters; those not fixed get gradients."""
    import torch

    net = torch.nn.ParameterDict()
    for name, values in start.items():  # one at a time: a dict given whole is sorted
        tensor = torch.tensor(values, dtype=torch.float32)
        net[name] = torch.nn.Parameter(tensor, requires_grad=name not in fixed)
    return net


def arrays(weights: Weights) -> Arrays:
    """Copy weights to numpy arrays."""
    return {name: values.detach().cpu().numpy().copy() for name, values in weights.items()}


def beside(x: Tensor, values: Floats | Ints | Bools) -> Tensor:
    """Return an array as a tensor on the device of `x`, reals in its type."""
    import torch

    from irkit.learn.conditions import sent

    found = torch.from_numpy(values)
    return sent(found.to(x.dtype) if found.is_floating_point() else found, x.device)


def glorot(rng: np.random.Generator, inputs: int, outputs: int, *shape: int) -> Floats:
    """Draw weights uniformly from +-sqrt(6 / (inputs + outputs)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """
    bound = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
