"""Find data by name and by path, and list all that have a card.

A path means that folder or file. A bare name means a card, the user's or a shipped one, whose files are
sought in a Python package, in `IRKIT_DATA` and in the user's cache; only where no card is called so, a folder
or file of that name, here. `<card>/<set>` is one of the sets of a card that has several, whatever is called so
here. `irds:` comes before a name of ir_datasets. Nothing is downloaded unless asked for, with one exception that
is announced: collections of ir_datasets, which downloads by itself when first read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from irkit.errors import ConfigError, IrkitError, NotFoundError, near_misses
from irkit.io.documents import irds
from irkit.io.kinds import DataSet
from irkit.io.library.card import Card
from irkit.io.library.cards import CARD_FILE, KINDS, AnyCard, card_names, find_card, load_card, named_card
from irkit.io.library.collection import Collection, how_to_get
from irkit.io.library.fetch import fetch
from irkit.io.library.folder import folder_card, parts_card, rating_card
from irkit.io.library.made import about_made, holds_made, load_made, shape_made
from irkit.io.library.parts_card import PartsCard
from irkit.io.library.parts_collection import PartsCollection
from irkit.io.library.places import locate, places, state
from irkit.io.library.rating_collection import RatingCollection
from irkit.io.library.text_card import DocumentsCard, QrelsCard, QueriesCard, TextCard
from irkit.io.ratings.files import FILES, has_rating_columns
from irkit.io.rows.data import Binarise, DensityData
from irkit.io.rows.sequences import SequenceData
from irkit.locate import collections_home, given_path, names
from irkit.registry import SETS
from irkit.streams import readable

AnyCollection: TypeAlias = Collection | RatingCollection | PartsCollection

Learnable: TypeAlias = DensityData | SequenceData | DataSet[Any]


class Summary(NamedTuple):
    """One row of the list of collections."""

    kind: str
    about: str
    state: str
    "`here`, `downloadable`, `by path` where files must be got by hand, or `made` by code of a plug-in."
    holds: dict[str, int]
    "How much of what, as far as the card says; of texts the queries and judgements of the default split."
    splits: tuple[str, ...]
    shape: tuple[int, ...]
    "What a row, a picture or a step is; empty for texts and ratings."


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
        card = _of(find_card(text), "texts")
        if card.through_irds:
            irds.version()
            return Collection(card, None)
        return Collection(card, _folder(card, download))
    if os.path.isdir(path):
        return Collection(_of(folder_card(path), "texts"), path)
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
        card = _of(find_card(os.fspath(name)), "ratings")
        return RatingCollection(card, _folder(card, download))
    if readable(path) or os.path.isdir(path):
        return RatingCollection(_of(rating_card(path), "ratings"), path if path.is_dir() else path.parent)
    raise _unknown(name, "file or folder", "ratings: there is no file or collection", collections("ratings"))


def load_parts(name: str | os.PathLike[str], *, download: bool = False) -> PartsCollection:
    """Open data of rows, pictures, sequences, bags or tokens.

    Parameters
    ----------
    name : str or path
        The name of a card, `<card>/<set>` where a card has several sets, or a file or folder of rows, pictures or
        texts (see `irkit.io.library.folder`, `irkit.io.rows.own` and `irkit.io.texts.files`).
    download : bool
        Fetch the files if they are nowhere on this machine; the terms are printed first.

    Raises
    ------
    NotFoundError
        If there is no such card, set or path, or the files are not here; the message says how to get them.
    DownloadError, ConfigError
        If a download fails, a card is wrong, or the data are texts or ratings.
    """
    card = _named_set(name)
    path = path_given(name) if card is None else None
    if path is None:
        card = _of(card or find_card(os.fspath(name)), "rows")
        return PartsCollection(card, _folder(card, download))
    found = parts_card(place := Path(os.path.abspath(path)))
    if found is not None:
        return PartsCollection(_of(found, "rows"), place if (place / CARD_FILE).is_file() else place.parent)
    if place.exists():
        raise ConfigError(
            f"{os.fspath(name)}: holds no rows; name a .npy, .npz or .csv file, or a folder of pictures or of "
            "<name>.train.data, .valid.data and .test.data, or texts: .txt files, or .csv, .tsv or .jsonl with a text"
        )
    raise _unknown(name, "file or folder", "rows: there is no file or set", [*_sets(), *SETS])


def load_rows(name: str | os.PathLike[str], *, binarise: Binarise = "threshold", seed: int = 1) -> DensityData:
    """Load rows or pictures in three parts, by name or from files of one's own.

    Parameters
    ----------
    name : str or path
        `digits`, `mnist`, `debd/nltcs`, ... (`irkit data list`), or a path, as `load_parts` takes it.
    binarise : {"threshold", "sample", "dynamic", "none"}
        How grey values become bits; none leaves them, for models of reals. Sets of bits ignore it.
    seed : int
        Of the fixed sample, and of the parting where the rows come in one piece: eight in ten to train, one to
        validate, one to test on.

    Raises
    ------
    NotFoundError
        If there is no such set, or a file of it is missing; the message says where it belongs.
    DataError
        If a file cannot be read, or its values cannot become bits.
    ConfigError
        If there is no such binarisation, or the data are of another kind.
    """
    return load_parts(name).rows(binarise=binarise, seed=seed)


def load_sequences(name: str | os.PathLike[str]) -> SequenceData:
    """Load sequences in three parts by name, such as `piano/jsb`; errors are those of `load_rows`."""
    return load_parts(name).sequences()


def load_data(name: str | os.PathLike[str], *, binarise: Binarise = "threshold") -> Learnable:
    """Load what models learn from, in three parts: rows or pictures, sequences, bags, tokens, or one made by code.

    Parameters
    ----------
    name : str or path
        As `load_rows` and `load_sequences` take it, or a name of `irkit.registry.SETS`.
    binarise : {"threshold", "sample", "dynamic", "none"}
        How grey values of a card or of one's own files become bits.

    Raises
    ------
    ConfigError
        If a data set made by code is none of its name, or a card is called so too.
    """
    if isinstance(name, str) and name in SETS:
        return load_made(name)
    found = load_parts(name)
    if found.card.kind in ("bags", "tokens"):
        return found.bags() if found.card.kind == "bags" else found.tokens()
    return found.sequences() if found.card.kind == "sequences" else found.rows(binarise=binarise)


def load_any(name: str | os.PathLike[str], *, download: bool = False) -> AnyCollection:
    """Open data of whichever kind they are; see `load_collection`, `load_rating_collection` and `load_parts`."""
    kind = _kind(name)
    if kind == "texts":
        return load_collection(name, download=download)
    return (load_rating_collection if kind == "ratings" else load_parts)(name, download=download)


def card_of(name: str | os.PathLike[str]) -> AnyCard | None:
    """Return the card of that name, or of that set; None where a path or something of ir_datasets is meant."""
    if isinstance(name, str) and irds.is_irds(name):
        return None
    return _named_set(name) or (find_card(os.fspath(name)) if path_given(name) is None else None)


def collections(kind: str | None = None) -> dict[str, Summary]:
    """List all cards and sets by name, of one kind or of all, with whether their files are here; see `broken_data`.

    Data sets of plug-ins are made for it, as nothing else tells what they are; texts and ratings are never such.

    Raises
    ------
    NotFoundError
        If there is no such kind; lists those there are.
    """
    listed = {}
    for card in _cards():
        if kind in (None, card.kind):
            for one in _each(card):
                shape = one.shape if isinstance(one, PartsCard) else ()
                listed[one.name] = Summary(one.kind, one.about, state(one), one.holds(), tuple(one.splits), shape)
    if kind in ("texts", "ratings"):
        return listed
    made = {}
    for name in SETS:
        with suppress(IrkitError):
            data = load_made(name)
            made[name] = Summary(data.spec.kind, about_made(name), "made", holds_made(data), (), shape_made(data))
    known = dict.fromkeys([*KINDS, *(one.kind for one in made.values())])
    if kind is not None and kind not in known:
        raise NotFoundError(f"data: there is no kind {kind!r}; {near_misses(kind, known)}")
    return listed | {name: one for name, one in made.items() if kind in (None, one.kind)}


def broken_data() -> dict[str, str]:
    """List the cards that cannot be read and the data sets that cannot be made, with the reason of each."""
    reads: dict[str, Callable[[], object]] = {
        **{name: partial(named_card, path) for name, path in sorted(names("data").items())},
        **{name: partial(load_made, name) for name in SETS},
    }
    broken = {}
    for name, read in reads.items():
        try:
            read()
        except IrkitError as error:
            broken[name] = str(error)
    return broken


def path_given(name: str | os.PathLike[str]) -> Path | None:
    """Return the file or folder that is meant, whether it exists or not; None where a name of a card is."""
    return given_path(name, card_names())


def _unknown(name: str | os.PathLike[str], what: str, none: str, known: Iterable[str]) -> NotFoundError:
    """Say that there is nothing, and what may have been meant."""
    text = os.fspath(name)
    if os.sep in text or isinstance(name, os.PathLike):
        return NotFoundError(f"{text}: there is no such {what}")
    if text in SETS:
        return NotFoundError(
            f"{text}: is made by code and has no files ({SETS[text]}); use load_data, or 'irkit train'"
        )
    root = collections_home()
    if root is not None and os.path.exists(root / text):  # only cards make names
        return NotFoundError(f"{none} {text!r}; for what IRKIT_DATA holds without a card write {root / text}")
    return NotFoundError(f"{none} {text!r}; {near_misses(text, known)}")


def _cards() -> Iterator[AnyCard]:
    """Yield all cards that can be read."""
    for _, path in sorted(names("data").items()):
        with suppress(IrkitError):
            yield named_card(path)


def _each(card: AnyCard) -> Iterator[AnyCard]:
    """Yield a card, or those of its sets."""
    if not isinstance(card, PartsCard) or not card.several:
        yield card
    if not isinstance(card, PartsCard):
        return
    for name in dict.fromkeys(name for folder in places(card) for name in card.sets_in(folder)):
        yield card.of(name)


def _sets() -> Iterator[str]:
    return (card.name for whole in _cards() if isinstance(whole, PartsCard) for card in _each(whole))


def _named_set(name: str | os.PathLike[str]) -> PartsCard | None:
    """Return the card of `<card>/<set>`; None if there is no card of several sets called so."""
    whole, separator, short = os.fspath(name).partition("/")
    if not isinstance(name, str) or not separator or whole not in card_names():
        return None
    card = find_card(whole)
    if not isinstance(card, PartsCard) or not card.sets:
        return None
    found = card.of(short)
    if short not in card.sets and locate(found) is None:
        known = [f"{whole}/{one}" for one in card.sets]
        where = f"or put {found.needed()[0]} and the like below {found.folder}/ in IRKIT_DATA"
        raise NotFoundError(f"{whole}: there is no {name!r}; {near_misses(name, known)}, {where}")
    return found


def _of(card: AnyCard, kind: str) -> Any:
    """Return a card if it is of that kind, rows standing for pictures and sequences too."""
    if issubclass(type(card), KINDS[kind]):
        return card
    use = {
        "texts": f"load_collection, or 'irkit run <recipe> {card.name}'",
        "ratings": f"load_rating_collection, or 'irkit recommend {card.name}'",
    }.get(card.kind, "load_data, or 'irkit train'")
    raise ConfigError(f"{card.name}: holds {card.kind} and no {kind}; use {use}")


def _kind(name: str | os.PathLike[str]) -> str:
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
    found = parts_card(Path(os.path.abspath(path)))
    is_table = isinstance(found, PartsCard) and found.read.format in ("csv", "tsv") and readable(path)
    if found is not None and not (is_table and has_rating_columns(path)):
        return found.kind
    return "ratings" if readable(path) else "texts"


def _folder(card: Card, download: bool) -> Path:
    found = locate(card)
    if found is None and download:
        found = fetch(card)
    if found is None:
        raise NotFoundError(f"{card.name}: the collection is not on this machine; {how_to_get(card, named=True)}")
    return found


def _irds_card(name: str) -> TextCard:
    """Make a card for an id of ir_datasets; documents, queries and judgements as far as it has them."""
    if not irds.has(name, "docs"):
        raise ConfigError(f"irds: {name} has no documents; choose an id that has")
    return TextCard(
        name="irds-" + name.replace("/", "-"),
        about=f"{name} of ir_datasets",
        source=(f"https://ir-datasets.com/{name.split('/')[0]}.html#{name}",),
        documents=DocumentsCard(files=(name,), format="irds"),
        queries=QueriesCard(file=name if irds.has(name, "queries") else None, format="irds"),
        qrels=QrelsCard(file=name if irds.has(name, "qrels") else None, format="irds"),
    )
