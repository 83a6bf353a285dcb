"""What systems are measured on, and how: a task gives one board of a suite.

A kind of task is two classes. Its `TaskChoice` is what a suite's file says of it, and is loaded once and
checked before anything is run; its `Task` says what there is much of, what it supplies to a system, how a
system is fitted, measured and compared, and what a reader should know. The one loop over tasks, systems,
seeds and folds is in `irkit.evaluate.run`.
"""

from __future__ import annotations

import re
import shlex
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.evaluate.board import Cell, Figure, Measure, Size, board_title
from irkit.evaluate.compare import cells_of_units
from irkit.evaluate.memory import peak_memory_mb, reset_peak
from irkit.evaluate.significance import Test
from irkit.evaluate.space import load_space
from irkit.evaluate.tasks.worth import deviation, worth

if TYPE_CHECKING:
    from irkit.evaluate.looks import Looks
    from irkit.evaluate.suite import Suite, SystemChoice
    from irkit.recipe import Cache, Recipe, TrainingRecipe


PAPER = "best epoch by the test part"
"What a board says of numbers whose training was stopped by what they are measured on."

STOPPED_BY_TEST = "stopped by the test part: the paper's protocol"
"What the row of such a system says."


@dataclass(frozen=True)
class System:
    """A system of a suite: what the suite says of it, and its recipe with the settings changed."""

    choice: SystemChoice
    recipe: Recipe | TrainingRecipe

    @property
    def name(self) -> str:
        """Its name on the board."""
        return self.choice.name


class Trial(NamedTuple):
    """One fit of one system."""

    system: System
    seed: int | None = None
    "Of what it draws; None leaves the recipe's own."
    fold: int = 0
    "The part it is measured on and learns nothing from, of a task in folds."

    @property
    def recipe(self) -> Any:
        """The system's recipe with this seed."""
        recipe: Any = self.system.recipe
        names = settings_of(recipe, "seed")
        return recipe if self.seed is None or not names else recipe.with_settings(dict.fromkeys(names, self.seed))


@dataclass(frozen=True)
class Measured:
    """What one trial gave: arrays to compare, plain values for the rest."""

    values: dict[str, Floats] = field(repr=False)
    "Measure -> (n,): the value of each unit; or what else the task's `compare` reads."
    means: dict[str, float]
    "Measure -> its value in this trial."
    seconds: float | None = None
    "Time to use what was fitted."
    fit_seconds: float | None = None
    peak_memory_mb: float | None = None
    parameters: int | None = None
    "Numbers that were learned."
    notes: tuple[str, ...] = ()
    "What a reader of the numbers should know."
    facts: dict[str, Any] = field(default_factory=dict)
    "What else `compare` reads, as JSON has it."
    figures: tuple[Figure, ...] = ()


class Compared(NamedTuple):
    """What a system's row says of its numbers."""

    cells: dict[str, Cell]
    "Measure -> statistics."
    values: dict[str, dict[str, float]]
    "Measure -> unit -> value."


class Options(NamedTuple):
    """What of a run is no part of what a suite says."""

    repeats: int | None = None
    "Runs to take the median time of, instead of a task's own number."
    cache: Cache | None = None
    "Where results of stages of retrieval are taken from."
    runs: Any = None
    "Folder below which models are trained in run folders of their own."
    looks: bool = False
    "Whether to gather what a page shows of single queries."
    say: Callable[[str], None] = lambda text: None
    "Told what begins, in a few words."

    def __reduce__(self) -> Any:
        return Options, self[:-1]  # who is told lives in this process


class TaskChoice(Config):
    """What a suite says of a task. The fields of a kind may also stand beside `systems`, for all of its tasks."""

    field: ClassVar[str]
    "Of a suite's file: what names them."
    tunes: ClassVar[bool] = False
    "Whether systems can be tuned."
    waives: ClassVar[bool] = False
    "Whether there are guards that a system may waive."
    trains: ClassVar[bool] = False
    "Whether its models can be trained in run folders."
    rows: ClassVar[tuple[str, ...]] = ()
    "Systems that stand on every board of the kind."
    name: str
    "Name or path of what is measured on."

    @classmethod
    def called(cls) -> str:
        """Return the field of a suite's file, by which messages call it."""
        return cls.field

    @classmethod
    def check_suite(cls, suite: Suite) -> None:
        """Raise `ConfigError` where a suite's measures or systems make no sense for tasks of this kind."""

    @classmethod
    def recipe(cls, choice: SystemChoice) -> Recipe | TrainingRecipe:
        """Load a system's recipe, with its settings changed: that of a pipeline, unless a kind has others."""
        from irkit.recipe import load_recipe

        found: Recipe = loaded(load_recipe(choice.recipe), choice)
        return found

    @property
    def standing(self) -> tuple[str, ...]:
        """Names of the rows that stand on its board beside systems: those of the kind, unless a task has its own."""
        return self.rows

    @abstractmethod
    def load(self, suite: Suite, options: Options) -> Task:
        """Find all that the task needs.

        Raises
        ------
        IrkitError
            If something is missing or does not fit.
        """


