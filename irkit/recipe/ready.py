"""Recipes made ready for those who name them: loaded, seen to have all they need, built on it.

The command line and the service do the same here, each under its own name (`who`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError
from irkit.recipe.assemble import TRAIN
from irkit.recipe.resources import Words, check_words, open_resources

if TYPE_CHECKING:
    from irkit.pipeline import Stage
    from irkit.recipe.recipe import Recipe

log = logging.getLogger(__name__)


def prepared(recipe: str, settings: Sequence[str] | None, words: Words, *, who: str, fits: bool = False) -> Recipe:
    """Load a recipe with some settings changed, and see that there is a word for all that it needs.

    A recipe that learns from judgements is for those who fit: `fits`.
    """
    from irkit.pipeline import Topics
    from irkit.recipe import load_recipe, parse_settings

    loaded = load_recipe(recipe)
    if settings:
        loaded = loaded.with_settings(parse_settings(settings))
    judged = loaded.learns_from == (Topics,)
    if TRAIN in loaded.needs and not (fits and judged):
        instead = "irkit run --train" if judged else "irkit recommend"
        raise ConfigError(f"{who}: recipe {loaded.name} learns, which this command does not fit; use {instead}")
    check_words(to_build(loaded), words, who=f"{who}: recipe {loaded.name}")
    return loaded


def built(recipe: Recipe, words: Words, *, who: str) -> Stage:
    """Build a recipe on what the words mean; it must lead from queries to results."""
    return searcher(recipe, opened(to_build(recipe), words, who=who), who=who)


def opened(needs: Sequence[str], words: Words, *, who: str) -> dict[str, Any]:
    """Open what recipes need to be built, and say where an encoder knows few of the index's words."""
    held = open_resources(needs, words, who=who)
    if "encoder" in held:
        from irkit.recipe.encoders import unknown_words

        if few := unknown_words(held["encoder"]):
            log.warning("encoder %s: %s; the others count for nothing", words["encoder"], few)
    return held


def searcher(recipe: Recipe, resources: Mapping[str, Any], *, who: str) -> Stage:
    """Build a recipe on what is open; it must lead from queries to results."""
    pipeline = recipe.build(**resources)
    if pipeline.takes != "queries" or pipeline.gives != "results":
        raise ConfigError(
            f"{who}: recipe {recipe.name} goes from {pipeline.takes} to {pipeline.gives}, "
            "and not from queries to results; start it with a retriever"
        )
    return pipeline


def to_build(recipe: Recipe) -> list[str]:
    """Return what a recipe needs to be built; what it learns from comes after that."""
    return [need for need in recipe.needs if need != TRAIN]


def recommender(recipe: str, settings: Sequence[str] | None = None) -> Recipe:
    """Load a recipe with some settings changed that is fitted on ratings and needs nothing else."""
    from irkit.recipe import load_recipe, parse_settings

    loaded = load_recipe(recipe)
    if settings:
        loaded = loaded.with_settings(parse_settings(settings))
    if loaded.needs != (TRAIN,):
        needs = ", ".join(loaded.needs) or "nothing"
        raise ConfigError(f"recipe {loaded.name}: needs {needs}; a recommender needs train, as ease does")
    return loaded
