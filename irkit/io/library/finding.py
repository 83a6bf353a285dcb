"""What a name or a path of data means: a card, a set of a card, files of one's own; and of which kind they are."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from irkit.errors import ConfigError, IrkitError, NotFoundError, near_misses
from irkit.io.documents import irds
from irkit.io.library.card import Card
from irkit.io.library.cards import CARD_FILE, KINDS, AnyCard, card_names, find_card, load_card, named_card
from irkit.io.library.collection import how_to_get
from irkit.io.library.fetch import fetch
from irkit.io.library.folder import has_documents, parts_card, pools_card
from irkit.io.library.parts_card import PartsCard
from irkit.io.library.places import locate, places
from irkit.io.library.pools_card import PoolsCard
from irkit.io.library.rating_splits import holds_rating_splits
from irkit.io.ratings.files import FILES
from irkit.io.ratings.sniff import begins_with_rating, has_rating_columns
from irkit.locate import collections_home, given_path, names
from irkit.registry import SETS
from irkit.streams import readable
from irkit.wording import near_files, no_file

log = logging.getLogger(__name__)

_CardOfSets: TypeAlias = PartsCard | PoolsCard


def path_given(name: str | os.PathLike[str]) -> Path | None:
    """Return the file or folder that is meant, whether it exists or not; None where a name of a card is."""
    return given_path(name, card_names())


def card_of(name: str | os.PathLike[str]) -> AnyCard | None:
    """Return the card of that name, or of that set; None where a path or something of ir_datasets is meant."""
    if isinstance(name, str) and irds.is_irds(name):
        return None
    return named_set(name) or (find_card(os.fspath(name)) if path_given(name) is None else None)


def is_texts(name: str | os.PathLike[str]) -> bool:
    """Say whether something there is, is a collection of texts that are searched."""
    known = (isinstance(name, str) and irds.is_irds(name)) or card_of(name) is not None
    return (known or os.path.exists(os.path.expanduser(os.fspath(name)))) and kind_meant(name) == "texts"


def kind_meant(name: str | os.PathLike[str]) -> str:
    """Say of which kind something is; what nothing tells are texts."""
    if isinstance(name, str) and irds.is_irds(name):
        return "texts"
    card = card_of(name)
    if card is not None:
        return card.kind
    path = Path(os.path.expanduser(os.fspath(name)))
    if os.path.isfile(path / CARD_FILE):
        return load_card(path / CARD_FILE).kind
    if any((path / file).is_file() for file in FILES):
        return "ratings"
    if pools_card(path) is not None:
        return "texts" if has_documents(path) else "pools"
    if holds_rating_splits(path) and not has_documents(path):
        return "ratings"
    found = parts_card(Path(os.path.abspath(path)))
    if found is None:
        return "ratings" if readable(path) else "texts"
    rated = {"csv": has_rating_columns, "txt": begins_with_rating}
    format = found.read.format if isinstance(found, PartsCard) and readable(path) else ""
    return "ratings" if format in rated and rated[format](path) else found.kind


def named_set(name: str | os.PathLike[str]) -> _CardOfSets | None:
    """Return the card of `<card>/<set>`; None if there is no card of several sets called so."""
    whole, separator, short = os.fspath(name).partition("/")
    if not isinstance(name, str) or not separator or whole not in card_names():
        return None
    card = find_card(whole)
    if not isinstance(card, _CardOfSets) or not card.sets:
        return None
    found = card.of(short)
    if short not in card.sets and locate(found) is None:
        known = [f"{whole}/{one}" for one in card.sets]
        where = f"or put {found.needed()[0]} and the like below {found.folder}/ in IRKIT_DATA"
        raise NotFoundError(f"{whole}: there is no {name!r}; {near_misses(name, known)}, {where}")
    return found


def of_kind(card: AnyCard, kind: str) -> Any:
    """Return a card if it is of that kind, rows standing for pictures and sequences too."""
    if issubclass(type(card), KINDS[kind]):
        return card
    use = {
        "texts": f"'irkit run <recipe> {card.name}', in Python load_collection",
        "ratings": f"'irkit recommend {card.name}', in Python load_rating_collection",
        "pools": "load_pools, or name it under 'pools' in a suite",
    }.get(card.kind, "'irkit train', in Python load_data")
    raise ConfigError(f"{card.name}: holds {card.kind} and no {kind}; use {use}")


def folder_of(card: Card, download: bool) -> Path:
    """Return where the files of a card lie, once they are fetched if that is wanted; errors are those of `fetch`."""
    found = locate(card)
    if found is None and download:
        found = fetch(card)
    if found is None:
        lacks = _lacks(card) or "the collection is not on this machine"
        raise NotFoundError(f"{card.name}: {lacks}; {how_to_get(card, named=True)}")
    log.info("%s: files in %s", card.name, found)
    return found


def _lacks(card: Card) -> str:
    """Say which file of pools is missing in a folder that has others; empty where no folder has any."""
    if isinstance(card, PoolsCard):
        for folder in places(card):
            missing = card.missing_in(folder)
            if len(missing) < len(card.needed()):
                return f"{folder} lacks {missing[0]}"
    return ""


def all_cards() -> Iterator[AnyCard]:
    """Yield all cards that can be read."""
    for _, path in sorted(names("data").items()):
        with suppress(IrkitError):
            yield named_card(path)


def each_set(card: AnyCard) -> Iterator[AnyCard]:
    """Yield a card, or those of its sets."""
    if not isinstance(card, _CardOfSets) or not card.several:
        yield card
    if not isinstance(card, _CardOfSets):
        return
    for name in dict.fromkeys(name for folder in places(card) for name in card.sets_in(folder)):
        yield card.of(name)


def all_sets() -> Iterator[str]:
    """Yield the names of all data in parts."""
    return (card.name for whole in all_cards() if isinstance(whole, PartsCard) for card in each_set(whole))


def unknown(name: str | os.PathLike[str], what: str, none: str, known: Iterable[str]) -> NotFoundError:
    """Say that there is nothing, and what may have been meant."""
    text = os.fspath(name)
    if os.sep in text or isinstance(name, os.PathLike):
        return no_file(text, what)
    if text in SETS:
        return NotFoundError(
            f"{text}: is made by code and has no files ({SETS[text]}); use load_data, or 'irkit train'"
        )
    root = collections_home()
    if root is not None and os.path.exists(root / text):  # only cards make names
        return NotFoundError(f"{none} {text!r}; for what IRKIT_DATA holds without a card write {root / text}")
    return NotFoundError(f"{none} {text!r}; {near_misses(text, [*known, *near_files(text)])}")
