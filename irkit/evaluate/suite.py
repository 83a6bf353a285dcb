"""Suites: which systems are compared on what by which measures, as a YAML file.

The field that names what is measured on tells the kind: `collections` (retrieval), `ratings` (recommendation),
`density` (density models), `data` (models of any data, by figures of their own), or that of a plug-in; or
`parts`, other suites to be run as one. The fields of the kind's tasks may stand beside it, for all of them,
or in one task for it alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from irkit.config import Config
from irkit.errors import ConfigError, IrkitError, NotFoundError, near_misses
from irkit.evaluate.compare import check_baseline
from irkit.evaluate.controls import check_controls
from irkit.evaluate.corrections import Correction
from irkit.evaluate.measures import split_measures
from irkit.evaluate.significance import Test
from irkit.evaluate.space import Method
from irkit.evaluate.tasks.task import TaskChoice
from irkit.ids import hides
from irkit.locate import find, given_path
from irkit.registry import TASKS
from irkit.rng import Seed
from irkit.wording import shown
from irkit.yamlfile import YamlFile, read_yaml


class SystemChoice(Config):
    """A system of a suite."""

    name: str
    "Its name on the board."
    recipe: str
    "Name or path of a recipe; of a run its file."
    run: str = ""
    "A run file in the place of a recipe."
    settings: dict[str, Any] = Field(default_factory=dict)
    "Changed settings of the recipe, as its `with_settings` takes them."
    about: str = ""
    "What it is; default what the recipe says."
    data: tuple[str, ...] = ()
    "Of a model that is trained: on what, on each of its own; default what its recipe names."
    vectors: str = ""
    "Of a pipeline that needs word vectors: which; default those of the collection."
    encoder: str = ""
    "Of a pipeline that needs an encoder: which; see `irkit.recipe.encoders.open_encoder`."
    cross_encoder: str = ""
    "Of a pipeline that needs a cross-encoder: which; see `irkit.recipe.encoders.open_cross_encoder`."
    tune: str = ""
    "Tuning space whose parameters are chosen without the test part; default none."
    waive: dict[str, str] = Field(default_factory=dict)
    "Guards whose finding is accepted, with the reason; see `irkit.recommend.guards`. The board says so."

    @model_validator(mode="before")
    @classmethod
    def _recipe_or_run(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("run"):
            if values.get("recipe", values["run"]) != values["run"]:
                raise ValueError("has a recipe and a run; keep one")
            return {**values, "recipe": values["run"]}
        return values

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_many(cls, data: Any) -> Any:
        return (data,) if isinstance(data, str) else data


class Tuning(Config):
    """How a suite's tuned systems are tuned; the suite's first measure chooses, its seed draws."""

    folds: int = Field(5, ge=2)
    "Folds of queries."
    method: Method = "grid"
    "How candidates are found."
    trials: int = Field(50, ge=1)
    "Candidates, where they are drawn."


class Suite(Config):
    """Systems, what they are measured on, and how they are compared."""

    name: str
    "Name of the suite and of its result file."
    about: str = ""
    "What it shows, in a sentence."
    tasks: tuple[SerializeAsAny[TaskChoice], ...] = ()
    "Each gives one board; a file names them by the field of their kind."
    systems: tuple[SystemChoice, ...] = ()
    "In the order they are run."
    measures: tuple[str, ...] = ()
    "The first one ranks the board; none for tasks that have but one."
    baseline: str | None = None
    "Name of the system the others are compared with; in a file by default what stands on every board of its kind."
    controls: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    "System -> what it starts from, then its controls; boards say whether any of them gains as much."
    test: Test = "t"
    "The test whose p-values are corrected."
    correction: Correction = "holm"
    "How, for the number of systems."
    seed: Seed = 42
    "Of bootstrap and randomisation, and of whatever is drawn for all systems alike."
    seeds: tuple[Seed, ...] = Field((1,), min_length=1)
    "A system that has a seed is fitted once with each; numbers are means."
    tuning: Tuning = Tuning()
    "How tuned systems are tuned."
    parts: tuple[str, ...] = ()
    "Names or paths of suites to be run as one, with this one's seed, instead of tasks and systems."
    path: str = ""
    "The file it came from, where that is no suite's name."

    def changed(self, **values: Any) -> Any:
        """Return a copy with some fields replaced, validated again."""
        return type(self)(**{**{name: getattr(self, name) for name in self.model_fields_set}, **values})

    @property
    def origin(self) -> str:
        """What a command calls it: its name, or the path of its file."""
        return self.path or self.name

    @property
    def suites(self) -> list[Suite]:
        """The suites that are run: its parts, or itself."""
        if not self.parts:
            return [self]
        found = []
        for name in self.parts:
            suite = load_suite(name)
            if suite.parts:
                raise ConfigError(f"parts: {name!r} has parts itself; name these")
            # A command of the part alone would draw with the part's own seed.
            found.append(suite if suite.seed == self.seed else suite.changed(seed=self.seed, path=self.origin))
        return found

    @property
    def boards(self) -> list[str]:
        """Names of what is measured on, one for each board."""
        return [task.name for suite in self.suites for task in suite.tasks]

    @property
    def rows(self) -> list[str]:
        """Names of the systems, one for each row."""
        return [name for suite in self.suites for name in suite.own_rows]

    @property
    def own_rows(self) -> list[str]:
        """Those of a suite without parts: what stands on every board of its kind, then its systems."""
        return [*(type(self.tasks[0]).rows if self.tasks else ()), *(system.name for system in self.systems)]

    def check(self) -> None:
        """Raise `ConfigError` where fields do not fit together."""
        if not re.fullmatch(r"[\w-][\w.-]*", self.name):
            raise ConfigError(f"name: must be letters, digits, dots and hyphens, got {self.name!r}; it names a file")
        for name in self.parts:
            if self.parts.count(name) > 1:
                raise ConfigError(f"parts: {name!r} occurs twice; name it once")
        if "parts" in self.model_fields_set:
            if not self.parts:
                raise ConfigError("parts: name one suite or more, got none")
            own = self.model_fields_set - {"name", "about", "parts", "seed", "path"}
            if own:
                raise ConfigError(
                    f"{min(own)}: a suite of parts has name, about, parts and seed; leave it to its parts"
                )
            return
        if not self.tasks:
            raise ConfigError(f"a suite is measured on something; name {', '.join(TASKS)}, or suites under parts")
        if not self.systems:
            raise ConfigError("systems: a suite has one or more, got none; name them")
        kind = type(self.tasks[0])
        for name in self.own_rows:
            if (character := hides(name)) is not None:
                what = f"the name {name!a} holds the control or invisible character {character}"
                raise ConfigError(f"systems: {what}; give another name")
            if self.own_rows.count(name) > 1:
                raise ConfigError(f"systems: two are called {name!r}; give each its own name")
        for task in self.tasks:
            if self.tasks.count(task) > 1:
                raise ConfigError(f"{kind.field}: {task.name!r} occurs twice; name it once per split")
        if len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds: must differ, got {', '.join(map(str, self.seeds))}")
        check_baseline(self.baseline, dict.fromkeys(self.own_rows), who="baseline")
        check_controls(self.controls, self.own_rows)
        ranked = getattr(kind, "ranked", False)
        for field, has in (("tune", kind.tunes), ("waive", kind.waives), ("data", kind.trains), ("run", ranked)):
            if not has and any(getattr(system, field) for system in self.systems):
                raise ConfigError(f"systems: there is nothing to {field} for tasks of this kind; leave it out")
        kind.check_suite(self)


def load_suite(name: str | Path) -> Suite:
    """Read a suite by name or path.

    A task or system may be written as its bare name, measures as one string.

    Raises
    ------
    NotFoundError
        If there is no such suite.
    DataError
        If the file is not YAML.
    ConfigError
        If a field is unknown, missing or wrong; says file and line.
    """
    suite, file = _read(name)
    for place, system in enumerate(suite.systems):
        try:
            if not system.run:  # a run is read once, where it is measured
                type(suite.tasks[0]).recipe(system)
        except NotFoundError as error:
            raise file.error(str(error), "systems", place, kind=NotFoundError) from None
        except ConfigError as error:
            if not system.settings:  # of the recipe's own file, whose line it says
                raise
            raise file.error(str(error), "systems", place, "settings") from None
    for place, part in enumerate(suite.parts):
        try:
            find("eval", part)
        except NotFoundError as error:
            raise file.error(str(error), "parts", place, kind=NotFoundError) from None
    return suite


def read_suite(name: str | Path) -> Suite:
    """Read a suite as `load_suite` does, whether its recipes are there or not."""
    return _read(name)[0]


def _read(name: str | Path) -> tuple[Suite, YamlFile]:
    file = read_yaml(find("eval", str(name)))
    suite = parse_suite(file)
    return suite.changed(path=str(name)) if given_path(str(name), [suite.name]) else suite, file


def parse_suite(file: YamlFile) -> Suite:
    """Make a suite of a parsed file; errors as `load_suite`."""
    value = dict(file.value)
    known = [field for field in Suite.model_fields if field not in ("tasks", "path")]
    there = [one for one in TASKS if one in value]
    field = there[0] if there else None
    own: list[str] = []
    if there[1:]:
        what = f"suite: is measured on one kind of data, got {field} and {there[1]}"
        raise file.error(f"{what}; make two suites, and one with parts: [ONE, OTHER]", there[1])
    if field is not None:
        kind = TASKS.load(field)
        own = [name for name in kind.model_fields if name != "name"]
        shared = {name: value.pop(name) for name in own if name in value}
        value["tasks"] = [_choice(file, field, i, item, kind, shared) for i, item in enumerate(_items(file, field))]
        if not value.pop(field):
            raise file.error(f"{field}: a suite has one or more, got none; name them", field)
        if kind.rows:
            value.setdefault("baseline", kind.rows[0])
    for key in value:
        if key not in known and key != "tasks":
            raise file.error(f"suite: unknown field {key!r}; {near_misses(key, [*known, *own, *TASKS])}", key)
    if "systems" in value:
        value["systems"] = [
            _choice(file, "systems", i, item, SystemChoice, {}) for i, item in enumerate(_items(file, "systems"))
        ]
    if isinstance(value.get("measures"), str):
        value["measures"] = split_measures(value["measures"])
    suite = Suite.checked(value, file.error, who="suite")
    try:
        suite.check()
    except IrkitError as error:
        place = next((word for word in re.findall(r"\w+", str(error)) if word in file.value), field or "name")
        raise file.error(str(error), place) from None
    return suite


def _choice(file: YamlFile, field: str, i: int, item: Any, kind: type[Config], shared: dict[str, Any]) -> Any:
    if isinstance(item, str):
        item = {"name": Path(item).stem, "recipe": item} if kind is SystemChoice else {"name": item}
    if not isinstance(item, dict):
        raise file.error(f"{field}: needs names or mappings, got {shown(item)}", field, i)
    for key in item:
        if key not in kind.model_fields:
            raise file.error(f"{field}: unknown field {key!r}; {near_misses(key, kind.model_fields)}", field, i, key)

    def fail(message: str, *where: str | int) -> IrkitError:
        first = where[0] if where else next((name for name in shared if name in message), None)
        return file.error(message, *((first,) if first in shared and first not in item else (field, i, *where)))

    return kind.checked({**shared, **item}, fail, who=field)


def _items(file: YamlFile, field: str) -> list[Any]:
    items = file.value[field]
    if not isinstance(items, list):
        raise file.error(f"{field}: needs a list, got {shown(items)}; write [a, b]", field)
    return items
