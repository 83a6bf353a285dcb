"""How what is served is opened: recipes told apart, each index with its pipelines, recommenders fitted or loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError, NotFoundError
from irkit.recipe.assemble import TRAIN
from irkit.recipe.ready import opened, prepared, recommender, searcher, to_build
from irkit.serve.shelf import Served, Shelf, check_name

if TYPE_CHECKING:
    from irkit.lucene import Index
    from irkit.pipeline import Stage
    from irkit.recipe import Recipe


def sorted_recipes(recipes: Sequence[str], *, who: str) -> tuple[list[str], list[str]]:
    """Return the recipes of pipelines on an index, and those of recommenders.

    Raises
    ------
    ConfigError
        If one is named twice.
    """
    from irkit.recipe import load_recipe

    loaded = {name: load_recipe(name) for name in recipes}
    names = [recipe.name for recipe in loaded.values()]
    if len(names) < len(recipes) or len(set(names)) < len(names):
        raise ConfigError(f"{who}: two recipes have one name, got {', '.join(recipes)}; rename one of them")
    fitted = [name for name, recipe in loaded.items() if recipe.needs == (TRAIN,)]
    return [name for name in loaded if name not in fitted], fitted


def named_sources(sources: Sequence[str], *, who: str) -> dict[str, str]:
    """Return the source of each index by the name it is served under.

    Raises
    ------
    ConfigError
        If two have the same name, or one has none.

    Examples
    --------
    >>> named_sources(["lee", "runs/my-index/", "news=/data/index", "irds:beir/scifact"], who="serve")
    {'lee': 'lee', 'my-index': 'runs/my-index/', 'news': '/data/index', 'beir-scifact': 'irds:beir/scifact'}
    """
    found: dict[str, str] = {}
    for source in sources:
        name, equals, rest = source.partition("=")
        if not (equals and rest):
            rest = source
            name = re.sub(r"\W+", "-", source[5:]) if source.startswith("irds:") else Path(source).name
        if found.setdefault(check_name(name, who=who), rest) != rest:
            raise ConfigError(f"{who}: two indexes are called {name}; name one of them, as in other={rest}")
    return found


def shelves(
    recipes: Sequence[str], sources: Mapping[str, str], words: Mapping[str, str | None], *, who: str
) -> dict[str, Shelf]:
    """Open each index, build the pipelines on it and ask each of them once, so that what it needs is at hand."""
    loaded = [prepared(recipe, None, {**words, "index": "its index"}, who=who) for recipe in recipes]
    needs = list(dict.fromkeys(["index", *(need for recipe in loaded for need in to_build(recipe))]))
    found = {}
    for name, source in sources.items():
        held = opened(needs, {**words, "index": source}, who=who)
        pipelines = {recipe.name: _ready(recipe, held, name, who) for recipe in loaded}
        for resource in held.values():
            if hasattr(resource, "freeze"):
                resource.freeze()
        found[name] = Shelf(held["index"], pipelines)
    return found


def recommenders(
    recipes: Sequence[str], ratings: str | None, layout: Mapping[str, Any], models: Sequence[str | Path], *, who: str
) -> dict[str, Served]:
    """Fit recommenders on ratings and load fitted ones.

    Raises
    ------
    ConfigError
        If there are recipes and no ratings, or ratings and no recipes, or two models have the same name.
    """
    from irkit.recommend import Recommender, load_ratings

    if recipes and ratings is None:
        raise ConfigError(f"{who}: recipe {recipes[0]} is fitted on ratings; name them with --ratings")
    if ratings is not None and not recipes:
        raise ConfigError(f"{who}: no recipe is fitted on the ratings {ratings}; name one, such as ease")
    found = {}
    table = None if ratings is None else load_ratings(ratings, **layout)
    for name in recipes:
        recipe = recommender(name)
        found[recipe.name] = _model(recipe.build().fit(table), recipe.about)
    for path in models:
        name = check_name(Path(path).name.split(".")[0], who=who)
        if name in found:
            raise ConfigError(f"{who}: two models are called {name}; rename the file {path}")
        found[name] = _model(Recommender.load(path), "")
    return found


def _model(stage: Stage, about: str) -> Served:
    from irkit.recommend.lists import limited

    return Served(stage, about, limited)


def _ready(recipe: Recipe, held: Mapping[str, Any], index: str, who: str) -> Served:
    pipeline = searcher(recipe, held, who=who)
    try:
        pipeline.run(_some_query(held["index"]))
    except (ConfigError, NotFoundError) as error:
        raise ConfigError(f"{who}: recipe {recipe.name} does not work on the index {index}: {error}") from None
    return Served(pipeline, recipe.about, _cut)


def _cut(stage: Stage, n: int) -> Stage:
    """Cut a pipeline, and settle once what a chain otherwise finds out in each run: which stage can stop early."""
    from irkit.pipeline.chain import Then
    from irkit.pipeline.unfold import unfold

    return Then.of(*(step.stage for step in unfold(stage % n)))


def _some_query(index: Index) -> Any:
    """Return a query of a term that the index has."""
    from irkit.frames import queries_frame

    terms = index.vocabulary
    return queries_frame(terms[int(terms.df.argmax())] if len(terms) else "a")
