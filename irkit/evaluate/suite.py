"""Suites: which systems are compared on which collections by which measures, as a YAML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.evaluate.compare import check_baseline
from irkit.evaluate.measures import measure_names, split_measures
from irkit.evaluate.significance import Test
from irkit.evaluate.tuning import Method
from irkit.locate import find
from irkit.yamlfile import YamlFile, read_yaml


class CollectionChoice(Config):
    """A collection of a suite."""

    name: str
    "Name or path."
    split: str | None = None
    "Which of its splits; default the collection's own default."


class SystemChoice(Config):
    """A system of a suite."""

    name: str
    "Its name on the board."
    recipe: str
    "Name or path of a recipe."
    settings: dict[str, Any] = Field(default_factory=dict)
    "Changed settings of the recipe, as `Recipe.with_settings` takes them."
    about: str = ""
    "What it is; default what the recipe says."
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


class Suite(Config):
    """Systems, collections and measures of a leaderboard."""

    name: str
    "Name of the suite and of its result file."
    about: str = ""
    "What it shows, in a sentence."
    collections: tuple[CollectionChoice, ...] = Field(min_length=1)
    "Each gives one board."
    measures: tuple[str, ...] = Field(min_length=1)
    "See `parse_measures`; the first one ranks the board."
    systems: tuple[SystemChoice, ...] = Field(min_length=1)
    "In the order they are run."
    baseline: str | None = None
    "Name of the system the others are compared with."
    test: Test = "t"
    "The test whose p-values are corrected."
    seed: int = Field(42, ge=0)
    "Of bootstrap and randomisation."
    repeats: int = Field(3, ge=1)
    "Runs to take the median time of."
    index: IndexOptions = IndexOptions()
    "How indexes are built."
    vectors: str = ""
    "Word vectors for the systems that need them; see `irkit.evaluate.resources.suite_vectors`."
    tuning: Tuning = Tuning()
    "How tuned systems are tuned."
    allow_leak: bool = False
    "Accept systems fitted on the test queries; the board says so."


def load_suite(name: str | Path) -> Suite:
    """Read a suite by name or path.

    A collection or system may be written as its bare name, measures as one string.

    Raises
    ------
    NotFoundError
        If there is no such suite.
    DataError
        If the file is not YAML.
    ConfigError
        If a field is unknown, missing or wrong; says file and line.
    """
    return parse_suite(read_yaml(find("eval", str(name))))


def parse_suite(file: YamlFile) -> Suite:
    """Make a suite of a parsed file; errors as `load_suite`."""
    value = dict(file.value)
    _known(file, value, Suite, "suite")
    for field, kind in (("collections", CollectionChoice), ("systems", SystemChoice)):
        if field in value:
            value[field] = [_choice(file, field, i, item, kind) for i, item in enumerate(_items(file, field))]
    if isinstance(value.get("measures"), str):
        value["measures"] = split_measures(value["measures"])
    try:
        suite = Suite(**value)
        check_suite(suite)
    except IrkitError as error:
        field = next((word for word in re.findall(r"\w+", str(error)) if word in file.value), "name")
        raise file.error(str(error), field) from None
    return suite


def check_suite(suite: Suite) -> None:
    """Raise `ConfigError` unless names are distinct, measures known and the baseline one of the systems."""
    names = [system.name for system in suite.systems]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"systems: two are called {name!r}; give each its own name")
    places = [(choice.name, choice.split) for choice in suite.collections]
    for place in places:
        if places.count(place) > 1:
            raise ConfigError(f"collections: {place[0]!r} occurs twice; name it once per split")
    if not re.fullmatch(r"[\w-][\w.-]*", suite.name):
        raise ConfigError(f"name: must be letters, digits, dots and hyphens, got {suite.name!r}; it names a file")
    check_baseline(suite.baseline, dict.fromkeys(names), who="baseline")
    measure_names(suite.measures)


def _choice(file: YamlFile, field: str, i: int, item: Any, kind: type[Config]) -> Any:
    if isinstance(item, str):
        item = {"name": Path(item).stem if field == "systems" else item, "recipe": item}
        if kind is CollectionChoice:
            del item["recipe"]
    if not isinstance(item, dict):
        raise file.error(f"{field}: needs names or mappings, got {type(item).__name__} {item!r}", field, i)
    _known(file, item, kind, field, i)
    try:
        return kind(**item)
    except ConfigError as error:
        raise file.error(str(error), field, i) from None


def _known(file: YamlFile, value: dict[str, Any], kind: type[Config], who: str, *where: int) -> None:
    for key in value:
        if key not in kind.model_fields:
            place: tuple[str | int, ...] = (who, *where, key) if where else (key,)
            raise file.error(f"{who}: unknown field {key!r}; {near_misses(key, kind.model_fields)}", *place)


def _items(file: YamlFile, field: str) -> list[Any]:
    items = file.value[field]
    if not isinstance(items, list):
        raise file.error(f"{field}: needs a list, got {type(items).__name__} {items!r}; write [a, b]", field)
    return items
