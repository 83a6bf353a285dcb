"""Suites of retrieval: pipelines on collections, each index built once, each shared stage run once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.experiment import experiment
from irkit.evaluate.measures import measure_names
from irkit.evaluate.suitefile import ComparingSuite, RecipeChoice, check_needs, loaded_recipe, origin, set_options
from irkit.evaluate.tuning import Method, Space, load_space, tune
from irkit.recipe.indexes import collection_index
from irkit.recipe.vectors import TRAINED, open_vectors

if TYPE_CHECKING:
    from irkit.frames import Queries
    from irkit.io import Collection
    from irkit.lucene import Index
    from irkit.recipe import Cache, Recipe

RESOURCES = ("index", "vectors")
"What a suite can supply to the recipes it runs."


class CollectionChoice(Config):
    """A collection of a suite."""

    name: str
    "Name or path."
    split: str | None = None
    "Which of its splits; default the collection's own default."


class SystemChoice(RecipeChoice):
    """A system of a suite of retrieval."""

    tune: str = ""
    "Tuning space whose parameters are chosen by cross-validation; default none."


class Tuning(Config):
    """How a suite's tuned systems are tuned; the suite's first measure chooses, its seed draws."""

    folds: int = Field(5, ge=2)
    "Folds of queries."
    method: Method = "grid"
    "How candidates are found."
    trials: int = Field(50, ge=1)
    "Candidates, where they are drawn."


class IndexOptions(Config):
    """How a suite's indexes are built."""

    analyzer: str = "english"
    "See `irkit.lucene.Analyzer`."


class RetrievalSuite(ComparingSuite):
    """Systems, collections and measures of a leaderboard."""

    board_field: ClassVar[str] = "collections"
    collections: tuple[CollectionChoice, ...] = Field(min_length=1)
    "Each gives one board."
    measures: tuple[str, ...] = Field(min_length=1)
    "See `parse_measures`; the first one ranks the board."
    systems: tuple[SystemChoice, ...] = Field(min_length=1)
    "In the order they are run."
    repeats: int = Field(3, ge=1)
    "Runs to take the median time of."
    index: IndexOptions = IndexOptions()
    "How indexes are built."
    vectors: str = ""
    "Word vectors for the systems that need them; see `irkit.recipe.vectors.open_vectors`."
    tuning: Tuning = Tuning()
    "How tuned systems are tuned."
    allow_leak: bool = False
    "Accept systems fitted on the test queries; the board says so."

    def check(self) -> None:
        """Raise `ConfigError` where fields do not fit together or a measure is unknown."""
        super().check()
        measure_names(self.measures)


