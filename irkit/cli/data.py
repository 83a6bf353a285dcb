"""`irkit data`: the collections at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from irkit.cli.clean import clean
from irkit.cli.printing import say
from irkit.cli.standard import taking_standard
from irkit.cli.tables import counted, table

if TYPE_CHECKING:
    from irkit.io.cards import Card, RatingCollectionCard

HELP = """List, show, get and verify collections.

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


def list_() -> None:
    """List the collections by name, with where they are: those of documents, then those of ratings.

    A collection is here, downloadable (irkit data get), or to be had by path only: its owners ask
    for an agreement, and IRKIT_DATA then names the folder it was put in. A card of yours that cannot
    be read is listed last, with what is wrong with it.

    For example:

        irkit data list
    """
    from irkit.io import collections, rating_collections
    from irkit.io.library import broken_cards

    rows = [
        [name, row.state, _number(row.documents), _number(row.queries), ", ".join(row.splits), row.about]
        for name, row in collections().items()
    ]
    say(table(["collection", "state", "documents", "queries", "splits", "about"], rows))
    rows = [
        [name, row.state, *map(_number, (row.ratings, row.users, row.items)), ", ".join(row.splits), row.about]
        for name, row in rating_collections().items()
    ]
    say()
    say(table(["collection", "state", "ratings", "users", "items", "splits", "about"], rows))
    broken = [[name, "broken", " ".join(reason.split())] for name, reason in broken_cards().items()]
    if broken:
        say()
        say(table(["collection", "state", "what is wrong with its card"], broken))


def show(collection: str, /) -> None:
    """Print what is known of a collection: terms, citation, counts, files.

    For example:

        irkit data show cranfield

    Parameters
    ----------
    collection
        A collection's name, folder, file of ratings or irds:<id>.
    """
    from irkit.io.cards import find_card
    from irkit.io.library import load_either, locate, path_given, state

    named = not collection.startswith("irds:") and path_given(collection) is None
    card = find_card(collection) if named else load_either(collection).card
    here = locate(card)
    facts = {
        "name": card.name,
        "about": card.about,
        "state": f"here, in {here}" if here else state(card),
        "terms": card.terms or "none stated by the owners",
        "citation": card.citation,
        "source": ", ".join(card.source),
        "holds": _counts(card),
        "splits": _splits(card),
        "files": ", ".join(file.name for file in card.files),
    }
    for name, value in facts.items():
        if value:
            say(f"{name + ':':10}{' '.join(value.split())}")


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
    from irkit.io.library import load_either

    found = load_either(collection, download=True)
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
    from irkit.io.library import load_either

    checks = load_either(collection).verify()
    for check in checks:
        found = check.found if check.ok else f"{check.found}, expected {check.expected}"
        say(f"{'ok' if check.ok else 'problem':7}  {check.what}: {found}")
    if not checks:
        say("nothing is on record to check")
    return 0 if all(check.ok for check in checks) else 1


def _splits(card: Card | RatingCollectionCard) -> str:
    default = getattr(card, "default_split", None)
    return ", ".join(f"{name} (default)" if name == default else name for name in card.splits)


def _counts(card: Card | RatingCollectionCard) -> str:
    from irkit.io.cards import Card

    if not isinstance(card, Card):
        return ", ".join(counted(number, what.removesuffix("s")) for what, number in card.counts.given().items())
    counts = card.splits[card.default_split].counts if card.default_split else card.counts
    parts = [(card.counts.documents, "document"), (counts.queries, "query"), (counts.judgements, "judgement")]
    return ", ".join(counted(number, noun) for number, noun in parts if number is not None)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
