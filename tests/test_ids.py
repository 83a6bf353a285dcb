"""Tests of irkit.ids."""

import unicodedata

import pytest

from irkit.errors import DataError
from irkit.ids import check_id, hides


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2066", "\ufeff"])
def test_what_cannot_be_seen_is_refused_and_named(character):
    with pytest.raises(DataError, match=rf"^a\.tsv:3: the id of a query holds .* U\+{ord(character):04X}, got '1"):
        check_id(f"1{character}", "a query", "a.tsv:3")


def test_letters_of_every_script_marks_and_joiners_are_ids():
    for text in ("doc-1", "CACM-0001", "d/1#2", "é", "e\u0301", "می\u200cخواهم", "क्\u200dष", "文書1", "😀", "d\u00a01"):
        assert hides(text) is None


def test_every_control_character_and_mark_of_direction_is_hidden():
    for number in range(0x110000):
        character = chr(number)
        kind, way = unicodedata.category(character), unicodedata.bidirectional(character)
        if (kind == "Cc" and character not in "\t\n\v\f\r") or kind == "Cs" or way in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"
        }:  # fmt: skip
            assert hides(character) == f"U+{number:04X}"
        elif kind[0] in "LMNPS":
            assert hides(character) is None
