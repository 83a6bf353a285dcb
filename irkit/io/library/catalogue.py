"""Find data by name and by path, and list all that have a card.

A path means that folder or file. A bare name means a card, the user's or a shipped one, whose files are
sought in a Python package, in `IRKIT_DATA` and in the user's cache; only where no card is called so, a folder
or file of that name, here. `<card>/<set>` is one of the sets of a card that has several, whatever is called so
here. `irds:` comes before a name of ir_datasets. Nothing is downloaded unless asked for, with one exception that
is announced: collections of ir_datasets, which downloads by itself when first read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from irkit.errors import ConfigError, IrkitError, NotFoundError, near_misses
from irkit.io.documents import irds
from irkit.io.kinds import DataSet
from irkit.io.library.cards import CARD_FILE, KINDS, card_names, find_card, named_card
from irkit.io.library.collection import Collection
from irkit.io.library.finding import (
    all_cards,
    all_sets,
    each_set,
    folder_of,
    kind_meant,
    named_set,
    of_kind,
    path_given,
    unknown,
)
from irkit.io.library.folder import folder_card, parts_card, pools_card, rating_card
from irkit.io.library.made import about_made, holds_made, load_made, shape_made
from irkit.io.library.parts_card import PartsCard
from irkit.io.library.parts_collection import PartsCollection
from irkit.io.library.places import state
from irkit.io.library.pools_card import PoolsCard
from irkit.io.library.pools_collection import PoolsCollection
from irkit.io.library.rating_collection import RatingCollection
from irkit.io.library.text_card import DocumentsCard, QrelsCard, QueriesCard, TextCard
from irkit.io.pools.answers import columns_of
from irkit.io.reading import listed
from irkit.io.rows.data import Binarise, DensityData
from irkit.io.rows.sequences import SequenceData
from irkit.locate import names
from irkit.registry import SETS
from irkit.streams import readable

AnyCollection: TypeAlias = Collection | RatingCollection | PartsCollection | PoolsCollection

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
    "What a row, a picture or a step is, or the features of a candidate; empty for texts and ratings."


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
        card = of_kind(find_card(text), "texts")
        if card.through_irds:
            irds.version()
            return Collection(card, None)
        return Collection(card, folder_of(card, download))
    if os.path.isdir(path):
        return Collection(of_kind(folder_card(path), "texts"), path)
    if os.path.exists(path):
        raise NotFoundError(f"{text}: is a file; a collection is a folder, or a name (irkit data list)")
    what = " file, folder or collection" if path.suffix else ""
    raise unknown(name, "folder", f"collections: there is no{what}", card_names())


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
        card = of_kind(find_card(os.fspath(name)), "ratings")
        return RatingCollection(card, folder_of(card, download))
    if readable(path) or os.path.isdir(path):
        return RatingCollection(of_kind(rating_card(path), "ratings"), path if path.is_dir() else path.parent)
    raise unknown(name, "file or folder", "ratings: there is no file or collection", collections("ratings"))


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
    card = named_set(name)
    path = path_given(name) if card is None else None
    if path is None:
        card = of_kind(card or find_card(os.fspath(name)), "rows")
        return PartsCollection(card, folder_of(card, download))
    place = Path(os.path.abspath(path))
    found = pools_card(place) or parts_card(place)
    if found is not None:
        return PartsCollection(of_kind(found, "rows"), place if (place / CARD_FILE).is_file() else place.parent)
    if place.exists():
        raise ConfigError(
            f"{os.fspath(name)}: holds no rows; name a .npy, .npz or .csv file, or a folder of pictures or of "
            "<name>.train.data, .valid.data and .test.data, or texts: .txt files, or .csv, .tsv or .jsonl with a text"
        )
    raise unknown(name, "file or folder", "rows: there is no file or set", [*all_sets(), *SETS])


def load_pools(name: str | os.PathLike[str], *, download: bool = False) -> PoolsCollection:
    """Open queries with candidates of their own.

    Parameters
    ----------
    name : str or path
        The name of a card, `<card>/<set>` where a card has sets, or files of one's own: a folder with `train.txt`,
        `vali.txt` or `valid.txt` and `test.txt` in svmlight's form with queries (`irkit.io.pools.letor`), one with
        such folders `Fold1`, `Fold2`, ..., or one file, which is the part train; tables with the columns `question`,
        `answer` and `label` in place of these (`irkit.io.pools.answers`); or a folder with a `card.yaml`.
    download : bool
        Fetch the files if they are nowhere on this machine; the terms are printed first.

    Raises
    ------
    NotFoundError
        If there is no such card, set or path, or the files are not here; the message says how to get them.
    DownloadError, ConfigError
        If a download fails, a card is wrong, or the data are of another kind.
    """
    card = named_set(name)
    path = path_given(name) if card is None else None
    if path is None:
        card = of_kind(card or find_card(os.fspath(name)), "pools")
        return PoolsCollection(card, folder_of(card, download))
    found = pools_card(path)
    if found is not None:
        return PoolsCollection(of_kind(found, "pools"), path if path.is_dir() else path.parent)
    if path.exists():
        raise ConfigError(
            f"{os.fspath(name)}: holds no pools{_columns(path)}; name a file of lines '<label> qid:<id> 1:<value> ...' "
            f"or a .csv, .tsv or .jsonl with columns question, answer and label, or a folder with such files called "
            f"train, valid and test, or with a {CARD_FILE}"
        )
    raise unknown(name, "file or folder", "pools: there is no file or set", collections("pools"))


def _columns(path: Path) -> str:
    """Say which columns the first table of a folder has, or the one that is named."""
    files = filter(readable, sorted(path.iterdir()) if path.is_dir() else [path])
    tables = ((one.name, columns_of(one)) for one in files)
    name, found = next((table for table in tables if table[1]), ("", []))
    return f" (the columns of {name} are {listed(found)})" if name else ""


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
        As `load_rows` and `load_sequences` take it, a set of texts such as `20newsgroups`, texts of one's own
        (`irkit.io.texts.files`), or a name of `irkit.registry.SETS`.
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


def load_searchable(name: str | os.PathLike[str], *, download: bool = False) -> Collection | PoolsCollection:
    """Open what has documents to index: a test collection, or questions with answers to choose from."""
    if kind_meant(name) == "pools":
        return load_pools(name, download=download)
    return load_collection(name, download=download)


def load_any(name: str | os.PathLike[str], *, download: bool = False) -> AnyCollection:
    """Open data of whichever kind they are; see `load_collection` and the other three of its form."""
    kind = kind_meant(name)
    if kind == "texts":
        return load_collection(name, download=download)
    if kind == "ratings":
        return load_rating_collection(name, download=download)
    return (load_pools if kind == "pools" else load_parts)(name, download=download)


def collections(kind: str | None = None) -> dict[str, Summary]:
    """List all cards and sets by name, of one kind or of all, with whether their files are here; see `broken_data`.

    Data sets of plug-ins are made for it, as nothing else tells what they are; texts, ratings and pools are never such.

    Raises
    ------
    NotFoundError
        If there is no such kind; lists those there are.
    """
    listed = {}
    for card in all_cards():
        if kind in (None, card.kind):
            for one in each_set(card):
                shape = one.shape if isinstance(one, (PartsCard, PoolsCard)) else ()
                listed[one.name] = Summary(one.kind, one.about, state(one), one.holds(), tuple(one.splits), shape)
    if kind in ("texts", "ratings", "pools"):
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
    """List the cards that cannot be read and the data sets that cannot be made, with the reason of each.

    A data set that is derived from a collection which is not on this machine is not broken.
    """
    reads: dict[str, Callable[[], object]] = {
        **{name: partial(named_card, path) for name, path in sorted(names("data").items())},
        **{name: partial(load_made, name) for name in SETS},
    }
    broken = {}
    for name, read in reads.items():
        try:
            read()
        except NotFoundError:
            continue
        except IrkitError as error:
            broken[name] = str(error)
    return broken


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
