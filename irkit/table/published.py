"""What prints as tables, and is published and shown in a notebook as the same ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from irkit.atomic import write_bytes
from irkit.table.delimited import delimited
from irkit.table.description import Table
from irkit.table.html import html
from irkit.table.latex import latex
from irkit.table.markdown import markdown

WRITERS: dict[str, Callable[[Sequence[Table]], str]] = {".tex": latex, ".csv": delimited, ".md": markdown}
"How tables are written, by the ending of a file's name."


class Published(ABC):
    """What can be written as tables."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """Describe the tables."""

    def to_latex(self) -> str:
        r"""Write LaTeX that can stand in a paper: `\usepackage{booktabs}`, best means bold, marks of significance."""
        return latex(self.tables())

    def to_csv(self) -> str:
        """Write CSV, nothing rounded, with what is known beside a mean: ends of its interval, difference, p."""
        return delimited(self.tables())

    def to_markdown(self) -> str:
        """Write Markdown."""
        return markdown(self.tables())

    def _repr_html_(self) -> str:
        return html(self.tables())


def write_tables(tables: Sequence[Table], path: str | Path) -> None:
    """Write tables as the path's ending says, of `WRITERS`; whole or not at all."""
    write_bytes(Path(path), WRITERS[Path(path).suffix](tables).encode(errors="backslashreplace"))
