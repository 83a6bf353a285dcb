"""What every learned model shares: fitting, going on with a run, files, and abilities that are declared.

A `Model` is thin, with arrays on the outside, around a `Net`, its torch module. It names the kinds of data
it takes and what it is able to do; asked for anything else it says so in one line. `fit` returns a fitted
copy, so one configured model can be fitted to several data sets.

    class Mine(Model):
        name, config_type, takes = "mine", MineConfig, frozenset({"sequences"})
        abilities = frozenset({"score", "log_prob", "sample"})

        def build(self, spec: Spec) -> MineNet: ...

An ability is the model's method of that name, which asks the net; `irkit.learn.net` says for what. A model
whose log-probabilities are not its net's scores overrides `log_prob`, and so on.
"""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from irkit.arrays import Floats
from irkit.config import Config, nowhere
from irkit.errors import AbilityError, ConfigError, DataError, NotFittedError, ShapeError
from irkit.io.kinds import Examples, Spec
from irkit.learn import checkpoint
from irkit.learn.abilities import ABILITIES, Ability
from irkit.learn.batches import Source
from irkit.learn.conditions import choose_device, conditions
from irkit.learn.data import Batch, Data, Held, arrays, as_data, as_examples, cut, held, identity, numbers, shuffled
from irkit.learn.estimate import Estimate, Measure, Quantity, check_draws
from irkit.learn.latent import check_points
from irkit.learn.memory import enough_memory, smaller
from irkit.learn.net import Net
from irkit.learn.processes import together
from irkit.learn.trainer import TrainerConfig, Training, train
from irkit.rng import check_seed
from irkit.signature import Described

EXAMPLES = 500
"Examples looked at together, unless a model says otherwise."


