"""Tuning spaces: the settings of a recipe that may vary, and the candidates drawn from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, NotFoundError, near_misses
from irkit.locate import find
from irkit.recipe.shelf import list_spaces
from irkit.rng import generator
from irkit.wording import shown
from irkit.yamlfile import YamlFile, read_yaml

if TYPE_CHECKING:
    from irkit.recipe import Recipe

Method: TypeAlias = Literal["grid", "random", "optuna"]
"grid tries all combinations of values, random draws some, optuna searches."


def check_method(method: str, *, who: str) -> None:
    """Refuse a method that is none."""
    if method not in get_args(Method):
        raise ConfigError(f"{who}: there is no method {method!r}; {near_misses(method, get_args(Method))}")


FITTED = 1000
"Combinations of other values that are looked through for one beside which a recipe takes a value."


class Parameter(Config):
    """What one parameter may be: a list of values, or a range."""

    names: tuple[str, ...] = ()
    "Settings that get the value, as `Recipe.with_settings` takes them; default the parameter's own name."
    values: tuple[Any, ...] = ()
    "Values to try."
    low: float | None = None
    "Least value of a range."
    high: float | None = None
    "Greatest value of a range."
    log: bool = False
    "Draw from the range by its logarithm."
    whole: bool = False
    "Draw whole numbers."

    def model_post_init(self, context: Any) -> None:
        """Check that there are values or a range, not both."""
        if bool(self.values) == (self.low is not None or self.high is not None):
            raise ValueError("needs values, or low and high")
        if not self.values and not (self.low is not None and self.high is not None and self.low < self.high):
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")
        if self.log and not (self.low or 0) > 0:
            raise ValueError(f"low must be positive where log is true, got {self.low}")

    def between(self) -> Any:
        """Return a value from the middle of a range."""
        low, high = float(self.low or 0), float(self.high or 0)
        value = math.sqrt(low * high) if self.log else (low + high) / 2
        return round(value) if self.whole else value

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw one value."""
        if self.values:
            return self.values[int(rng.integers(len(self.values)))]
        low, high = float(self.low or 0), float(self.high or 0)
        value = float(np.exp(rng.uniform(np.log(low), np.log(high)))) if self.log else float(rng.uniform(low, high))
        return round(value) if self.whole else value


class Space(Config):
    """The settings of a recipe that may vary."""

    name: str
    "Name of the space."
    about: str = ""
    "One sentence."
    recipe: str
    "The recipe whose settings they are."
    parameters: dict[str, Parameter] = Field(min_length=1)
    "By name."

    def applied(self, recipe: Any, values: Mapping[str, Any]) -> Any:
        """Return a recipe with a value per parameter in its settings."""
        return recipe.with_settings(
            {setting: value for name, value in values.items() for setting in (self.parameters[name].names or (name,))}
        )

    def candidates(self, method: Method = "grid", trials: int = 50, seed: int = 42) -> list[dict[str, Any]]:
        """List what is tried: all combinations of a grid, the last parameter varying fastest, or some drawn at random.

        Draws are without repeats, and fewer than `trials` where there are no more.
        """
        if method != "grid":
            return self._draws(trials, seed)
        for name, parameter in self.parameters.items():
            if not parameter.values:
                raise ConfigError(f"space {self.name}: a grid needs values, but {name} has a range; draw at random")
        columns = [parameter.values for parameter in self.parameters.values()]
        return [dict(zip(self.parameters, row, strict=True)) for row in itertools.product(*columns)]

    def candidates_for(self, recipe: Recipe, method: Method, trials: int, seed: int) -> list[dict[str, Any]]:
        """List candidates; raise `ConfigError` if one has a setting that the recipe lacks, or a value it refuses."""
        candidates = self.candidates(method, trials, seed)
        for values in candidates:
            self.applied(recipe, values)
        return candidates

    def edges(self, values: Mapping[str, Any]) -> list[str]:
        """Name the parameters whose value is the least or the greatest of those allowed."""
        found = []
        for name, value in values.items():
            one = self.parameters[name]
            ends = (min(one.values), max(one.values)) if one.values and _ordered(one.values) else (one.low, one.high)
            if ends[0] != ends[1] and value in ends:
                found.append(name)
        return found

    def _draws(self, trials: int, seed: int) -> list[dict[str, Any]]:
        if trials < 1:
            raise ConfigError(f"space {self.name}: draws need one trial or more, got {trials}; draw some")
        rng = generator(seed, "tuning", self.name)
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for _ in range(20 * trials):
            values = {name: parameter.draw(rng) for name, parameter in self.parameters.items()}
            found.setdefault(tuple(values.values()), values)
            if len(found) == trials:
                break
        return list(found.values())


def load_space(name: str | Path) -> Space:
    """Read a tuning space by name or path; shipped ones are in `pipelines/tuning/`.

    Raises
    ------
    NotFoundError
        If there is none.
    IrkitError
        If the file is not a valid space; says file and line.
    """
    path = find("pipelines", str(name))
    file = read_yaml(path)
    if "parameters" not in file.value and {"stages", "model"} & file.value.keys():
        spaces = {one.recipe: one.name for one in list_spaces()}
        write = f"write a file with recipe: {path.stem} and parameters: {{SETTING: [VALUE, VALUE]}}"
        known = f"try {spaces[path.stem]}" if path.stem in spaces else write
        raise file.error(f"is a recipe, not a tuning space, which has parameters; {known}")
    value = {"name": path.stem, **file.value}
    if isinstance(value.get("parameters"), dict):
        for key, item in value["parameters"].items():
            if isinstance(item, list):
                item = {"values": item}
            if not isinstance(item, dict):
                what = f"parameter {key!r} is a list of values, or low and high, got {shown(item)}"
                raise file.error(f"{what}; write {key}: [a, b]", "parameters", key)
            one = Parameter.checked(item, file.error, "parameters", key, who="")
            value["parameters"] = {**value["parameters"], key: one}
    space: Space = Space.checked(value, file.error, who="space")
    _check(space, file)
    return space


def _check(space: Space, file: YamlFile) -> None:
    """Raise the error of a parameter that the recipe lacks, or whose values it refuses.

    A recipe that is not there is missed where it is used: a suite may vary another one.
    """
    from irkit.recipe.training import load_any

    try:
        recipe = load_any(space.recipe)
    except NotFoundError:
        return
    for name, parameter in space.parameters.items():
        for value in parameter.values or (parameter.between(),):
            try:
                space.applied(recipe, {name: value})
            except ConfigError as error:
                if not _fits_some(space, recipe, name, value):
                    raise file.error(str(error), "parameters", name) from None


def _fits_some(space: Space, recipe: Any, name: str, value: Any) -> bool:
    """Say whether a recipe takes a value beside some values of the other parameters."""
    others = {one: found.values or (found.between(),) for one, found in space.parameters.items() if one != name}
    for row in itertools.islice(itertools.product(*others.values()), FITTED):
        try:
            space.applied(recipe, {**dict(zip(others, row, strict=True)), name: value})
        except ConfigError:
            continue
        return True
    return False


def _ordered(values: Sequence[Any]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
