"""How the commands that take files of ratings read them: the same options, with the same meaning, everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter


@dataclass(frozen=True)
class RatingsLayout:
    """Which columns of a file of ratings are what, and what counts where a pair occurs twice."""

    columns: str | None = None
    """Which columns of a file of ratings are what: user,item,rating,time in the order of the fields, where no line of
    names comes first, with - for a field that is not read; or user=member,item=dish where names are unusual. Without
    a rating, or with rating=-, every row is a like; count in place of rating says that they are counts."""
    duplicates: Literal["error", "last", "mean", "sum"] | None = None
    """What to do where a user rated an item twice: error, last (keep the last rating), mean or sum; default what a card
    says, or error, and of counts sum."""

    def options(self) -> dict[str, Any]:
        """Return what `load_ratings` and `load_problem` take, as far as it was said."""
        from irkit.io.ratings.layout import parse_columns

        columns = {} if self.columns is None else {"columns": parse_columns(self.columns)}
        return columns | ({} if self.duplicates is None else {"duplicates": self.duplicates})


@dataclass(frozen=True)
class RatingsReading(RatingsLayout):
    """How a file of ratings is read."""

    format: str = "auto"
    """How a file of ratings is written, if its name and content do not tell: tab, dat, csv, tsv or parquet."""
    encoding: str = "utf-8"
    """Encoding of a file of ratings, such as latin-1."""

    def options(self) -> dict[str, Any]:
        """Return what `load_ratings` and `load_problem` take, as far as it was said."""
        told = {"format": self.format, "encoding": self.encoding}
        standard = {"format": "auto", "encoding": "utf-8"}
        return super().options() | {name: value for name, value in told.items() if value != standard[name]}


Layout: TypeAlias = Annotated[RatingsLayout | None, Parameter(name="*")]
"A parameter of commands that stands for the options of a `RatingsLayout`."

Reading: TypeAlias = Annotated[RatingsReading | None, Parameter(name="*")]
"A parameter of commands that stands for the options of a `RatingsReading`."
