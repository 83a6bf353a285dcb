"""Recommendation: recommenders on split ratings, by the error of predicted ratings (here) or by top-n lists.

Users are what intervals draw and what tests pair. With several splits, the folds, a system is fitted once for
each; an error is then the mean over folds.

Symbols: S seeds, n test ratings (of all folds).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from irkit.errors import ConfigError, near_misses
from irkit.evaluate.board import Measure, Size
from irkit.evaluate.ratings import (
    PARTS,
    branches,
    compare_errors,
    error_by_seed,
    known_pairs,
    parts_of,
    prediction_errors,
)
from irkit.evaluate.significance import Test
from irkit.evaluate.space import load_space
from irkit.evaluate.tasks.task import (
    Compared,
    Measured,
    Options,
    System,
    Task,
    TaskChoice,
    Trial,
    deviation,
    loaded,
    refuse,
)  # fmt: skip
from irkit.evaluate.toplists import check_measures
from irkit.evaluate.tuning import tune_on
from irkit.recommend.base import Recommender
from irkit.recommend.guards import GUARDS, LOOKS, checked, scale_notes
from irkit.recommend.lists import recommenders
from irkit.recommend.problems import Problem, SplitChoice, load_problem
from irkit.recommend.splits import split_title
from irkit.registry import STAGES

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite, SystemChoice
    from irkit.recipe import Recipe

SUPPLIED = ("train",)
"What a recipe may need."

ERRORS = {
    name if part == "all" else f"{name}({part})": (name == "RMSE", part) for name in ("RMSE", "MAE") for part in PARTS
}
"Measures of predicted ratings: whether errors are squared, and of which part of the pairs."


class RatingsChoice(TaskChoice):
    """Ratings of a suite and how they are split."""

    field = "ratings"
    tunes, waives = True, True
    name: str
    "A rating collection, a file or planted ratings; see `irkit.recommend.problems`."
    split: str | SplitChoice | tuple[str | SplitChoice, ...] = ()
    "A split that the collection's card names, or a kind of split with its settings; several are folds."
    folds: int | None = Field(None, ge=2)
    "Instead of `split`: parts drawn by the suite's seed, each of which is held out once."
    liked: float = 4.0
    "Top-n lists: least rating of a relevant item."
    candidates: Literal["positives", "rated"] = "positives"
    "Top-n lists: which training items are no candidates; see `irkit.evaluate.toplists.POLICIES`."
    valid: float | None = Field(None, gt=0, lt=1)
    "Share of the training ratings held out for models with the setting `patience`; others learn from all."

    @field_validator("split", mode="before")
    @classmethod
    def _read_split(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(SplitChoice(**one) if isinstance(one, Mapping) else one for one in value)
        return SplitChoice(**value) if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.split) == bool(self.folds):
            raise ValueError(f"{self.name} needs a split, or a number of folds; write split: {{kind: random}}")
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
            raise ConfigError(f"measures: rating errors and top-n lists do not mix, got {others[0]}; make two suites")
        if others:
            try:
                check_measures(suite.measures)
            except ConfigError as error:
                raise ConfigError(f"measures: {str(error).partition(': ')[2]}") from None
        for name in (name for system in suite.systems for name in system.waive):
            if name not in GUARDS:
                raise ConfigError(f"systems: there is no guard {name!r} to waive; {near_misses(name, GUARDS)}")

    @classmethod
    def recipe(cls, choice: SystemChoice) -> Recipe:
        """Load a system's pipeline."""
        from irkit.recipe import load_recipe

        found: Recipe = loaded(load_recipe(choice.recipe), choice)
        return found

    def load(self, suite: Suite, options: Options) -> RatingTask:
        """Load and split the ratings."""
        from irkit.evaluate.tasks.lists import ListTask

        problems = tuple(load_problem(self.name, split) for split in self._splits(suite.seed))
        kind = ErrorTask if any(name in ERRORS for name in suite.measures) else ListTask
        try:
            return kind(suite, self, problems)
        except ConfigError as error:
            raise ConfigError(f"suite {suite.name}: {error}") from None

    def _splits(self, seed: int) -> list[str | SplitChoice]:
        if self.folds is not None:
            return [SplitChoice(kind="k-fold", k=self.folds, fold=fold, seed=seed) for fold in range(self.folds)]
        return list(self.split) if isinstance(self.split, tuple) else [self.split]


