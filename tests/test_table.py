"""Tests of irkit.table."""

from irkit.table import cells_wide, text_table

TURN = "\u202e"
ACCENT = "e\u0301"


def test_cells_are_shown_spelt_out_and_aligned_as_they_are_shown():
    assert (
        text_table(["a", "b"], [["x\ty\nz", "1"], [TURN, "22"]])
        == "a             b\nx\\x09y\\x0az   1\n\\u202e       22"
    )
    assert text_table(["a", "b"], [[TURN, "1"]], ruled=True) == "a       b\n------  -\n\\u202e  1"


def test_wide_and_combining_characters_take_the_room_that_they_take_on_a_screen():
    for ruled in (False, True):
        *head, wide, accent, plain = text_table(
            ["a", "b"], [["検索", "1"], [ACCENT, "2"], ["abcd", "3"]], ruled=ruled
        ).split("\n")
        assert (wide, accent, plain) == ("検索  1", f"{ACCENT}     2", "abcd  3")
        assert {cells_wide(line) for line in (*head, wide, accent, plain)} == {7}


def test_columns_of_numbers_are_flush_right_and_those_of_words_left():
    rows = [["a", "1,204", "yes", "<0.001"], ["bcd", "-", "no", "12 %"]]
    assert text_table(["name", "n", "why", "p"], rows) == (
        "name      n  why       p\n"
        "a     1,204  yes  <0.001\n"
        "bcd       -  no     12 %"
    )  # fmt: skip


def test_under_a_rule_all_but_the_first_column_are_flush_right():
    assert text_table(["", "AP ", "w/t/l"], [["1", "0.31+", "1/0/2"], ["22", "0.3 ", ""]], ruled=True) == (
        "      AP   w/t/l\n"
        "--  -----  -----\n"
        "1   0.31+  1/0/2\n"
        "22   0.3"
    )  # fmt: skip


def test_a_table_without_rows_is_its_header():
    assert text_table(["a", "bc"], []) == "a  bc"
    assert text_table(["a", "bc"], [], ruled=True) == "a  bc\n-  --"
