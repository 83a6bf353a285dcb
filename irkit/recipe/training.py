"""Training recipes: which model is fitted to which data, and for how long, as plain values from YAML.

    name: nade-500-mnist
    about: What is trained, in a sentence.
    source: Authors, "Title", venue, year.
    model: nade                        # a name of irkit.registry.MODELS
    config: {hidden_size: 500}         # fields of the model's config
    data: mnist                        # unless another is given; as irkit.io.load_data names it
    binarise: sample                   # how grey values become bits: threshold, sample, dynamic or none
    min_df: 2                          # of a collection of texts: documents that a term occurs in, if it is learned
    max_terms: 20000                   # likewise: how many terms, those that occur in most documents
    trainer: {epochs: 10, optimiser: {learning_rate: 0.005}}
    validate: true                     # keep the weights with the best score on the validation rows
    evaluate: {samples: 1000}          # arguments of the model's log_prob, or of its values
    judge: pictures                    # who judges what the model draws: a name of irkit.registry.JUDGES
    untrained: true                    # the network stays as training would begin: a control of suites
    test_rows: 1000                    # of the test rows, the first so many; all where it is absent

`trainer` changes single settings of the model's own trainer and leaves its others as they are.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, StrictBool, StrictInt, StrictStr

from irkit import locate
from irkit.config import digest, merged
from irkit.errors import IrkitError, near_misses
from irkit.io.library.catalogue import Learnable, load_data
from irkit.io.library.finding import is_texts
from irkit.io.rows.data import Binarise
from irkit.recipe.assemble import Fail
from irkit.recipe.base import AnyRecipe
from irkit.recipe.recipe import Recipe, load_recipe
from irkit.registry import JUDGES, MODELS
from irkit.wording import shown
from irkit.yamlfile import YamlFile, read_yaml

if TYPE_CHECKING:
    from irkit.learn.data import Data
    from irkit.learn.judges import Judge
    from irkit.learn.model import Model
    from irkit.learn.trainer import TrainerConfig

SETTINGS = (
    "config",
    "data",
    "binarise",
    "min_df",
    "max_terms",
    "trainer",
    "validate",
    "evaluate",
    "judge",
    "untrained",
    "test_rows",
)
"Fields that `with_settings` may change."

_MAPPINGS = ("config", "trainer", "evaluate")


class TrainingRecipe(AnyRecipe):
    """A training as plain values, validated when made.

    Raises
    ------
    IrkitError
        If a field is wrong or the model unknown; the message begins with file and line where there is a file.
    """

    model: StrictStr
    "Name of the model."
    config: dict[str, Any] = Field(default_factory=dict)
    "Settings of the model."
    data: StrictStr
    "Name of the data set, unless another is given."
    binarise: Binarise = "threshold"
    "How grey values become bits."
    min_df: Annotated[StrictInt, Field(ge=1)] | None = None
    "Of a collection of texts: documents that a term occurs in, if it is learned; default 2."
    max_terms: Annotated[StrictInt, Field(ge=2)] | None = None
    "Of a collection of texts: how many terms, those that occur in most documents; None for all."
    trainer: dict[str, Any] = Field(default_factory=dict)
    "What is changed of the model's own trainer."
    validates: StrictBool = Field(True, alias="validate")  # no field may have that name
    "Whether the weights with the best score on the validation rows are kept."
    evaluate: dict[str, Any] = Field(default_factory=dict)
    "Arguments of the model's `log_prob` on the test rows, or of its `values` where it has no `log_prob`."
    judge: StrictStr | None = None
    "Who judges what the model draws, encodes or makes: a name of `irkit.registry.JUDGES`; default nobody."
    untrained: StrictBool | None = None
    "Whether the network stays as training would begin: a control of suites; default it is trained."
    test_rows: Annotated[StrictInt, Field(ge=1)] | None = None
    "How many of the test rows are evaluated, from the first; None for all."

    def check(self) -> None:
        """Raise an error if the model is unknown, or a setting is not one of the model, its trainer or `log_prob`."""
        self.rule(), self.arguments()
        if self.judge:
            try:
                JUDGES.load(self.judge)
            except IrkitError as error:
                raise self.fail(str(error), "judge", kind=type(error)) from None
        if self.binarise != "none" and not getattr(self.build(), "bits", True):
            what = f"{self.model} is of reals, which binarise: {self.binarise} would make bits of; write binarise: none"
            raise self.fail(what, *["binarise"] * ("binarise" in self.model_fields_set))

    @classmethod
    def refuse(cls, file: YamlFile) -> None:
        """Raise `ConfigError` if a file is that of a pipeline."""
        if "stages" in file.value and "model" not in file.value:
            name = Path(file.path).stem
            fitted = file.value.get("needs") == ["train"]
            command = f"irkit recommend RATINGS --recipe {name}" if fitted else f"irkit run {name} COLLECTION"
            raise file.error(f"is a pipeline, not something to train; use {command}", "stages")

    def build(self) -> Model:
        """Return the untrained model."""
        try:
            kind: type[Model] = MODELS.load(self.model)
        except IrkitError as error:
            raise self.fail(str(error), "model", kind=type(error)) from None
        return kind(kind.config_type.checked(self.config, self.fail, "config", who=kind.name))

    def rule(self) -> TrainerConfig:
        """Return the settings of the trainer: the model's own with the recipe's changes."""
        own = self.build().trainer
        return type(own).checked(merged(own.given(), self.trainer), self.fail, "trainer")

    def arguments(self) -> dict[str, Any]:
        """Return all arguments of `log_prob`, those left at their defaults too."""
        model = self.build()
        asked = model.log_prob if model.can("log_prob") else model.values
        parameters = inspect.signature(asked).parameters.items()
        known = {name: one.default for name, one in parameters if one.kind is one.KEYWORD_ONLY}
        for name, value in self.evaluate.items():
            if name not in known:
                choose = near_misses(name, known) if known else "it has no arguments"
                raise self.fail(f"{self.model}: {asked.__name__} has no argument {name!r}; {choose}", "evaluate", name)
            word = isinstance(known[name], str)
            if not (isinstance(value, str) if word else type(value) is int and value >= 1):
                wanted = "a word" if word else "a whole number, 1 or more"
                raise self.fail(
                    f"evaluate.{name} is not valid, got {shown(value)}; it should be {wanted}", "evaluate", name
                )
            words = _words(asked, name)
            if words and value not in words:
                what = f"evaluate.{name} is not valid, got {shown(value)}; {near_misses(value, words)}"
                raise self.fail(what, "evaluate", name)
        return {**known, **self.evaluate}

    def load_data(self) -> Learnable:
        """Load the data set; of a collection of texts its documents, as terms of its index, all of them to train on.

        Raises
        ------
        NotFoundError
            If there is no such set, or a file of it is missing; the message says where it belongs.
        """
        try:
            if is_texts(self.data):
                from irkit.recipe.encoders import collection_data

                return collection_data(self)
            return load_data(self.data, binarise=self.binarise)
        except IrkitError as error:
            raise self.fail(str(error), "data", kind=type(error)) from None

    def fit(
        self,
        data: Data | None = None,
        *,
        seed: int | None = None,
        progress: bool | None = None,
        folder: Path | None = None,
        resume: bool = False,
        started: Callable[[], None] | None = None,
    ) -> Model:
        """Return the model, fitted.

        Parameters
        ----------
        data : Data, optional
            Default what `load_data` gives.
        seed : int, optional
            Default the trainer's. The binarisation has a seed of its own, so that it stays the same data.
        progress : bool, optional
            Default the trainer's.
        folder, resume, started
            As `irkit.learn.model.Model.fit`.

        Raises
        ------
        ConfigError
            If the test part is one to train or to validate on (single rows recur, whole parts do not), or the folder
            holds another run.
        """
        data = self.load_data() if data is None else data
        for name, part in {"training": "train", **({"validation": "valid"} if self.validates else {})}.items():
            if len(data.part(part)) and data.part(part).same(data.part("test")):
                raise self.fail(f"the {name} rows of {data.name} are its test rows; give each part its own", "data")
        given = {name: value for name, value in {"seed": seed, "progress": progress}.items() if value is not None}
        trainer = self.rule().changed(**given)
        if self.untrained:
            return self.build().untrained(data, trainer=trainer)
        return self.build().fit(
            data, validate=self.validates, trainer=trainer, folder=folder, resume=resume, started=started
        )

    def judge_of(self, data: Data) -> Judge | None:
        """Return the recipe's judge of models of some data; None where it names none.

        Raises
        ------
        IrkitError
            If the judge cannot judge such data or such models; the message says how to do without it.
        """
        if not self.judge:
            return None
        try:
            judge: Judge = JUDGES.load(self.judge)(data)
            judge.check(self.build())
        except IrkitError as error:
            raise self.fail(f"{error}, or train without a judge, by judge: null", "judge", kind=type(error)) from None
        return judge

    def replaced(self, settings: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
        """Return the fields with some of the values in them replaced."""
        changed = {name: copy.deepcopy(value) for name, value in self.values().items() if name in SETTINGS}
        for path, value in settings.items():
            *steps, last = path.split(".")
            node: Any = changed if (steps or [last])[0] in SETTINGS else None
            for step in steps:
                node = node.setdefault(step, {}) if isinstance(node, dict) else None
            if not isinstance(node, dict):
                raise fail(f"there is no setting {path!r}; {near_misses(path, self._names())}")
            node[last] = value
        return changed

    def resolved(self) -> TrainingRecipe:
        """Return the same recipe with every setting stated, so that no default can change it later."""
        return self.changed(
            config=self.build().config.model_dump(mode="json"),
            trainer=self.rule().model_dump(mode="json"),
            evaluate=self.arguments(),
        )

    @property
    def run_hash(self) -> str:
        """Hash of what a step of the training does: all but budgets and the evaluation."""
        return digest(self._run(self.rule().identity()))

    @property
    def hash(self) -> str:
        """Hash of what is trained on what, how, and how it is evaluated."""
        judged = [self.judge] if self.judge else []
        return digest(self._run(self.rule().outcome()), self.arguments(), self.test_rows, *judged)

    def _run(self, trainer: dict[str, Any]) -> dict[str, Any]:
        same = {"model": self.model, "data": self.data, "binarise": self.binarise, "validate": self.validates}
        terms = self.model_dump(include={"min_df", "max_terms", "untrained"}, exclude_defaults=True)
        model = self.build()
        beside = {"beside": model.beside} if model.beside else {}
        return {**same, **terms, **beside, "config": model.config.essence(), "trainer": trainer}

    def _names(self) -> list[str]:
        """List the settings there are, those of the optimiser too."""
        rule = self.rule()
        return [
            *(f"config.{name}" for name in type(self.build().config).model_fields),
            *(f"trainer.{name}" for name in type(rule).model_fields),
            *(f"trainer.optimiser.{name}" for name in type(rule.optimiser).model_fields),
            *(f"evaluate.{name}" for name in self.arguments()),
            *(name for name in SETTINGS if name not in _MAPPINGS),
        ]


def load_training(name: str | Path) -> TrainingRecipe:
    """Read a training recipe by name or path, such as `nade-digits` or `generate/nade-digits`; see `AnyRecipe.load`.

    Examples
    --------
    >>> load_training("nade-500-mnist").config
    {'hidden_size': 500}
    """
    return TrainingRecipe.load(name)


def load_any(name: str | Path) -> Recipe | TrainingRecipe:
    """Read a recipe of either kind, as `load_recipe` and `load_training` do; the field `model` tells which it is."""
    training = "model" in read_yaml(locate.find("pipelines", str(name))).value
    return load_training(name) if training else load_recipe(name)


def _words(asked: Callable[..., Any], name: str) -> tuple[str, ...]:
    """Return the words that an argument may be, where its annotation is a Literal; nothing where it says no more."""
    kind = inspect.signature(asked).parameters[name].annotation
    found = getattr(inspect.unwrap(asked), "__globals__", {}).get(kind) if isinstance(kind, str) else kind
    return get_args(found) if get_origin(found) is Literal else ()
