"""Text as a screen may show it."""

from __future__ import annotations

import json
import unicodedata

import pytest

from irkit.screen import json_line, visible

TURNS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), *TURNS, 0x2028, 0x2029])
def test_a_character_a_terminal_obeys_is_spelt_out(code):
    shown = visible(f"a{chr(code)}b")
    assert shown == (f"a\\x{code:02x}b" if code < 0x100 else f"a\\u{code:04x}b")
    assert visible(shown) == shown


def test_everything_else_of_unicode_stays_as_it_is():
    kept = [
        chr(code) for code in range(0, 0x110000, 3) if unicodedata.category(chr(code)) not in {"Cc", "Cs", "Zl", "Zp"}
    ]
    text = "".join(character for character in kept if ord(character) not in TURNS)
    assert visible(text) == text


def test_newlines_and_tabs_of_our_own_layout_can_be_kept():
    assert visible("a\tb\nc\r\x1b", lines=True) == "a\tb\nc\\x0d\\x1b"
    assert visible("a\tb\nc") == "a\\x09b\\x0ac"


def test_bytes_of_a_path_that_are_not_utf_8_are_spelt_as_bytes():
    assert visible(b"caf\xe9.run".decode(errors="surrogateescape")) == "caf\\xe9.run"
    assert visible("\ud800").encode() == b"\\ud800"


def test_json_for_a_screen_is_the_same_json():
    value = {"id\u202e": "K\u00f6ln \x1b[31m \x9b31m \u2066 \udce9", "n": [1, None, 0.5]}
    line = json_line(value)
    assert json.loads(line) == value
    assert "K\u00f6ln" in line
    assert visible(line) == line
