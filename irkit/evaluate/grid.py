"""What can be tuned, and over what: a pipeline in the place of a recipe, a dictionary in that of a space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError
from irkit.evaluate.space import Parameter, Space, load_space
from irkit.frames import short
from irkit.pipeline.draw import names_of
from irkit.pipeline.settings import changed
from irkit.pipeline.stage import Stage
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from irkit.recipe import Recipe


@dataclass(frozen=True)
class Template:
    """A pipeline in the place of its recipe: what is built of it is the pipeline itself."""

    pipeline: Stage
    name: str
    "The pipeline in words, as `irkit.pipeline.draw.names_of` has it."
    needs: tuple[str, ...] = ()
    "It holds all that it needs."

    @property
    def learns_from(self) -> tuple[type, ...]:
        """The kinds of training part that its stages learn from, as of a recipe."""
        return tuple(dict.fromkeys(one.learns_from for one in every(self.pipeline) if one.learns_from is not None))

    def with_settings(self, settings: Mapping[str, Any]) -> Template:
        """Return it with some settings changed, as `Stage.with_settings`."""
        return replace(self, pipeline=changed(self.pipeline, settings, who="tune"))

    def build(self, **resources: Any) -> Stage:
        """Return the pipeline; resources are not looked at."""
        return self.pipeline


def recipe_of(given: Any) -> Recipe | Template:
    """Return what is to be tuned, as something that has settings and builds a pipeline.

    Parameters
    ----------
    given : Stage, Recipe, or name or path of a recipe

    Raises
    ------
    NotFoundError
        If there is no such recipe.
    ConfigError
        If it is something else.
    """
    from irkit.recipe import Recipe, load_recipe

    if isinstance(given, Stage):
        return Template(given, names_of([given])[0])
    if isinstance(given, (str, Path)):
        return load_recipe(given)
    if isinstance(given, (Recipe, Template)):
        return given
    raise ConfigError(
        f"tune: needs a pipeline or a recipe, got {short(given)}; write tune(pipeline, {{'k1': [0.9, 1.2]}}, ...)"
    )


def written(given: Any) -> Recipe:
    """Return what is to be tuned as a recipe: a pipeline is written down.

    Raises
    ------
    ConfigError
        If a pipeline cannot be a recipe.
    """
    from irkit.recipe import to_recipe

    found = recipe_of(given)
    return to_recipe(found.pipeline, found.pipeline.name) if isinstance(found, Template) else found


def space_of(given: Any, name: str) -> Space:
    """Return a space; one that was given as a dictionary gets the name of what is tuned.

    Parameters
    ----------
    given : Space, its name or path, or mapping of setting to values
        Values are a list, one value, or a range as files have it, `{"low": 25, "high": 1200, "log": True}`.

    Raises
    ------
    ConfigError
        If a setting has no values.
    """
    if isinstance(given, Space):
        return given
    if isinstance(given, (str, Path)):
        return load_space(given)
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(f"tune: needs settings and their values, got {short(given)}; write {{'k1': [0.9, 1.2]}}")
    parameters = {str(setting): _parameter(str(setting), values) for setting, values in given.items()}
    return Space(name=name, recipe=name, parameters=parameters)


def _parameter(setting: str, values: Any) -> Parameter:
    if isinstance(values, Parameter):
        return values
    several = isinstance(values, Iterable) and not isinstance(values, (str, bytes))
    given = tuple(_plain(value) for value in values) if several else (values,)
    if not given or values is None:
        raise ConfigError(f"tune: {setting} has no values to try, got {short(values)}; write {{{setting!r}: [...]}}")
    try:
        return Parameter(**values) if isinstance(values, Mapping) else Parameter(values=given)
    except ConfigError as error:
        raise ConfigError(f"tune: {setting}: {str(error).removeprefix('parameter: ')}") from None


def _plain(value: Any) -> Any:
    """Return a number of numpy as one of Python."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
