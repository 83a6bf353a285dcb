"""Find collections: `load_collection` and the list of all that have a card.

A path means that folder. A plain name means a card, whose files are sought in a Python package, in
`IRKIT_DATA` and in the user's cache; then a folder of that name, here. Nothing is downloaded unless
asked for, with one exception that is announced: collections of ir_datasets, which downloads by
itself when first read.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import NamedTuple

from irkit.errors import ConfigError, NotFoundError, near_misses
from irkit.io import irds
from irkit.io.cards import Card, DocumentsCard, QrelsCard, QueriesCard, card_names, find_card
from irkit.io.collection import Collection, how_to_get
from irkit.io.fetch import cache_folder, fetch
from irkit.io.folder import folder_card
from irkit.locate import collections_home


class CardSummary(NamedTuple):
    """One row of the list of collections."""

    about: str
    state: str
    "`here`, `downloadable`, or `by path` where files must be got by hand."
    documents: int | None
    queries: int | None
    "Of the default split."
    splits: tuple[str, ...]


def load_collection(name: str | os.PathLike[str], *, download: bool = False) -> Collection:
    """Open a test collection.

    Parameters
    ----------
    name : str or path
        A folder (a BEIR folder, files under the usual names, or one with a `card.yaml`), the name
        of a card, or `irds:<id>` of ir_datasets.
    download : bool
        Fetch the files if they are nowhere on this machine; the terms are printed first.

    Returns
    -------
    Collection

    Raises
    ------
    NotFoundError
        If there is no such card, or its files are not here; the message says how to get them.
    DownloadError, MissingExtraError, ConfigError
        If a download fails, ir_datasets is needed and absent, or a card is wrong.
    """
    text = os.fspath(name)
    if irds.is_irds(text):
        return Collection(_irds_card(text.removeprefix(irds.PREFIX)), None)
    folder = Path(text).expanduser()
    if folder.is_dir() and (isinstance(name, os.PathLike) or os.sep in text or text not in card_names()):
        return Collection(folder_card(folder), folder)
    if os.sep in text or isinstance(name, os.PathLike):
        raise NotFoundError(f"{text}: there is no such folder")
    if text not in card_names():
        raise NotFoundError(f"collections: there is no {text!r}; {near_misses(text, card_names())}")
    card = find_card(text)
    if card.through_irds:
        irds.version()
        return Collection(card, None)
    found = locate(card)
    if found is None and download:
        found = fetch(card)
    if found is None:
        raise NotFoundError(f"{card.name}: the collection is not on this machine; {how_to_get(card)}")
    return Collection(card, found)


def locate(card: Card) -> Path | None:
    """Return the folder that holds a card's documents and default split, if there is one."""
    return next((folder for folder in _places(card) if all((folder / name).exists() for name in card.needed())), None)


def collections() -> dict[str, CardSummary]:
    """List all cards by name, with whether their files are here."""
    listed = {}
    for name in card_names():
        card = find_card(name)
        counts = card.splits[card.default_split].counts if card.default_split else card.counts
        listed[name] = CardSummary(card.about, state(card), card.counts.documents, counts.queries, tuple(card.splits))
    return listed


def state(card: Card) -> str:
    """Say whether a collection is `here`, `downloadable`, or to be had `by path` only."""
    if card.through_irds:
        return "here" if irds.is_here(card.documents.files[0]) else "downloadable"
    if locate(card) is not None:
        return "here"
    return "downloadable" if card.files and all(file.url for file in card.files) else "by path"


def _places(card: Card) -> list[Path]:
    if card.package is not None:
        package, _, inside = card.package.partition("/")
        spec = importlib.util.find_spec(package)  # finds without importing
        return [Path(place) / inside for place in (spec and spec.submodule_search_locations) or []]
    data = collections_home()
    places = [data / (card.folder or card.name), data / card.name] if data else []
    return [*places, cache_folder(card)]


def _irds_card(name: str) -> Card:
    """Make a card for an id of ir_datasets; documents, queries and judgements as far as it has them."""
    if not irds.has(name, "docs"):
        raise ConfigError(f"irds: {name} has no documents; choose an id that has")
    return Card(
        name="irds-" + name.replace("/", "-"),
        about=f"{name} of ir_datasets",
        source=(f"https://ir-datasets.com/{name.split('/')[0]}.html#{name}",),
        documents=DocumentsCard(files=(name,), format="irds"),
        queries=QueriesCard(file=name if irds.has(name, "queries") else None, format="irds"),
        qrels=QrelsCard(file=name if irds.has(name, "qrels") else None, format="irds"),
    )
