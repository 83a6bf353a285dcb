"""Pictures without a plotting library: rows of pixels as PNG, curves and points as SVG.

PNG is a subset of the W3C recommendation "Portable Network Graphics" (second edition, 2003): grey or RGB,
8 bits a value, no interlacing, no filter. Which figures a model has is said in `irkit.learn.figures`.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ShapeError

CELL = 32
"Pixels that the longer side of a picture in a grid should at least have."

COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"),
    *("#56b4e9", "#8c6d00", "#1d2126", "#7f3c8d", "#9aa1a8"),
    *("#003f63", "#f5c36b", "#66d1b0", "#7a2e00", "#f2b8d8"),
    *("#b3dcf5", "#4c7a1f", "#5b4bd6", "#c9a3d4", "#ff4d6d"),
)
"Of labels 0 to 19, then from the start again."

_TINY = 1e-300  # below it floating point loses digits
_MARKED = 30  # points up to which each is marked: a line of one point cannot be seen
_LAYER = 100  # points that are sorted by label to be drawn, or the last label would cover all others
_GAP = 0.5  # grey between the pictures of a grid
_FONT = 'font-family="system-ui, sans-serif" font-size="12"'  # no font is fetched: a reader's own serves

_END, _MIDDLE, _BOLD = 'text-anchor="end"', 'text-anchor="middle"', 'font-weight="600"'


class Curve(NamedTuple):
    """One line of a chart."""

    name: str
    x: Floats
    y: Floats


def png(picture: Floats) -> bytes:
    """Write a picture (R, C) of grey values, 0 black to 1 white, or (R, C, 3) of colours, as a PNG file."""
    pixels = np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    rows, columns, *channels = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2 if channels else 0, 0, 0, 0)
    lines = np.insert(pixels.reshape(rows, -1), 0, 0, axis=1)  # each line begins with its filter, none
    content = zlib.compress(lines.tobytes(), 9)
    chunks = [(b"IHDR", header), (b"IDAT", content), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiles(rows: Floats, shape: tuple[int, ...], columns: int | None = None) -> Floats:
    """Lay pictures out in a grid, row by row, enlarged and with a grey line between them.

    Parameters
    ----------
    rows : (n, D) in 0..1
        A picture each; n is at least 1.
    shape : (rows, columns) or (rows, columns, 3)
        Of a picture, making D.
    columns : int, optional
        Pictures side by side; default as many as make a square, or 1 if a picture is a single line.

    Returns
    -------
    (height, width) or (height, width, 3) in 0..1

    Raises
    ------
    ShapeError
        If the shape does not fit, or there are no rows.
    """
    n, size = rows.shape
    high, wide, *channels = shape
    if math.prod(shape) != size or n == 0:
        sides = " x ".join(map(str, shape))
        raise ShapeError(f"tiles: rows of {sides} values are needed, got shape {rows.shape}; give their shape")
    across = columns or (1 if high == 1 else math.ceil(math.sqrt(n)))
    down = -(-n // across)
    scale = max(1, -(-CELL // max(high, wide))) if high > 1 else 4
    cells = np.full((down * across, high * scale + 1, wide * scale + 1, *channels), _GAP)
    cells[:n, 1:, 1:] = rows.reshape(n, *shape).repeat(scale, axis=1).repeat(scale, axis=2)
    grid = cells.reshape(down, across, *cells.shape[1:]).swapaxes(1, 2)
    grid = grid.reshape(down * cells.shape[1], across * cells.shape[2], *channels)
    return np.pad(grid, ((0, 1), (0, 1), *((0, 0) for _ in channels)), constant_values=_GAP)


def curves(panels: Mapping[str, Sequence[Curve]], x_label: str, size: tuple[int, int] = (640, 200)) -> str:
    """Draw charts of lines below one another, each with its own vertical scale, as SVG.

    Parameters
    ----------
    panels : title -> curves
        Each curve has at least one point, of finite numbers.
    x_label : str
        What the shared horizontal axis is; it has 0.
    size : (width, height)
        Width of the drawing and height of one chart, in pixels.
    """
    (width, height), left, top = size, 64, 28
    every = [curve for panel in panels.values() for curve in panel]
    x_ticks = ticks(min(0.0, *(float(c.x.min()) for c in every)), max(float(c.x.max()) for c in every))
    body = []
    for place, (title, lines) in enumerate(panels.items()):
        low, high = place * (height + 48) + top, place * (height + 48) + top + height
        y_ticks = ticks(min(float(c.y.min()) for c in lines), max(float(c.y.max()) for c in lines), height // 28)
        to_x = _scale(x_ticks[0], x_ticks[-1], left, width - 12)
        to_y = _scale(y_ticks[0], y_ticks[-1], high, low)
        body.append(_text(left, low - 10, title, _BOLD))
        body += [
            _line(left, to_y(y), width - 12, to_y(y)) + _text(left - 8, to_y(y) + 4, f"{y:g}", _END) for y in y_ticks
        ]
        body += [_text(to_x(x), high + 16, f"{x:g}", _MIDDLE) for x in x_ticks]
        for number, curve in enumerate(lines):
            places = [(to_x(x), to_y(y)) for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True)]
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            colour = COLOURS[number % len(COLOURS)]
            body.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
            if len(places) <= _MARKED:
                body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
            if len(lines) > 1:
                body.append(_text(width - 12, low + 14 + 15 * number, curve.name, f'{_END} fill="{colour}"'))
    total = len(panels) * (height + 48) + top
    body.append(_text((left + width - 12) / 2, total - 10, x_label, _MIDDLE))
    return _svg(width, total, ", ".join(panels), body)


def scatter(points: Floats, labels: Ints, reach: float = 4.0, side: int = 480) -> str:
    """Draw points of the plane, coloured by label, on axes from -reach to reach whatever the points are.

    So pictures of several models can be laid side by side. Points beyond are drawn on the edge.

    Parameters
    ----------
    points : (n, 2)
    labels : (n,) int
        A point without one has -1 and is grey.
    side : int
        Pixels of an axis.
    """
    left, top = 40, 12
    to_x, to_y = _scale(-reach, reach, left, left + side), _scale(-reach, reach, top + side, top)
    body = []
    for at in ticks(-reach, reach):
        body.append(_line(left, to_y(at), left + side, to_y(at)) + _text(left - 6, to_y(at) + 4, f"{at:g}", _END))
        body.append(_line(to_x(at), top, to_x(at), top + side) + _text(to_x(at), top + side + 16, f"{at:g}", _MIDDLE))
    inside = np.clip(points, -reach, reach)
    body.append(f'<g stroke-width="{max(3, side / 120):g}" stroke-linecap="round" stroke-opacity="0.7">')
    for start in range(0, len(inside), _LAYER):
        layer = slice(start, start + _LAYER)
        for label in sorted(set(labels[layer].tolist())):
            places = inside[layer][labels[layer] == label].tolist()
            dots = "".join(f"M{to_x(x):.1f} {to_y(y):.1f}h0" for x, y in places)
            body.append(f'<path d="{dots}" stroke="{_colour(label)}"/>')
    body.append("</g>")
    column, width = 0, 40
    for place, label in enumerate(sorted(set(labels[labels >= 0].tolist()))):
        column, row = divmod(place, max(1, side // 18))
        x, y = left + side + 20 + width * column, top + 12 + 18 * row
        body.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{_colour(label)}"/>')
        body.append(_text(x + 12, y + 4, str(label)))
    return _svg(left + side + 72 + width * column, top + side + 28, "Points of the plane by label", body)


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return round numbers at equal steps that span low to high.

    Examples
    --------
    >>> ticks(0.3, 9.1)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    >>> ticks(-4, 4)
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    """
    size = max(abs(low), abs(high))
    if high - low <= max(1e-6 * size, _TINY):
        pad = size / 10 if size > _TINY else 1.0
        low, high = low - pad, high + pad
    power = 10 ** math.floor(math.log10((high - low) / most))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if (high - low) / (factor * power) <= most - 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Return the line that leads from low to start and from high to end."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _colour(label: int) -> str:
    return COLOURS[label % len(COLOURS)] if label >= 0 else "#858d95"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dde2e6"/>'


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'


def _svg(width: float, height: float, label: str, body: Sequence[str]) -> str:
    # No style attributes: a page with a content security policy may hold the drawing.
    size = f'width="{width}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label, quote=True)}" '
        f'{size} viewBox="0 0 {width} {height}" {_FONT}><rect {size} fill="#ffffff"/>{"".join(body)}</svg>\n'
    )
