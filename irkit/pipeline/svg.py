"""A pipeline as a self-contained SVG drawing: boxes and arrows, for notebooks and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from irkit.pipeline.unfold import in_row
from irkit.screen import visible

if TYPE_CHECKING:
    from irkit.pipeline.stage import Role, Stage

CHARACTER = 7.3  # width of a 12 px monospace character, rounded up
HEIGHT = 30.0  # of a box
GAP = 34.0  # between boxes in a row, room for an arrow
AISLE = 14.0  # between pipelines below one another

_COLOURS = {"queries": "#b45309", "results": "#1d4ed8"}

_STYLE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px"  # no font is fetched: a reader's own serves


@dataclass(frozen=True)
class _Picture:
    """A drawing of known size; flow enters in the middle of its left edge and leaves on the right."""

    width: float
    height: float
    draw: Callable[[float, float], list[str]]
    "Return SVG elements, given the left and top edge."
    forks: bool = False
    "Whether the flow divides at the left edge: an arrow to it has no head."


def svg(stage: Stage) -> str:
    """Draw a pipeline as SVG; queries travel on brown arrows, results on blue ones.

    The text is plain XML without scripts or links; labels are escaped.
    """
    row = _row(stage)
    before, after = _word(stage.takes), _word(stage.gives)
    width = before.width + after.width + row.width + 2 * GAP + 2
    height = max(row.height, HEIGHT) + 2
    top = 1 + (height - 2 - row.height) / 2
    middle = height / 2
    start, end = 1 + before.width, 1 + before.width + GAP + row.width
    body = [
        *before.draw(1, middle - HEIGHT / 2),
        _arrow(start, middle, start + GAP, middle, stage.takes, head=not row.forks),
        *row.draw(start + GAP, top),
        _arrow(end, middle, end + GAP, middle, stage.gives),
        *after.draw(end + GAP, middle - HEIGHT / 2),
    ]
    label = escape(repr(stage), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" style="{_STYLE}">'
        f"{''.join(body)}</svg>"
    )


def _row(stage: Stage) -> _Picture:
    """Draw the stages of a chain from left to right."""
    stages = in_row(stage)
    pictures = [_joined(part) if part.parts else _box(part.label()) for part in stages]
    height = max(picture.height for picture in pictures)

    def draw(x: float, y: float) -> list[str]:
        out: list[str] = []
        for place, picture in enumerate(pictures):
            if place:
                level = y + height / 2
                out.append(_arrow(x - GAP, level, x, level, stages[place].takes, head=not picture.forks))
            out += picture.draw(x, y + (height - picture.height) / 2)
            x += picture.width + GAP
        return out

    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    return _Picture(width, height, draw, pictures[0].forks)


def _joined(stage: Stage) -> _Picture:
    """Draw an operator: its pipelines below one another, each led from the input into the operator's box."""
    rows = [_row(part) for part in stage.parts]
    widest = max(row.width for row in rows)
    height = sum(row.height for row in rows) + AISLE * (len(rows) - 1)
    box = _box(stage.label())

    def draw(x: float, y: float) -> list[str]:
        out, middle, top = [], y + height / 2, y
        right = x + GAP + widest + GAP
        for row in rows:
            level = top + row.height / 2
            out.append(_elbow(x, middle, x + GAP, level, stage.takes, turn=x + 6, head=not row.forks))
            out += row.draw(x + GAP, top)
            out.append(_elbow(x + GAP + row.width, level, right, middle, "results", turn=right - 14))
            top += row.height + AISLE
        return [*out, *box.draw(right, middle - box.height / 2)]

    return _Picture(GAP + widest + GAP + box.width, max(height, box.height), draw, forks=True)


def _box(label: str) -> _Picture:
    width = CHARACTER * len(label) + 20

    def draw(x: float, y: float) -> list[str]:
        return [
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT:.1f}" rx="5" '
            'fill="#f8fafc" stroke="#334155"/>',
            _text(label, x + width / 2, y, "#0f172a"),
        ]

    return _Picture(width, HEIGHT, draw)


def _word(role: Role) -> _Picture:
    width = CHARACTER * len(role) + 8
    return _Picture(width, HEIGHT, lambda x, y: [_text(role, x + width / 2, y, _COLOURS[role])])


def _text(text: str, x: float, y: float, colour: str) -> str:
    shown = escape(visible(text))
    return f'<text x="{x:.1f}" y="{y + HEIGHT / 2 + 4:.1f}" text-anchor="middle" fill="{colour}">{shown}</text>'


def _arrow(x1: float, y1: float, x2: float, y2: float, role: Role, *, head: bool = True) -> str:
    return _elbow(x1, y1, x2, y2, role, turn=x1, head=head)


def _elbow(x1: float, y1: float, x2: float, y2: float, role: Role, *, turn: float, head: bool = True) -> str:
    """Draw an arrow that turns at x = `turn`; plain paths, so that no ids can clash on a page."""
    colour = _COLOURS[role]
    line = f'<path d="M{x1:.1f} {y1:.1f}H{turn:.1f}V{y2:.1f}H{x2:.1f}" fill="none" stroke="{colour}"/>'
    point = f"M{x2 - 6:.1f} {y2 - 4:.1f}L{x2:.1f} {y2:.1f}L{x2 - 6:.1f} {y2 + 4:.1f}Z"
    return f'{line}<path d="{point}" fill="{colour}"/>' if head else line
