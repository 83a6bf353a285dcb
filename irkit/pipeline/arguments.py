"""How a stage is constructed: resources by place or by name, paths in their stead, settings by name or as a config."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from os import PathLike, fspath
from types import NoneType
from typing import Any

from irkit.config import Config
from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.registry import OPENERS
from irkit.signature import OPENED, Described, constructor


class StageType(Described):
    """Kind of class that stages are: what one is constructed with is put in order before its constructor sees it."""

    __doc__ = Described.__dict__["__doc__"]  # that of this class would hide it

    def __call__(cls, *given: Any, **named: Any) -> Any:
        """Construct a stage; one that needs resources may have them by place, and a path where one is to be opened."""
        if cls.needs:  # type: ignore[attr-defined]  # a stage says its needs
            given, named = (), arguments(cls, given, named)
        return super().__call__(*given, **named)


def arguments(kind: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return by name what a stage is constructed with, its resources open.

    Parameters
    ----------
    kind : class of a stage
    given : tuple
        What came by place: resources in the order of `needs`, and a config anywhere among them.
    named : mapping

    Raises
    ------
    ConfigError
        If a resource is missing, is given twice or cannot be a path, or there are more values than resources.
    IrkitError
        If a path cannot be opened.
    """
    out = dict(named)
    # By type, here and below: what stands in for a resource while a recipe is checked does not say its class.
    configs = [one for one in given if issubclass(type(one), Config)]
    values = [one for one in given if not issubclass(type(one), (Config, NoneType))]
    places = _places(kind)
    if len(values) > len(places):
        example = next(iter(kind.config_type.model_fields), None)
        then = f", {example}=..." if example else ""
        raise ConfigError(
            f"{kind.name}: takes {' and '.join(places)} without a name and nothing else, "
            f"got {type(values[len(places)]).__name__} too; "
            f"write {kind.__name__}({', '.join(places)}{then})"
        )
    for name, value in (*zip(places, values, strict=False), *(("config", config) for config in configs)):
        if name in out and out[name] is not None:
            raise ConfigError(f"{kind.name}: {name} is given twice; give it once")
        out[name] = value
    lacking = [need for need in kind.needs if need not in out or (out[need] is None and need in OPENERS)]
    if lacking:
        _refuse_misspelt(kind, out)
        raise ConfigError(f"{kind.name}: needs {' and '.join(lacking)}; write {kind.__name__}({', '.join(kind.needs)})")
    for need in kind.needs:
        if issubclass(type(out[need]), (str, PathLike)):
            out[need] = _opened(kind, need, out[need])
        elif need == "index" and hasattr(type(out[need]), "qrels"):
            what = f"index must be an index, got the collection {out[need].name}"
            raise ConfigError(f"{kind.name}: {what}; build one: irkit.build_index('folder', collection.documents())")
    return out


@cache
def _places(kind: Any) -> tuple[str, ...]:
    """Return the names of what may come without one."""
    return tuple(one.name for one in constructor(kind).places) or tuple(kind.needs)


def _refuse_misspelt(kind: Any, named: Mapping[str, Any]) -> None:
    """Raise `ConfigError` about a name that is neither a resource's nor a setting's: it explains a missing one."""
    known = [*kind.needs, *(one.alias or name for name, one in kind.config_type.model_fields.items())]
    known += [one.name for part in constructor(kind)[:2] for one in part]
    strange = next((name for name in named if name not in {*known, "config"}), None)
    if strange is not None:
        raise ConfigError(f"{kind.name}: unknown field {strange!r}; {near_misses(strange, known)}")


def _opened(kind: Any, need: str, path: str | PathLike[str]) -> Any:
    """Open the resource that lies at a path; errors are those of its opener, in the name of the stage."""
    if need not in OPENED:
        if need not in OPENERS:
            return path  # what it may be, the stage says itself
        raise ConfigError(
            f"{kind.name}: {need} must be open, got the path {fspath(path)!r}; write {OPENERS[need]}({fspath(path)!r})"
        )
    from irkit.lucene import Index
    from irkit.text.vectors import Vectors

    try:
        return Index.open(path) if need == "index" else Vectors.load(fspath(path))
    except IrkitError as error:
        raise type(error)(f"{kind.name}: {error}") from None
