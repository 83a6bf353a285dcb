"""Validated, immutable settings of stages, similarities, suites and cards."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.wording import choices, shown, wanted

_TYPES = frozenset(
    {"bool", "bytes", "date", "datetime", "dict", "float", "int", "list", "none", "path", "str", "tuple"}
)

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"Where the words of a class's name join."


Sizes: TypeAlias = tuple[Annotated[int, Field(ge=1, strict=True)], ...]
"A field for whole numbers, each 1 or more, such as the units of some layers."


class Config(BaseModel):
    """Base of every config: frozen, typed, no unknown fields, no NaN.

    A wrong value raises `ConfigError` with one line that names the config, the field and the
    value; pydantic's own error never reaches the user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
    unhashed: ClassVar[frozenset[str]] = frozenset({"device", "processes", "progress", "scorer", "threads"})
    """Fields that say where and how a thing runs and not what it does, so that no hash sees them; a config in which
    one of these means something else, or another means this, states its own."""

    def __init__(self, /, **values: Any) -> None:  # a file may have the key `self`
        self._fill(values, nowhere)

    def _fill(
        self, values: Mapping[str, Any], fail: Callable[..., IrkitError], *where: str | int, who: str | None = None
    ) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise fail(explain_validation(type(self), error, who), *where, *_first(error)["loc"]) from None

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values: Any) -> Any:
        """Refuse `n: true`, which pydantic reads as 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields:
                kinds = _kinds(cls.model_fields[name].annotation)
                if kinds & {int, float} and not kinds & {bool, Any}:
                    raise ValueError(f"{name} must be a number, got {shown(value)}; write one")
        return values

    @classmethod
    def checked(
        cls, values: Mapping[str, Any], fail: Callable[..., IrkitError], *where: str | int, who: str | None = None
    ) -> Self:
        """Make a config of values that have a place, such as a file; the error says the place of the wrong one.

        Parameters
        ----------
        values : mapping
        fail : function of a message and a place
            Makes the error, as `YamlFile.error` does.
        where : str or int
            The place of `values`.
        who : str, optional
            Whose settings they are; default `called`.
        """
        config = cls.__new__(cls)
        config._fill(values, fail, *where, who=who)
        return config

    @classmethod
    def called(cls) -> str:
        """Return what messages call it: its `name`, or else the name of its class in words.

        Examples
        --------
        >>> class LateFusionConfig(Config): ...
        >>> LateFusionConfig.called()
        'late-fusion'
        """
        name = getattr(cls, "name", None)
        return name if isinstance(name, str) else _WORDS.sub("-", cls.__name__.removesuffix("Config")).lower()

    def changed(self, **values: Any) -> Any:
        """Return a copy with some fields replaced, validated again."""
        return type(self)(**{**self.given(), **values})

    def given(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain YAML-able values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def essence(self) -> dict[str, Any]:
        """Return what `given` does, but for what says only where and how it runs; equal ones do the same."""
        inner = {
            name: value._like(type(self).model_fields[name].get_default(call_default_factory=True))
            for name, value in self
            if isinstance(value, Config)
        }
        copy = self.model_copy(update=inner)
        return copy.model_dump(mode="json", exclude_defaults=True, exclude=set(self.unhashed))

    def _like(self, default: Any) -> Self:
        """Return a copy that runs where and how the default does."""
        same = type(self) is type(default)
        return self.model_copy(update={name: getattr(default, name) for name in self.unhashed & {*dict(self)} if same})


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings with some of them replaced."""
    out = dict(base)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(out.get(name), Mapping)
        out[name] = merged(out[name], value) if both else value
    return out


def nowhere(message: str, *where: str | int) -> ConfigError:
    """Make an error of values that have no place."""
    return ConfigError(message)


def explain_validation(kind: type[Config], error: ValidationError, who: str | None = None) -> str:
    """Say in one line what pydantic found wrong, unknown fields first and with near misses.

    `who` begins the line, by default what the kind is called; without one, if it is empty, nothing does.
    """
    message = _explained(kind, error)
    who = kind.called() if who is None else who
    return f"{who}: {message}" if who else message


def _explained(kind: type[Config], error: ValidationError) -> str:
    first = _first(error)
    field = ".".join(_place(first["loc"]))
    if first["type"] == "extra_forbidden":
        known = [one.alias or name for name, one in kind.model_fields.items()]
        return f"unknown field {field!r}; {near_misses(field, known)}"
    if first["type"] == "missing":
        about = kind.model_fields[field].description if field in kind.model_fields else None
        return f"field {field!r} is missing" + (f": {about[0].lower()}{about[1:].rstrip('.')}" if about else "")
    raised = first["ctx"]["error"] if first["type"] == "value_error" else None
    if isinstance(raised, ConfigError) and field:  # by a config inside this one
        return f"{field}: {str(raised).partition(': ')[2]}"
    if raised and not field:  # a check over several fields says itself what does not fit
        return str(raised)
    return f"{field} is not valid, got {shown(first['input'])}; {raised or _instead(error, field)}"


def _instead(error: ValidationError, field: str) -> str:
    """Say what the value of a field must be; it may be of several kinds, each of which pydantic found wrong."""
    found = [one for one in error.errors() if ".".join(_place(one["loc"])) == field]
    must = list(dict.fromkeys(filter(None, map(wanted, found))))
    message = str(found[0]["msg"])
    return choices(found) or (f"it must be {' or '.join(must)}" if must else f"{message[0].lower()}{message[1:]}")


def _first(error: ValidationError) -> Any:
    """Return what is to be told of several errors: a misspelt field explains a missing one."""
    return min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")


def _kinds(annotation: Any) -> set[Any]:
    """Return the plain types in an annotation such as `float | Literal["auto"] | None`."""
    arguments = get_args(annotation)
    return {annotation} if not arguments else set().union(*map(_kinds, arguments))


def _place(loc: tuple[int | str, ...]) -> list[str]:
    """Return the path to a wrong value without the names of union members, such as `float` in `mu.float`."""
    rest = [part for part in map(str, loc[1:]) if part not in _TYPES and "[" not in part and "(" not in part]
    return [*map(str, loc[:1]), *rest]


def digest(*parts: Any) -> str:
    """Hash JSON-able values to 32 hexadecimal digits, independent of key order.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Names of files need not be Unicode: Python carries their bytes as surrogates.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