class Model(metaclass=Described):
    """Base of the learned models; one is constructed with the fields of its config by name, or with a config."""

    name: ClassVar[str] = ""
    config_type: ClassVar[type[Config]] = Config
    trainer: ClassVar[TrainerConfig] = TrainerConfig()
    "How it is trained unless told otherwise."
    takes: ClassVar[frozenset[str]] = frozenset({"rows"})
    "Kinds of data, as `Spec.kind` has them."
    abilities: ClassVar[frozenset[Ability]] = frozenset()
    "What models of this class can do; see `can`."
    config: Any
    net: Any = None
    "The torch module, once fitted or loaded."
    spec: Spec | None = None
    "What an example looks like, once fitted or loaded."
    training: Training | None = None
    "What came of `fit`."

    def __init__(self, config: Any = None, **settings: Any) -> None:
        if config is not None and (settings or not isinstance(config, self.config_type)):
            got, own = " and ".join([type(config).__name__, *settings]), self.config_type.__name__
            raise ConfigError(f"{self.name}: takes one {own} or its fields, got {got}; give either")
        self.config = self.config_type.checked(settings, nowhere, who=self.name) if config is None else config

    @abstractmethod
    def build(self, spec: Spec) -> Net:
        """Return an untrained network for such examples."""

    def begin(self, x: Held, spec: Spec, trainer: TrainerConfig) -> Net:
        """Return the network that training on `x` starts from."""
        net = self.build(spec)
        if isinstance(x, Tensor):
            net.to(x.device)
        net.start(x)
        return net

    def source(self, x: Held, trainer: TrainerConfig, *, dynamic: bool) -> Source:
        """Return the batches that training takes: examples in an order of its own in each epoch."""
        return shuffled(x, trainer.batch_size, seed=trainer.seed, like=self.place, dynamic=dynamic)

    @property
    def beside(self) -> dict[str, Any]:
        """What else than config, trainer and data decides what is learned: hashes by name, of files for example."""
        return {}

    # ------------------------------------------------------------------ what it can do

    def can(self, ability: Ability) -> bool:
        """Whether this model, configured as it is, has an ability."""
        return ability in self.abilities

    def need(self, ability: Ability) -> None:
        """Raise `AbilityError` unless the model has an ability."""
        if not self.can(ability):
            others = ", ".join(said for one, said in ABILITIES.items() if self.can(one)) or "only be trained"
            raise AbilityError(
                f"{self.name}: does not {ABILITIES[ability]}; choose another model for that, it can {others}"
            )

    @property
    def latent_size(self) -> int | None:
        """Dimensions of a latent space with prior N(0, I), whose posterior means `encode` gives; None without one."""
        return None

    @property
    def fitted(self) -> Any:
        """The network; an error before `fit`."""
        if self.net is None:
            raise NotFittedError(f"{self.name}: is not fitted; call fit(train) or load(path) first")
        return self.net

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        data: Data | Examples | Floats | Tensor,
        valid: Examples | Floats | Tensor | None = None,
        *,
        validate: bool = True,
        trainer: TrainerConfig | None = None,
        dynamic: bool = False,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
        started: Callable[[], None] | None = None,
    ) -> Self:
        """Return a copy fitted to the training part of some data.

        Parameters
        ----------
        data : Data, or examples or rows (N, D) to train on
        valid : examples or rows, optional
            To validate on, where `data` is no data set.
        validate : bool
            Keep the weights with the best score on the validation part, if there is one and the model scores.
        trainer : TrainerConfig, optional
            Default the model's `trainer`.
        dynamic : bool
            Rows (N, D) are probabilities of bits: draw the bits anew in each batch.
        folder : path, optional
            For metrics and the checkpoint of the run.
        resume : bool
            Go on from the folder's checkpoint, if there is one.
        started : () -> None, optional
            Called once everything is checked, before the first step.

        Raises
        ------
        ShapeError
            If the data is of a kind that the model does not take, or parts are not alike.
        DataError
            If values are not what the model is of.
        DivergedError
            If training does not stay finite.
        ConfigError
            If the folder holds another run: of other data, another model or other settings.
        OutOfMemoryError
            If it does not fit into memory.
        AbilityError
            If there are to be several processes, and the model's batches cannot be shared among them.
        IrkitError
            If another process of the training fails or is killed.
        """
        config = trainer or self.trainer
        bare = copy(self)
        bare.net = bare.training = None
        quiet = config.changed(progress=False)
        again = partial(
            bare.fit, data, valid, validate=validate, trainer=quiet, dynamic=dynamic, folder=folder, resume=resume
        )
        with together(config.processes, again) as group:
            device = group.device(config.device)
            given = as_data(data, valid, dynamic=dynamic)
            run = None if folder is None else Path(folder)
            with enough_memory(self.name, smaller(["batch_size", *self.config_type.model_fields])):
                return self._fit(given, validate, config, device, run, resume, started)

    def _fit(
        self,
        data: Data,
        validate: bool,
        config: TrainerConfig,
        device: torch.device,
        folder: Path | None,
        resume: bool,
        started: Callable[[], None] | None,
    ) -> Self:
        part, valid = data.part("train"), data.part("valid")
        fitted, x = self._begun(data, config, device)
        score, scored_on = None, None
        if validate and len(valid) and self.can("score"):
            scored_on = identity(fitted.examples(valid))
            score = lambda: fitted.score(valid, seed=config.seed)  # noqa: E731
        fitted.training = train(
            fitted.net,
            fitted.net.phases(),
            fitted.source(x, config, dynamic=part.dynamic),
            config,
            validate=score,
            validation_data=scored_on,
            settings={"model": self.name, "config": self.config.essence(), "dynamic": part.dynamic},
            folder=folder,
            resume=resume,
            started=started,
        )
        return fitted

    def untrained(self, data: Data, *, trainer: TrainerConfig | None = None) -> Self:
        """Return a copy whose network stands where training on some data would begin: a control."""
        config = trainer or self.trainer
        fitted, _ = self._begun(data, config, choose_device(config.device))
        fitted.net.eval()
        return fitted

    def _begun(self, data: Data, config: TrainerConfig, device: torch.device) -> tuple[Self, Held]:
        """Return a copy with the network that training starts from, and the training examples."""
        fitted = copy(self)
        fitted.net = fitted.spec = fitted.training = None
        x = fitted.examples(data.part("train"))
        if isinstance(x, Tensor):
            x = x.to(device, torch.get_default_dtype())
        fitted.spec = data.spec
        with conditions(device, config.threads, config.seed):
            fitted.net = self.begin(x, data.spec, config).to(device)
        return fitted, x

    # ------------------------------------------------------------------ abilities, of the models that declare them

    @torch.no_grad()
    def score(self, data: Examples | Floats | Tensor, *, seed: int = 1) -> Estimate:
        """Return the mean score of examples with one fixed stream of noise: what validation looks at, higher is better.

        The error of a score that is not exact is bounded by its spread over examples, which includes theirs.
        """
        self.need("score")
        rng = self.generator(seed)
        scores = torch.cat([self.fitted.score(batch, rng) for batch in self.batches(self.examples(data))]).double()
        if self.fitted.kind == "exact":
            return Estimate.exact(float(scores.mean()))
        spread = float(scores.std()) / math.sqrt(len(scores)) if len(scores) > 1 else math.inf
        return Estimate(float(scores.mean()), spread, self.fitted.kind)

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor) -> Estimate:
        """Return log p(x) of each example: (n,) nats."""
        self.need("log_prob")
        x = self.examples(data)
        rng = self.generator(0)
        return Estimate.exact(numbers(torch.cat([self.fitted.score(batch, rng) for batch in self.batches(x)])))

    @torch.no_grad()
    def sample(self, n: int, *, seed: int = 1) -> Any:
        """Draw examples: (n, ...), or a list of n arrays where they differ in length."""
        self.need("sample")
        return arrays(self.fitted.sample(check_draws(self.name, "n", n, least=0), self.generator(seed)))

    @torch.no_grad()
    def encode(self, data: Examples | Floats | Tensor) -> Floats:
        """Return a vector for each example: (n, d) float32."""
        self.need("encode")
        x = self.examples(data, soft=True)
        found: Floats = arrays(torch.cat([self.fitted.encode(batch) for batch in self.batches(x)]))
        return found

    @torch.no_grad()
    def decode(self, z: Floats | Tensor) -> Any:
        """Return the means of examples, given their vectors (n, d)."""
        self.need("decode")
        return arrays(self.fitted.decode(check_points(self.name, z, self.latent_size).to(self.place)))

    @torch.no_grad()
    def reconstruct(self, data: Examples | Floats | Tensor) -> Any:
        """Return what the model makes of each example: (n, ...), or a list of n arrays where they differ in length."""
        self.need("reconstruct")
        return self._joined(self.fitted.reconstruct, self.examples(data, soft=True))

    @torch.no_grad()
    def predict(self, data: Examples | Floats | Tensor) -> Any:
        """Return what the model says of each example: (n, ...), or a list of n arrays where they differ in length."""
        self.need("predict")
        return self._joined(self.fitted.predict, self.examples(data))

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """What `values` gives, the figure that matters most first."""
        return {"log p": Quantity("nats")} if self.can("log_prob") else {}

    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return figures of each test example, (n,) each: what models on a leaderboard are compared by.

        Parameters
        ----------
        test : examples
        **arguments
            Of `log_prob`. A model with figures of its own may have others, by keyword only.
        """
        return {"log p": self.log_prob(test, **arguments)} if self.can("log_prob") else {}

    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return what is known of a fitted model by test examples: the means of `values`, and what it adds to them."""
        found = self.values(test, **arguments)
        return {name: Measure(one.mean(), self.quantities[name].unit) for name, one in found.items()}

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return, for a measure, figures that any model must beat, by name."""
        return {}

    # ------------------------------------------------------------------ files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write config, spec and weights to one file, atomically and without code."""
        net = self.fitted
        tree = {"config": self.config.given(), "spec": asdict(self.known), "net": dict(net.state_dict())}
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
            model.spec = Spec(**tree["spec"])
            model.net = model.build(model.spec)
            for name, tensor in (*model.net.named_parameters(), *model.net.named_buffers()):
                tensor.data = tensor.data.to(tree["net"][name].dtype)
            model.net.load_state_dict(tree["net"])
        except (KeyError, TypeError, RuntimeError, ConfigError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: does not fit the model {cls.name!r} ({reason[:200]}); train it again") from None
        weights = model.net.state_dict().items()
        wrong = next((name for name, values in weights if not bool(values.isfinite().all())), None)
        if wrong is not None:
            raise DataError(f"{path}: the weights {wrong!r} are not all finite; train it again at a lower rate")
        model.net.eval()
        return model

    # ------------------------------------------------------------------ for subclasses

    @property
    def known(self) -> Spec:
        """What an example looks like; an error before `fit`."""
        if self.spec is None:
            raise NotFittedError(f"{self.name}: is not fitted; call fit(train) or load(path) first")
        return self.spec

    @property
    def place(self) -> Tensor:
        """A parameter, for its device and type."""
        found: Tensor = next(self.fitted.parameters())
        return found

    def generator(self, seed: int) -> torch.Generator:
        """Return a generator on the network's device."""
        return torch.Generator(self.place.device).manual_seed(check_seed(seed))

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Held:
        """Check examples, before `fit` their kind alone, and return what batches are taken of.

        Parameters
        ----------
        data : examples or rows (n, D)
        soft : bool
            Whether probabilities will do for a model of bits.
        """
        part = as_examples(data)
        if part.kind not in self.takes:
            kinds = " or ".join(sorted(self.takes))
            raise ShapeError(
                f"{self.name}: learns from {kinds}, got {part.spec}; give it such data, which in Python is a class of "
                "irkit.io.kinds"
            )
        if len(part) == 0 or (self.spec is not None and not self.spec.fits(part.spec)):
            wanted = self.spec or "examples"
            got = part.spec if len(part) else "none"
            if str(wanted) == str(got):
                raise ShapeError(f"{self.name}: the words are not those it learned, got {got}; number its own words")
            raise ShapeError(f"{self.name}: {wanted} are needed, got {got}; give it such data")
        return held(part)

    def batches(self, x: Held, n: int = EXAMPLES) -> Iterator[Any]:
        """Cut examples into parts, on the device and in the type of the network."""
        return cut(x, n, self.place)

    def _joined(self, ask: Callable[[Batch], Any], x: Held) -> Any:
        """Ask something of each part and put the answers together."""
        parts = [arrays(ask(batch)) for batch in self.batches(x)]
        return [one for part in parts for one in part] if isinstance(parts[0], list) else np.concatenate(parts)
