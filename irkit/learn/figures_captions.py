"""The figure of pictures drawn from captions: each beside its words, with the weight of every word in every step."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from irkit.arrays import Floats

TOLD = 3
"Captions whose pictures are shown."

LEVELS = 4
"Grey levels that a pixel may have beside white."

_PIXEL, _WIDE, _HIGH, _GAP = 4, 44, 12, 28


class Heeded(NamedTuple):
    """Pictures of n captions, and what was attended to."""

    pictures: Floats
    "(n, R, C) grey values, 0 to 1."
    weights: Sequence[Floats]
    "(T, W) each: of the words in every step."
    words: Sequence[Sequence[str]]
    "W each: the captions."


@runtime_checkable
class FromCaptions(Protocol):
    """A model that draws pictures of captions and says what it attends to."""

    def heeded(self, n: int, *, seed: int = 1) -> Heeded:
        """Draw pictures of n captions and say which words were attended to."""


def captions_svg(heeded: Heeded) -> str:
    """Draw each picture beside its words, under them a line of cells a step, the darker the larger the weight."""
    rows, columns = heeded.pictures.shape[1:]
    body, top = [], _GAP
    left = columns * _PIXEL + 2 * _GAP
    for picture, weights, words in zip(heeded.pictures, heeded.weights, heeded.words, strict=True):
        body.append(_picture(picture, 8, top))
        for at, word in enumerate(words):
            x = left + at * _WIDE
            body.append(f'<text x="{x + _WIDE / 2:g}" y="{top - 6}" text-anchor="middle">{escape(word)}</text>')
            body += [
                f'<rect x="{x}" y="{top + step * _HIGH}" width="{_WIDE - 1}" height="{_HIGH - 1}" fill="#0072b2" '
                f'fill-opacity="{weight:.2f}"/>'
                for step, weight in enumerate(weights[:, at].tolist())
            ]
        top += max(rows * _PIXEL, len(weights) * _HIGH) + _GAP + 8
    wide = left + _WIDE * max(len(words) for words in heeded.words) + 8
    size = f'width="{wide}" height="{top}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Pictures of captions" {size} '
        f'viewBox="0 0 {wide} {top}" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect {size} fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def captions_csv(heeded: Heeded) -> bytes:
    """Write the weights: a line for each caption, step and word."""
    lines = [
        f"{n + 1},{step + 1},{at + 1},{words[at]},{weight:.6g}"
        for n, (weights, words) in enumerate(zip(heeded.weights, heeded.words, strict=True))
        for step, row in enumerate(weights.tolist())
        for at, weight in enumerate(row)
    ]
    return ("\n".join(["caption,step,place,word,weight", *lines]) + "\n").encode()


def _picture(picture: Floats, left: int, top: int) -> str:
    """Draw a picture, dark where it is 1, as runs of pixels of one grey level."""
    rows, columns = picture.shape
    side = f'width="{columns * _PIXEL}" height="{rows * _PIXEL}"'
    found = [f'<rect x="{left}" y="{top}" {side} fill="none" stroke="#dde2e6"/>']
    grey = np.rint(picture * LEVELS).astype(int)
    for level in range(1, LEVELS + 1):
        runs = []
        for row in range(rows):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], grey[row] == level, [0]]).astype(int)))
            y = top + (row + 0.5) * _PIXEL
            runs += [
                f"M{left + start * _PIXEL} {y:g}h{(end - start) * _PIXEL}"
                for start, end in edges.reshape(-1, 2).tolist()
            ]
        if runs:
            drawn = "".join(runs)
            found.append(
                f'<path d="{drawn}" stroke="#1d2126" stroke-width="{_PIXEL}" stroke-opacity="{level / LEVELS}"/>'
            )
    return "".join(found)
