"""Where recipes, cards, suites, user data and caches live.

A name is looked up in this order: an existing path; the user's folder (`IRKIT_HOME`, default
`~/.irkit`); what irkit ships. The folder below these may be named too: `recommend/ease` is the
`ease` that stands there. Shipped files are the top-level folders `pipelines/`, `data/` and
`eval/` of a checkout, or their copies inside an installed wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

from irkit.errors import NotFoundError, near_misses

_PACKAGE = Path(__file__).parent


def shipped(kind: str) -> Path:
    """Return the shipped folder `pipelines`, `data` or `eval`."""
    inside_wheel = _PACKAGE / "_shipped" / kind
    return inside_wheel if inside_wheel.is_dir() else _PACKAGE.parent / kind


def home() -> Path:
    """Return the user's folder; it need not exist yet."""
    return Path(os.environ.get("IRKIT_HOME") or "~/.irkit").expanduser()


def collections_home() -> Path | None:
    """Return the folder of collections that `IRKIT_DATA` names, if any."""
    value = os.environ.get("IRKIT_DATA")
    return Path(value).expanduser() if value else None


def names(kind: str) -> dict[str, Path]:
    """List the YAML files of a kind by name (file stem); the user's win over shipped ones."""
    found: dict[str, Path] = {}
    for folder in (shipped(kind), home() / kind):
        for path in sorted(folder.rglob("*.yaml")):
            if path.is_file():
                found[path.stem] = path
    return found


def find(kind: str, name: str) -> Path:
    """Find one YAML file of a kind by path or name.

    Raises
    ------
    NotFoundError
        If neither a file nor a name matches; the message lists near misses.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        if path.is_file():
            return path
        raise NotFoundError(f"{kind}: there is no file {name!r}")
    known = names(kind)
    if name in known:
        return known[name]
    for folder in (home() / kind, shipped(kind)):
        if "/" in name and (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise NotFoundError(f"{kind}: there is no {name!r}; {near_misses(name, known)}")
