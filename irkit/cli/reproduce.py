"""`irkit reproduce`: run kept results again, row by row, and say whether the numbers are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from irkit.cli.printing import say
from irkit.errors import ConfigError, IrkitError, near_misses

if TYPE_CHECKING:
    from irkit.evaluate import Board, Row

CLOSE = 1e-6
"Relative difference up to which a mean is called close: another processor or library adds in another order."


def reproduce(
    suite: str | None = None, row: str | None = None, /, *, only: list[str] | None = None, skip: list[str] | None = None
) -> int:
    """Run the rows of kept results again and compare their means.

    Each row is run by the command that stands on it. A row is OK where all means are the same to the
    last digit, close where they differ by a millionth or less, and differs otherwise; then, and where
    a system fails, the exit status is 1. Without a suite all kept results are run, which takes long.

    For example:

        irkit reproduce quickstart bm25
        irkit reproduce topn-ml-100k ease
        irkit reproduce mine.json

    Parameters
    ----------
    suite
        Whose kept result, the user's own before shipped ones; or a result file.
    row
        One of its systems; default all.
    only
        Rows of this collection only; may be repeated.
    skip
        Leave this system out; may be repeated.
    """
    from irkit.evaluate import read_results
    from irkit.evaluate.board import kept_results, named_boards, origin_of

    status = 0
    for name in [suite] if suite is not None else kept_results():
        result = read_results(name)
        boards = result.boards
        origin = origin_of(result)
        known = list(dict.fromkeys(one.name for board in boards for one in board.rows))
        for wanted in [*([row] if row else []), *(skip or ())]:
            if suite is not None and wanted not in known:
                raise ConfigError(f"reproduce: {name} has no row {wanted!r}; {near_misses(wanted, known)}")
        titles, names = named_boards(only or (), [board.title for board in boards])
        for board in boards:
            if only and board.title not in titles and board.data not in names:
                continue
            for kept in board.rows:
                if (row is None or kept.name == row) and kept.name not in (skip or ()):
                    number = _alike(boards, board.title, kept.name).index(board)
                    verdict, said = _again(origin, board, number, kept)
                    status = max(status, verdict == "differs")
                    say(f"{verdict:8}{name} {board.title} {kept.name}: {said}")
    return status


def _alike(boards: list[Board], title: str, row: str) -> list[Board]:
    """Return the boards of one title that have a row: a suite may index or cut the same data in several ways."""
    return [one for one in boards if one.title == title and row in {own.name for own in one.rows}]


def _again(suite: str, board: Board, number: int, kept: Row) -> tuple[str, str]:
    """Run a row of one of the boards alike again; return OK, close or differs, and the means."""
    from irkit.cli.inputs import SHOWN
    from irkit.evaluate import run_suite

    try:
        boards = run_suite(suite, only=[board.title], systems=[kept.name], progress=True).boards
    except IrkitError as error:
        return "differs", f"cannot be run: {error}"
    now = _alike(boards, board.title, kept.name)[number]
    again = next(one for one in now.rows if one.name == kept.name)
    if again.failed or kept.failed:
        same = bool(again.failed) == bool(kept.failed)
        return "OK" if same else "differs", f"failed: {again.failed or kept.failed}"
    verdicts, said = zip(*_compared(kept, again), strict=True)
    verdict = max(verdicts, key=("OK", "close", "differs").index)
    if verdict == "differs":
        hashes = {
            "other data": (now.data_hash, board.data_hash),
            "another recipe": (again.recipe_hash, kept.recipe_hash),
        }
        other = [f"of {what}, {one[:SHOWN]} (kept: {was[:SHOWN]})" for what, (one, was) in hashes.items() if one != was]
        said = (*said, *other)
    return verdict, ", ".join(said)


def _compared(kept: Row, again: Row) -> Iterator[tuple[str, str]]:
    for measure, cell in kept.cells.items():
        if measure not in again.cells:
            yield "differs", f"{measure} is not measured any more (kept: {cell.mean:.10g})"
            continue
        before, now = cell.mean, again.cells[measure].mean
        if before == now:
            yield "OK", f"{measure} {now:.4f}"
        else:
            verdict = "close" if abs(now - before) <= CLOSE * max(abs(now), abs(before)) else "differs"
            yield verdict, f"{measure} {now:.10g} (kept: {before:.10g})"
