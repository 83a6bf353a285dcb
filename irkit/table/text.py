"""Plain text tables, aligned as a screen shows them, in a pipe and without colour too."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from irkit.screen import visible

GAP = "  "
"What stands between two columns."


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
