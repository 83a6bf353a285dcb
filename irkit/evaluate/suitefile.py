"""What the kinds of suites share: their fields, and reading them from YAML with the line of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.evaluate.compare import check_baseline
from irkit.evaluate.measures import split_measures
from irkit.evaluate.significance import Test
from irkit.rng import Seed
from irkit.yamlfile import YamlFile, dump_yaml

if TYPE_CHECKING:
    from irkit.recipe import Recipe, TrainingRecipe


class RecipeChoice(Config):
    """A system of a suite."""

    name: str
    "Its name on the board."
    recipe: str
    "Name or path of a recipe."
    settings: dict[str, Any] = Field(default_factory=dict)
    "Changed settings of the recipe, as its `with_settings` takes them."
    about: str = ""
    "What it is; default what the recipe says."


class AnySuite(Config):
    """Base of the suites."""

    name: str
    "Name of the suite and of its result file."
    about: str = ""
    "What it shows, in a sentence."
    seed: Seed = 42
    "Of bootstrap and randomisation."

    @property
    def boards(self) -> list[str]:
        """Names of what is measured on, one for each board."""
        raise NotImplementedError

    @property
    def rows(self) -> list[str]:
        """Names of the systems, one for each row."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise `ConfigError` where fields do not fit together."""
        if not re.fullmatch(r"[\w-][\w.-]*", self.name):
            raise ConfigError(f"name: must be letters, digits, dots and hyphens, got {self.name!r}; it names a file")


class ComparingSuite(AnySuite):
    """Base of the suites that compare systems with a baseline, board by board."""

    baseline: str | None = None
    "Name of the system the others are compared with."
    test: Test = "t"
    "The test whose p-values are corrected."
    board_field: ClassVar[str]
    "The field that holds what is measured on."
    row_field: ClassVar[str] = "systems"
    "The field that holds the systems."

    @property
    def boards(self) -> list[str]:
        """Names of what is measured on, one for each board."""
        return [choice.name for choice in getattr(self, self.board_field)]

    @property
    def rows(self) -> list[str]:
        """Names of the systems, one for each row."""
        return [choice.name for choice in getattr(self, self.row_field)]

    def check(self) -> None:
        """Raise `ConfigError` unless names and places are distinct and the baseline is one of the systems."""
        super().check()
        for name in self.rows:
            if self.rows.count(name) > 1:
                raise ConfigError(f"{self.row_field}: two are called {name!r}; give each its own name")
        places = getattr(self, self.board_field)
        for place in places:
            if places.count(place) > 1:
                raise ConfigError(f"{self.board_field}: {place.name!r} occurs twice; name it once per split")
        check_baseline(self.baseline, dict.fromkeys(self.rows), who="baseline")


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise `ConfigError` unless seeds differ."""
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds: must differ, got {', '.join(map(str, seeds))}")


def parse(file: YamlFile, kind: type[AnySuite], **items: type[Config]) -> Any:
    """Make a suite of a parsed file.

    Parameters
    ----------
    kind : type of suite
    items : config types
        For each field that is a list of choices, what a choice is. It may be written as its bare name.

    Raises
    ------
    ConfigError
        If a field is unknown, missing or wrong; says file and line.
    """
    value = dict(file.value)
    _check_known(file, value, kind, "suite")
    for field, item_kind in items.items():
        if field in value:
            value[field] = [_choice(file, field, i, item, item_kind) for i, item in enumerate(_items(file, field))]
    if isinstance(value.get("measures"), str):
        value["measures"] = split_measures(value["measures"])
    try:
        suite = kind(**value)
        suite.check()
    except IrkitError as error:
        field = next((word for word in re.findall(r"\w+", str(error)) if word in file.value), "name")
        raise file.error(str(error), field) from None
    return suite


def loaded_recipe(choice: RecipeChoice) -> Recipe:
    """Load a system's recipe, with its settings changed.

    Raises
    ------
    IrkitError
        If there is no such recipe, or a setting is wrong.
    """
    from irkit.recipe import load_recipe

    return with_choice(load_recipe(choice.recipe), choice)


def with_choice(recipe: Any, choice: RecipeChoice) -> Any:
    """Return a recipe of either kind with a choice's settings and, where these change it, its name."""
    if not choice.settings:
        return recipe
    about = choice.about or recipe.about
    return recipe.with_settings(choice.settings).changed(name=choice.name, about=about)


def check_needs(suite: AnySuite, name: str, recipe: Recipe, supplied: Sequence[str]) -> None:
    """Raise `ConfigError` if a recipe needs what the suite does not supply."""
    lacking = [need for need in recipe.needs if need not in supplied]
    if lacking:
        needs, has = ", ".join(lacking), ", ".join(supplied)
        raise ConfigError(f"suite {suite.name}: {name} needs {needs}, but a suite supplies {has}")


def origin(choice: RecipeChoice, recipe: Recipe | TrainingRecipe, command: str) -> dict[str, Any]:
    """Return what a row of a result file says about where its system came from."""
    return {
        "about": choice.about or recipe.about,
        "recipe": choice.recipe,
        "recipe_hash": recipe.hash,
        "recipe_yaml": recipe.yaml(),
        "command": command,
    }


def seeds_note(seeds: Sequence[int], values: Mapping[str, Sequence[float]]) -> str:
    """Say what each seed gave, and the standard deviation over seeds.

    Examples
    --------
    >>> seeds_note([1, 2], {"RMSE": [0.91, 0.92]})
    'by seed (1, 2): RMSE 0.9100, 0.9200, sd 0.0071'
    """
    parts = [
        f"{measure} {', '.join(f'{value:.4f}' for value in column)}, sd {stdev(column):.4f}"
        for measure, column in values.items()
    ]
    return f"by seed ({', '.join(map(str, seeds))}): {'; '.join(parts)}"


def set_options(settings: Mapping[str, Any]) -> list[str]:
    """Return changed settings as words of a command line.

    Examples
    --------
    >>> set_options({"k1": 1.2, "mu": "auto"})
    ['--set', 'k1=1.2', '--set', 'mu=auto']
    """
    values = {name: dump_yaml({"value": value}).removeprefix("value:").strip() for name, value in settings.items()}
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


def _choice(file: YamlFile, field: str, i: int, item: Any, kind: type[Config]) -> Any:
    if isinstance(item, str):
        named = {"name": Path(item).stem, "recipe": item}
        item = named if "recipe" in kind.model_fields else {"name": item}
    if not isinstance(item, dict):
        raise file.error(f"{field}: needs names or mappings, got {type(item).__name__} {item!r}", field, i)
    _check_known(file, item, kind, field, i)
    try:
        return kind(**item)
    except ConfigError as error:
        raise file.error(str(error), field, i) from None


def _check_known(file: YamlFile, value: dict[str, Any], kind: type[Config], who: str, *where: int) -> None:
    for key in value:
        if key not in kind.model_fields:
            place: tuple[str | int, ...] = (who, *where, key) if where else (key,)
            raise file.error(f"{who}: unknown field {key!r}; {near_misses(key, kind.model_fields)}", *place)


def _items(file: YamlFile, field: str) -> list[Any]:
    items = file.value[field]
    if not isinstance(items, list):
        raise file.error(f"{field}: needs a list, got {type(items).__name__} {items!r}; write [a, b]", field)
    return items