@dataclass(frozen=True)
class Task(ABC):
    """What systems are measured on, loaded and checked."""

    suite: Suite
    together: ClassVar[bool] = False
    "Whether systems are measured beside each other, as they share work, and not one after the other."
    kind: ClassVar[str]
    "Of the board."
    timed: ClassVar[str]
    "What a time is for one of."
    each: ClassVar[str] = ""
    "What stands before a measure where units' values do not average to its mean."
    interval: ClassVar[str] = "95 % bootstrap"
    "What its intervals are."
    folds: ClassVar[int] = 1
    "Parts that are measured on in turn; each fit learns from the others."
    supplies: ClassVar[tuple[str, ...]] = ()
    "What a recipe may need."

    # ------------------------------------------------------------------ what it is

    @property
    @abstractmethod
    def name(self) -> str:
        """What is measured on."""

    @property
    def about(self) -> str:
        """That in a sentence."""
        return ""

    @property
    @abstractmethod
    def data_hash(self) -> str:
        """Hash of the data."""

    @property
    @abstractmethod
    def sizes(self) -> list[Size]:
        """How much there is of what; last the units that values are paired over."""

    @property
    def times(self) -> int:
        """How many of what times are for one of a trial uses."""
        return self.sizes[-1].number

    @property
    def conditions(self) -> dict[str, str]:
        """What else the numbers depend on: a split, a binarisation."""
        return {}

    @property
    @abstractmethod
    def measures(self) -> list[Measure]:
        """What is measured; the first one ranks the board."""

    @property
    def title(self) -> str:
        """Name and conditions, by which a board is chosen: `ml-100k:u1`."""
        return board_title(self.name, self.conditions)

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Return what a reader of the board should know of what was measured."""
        return []

    def close(self) -> None:  # noqa: B027  (most have nothing open)
        """Let go of what was opened."""

    # ------------------------------------------------------------------ how systems are measured

    def taken(self, system: System) -> System | None:
        """Return a system as it is for this task, None if it is not; raise `ConfigError` if it cannot be measured."""
        recipe: Any = system.recipe
        if lacking := [need for need in getattr(recipe, "needs", ()) if need not in self.supplies]:
            what = f"needs {', '.join(lacking)}, but a suite supplies {', '.join(self.supplies) or 'nothing'}"
            raise refuse(self.suite, system.name, what)
        if system.choice.tune:
            tuning = self.suite.tuning
            load_space(system.choice.tune).candidates_for(recipe, tuning.method, tuning.trials, self.suite.seed)
        return system

    def seeds(self, system: System) -> Sequence[int | None]:
        """Return the seeds a system is fitted with."""
        return self.suite.seeds

    @abstractmethod
    def fit(self, trial: Trial) -> Any:
        """Return a system, fitted to the training part."""

    @abstractmethod
    def measure(self, fitted: Any, trial: Trial) -> Measured:
        """Measure a fitted system on the test part."""

    def run(self, trials: Sequence[Trial]) -> Iterator[Measured | Exception]:
        """Fit and measure trials; what fails gives its error."""
        for trial in trials:
            try:
                yield self._run(trial)
            except Exception as error:
                yield error

    def looked(self, trial: Trial) -> None:  # noqa: B027  (most keep no account)
        """Count a look at what a trial was measured on, by whichever process."""

    def stray(self, system: System) -> str:
        """Say why a system is for no task of its suite."""
        return f"{system.name} is for none of its boards; leave it out"

    def identity(self, system: System) -> list[Any]:
        """Return what numbers and times depend on besides data, conditions, measures, recipe and suite."""
        return [load_space(system.choice.tune).given()] if system.choice.tune else []

    def part(self, trial: Trial) -> str:
        """Begin a note with the fold and the seed that it is of, where there are several: `fold 1, seed 2, `."""
        seed = f"seed {trial.seed}, " if trial.seed is not None and len(self.seeds(trial.system)) > 1 else ""
        return (f"fold {trial.fold + 1}, " if self.folds > 1 else "") + seed

    def joined(self, folds: Sequence[Measured]) -> Measured:
        """Put what a system gave in the folds of one seed together: each unit has the mean of its values.

        In a fold the values of units that it does not measure are NaN.
        """
        if len(folds) == 1:
            return folds[0]
        values = {name: np.nanmean(np.stack([one.values[name] for one in folds]), axis=0) for name in folds[0].values}
        by_fold = {name: [one.means[name] for one in folds] for name in folds[0].means}
        return replace(
            folds[0],
            values=values,
            means=self.mean_of_folds(values, by_fold),
            seconds=_total(one.seconds for one in folds),
            fit_seconds=_total(one.fit_seconds for one in folds),
            peak_memory_mb=max((one.peak_memory_mb for one in folds if one.peak_memory_mb is not None), default=None),
            notes=tuple(dict.fromkeys(note for one in folds for note in one.notes)),
            facts={**folds[0].facts, "by_fold": by_fold},
        )

    def mean_of_folds(self, values: Mapping[str, Floats], by_fold: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Return the value of each measure over folds: the mean over units, or over folds where these have none."""
        return {name: float(values[name].mean() if name in values else np.mean(by_fold[name])) for name in by_fold}

    def extra(self) -> Iterator[tuple[str, str, Measured]]:
        """Yield the rows that stand on every board: name, what it is, what it gave."""
        return iter(())

    def compare(
        self, found: Mapping[str, Sequence[Measured]], baseline: str | None, test: Test, seed: int
    ) -> dict[str, Compared]:
        """Compare systems by the values of units, over trials, on the units that both were measured on.

        Parameters
        ----------
        found : mapping of system to trials
            By seed; the folds of one seed joined (`joined`).
        baseline : str, optional
        test : {"t", "wilcoxon", "randomisation"}
            The test whose p-values are corrected, measure by measure.
        seed : int
            Of bootstrap and randomisation.
        """
        measures = [one.name for one in self.measures]
        lower, paired = {m.name for m in self.measures if m.lower}, [m.name for m in self.measures if not m.whole]
        values = {m: {s: np.stack([t.values[m] for t in trials]) for s, trials in found.items()} for m in paired}
        means = {m: {s: float(np.mean([t.means[m] for t in own])) for s, own in found.items()} for m in measures}
        cells = cells_of_units(values, means, baseline, test, lower=lower, seed=seed, correction=self.suite.correction)
        out = {name: Compared({}, {}) for name in found}
        for measure, column in cells.items():
            for name, trials in found.items():
                update = worth(trials, measure) | deviation(trials, measure)
                out[name].cells[measure] = column[name].model_copy(update=update)
                own = values[measure][name].mean(axis=0).tolist() if measure in paired else []
                out[name].values[measure] = dict(zip(self.units_of(measure), own, strict=False))
        return out

    def looks(
        self, found: Mapping[str, Sequence[Measured]], values: Mapping[str, Mapping[str, float]], baseline: str | None
    ) -> Looks | None:
        """Return what a page shows of single units; `values` are those of the first measure, by system."""
        return None

    def units(self) -> Sequence[str]:
        """Return the names of the units that values are kept of, in the order of the values."""
        return [str(number) for number in range(self.sizes[-1].number)]

    def units_of(self, measure: str) -> Sequence[str]:
        """Return the names of the units that the values of one measure are of; default those of all."""
        return self.units()

    def command(self, system: System) -> str:
        """Return the command that makes a system's row."""
        words = ["irkit", "leaderboard", self.suite.origin, "--only", self.title, "--system", system.name]
        return shlex.join(words)

    def _run(self, trial: Trial) -> Measured:
        reset_peak()
        start = time.perf_counter()
        fitted = self.fit(trial)
        between = time.perf_counter()
        measured = self.measure(fitted, trial)
        end = time.perf_counter()
        if measured.seconds is not None:  # it has kept its own account
            return measured
        return replace(measured, seconds=end - between, fit_seconds=between - start, peak_memory_mb=peak_memory_mb())


def _total(seconds: Iterable[float | None]) -> float | None:
    known = list(seconds)
    return None if None in known else float(sum(known))  # type: ignore[arg-type]


def settings_of(recipe: Any, field: str) -> list[str]:
    """Return the full names of the settings of some field in a pipeline, such as `0.seed`."""
    from irkit.recipe import setting_names

    stages = getattr(recipe, "stages", [])
    return [name for name in setting_names(stages) if name.rpartition(".")[2] == field]


def loaded(recipe: Any, choice: SystemChoice) -> Any:
    """Return a recipe of either kind with a choice's settings and, where these change it, its name."""
    if not choice.settings:
        return recipe
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", choice.name).strip("-") or recipe.name  # a row may be called anything
    return recipe.with_settings(choice.settings).changed(name=name, about=choice.about or recipe.about)


def refuse(suite: Suite, name: str, what: str) -> ConfigError:
    """Return the error for a system that cannot be measured."""
    return ConfigError(f"suite {suite.name}: {name} {what}")
