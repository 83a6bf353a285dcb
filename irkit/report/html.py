"""Leaderboards as one HTML page that needs nothing else: no network, no fonts, no libraries.

What comes from a result file reaches the page in two ways only: through the template, which
escapes everything, and as a JSON block, which the page's scripts read and show as text. On top of
that the page forbids itself, by a content security policy with hashes, any style, script, frame
or request that is not its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irkit.learn.estimate import LEGEND
from irkit.report.numbers import count, fixed, megabytes, milliseconds, p_value, seconds
from irkit.report.payload import ends, payload
from irkit.report.view import Board, Measure, view

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    *("copy.js", "page.js", "table.js", "scales.js", "save.js", "figure.js", "looks.js", "differences.js", "costs.js"),
    *("learning.js", "draw.js"),
)
"In the order they are run: the last one draws."


@dataclass(frozen=True)
class Strip:
    """Where to draw an interval in its cell; positions in per cent of the cell's width."""

    mean: str
    low: str
    high: str
    baseline: str
    "Empty where there is none."
    possible: str = ""
    "Of the best mean that anybody could reach; empty where that is not known."


def html(result: Any) -> str:
    """Write a result as a self-contained HTML page; the same result gives the same page.

    Raises
    ------
    DataError
        If it has not the shape of a result file.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    report = view(result)
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "key": _sort_key,
        "megabytes": megabytes,
        "milliseconds": milliseconds,
        "minus": minus,
        "p_value": p_value,
        "ratio": lambda value: fixed(value, 2, sign=True),
        "seconds": seconds,
    }
    style = (_FOLDER / "board.css").read_text(encoding="utf-8")
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    page = environment.get_template("board.html.j2").render(
        report=report,
        bounds=LEGEND,
        strips=[{m.name: _strips(board, m) for m in board.measures if board.systems} for board in report.boards],
        policy=f"default-src 'none'; img-src data:; style-src {source(style)}; script-src {source(script)}; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),
        script=Markup(script),
        data=Markup(embedded(payload(report))),
    )
    return page.rstrip("\n") + "\n"


def minus(text: str) -> str:
    """Print a number with a true minus sign."""
    return text.replace("-", "\u2212")


def embedded(value: Any) -> str:
    r"""Write JSON that can stand inside a script element: pure ASCII without `<`, `>` and `&`.

    Examples
    --------
    >>> embedded({"name": "</script><b>"})
    '{"name":"\\u003c/script\\u003e\\u003cb\\u003e"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _strips(board: Board, measure: Measure) -> list[Strip | None]:
    """Return how the interval of every system is drawn, on one scale; None where all are alike."""
    cells = [system.cells[measure.name] for system in board.systems]
    reach = [ends(cell) for cell in cells]
    known = [] if measure.possible is None else [measure.possible]
    every = [*known, *(cell.mean for cell in cells), *(end for pair in reach for end in pair)]
    start, end = min(every), max(every)
    if start == end or measure.whole:
        return [None] * len(cells)

    def place(value: float) -> str:
        return f"{3 + 94 * (value - start) / (end - start):.1f}"  # a margin for the point's radius

    baseline = next((place(s.cells[measure.name].mean) for s in board.systems if s.baseline), "")
    return [
        Strip(place(cell.mean), place(low), place(high), baseline, "".join(map(place, known)))
        for (low, high), cell in zip(reach, cells, strict=True)
    ]


def _sort_key(value: float | None) -> str:
    """Write a number for the page's scripts to sort by; empty for unknown."""
    return "" if value is None else repr(float(value))


def source(text: str) -> str:
    """Return the content security policy's source for an inline element with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
