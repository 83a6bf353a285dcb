"""Plain text tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from irkit.screen import visible


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under a header: the first column to the left, the others to the right.

    Examples
    --------
    >>> print(text_table(["system", "AP"], [["bm25", "0.31"]]))
    system    AP
    ------  ----
    bm25    0.31
    """
    header, *rows = [[visible(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = []
    for row in [header, ["-" * width for width in widths], *rows]:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def number(value: float | None, digits: int = 4) -> str:
    """Print a number with a fixed number of decimals; nothing for None.

    Examples
    --------
    >>> number(0.31), number(None)
    ('0.3100', '')
    """
    return "" if value is None else f"{value:.{digits}f}"
