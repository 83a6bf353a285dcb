"""Data sets that a function of a plug-in makes, under the names of `irkit.registry.SETS`."""

from __future__ import annotations

import inspect
from typing import Any

from irkit.errors import ConfigError, IrkitError
from irkit.io.kinds import PARTS, DataSet, Sequences
from irkit.io.library.cards import card_names
from irkit.registry import SETS


def load_made(name: str) -> DataSet[Any]:
    """Call the function behind a data set made by code.

    Raises
    ------
    ConfigError
        If a card is called so too, the function cannot be found or fails, or what it returns is no data set of
        its name.
    """
    where = SETS[name]
    if name in card_names():
        raise ConfigError(f"{name}: is a card and a data set of {where}; rename the card, or uninstall the plug-in")
    make = SETS.load(name)
    try:
        found = make()
    except IrkitError:
        raise
    except (Exception, SystemExit) as error:  # whatever goes wrong inside somebody else's package
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{name}: {where} cannot make it, {type(error).__name__}: {reason}; repair or uninstall it"
        ) from error
    if not isinstance(found, DataSet) or found.name != name:
        got = found.name if isinstance(found, DataSet) else type(found).__name__
        raise ConfigError(f"{name}: {where} must return a DataSet of that name, got {got}; correct it")
    return found


def about_made(name: str) -> str:
    """Return what a data set is: the first line of what its function says of itself."""
    return (inspect.getdoc(SETS.load(name)) or "").partition("\n")[0]


def holds_made(data: DataSet[Any]) -> dict[str, int]:
    """Count the examples of each part, and the steps of sequences."""
    parts = {name: data.part(name) for name in PARTS}
    holds = {name: len(part) for name, part in parts.items()}
    if isinstance(data.train, Sequences):
        holds["steps"] = sum(int(part.x.lengths.sum()) for part in parts.values())
    return holds


def shape_made(data: DataSet[Any]) -> tuple[int, ...]:
    """Return what an example, or a step or element of it, is; the sides alone of a picture without colour."""
    shape = data.spec.shape
    return shape[1:] if data.spec.channels == 1 else shape
