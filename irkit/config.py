"""Validated, immutable settings of stages, similarities, suites and cards."""

from __future__ import annotations

import hashlib
import json
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from irkit.errors import ConfigError, near_misses

_TYPES = frozenset(
    {"bool", "bytes", "date", "datetime", "dict", "float", "int", "list", "none", "path", "str", "tuple"}
)


class Config(BaseModel):
    """Base of every config: frozen, typed, no unknown fields, no NaN.

    A wrong value raises `ConfigError` with one line that names the config, the field and the
    value; pydantic's own error never reaches the user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def __init__(self, /, **values: Any) -> None:  # a file may have the key `self`
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(explain_validation(type(self), error)) from None

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, values: Any) -> Any:
        """Refuse `n: true`, which pydantic reads as 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields:
                kinds = _kinds(cls.model_fields[name].annotation)
                if kinds & {int, float} and not kinds & {bool, Any}:
                    raise ValueError(f"{name} must be a number, got {value}; write one")
        return values

    def changed(self, **values: Any) -> Any:
        """Return a copy with some fields replaced, validated again."""
        return type(self)(**{**self.given(), **values})

    def given(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain YAML-able values."""
        return self.model_dump(mode="json", exclude_defaults=True)


def explain_validation(kind: type[BaseModel], error: ValidationError) -> str:
    """Say in one line what pydantic found wrong, unknown fields first and with near misses."""
    # A misspelt field explains a missing one.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    who = kind.__name__.removesuffix("Config")
    field = ".".join(_place(first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{who}: unknown field {field!r}; {near_misses(field, kind.model_fields)}"
    if first["type"] == "missing":
        return f"{who}: field {field!r} is missing"
    raised = first["ctx"]["error"] if first["type"] == "value_error" else None
    if isinstance(raised, ConfigError):  # by a config inside this one
        return f"{who}: {field}: {str(raised).partition(': ')[2]}"
    message = str(raised) if raised else first["msg"]
    if not field:  # a check over several fields says itself what does not fit
        return f"{who}: {message}"
    got = " ".join(repr(first["input"]).split())
    got = got if len(got) <= 80 else got[:77] + "..."
    return f"{who}: {field} is not valid, got {got}; {message[0].lower()}{message[1:]}"


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
