"""Tables as Markdown that GitHub, mkdocs and pandoc show alike; nothing in a name can break out of its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from irkit.screen import visible
from irkit.table.description import Cell, Column, Table

MARKS = {"better": " ▲", "worse": " ▼", "": ""}


def markdown(tables: Sequence[Table]) -> str:
    """Write tables as Markdown, each with its head above and its legend and notes below."""
    return "\n\n".join("\n\n".join(filter(None, _blocks(table))) for table in tables) + "\n"


def escape(text: str) -> str:
    """Make text literal in Markdown, inside a table cell too.

    Examples
    --------
    >>> escape("a|b <b>*c*</b> ql_dirichlet")
    'a\\\\|b &lt;b&gt;\\\\*c\\\\*&lt;/b&gt; ql_dirichlet'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~$])", r"\\\1", text)
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)  # inside a word it is literal anyway
    return re.sub(r"^(\s*)([#+=-]|\d+[.)](?=\s))", r"\1\\\2", text)  # headings, lists, rules


def grid(table: Table) -> str:
    """Write header and rows."""
    header = [escape(visible(column.heading)) + (" ↓" if column.lower else "") for column in table.columns]
    rule = ["---:" if column.number else "---" for column in table.columns]
    names = table.names(lambda name: escape(visible(name)))
    rows = [[name, *map(_cell, row[1:], table.columns[1:])] for name, row in zip(names, table.rows, strict=True)]
    return "\n".join(_row(row) for row in (header, rule, *rows))


def legend(table: Table) -> str:
    """Say in a line what the marks in cells mean; empty where there are none."""
    parts = ["**Bold**: best of its column"] if table.ranked else []
    if table.interval:
        parts.append(f"in brackets: {escape(table.interval)} interval")
    if table.lower:
        parts.append("↓: lower is better")
    parts += (escape(visible(part)) for part in table.legend)
    if table.against:
        parts.append(f"▲ better, ▼ worse than {escape(visible(table.against))}")
    return "; ".join(parts) + "." if parts else ""


def notes(table: Table) -> str:
    """Write the notes as a list; empty where there are none."""
    return "\n".join(f"- {escape(visible(note))}" for note in table.notes)


def _blocks(table: Table) -> list[str]:
    return [escape(visible(table.head)), grid(table), legend(table), notes(table)]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(cell: Cell, column: Column) -> str:
    # Of a number, two tildes alone could do harm: they would strike through what is between.
    text = cell.text.replace("~", r"\~") if column.number else escape(visible(cell.text))
    shown = f"**{text}**" if cell.best else text
    interval = f" ({cell.interval})" if cell.interval else ""
    return f"{shown}{interval}{MARKS[cell.mark]}"
