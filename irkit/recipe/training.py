"""Training recipes: which density model is fitted to which data, and for how long, as plain values from YAML.

    name: nade-500-mnist
    about: What is trained, in a sentence.
    source: Authors, "Title", venue, year.
    model: nade                        # a name of irkit.registry.MODELS
    config: {hidden_size: 500}         # fields of the model's config
    data: mnist                        # as irkit.io.density.load_density names it
    binarise: sample                   # how grey values become bits: threshold, sample or dynamic
    trainer: {epochs: 10, optimiser: {learning_rate: 0.005}}
    validate: true                     # keep the weights with the best score on the validation rows
    evaluate: {samples: 1000}          # arguments of the model's log_prob
    test_rows: 1000                    # of the test rows, the first so many; all where it is absent

`trainer` changes single settings of the model's own trainer and leaves its others as they are.
"""

from __future__ import annotations

import copy
import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from pydantic import BaseModel, ValidationError

from irkit import locate
from irkit.config import Config, digest, explain_validation
from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.io.density import Binarise, DensityData, load_density
from irkit.recipe.recipe import Recipe, load_recipe
from irkit.registry import MODELS
from irkit.yamlfile import YamlFile, dump_yaml, read_yaml

if TYPE_CHECKING:
    from irkit.generative.base import Density
    from irkit.learn.trainer import TrainerConfig

SETTINGS = ("config", "data", "binarise", "trainer", "validate", "evaluate", "test_rows")
"Fields that `with_settings` may change."

FIELDS = ("name", "about", "source", "model", *SETTINGS)
"Fields of a training recipe's file."

_MAPPINGS = ("config", "trainer", "evaluate")
_PLACE = {"device", "threads", "progress"}  # of the trainer's settings: where and how it runs, not what it learns
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")


