"""Density models: the mean test log-likelihood in nats per row, each number with what it is.

A value is exact, a lower bound, or an estimate with a Monte Carlo standard error. Rows of the test part
are what intervals draw and what tests pair. Symbols: m test rows, D values in a row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.errors import ConfigError
from irkit.evaluate.board import FIGURE_LIMIT, Figure, Measure, Size
from irkit.evaluate.memory import peak_memory_mb, reset_peak
from irkit.evaluate.tasks.task import Measured, Options, System, Task, TaskChoice, Trial, loaded, refuse
from irkit.io import load_rows
from irkit.io.rows.data import Binarise, DensityData

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite, SystemChoice
    from irkit.recipe import TrainingRecipe

LOG_P = "log p"
"In nats per row; higher is better."

INDEPENDENT = "independent"
"Name of the row of independent bits, on every board."

KEPT = 2000
"Test rows whose own values are kept in a result."

RESUMED = "taken up from a run folder: s/fit is the time of its training steps alone, and its memory is not known"
"What a row says of such a model."


class DataChoice(TaskChoice):
    """Data of a suite and how grey values become bits."""

    field = "density"
    trains = True
    rows = (INDEPENDENT,)
    binarise: Binarise = "threshold"
    "Sets of bits ignore it."

    @classmethod
    def check_suite(cls, suite: Suite) -> None:
        """Raise `ConfigError` if other measures are asked for."""
        if suite.measures not in ((), (LOG_P,)):
            raise ConfigError(f"measures: density models are measured by {LOG_P} alone; leave them out")

    @classmethod
    def recipe(cls, choice: SystemChoice) -> TrainingRecipe:
        """Load a model's training."""
        from irkit.recipe import load_training

        found: TrainingRecipe = loaded(load_training(choice.recipe), choice)
        return found

    def load(self, suite: Suite, options: Options) -> Likelihood:
        """Load the data."""
        runs = None if options.runs is None else Path(options.runs)
        return Likelihood(suite, load_rows(self.name, binarise=self.binarise), runs)


