"""The face that the letters of a PNG are drawn in: Pillow's own has ASCII alone, others lie on the machine."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

FACES = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf"),
    *("Arial Unicode.ttf", "Arial.ttf", "arial.ttf", "segoeui.ttf", "Helvetica.ttc"),
    *("NotoSansCJK-Regular.ttc", "msyh.ttc", "PingFang.ttc", "malgun.ttf", "YuGothR.ttc"),
)
"Files of faces as Linux, macOS and Windows have them; the first that has all letters of a text is taken."

_NOBODY = "\U0010ffff"  # no character, of which every face draws what it draws for one that it lacks
_log = logging.getLogger("irkit")


def face(text: str, size: int) -> FreeTypeFont | ImageFont:
    """Return a face of some size, in pixels, for a text; where none has all letters, that is said through logging."""
    from PIL import ImageFont

    own = ImageFont.load_default(size)
    letters = frozenset(letter for letter in text if not letter.isascii() and not letter.isspace())
    if not letters:
        return own
    found = [one for name in FACES if (one := _opened(name, size)) is not None]
    best = min(found, key=lambda one: len(_lacking(one, letters)), default=None)
    lacking = letters if best is None else _lacking(best, letters)
    if lacking:
        _mention("".join(sorted(lacking)))
    return own if best is None else best


@cache
def _opened(name: str, size: int) -> FreeTypeFont | None:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _lacking(one: FreeTypeFont, letters: frozenset[str]) -> set[str]:
    nobody = bytes(one.getmask(_NOBODY))
    return {letter for letter in letters if bytes(one.getmask(letter)) == nobody}


@cache
def _mention(letters: str) -> None:
    _log.warning("chart: no face on this machine has %s: boxes stand for them in the PNG; write an SVG", letters)
