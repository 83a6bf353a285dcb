"""How `irkit data show` prints what lies at a path of the user's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.cli.clean import size
from irkit.cli.data import held
from irkit.cli.printing import counted, say, say_json
from irkit.table import cells_wide, text_table

if TYPE_CHECKING:
    from irkit.io.overview.seen import Overview

SINGULAR = {"queries": "query"}
MOST_FILES = 20


def show_own(source: str, encoding: str, columns: str | None, json: bool) -> None:
    """Print what lies at a path, or write it as JSON."""
    from irkit.io.overview.overview import overview
    from irkit.progress import progress
    from irkit.recipe.resources import is_index

    if is_index(source):
        facts = _of_index(source)
        if json:
            say_json(facts)
        else:
            holds = ", ".join(counted(number, what.removesuffix("s")) for what, number in facts.pop("counts").items())
            _say_facts({"name": source, "kind": "index", "holds": holds, **facts})
        return
    with progress(None, "reading", " documents") as bar:
        found = overview(source, encoding=encoding, columns=columns, tell=bar)
    if json:
        say_json(_card(source) | found.json())
    else:
        _print(found, _card(source))


def _print(found: Overview, card: dict[str, str]) -> None:
    parted = found.kind == "pools" or "train" in found.counts
    counts = [counted(number, SINGULAR.get(what, what.removesuffix("s"))) for what, number in found.counts.items()]
    holds = held(found.kind, found.counts, found.shape) if parted else ", ".join(counts)
    _say_facts(
        {
            "name": found.name,
            "kind": found.kind,
            **card,
            "holds": holds,
            "splits": "; ".join(found.splits),
            **found.facts,
        }
    )
    if found.files:
        rows = [[file.name, file.what or "not read", file.format, size(file.size)] for file in found.files[:MOST_FILES]]
        say("\n" + text_table(["file", "what", "format", "size"], rows))
        if len(found.files) > MOST_FILES:
            say(f"and {len(found.files) - MOST_FILES:,} more")
    if found.first:
        say("\n" + cut_table(found.columns, found.first, shutil.get_terminal_size((100, 24)).columns))
    for title, lines in (("note", found.notes), ("use", found.uses)):
        if lines:
            say("\n" + "\n".join(f"{title}: {line}" for line in lines))


def _say_facts(facts: dict[str, str]) -> None:
    for name, value in facts.items():
        if value:
            say(f"{name + ':':10}{value}")


def cut_table(columns: list[str], rows: list[list[str]], width: int) -> str:
    """Align rows under their columns; the last column is cut where it would not fit the screen.

    Examples
    --------
    >>> print(cut_table(["docno", "text"], [["d1", "a long text of many words"]], 20))
    docno  text
    d1     a long tex...
    """
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    before = [max(map(cells_wide, column)) for column in zip(columns[:-1], *(row[:-1] for row in rows), strict=True)]
    room = max(width - sum(before) - 2 * len(before), 16)
    return text_table(columns, [[*row[:-1], _cut(row[-1], room)] for row in rows])


def _cut(text: str, room: int) -> str:
    if cells_wide(text) <= room:
        return text
    while cells_wide(text) > room - 3:
        text = text[: -max(1, (cells_wide(text) - room + 3) // 2)]
    return text.rstrip() + "..."


def _card(source: str) -> dict[str, str]:
    """Return what the card in a folder says of its data, beside what is counted."""
    from irkit.io.library.cards import CARD_FILE, load_card

    path = Path(os.path.expanduser(source)) / CARD_FILE
    if not path.is_file():
        return {}
    card = load_card(path)
    facts = {"about": card.about, "terms": card.terms, "citation": card.citation, "source": ", ".join(card.source)}
    return {name: " ".join(value.split()) for name, value in facts.items() if value}


def _of_index(source: str) -> dict[str, Any]:
    from irkit.recipe.resources import open_index

    index = open_index(source)
    stats = index.stats
    return {
        "name": source,
        "kind": "index",
        "counts": {"documents": stats.documents, "terms": stats.terms, "tokens": stats.tokens},
        "data": index.fingerprint,
    }
