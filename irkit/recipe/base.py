"""What every recipe is, whatever it makes: named plain values that are checked when made and know their lines."""

from __future__ import annotations

import copy
import logging
import re
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr, StrictStr, field_validator

from irkit import locate
from irkit.config import Config
from irkit.errors import ConfigError, IrkitError
from irkit.recipe.assemble import Fail
from irkit.wording import shown
from irkit.yamlfile import YamlFile, dump_yaml, read_yaml

log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")


class AnyRecipe(Config):
    """Base of the recipes; the other fields of a kind are the fields of its files.

    Raises
    ------
    IrkitError
        If a field is wrong; the message begins with file and line where there is a file.
    """

    name: StrictStr
    "Letters, digits and . _ + -; names what is made in tables, files and folders."
    about: StrictStr = ""
    "One sentence."
    source: StrictStr = ""
    "The publication."
    _file: YamlFile | None = PrivateAttr(None)

    def __init__(self, /, **values: Any) -> None:
        self._make(values, None)

    def _make(self, values: Mapping[str, Any], file: YamlFile | None) -> None:
        fail = _failing(file, str(values.get("name")))
        self._fill({str(name): copy.deepcopy(value) for name, value in values.items()}, fail, who="")
        self._file = file
        self.check()

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.match(name):
            raise ValueError("a name is letters, digits and . _ + -")
        return name

    # ------------------------------------------------------------------ of each kind

    @abstractmethod
    def check(self) -> None:
        """Raise an error, made by `fail`, where the values do not fit together."""

    @classmethod
    @abstractmethod
    def refuse(cls, file: YamlFile) -> None:
        """Raise an error if a file holds a recipe of another kind."""

    @abstractmethod
    def replaced(self, settings: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
        """Return the fields that have other values with some settings changed; not yet checked."""

    @property
    @abstractmethod
    def hash(self) -> str:
        """Hash of what the recipe does: not its name or comments, nor stated defaults, nor where and how it runs."""

    # ------------------------------------------------------------------ the same for all

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Read a recipe of this kind by name or path: an existing file, one of the user's, or one that irkit ships.

        Raises
        ------
        NotFoundError
            If there is none; lists near misses.
        IrkitError
            If it is not a valid recipe of this kind; says file and line.
        """
        path = locate.find("pipelines", str(name))
        log.debug("recipe %s: read from %s", path.stem, path)
        file = read_yaml(path)
        cls.refuse(file)
        recipe = cls.__new__(cls)
        recipe._make({"name": path.stem, **file.value}, file)
        return recipe

    @property
    def path(self) -> Path | None:
        """The file it came from."""
        return None if self._file is None else Path(self._file.path)

    def values(self) -> dict[str, Any]:
        """Return the values of all fields, under the names they have in a file."""
        return {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}

    def changed(self, **values: Any) -> Self:
        """Return a copy with some fields replaced, checked again; it is of no file."""
        return type(self)(**{**self.values(), **values})

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Return the recipe with some settings changed.

        Parameters
        ----------
        settings : mapping of name to value
            Of a pipeline, `0.n` is field `n` of the first stage, `1.of.0.k` field `k` in the first pipeline
            inside the second; a bare `k1` will do where only one stage has it, and `rm3.mu` where one
            has that name (see `irkit.recipe.settings`).
            Of a training, such as `config.hidden_size`, `trainer.optimiser.learning_rate`,
            `trainer.optimisers.generator.learning_rate` of one phase, `evaluate.samples`, `data`.

        Raises
        ------
        ConfigError
            If there is no such setting, a name fits several, or the changed recipe is not valid.
        """
        if not isinstance(settings, Mapping):
            raise ConfigError(
                f"recipe {self.name!r}: settings are a mapping, got {shown(settings)}; write {{'k1': 1.2}}"
            )
        return self.changed(**self.replaced(settings, _failing(None, self.name)))

    def yaml(self) -> str:
        """Return the recipe as a YAML file holds it; equal recipes give equal text."""
        values = {name: [*value] if isinstance(value, tuple) else value for name, value in self.values().items()}
        return dump_yaml({name: value for name, value in values.items() if value not in ("", [], {}, None)})

    def fail(self, message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        """Make an error that begins with the place of a value; the caller raises it."""
        return _failing(self._file, self.name)(message, *where, kind=kind)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.values() == other.values()

    def __hash__(self) -> int:
        return hash((self.name, self.hash))


def _failing(file: YamlFile | None, name: str) -> Fail:
    """Return what makes errors: with the line in a file, or else with the recipe's name and the place in it."""
    if file is not None:
        return file.error

    def fail(message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        place = ".".join(map(str, where[1:] if where[:1] == ("stages",) else ()))
        return kind(f"recipe {name!r}: {place + ': ' if place else ''}{message}")

    return fail
