"""Recommendation: recommenders on split ratings, by the error of predicted ratings or by top-n lists.

Users are what intervals draw and what tests pair. With several splits, the folds, a system is fitted once for
each. What is measured is in `errors` and `lists`; here is what both share.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from irkit.errors import ConfigError, near_misses
from irkit.evaluate.engine import LOCAL, Engine
from irkit.evaluate.ratings import PARTS
from irkit.evaluate.space import Space, load_space
from irkit.evaluate.tasks.curves import learning_curves
from irkit.evaluate.tasks.seeds import seeds_of
from irkit.evaluate.tasks.task import (
    PAPER,
    STOPPED_BY_TEST,
    Measured,
    Options,
    System,
    Task,
    TaskChoice,
    Trial,
    refuse,
    settings_of,
)
from irkit.evaluate.toplists import check_measures
from irkit.evaluate.tuning import Chosen, tune_on
from irkit.recommend.guards import GUARDS, LOOKS, checked, scale_notes
from irkit.recommend.lists import counts_notes, recommenders
from irkit.recommend.problems import Problem, SplitChoice, load_problem
from irkit.recommend.splits import split_title
from irkit.recommend.table import Duplicates, RatingTable
from irkit.registry import STAGES

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite
    from irkit.recipe import Recipe

ERRORS = {
    name if part == "all" else f"{name}({part})": (name == "RMSE", part) for name in ("RMSE", "MAE") for part in PARTS
}
"Measures of predicted ratings: whether errors are squared, and of which part of the pairs."


READING = ("format", "encoding", "columns", "duplicates")
"Fields that say how ratings are read."


class RatingsChoice(TaskChoice):
    """Ratings of a suite and how they are split."""

    field = "ratings"
    tunes, waives = True, True
    name: str
    "A rating collection, a file or planted ratings; see `irkit.recommend.problems`."
    split: str | SplitChoice | tuple[str | SplitChoice, ...] = ()
    "A split that the collection's card names, or a kind of split with its settings; several are folds."
    format: str = "auto"
    encoding: str = "utf-8"
    columns: dict[str, str] | list[str] | None = None
    "How a file of ratings is read, as in `irkit.io.read_ratings`."
    duplicates: Duplicates | None = None
    "What to do where a user rated an item twice; default what a card says, or error, and of counts sum."
    folds: int | None = Field(None, ge=2)
    "Instead of `split`: parts drawn by the suite's seed, each of which is held out once."
    liked: float = 4.0
    "Top-n lists: least rating of a relevant item; of likes and counts, unless it is given, the least there is."
    candidates: Literal["positives", "rated"] = "positives"
    "Top-n lists: which training items are no candidates; see `irkit.evaluate.toplists.POLICIES`."
    valid: float | None = Field(None, gt=0, lt=1)
    "Share of the training ratings held out for models with the setting `patience`; others learn from all."
    protocol: Literal["validation", "paper"] = "validation"
    """What models with the setting `patience` are stopped by: the ratings held out, or as some papers do the test part;
    boards say so."""

    @field_validator("split", mode="before")
    @classmethod
    def _read_split(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(SplitChoice(**one) if isinstance(one, Mapping) else one for one in value)
        return SplitChoice(**value) if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.split and self.folds:
            raise ValueError(
                f"{self.name} has a split and {self.folds} folds, which are splits of their own; leave one out"
            )
        if self.protocol == "paper" and self.valid is not None:
            raise ValueError("protocol paper stops training by the test part, so nothing is held out; leave out valid")
        if not (self.split or self.folds):
            raise ValueError(f"{self.name} needs a split, or a number of folds; write split: {{kind: random}}")
        if isinstance(self.split, tuple) and len(set(self.split)) < len(self.split):
            raise ValueError(f"{self.name} names a split twice, which would count its ratings twice; leave one out")
        return self

    @classmethod
    def check_suite(cls, suite: Suite) -> None:
        """Raise `ConfigError` unless all measures are rating errors, or all are of lists; and guards exist."""
        others = [name for name in suite.measures if name not in ERRORS]
        misspelt = [name for name in others if name.startswith(("RMSE", "MAE"))]
        if not suite.measures:
            raise ConfigError("measures: a suite of ratings has one or more, got none; write measures: RMSE MAE")
        if misspelt:
            raise ConfigError(f"measures: there is no measure {misspelt[0]!r}; {near_misses(misspelt[0], ERRORS)}")
        if others and len(others) < len(suite.measures):
            raise ConfigError(f"measures: rating errors and top-n lists do not mix, got {others[0]}; name one kind")
        if others:
            try:
                check_measures(suite.measures)
            except ConfigError as error:
                raise ConfigError(f"measures: {str(error).partition(': ')[2]}") from None
        for name in (name for system in suite.systems for name in system.waive):
            if name not in GUARDS:
                raise ConfigError(f"systems: there is no guard {name!r} to waive; {near_misses(name, GUARDS)}")

    @property
    def reading(self) -> dict[str, Any]:
        """How the ratings are read, as far as the suite says."""
        told = self.given()
        return {name: told[name] for name in READING if name in told}

    def load(self, suite: Suite, options: Options) -> RatingTask:
        """Load and split the ratings."""
        splits = self.split if isinstance(self.split, tuple) else (self.split,)
        if k := self.folds:
            splits = tuple(SplitChoice(kind="k-fold", k=k, fold=fold, seed=suite.seed) for fold in range(k))
        return self.of(suite, tuple(load_problem(self.name, split, **self.reading) for split in splits))

    def of(self, suite: Suite, problems: tuple[Problem, ...]) -> RatingTask:
        """Return what a suite measures on split ratings, one problem for each fold."""
        from irkit.evaluate.tasks.errors import ErrorTask
        from irkit.evaluate.tasks.lists import ListTask

        kind = ErrorTask if any(name in ERRORS for name in suite.measures) else ListTask
        try:
            return kind(suite, self, problems)
        except ConfigError as error:
            raise ConfigError(f"suite {suite.name}: {error}") from None


@dataclass(frozen=True, eq=False)
class RatingTask(Task):
    """Split ratings, and what every way to measure recommenders on them shares."""

    choice: RatingsChoice
    problems: tuple[Problem, ...]
    "One for each fold."
    supplies = ("train",)

    @property
    def problem(self) -> Problem:
        """The first fold."""
        return self.problems[0]

    @property
    def name(self) -> str:
        """The collection's, as the suite gives it."""
        return self.choice.name

    @property
    def about(self) -> str:
        """What the ratings are."""
        return self.problem.about

    @property
    def data_hash(self) -> str:
        """Hash of what all ratings depend on."""
        return self.problem.fingerprint

    @property
    def conditions(self) -> dict[str, str]:
        """How the ratings are split, and the protocol where it is not the usual one."""
        paper = {"protocol": PAPER} if self.choice.protocol == "paper" else {}
        if self.folds == 1:
            return {"split": split_title(self.problem.split), **paper}
        if self.choice.folds is not None:
            return {"split": f"{self.folds} folds, seed {self.suite.seed}", **paper}
        return {"split": ", ".join(split_title(problem.split) for problem in self.problems), **paper}

    @property
    def folds(self) -> int:  # type: ignore[override]
        """Splits."""
        return len(self.problems)

    def identity(self, system: System) -> list[Any]:
        """Add the splits and how they are used."""
        return [
            *super().identity(system),
            self.choice.model_dump(mode="json", exclude=set(READING)) | self.choice.reading,
            [problem.split.hash for problem in self.problems],
        ]

    def seeds(self, system: System) -> Sequence[int | None]:
        """Return those of a system that draws; see `seeds_of`."""
        return seeds_of(self.suite, system.recipe)

    def taken(self, system: System) -> System:
        """Look whether the system is a recommender, and has the time it uses."""
        super().taken(system)
        recipe: Any = system.recipe
        if not recipe.needs:
            raise refuse(self.suite, system.name, "learns from no ratings; use a recipe that needs train")
        timed = any(getattr(kind, "uses_time", False) for kind in kinds(recipe.stages))
        if timed and self.problem.split.ratings.time is None:
            what = f"uses time, and {self.problem.name} has no timestamps; leave one out"
            raise refuse(self.suite, system.name, what)
        return system

    def fit(self, trial: Trial) -> tuple[Any, list[str]]:
        """Return a recommender, tuned if it is to be, as `learned` does."""
        if not trial.system.choice.tune:
            return self.learned(trial.recipe, trial.fold)
        chosen = self.tuned(trial.recipe, load_space(trial.system.choice.tune), trial.fold)
        stage, notes = self.learned(chosen.recipe, trial.fold)
        tried, *said = chosen.notes()
        part = self.part(trial)
        return stage, [tried, *(part + note for note in said), *notes]

    def learned(self, recipe: Recipe, fold: int = 0) -> tuple[Any, list[str]]:
        """Return a recommender fitted on the training part of a fold, and notes on that."""
        split = self.problems[fold].split
        if self.choice.protocol == "paper" and settings_of(recipe, "patience"):
            return recipe.build().fit(split.train, split.test), [STOPPED_BY_TEST]
        if self.choice.valid is None or not settings_of(recipe, "patience"):
            return recipe.build().fit(split.train), []
        inner = split.inner(self.choice.valid, self.suite.seed)
        note = f"stopped early by {len(inner.test):,} of the training ratings, not learned from"
        return recipe.build().fit(inner.train, inner.test), [note]

    def tuned(
        self, recipe: Recipe, space: Space, fold: int = 0, *, engine: Engine = LOCAL, progress: bool = False
    ) -> Chosen:
        """Choose settings by the first measure on a part of a fold's training ratings."""
        problem, tuning, measure = self.problems[fold], self.suite.tuning, self.measures[0]
        inner = problem.split.inner(self.choice.valid or 0.1, self.suite.seed)
        only = self.suite.changed(measures=(measure.name,))
        task = replace(self, suite=only, problems=(replace(problem, split=inner),))
        return tune_on(
            recipe,
            space,
            partial(_value, task, measure.name),
            measure=measure.name,
            lower=measure.lower,
            held_out=f"{len(inner.test):,} of the training ratings",
            method=tuning.method,
            trials=tuning.trials,
            seed=self.suite.seed,
            engine=engine,
            progress=progress,
        )

    def measure(self, fitted: tuple[Any, list[str]], trial: Trial) -> Measured:
        """Measure a recommender on the test part of a fold."""
        (stage, notes), split = fitted, self.problems[trial.fold].split
        waive = dict(trial.system.choice.waive)
        if self.choice.protocol == "paper":
            waive.setdefault("test pairs", PAPER)
        notes = [*notes, *counts_notes(stage)]
        for model in recommenders(stage):
            notes = [*notes, *checked(model, split, waive)]
        found = self.measured(stage, trial.fold)
        first = trial.fold == 0 and trial.seed in (None, self.suite.seeds[0])
        return replace(found, notes=(*notes, *found.notes), figures=tuple(learning_curves(stage)) if first else ())

    def looked(self, trial: Trial) -> None:
        """Count a look at the test part of a fold."""
        LOOKS.look(self.problems[trial.fold].split)

    @abstractmethod
    def measured(self, stage: Any, fold: int) -> Measured:
        """Measure a fitted system on the test part of a fold; without its costs."""

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say how much there is to learn from and to be measured on."""
        split = self.problem.split
        notes = [f"{len(split.train):,} training and {len(split.test):,} test ratings; {self.known()}"]
        if self.folds > 1:
            again = held_out_again([problem.split.test for problem in self.problems])
            once = f"{again:,} pairs are held out again by a later one" if again else "each is held out once"
            notes.append(f"of the first of {self.folds} folds; {once}")
        if split.leaky:
            notes.append(f"leaky split: {split.leaky}")
        return [*notes, f"split {split.hash}", *scale_notes(split), LOOKS.note(split)]

    @abstractmethod
    def known(self) -> str:
        """Say how much of the test part training knows."""


def _value(task: RatingTask, measure: str, recipe: Recipe) -> float:
    return task.measured(task.learned(recipe)[0], 0).means[measure]


def held_out_again(tests: Sequence[RatingTable]) -> int:
    """Count the pairs of user and item that stand in more than one test part, beyond their first.

    Folds of one's own may be alike, and then their numbers are not those of different ratings.
    """
    from pandas.util import hash_array

    keys = []
    for test in tests:
        users, items = (
            hash_array(np.array(names.to_pylist(), dtype=object)) for names in (test.users.names, test.items.names)
        )
        keys.append(users[test.user] * np.uint64(0x9E3779B97F4A7C15) + items[test.item])
    return sum(map(len, keys)) - len(np.unique(np.concatenate(keys)))


def kinds(stages: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the class of every stage of a recipe, those inside others too."""
    for stage in stages:
        yield STAGES.load(stage["use"])
        for part in stage.get("of", []):
            yield from kinds(part)