@dataclass(frozen=True, eq=False)
class RatingTask(Task):
    """Split ratings, and what every way to measure recommenders on them shares."""

    choice: RatingsChoice
    problems: tuple[Problem, ...]
    "One for each fold."

    @property
    def problem(self) -> Problem:
        """The first fold."""
        return self.problems[0]

    @property
    def name(self) -> str:
        """The collection's."""
        return self.problem.name

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
        """How the ratings are split."""
        if self.folds == 1:
            return {"split": split_title(self.problem.split)}
        if self.choice.folds is not None:
            return {"split": f"{self.folds} folds, seed {self.suite.seed}"}
        return {"split": ", ".join(split_title(problem.split) for problem in self.problems)}

    @property
    def folds(self) -> int:  # type: ignore[override]
        """Splits."""
        return len(self.problems)

    @property
    def identity(self) -> list[Any]:
        """The splits and how they are used."""
        return [self.choice.model_dump(mode="json"), [problem.split.hash for problem in self.problems]]

    def seeds(self, system: System) -> Sequence[int | None]:
        """Return the suite's seeds for a system that draws."""
        return self.suite.seeds if system.settings_of("seed") else [None]

    def taken(self, system: System) -> System:
        """Look whether the system is a recommender, and has the time it uses."""
        recipe: Any = system.recipe
        if lacking := [need for need in recipe.needs if need not in SUPPLIED]:
            what = f"needs {', '.join(lacking)}, but a suite supplies {', '.join(SUPPLIED)}"
            raise refuse(self.suite, system.name, what)
        if not recipe.needs:
            raise refuse(self.suite, system.name, "learns from no ratings; use a recipe that needs train")
        timed = any(getattr(kind, "uses_time", False) for kind in kinds(recipe.stages))
        if timed and self.problem.split.ratings.time is None:
            what = f"uses time, and {self.problem.name} has no timestamps; leave one out"
            raise refuse(self.suite, system.name, what)
        if system.choice.tune:
            space = load_space(system.choice.tune)
            for values in space.candidates(self.suite.tuning.method, self.suite.tuning.trials, self.suite.seed):
                recipe.with_settings(space.settings(values))
        return system

    def fit(self, trial: Trial) -> tuple[Any, list[str]]:
        """Return a recommender fitted on the training part of a fold, after a check that it saw no more; and notes."""
        split, recipe = self.problems[trial.fold].split, trial.recipe
        notes: list[str] = []
        if trial.system.choice.tune:
            recipe, notes = self._tuned(trial, recipe)
        train, valid = split.train, None
        if self.choice.valid is not None and trial.system.settings_of("patience"):
            inner = split.inner(self.choice.valid, self.suite.seed)
            train, valid = inner.train, inner.test
            notes.append(f"stopped early by {len(valid):,} of the training ratings, not learned from")
        return recipe.build().fit(train, valid), notes

    def measure(self, fitted: tuple[Any, list[str]], trial: Trial) -> Measured:
        """Measure a recommender on the test part of a fold."""
        (stage, notes), split = fitted, self.problems[trial.fold].split
        for model in recommenders(stage):
            notes = [*notes, *checked(model, split, trial.system.choice.waive)]
        found = self.measured(stage, trial.fold)
        LOOKS.look(split)
        return replace(found, notes=(*notes, *found.notes))

    @abstractmethod
    def measured(self, stage: Any, fold: int) -> Measured:
        """Measure a fitted system on the test part of a fold; without its costs."""

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say how much there is to learn from and to be measured on."""
        split = self.problem.split
        notes = [f"{len(split.train):,} training and {len(split.test):,} test ratings; {self.known()}"]
        if self.folds > 1:
            notes.append(f"of the first of {self.folds} folds; each is held out once")
        if split.leaky:
            notes.append(f"leaky split: {split.leaky}")
        return [*notes, f"split {split.hash}", *scale_notes(split), LOOKS.note(split)]

    @abstractmethod
    def known(self) -> str:
        """Say how much of the test part training knows."""

    def _tuned(self, trial: Trial, recipe: Recipe) -> tuple[Recipe, list[str]]:
        """Choose settings on a part of the fold's training ratings."""
        problem = self.problems[trial.fold]
        inner = problem.split.inner(self.choice.valid or 0.1, self.suite.seed)
        only = self.suite.changed(measures=self.suite.measures[:1], systems=(trial.system.choice.changed(tune=""),))
        task = replace(self, suite=only, problems=(replace(problem, split=inner),))

        def value(one: Recipe) -> float:
            fitted = task.fit(Trial(System(only.systems[0], one)))
            return task.measured(fitted[0], 0).means[only.measures[0]]

        space, tuning = load_space(trial.system.choice.tune), self.suite.tuning
        candidates = space.candidates(tuning.method, tuning.trials, self.suite.seed)
        best, notes = tune_on(recipe, space, candidates, value, lower=self.measures[0].lower)
        where = f"by {only.measures[0]} on {len(inner.test):,} of the training ratings"
        return best, [f"tuned: {len(candidates)} candidates of {space.name} {where}", *notes]


