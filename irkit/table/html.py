"""Tables as a piece of HTML for a notebook: compact, in the notebook's own colours and fonts, nothing to load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape as _escape

from irkit.screen import visible
from irkit.table.description import Cell, Column, Table, words

SHOWN = 60
"Rows of a table that are shown; of more, a line says how many there are."

_MARKS = {"better": " ▲", "worse": " ▼", "": ""}


def html(tables: Sequence[Table], *, shown: int = SHOWN) -> str:
    """Write tables as HTML; whatever a name holds is shown as text."""
    return "<div>" + "".join(_table(table, shown) for table in tables) + "</div>"


def facts_html(title: str, facts: Mapping[str, str]) -> str:
    """Show what there is to know of a thing, a row a fact; empty facts are left out."""
    rows = tuple((words(name), words(text)) for name, text in facts.items() if text)
    return html([Table((Column("", number=False), Column("", number=False)), rows, title=title)])


def escape(text: str) -> str:
    """Make text literal in HTML, and what a reader could not see visible.

    Examples
    --------
    >>> escape("<script>")
    '&lt;script&gt;'
    """
    return _escape(visible(text, lines=True), quote=True)


def _table(table: Table, shown: int) -> str:
    header = "".join(
        _element("th", escape(column.heading) + (" ↓" if column.lower else ""), column) for column in table.columns
    )
    names = table.names(escape)[:shown]
    rows = [
        _element("th", name, table.columns[0]) + "".join(map(_cell, row[1:], table.columns[1:]))
        for name, row in zip(names, table.rows, strict=False)
    ]
    left = len(table.rows) - len(rows)
    below = [f"{left:,} more rows, {len(table.rows):,} in all"] if left > 0 else []
    caption = f'<caption style="text-align:left">{escape(table.head)}</caption>' if table.head else ""
    head = f"<thead><tr>{header}</tr></thead>" if any(column.heading for column in table.columns) else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    said = "".join(f"<div><small>{escape(line)}</small></div>" for line in [*below, *_legend(table), *table.notes])
    return f"<table>{caption}{head}<tbody>{body}</tbody></table>{said}"


def _element(tag: str, content: str, column: Column) -> str:
    return f'<{tag} style="text-align:{"right" if column.number else "left"}">{content}</{tag}>'


def _cell(cell: Cell, column: Column) -> str:
    text = escape(cell.text).replace("\n", "<br>")
    shown = f"<b>{text}</b>" if cell.best else text
    tip = f' title="{escape(cell.interval)}"' if cell.interval else ""
    align = "right" if column.number else "left"
    return f'<td style="text-align:{align}"{tip}>{shown}{_MARKS[cell.mark]}</td>'


def _legend(table: Table) -> list[str]:
    parts = ["bold: best of its column"] if table.ranked else []
    if table.lower:
        parts.append("↓ lower is better")
    parts += table.legend
    if table.against:
        parts.append(f"▲ better, ▼ worse than {table.against}")
    return ["; ".join(parts)] if parts else []
