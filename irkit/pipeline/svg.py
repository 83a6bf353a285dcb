"""A pipeline as a self-contained SVG drawing: boxes and arrows, for notebooks and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
WIDTH = 900.0  # beyond it a chain goes on in a further line
TURN = 30.0  # between the lines of a chain, room for the arrow that leads back

_COLOURS = {"queries": "#b45309", "results": "#1d4ed8"}

_STYLE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px"  # no font is fetched: a reader's own serves


@dataclass(frozen=True)
class _Picture:
    """A drawing of known size; flow enters on its left edge and leaves on the right, by default in the middle."""

    width: float
    height: float
    draw: Callable[[float, float], list[str]]
    "Return SVG elements, given the left and top edge."
    forks: bool = False
    "Whether the flow divides at the left edge: an arrow to it has no head."
    lines: tuple[float, float] | None = None
    "Where a chain of several lines is entered and left, below its top edge."

    @property
    def enter(self) -> float:
        """Where flow enters, below the top edge."""
        return self.lines[0] if self.lines else self.height / 2

    @property
    def leave(self) -> float:
        """Where flow leaves, below the top edge."""
        return self.lines[1] if self.lines else self.height / 2


def svg(stage: Stage) -> str:
    """Draw a pipeline as SVG; queries travel on brown arrows, results on blue ones; a long chain has several lines.

    The text is plain XML without scripts or links; labels are escaped.
    """
    before, after = _word(stage.takes), _word(stage.gives)
    row = _row(stage, WIDTH - before.width - after.width - 2 * GAP - 2)
    width = before.width + after.width + row.width + 2 * GAP + 2
    height = max(row.height, HEIGHT) + 2
    top = 1 + (height - 2 - row.height) / 2
    first, last = top + row.enter, top + row.leave
    start, end = 1 + before.width, 1 + before.width + GAP + row.width
    body = [
        *before.draw(1, first - HEIGHT / 2),
        _arrow(start, first, start + GAP, first, stage.takes, head=not row.forks),
        *row.draw(start + GAP, top),
        _arrow(end, last, end + GAP, last, stage.gives),
        *after.draw(end + GAP, last - HEIGHT / 2),
    ]
    label = escape(repr(stage), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" style="{_STYLE}">'
        f"{''.join(body)}</svg>"
    )


def _row(stage: Stage, room: float) -> _Picture:
    """Draw the stages of a chain from left to right, in lines no wider than `room` where each fits into one."""
    stages = in_row(stage)
    pictures = [_joined(part, room) if part.parts else _box(part.label()) for part in stages]
    takes = [part.takes for part in stages]
    if _width(pictures) <= room:
        return _line(pictures, takes)
    starts = [0]
    for place in range(1, len(pictures)):
        if _width(pictures[starts[-1] : place + 1]) > room - 2 * GAP:
            starts.append(place)
    ends = [*starts[1:], len(pictures)]
    lines = [_line(pictures[a:b], takes[a:b]) for a, b in zip(starts, ends, strict=True)]
    return _below(lines, [takes[start] for start in starts], stage.gives) if len(lines) > 1 else lines[0]


def _width(pictures: Sequence[_Picture]) -> float:
    return sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)


def _line(pictures: Sequence[_Picture], takes: Sequence[Role]) -> _Picture:
    """Draw pictures side by side, an arrow of what it takes to each but the first."""
    height = max(picture.height for picture in pictures)

    def draw(x: float, y: float) -> list[str]:
        out: list[str] = []
        for place, picture in enumerate(pictures):
            if place:
                level = y + height / 2
                out.append(_arrow(x - GAP, level, x, level, takes[place], head=not picture.forks))
            out += picture.draw(x, y + (height - picture.height) / 2)
            x += picture.width + GAP
        return out

    return _Picture(_width(pictures), height, draw, pictures[0].forks)


def _below(lines: Sequence[_Picture], takes: Sequence[Role], gives: Role) -> _Picture:
    """Draw the lines of a chain below one another: an arrow leads from the end of each to the start of the next."""
    indents = [0.0, *[GAP] * (len(lines) - 1)]
    width = max(indent + line.width for indent, line in zip(indents, lines, strict=True)) + GAP
    tops = [sum(line.height + TURN for line in lines[:place]) for place in range(len(lines))]
    height = tops[-1] + lines[-1].height

    def draw(x: float, y: float) -> list[str]:
        out: list[str] = []
        for place, (indent, line) in enumerate(zip(indents, lines, strict=True)):
            top = y + tops[place]
            out += line.draw(x + indent, top)
            end, level = x + indent + line.width, top + line.height / 2
            if place == len(lines) - 1:
                out.append(_arrow(end, level, x + width, level, gives, head=False))
                break
            following, bend = lines[place + 1], top + line.height + TURN / 2
            down = f"M{end:.1f} {level:.1f}H{x + width - GAP / 2:.1f}V{bend:.1f}H{x + GAP / 2 + 0.5:.1f}"
            out.append(f'<path d="{down}" fill="none" stroke="{_COLOURS[takes[place + 1]]}"/>')
            level = y + tops[place + 1] + following.height / 2
            turn = x + GAP / 2
            out.append(_elbow(turn, bend, x + GAP, level, takes[place + 1], turn=turn, head=not following.forks))
        return out

    return _Picture(width, height, draw, lines[0].forks, (lines[0].height / 2, tops[-1] + lines[-1].height / 2))


def _joined(stage: Stage, room: float) -> _Picture:
    """Draw an operator: its pipelines below one another, each led from the input into the operator's box."""
    box = _box(stage.label())
    rows = [_row(part, room - 2 * GAP - box.width) for part in stage.parts]
    widest = max(row.width for row in rows)
    height = sum(row.height for row in rows) + AISLE * (len(rows) - 1)

    def draw(x: float, y: float) -> list[str]:
        out, middle, top = [], y + height / 2, y
        right = x + GAP + widest + GAP
        for row in rows:
            first, last = top + row.enter, top + row.leave
            out.append(_elbow(x, middle, x + GAP, first, stage.takes, turn=x + 6, head=not row.forks))
            out += row.draw(x + GAP, top)
            out.append(_elbow(x + GAP + row.width, last, right, middle, "results", turn=right - 14))
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
