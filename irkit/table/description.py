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
    measure: bool = False
    "Its cells may be marked."
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

    @property
    def head(self) -> str:
        """What it is of, and how much: `lee (350 documents, 50 queries)`."""
        facts = ", ".join(self.facts)
        return f"{self.title} ({facts})" if self.title and facts else self.title or facts

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


def words(text: str) -> Cell:
    """Make a cell of text.

    Examples
    --------
    >>> words("bm25").value
    'bm25'
    """
    return Cell(text, text)
