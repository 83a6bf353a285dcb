"""What can be a system, and what it can be measured on: one place for all who compare systems in Python.

a pipeline, or a PyTerrier transformer
a run: the path of a run file, a results frame, hits
a recipe, or its name or path, where the queries come with a collection whose index it can search
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from irkit.errors import CompositionError, ConfigError, FrameError, NotFoundError
from irkit.frames import Qrels, Queries, queries_frame, short
from irkit.hits import Hits
from irkit.ids import hides
from irkit.pipeline.chain import as_stage, is_run
from irkit.pipeline.draw import names_of
from irkit.pipeline.given import Run
from irkit.pipeline.stage import Stage
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from irkit.io import Collection
    from irkit.recipe import Recipe

TODO = "build a recipe with recipe.build(index=index), wrap a function with irkit.pipeline.apply"


def topics_of(queries: Any, qrels: Qrels | None, *, who: str) -> tuple[Queries, Qrels, Collection | None]:
    """Return queries and judgements, and the collection if they were given as one.

    Raises
    ------
    ConfigError
        If there are no judgements, or a collection comes with others than its own.
    """
    from irkit.io.library.collection import Collection

    if qrels is None and isinstance(queries, (str, PathLike)):
        from irkit.io import load_collection

        queries = load_collection(queries)
    if isinstance(queries, Collection):
        if qrels is not None:
            raise ConfigError(f"{who}: a collection brings its judgements; leave out qrels, or give its queries()")
        return queries.queries(), queries.qrels(), queries
    if qrels is None:
        raise ConfigError(f"{who}: needs judgements; give queries and qrels, or a collection in the place of both")
    return queries_frame(queries), qrels, None


def index_of(collection: Collection | None) -> Callable[[], Any] | None:
    """Return what opens the index of a collection, once; None without one."""
    if collection is None:
        return None

    @cache
    def opened() -> Any:
        from irkit.recipe.indexes import collection_index

        return collection_index(collection)

    return opened


def systems_of(given: Any, *, who: str, collection: Collection | None = None) -> dict[str, Stage]:
    """Return systems by name, each a pipeline from queries to results.

    Parameters
    ----------
    given : mapping of name to system, sequence of systems, or one system
        Without names they are called what they are: a run after its file, a recipe by its own name, a pipeline by the
        words of its stages, as in `bm25 >> rm3 >> bm25`.
    who : str
        Begins the errors.
    collection : Collection, optional
        Whose index recipes search.

    Raises
    ------
    ConfigError
        If there is none, or one is no system.
    """
    index = index_of(collection)
    if isinstance(given, Mapping):
        found = {str(name): _system(system, f"{who}: {name}", index)[1] for name, system in given.items()}
    else:
        alone = isinstance(given, (str, PathLike, Stage, Hits, pd.DataFrame)) or not isinstance(given, Iterable)
        systems = [_system(system, f"{who}: each system", index) for system in ([given] if alone else given)]
        named, stages = [name for name, _ in systems], [stage for _, stage in systems]
        found = dict(zip(names_of(stages, named), stages, strict=True))
    if not found:
        raise ConfigError(f"{who}: needs one system or more, got none")
    for name, stage in found.items():
        if (character := hides(name)) is not None:  # two could look alike, and no table or file may hold it
            raise ConfigError(
                f"{who}: the name {name!a} holds the control or invisible character {character}; "
                "give systems as a mapping of other names"
            )
        if stage.takes != "queries" or stage.gives != "results":
            raise ConfigError(
                f"{who}: a system goes from queries to results, but {name} goes from {stage.takes} to "
                f"{stage.gives}; start it with a retriever"
            )
    return found


def check_runs(systems: Mapping[str, Stage], queries: Queries) -> None:
    """Raise `FrameError` if a system holds a run of other queries only."""
    for stage in systems.values():
        for one in every(stage):
            if isinstance(one, Run):
                one.check(queries)


def _system(system: Any, who: str, index: Callable[[], Any] | None) -> tuple[str, Stage]:
    """Return a system's own name, empty if it has none, and its pipeline."""
    from irkit.recipe import Recipe

    if isinstance(system, Recipe) or _names_recipe(system):
        recipe = system if isinstance(system, Recipe) else _loaded(system, who)
        return recipe.name, recipe.build(**resources_for(recipe, who, index))
    try:
        return "", as_stage(system)
    except CompositionError:
        raise ConfigError(f"{who} must be a pipeline, got {short(system)}; {TODO}") from None
    except FrameError as error:
        raise FrameError(f"{who}: {error}") from None


def _names_recipe(system: Any) -> bool:
    """Say whether a text or path means a recipe: it is no file, or one of YAML."""
    if not isinstance(system, (str, PathLike)):
        return False
    return Path(fspath(system)).suffix in {".yaml", ".yml"} or (isinstance(system, str) and not is_run(system))


def _loaded(name: str | PathLike[str], who: str) -> Recipe:
    from irkit.recipe import load_recipe

    if Path(name).suffix not in {"", ".yaml", ".yml"}:
        raise NotFoundError(f"{who} must be a pipeline, a run file or a recipe; there is no run file {str(name)!r}")
    try:
        return load_recipe(Path(name) if isinstance(name, PathLike) else name)
    except NotFoundError as error:
        raise NotFoundError(f"{who} must be a pipeline, a run file or a recipe, got {str(name)!r}; {error}") from None


def resources_for(
    recipe: Any, who: str, index: Callable[[], Any] | None, resources: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a recipe is built on: the given resources, and the index of a collection.

    Raises
    ------
    ConfigError
        If it needs something else, or there is no collection.
    """
    from irkit.recipe.assemble import TRAIN

    held = dict(resources or {})
    lacking = [need for need in recipe.needs if need != TRAIN and need not in held]
    if index is not None and "index" in lacking:
        held["index"] = index()
        lacking.remove("index")
    if lacking:
        from irkit.recipe.resources import in_python

        what = ", ".join(in_python(need) for need in recipe.needs if need != TRAIN)
        how = "" if index is not None or lacking != ["index"] else ", or give a collection in the place of queries"
        raise ConfigError(
            f"{who}: the recipe {recipe.name} needs {' and '.join(lacking)}; "
            f"write irkit.load_recipe({recipe.name!r}).build({what}){how}"
        )
    return held
