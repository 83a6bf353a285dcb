"""Signatures of the site's reference: `**settings` is written out as the settings it stands for, as `help` has them."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from griffe import Class, Extension, Function, Parameter, ParameterKind, Parameters

KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: ParameterKind.positional_only,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ParameterKind.positional_or_keyword,
    inspect.Parameter.VAR_POSITIONAL: ParameterKind.var_positional,
    inspect.Parameter.KEYWORD_ONLY: ParameterKind.keyword_only,
    inspect.Parameter.VAR_KEYWORD: ParameterKind.var_keyword,
}


class Settings(Extension):
    """Puts the signature that Python answers in the place of one whose settings are not listed."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Give a class the constructor that its settings make."""
        if (found := _running(cls.module.path, cls.name)) is not None and hasattr(found, "config_type"):
            cls.set_member("__init__", Function("__init__", parameters=_parameters(found)))

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Write out the settings of a function."""
        if "settings" in func.parameters:
            found = _running(func.module.path, func.name)
            if found is not None and "settings" not in inspect.signature(found).parameters:
                func.parameters = _parameters(found)


def _running(module: str, name: str) -> Any:
    """Return what the module has under a name; nothing for a method, whose class is met on its own."""
    return getattr(import_module(module), name, None)


def _parameters(found: Any) -> Parameters:
    return Parameters(
        *(
            Parameter(
                one.name,
                annotation=None if one.annotation is one.empty else _said(one.annotation),
                kind=KINDS[one.kind],
                default=None if one.default is one.empty else repr(one.default),
            )
            for one in inspect.signature(found).parameters.values()
        )
    )


def _said(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
