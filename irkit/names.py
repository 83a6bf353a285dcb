"""Names of one kind of thing, and where each lives: those that are shipped, and those that plug-ins add."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from irkit.errors import ConfigError, NotFoundError, near_misses


class Names(Mapping[str, str]):
    """The names of one kind of thing: a mapping to the places, `module:attribute`, of those shipped, then of plug-ins.

    Parameters
    ----------
    what : str
        The kind in a word, for messages.
    group : str
        The entry-point group of plug-ins.
    shipped : dict of str to str
        Those of irkit itself.
    base : str, optional
        Place of the class that a plug-in must be a subclass of; without one, whatever can be called will do.
    says : str
        Attribute that holds the name: of such a class, or of what can be called where it has one.
    """

    def __init__(self, what: str, group: str, shipped: dict[str, str], base: str = "", says: str = "name") -> None:
        self.what, self.group, self.shipped, self.base, self.says = what, group, shipped, base, says

    def __getitem__(self, name: str) -> str:
        if name in self.shipped:
            return self.shipped[name]
        return plugins_of(self.group)[name][0].value

    def __iter__(self) -> Iterator[str]:
        return iter({**self.shipped, **dict.fromkeys(self.plugged())})

    def __len__(self) -> int:
        return len({*self.shipped, *plugins_of(self.group)})

    def plugged(self) -> list[str]:
        """Return the names that plug-ins claim."""
        return sorted(plugins_of(self.group))

    def load(self, name: str) -> Any:
        """Import what is called so.

        Raises
        ------
        NotFoundError
            If nothing is; lists near misses.
        ConfigError
            If plug-ins claim a name twice or that of a shipped one, or a plug-in cannot be loaded or is not what
            it should be.
        """
        plugins = plugins_of(self.group).get(name, ())
        if name in self.shipped and not plugins:
            return at(self.shipped[name])
        if not plugins:
            raise NotFoundError(f"there is no {self.what} {name!r}; {near_misses(name, self)}")
        own = [f"irkit ({self.shipped[name]})"] if name in self.shipped else []
        claims = [*own, *map(_origin, plugins)]
        if len(claims) > 1:
            who = f"{self.what} {name!r}"
            raise ConfigError(f"{who}: claimed by {' and '.join(claims)}; uninstall all but one of them")
        return self._plugged(plugins[0])

    def _plugged(self, entry: EntryPoint) -> Any:
        who = f"{self.what} {entry.name!r}: the plug-in {_origin(entry)}"
        try:
            found = entry.load()
        except (Exception, SystemExit) as error:  # whatever goes wrong inside somebody else's package
            reason = " ".join(str(error).split())
            raise ConfigError(
                f"{who} cannot be loaded, {type(error).__name__}: {reason}; repair or uninstall it"
            ) from error
        if not self.base:
            if not callable(found):
                raise ConfigError(f"{who} is not a {self.what}, got {type(found).__name__}; it must be callable")
            own = getattr(found, self.says, entry.name)
        else:
            if not (isinstance(found, type) and issubclass(found, at(self.base))):
                where = self.base.replace(":", ".")
                raise ConfigError(f"{who} is not a {self.what}; it must be a subclass of {where}")
            own = getattr(found, self.says, None)
        if own != entry.name:
            raise ConfigError(f"{who} names itself {own!r}; use one name in both places")
        return found


def at(place: str) -> Any:
    """Import what lies at `module:attribute`.

    Examples
    --------
    >>> at("irkit.arrays:offsets").__name__
    'offsets'
    """
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


@cache
def plugins_of(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Return who claims each name of an entry-point group; several where plug-ins compete."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=group):
        # One package found twice on the path is one claim.
        if all((entry.value, _origin(entry)) != (other.value, _origin(other)) for other in found.get(entry.name, ())):
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _origin(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist is not None else "an unnamed package"
    return f"{package} ({entry.value})"
