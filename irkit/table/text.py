"""Plain text tables, aligned as a screen shows them, in a pipe and without colour too."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from irkit.screen import visible
from irkit.table.description import Cell, Column, Table

GAP = "  "
"What stands between two columns."
WIDTH = 100
"Columns of the terminal that a table fits into."
_NAME = 24  # a name is not cut shorter than this
_BASELINE = " (baseline)"
_SIGNS = {"better": "+", "worse": "-", "": " "}


def text(table: Table, *, width: int = WIDTH) -> str:
    """Lay out a table as text, with its head above and its legend and notes below, without a final line break.

    Long names are cut to fit; columns that still do not fit go into further blocks below.
    """
    columns = [_column(table, place) for place in range(1, len(table.columns))]
    rows = (list(zip(*block, strict=True)) for block in _blocks(table, columns, width))
    blocks = "\n\n".join(text_table(header, others, ruled=True) for header, *others in rows)
    tail = "\n".join(
        textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in _tail(table)
    )
    head = cut(table.head, width)
    return "\n\n".join(filter(None, [head, blocks, tail]))


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, ruled: bool = False) -> str:
    """Align rows under a header; columns of numbers are flush right, the others flush left.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
        As long as the header. What a terminal would obey is spelt out.
    ruled : bool
        Draw a line under the header, and set every column but the first flush right, whatever it holds.

    Examples
    --------
    >>> print(text_table(["run", "AP"], [["a.txt", "0.3123"], ["longer.txt", "0.2"]]))
    run             AP
    a.txt       0.3123
    longer.txt     0.2
    >>> print(text_table(["system", "AP"], [["検索", "0.31*"]], ruled=True))
    system     AP
    ------  -----
    検索    0.31*
    """
    cells = [[visible(cell) for cell in row] for row in (header, *rows)]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(cells_wide, column)) for column in columns]
    right = [place > 0 if ruled else all(map(_is_number, column[1:])) for place, column in enumerate(columns)]
    if ruled:
        cells.insert(1, ["-" * width for width in widths])
    return "\n".join(GAP.join(map(_padded, row, widths, right)).rstrip() for row in cells)


def cells_wide(text: str) -> int:
    r"""Count the terminal columns of a text: two for East Asian wide characters, none for combining ones.

    Examples
    --------
    >>> cells_wide("bm25"), cells_wide("検索"), cells_wide("e\u0301")
    (4, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_width_of, text))


def cut(text: str, width: int) -> str:
    """Cut a text to some columns, with three points at the end if anything is left out.

    Examples
    --------
    >>> cut("ql-dirichlet", 8), cut("bm25", 8)
    ('ql-di...', 'bm25')
    """
    if cells_wide(text) <= width:
        return text
    kept = ""
    for character in text:
        if cells_wide(kept + character) > width - 3:
            break
        kept += character
    return kept.rstrip() + "..."


def in_ascii(text: str) -> str:
    """Write the signs of numbers as any terminal shows them."""
    return text.replace("\u2265", ">=").replace("\u00b1", "+-").replace("\u2013", "-")


def _column(table: Table, place: int) -> list[str]:
    """Return a column's header and cells, with room for marks where they are of a measure."""
    column, cells = table.columns[place], [row[place] for row in table.rows]
    return [column.name + " " * column.measure, *(_shown(cell, column) for cell in cells)]


def _shown(cell: Cell, column: Column) -> str:
    text = in_ascii(cell.text) if column.number else cell.text
    return ("*" if cell.best else "") + text + (_SIGNS[cell.mark] if column.measure else "")


def _blocks(table: Table, columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """Share the columns out over blocks no wider than `width`, each with the names as its first column."""
    longest = max(map(cells_wide, _names(table, width)))
    widths = [max(map(cells_wide, column)) + len(GAP) for column in columns]
    room = max(width - sum(widths), min(longest, _NAME))
    names = _names(table, room)
    groups: list[list[list[str]]] = [[names]]
    used = room
    for column, wide in zip(columns, widths, strict=True):
        if used + wide > width and len(groups[-1]) > 1:
            groups.append([names])
            used = room
        groups[-1].append(column)
        used += wide
    return groups


def _names(table: Table, room: int) -> list[str]:
    """Return the first column, cut to `room`; names that would look alike keep their ends instead."""
    names = [row[0].text for row in table.rows]
    rooms = [room - (len(_BASELINE) if place == table.baseline else 0) for place in range(len(names))]
    short = [cut(name, wide) for name, wide in zip(names, rooms, strict=True)]
    shown = [
        own if own == name or short.count(own) == 1 else "..." + _end(name, wide - 3)
        for own, name, wide in zip(short, names, rooms, strict=True)
    ]
    return [
        table.columns[0].name,
        *(name + (_BASELINE if place == table.baseline else "") for place, name in enumerate(shown)),
    ]


def _end(text: str, width: int) -> str:
    while cells_wide(text) > width:
        text = text[1:]
    return text


def _tail(table: Table) -> list[str]:
    """Say what the marks mean, and the notes."""
    lines = ["* best of its column"] if table.ranked else []
    if table.lower:
        lines.append(f"lower is better: {', '.join(table.lower)}")
    lines += map(in_ascii, table.legend)
    if table.against:
        lines.append(f"+ better, - worse than {table.against}")
    return [*lines, *table.notes]


def _padded(cell: str, width: int, right: bool) -> str:
    space = " " * (width - cells_wide(cell))
    return space + cell if right else cell + space


def _width_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_number(cell: str) -> bool:
    text = cell.replace(",", "").replace("%", "").strip("<> ")
    if text in {"", "-"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
