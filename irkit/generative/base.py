"""What every density model shares: fitting, log-probabilities that say what they are, samples, files.

A model is a `Density`, thin and with numpy arrays on the outside, around a `Net`, its torch module.
`fit` returns a fitted copy, so one configured model can be fitted to several data sets.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import CompositionError, ConfigError, DataError, NotFittedError, ShapeError
from irkit.learn import checkpoint
from irkit.learn.batches import Rows, fingerprint, resample
from irkit.learn.conditions import choose_device, conditions
from irkit.learn.estimate import Estimate, Kind
from irkit.learn.memory import enough_memory, smaller
from irkit.learn.phases import Loss, Now, Phase
from irkit.learn.trainer import TrainerConfig, Training, train
from irkit.rng import check_seed

ROWS = 500
"Rows evaluated at once."


class Net(nn.Module):
    """Base of the torch modules; `score` is what they are trained and validated by."""

    kind: ClassVar[Kind] = "exact"
    "What a score is, as a log-likelihood."

    @property
    def follows_budget(self) -> bool:
        """Whether the loss changes with `now.progress`."""
        return False

    def start(self, x: Tensor) -> None:
        """Set initial weights that depend on the training rows (N, D), such as output biases."""

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the log-likelihood of each row, or a bound or estimate of it: (B,) nats."""
        raise CompositionError(f"{type(self).__name__}: does not implement score")

    def loss(self, batch: Tensor, now: Now) -> Loss:
        """Return minus the mean score."""
        return Loss(-self.score(batch, now.rng).mean(), {})

    def phases(self) -> list[Phase]:
        """Return the updates of a training step; one unless overridden."""
        return [Phase("net", list(self.parameters()), self.loss, follows_budget=self.follows_budget)]

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw n rows: (n, D)."""
        raise CompositionError(f"{type(self).__name__}: does not implement sample")


class Density:
    """Base of the density models.

    A subclass implements `build`, `log_prob` where the score is not exact, and `hidden` where it has a
    representation of rows to offer.
    """

    name: ClassVar[str] = ""
    config_type: ClassVar[type[Config]] = Config
    trainer: ClassVar[TrainerConfig] = TrainerConfig()
    "How it is trained unless told otherwise."
    config: Any
    net: Any = None
    "The torch module, once fitted or loaded."
    training: Training | None = None
    "What came of `fit`."

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.config_type()

    def build(self, size: int) -> Net:
        """Return an untrained network for rows of `size` values."""
        raise CompositionError(f"{type(self).__name__}: does not implement build")

    def begin(self, x: Tensor, trainer: TrainerConfig) -> Net:
        """Return the network that training starts from."""
        net = self.build(x.shape[1]).to(x.device)
        net.start(x)
        return net

    @property
    def bits(self) -> bool:
        """Whether rows are bits, not reals."""
        return True

    @property
    def fitted(self) -> Any:
        """The network; an error before `fit`."""
        if self.net is None:
            raise NotFittedError(f"{self.name}: is not fitted; call fit(train) or load(path) first")
        return self.net

    def fit(
        self,
        train_rows: Floats | Tensor,
        valid_rows: Floats | Tensor | None = None,
        *,
        trainer: TrainerConfig | None = None,
        dynamic: bool = False,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
        started: Callable[[], None] | None = None,
    ) -> Self:
        """Return a copy fitted to rows.

        Parameters
        ----------
        train_rows : (N, D)
            Bits; reals if the model is of reals; probabilities of bits with `dynamic`.
        valid_rows : (M, D), optional
            With them the weights with the best validation score are kept.
        trainer : TrainerConfig, optional
            Default the model's `trainer`.
        dynamic : bool
            Sample the bits anew in each batch.
        folder : path, optional
            For metrics and the checkpoint of the run.
        resume : bool
            Go on from the folder's checkpoint, if there is one.
        started : () -> None, optional
            Called once everything is checked, before the first step.

        Raises
        ------
        ShapeError
            If rows are not a matrix, or validation rows have another width.
        DataError
            If values are not what the model is of.
        DivergedError
            If training does not stay finite.
        OutOfMemoryError
            If it does not fit into memory.
        """
        config = trainer or self.trainer
        device = choose_device(config.device)
        if dynamic and not self.bits:
            raise ConfigError(f"{self.name}: a model of reals has no bits to sample; drop dynamic")
        with enough_memory(self.name, smaller(["batch_size", *self.config_type.model_fields])):
            return self._fit(train_rows, valid_rows, config, device, dynamic, folder, resume, started)

    def _fit(
        self,
        train_rows: Floats | Tensor,
        valid_rows: Floats | Tensor | None,
        config: TrainerConfig,
        device: torch.device,
        dynamic: bool,
        folder: str | os.PathLike[str] | None,
        resume: bool,
        started: Callable[[], None] | None,
    ) -> Self:
        x = self.rows(train_rows, probabilities=dynamic).to(device, torch.get_default_dtype())
        fitted = copy(self)
        with conditions(device, config.threads, config.seed):
            fitted.net = self.begin(x, config).to(device)
        validate, identity = None, None
        if valid_rows is not None:
            valid = self.rows(valid_rows, x.shape[1])
            identity = fingerprint(valid)
            validate = lambda: fitted.validation(valid, config.seed)  # noqa: E731
        source = Rows(x, config.batch_size, seed=config.seed, draw=resample if dynamic else None)
        run = None if folder is None else Path(folder)
        fitted.training = train(
            fitted.net,
            fitted.net.phases(),
            source,
            config,
            validate=validate,
            validation_data=identity,
            folder=run,
            resume=resume,
            started=started,
        )
        return fitted

    @torch.no_grad()
    def validation(self, x: Tensor, seed: int) -> Estimate:
        """Return the mean score of rows with one fixed stream of noise.

        The error of a score that is not exact is bounded by its spread over rows, which includes theirs.
        """
        rng = self.generator(seed)
        scores = torch.cat([self.fitted.score(part, rng) for part in self.batches(x)]).double()
        if self.fitted.kind == "exact":
            return Estimate.exact(float(scores.mean()))
        spread = float(scores.std()) / math.sqrt(len(scores)) if len(scores) > 1 else math.inf
        return Estimate(float(scores.mean()), spread, self.fitted.kind)

    @torch.no_grad()
    def log_prob(self, x: Floats | Tensor) -> Estimate:
        """Return log p(x) of each row of x (n, D), in nats."""
        rows = self.rows(x, self.size)
        rng = self.generator(0)
        return Estimate.exact(numbers(torch.cat([self.fitted.score(part, rng) for part in self.batches(rows)])))

    @torch.no_grad()
    def sample(self, n: int, *, seed: int = 1) -> Floats:
        """Draw rows: (n, D) float32."""
        return self.fitted.sample(n, self.generator(seed)).float().cpu().numpy()

    @torch.no_grad()
    def transform(self, x: Floats | Tensor) -> Floats:
        """Return the hidden representation of each row of x (n, D): (n, d) float32.

        Raises
        ------
        ConfigError
            If the model has none that is usual.
        """
        rows = self.rows(x, self.size, probabilities=self.bits)
        return torch.cat([self.hidden(part) for part in self.batches(rows)]).float().cpu().numpy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write config and weights to one file, atomically and without code."""
        net = self.fitted
        tree = {"config": self.config.given(), "size": self.size, "net": dict(net.state_dict())}
        checkpoint.save(path, self.name, tree)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model back, onto the CPU.

        Raises
        ------
        NotFoundError, DataError
            If there is no such file, it is damaged or of another model, or a weight is not finite.
        """
        tree = checkpoint.load(path, cls.name)
        try:
            model = cls(cls.config_type(**tree["config"]))
            model.net = model.build(tree["size"])
            model.net.to(next(iter(tree["net"].values())).dtype)
            model.net.load_state_dict(tree["net"])
        except (KeyError, TypeError, RuntimeError, StopIteration, ConfigError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: does not fit the model {cls.name!r} ({reason[:200]}); train it again") from None
        weights = model.net.state_dict().items()
        wrong = next((name for name, values in weights if not bool(values.isfinite().all())), None)
        if wrong is not None:
            raise DataError(
                f"{path}: the weights {wrong!r} are not all finite; train it again, perhaps with a lower rate"
            )
        model.net.eval()
        return model

    # ------------------------------------------------------------------ for subclasses

    def hidden(self, x: Tensor) -> Tensor:
        """Return what `transform` gives of some rows (B, D); models that have it implement it."""
        raise ConfigError(f"{self.name}: has no hidden representation; choose another model to transform with")

    @property
    def size(self) -> int:
        """Values in a row, D."""
        return int(self.fitted.size)

    @property
    def place(self) -> Tensor:
        """A parameter, for its device and type."""
        return next(self.fitted.parameters())

    def generator(self, seed: int) -> torch.Generator:
        """Return a generator on the network's device."""
        return torch.Generator(self.place.device).manual_seed(check_seed(seed))

    def batches(self, x: Tensor, rows: int = ROWS) -> Iterator[Tensor]:
        """Cut rows into parts, on the device and in the type of the network."""
        for at in range(0, len(x), rows):
            yield x[at : at + rows].to(self.place)

    def rows(self, x: Floats | Tensor, size: int | None = None, *, probabilities: bool = False) -> Tensor:
        """Check rows and return them as a tensor of reals."""
        found = x if isinstance(x, Tensor) else torch.from_numpy(np.require(x, requirements=["C", "W"]))
        found = found if found.is_floating_point() else found.float()
        if found.ndim != 2 or 0 in found.shape or (size is not None and found.shape[1] != size):
            wanted = "(n, D)" if size is None else f"(n, {size})"
            raise ShapeError(f"{self.name}: rows must have shape {wanted}, got {tuple(found.shape)}")
        if not self.bits:
            wrong = ~found.isfinite()
            what, todo = "finite numbers", "scale or clean the data"
        elif probabilities:
            wrong = ~((found >= 0) & (found <= 1))
            what, todo = "probabilities from 0 to 1", "scale the data"
        else:
            wrong = (found != 0) & (found != 1)
            what, todo = "0 and 1", "binarise the data, or fit with dynamic=True"
        if bool(wrong.any()):
            row, column = wrong.nonzero()[0].tolist()
            raise DataError(
                f"{self.name}: rows must hold {what}, got {float(found[row, column]):g} in row {row}, "
                f"column {column}; {todo}"
            )
        return found


def numbers(x: Tensor) -> Floats:
    """Return a tensor's numbers as float64."""
    return x.detach().double().cpu().numpy()
