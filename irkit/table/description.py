"""What a table holds, however it is written: columns, rows of cells, marks, and what must be said below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Value: TypeAlias = float | int | str | None
"What a cell holds for programs; None where there is nothing."


class Column(NamedTuple):
    """What stands above a column."""

    name: str
    "On a screen and in CSV."
    lower: bool = False
    "Small values are good."
    number: bool = True
    "It is flush right."
    beside: tuple[str, ...] = ()
    "Names of further values of each cell, which only CSV has: `low`, `p`."
    title: str = ""
    "On a page, where it is another."

    @property
    def heading(self) -> str:
        """What stands above it on a page."""
        return self.title or self.name


class Cell(NamedTuple):
    """One cell."""

    text: str
    "As people read it."
    value: Value = None
    best: bool = False
    "None of its column is better, as printed."
    mark: str = ""
    "`better` or `worse` than the baseline where that is significant, else empty."
    interval: str = ""
    "As it is printed, empty where there is none."
    beside: tuple[Value, ...] = ()
    "As the column names them."


@dataclass(frozen=True)
class Table:
    """A table; the first column names its rows."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    "Each as long as the columns."
    title: str = ""
    "What it is of."
    label: str = ""
    "What tells it from others beside it, where the title does not."
    facts: tuple[str, ...] = ()
    "How much there is of what, in a few words each."
    ranked: bool = False
    "Whether the best of each column is marked."
    baseline: int | None = None
    "The row that others are compared with."
    against: str = ""
    "What marks are against, with its test: `the baseline bm25 (paired t, Holm-corrected p < 0.05)`."
    interval: str = ""
    "What intervals are: `95 % bootstrap`."
    legend: tuple[str, ...] = ()
    "Further explanations of what is in cells."
    notes: tuple[str, ...] = ()
    "What a reader of the numbers should know."
    grouped: bool = False
    "Rows with the same first cell belong together."

    @property
    def head(self) -> str:
        """What it is of, and how much: `lee (350 documents, 50 queries)`."""
        return f"{self.title} ({', '.join(self.facts)})" if self.facts else self.title

    @property
    def name(self) -> str:
        """What tells it from others beside it."""
        return self.label or self.title

    @property
    def lower(self) -> list[str]:
        """Names of the columns whose small values are good."""
        return [column.name for column in self.columns if column.lower]

    def names(self, shown: Callable[[str], str] = str) -> list[str]:
        """Return the first cell of each row, the baseline's marked as such."""
        return [
            shown(row[0].text) + (" (baseline)" if place == self.baseline else "")
            for place, row in enumerate(self.rows)
        ]

    def starts(self, place: int) -> bool:
        """Say whether a row is the first of its group; where rows are not grouped, each is."""
        return not self.grouped or place == 0 or self.rows[place][0].text != self.rows[place - 1][0].text


def words(text: str) -> Cell:
    """Make a cell of text.

    Examples
    --------
    >>> words("bm25").value
    'bm25'
    """
    return Cell(text, text)


def number(value: float | None, digits: int = 4) -> str:
    """Print a number with a fixed number of decimals; nothing for None.

    Examples
    --------
    >>> number(0.31), number(None)
    ('0.3100', '')
    """
    return "" if value is None else f"{value:.{digits}f}"


def p_value(value: float | None) -> str:
    """Print a probability with four decimals; nothing for None.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0001), p_value(0.00009999), p_value(0.0), p_value(None)
    ('0.0312', '0.0001', '< .0001', '< .0001', '')
    """
    return "< .0001" if value is not None and value < 0.0001 else number(value)
