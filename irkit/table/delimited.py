"""Tables as CSV for programs: values in full, and beside a mean its interval, difference and p where they are known."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from irkit.table.description import Column, Table, Value


def delimited(tables: Sequence[Table]) -> str:
    """Write tables as one CSV; of several, a first column `table` says which. Nothing is rounded."""
    several = len(tables) > 1
    records = [{**({"table": table.name} if several else {}), **row} for table in tables for row in _records(table)]
    names = list(dict.fromkeys(["table"] * several + [name for table in tables for name in _names(table)]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if (value := record.get(name)) is None else value for name in names] for record in records])
    return out.getvalue()


def _records(table: Table) -> list[dict[str, Value]]:
    return [
        {
            name: value
            for column, cell in zip(table.columns, row, strict=True)
            for name, value in zip(_of(column), (cell.value, *cell.beside), strict=False)  # not all cells have all
        }
        for row in table.rows
    ]


def _names(table: Table) -> list[str]:
    return [name for column in table.columns for name in _of(column)]


def _of(column: Column) -> list[str]:
    return [column.name, *(f"{column.name} {own}" for own in column.beside)]
