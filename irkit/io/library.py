"""Find collections, of documents and of ratings: by name, by path, and the list of all that have a card.

A path means that folder, or a file of ratings. A bare name means a card, the user's or a shipped one,
whose files are sought in a Python package, in `IRKIT_DATA` and in the user's cache; only where no card
is called so, a folder or file of that name, here. `irds:` comes before a name of ir_datasets. Nothing
is downloaded unless asked for, with one exception that is announced: collections of ir_datasets,
which downloads by itself when first read.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from irkit.errors import ConfigError, IrkitError, NotFoundError, near_misses
from irkit.io import irds
from irkit.io.cards import (
    CARD_FILE,
    Card,
    CollectionCard,
    DocumentsCard,
    QrelsCard,
    QueriesCard,
    RatingCollectionCard,
    card_names,
    find_card,
    load_card,
    named_card,
)
from irkit.io.collection import Collection, how_to_get
from irkit.io.fetch import cache_folder, fetch
from irkit.io.folder import folder_card, rating_card
from irkit.io.rating_collection import RatingCollection
from irkit.io.ratings import FILES
from irkit.locate import collections_home, given_path, names
from irkit.streams import readable


class CardSummary(NamedTuple):
    """One row of the list of test collections."""

    about: str
    state: str
    "`here`, `downloadable`, or `by path` where files must be got by hand."
    documents: int | None
    queries: int | None
    "Of the default split."
    splits: tuple[str, ...]


class RatingSummary(NamedTuple):
    """One row of the list of rating collections."""

    about: str
    state: str
    "As in `CardSummary`."
    ratings: int | None
    users: int | None
    items: int | None
    splits: tuple[str, ...]


def load_collection(name: str | os.PathLike[str], *, download: bool = False) -> Collection:
    """Open a test collection.

    Parameters
    ----------
    name : str or path
        The name of a card, a folder (a BEIR folder, files under the usual names, or one with a
        `card.yaml`), or `irds:<id>` of ir_datasets. A bare name is that of a card where there is
        one, whatever is called so here; `./name` is the folder.
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
        If a download fails, ir_datasets is needed and absent, a card is wrong, or the collection is
        one of ratings.
    """
    text = os.fspath(name)
    if isinstance(name, str) and irds.is_irds(name):
        return Collection(_irds_card(text.removeprefix(irds.PREFIX)), None)
    path = path_given(name)
    if path is None:
        card = _of_documents(find_card(text))
        if card.through_irds:
            irds.version()
            return Collection(card, None)
        return Collection(card, _folder(card, download))
    if os.path.isdir(path):
        return Collection(_of_documents(folder_card(path)), path)
    if os.path.exists(path):
        raise NotFoundError(f"{text}: is a file; a collection is a folder, or a name (irkit data list)")
    what = " file, folder or collection" if path.suffix else ""
    raise _unknown(name, "folder", f"collections: there is no{what}", card_names())


def load_rating_collection(name: str | os.PathLike[str], *, download: bool = False) -> RatingCollection:
    """Open a collection of ratings.

    Parameters
    ----------
    name : str or path
        The name of a card, a file of ratings, or a folder with one (`u.data`, `ratings.csv`, ..., or
        a `card.yaml`). A bare name is that of a card where there is one; `./name` is the file.
    download : bool
        Fetch the files if they are nowhere on this machine; the terms are printed first.

    Returns
    -------
    RatingCollection

    Raises
    ------
    NotFoundError
        If there is no such card or path, or the files are not here; the message says how to get them.
    DownloadError, ConfigError
        If a download fails, a card is wrong, or the collection is one of documents.
    """
    path = path_given(name)
    if path is None:
        card = _of_ratings(find_card(os.fspath(name)))
        return RatingCollection(card, _folder(card, download))
    if readable(path) or os.path.isdir(path):
        return RatingCollection(_of_ratings(rating_card(path)), path if path.is_dir() else path.parent)
    raise _unknown(name, "file or folder", "ratings: there is no file or collection", rating_collections())


def load_either(name: str | os.PathLike[str], *, download: bool = False) -> Collection | RatingCollection:
    """Open a collection of documents or of ratings, whichever it is; see `load_collection`."""
    return (load_rating_collection if _holds_ratings(name) else load_collection)(name, download=download)


def locate(card: CollectionCard) -> Path | None:
    """Return the folder that holds the files a collection cannot do without, if there is one."""
    return next((folder for folder in _places(card) if all((folder / name).exists() for name in card.needed())), None)


def collections() -> dict[str, CardSummary]:
    """List the cards of test collections by name, with whether their files are here; see also `broken_cards`."""
    listed = {}
    for name, card in _cards():
        if not isinstance(card, Card):
            continue
        counts = card.splits[card.default_split].counts if card.default_split else card.counts
        listed[name] = CardSummary(card.about, state(card), card.counts.documents, counts.queries, tuple(card.splits))
    return listed


def rating_collections() -> dict[str, RatingSummary]:
    """List the cards of rating collections by name, with whether their files are here; see also `broken_cards`."""
    listed = {}
    for name, card in _cards():
        if isinstance(card, RatingCollectionCard):
            counts = card.counts
            listed[name] = RatingSummary(
                card.about, state(card), counts.ratings, counts.users, counts.items, tuple(card.splits)
            )
    return listed


def broken_cards() -> dict[str, str]:
    """List the cards that cannot be read, with the reason of each."""
    broken = {}
    for name, path in sorted(names("data").items()):
        try:
            named_card(path)
        except IrkitError as error:
            broken[name] = str(error)
    return broken


def state(card: CollectionCard) -> str:
    """Say whether a collection is `here`, `downloadable`, or to be had `by path` only."""
    if card.through_irds:
        return "here" if irds.is_here(card.needed()[0]) else "downloadable"
    if locate(card) is not None:
        return "here"
    return "downloadable" if card.files and all(file.url for file in card.files) else "by path"


def path_given(name: str | os.PathLike[str]) -> Path | None:
    """Return the file or folder that is meant, whether it exists or not; None where a name of a card is."""
    return given_path(name, card_names())


def _unknown(name: str | os.PathLike[str], what: str, none: str, known: Iterable[str]) -> NotFoundError:
    """Say that there is nothing, and what may have been meant."""
    text = os.fspath(name)
    if os.sep in text or isinstance(name, os.PathLike):
        return NotFoundError(f"{text}: there is no such {what}")
    root = collections_home()
    if root is not None and os.path.exists(root / text):  # only cards make names
        return NotFoundError(f"{none} {text!r}; for what IRKIT_DATA holds without a card write {root / text}")
    return NotFoundError(f"{none} {text!r}; {near_misses(text, known)}")


def _cards() -> Iterator[tuple[str, Card | RatingCollectionCard]]:
    """Yield all cards that can be read."""
    for name, path in sorted(names("data").items()):
        with suppress(IrkitError):
            yield name, named_card(path)


def _of_documents(card: Card | RatingCollectionCard) -> Card:
    if isinstance(card, Card):
        return card
    raise ConfigError(
        f"{card.name}: holds ratings and no documents; use load_rating_collection, or 'irkit recommend {card.name}'"
    )


def _of_ratings(card: Card | RatingCollectionCard) -> RatingCollectionCard:
    if isinstance(card, RatingCollectionCard):
        return card
    raise ConfigError(
        f"{card.name}: holds documents and no ratings; use load_collection, or 'irkit run <recipe> {card.name}'"
    )


def _holds_ratings(name: str | os.PathLike[str]) -> bool:
    if isinstance(name, str) and irds.is_irds(name):
        return False
    path = path_given(name)
    if path is None:
        return isinstance(find_card(os.fspath(name)), RatingCollectionCard)
    if os.path.isfile(path / CARD_FILE):
        return isinstance(load_card(path / CARD_FILE), RatingCollectionCard)
    return readable(path) or any((path / file).is_file() for file in FILES)


def _folder(card: CollectionCard, download: bool) -> Path:
    found = locate(card)
    if found is None and download:
        found = fetch(card)
    if found is None:
        raise NotFoundError(f"{card.name}: the collection is not on this machine; {how_to_get(card)}")
    return found


def _places(card: CollectionCard) -> list[Path]:
    if card.package is not None:
        return _in_package(card.package)
    data = collections_home()
    places = [data / (card.folder or card.name), data / card.name] if data else []
    return [*places, cache_folder(card)]


def _in_package(where: str) -> list[Path]:
    """Find a folder of an installed package without importing anything; what lies in the current folder is none."""
    package, _, inside = where.partition("/")
    here = os.getcwd()
    installed = [place for place in sys.path if place and os.path.realpath(place) != os.path.realpath(here)]
    spec = importlib.machinery.PathFinder.find_spec(package, installed)
    roots = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or []]
    return [folder for root in roots if (folder := (root / inside).resolve()).is_relative_to(root)]


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