@dataclass(frozen=True)
class TrainingRecipe:
    """A training as plain values, validated when made.

    Raises
    ------
    IrkitError
        If a field is wrong or the model unknown; the message begins with file and line where there is a file.
    """

    name: str
    "Letters, digits and . _ + -."
    model: str
    "Name of the model."
    data: str
    "Name of the data set."
    config: dict[str, Any] = field(default_factory=dict)
    "Settings of the model."
    about: str = ""
    "One sentence."
    source: str = ""
    "The publication."
    binarise: Binarise = "threshold"
    "How grey values become bits."
    trainer: dict[str, Any] = field(default_factory=dict)
    "What is changed of the model's own trainer."
    validate: bool = True
    "Whether the weights with the best score on the validation rows are kept."
    evaluate: dict[str, Any] = field(default_factory=dict)
    "Arguments of the model's `log_prob` on the test rows."
    test_rows: int | None = None
    "How many of the test rows are evaluated, from the first; None for all."
    path: Path | None = field(default=None, compare=False)
    "The file it came from."
    _file: YamlFile | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("name", "about", "source", "model", "data"):
            if not isinstance(getattr(self, name), str):
                raise self._fail(f"{name} must be text, got {getattr(self, name)!r}", name)
        if not _NAME.match(self.name):
            raise self._fail(f"name must be letters, digits and . _ + -, got {self.name!r}", "name")
        for name in _MAPPINGS:
            if not isinstance(getattr(self, name), Mapping):
                raise self._fail(f"{name} must be a mapping of fields, got {getattr(self, name)!r}", name)
            object.__setattr__(self, name, copy.deepcopy(dict(getattr(self, name))))
        if self.binarise not in get_args(Binarise):
            choices = ", ".join(get_args(Binarise))
            raise self._fail(f"binarise must be one of {choices}, got {self.binarise!r}", "binarise")
        if not isinstance(self.validate, bool):
            raise self._fail(f"validate must be true or false, got {self.validate!r}", "validate")
        if self.test_rows is not None and not _counts(self.test_rows):
            raise self._fail(f"test_rows must be a number of rows or null, got {self.test_rows!r}", "test_rows")
        self._model, self._rule, self._arguments  # noqa: B018  (each raises what is wrong with it)

    def __hash__(self) -> int:
        return hash((self.name, self.hash))

    def build(self) -> Density:
        """Return the untrained model."""
        return copy.copy(self._model)

    def rule(self) -> TrainerConfig:
        """Return the settings of the trainer: the model's own with the recipe's changes."""
        return self._rule

    def arguments(self) -> dict[str, Any]:
        """Return all arguments of `log_prob`, those left at their defaults too."""
        return dict(self._arguments)

    def load_data(self) -> DensityData:
        """Load the data set.

        Raises
        ------
        NotFoundError
            If there is no such set, or a file of it is missing; the message says where it belongs.
        """
        try:
            return load_density(self.data, binarise=self.binarise)
        except IrkitError as error:
            raise self._fail(str(error), "data", kind=type(error)) from None

    def fit(
        self,
        data: DensityData | None = None,
        *,
        seed: int | None = None,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
        started: Callable[[], None] | None = None,
    ) -> Density:
        """Return the model, fitted.

        Parameters
        ----------
        data : DensityData, optional
            Default what `load_data` gives.
        seed : int, optional
            Default the trainer's. The binarisation has a seed of its own, so that it stays the same data.
        folder : path, optional
            For metrics and the checkpoint of the run.
        resume : bool
            Go on from the folder's checkpoint, if there is one.
        started : () -> None, optional
            Called once everything is checked, before the first step.

        Raises
        ------
        ConfigError
            If the test rows are those to train or to validate on, or the folder holds another run.
        """
        rows = self.load_data() if data is None else data
        self._check_parts(rows)
        rule = self._rule if seed is None else self._rule.changed(seed=seed)
        valid = rows.valid if self.validate else None
        return self._model.fit(
            rows.train, valid, trainer=rule, dynamic=rows.dynamic, folder=folder, resume=resume, started=started
        )

    def with_settings(self, settings: Mapping[str, Any]) -> TrainingRecipe:
        """Return the recipe with some settings replaced.

        Parameters
        ----------
        settings : mapping of name to value
            Such as `config.hidden_size`, `trainer.optimiser.learning_rate`, `evaluate.samples`, `data`.

        Raises
        ------
        ConfigError
            If there is no such setting, or the changed recipe is not valid.
        """
        changed = {name: copy.deepcopy(getattr(self, name)) for name in SETTINGS}
        unplaced = replace(self, _file=None)  # lines of the file no longer say where a value comes from
        for path, value in settings.items():
            *steps, last = path.split(".")
            node: Any = changed if (steps or [last])[0] in SETTINGS else None
            for step in steps:
                node = node.setdefault(step, {}) if isinstance(node, dict) else None
            if not isinstance(node, dict):
                raise unplaced._fail(f"there is no setting {path!r}; {near_misses(path, self._names())}")
            node[last] = value
        return replace(unplaced, **changed)

    def resolved(self) -> TrainingRecipe:
        """Return the same recipe with every setting stated, so that no default can change it later."""
        stated = {
            "config": self._model.config.model_dump(mode="json"),
            "trainer": self._rule.model_dump(mode="json"),
            "evaluate": self._arguments,
        }
        return replace(self, **stated, _file=None)

    @property
    def run_hash(self) -> str:
        """Hash of what a step of the training does: all but budgets and the evaluation."""
        return digest(self._run())

    @property
    def hash(self) -> str:
        """Hash of what the recipe does: not its name, comments or stated defaults, nor device and threads."""
        trainer = self._rule.model_dump(mode="json", exclude=_PLACE)
        return digest({**self._run(), "trainer": trainer}, self._arguments, self.test_rows)

    def yaml(self) -> str:
        """Return the recipe as a YAML file holds it; equal recipes give equal text."""
        values = {name: getattr(self, name) for name in FIELDS}
        return dump_yaml({name: value for name, value in values.items() if value not in ("", {}, None)})

    def _check_parts(self, rows: DensityData) -> None:
        """Raise `ConfigError` if a part to learn from is the test part: single rows recur, whole parts do not."""
        learned = {"training": rows.train, **({"validation": rows.valid} if self.validate else {})}
        for name, part in learned.items():
            if np.array_equal(part, rows.test):
                raise self._fail(f"the {name} rows of {rows.name} are its test rows; give each part its own", "data")

    def _run(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "config": self._model.config.given(),
            "data": self.data,
            "binarise": self.binarise,
            "trainer": self._rule.identity(),
            "validate": self.validate,
        }

    @cached_property
    def _model(self) -> Density:
        try:
            kind = MODELS.load(self.model)
        except IrkitError as error:
            raise self._fail(str(error), "model", kind=type(error)) from None
        return kind(self._checked(kind.config_type, self.config, "config"))

    @cached_property
    def _rule(self) -> TrainerConfig:
        from irkit.learn.trainer import TrainerConfig

        own = self._model.trainer.given()
        return self._checked(TrainerConfig, _merged(own, self.trainer), "trainer")

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        known = {name: one.default for name, one in inspect.signature(self._model.log_prob).parameters.items()}
        del known["x"]
        for name, value in self.evaluate.items():
            if name not in known:
                choose = near_misses(name, known) if known else "it has no arguments"
                raise self._fail(f"{self.model}: log_prob has no argument {name!r}; {choose}", "evaluate", name)
            if not _counts(value):
                raise self._fail(f"{name} must be a whole number of 1 or more, got {value!r}", "evaluate", name)
        return {**known, **self.evaluate}

    def _checked(self, kind: type[Config], values: Mapping[str, Any], where: str) -> Any:
        """Validate settings; the error points at the field."""
        config = kind.__new__(kind)
        try:
            BaseModel.__init__(config, **{str(name): value for name, value in values.items()})
        except ValidationError as error:
            message = explain_validation(kind, error)
            raise self._fail(message, where, *error.errors()[0]["loc"]) from None
        return config

    def _names(self) -> list[str]:
        """List the settings there are, those of the optimiser too."""
        rule, optimiser = type(self._rule), type(self._rule.optimiser)
        return [
            *(f"config.{name}" for name in type(self._model.config).model_fields),
            *(f"trainer.{name}" for name in rule.model_fields),
            *(f"trainer.optimiser.{name}" for name in optimiser.model_fields),
            *(f"evaluate.{name}" for name in self._arguments),
            *(name for name in SETTINGS if name not in _MAPPINGS),
        ]

    def _fail(self, message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        if self._file is not None:
            return self._file.error(message, *where, kind=kind)
        return kind(f"recipe {self.name!r}: {message}")


def load_training(name: str | Path) -> TrainingRecipe:
    """Read a training recipe by name or path: an existing file, one of the user's, or one that irkit ships.

    Parameters
    ----------
    name : str or path
        `nade-digits`, `generate/nade-digits` or a path.

    Raises
    ------
    NotFoundError
        If there is none; lists near misses.
    IrkitError
        If it is not a valid training recipe; says file and line.

    Examples
    --------
    >>> load_training("nade-500-mnist").config
    {'hidden_size': 500}
    """
    path = locate.find("pipelines", str(name))
    file = read_yaml(path)
    if "stages" in file.value and "model" not in file.value:
        fitted = file.value.get("needs") == ["train"]
        command = f"irkit recommend RATINGS --model {path.stem}" if fitted else f"irkit run {path.stem} COLLECTION"
        raise file.error(f"is a pipeline, not something to train; use {command}", "stages")
    for key in file.value:
        if key not in FIELDS:
            raise file.error(f"unknown field {key!r}; {near_misses(key, FIELDS)}", key)
    for needed, what in (("model", "the name of a density model"), ("data", "the name of a data set")):
        if needed not in file.value:
            raise file.error(f"field {needed!r} is missing; it is {what}")
    return TrainingRecipe(**{"name": path.stem, **file.value}, path=path, _file=file)


def load_any(name: str | Path) -> Recipe | TrainingRecipe:
    """Read a recipe of either kind, as `load_recipe` and `load_training` do; the field `model` tells which it is."""
    training = "model" in read_yaml(locate.find("pipelines", str(name))).value
    return load_training(name) if training else load_recipe(name)


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings with some of them replaced."""
    out = dict(base)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(out.get(name), Mapping)
        out[name] = _merged(out[name], value) if both else value
    return out
