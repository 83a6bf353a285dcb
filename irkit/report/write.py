"""Write reports to disk, each file as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.atomic import is_stream, write_bytes
from irkit.errors import ConfigError
from irkit.evaluate.board import as_result, write_results
from irkit.evaluate.saved import result_of
from irkit.io.outputs import check_output
from irkit.report.html import html
from irkit.report.markdown import markdown
from irkit.report.publish import described
from irkit.report.view import Report, view
from irkit.table.published import WRITERS

if TYPE_CHECKING:
    from irkit.report.shapes import Drawing

ENDINGS = (".html", ".md", ".json", ".tex", ".csv")
"The kinds of files there are."


def write_report(result: Any, path: str | Path) -> Path:
    """Write a result as one file, or as HTML, Markdown, JSON, LaTeX and CSV into a folder, with charts in `charts/`.

    Everything is rendered before anything is written, and each file replaces an older one in one step.

    Parameters
    ----------
    result : Result or Experiment
        Or a result's plain values.
    path : path
        A file that ends in .html, .md, .json, .tex or .csv; or a folder, made if need be, which gets one file
        of each kind named after the suite, and each board's charts as SVG and PNG.

    Returns
    -------
    Path
        The file, or the HTML page in the folder.

    Raises
    ------
    ConfigError
        If a file is named with another ending, or a folder's name is taken by a file.
    DataError
        If plain values have another shape, or the system refuses to write. No file is written then.
    """
    if hasattr(result, "to_board"):
        result = result_of(result, "experiment")
    result = as_result(result, who="report")
    targets = check_report(path, result.suite)
    renderers = {".html": html, ".md": markdown, ".tex": _written(".tex"), ".csv": _written(".csv")}
    rendering = [target for target in targets if target.suffix in renderers]
    report = view(result)
    rendered = {target: renderers[target.suffix](report).encode(errors="backslashreplace") for target in rendering}
    drawn = _charts(report) if len(targets) > 1 else {}
    for target in targets:
        if target in rendered:
            write_bytes(target, rendered[target])
        else:
            write_results(result, target)
    for name, drawing in drawn.items():
        for ending in (".svg", ".png"):
            drawing.save(targets[0].parent / "charts" / f"{name}{ending}")
    return targets[0]


def _charts(report: Report) -> dict[str, Drawing]:
    """Draw the charts of all boards, each under a name of its own."""
    from irkit.report.charts import charts

    several = len(report.boards) > 1
    return {
        "-".join([*([str(number)] if several else []), _slug(board.title), kind]): drawing
        for number, board in enumerate(report.boards, 1)
        for kind, drawing in charts(board).items()
    }


def _written(ending: str) -> Callable[[Report], str]:
    """Return what writes all tables of a report in one file."""
    return lambda report: WRITERS[ending]([described(board) for board in report.boards])


def check_report(path: str | Path, suite: str) -> list[Path]:
    """Return the files a report of a suite consists of, or refuse a place that could not be written.

    Raises
    ------
    ConfigError, DataError
        As `write_report`.
    """
    targets = _targets(suite, Path(path))
    for target in targets:
        check_output(target, who="report")
    return targets


def _targets(suite: str, path: Path) -> list[Path]:
    if not path.is_dir():
        if path.suffix in ENDINGS:
            return [path]
        if path.suffix or path.exists() or is_stream(path):
            *most, last = ENDINGS
            what = f"end it in {', '.join(most)} or {last}, or give a folder"
            raise ConfigError(f"report: cannot tell what to write, got {path}; {what}")
    return [path / f"{_slug(suite)}{ending}" for ending in ENDINGS]


def _slug(name: str) -> str:
    """Return a name as that of a file."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "leaderboard"
