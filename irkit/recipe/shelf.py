"""The recipes and tuning spaces at hand: listed, and copied to be changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irkit import locate
from irkit.atomic import write_bytes
from irkit.errors import ConfigError, IrkitError
from irkit.yamlfile import read_yaml

TUNING = "tuning"
"The folder of tuning spaces, which stand beside the recipes and are none."


@dataclass(frozen=True)
class ShelfRow:
    """One recipe in the list of all."""

    name: str
    "The name it is loaded by: its file's, without the ending."
    kind: str
    "The folder it stands in, such as `retrieval`; empty at the top."
    about: str
    "What it says about itself; what is wrong with it, if it cannot be read."
    needs: tuple[str, ...]
    "Resources it must be given."
    path: Path
    "Its file."
    shipped: bool
    "Whether it came with irkit; otherwise it is the user's."


@dataclass(frozen=True)
class SpaceRow:
    """One tuning space in the list of all."""

    name: str
    "The name it is loaded by."
    recipe: str
    "Whose settings vary."
    varies: tuple[str, ...]
    "The parameters."
    about: str
    "What it says about itself; what is wrong with it, if it cannot be read."


def list_recipes() -> list[ShelfRow]:
    """List the recipes that `load_recipe` finds by name, by folder and name; their stages are not checked."""
    rows = [_row(name, path, value) for name, path, value in _files() if not _is_space(path, value)]
    return sorted(rows, key=lambda row: (row.kind, row.name))


def list_spaces() -> list[SpaceRow]:
    """List the tuning spaces that `load_space` finds by name."""
    rows = []
    for name, path, value in _files():
        if _is_space(path, value):
            parameters = value.get("parameters")
            varies = tuple(map(str, parameters)) if isinstance(parameters, dict) else ()
            rows.append(SpaceRow(name, str(value.get("recipe", "")), varies, str(value.get("about", ""))))
    return sorted(rows, key=lambda row: row.name)


def copy_recipe(name: str, folder: str | Path = ".") -> Path:
    """Copy the file of a recipe or a tuning space, comments and all, into a folder, which is made if need be.

    Raises
    ------
    NotFoundError
        If there is no such recipe.
    ConfigError
        If the folder holds a file of that name already.
    DataError
        If the folder cannot be written.
    """
    source = locate.find("pipelines", name)
    target = Path(folder) / source.name
    there = target if os.path.lexists(target) else Path(folder)
    if there is target or (there.exists() and not there.is_dir()):
        raise ConfigError(f"pipelines: {there} exists already; choose another folder or remove it")
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ConfigError(f"pipelines: {source} cannot be read; {error.strerror or error}") from None
    write_bytes(target, content)
    return target


def _files() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Yield the name, the path and the values of every file; of one that cannot be read why."""
    for name, path in locate.names("pipelines").items():
        try:
            value = read_yaml(path).value
        except IrkitError as error:
            value = {"about": f"cannot be read: {error}"}
        yield name, path, value


def _is_space(path: Path, value: dict[str, Any]) -> bool:
    return "parameters" in value or (path.parent.name == TUNING and not {"stages", "model"} & value.keys())


def _row(name: str, path: Path, value: dict[str, Any]) -> ShelfRow:
    shipped, mine = locate.shipped("pipelines"), locate.home() / "pipelines"
    root = mine if path.is_relative_to(mine) else shipped
    kind = path.parent.relative_to(root).as_posix().removeprefix(".")
    needs = value.get("needs")
    named = tuple(map(str, needs)) if isinstance(needs, list) else ()
    return ShelfRow(name, kind, str(value.get("about", "")), named, path, root == shipped)
