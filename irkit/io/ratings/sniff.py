"""How a file of ratings is written: its format, told by its first line, its fields line by line."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from irkit.errors import DataError
from irkit.io.lines import bad, head, lines, refuse_utf16
from irkit.io.ratings.layout import (
    SEPARATORS,
    Columns,
    in_order,
    names_likes,
    names_likes_alone,
    names_ratings,
    option,
    separator,
)

_log = logging.getLogger("irkit")

FORMATS = ("tab", "dat", "csv", "tsv", "parquet")

LINE_END = re.compile(rb"[\r\n]")  # Arrow ends a line at either, old spreadsheets at the first alone


def has_rating_columns(path: Path) -> bool:
    """Say whether the first line of a separated file names users, items and ratings."""
    first = LINE_END.split(head(path), maxsplit=1)[0].decode("latin-1")
    return names_ratings([unquoted(cell).strip() for cell in first.split(separator("csv", first))], path)


def begins_with_rating(path: Path) -> bool:
    """Say whether the first line of a file without names of columns is a user, an item and a rating."""
    try:
        return sniff(path, Columns()) in ("dat", "tab")
    except DataError:
        return False


def told_by_names(path: Path, columns: Columns) -> Columns:
    """Return the columns that hold for a file: without a rating where its first line names users, items, times alone.

    Every row is a like then, which is said in the log. A column of another name may hold the ratings, so that a file
    which has one is left to `sniff` and `places`, which refuse it with what to write.
    """
    if columns.order or columns.likes or {"rating", "count"} & set(columns.named):
        return columns
    start = head(path)
    if start.startswith(b"PAR1"):
        return columns
    first = next((line for line in LINE_END.split(start) if line.strip()), b"").decode("latin-1")
    between = "\t" if "\t" in first else separator("csv", first)
    names = [unquoted(cell).strip() for cell in first.split(between)]
    if len(names) < 2 or not names_likes_alone(names, path, columns):
        return columns
    _log.warning("%s: there are no ratings, so every row is a like", path)
    return replace(columns, likes=True)


def sniff(path: Path, columns: Columns) -> str:
    """Return the format of a file.

    Raises
    ------
    DataError
        If nothing tells; the message says which columns would read it.
    """
    start = head(path)
    if start.startswith(b"PAR1"):
        return "parquet"
    refuse_utf16(path, start)
    first = next((line for line in LINE_END.split(start) if line.strip()), b"").decode("latin-1")
    if not first:
        raise bad(path, 1, "the file is empty", "check that it was written completely")
    if re.match(r'\s*\{\s*"', first):
        raise bad(path, 1, "ratings are not read from JSON Lines", f"write them as one of {', '.join(FORMATS)}")
    if "::" in first:
        return "dat"
    cells = first.split("\t")
    if columns.order or columns.likes:
        return ("tab" if columns.order else "tsv") if len(cells) > 1 else "csv"
    if len(cells) in (3, 4) and _is_number(cells[2]):
        return "tab"
    if len(cells) > 2:
        return "tsv"
    between = first.count(separator("csv", first).strip() or " ")
    if between > 1 and separator("csv", first) != " ":
        return "csv"
    if len(cells) == 2 or (between == 1 and separator("csv", first) != " "):
        names = [unquoted(cell).strip() for cell in first.split(separator("csv", first) if between else "\t")]
        told = option("rating=-" if names_likes(names, path) else "user,item")
        what = f"there are two fields and no rating, got {', '.join(names)}"
        raise bad(path, 1, what, f"where every row is a like, write {told}")
    todo = f"name one of {', '.join(FORMATS)}, or the fields in their order: {option(in_order(first.split()))}"
    raise bad(path, 1, "these are no ratings that irkit knows", todo)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def unquoted(cell: str) -> str:
    """Return a column's name as Arrow gives it: without quotes, with the blanks of one that has none."""
    return cell.strip().strip('"') if cell.strip().startswith('"') else cell


def cells_of(path: Path, format: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of every line that is not blank, with its number from 1."""
    first = next((line for line in LINE_END.split(head(path)) if line.strip()), b"").decode("latin-1")
    between = separator(format, first)
    if between not in SEPARATORS:
        for line, text in lines(path, encoding):
            if text.strip():
                yield line, text.split(between)
        return
    table = csv.reader((text + "\n" for _, text in lines(path, encoding)), strict=True, delimiter=between)
    before = 0
    while True:
        try:
            cells = next(table, None)
        except csv.Error as error:
            raise bad(path, before + 1, f"not valid CSV: {error}", "close every quote") from None
        line, before = before + 1, table.line_num
        if cells is None:
            return
        if cells:
            yield line, cells


def lines_of(path: Path, rows: Sequence[int], format: str, columns: Columns, encoding: str) -> list[int]:
    """Return the lines, from 1, on which some rows of a ratings frame stand; of Parquet the rows from 1."""
    if format == "parquet":
        return [row + 1 for row in rows]
    first = 1 if format in ("csv", "tsv") and not columns.order else 0
    at = [line for line, _ in islice(cells_of(path, format, encoding), max(rows) + first + 1)]
    return [at[row + first] for row in rows]
