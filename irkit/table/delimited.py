"""Tables as CSV for programs: values in full, and beside a mean its interval, difference and p where they are known."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from irkit.table.description import Table, Value


def delimited(tables: Sequence[Table]) -> str:
    """Write tables as one CSV; of several, a first column `table` says which. Nothing is rounded."""
    several = len(tables) > 1
    records = [{**({"table": table.name} if several else {}), **row} for table in tables for row in _records(table)]
    empty = [name for table in tables for name in _names(table)]  # a table without rows has its header
    names = list(dict.fromkeys([name for record in records for name in record] or empty))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if (value := record.get(name)) is None else value for name in names] for record in records])
    return out.getvalue()


def _records(table: Table) -> list[dict[str, Value]]:
    names = _names(table)
    return [
        dict(zip(names, [value for cell in row for value in (cell.value, *cell.beside)], strict=True))
        for row in table.rows
    ]


def _names(table: Table) -> list[str]:
    return [
        name for column in table.columns for name in (column.name, *(f"{column.name} {own}" for own in column.beside))
    ]
