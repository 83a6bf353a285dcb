"""Models that are trained, on data of any kind, and compared by a figure of each test example.

With `data` of a suite these are figures that models give of themselves, `irkit.learn.Model.values`, and where data
have labels how well their vectors find those of the same label, `irkit.learn.neighbours`. A kind of its own says
`measures` and `values` in a subclass of `TrainedTask`, and its field in one of `TrainedChoice`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.board import FIGURE_LIMIT, Figure, Measure, Size
from irkit.evaluate.memory import peak_memory_mb, reset_peak
from irkit.evaluate.tasks.task import Measured, Options, System, Task, TaskChoice, Trial, loaded, refuse
from irkit.io import load_data
from irkit.io.rows.data import Binarise

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite, SystemChoice
    from irkit.io.kinds import Examples
    from irkit.learn.data import Data
    from irkit.learn.estimate import Estimate, Quantity
    from irkit.recipe import TrainingRecipe

KEPT = 2000
"Test examples whose own values are kept in a result."

RESUMED = "taken up from a run folder: s/fit is the time of its training steps alone, and its memory is not known"
"What a row says of such a model."


@dataclass(frozen=True, eq=False)
class TrainedTask(Task):
    """A data set, and the models whose recipes name it."""

    choice: TrainedChoice
    board: Data
    runs: Path | None = None
    "Where run folders are; without it nothing is kept."
    kind = "trained"
    _data: dict[str, Data] = field(default_factory=dict)

    @cached_property
    def measures(self) -> list[Measure]:
        """Those that the suite names, or all of its first model; every model says what they are, and the same."""
        found: dict[str, Quantity] = {}
        for choice in self.suite.systems:
            model = TrainedChoice.recipe(choice).build()
            known = {**model.quantities, **(self._by_labels if model.can("encode") else {})}
            names = self.suite.measures or [*(found or model.quantities or known)] or ["log p"]
            lacking = next((name for name in names if name not in known), None)
            if lacking is not None:
                choose = near_misses(lacking, known) if known else "its class states no quantities and values"
                what = f"gives no {lacking!r} of test examples; {choose}"
                raise refuse(self.suite, choice.name, what)
            if any(found.setdefault(name, known[name]) != known[name] for name in names):
                raise refuse(self.suite, choice.name, "counts its figures otherwise than those before it; leave it out")
        return [Measure(name=name, unit=one.unit, lower=one.lower) for name, one in found.items()]

    def values(self, model: Any, test: Examples, **arguments: Any) -> Mapping[str, Estimate]:
        """Return the values of each measure, (n,), for test examples; arguments are the recipe's `evaluate`."""
        names = [measure.name for measure in self.measures]
        found = model.values(test, **arguments) if {*names} - {*self._by_labels} else {}
        if {*names} & {*self._by_labels}:
            from irkit.learn.neighbours import label_values

            found = {**found, **label_values(model, self.board.part("train"), test)}
        return {name: found[name] for name in names}

    def figures_of(self, model: Any, trial: Trial) -> Mapping[str, Estimate]:
        """Return the values of each measure for the model of a trial."""
        recipe: Any = trial.system.recipe
        return self.values(model, self.data_of(recipe).part("test").cut(recipe.test_rows), **recipe.evaluate)

    def measured_of(self, recipe: TrainingRecipe) -> int:
        """Return how many test examples a model is measured on."""
        return len(self.data_of(recipe).part("test").cut(recipe.test_rows))

    @property
    def name(self) -> str:
        """The set's, as the suite gives it."""
        return self.choice.name

    @property
    def data_hash(self) -> str:
        """Hash of content, split and binarisation."""
        return self.board.fingerprint

    @property
    def conditions(self) -> dict[str, str]:
        """How grey values became bits."""
        return {} if self._binarisation == "bits" else {"binarised by": self._binarisation}

    @property
    def timed(self) -> str:  # type: ignore[override]
        """What one example is called."""
        return self.board.spec.word

    @property
    def sizes(self) -> list[Size]:
        """Training and test examples."""
        parts = {"train": f"training {self.timed}", "test": f"test {self.timed}"}
        return [Size(number=len(self.board.part(part)), one=one, many=f"{one}s") for part, one in parts.items()]

    def identity(self, system: System) -> list[Any]:
        """Say whether models are trained in run folders."""
        return [None if self.runs is None else str(self.runs.resolve())]

    def taken(self, system: System) -> System | None:
        """Return the model's training on this set, if it is trained on it; its bits must be those of the board."""
        recipe: Any = system.recipe
        if self.name not in (system.choice.data or (recipe.data,)):
            return None
        if system.choice.data:
            several = len(system.choice.data) > 1
            name = f"{system.name}-{Path(self.name).name}" if several else system.name
            recipe = recipe.changed(name=name, data=self.name)
        own = self.data_of(recipe)
        if not own.part("test").same(self.board.part("test")):
            raise refuse(
                self.suite,
                system.name,
                f"is binarised by {own.details['binarisation']} and {self.name} by {self._binarisation}; figures of "
                "different bits are not to be compared, change one of them",
            )
        if self.runs is not None:
            self._check_folder(system.choice.name, recipe)
        return replace(system, recipe=recipe)

    def stray(self, system: System) -> str:
        """Say which data a model is trained on."""
        data = ", ".join(system.choice.data) or system.recipe.data  # type: ignore[union-attr]
        where = type(self.suite.tasks[0]).field
        return (
            f"{system.name} is trained on {data}, of which there is no board; add {data} to {where}, or train it on "
            "what is there, by data: [NAME]"
        )

    def data_of(self, recipe: TrainingRecipe) -> Data:
        """Return what a model learns from: examples of the board, those for training as bits of the recipe's kind."""
        if self._binarisation.partition(",")[0] in ("bits", recipe.binarise):
            return self.board
        if recipe.binarise not in self._data:
            self._data[recipe.binarise] = recipe.load_data()
        return self._data[recipe.binarise]

    def seeds(self, system: System) -> Sequence[int | None]:
        """Return the suite's seeds, or where it names none the one that the recipe states."""
        recipe: Any = system.recipe
        stated = "seeds" not in self.suite.model_fields_set and "seed" in recipe.trainer
        return [recipe.rule().seed] if stated else self.suite.seeds

    def fit(self, trial: Trial) -> Any:
        """Return a trained model."""
        recipe: Any = trial.system.recipe
        if self.runs is None or recipe.untrained:
            return recipe.fit(self.data_of(recipe), seed=trial.seed)
        from irkit.recipe.runfolder import resume_fit

        seeded = recipe.with_settings({"trainer.seed": trial.seed})
        return resume_fit(seeded, self.data_of(recipe), self._folder(recipe, trial.seed))

    def run(self, trials: Sequence[Trial]) -> Iterator[Measured | Exception]:
        """Train and measure; what is taken up from a run folder tells its own time."""
        for trial in trials:
            reset_peak()
            resumed = self._resumed(trial)
            start = time.perf_counter()
            try:
                model = self.fit(trial)
                fitting = model.training.wall if resumed else time.perf_counter() - start
                yield self._measured(model, trial, fitting, resumed)
            except Exception as error:
                yield error

    def measure(self, fitted: Any, trial: Trial) -> Measured:
        """Measure a trained model."""
        return self._measured(fitted, trial, None, resumed=False)

    def units(self) -> list[str]:
        """Return the numbers of the test examples whose values are kept."""
        return [str(number) for number in range(min(KEPT, self.times))]

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say where not all values are kept."""
        kept = f"values of single {self.timed}s are kept of the first {KEPT:,}"
        said = [kept] if self.times > KEPT else []
        by_labels = [measure.name for measure in self.measures if measure.name in self._by_labels]
        if by_labels and len(self._labelled) < self.times:
            said.append(f"{', '.join(by_labels)}: of the {len(self._labelled):,} test {self.timed}s that have a label")
        return said

    def units_of(self, measure: str) -> list[str]:
        """Return the numbers of the test examples that a measure has values of: by labels, those that have one."""
        return [str(row) for row in self._labelled if row < KEPT] if measure in self._by_labels else self.units()

    @cached_property
    def _by_labels(self) -> dict[str, Quantity]:
        """Figures of retrieval by labels, where there are labels."""
        from irkit.learn.neighbours import LABELS, labelled

        return {} if any(labelled(self.board.part(part)) is None for part in ("train", "test")) else LABELS

    @property
    def _labelled(self) -> Ints:
        """The numbers of the test examples that have a label."""
        from irkit.learn.neighbours import labelled

        rows = labelled(self.board.part("test"))
        return np.zeros(0, np.int64) if rows is None else rows

    @property
    def _binarisation(self) -> str:
        return self.board.details.get("binarisation", "bits")

    def _measured(self, model: Any, trial: Trial, fitting: float | None, resumed: bool) -> Measured:
        recipe: Any = trial.system.recipe
        data = self.data_of(recipe)
        measured = self.measured_of(recipe)
        start = time.perf_counter()
        found = self.figures_of(model, trial)
        values: dict[str, Floats] = {name: np.asarray(one.value, dtype=np.float64) for name, one in found.items()}
        means = {name: one.mean() for name, one in found.items()}
        worth = {name: {"kind": one.kind, "error": float(one.error), "ess": one.ess} for name, one in means.items()}
        seconds = (time.perf_counter() - start) * self.times / measured
        memory = None if resumed else peak_memory_mb()  # before pictures are drawn
        figures, said = self._pictures(model, data, trial, recipe)
        return Measured(
            values,
            {name: float(column.mean()) for name, column in values.items()},
            seconds=seconds,
            fit_seconds=fitting,
            peak_memory_mb=memory,
            parameters=sum(weights.numel() for weights in model.fitted.parameters()),
            notes=(*self._notes(data, measured, means), *([RESUMED] if resumed else []), *said),
            facts={"worth": worth},
            figures=tuple(figures),
        )

    def _notes(self, data: Data, measured: int, means: Mapping[str, Estimate]) -> Iterator[str]:
        """Yield what a reader of a model's numbers should know."""
        if measured < self.times:
            yield f"measured on the first {measured:,} of the {self.times:,} test {self.timed}s"
        if data.part("train").dynamic:
            yield "bits of the training part are sampled anew in each batch"
        for one in means.values():
            if one.ess is not None:
                yield f"effective sample size {one.ess:.0%} of the samples"

    def _pictures(self, model: Any, data: Data, trial: Trial, recipe: Any) -> tuple[list[Figure], list[str]]:
        from irkit.learn.figures import SMALL, figures

        if trial.seed != self.seeds(trial.system)[0]:
            return [], []
        drawn = figures(model, data, seed=int(trial.seed or 0), test_rows=recipe.test_rows, look=SMALL)
        embedded = [one.embedded() for one in drawn]
        small = [Figure.model_validate(one) for one in embedded if len(one["content"]) <= FIGURE_LIMIT]
        return small, [one.note for one in drawn if one.note]

    def _folder(self, recipe: Any, seed: int | None) -> Path:
        assert self.runs is not None
        return self.runs / (recipe.name if recipe.rule().seed == seed else f"{recipe.name}-seed-{seed}")

    def _resumed(self, trial: Trial) -> bool:
        """Say whether some of the training was done before, so that only its own record tells how long it took."""
        from irkit.learn.saved import CHECKPOINT

        recipe: Any = trial.system.recipe
        if self.runs is None or recipe.untrained:
            return False
        return (self._folder(recipe, trial.seed) / CHECKPOINT).is_file()

    def _check_folder(self, system: str, recipe: Any) -> None:
        """Raise `ConfigError` if another training of the suite would share the run folder of a system's recipe."""
        for other in (TrainedChoice.recipe(choice) for choice in self.suite.systems if choice.name != system):
            if other.name == recipe.name and other.hash != recipe.hash:
                raise ConfigError(
                    f"suite {self.suite.name}: two different recipes are called {recipe.name!r} and would share a run "
                    "folder; rename one of them"
                )


class TrainedChoice(TaskChoice):
    """Data of a suite; subclasses name another field and another task."""

    field = "data"
    trains = True
    task: ClassVar[type[TrainedTask]] = TrainedTask
    binarise: Binarise = "threshold"
    "How grey values become bits; other data ignore it."

    @classmethod
    def recipe(cls, choice: SystemChoice) -> TrainingRecipe:
        """Load a model's training."""
        from irkit.recipe import load_training

        found: TrainingRecipe = loaded(load_training(choice.recipe), choice)
        return found

    def examples(self) -> Data:
        """Return what models are trained and measured on."""
        return load_data(self.name, binarise=self.binarise)

    def load(self, suite: Suite, options: Options) -> TrainedTask:
        """Load the data."""
        found = self.examples()
        if not len(found.part("test")):
            raise ConfigError(f"{self.name}: has no test part to measure models on; give it one")
        return self.task(suite, self, found, None if options.runs is None else Path(options.runs))
