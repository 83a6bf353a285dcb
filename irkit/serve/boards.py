"""The boards of a folder: result files of suites, read when they are asked for and never written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from irkit.errors import DataError, NotFoundError
from irkit.serve import answers
from irkit.serve.limits import UnknownError
from irkit.wording import shown

if TYPE_CHECKING:
    from irkit.report.view import Board

SUFFIX = ".json"


class Boards:
    """A folder of result files, as `irkit leaderboard --save` and `--json` write them.

    Parameters
    ----------
    folder : path

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise NotFoundError(f"{folder}: there is no such folder; name one that holds results of irkit leaderboard")

    def names(self) -> list[str]:
        """Return the names of the files, without their ending; one that is no text cannot be asked for."""
        found = sorted(path.stem for path in self.folder.glob(f"*{SUFFIX}") if path.is_file())
        return [name for name in found if name.isprintable()]

    def board(self, name: str) -> answers.Report:
        """Return what a file holds, as tables.

        Raises
        ------
        UnknownError
            If there is no such file, or it is not one of results.
        """
        from irkit.evaluate.board import read_results
        from irkit.report.view import view

        if name not in self.names():  # so that no name leads elsewhere
            raise UnknownError(f"boards: there are none called {shown(name)}")
        try:
            found = view(read_results(self.folder / f"{name}{SUFFIX}"))
            report = answers.Report(
                name=name, suite=found.suite, about=found.about, date=found.date, boards=list(map(_table, found.boards))
            )
            report.model_dump_json()  # half of a surrogate pair cannot be sent
        except (DataError, NotFoundError, UnicodeError):
            raise UnknownError(f"boards: {name} is not a file of results, or not a whole one") from None
        return report


def _table(board: Board) -> answers.BoardTable:
    from irkit.report.publish import described

    table = described(board)
    return answers.BoardTable(
        title=table.name,
        head=table.head,
        columns=[column.heading for column in table.columns],
        rows=[
            [answers.BoardCell(text=cell.text, best=cell.best, mark=cell.mark, interval=cell.interval) for cell in row]
            for row in table.rows
        ],
        baseline=table.baseline,
        against=table.against,
        interval=table.interval,
        notes=[*table.legend, *table.notes],
    )
