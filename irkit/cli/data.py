"""`irkit data`: the data at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from irkit.cli.clean import clean
from irkit.cli.printing import counted, say, say_json
from irkit.cli.standard import taking_standard
from irkit.table import text_table

if TYPE_CHECKING:
    from irkit.io.library.cards import AnyCard
    from irkit.io.library.catalogue import Summary

HELP = """List, show, get and verify data: texts, ratings, and what models learn from.

For example:

    irkit data list
"""


def family() -> App:
    """Return the commands list, show, get, verify and clean."""
    app = App(name="data", help=HELP, help_format="plaintext", version_flags=())
    app.command(list_, name="list")
    app.command(taking_standard(show))
    app.command(taking_standard(get))
    app.command(taking_standard(verify))
    app.command(clean)
    return app


def list_(*, kind: str | None = None) -> None:
    """List the data that have a name, kind by kind, with where they are.

    Data are here, downloadable (irkit data get), or to be had by path only: IRKIT_DATA then names the
    folder they were put in, after an agreement with their owners where these ask for one. Data sets of a
    plug-in are made when they are asked for, also by this list. A card of yours that cannot be read, or a
    data set that cannot be made, is listed last, with what is wrong with it.

    For example:

        irkit data list
        irkit data list --kind rows

    Parameters
    ----------
    kind
        Only texts, ratings, rows, pictures, sequences, bags, tokens or pools, or what else a plug-in has, such as
        sets.
    """
    from irkit.io import collections
    from irkit.io.library.catalogue import broken_data

    found = collections(kind)
    blocks = []
    for one in dict.fromkeys([*_COLUMNS, *(row.kind for row in found.values())]):
        rows = [_row(name, row) for name, row in found.items() if row.kind == one]
        if rows:
            blocks.append(text_table([one, "state", *_columns(one), "about"], rows))
    broken = {} if kind else broken_data()
    if broken:
        rows = [[name, "broken", " ".join(reason.split())] for name, reason in broken.items()]
        blocks.append(text_table(["name", "state", "what is wrong with it"], rows))
    say("\n\n".join(blocks))


def show(collection: str, /, *, encoding: str = "utf-8", columns: str | None = None, json: bool = False) -> None:
    """Print what is known of data with a name: terms, citation, counts, files; and what your own files hold.

    Of a name the card is printed; what it does not count is counted. Of a path are printed which file is
    what, counts and lengths, splits, the first rows, and what may surprise, such as queries without
    judgements. Read are documents, queries, judgements, runs, ratings, files of features, rows, pictures,
    sequences, texts, word vectors and indexes; documents stream.

    For example:

        irkit data show cranfield
        irkit data show debd/nltcs
        irkit data show ./my-collection
        irkit data show visits.csv --columns user,item,_,time

    Parameters
    ----------
    collection
        A name (irkit data list), irds:<id>, or the path of a file or folder of yours.
    encoding
        Encoding of a file, such as latin-1.
    columns
        Which columns of a file of ratings are what, as irkit recommend takes them.
    json
        Print one JSON object.
    """
    from irkit.errors import ConfigError
    from irkit.io.documents import irds
    from irkit.io.library.finding import card_of
    from irkit.registry import SETS

    own = collection not in SETS and not irds.is_irds(collection) and card_of(collection) is None
    if not own and (encoding != "utf-8" or columns is not None):
        raise ConfigError(f"data show: --encoding and --columns are for a file, got the name {collection}")
    if own:
        from irkit.cli.overview import show_own

        show_own(collection, encoding, columns, json)
        return
    facts = _of_made(collection) if collection in SETS else _of_card(collection)
    facts = {what: " ".join(value.split()) for what, value in facts.items() if value}
    if json:
        say_json(facts)
        return
    for what, value in facts.items():
        say(f"{what + ':':10}{value}")


def get(collection: str, /) -> None:
    """Download a collection from its official address, unless it is here.

    The terms of use are printed first. An interrupted download is continued by the next one; a file
    that is not what it should be is refused.

    For example:

        irkit data get lee

    Parameters
    ----------
    collection
        A collection's name (irkit data list).
    """
    from irkit.io.library.catalogue import load_any

    found = load_any(collection, download=True)
    say(f"{found.name}: {found.folder or 'through ir_datasets, which downloads when it is first read'}")


def verify(collection: str, /) -> int:
    """Check a collection against the checksums and counts on record.

    Each line says ok or problem; with a problem the exit status is 1.

    For example:

        irkit data verify lee

    Parameters
    ----------
    collection
        A collection's name, folder, file of ratings or irds:<id>.
    """
    from irkit.io.library.catalogue import load_any

    checks = load_any(collection).verify()
    for check in checks:
        found = check.found if check.ok else f"{check.found}, expected {check.expected}"
        say(f"{'ok' if check.ok else 'problem':7}  {check.what}: {found}")
    if not checks:
        say("nothing is on record to check")
    return 0 if all(check.ok for check in checks) else 1


def _of_made(name: str) -> dict[str, str]:
    """Make a data set of a plug-in and say what it is."""
    from irkit.io.library.made import about_made, holds_made, load_made, shape_made
    from irkit.registry import SETS

    data = load_made(name)
    return {
        "name": name,
        "kind": data.spec.kind,
        "about": about_made(name),
        "state": f"made by {SETS[name]}",
        "holds": held(data.spec.kind, holds_made(data), shape_made(data)),
    }


def _of_card(collection: str) -> dict[str, str]:
    """Say what a card says, or what is found where there is none."""
    from irkit.io.library.catalogue import load_any
    from irkit.io.library.finding import card_of
    from irkit.io.library.places import locate, state

    card = card_of(collection)
    if card is None:
        found = load_any(collection)
        card, here = found.card, found.folder
    else:
        here = locate(card)
    return {
        "name": card.name,
        "kind": card.kind,
        "about": card.about,
        "state": f"here, in {here}" if here else state(card),
        "terms": card.terms or "none stated by the owners",
        "citation": card.citation,
        "source": ", ".join(card.source),
        "holds": _held(collection, card, here is not None),
        "splits": ", ".join(_named(one, getattr(card, "default_split", None)) for one in card.splits),
        **_made(card),
        "left out": _left_out(card),
        "sets": ", ".join(getattr(card, "sets", {})),
        "files": ", ".join(file.name for file in card.files),
    }


def _made(card: AnyCard) -> dict[str, str]:
    """Say how texts become tokens, and which are held out."""
    from irkit.io.texts.parts import Parting
    from irkit.io.texts.tokens import Tokenisation

    if card.kind != "tokens":
        return {}
    how, parting = (
        getattr(card, name) or default() for name, default in (("tokens", Tokenisation), ("parting", Parting))
    )
    return {"tokens": str(how), "parting": str(parting)}


def _left_out(card: AnyCard) -> str:
    """Say which queries of which parts are left out of pools."""
    what = {
        "answered": "queries without a relevant candidate",
        "mixed": "queries whose candidates are all relevant, or none",
    }
    keep = {part: what[one] for part, one in getattr(card, "keep", {}).items() if one in what}
    return "; ".join(
        f"{said} ({', '.join(part for part in keep if keep[part] == said)})" for said in dict.fromkeys(keep.values())
    )


def _held(collection: str, card: AnyCard, here: bool) -> str:
    """Say what the card counts, or else what is counted by reading, unless it is several sets."""
    from irkit.io.library.catalogue import load_any
    from irkit.io.library.parts_card import PartsCard
    from irkit.io.library.parts_collection import PartsCollection
    from irkit.io.library.pools_card import PoolsCard
    from irkit.io.library.pools_collection import PoolsCollection

    holds, shape = card.holds(), card.shape if isinstance(card, (PartsCard, PoolsCard)) else ()
    if not holds and here and not (isinstance(card, (PartsCard, PoolsCard)) and card.several):
        found = load_any(collection)
        holds = found.holds()
        shape = found.shape() if isinstance(found, (PartsCollection, PoolsCollection)) else ()
    return held(card.kind, holds, shape) if holds else ""


def held(kind: str, holds: dict[str, int], shape: tuple[int, ...]) -> str:
    """Say how much of what data hold.

    Examples
    --------
    >>> held("texts", {"documents": 2, "queries": 1}, ())
    '2 documents, 1 query'
    >>> held("pictures", {"train": 40, "valid": 5, "test": 5}, (8, 8))
    '40 training, 5 validation and 5 test pictures of 8 x 8'
    >>> held("sets", {"train": 9, "test": 3}, (1,))
    '9 training and 3 test sets of 1 value an element'
    >>> held("pools", {"queries": 9, "candidates": 40, "relevant": 12, "folds": 5}, (46,))
    '9 queries, 40 candidates (12 relevant) of 46 features, 5 folds'
    """
    if kind in ("texts", "ratings"):
        return ", ".join(_counted(holds))
    if kind == "pools":
        return _pooled(holds, shape)
    words = {"train": "training", "valid": "validation", "test": "test"}
    parts = [f"{holds[part]:,} {word}" for part, word in words.items() if part in holds]
    unit = {
        "rows": "values",
        "sequences": "values a step",
        "sets": "values an element",
        "features": "values an item",
        "bags": "terms",
        "tokens": "terms",
    }
    each = unit.get(kind, "")
    if shape == (1,):
        each = each.replace("values", "value")
    size = f" of {' x '.join(map(str, shape))} {each}".rstrip() if shape else ""
    whole = "".join(f", {holds[one]:,} {one} in all" for one in ("steps", "words") if one in holds)
    return f"{' and '.join(filter(None, [', '.join(parts[:-1]), parts[-1]]))} {_PLURAL.get(kind, kind)}{size}{whole}"


def _pooled(holds: dict[str, int], shape: tuple[int, ...]) -> str:
    whole, folds = ({what: holds[what] for what in one if what in holds} for one in (_POOLED, ("folds",)))
    right = f" ({holds['relevant']:,} relevant)" if "relevant" in holds else ""
    size = f" of {counted(shape[0], 'feature')}" if shape else ""
    return ", ".join([f"{', '.join(_counted(whole))}{right}{size}", *_counted(folds)])


def _counted(holds: dict[str, int]) -> list[str]:
    return [counted(number, _SINGULAR.get(what, what[:-1])) for what, number in holds.items()]


_SINGULAR = {"queries": "query"}
_POOLED = ("queries", "candidates")
_PLURAL = {"tokens": "documents", "captioned": "captioned pictures"}
_PARTS = ("train", "valid", "test")
_COLUMNS = {
    "texts": ["documents", "queries", "splits"],
    "ratings": ["ratings", "users", "items", "splits"],
    "rows": [*_PARTS, "values"],
    "pictures": [*_PARTS, "size"],
    "sequences": [*_PARTS, "values"],
    "bags": [*_PARTS, "terms"],
    "tokens": [*_PARTS, "terms"],
    "pools": [*_POOLED, "features", "folds"],
}


def _columns(kind: str) -> list[str]:
    return _COLUMNS.get(kind, [*_PARTS, "values"])


def _row(name: str, row: Summary) -> list[str]:
    special = {
        "splits": ", ".join(row.splits),
        **dict.fromkeys(("size", "values", "features"), " x ".join(map(str, row.shape)) or "-"),
        "terms": ", ".join(f"{size:,}" for size in row.shape) or "-",
    }
    cells = [special[what] if what in special else _number(row.holds.get(what)) for what in _columns(row.kind)]
    return [name, row.state, *cells, row.about]


def _named(split: str, default: str | None) -> str:
    return f"{split} (default)" if split == default else split


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
