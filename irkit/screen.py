"""Text as a screen may show it: nothing in an id, a file or a server's answer reaches a terminal as a command.

Files keep every character. What is printed has control characters, and those that turn the direction
of writing, spelt out.
"""

from __future__ import annotations

import json
import re
from typing import Any

# C0, DEL and C1; marks, embeddings, overrides and isolates of bidirectional text; line and paragraph
# separators; lone surrogates, which stand for bytes of a path that are not UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_IN_LINES = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def visible(text: str, *, lines: bool = False) -> str:
    r"""Spell out the characters of a text that a terminal would obey.

    Parameters
    ----------
    text : str
    lines : bool
        Leave newlines and tabs as they are; without it the text stays on one line, in one cell.

    Examples
    --------
    >>> print(visible("\x1b[31mred\n"), visible("a\u202etxt.exe"), visible("b\udcff"))
    \x1b[31mred\x0a a\u202etxt.exe b\xff
    """
    return (_UNSAFE_IN_LINES if lines else _UNSAFE).sub(_spelt, text)


def json_line(value: Any, *, ascii_only: bool = False) -> str:
    r"""Write JSON on one line for a screen or a pipe: what `visible` spells out stands there as JSON's escape.

    With `ascii_only` every letter beyond ASCII does, for an output that cannot carry it.

    Examples
    --------
    >>> print(json_line({"text": "K\u00f6ln \x9b\u202e"}))
    {"text": "Köln \u009b\u202e"}
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=ascii_only))


def _spelt(found: re.Match[str]) -> str:
    code = ord(found.group())
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
