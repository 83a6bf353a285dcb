"""Recipes: a pipeline as plain values, read from YAML and written back.

    name: bm25-cut
    about: What it does, in a sentence.
    source: Authors, "Title", venue, year.          # optional
    needs: [index]
    stages:
      - {use: lucene, model: bm25, n: 1000}
      - {use: cut, k: 10}

An operator holds its pipelines in `of`, a list of lists of stages. What a stage name may be is
a name of `irkit.registry.STAGES`; its fields are those of its config.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit import locate
from irkit.config import digest
from irkit.errors import ConfigError, IrkitError, NotFoundError, near_misses
from irkit.recipe.assemble import build_stages, needed, outline
from irkit.recipe.settings import change_settings
from irkit.registry import STAGES
from irkit.yamlfile import YamlFile, dump_yaml, read_yaml

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage

FIELDS = ("name", "about", "source", "needs", "stages")
"Fields of a recipe file."

_HOW = {
    "index": "index=irkit.Index.open('folder')",
    "train": "train=irkit.recommend.RatingTable.from_frame(ratings)",
    "vectors": "vectors=irkit.text.vectors.Vectors.load('file')",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")


@dataclass(frozen=True)
class Recipe:
    """A pipeline as plain values, validated when made.

    Raises
    ------
    IrkitError
        If a field is wrong, a stage unknown, two stages do not fit or `needs` is not what the
        stages need; the message begins with file and line where there is a file.
    """

    name: str
    "Letters, digits and . _ + -; names the system in tables and run files."
    stages: list[dict[str, Any]]
    "What is done, in order: `{use: name, field: value, ..., of: [[...], ...]}`."
    about: str = ""
    "One sentence."
    needs: tuple[str, ...] = ()
    "Resources that `build` must be given."
    source: str = ""
    "The publication."
    path: Path | None = field(default=None, compare=False)
    "The file it came from."
    _file: YamlFile | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", copy.deepcopy(self.stages))
        object.__setattr__(self, "needs", self._checked_needs())
        for name in ("name", "about", "source"):
            if not isinstance(getattr(self, name), str):
                raise self._fail(f"{name} must be text, got {getattr(self, name)!r}", name)
        if not _NAME.match(self.name):
            raise self._fail(f"name must be letters, digits and . _ + -, got {self.name!r}", "name")
        wanted = needed(self._outline)
        for need in wanted:
            if need not in self.needs:
                raise self._fail(
                    f"needs must hold {need!r}, which a stage needs; write needs: [{', '.join(wanted)}]", "needs"
                )
        for place, need in enumerate(self.needs):
            if need not in wanted:
                raise self._fail(f"needs holds {need!r}, which no stage needs; remove it", "needs", place)

    def __hash__(self) -> int:
        return hash((self.name, self.hash))

    def build(self, **resources: Any) -> Stage:
        """Make the pipeline.

        Parameters
        ----------
        resources
            One object for each of `needs`, by name. Others are left alone, so that many recipes can
            be built from one set of resources.

        Raises
        ------
        ConfigError
            If a resource is missing.
        """
        for need in self.needs:
            if resources.get(need) is None:
                how = _HOW.get(need, f"{need}=...")
                raise ConfigError(f"recipe {self.name!r}: needs {need!r}, which was not given; call build({how})")
        return build_stages(self.stages, resources, self._fail, ("stages",))

    def with_settings(self, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some fields of its stages replaced.

        Parameters
        ----------
        settings : mapping of name to value
            `0.n` is field `n` of the first stage, `1.of.0.k` field `k` in the first pipeline inside
            the second; a bare `k1` will do where only one stage has it. See `irkit.recipe.settings`.

        Raises
        ------
        ConfigError
            If a name fits no stage or several, or the changed recipe is not valid.
        """
        unplaced = replace(self, _file=None)  # lines of the file no longer say where a value comes from
        return replace(unplaced, stages=change_settings(self.stages, settings, unplaced._fail))

    @property
    def hash(self) -> str:
        """Hash of what the recipe does: its needs and stages, not its name, comments or stated defaults."""
        return digest(sorted(self.needs), _listed(self._outline.spec()))

    def yaml(self) -> str:
        """Return the recipe as a YAML file holds it; equal recipes give equal text."""
        given = {"name": self.name, "about": self.about, "source": self.source, "needs": list(self.needs)}
        return dump_yaml({**{key: value for key, value in given.items() if value}, "stages": self.stages})

    @cached_property
    def _outline(self) -> Stage:
        return outline(self.stages, self._fail, ("stages",))

    def _checked_needs(self) -> tuple[str, ...]:
        needs = self.needs
        if not isinstance(needs, (list, tuple)) or not all(isinstance(need, str) for need in needs):
            raise self._fail(f"needs must be a list of names, got {needs!r}; write needs: [index]", "needs")
        if len(set(needs)) < len(needs):
            raise self._fail(f"needs names a resource twice, got {', '.join(needs)}", "needs")
        return tuple(needs)

    def _fail(self, message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        if self._file is not None:
            return self._file.error(message, *where, kind=kind)
        place = ".".join(map(str, where[1:] if where[:1] == ("stages",) else where))
        return kind(f"recipe {self.name!r}: {place + ': ' if place else ''}{message}")


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe by name or path: an existing file, one of the user's, or one that irkit ships.

    Raises
    ------
    NotFoundError
        If there is none; lists near misses.
    IrkitError
        If it is not a valid recipe; says file and line.

    Examples
    --------
    >>> load_recipe("bm25").needs
    ('index',)
    """
    path = locate.find("pipelines", str(name))
    file = read_yaml(path)
    if "model" in file.value and "stages" not in file.value:
        raise file.error(f"is something to train, not a pipeline; use irkit train {path.stem}", "model")
    for key in file.value:
        if key not in FIELDS:
            raise file.error(f"unknown field {key!r}; {near_misses(key, FIELDS)}", key)
    if "stages" not in file.value:
        raise file.error("field 'stages' is missing; a recipe is a list of stages")
    return Recipe(**{"name": path.stem, **file.value}, path=path, _file=file)


def to_recipe(stage: Stage, name: str, about: str = "", source: str = "") -> Recipe:
    """Write a pipeline down as a recipe.

    Raises
    ------
    ConfigError
        If it holds what YAML cannot: a function, a fitted model, two resources of one kind, a stage
        without a registered name.

    Examples
    --------
    >>> from irkit.pipeline.operators import normalise
    >>> from irkit.pipeline.chain import Cut
    >>> to_recipe(normalise(Cut(k=5)), "tidy").stages
    [{'use': 'cut', 'k': 5}, {'use': 'normalise'}]
    """
    who = f"to_recipe: {name!r}"
    stages = _listed(stage.spec())
    resources = _resources(stage, who)
    recipe = Recipe(name, stages, about, tuple(resources), source)
    if recipe.build(**resources) != stage:
        raise ConfigError(f"{who} cannot be a recipe: a file has no place for what it learned; write it before fit")
    return recipe


def _resources(stage: Stage, who: str) -> dict[str, Any]:
    """Collect the resources of a pipeline by name, after checking that each stage can be named."""
    try:
        registered = (stage.parts and type(stage).name == "then") or STAGES.load(stage.name) is type(stage)
    except NotFoundError:
        registered = False
    if not registered:
        raise ConfigError(f"{who} cannot be a recipe: {stage.name} has no registered name; keep it in Python")
    held = {need: getattr(stage, need) for need in stage.needs}
    for part in stage.parts:
        for need, resource in _resources(part, who).items():
            if held.setdefault(need, resource) is not resource:
                raise ConfigError(f"{who} cannot be a recipe: its stages hold two different resources {need!r}")
    return held


def _listed(spec: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return spec if isinstance(spec, list) else [spec]
