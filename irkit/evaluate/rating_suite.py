"""Suites of recommendation: recommenders on split ratings, by the error of predicted ratings or by top-n lists.

Users are what intervals draw and what tests pair. A system with a seed is fitted once with each of the suite's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from irkit.config import Config
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.memory import memory_notes, peak_memory_mb, reset_peak
from irkit.evaluate.rulers import ERRORS, ErrorRuler, ListRuler, Ruler, described, split_title
from irkit.evaluate.significance import TEST_TITLES
from irkit.evaluate.suitefile import (
    ComparingSuite,
    RecipeChoice,
    check_needs,
    check_seeds,
    loaded_recipe,
    origin,
    seeds_note,
)
from irkit.evaluate.toplists import check_measures
from irkit.recommend.base import Recommender
from irkit.recommend.guards import GUARDS, LOOKS, checked, scale_notes
from irkit.recommend.lists import recommenders
from irkit.recommend.problems import Problem, SplitChoice, load_problem
from irkit.recommend.splits import RatingSplit
from irkit.rng import Seed

if TYPE_CHECKING:
    from irkit.recipe import Recipe
    from irkit.recommend.table import RatingTable

RESOURCES = ("train",)
"What a suite supplies to the recipes it runs."


class ProblemChoice(Config):
    """Ratings of a suite and how they are split."""

    name: str
    "A rating collection, a file or planted ratings; see `irkit.recommend.problems`."
    split: str | SplitChoice
    "A split that the collection's card names, or a kind of split with its settings."

    @field_validator("split", mode="before")
    @classmethod
    def _read_split(cls, value: Any) -> Any:
        return SplitChoice(**value) if isinstance(value, Mapping) else value


class RecommenderChoice(RecipeChoice):
    """A system of a suite of recommendation."""

    waive: dict[str, str] = Field(default_factory=dict)
    "Guards whose finding is accepted, with the reason; see `irkit.recommend.guards`. The board says so."


class RatingSuite(ComparingSuite):
    """Recommenders, split ratings and measures of a leaderboard."""

    board_field: ClassVar[str] = "ratings"
    ratings: tuple[ProblemChoice, ...] = Field(min_length=1)
    "Each gives one board."
    measures: tuple[str, ...] = Field(min_length=1)
    "Of `irkit.evaluate.rulers.ERRORS`, or of top-n lists (P, R, nDCG, AP, RR); the first one ranks the board."
    systems: tuple[RecommenderChoice, ...] = Field(min_length=1)
    "In the order they are run."
    liked: float = 4.0
    "Top-n lists: least rating of a relevant item."
    candidates: Literal["positives", "rated"] = "positives"
    "Top-n lists: which training items are no candidates; see `irkit.evaluate.toplists.POLICIES`."
    seeds: tuple[Seed, ...] = Field((1,), min_length=1)
    "A system that has a seed is fitted once with each; numbers are means."
    valid: float | None = Field(None, gt=0, lt=1)
    "Share of the training ratings held out for models with the setting `patience`; others learn from all."

    @property
    def predicts(self) -> bool:
        """Whether predicted ratings are measured, and not top-n lists."""
        return any(name in ERRORS for name in self.measures)

    def check(self) -> None:
        """Raise `ConfigError` where fields do not fit together or a measure is unknown."""
        super().check()
        check_seeds(self.seeds)
        self._check_measures()
        for system in self.systems:
            for name in system.waive:
                if name not in GUARDS:
                    raise ConfigError(f"systems: there is no guard {name!r} to waive; {near_misses(name, GUARDS)}")

    def _check_measures(self) -> None:
        """Raise `ConfigError` unless all measures are rating errors, or all are of lists."""
        others = [name for name in self.measures if name not in ERRORS]
        misspelt = [name for name in others if name.startswith(("RMSE", "MAE"))]
        if misspelt:
            raise ConfigError(f"measures: there is no measure {misspelt[0]!r}; {near_misses(misspelt[0], ERRORS)}")
        if others and self.predicts:
            raise ConfigError(f"measures: rating errors and top-n lists do not mix, got {others[0]}; make two suites")
        if others:
            try:
                check_measures(self.measures)
            except ConfigError as error:
                raise ConfigError(f"measures: {str(error).partition(': ')[2]}") from None


@dataclass(frozen=True)
class RatingJob:
    """A suite of recommendation with everything it names, found and checked."""

    suite: RatingSuite
    rulers: list[Ruler]
    "One for each board."
    recipes: dict[str, Recipe]

    @classmethod
    def prepare(cls, suite: RatingSuite, only: Sequence[str] | None = None) -> RatingJob:
        """Find and check all that a suite names.

        Raises
        ------
        IrkitError
            If something is missing or does not fit, such as a measure that a system or a split cannot give.
        """
        suite.check()
        recipes = {system.name: loaded_recipe(system) for system in suite.systems}
        for name, recipe in recipes.items():
            check_needs(suite, name, recipe, RESOURCES)
            _check_kind(suite, name, recipe)
        chosen = [one for one in suite.ratings if only is None or one.name in only]
        problems = [load_problem(one.name, one.split) for one in chosen]
        for problem in problems:
            for name, recipe in recipes.items():
                _check_time(suite, name, recipe, problem)
        return cls(suite, [_ruler(suite, problem) for problem in problems], recipes)

    def boards(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """Run everything; `say` is told what begins."""
        return [self._board(ruler, say) for ruler in self.rulers]

    def _board(self, ruler: Ruler, say: Callable[[str], None]) -> dict[str, Any]:
        suite, problem = self.suite, ruler.problem
        found: dict[str, list[Any]] = {}
        rows = []
        for system in suite.systems:
            say(f"{described(problem)}: {system.name}")
            found[system.name], row = self._row(ruler, system)
            rows.append(row)
        compared = ruler.compare(found, suite.baseline, suite.test, suite.seed)
        for row in rows:
            row |= {"measures": compared.cells[row["name"]], "per_query": compared.per_user[row["name"]]}
        return {
            "kind": ruler.kind,
            "collection": problem.name,
            "about": problem.about,
            "data_hash": problem.fingerprint,
            "documents": ruler.sizes.items,
            "queries": ruler.sizes.users,
            "split": split_title(problem.split),
            "measures": list(ruler.measures),
            "baseline": suite.baseline,
            "test": TEST_TITLES[suite.test],
            "correction": "Holm",
            "interval": ruler.interval,
            "notes": [*ruler.notes(), *scale_notes(problem.split), LOOKS.note(problem.split), *memory_notes()],
            "systems": rows,
        }

    def _row(self, ruler: Ruler, system: RecommenderChoice) -> tuple[list[Any], dict[str, Any]]:
        """Fit and measure a system, once for each seed; return what was measured, and the row without it."""
        split, recipe = ruler.problem.split, self.recipes[system.name]
        parts, notes = self._parts(recipe, split)
        found, fitting, using = [], [], []
        reset_peak()
        for one in _by_seed(recipe, self.suite.seeds):
            started = time.perf_counter()
            stage = one.build().fit(*parts)
            fitting.append(time.perf_counter() - started)
            for model in recommenders(stage):
                notes += checked(model, split, system.waive)
            started = time.perf_counter()
            found.append(ruler.measure(stage))
            using.append(time.perf_counter() - started)
            LOOKS.look(split)
        if len(found) > 1:
            notes.append(seeds_note(self.suite.seeds, ruler.values(found)))
        row = {
            "name": system.name,
            **origin(system, recipe, ""),
            "ms_per_query": 1000 * float(np.mean(using)) / ruler.sizes.timed,
            "peak_memory_mb": peak_memory_mb(),
            "fit_seconds": float(np.mean(fitting)),
            "notes": list(dict.fromkeys([*notes, *ruler.row_notes(found)])),
        }
        return found, row

    def _parts(self, recipe: Recipe, split: RatingSplit) -> tuple[tuple[RatingTable, ...], list[str]]:
        """Return what a recipe is fitted on: all training ratings, or some held out if it stops early by them."""
        if self.suite.valid is None or not _settings(recipe, "patience"):
            return (split.train,), []
        inner = split.inner(self.suite.valid, self.suite.seed)
        note = f"stopped early by {len(inner.test):,} of the training ratings, not learned from"
        return (inner.train, inner.test), [note]


def _ruler(suite: RatingSuite, problem: Problem) -> Ruler:
    try:
        if suite.predicts:
            return ErrorRuler(problem, tuple(dict.fromkeys(suite.measures)))
        return ListRuler.of(problem, tuple(check_measures(suite.measures)), suite.liked, suite.candidates)
    except ConfigError as error:
        raise ConfigError(f"suite {suite.name}: {error}") from None


def _check_kind(suite: RatingSuite, name: str, recipe: Recipe) -> None:
    """Raise `ConfigError` if a recipe is no recommender, or does not predict ratings where these are measured."""
    if not recipe.needs:
        raise ConfigError(f"suite {suite.name}: {name} learns from no ratings; use a recipe that needs train")
    bare = len(recipe.stages) == 1 and issubclass(_kind(recipe.stages[0]), Recommender)
    if suite.predicts:
        if not bare or not _kind(recipe.stages[0]).predicts_ratings:
            raise ConfigError(
                f"suite {suite.name}: {name} predicts no ratings, which {suite.measures[0]} needs; measure its lists "
                "(nDCG@10, P@5), or use a recipe of one rating model"
            )
    elif suite.candidates == "positives" and not bare and any(_drops_rated(recipe.stages)):
        # Bare recommenders are scored on every candidate; a pipeline's lists would be spared some of them.
        raise ConfigError(
            f"suite {suite.name}: {name} lists no rated item, but those rated below {suite.liked:g} are candidates; "
            "set candidates: rated, or seen: keep in its recommenders"
        )


def _check_time(suite: RatingSuite, name: str, recipe: Recipe, problem: Problem) -> None:
    """Raise `ConfigError` if a system uses time and there is none."""
    timed = any(getattr(kind, "uses_time", False) for kind in _kinds(recipe.stages))
    if timed and problem.split.ratings.time is None:
        raise ConfigError(f"suite {suite.name}: {name} uses time, and {problem.name} has no timestamps; leave one out")


def _kind(stage: Mapping[str, Any]) -> Any:
    from irkit.registry import STAGES

    return STAGES.load(stage["use"])


def _kinds(stages: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the class of every stage, those inside others too."""
    for stage in stages:
        yield _kind(stage)
        for part in stage.get("of", []):
            yield from _kinds(part)


def _drops_rated(stages: Sequence[Mapping[str, Any]]) -> Iterator[bool]:
    """Yield of each stage that makes or filters lists whether it leaves rated items out of them."""
    for stage, kind in zip(stages, map(_kind, stages), strict=True):
        if issubclass(kind, Recommender):
            yield stage.get("seen", "drop") == "drop"
        yield stage["use"] == "drop-seen"
        for part in stage.get("of", []) if stage["use"] != "rate" else []:
            yield from _drops_rated(part)


def _settings(recipe: Recipe, field: str) -> list[str]:
    """Return the full names of a recipe's settings of some field."""
    from irkit.recipe import setting_names

    return [name for name in setting_names(recipe.stages) if name.rpartition(".")[2] == field]


def _by_seed(recipe: Recipe, seeds: Sequence[int]) -> Iterator[Recipe]:
    """Yield a recipe once with each seed, or once as it is if it has none."""
    names = _settings(recipe, "seed")
    if not names:
        yield recipe
        return
    for seed in seeds:
        yield recipe.with_settings(dict.fromkeys(names, seed))
