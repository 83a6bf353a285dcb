"""Drawings of a few simple shapes, written as SVG and as PNG; black on white, to be printed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from irkit.atomic import write_bytes
from irkit.errors import ConfigError
from irkit.report.faces import face

SIZE = 12
"Height of the letters, in pixels."

SCALE = 2
"Pixels of a PNG for one of the drawing's."

Anchor: TypeAlias = Literal["start", "middle", "end"]


class Line(NamedTuple):
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str = "#1d2126"
    width: float = 1
    dashed: bool = False


class Bar(NamedTuple):
    """A filled rectangle, by its corners."""

    left: float
    top: float
    right: float
    bottom: float
    colour: str


class Dot(NamedTuple):
    """A circle, or a square of about its size; filled or with a white inside."""

    x: float
    y: float
    colour: str
    filled: bool = True
    square: bool = False
    radius: float = 4


class Text(NamedTuple):
    """One line of text; `y` is where its letters stand."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    bold: bool = False
    colour: str = "#1d2126"
    halo: bool = False
    "White around its letters, above lines."


Shape: TypeAlias = Line | Bar | Dot | Text


@dataclass(frozen=True)
class Drawing:
    """Shapes on a white ground, the later ones above the earlier."""

    title: str
    "Said by screen readers."
    width: int
    height: int
    shapes: tuple[Shape, ...]

    def svg(self) -> str:
        """Write SVG. No font is fetched: a reader's own serves."""
        size = f'width="{self.width}" height="{self.height}"'
        body = "".join(map(_svg, self.shapes))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(self.title)}" {size} '
            f'viewBox="0 0 {self.width} {self.height}" font-family="system-ui, sans-serif" font-size="{SIZE}">'
            f'<rect {size} fill="#ffffff"/>{body}</svg>\n'
        )

    def png(self) -> bytes:
        """Write PNG, twice as large as the SVG, for screens and slides."""
        from PIL import Image, ImageDraw

        # Drawn at twice the size again and halved, which smooths the lines.
        fine = 2 * SCALE
        image = Image.new("RGB", (self.width * fine, self.height * fine), "#ffffff")
        pen = ImageDraw.Draw(image)
        for shape in self.shapes:
            _ink(pen, shape, fine)
        out = io.BytesIO()
        image.resize((self.width * SCALE, self.height * SCALE), Image.Resampling.LANCZOS).save(out, "PNG")
        return out.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write a file that ends in .svg or .png, whole or not at all.

        Raises
        ------
        ConfigError
            If it ends otherwise.
        """
        path = Path(path)
        if path.suffix not in (".svg", ".png"):
            raise ConfigError(f"chart: cannot tell what to write, got {path}; end it in .svg or .png")
        write_bytes(path, self.png() if path.suffix == ".png" else self.svg().encode(errors="backslashreplace"))
        return path

    def _repr_svg_(self) -> str:
        return self.svg()


def wide(text: str, *, bold: bool = False) -> float:
    """Return about how wide a text is, in pixels: system fonts differ by a tenth."""
    return len(text) * SIZE * (0.58 if bold else 0.54)


def _svg(shape: Shape) -> str:
    match shape:
        case Line(points, colour, width, dashed):
            places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            dashes = ' stroke-dasharray="5 4"' if dashed else ""
            return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashes}/>'
        case Bar(left, top, right, bottom, colour):
            size = f'width="{right - left:.2f}" height="{bottom - top:.2f}"'
            return f'<rect x="{left:.2f}" y="{top:.2f}" {size} fill="{colour}"/>'
        case Dot(x, y, colour, filled, square, radius):
            paint = f'fill="{colour if filled else "#ffffff"}" stroke="{colour}" stroke-width="1.5"'
            if square:
                place = f'x="{x - radius:.1f}" y="{y - radius:.1f}"'
                return f'<rect {place} width="{2 * radius:g}" height="{2 * radius:g}" {paint}/>'
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {paint}/>'
        case Text(x, y, text, anchor, bold, colour, halo):
            weight = ' font-weight="600"' if bold else ""
            weight += ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if halo else ""
            place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}'
            return f"<text {place}>{escape(text)}</text>"


def _ink(pen: object, shape: Shape, scale: int) -> None:
    """Draw a shape with Pillow, `scale` pixels for one of the drawing's."""
    from PIL import ImageDraw

    assert isinstance(pen, ImageDraw.ImageDraw)
    match shape:
        case Line(points, colour, width, dashed):
            places = [(x * scale, y * scale) for x, y in points]
            for start, end in pairwise(places):
                for piece in _dashes(start, end, 5 * scale, 4 * scale) if dashed else [(start, end)]:
                    pen.line(piece, fill=colour, width=max(1, round(width * scale)), joint="curve")
        case Bar(left, top, right, bottom, colour):
            pen.rectangle((left * scale, top * scale, max(left + 0.5, right) * scale, bottom * scale), fill=colour)
        case Dot(x, y, colour, filled, square, radius):
            box = ((x - radius) * scale, (y - radius) * scale, (x + radius) * scale, (y + radius) * scale)
            paint = pen.rectangle if square else pen.ellipse
            paint(box, fill=colour if filled else "#ffffff", outline=colour, width=round(1.5 * scale))
        case Text(x, y, text, anchor, bold, colour, halo):
            font = face(text, SIZE * scale)
            side = {"start": "l", "middle": "m", "end": "r"}[anchor]
            place, side = (x * scale, y * scale), f"{side}s"
            if halo:
                pen.text(place, text, fill="#ffffff", font=font, anchor=side, stroke_width=round(1.5 * scale))
            pen.text(place, text, fill=colour, font=font, anchor=side, stroke_width=round(0.3 * scale) if bold else 0)


def _dashes(
    start: tuple[float, float], end: tuple[float, float], on: float, off: float
) -> Sequence[tuple[tuple[float, float], tuple[float, float]]]:
    (x0, y0), (x1, y1) = start, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    if not length:
        return []
    at = [step * (on + off) for step in range(int(length // (on + off)) + 1)]
    return [
        tuple((x0 + (x1 - x0) * t / length, y0 + (y1 - y0) * t / length) for t in (a, min(a + on, length)))  # type: ignore[misc]
        for a in at
    ]
