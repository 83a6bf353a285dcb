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

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import SkipValidation, StrictStr, field_validator

from irkit.config import digest
from irkit.errors import ConfigError, NotFoundError
from irkit.recipe.assemble import TRAIN, Fail, build_stages, essence, needed, outline
from irkit.recipe.base import AnyRecipe
from irkit.recipe.resources import in_python
from irkit.recipe.settings import change_settings
from irkit.registry import STAGES
from irkit.yamlfile import YamlFile

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage


class Recipe(AnyRecipe):
    """A pipeline as plain values, validated when made.

    Raises
    ------
    IrkitError
        If a field is wrong, a stage unknown, two stages do not fit or `needs` is not what the
        stages need; the message begins with file and line where there is a file.
    """

    needs: tuple[StrictStr, ...] = ()
    "What it must be given: resources by `build`, and `train` by `fit`."
    stages: Annotated[list[dict[str, Any]], SkipValidation]  # `check` looks at them, stage by stage
    "What is done, in order: `{use: name, field: value, ..., of: [[...], ...]}`."

    @field_validator("needs", mode="before")
    @classmethod
    def _lists_names(cls, needs: Any) -> Any:
        if not isinstance(needs, (list, tuple)):
            raise ValueError("a list of names, needs: [index]")
        if len(set(map(str, needs))) < len(needs):
            raise ValueError("each is named once")
        return needs

    def check(self) -> None:
        """Raise an error if a stage is wrong, or `needs` is not what the stages need."""
        wanted = needed(self._outline)
        for need in wanted:
            if need not in self.needs:
                message = f"needs must hold {need!r}, which a stage needs; write needs: [{', '.join(wanted)}]"
                raise self.fail(message, "needs")
        for place, need in enumerate(self.needs):
            if need not in wanted:
                raise self.fail(f"needs holds {need!r}, which no stage needs; remove it", "needs", place)

    @classmethod
    def refuse(cls, file: YamlFile) -> None:
        """Raise `ConfigError` if a file is that of a training."""
        if "model" in file.value and "stages" not in file.value:
            raise file.error(f"is something to train, not a pipeline; use irkit train {Path(file.path).stem}", "model")

    def build(self, **resources: Any) -> Stage:
        """Make the pipeline. Nothing is fitted: that is done by `fit` of what is returned.

        Parameters
        ----------
        resources
            One object for each of `needs` but `train`, by name. Others are left alone, so that many recipes
            can be built from one set of resources.

        Raises
        ------
        ConfigError
            If a resource is missing, or `train` is given.
        """
        if TRAIN in resources:
            raise ConfigError(f"recipe {self.name!r}: is built first and then fitted; write build().fit(train)")
        for need in self.needs:
            if need != TRAIN and resources.get(need) is None:
                how = in_python(need)
                raise ConfigError(f"recipe {self.name!r}: needs {need!r}, which was not given; call build({how})")
        return build_stages(self.stages, resources, self.fail, ("stages",))

    def replaced(self, settings: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
        """Return the stages with some of their fields replaced."""
        return {"stages": change_settings(self.stages, settings, fail)}

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out the outline, whose stand-ins nobody may look at: whoever needs one makes it again."""
        state = super().__getstate__()
        return state | {"__dict__": {name: one for name, one in state["__dict__"].items() if name != "_outline"}}

    @property
    def hash(self) -> str:
        """Hash of what the recipe does: its needs and stages."""
        return digest(sorted(self.needs), essence(self._outline))

    @property
    def takes(self) -> str:
        """What its pipeline takes: queries or results."""
        return self._outline.takes

    @property
    def learns_from(self) -> tuple[type, ...]:
        """The kinds of training part that its stages learn from, such as `Topics`; empty if none learns."""
        from irkit.pipeline.unfold import every

        return tuple(dict.fromkeys(one.learns_from for one in every(self._outline) if one.learns_from is not None))

    @cached_property
    def _outline(self) -> Stage:
        return outline(self.stages, self.fail, ("stages",))


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
    return Recipe.load(name)


def to_recipe(stage: Stage, name: str, about: str = "", source: str = "") -> Recipe:
    """Write a pipeline down as a recipe; of a fitted one, what it was before `fit`.

    Raises
    ------
    ConfigError
        If it holds what YAML cannot: a function, two resources of one kind, a stage without a registered
        name.

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
    recipe = Recipe(name=name, about=about, source=source, needs=tuple(needed(stage)), stages=stages)
    if not stage.learns and recipe.build(**resources) != stage:
        raise ConfigError(f"{who} cannot be a recipe: a file has no place for all that it holds; keep it in Python")
    return recipe


def _resources(stage: Stage, who: str) -> dict[str, Any]:
    """Collect the resources of a pipeline by name, after checking that each stage can be named."""
    from irkit.pipeline.stage import resource_fingerprint
    from irkit.pipeline.unfold import every

    held: dict[str, Any] = {}
    for one in every(stage):
        try:
            registered = (one.parts and type(one).name == "then") or STAGES.load(one.name) is type(one)
        except NotFoundError:
            registered = False
        if not registered:
            raise ConfigError(f"{who} cannot be a recipe: {one.name} has no registered name; keep it in Python")
        for need in one.needs:
            first, own = held.setdefault(need, getattr(one, need)), getattr(one, need)
            same = first is own or None is not resource_fingerprint(first) == resource_fingerprint(own)
            if not same:  # an index that was opened twice is one
                raise ConfigError(f"{who} cannot be a recipe: its stages hold two different resources {need!r}")
    return held


def _listed(spec: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return spec if isinstance(spec, list) else [spec]
