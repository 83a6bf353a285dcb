"""Learning curves as numbers, read back from the drawings that result files hold, for one chart of several systems.

A file keeps a curve as `irkit.learn.drawing.curves` drew it: its points are on whole tenths of a pixel, and its scales
are told by their ticks. So a value read back is within a twentieth of a pixel of what it was, which is all that a
chart needs. A drawing of another shape is left as the picture it is.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

_ELEMENT = re.compile(
    r'<text x="(?P<x>[-\d.]+)" y="(?P<y>[-\d.]+)" (?P<how>[^>]*)>(?P<text>[^<]*)</text>'
    r'|<polyline points="(?P<points>[^"]*)"'
)
_BASELINE = 4.0  # pixels that a label's text stands below its tick


class Line(NamedTuple):
    """One curve."""

    panel: str
    "What is drawn, such as training loss."
    name: str
    "Whose it is, where a panel has several; else empty."
    unit: str
    "What its horizontal axis counts, such as epoch."
    x: tuple[float, ...]
    y: tuple[float, ...]


def lines(svg: str) -> tuple[Line, ...]:
    """Read the curves of a drawing; none where it has another shape."""
    panels: list[_Panel] = []
    across: list[tuple[float, float]] = []
    unit = ""
    for found in _ELEMENT.finditer(svg):
        if found["points"] is not None:
            if not panels:
                return ()
            panels[-1].curves.append([tuple(map(float, point.split(","))) for point in found["points"].split()])
            continue
        text, how = unescape(found["text"]), found["how"]
        if "font-weight" in how:
            panels.append(_Panel(text, [], [], []))
        elif "fill=" in how and panels:
            panels[-1].names.append(text)
        elif (value := _number(text)) is None:
            unit = text
        elif "middle" in how:
            across.append((float(found["x"]), value))
        elif panels:
            panels[-1].up.append((float(found["y"]) - _BASELINE, value))
    if not all(len(panel.up) > 1 for panel in panels) or len(across) < 2:
        return ()
    return tuple(
        Line(panel.title, name, unit, _read(curve, 0, across), _read(curve, 1, panel.up))
        for panel in panels
        for name, curve in zip(panel.names or [""] * len(panel.curves), panel.curves, strict=False)
    )


class _Panel(NamedTuple):
    title: str
    up: list[tuple[float, float]]
    "Ticks of its vertical scale: pixel, value."
    curves: list[list[tuple[float, ...]]]
    names: list[str]


def _read(curve: list[tuple[float, ...]], side: int, ticks: list[tuple[float, float]]) -> tuple[float, ...]:
    """Turn pixels of one side into values, with five digits."""
    (first, low), (last, high) = min(ticks), max(ticks)
    each = (high - low) / (last - first)
    return tuple(float(f"{low + (point[side] - first) * each:.5g}") for point in curve)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