@dataclass(frozen=True, eq=False)
class Likelihood(Task):
    """Rows of bits, or of reals, and the models whose recipes name them."""

    board: DensityData
    runs: Path | None = None
    "Where run folders are; without it nothing is kept."
    kind = "likelihood"
    timed = "row"
    _data: dict[str, DensityData] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The set's."""
        return self.board.name

    @property
    def data_hash(self) -> str:
        """Hash of content, split and binarisation."""
        return self.board.fingerprint

    @property
    def conditions(self) -> dict[str, str]:
        """How grey values became bits."""
        return {} if self.board.binarisation == "bits" else {"binarised by": self.board.binarisation}

    @property
    def sizes(self) -> list[Size]:
        """Training and test rows."""
        train = Size(number=len(self.board.train), one="training row", many="training rows")
        return [train, Size(number=len(self.board.test), one="test row", many="test rows")]

    @property
    def measures(self) -> list[Measure]:
        """The log-likelihood."""
        return [Measure(name=LOG_P, unit="nats")]

    @property
    def identity(self) -> list[Any]:
        """Whether models are trained in run folders."""
        return [None if self.runs is None else str(self.runs.resolve())]

    def taken(self, system: System) -> System | None:
        """Return the model's training on this set, if it is trained on it; its bits must be those of the board."""
        recipe: Any = system.recipe
        if (system.choice.data or (recipe.data,)).count(self.name) == 0:
            return None
        if system.choice.data:
            several = len(system.choice.data) > 1
            name = f"{system.name}-{Path(self.name).name}" if several else system.name
            recipe = recipe.changed(name=name, data=self.name)
        own = self.data_of(recipe)
        if not np.array_equal(own.test, self.board.test):
            raise refuse(
                self.suite,
                system.name,
                f"is binarised by {own.binarisation} and {self.name} by {self.board.binarisation}; log-likelihoods of "
                "different bits are not to be compared, change one of them",
            )
        if self.runs is not None:
            self._check_folder(recipe)
        return replace(system, recipe=recipe)

    def stray(self, system: System) -> str:
        """Say which data a model is trained on."""
        data = ", ".join(system.choice.data) or system.recipe.data  # type: ignore[union-attr]
        return f"{system.name} is trained on {data}, of which there is no board; add {data} to density"

    def data_of(self, recipe: TrainingRecipe) -> DensityData:
        """Return what a model learns from: rows of the board, those for training as bits of the recipe's kind."""
        self._data.setdefault(self.board.binarisation.partition(",")[0], self.board)  # such data is large
        if recipe.binarise not in self._data:
            self._data[recipe.binarise] = recipe.load_data()
        return self._data[recipe.binarise]

    def fit(self, trial: Trial) -> Any:
        """Return a trained model."""
        recipe: Any = trial.system.recipe
        if self.runs is None:
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

    def _measured(self, model: Any, trial: Trial, fitting: float | None, resumed: bool) -> Measured:
        recipe: Any = trial.system.recipe
        data = self.data_of(recipe)
        start = time.perf_counter()
        found = model.log_prob(data.test[: recipe.test_rows], **recipe.evaluate)
        values, mean = np.asarray(found.value, dtype=np.float64), found.mean()
        seconds = (time.perf_counter() - start) * len(data.test) / len(values)
        memory = None if resumed else peak_memory_mb()  # before pictures are drawn
        figures, notes = self._pictures(model, data, trial, recipe)
        return Measured(
            {LOG_P: values},
            {LOG_P: float(values.mean())},
            seconds=seconds,
            fit_seconds=fitting,
            peak_memory_mb=memory,
            parameters=sum(weights.numel() for weights in model.fitted.parameters()),
            notes=(*_notes(recipe, data, mean), *([RESUMED] if resumed else []), *notes),
            facts={"kind": mean.kind, "error": float(mean.error), "ess": mean.ess},
            figures=tuple(figures),
        )

    def extra(self) -> Iterator[tuple[str, str, Measured]]:
        """Yield independent bits."""
        from irkit.generative.independent import independent_log_prob

        values = independent_log_prob(self.board.train, self.board.test)
        facts = {"kind": "exact", "error": 0.0, "ess": None}
        about = "Independent bits, with add-one frequencies of the training rows."
        columns = self.board.train.shape[1]
        yield (
            INDEPENDENT,
            about,
            Measured({LOG_P: values}, {LOG_P: float(values.mean())}, parameters=columns, facts=facts),
        )

    def units(self) -> list[str]:
        """Return the numbers of the test rows whose values are kept."""
        return [str(number) for number in range(min(KEPT, len(self.board.test)))]

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say what a row is."""
        notes = [f"{LOG_P} is in nats per row of {self.board.test.shape[1]} bits"]
        if len(self.board.test) > KEPT:
            notes.append(f"values of single rows are kept of the first {KEPT:,}")
        return notes

    def _pictures(self, model: Any, data: DensityData, trial: Trial, recipe: Any) -> tuple[list[Figure], list[str]]:
        from irkit.learn.figures import SMALL, figures

        if trial.seed != self.suite.seeds[0]:
            return [], []
        drawn = figures(model, data, seed=trial.seed, test_rows=recipe.test_rows, look=SMALL)
        embedded = [one.embedded() for one in drawn]
        small = [Figure.model_validate(one) for one in embedded if len(one["content"]) <= FIGURE_LIMIT]
        return small, [one.note for one in drawn if one.note]

    def _folder(self, recipe: Any, seed: int | None) -> Path:
        assert self.runs is not None
        return self.runs / (recipe.name if recipe.rule().seed == seed else f"{recipe.name}-seed-{seed}")

    def _resumed(self, trial: Trial) -> bool:
        """Say whether some of the training was done before, so that only its own record tells how long it took."""
        from irkit.learn.saved import CHECKPOINT

        return self.runs is not None and (self._folder(trial.system.recipe, trial.seed) / CHECKPOINT).is_file()

    def _check_folder(self, recipe: Any) -> None:
        """Raise `ConfigError` if another training of the suite would share the recipe's run folder."""
        for other in (DataChoice.recipe(choice) for choice in self.suite.systems):
            if other.name == recipe.name and other.hash != recipe.hash:
                raise ConfigError(
                    f"suite {self.suite.name}: two different recipes are called {recipe.name!r} and would share a run "
                    "folder; rename one of them"
                )


def _notes(recipe: Any, data: DensityData, mean: Any) -> list[str]:
    """Return what a reader of a model's numbers should know."""
    notes = []
    if recipe.test_rows is not None and recipe.test_rows < len(data.test):
        notes.append(f"measured on the first {recipe.test_rows:,} of the {len(data.test):,} test rows")
    if data.dynamic:
        notes.append("bits of the training part are sampled anew in each batch")
    if mean.ess is not None:
        notes.append(f"effective sample size {mean.ess:.0%} of the samples")
    return notes
