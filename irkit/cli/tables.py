"""Plain aligned tables for the terminal and for pipes."""

from __future__ import annotations

from collections.abc import Sequence

from irkit.screen import visible


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align rows under a header, numbers to the right, two spaces between columns.

    Examples
    --------
    >>> print(table(["run", "AP"], [["a.txt", "0.3123"], ["longer.txt", "0.2"]]))
    run             AP
    a.txt       0.3123
    longer.txt     0.2
    """
    header, *rows = [[visible(cell) for cell in row] for row in (header, *rows)]
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [len(column) > 1 and all(_number(cell) for cell in column[1:]) for column in columns]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """Say how many of something there are.

    Examples
    --------
    >>> counted(1, "document"), counted(1400, "document"), counted(2, "query")
    ('1 document', '1,400 documents', '2 queries')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def _number(cell: str) -> bool:
    text = cell.replace(",", "").replace("%", "").strip("<> ")
    if text in {"", "-"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