@dataclass(frozen=True)
class RetrievalJob:
    """A suite of retrieval with everything it names, found and checked."""

    suite: RetrievalSuite
    collections: list[tuple[CollectionChoice, Collection]]
    recipes: dict[str, Recipe]
    spaces: dict[str, Space]
    cache: Cache | None = None
    "Where results of stages are taken from."

    @classmethod
    def prepare(
        cls, suite: RetrievalSuite, only: Sequence[str] | None = None, cache: Cache | None = None
    ) -> RetrievalJob:
        """Find and check all that a suite names.

        Raises
        ------
        IrkitError
            If something is missing or does not fit.
        """
        from irkit.io import load_collection

        suite.check()
        recipes, spaces = {}, {}
        for system in suite.systems:
            recipes[system.name] = recipe = loaded_recipe(system)
            if system.tune:
                spaces[system.name] = space = load_space(system.tune)
                tuning = suite.tuning
                for values in space.grid() if tuning.method == "grid" else space.draws(tuning.trials, suite.seed):
                    recipe.with_settings(space.settings(values))
            check_needs(suite, system.name, recipe, RESOURCES)
            if "vectors" in recipe.needs and not suite.vectors:
                raise ConfigError(
                    f"suite {suite.name}: {system.name} needs vectors; name some with vectors: trained:ppmi-svd"
                )
        found = []
        for choice in suite.collections:
            if only is not None and choice.name not in only:
                continue
            collection = load_collection(choice.name)
            if choice.split is not None and choice.split not in collection.splits:
                raise ConfigError(
                    f"suite {suite.name}: {choice.name} has no split {choice.split!r}; "
                    f"{near_misses(choice.split, collection.splits)}"
                )
            found.append((choice, collection))
        return cls(suite, found, recipes, spaces, cache)

    def boards(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """Run everything; `say` is told what begins."""
        return [self._board(choice, collection, say) for choice, collection in self.collections]

    def _board(self, choice: CollectionChoice, collection: Collection, say: Callable[[str], None]) -> dict[str, Any]:
        suite = self.suite
        say(f"{choice.name}: index")
        index = collection_index(collection, suite.index.analyzer)
        say(f"{choice.name}: {len(suite.systems)} systems")
        try:
            board = self._measured(choice, collection, index, say)
        finally:
            index.close()
        for system, row in zip(suite.systems, board["systems"], strict=True):
            recipe = self.recipes[system.name]
            vectors = suite.vectors if "vectors" in recipe.needs else ""
            row |= origin(system, recipe, _run_command(system, choice, vectors))
        return board

    def _measured(
        self, choice: CollectionChoice, collection: Collection, index: Index, say: Callable[[str], None]
    ) -> dict[str, Any]:
        """Return a board whose rows do not say yet where their systems came from."""
        suite = self.suite
        queries, qrels = collection.queries(choice.split), collection.qrels(choice.split)
        resources: dict[str, Any] = {"index": index}
        if any("vectors" in recipe.needs for recipe in self.recipes.values()):
            say(f"{choice.name}: vectors")
            resources["vectors"] = open_vectors(suite.vectors, collection, index)
        stages, notes = {}, {}
        for name, recipe in self.recipes.items():
            if name not in self.spaces:
                stages[name] = recipe.build(**resources)
                continue
            say(f"{choice.name}: tuning {name}")
            tuned = tune(
                recipe,
                self.spaces[name],
                queries,
                qrels,
                suite.measures,
                resources=resources,
                k=suite.tuning.folds,
                method=suite.tuning.method,
                trials=suite.tuning.trials,
                seed=suite.seed,
                exclude_self=collection.exclude_self,
            )
            stages[name], notes[name] = tuned.stage(resources), tuned.notes()
        done = experiment(
            stages,
            queries,
            qrels,
            suite.measures,
            baseline=suite.baseline,
            exclude_self=collection.exclude_self,
            test=suite.test,
            repeats=suite.repeats,
            seed=suite.seed,
            cache=self.cache,
            allow_leak=suite.allow_leak,
        )
        board = done.to_board(
            collection=choice.name,
            about=collection.about,
            data_hash=collection.fingerprint,
            documents=index.stats.documents,
            split=choice.split or collection.card.default_split,
        )
        for row in board["systems"]:
            row["notes"] += notes.get(row["name"], [])
        if "vectors" in resources:
            board["notes"] += _vector_notes(suite.vectors, index, resources["vectors"], queries)
        return board


def _vector_notes(source: str, index: Index, vectors: Any, queries: Queries) -> list[str]:
    """Say which word vectors these are and how many of the queries' terms they know."""
    from irkit.expand.coverage import without_vector

    missing, terms = without_vector(index, vectors, queries)
    known = f"{missing:,} of {terms:,} query terms {'has' if missing == 1 else 'have'} no vector"
    of = ", learned from the documents that are searched, from no query and no judgement" if source in TRAINED else ""
    return [f"word vectors: {source}{of}", known]


def _run_command(system: SystemChoice, choice: CollectionChoice, vectors: str) -> str:
    words = ["irkit", "run", system.recipe, choice.name]
    if choice.split is not None:
        words += ["--split", choice.split]
    if vectors:
        words += ["--vectors", vectors]
    return shlex.join([*words, *set_options(system.settings)])
