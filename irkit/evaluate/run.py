"""Run a suite: every system on every collection, each index built once, each shared stage run once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import irkit
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.experiment import experiment
from irkit.evaluate.indexes import collection_index
from irkit.evaluate.machine import machine
from irkit.evaluate.resources import suite_vectors
from irkit.evaluate.schema import SCHEMA, check_result
from irkit.evaluate.suite import CollectionChoice, Suite, SystemChoice, check_suite, load_suite
from irkit.evaluate.tuning import Space, load_space, tune
from irkit.yamlfile import dump_yaml

if TYPE_CHECKING:
    from irkit.io import Collection
    from irkit.lucene import Index
    from irkit.recipe import Cache, Recipe

RESOURCES = ("index", "vectors")
"What a suite can supply to the recipes it runs."


@dataclass(frozen=True)
class _Job:
    """A suite with everything it names, found and checked."""

    suite: Suite
    collections: list[tuple[CollectionChoice, Collection]]
    recipes: dict[str, Recipe]
    spaces: dict[str, Space]


def run_suite(
    suite: Suite | str | Path,
    *,
    collections: Sequence[str] | None = None,
    repeats: int | None = None,
    cache: Cache | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run every system of a suite on every collection.

    Whatever the suite names (recipes, settings, collections, splits, measures) is looked up and checked
    before the first index is built.

    Parameters
    ----------
    suite : Suite, name or path
    collections : sequence of str, optional
        Run on these of the suite's collections only.
    repeats : int, optional
        Instead of the suite's own.
    cache : irkit.recipe.Cache, optional
        Take results of stages from there; times are then not reported.
    progress : function of str, optional
        Told what begins, in a few words.

    Returns
    -------
    dict
        Plain values in the shape of `irkit.evaluate.schema`.
    """
    chosen: Suite = suite if isinstance(suite, Suite) else load_suite(suite)
    if repeats is not None:
        chosen = chosen.changed(repeats=repeats)
    job = _prepare(chosen, collections)
    say = progress or (lambda text: None)
    result = {
        "schema": SCHEMA,
        "suite": chosen.name,
        "about": chosen.about,
        "date": datetime.now(UTC).date().isoformat(),
        "irkit": irkit.__version__,
        "code": _code(),
        "machine": machine(),
        "seed": chosen.seed,
        "command": _leaderboard_command(chosen.name, collections, repeats),
        "boards": [_board(job, choice, collection, cache, say) for choice, collection in job.collections],
    }
    check_result(result, who=f"suite {chosen.name}")
    return result


def _prepare(suite: Suite, only: Sequence[str] | None) -> _Job:
    from irkit.io import load_collection
    from irkit.recipe import load_recipe

    check_suite(suite)
    known = [choice.name for choice in suite.collections]
    for name in only or ():
        if name not in known:
            raise ConfigError(f"suite {suite.name}: there is no collection {name!r} in it; {near_misses(name, known)}")
    recipes, spaces = {}, {}
    for system in suite.systems:
        recipe = load_recipe(system.recipe)
        if system.settings:
            about = system.about or recipe.about
            recipe = replace(recipe.with_settings(system.settings), name=system.name, about=about)
        recipes[system.name] = recipe
        if system.tune:
            spaces[system.name] = space = load_space(system.tune)
            first = space.grid()[0] if suite.tuning.method == "grid" else space.draws(1, suite.seed)[0]
            recipe.with_settings(space.settings(first))
        lacking = [need for need in recipe.needs if need not in RESOURCES]
        if lacking:
            needs, has = ", ".join(lacking), ", ".join(RESOURCES)
            raise ConfigError(f"suite {suite.name}: {system.name} needs {needs}, but a suite supplies {has}")
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
    return _Job(suite, found, recipes, spaces)


def _board(
    job: _Job, choice: CollectionChoice, collection: Collection, cache: Cache | None, say: Callable[[str], None]
) -> dict[str, Any]:
    suite = job.suite
    say(f"{choice.name}: index")
    index = collection_index(collection, suite.index.analyzer)
    say(f"{choice.name}: {len(suite.systems)} systems")
    try:
        board = _measured(job, choice, collection, index, cache, say)
    finally:
        index.close()
    for system, row in zip(suite.systems, board["systems"], strict=True):
        recipe = job.recipes[system.name]
        row |= {
            "about": system.about or recipe.about,
            "recipe": system.recipe,
            "recipe_hash": recipe.hash,
            "recipe_yaml": recipe.yaml(),
            "command": _run_command(system, choice),
        }
    return board


def _measured(
    job: _Job,
    choice: CollectionChoice,
    collection: Collection,
    index: Index,
    cache: Cache | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    suite = job.suite
    queries, qrels = collection.queries(choice.split), collection.qrels(choice.split)
    resources: dict[str, Any] = {"index": index}
    if any("vectors" in recipe.needs for recipe in job.recipes.values()):
        say(f"{choice.name}: vectors")
        resources["vectors"] = suite_vectors(suite.vectors, collection, index)
    stages, notes = {}, {}
    for name, recipe in job.recipes.items():
        if name not in job.spaces:
            stages[name] = recipe.build(**resources)
            continue
        say(f"{choice.name}: tuning {name}")
        tuned = tune(
            recipe,
            job.spaces[name],
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
        cache=cache,
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
        from irkit.expand.coverage import without_vector

        missing, terms = without_vector(index, resources["vectors"], queries)
        board["notes"] += [
            f"word vectors: {suite.vectors}",
            f"{missing:,} of {terms:,} query terms {'has' if missing == 1 else 'have'} no vector",
        ]
    return board


def _leaderboard_command(suite: str, only: Sequence[str] | None, repeats: int | None) -> str:
    words = ["irkit", "leaderboard", suite]
    for name in only or ():
        words += ["--only", name]
    if repeats is not None:
        words += ["--repeats", str(repeats)]
    return shlex.join(words)


def _run_command(system: SystemChoice, choice: CollectionChoice) -> str:
    words = ["irkit", "run", system.recipe, choice.name]
    if choice.split is not None:
        words += ["--split", choice.split]
    for name, value in system.settings.items():
        words += ["--set", f"{name}={dump_yaml({'value': value}).removeprefix('value:').strip()}"]
    return shlex.join(words)


def _code() -> str:
    from irkit.recipe.code import code_digest

    return code_digest()
