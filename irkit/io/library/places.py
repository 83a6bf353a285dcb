"""Where the files of a card lie: in a Python package, in `IRKIT_DATA`, or where they are downloaded to."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from pathlib import Path

from irkit.io.documents import irds
from irkit.io.library.card import Card
from irkit.io.library.fetch import cache_folder
from irkit.locate import collections_home


def locate(card: Card) -> Path | None:
    """Return the folder that holds the files a collection cannot do without, if there is one."""
    return next((folder for folder in places(card) if card.lies_in(folder)), None)


def state(card: Card) -> str:
    """Say whether a collection is `here`, `downloadable`, or to be had `by path` only."""
    if card.through_irds:
        return "here" if irds.is_here(card.needed()[0]) else "downloadable"
    if locate(card) is not None:
        return "here"
    return "downloadable" if card.files and all(file.url for file in card.files) else "by path"


def places(card: Card) -> list[Path]:
    """List the folders where the files of a card are sought, in this order."""
    if card.package is not None:
        return _in_package(card.package)
    data = collections_home()
    named = [data / (card.folder or card.name), data / card.name] if data else []
    return [*named, cache_folder(card)]


def _in_package(where: str) -> list[Path]:
    """Find a folder of an installed package without importing anything; what lies in the current folder is none."""
    package, _, inside = where.partition("/")
    here = os.getcwd()
    installed = [place for place in sys.path if place and os.path.realpath(place) != os.path.realpath(here)]
    spec = importlib.machinery.PathFinder.find_spec(package, installed)
    roots = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or []]
    return [folder for root in roots if (folder := (root / inside).resolve()).is_relative_to(root)]