@dataclass(frozen=True, eq=False)
class ErrorTask(RatingTask):
    """Measures the error of predicted ratings, on all pairs or on a part of them."""

    kind = "ratings"
    timed = "pair"
    each = "each user's own "
    interval = "95 % user-clustered bootstrap"

    def __post_init__(self) -> None:
        for measure in self.measures:
            if not self.parts[ERRORS[measure.name][1]].any():
                where = f"{self.problem.name}, {self.conditions['split']}"
                raise ConfigError(f"measures: {measure.name} has no pair in the test part of {where}; leave it out")

    @cached_property
    def measures(self) -> list[Measure]:  # type: ignore[override]
        """Errors: less is better."""
        return [Measure(name=name, lower=True) for name in dict.fromkeys(self.suite.measures)]

    @property
    def sizes(self) -> list[Size]:
        """Items, and users of the test part."""
        items = Size(number=len(self.problem.split.ratings.items), one="item", many="items")
        return [items, Size(number=len(self._users), one="user", many="users")]

    @property
    def times(self) -> int:
        """Test ratings."""
        return sum(len(problem.split.test) for problem in self.problems)

    @cached_property
    def parts(self) -> dict[str, Any]:
        """The pairs of each part, told by what the whole training part knows: (n,) bool."""
        return parts_of(np.concatenate([branches(problem.split) for problem in self.problems]))

    @cached_property
    def _pairs(self) -> list[str]:
        """The user of each test rating of all folds."""
        return [user for one in self.problems for user in one.split.test.users.take(one.split.test.user).to_pylist()]

    @cached_property
    def _users(self) -> list[str]:
        return sorted(set(self._pairs))

    def taken(self, system: System) -> System:
        """Look whether the system predicts ratings."""
        super().taken(system)
        found = list(kinds(system.recipe.stages))  # type: ignore[union-attr]
        if len(found) > 1 or not issubclass(found[0], Recommender) or not found[0].predicts_ratings:
            raise refuse(
                self.suite,
                system.name,
                f"predicts no ratings, which {self.measures[0].name} needs; measure its lists (nDCG@10, P@5), or use "
                "a recipe of one rating model",
            )
        return system

    def measured(self, stage: Recommender, fold: int) -> Measured:
        """Predict the test ratings of a fold; the errors of other folds' are NaN."""
        predicted = stage.predict(self.problems[fold].split.test.frame())
        ends = np.cumsum([0, *(len(problem.split.test) for problem in self.problems)])
        error = np.full(ends[-1], np.nan)
        error[ends[fold] : ends[fold + 1]] = prediction_errors(predicted)
        own = predicted["branch"].to_numpy()
        differs = (own != branches(self.problems[fold].split)).any()
        return Measured({"error": error}, self._means(error), notes=(known_pairs(own),) if differs else ())

    def joined(self, folds: Sequence[Measured]) -> Measured:
        """Keep the errors of each fold in a row of their own: (k, n)."""
        if len(folds) == 1:
            return folds[0]
        whole = super().joined(folds)
        return replace(whole, values={"error": np.stack([one.values["error"] for one in folds])})

    def mean_of_folds(self, values: Mapping[str, Any], by_fold: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Return the mean over folds."""
        return {name: float(np.nanmean(each)) for name, each in by_fold.items()}

    def compare(
        self, found: Mapping[str, Sequence[Measured]], baseline: str | None, test: Test, seed: int
    ) -> dict[str, Compared]:
        """Compare errors, users the unit."""
        number = {user: row for row, user in enumerate(self._users)}
        pair_user = np.array([number[user] for user in self._pairs])
        out = {name: Compared({}, {}) for name in found}
        for measure in (one.name for one in self.measures):
            squared, part = ERRORS[measure]
            mask = self.parts[part]
            errors = {
                name: np.concatenate([np.atleast_2d(one.values["error"])[:, mask] for one in each])
                for name, each in found.items()
            }
            user = pair_user[mask]  # users in order of their ids, as `rating_errors` has them
            cells, values = compare_errors(errors, user, squared=squared, baseline=baseline, test=test, seed=seed)
            ids = [self._users[row] for row in np.unique(user)]
            for name, each in found.items():
                out[name].cells[measure] = cells[name].model_copy(update=deviation(each, measure))
                out[name].values[measure] = dict(zip(ids, values[name].tolist(), strict=True))
        return out

    def known(self) -> str:
        """Say what predictions are made from."""
        return known_pairs(branches(self.problem.split))

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Add the planted optimum."""
        floor = self.problem.floor
        best = [] if floor is None else [f"best possible RMSE {floor:.4f}: that of whoever knows the planted law"]
        return [*best, *super().notes(found)]

    def _means(self, error: Any) -> dict[str, float]:
        out = {}
        for name in (one.name for one in self.measures):
            squared, part = ERRORS[name]
            own = error[self.parts[part]]
            own = own[np.isfinite(own)]
            out[name] = float(error_by_seed(own[None], squared=squared)[0]) if len(own) else float("nan")
        return out


def kinds(stages: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the class of every stage of a recipe, those inside others too."""
    for stage in stages:
        yield STAGES.load(stage["use"])
        for part in stage.get("of", []):
            yield from kinds(part)
