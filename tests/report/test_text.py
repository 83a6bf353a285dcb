"""Tests of irkit.report.text."""

import pytest

from irkit.report.html import html
from irkit.report.markdown import markdown
from irkit.report.text import table
from irkit.table import cells_wide
from irkit.table.text import cut
from tests.report.toy import density_result, tiny_result, tiny_system, toy_result

TINY = tiny_result(
    tiny_system("bm25", {"AP": {"mean": 0.3}, "RMSE": {"mean": 0.91}}, ms_per_query=0.421),
    tiny_system(
        "検索",
        {
            "AP": {"mean": 0.35, "delta": 0.05, "p_corrected": 0.01},
            "RMSE": {"mean": 0.95, "delta": 0.04, "p_corrected": 0.01},
        },
        notes=["slow"],
    ),
    measures=("AP", "RMSE"),
    notes=["toy"],
)


def test_a_board_looks_like_this():
    assert table(TINY) == (
        "lee (350 documents, 1 query)\n"
        "\n"
        "system                AP      RMSE   ms/query\n"
        "---------------  --------  --------  --------\n"
        "検索             *0.3500+   0.9500-         -\n"
        "bm25 (baseline)   0.3000   *0.9100       0.42\n"
        "\n"
        "* best of its column\n"
        "lower is better: RMSE\n"
        "+ better, - worse than the baseline bm25 (paired t, Holm-corrected p < 0.05)\n"
        "toy\n"
        "検索: slow"
    )


def test_the_first_digits_of_the_data_stand_in_the_head():
    board = {**TINY["boards"][0], "data_hash": "c0ffee5eed12"}
    assert table({**TINY, "boards": [board]}).startswith("lee (350 documents, 1 query, data c0ffee5e)\n")


def test_a_board_of_density_models_looks_like_this():
    assert table(density_result()).splitlines() == [
        "digits (1,297 training rows, 250 test rows, binarised by threshold)",
        "",
        "system                                 log p   parameters  ms/row  s/fit",
        "----------------------  ---------------------  ----------  ------  -----",
        "bound                   *>= -19.125 +- 0.062+       6,464    0.50   2.50",
        "exact                                -19.250+       6,464    0.50   2.50",
        "sampled                   ~ -21.500 +- 0.250+       6,464    0.50   2.50",
        "independent (baseline)               -25.500        6,464    0.50   2.50",
        "loose                             >= -26.000        6,464    0.50   2.50",
        "",
        "* best of its column",
        ">= lower bound, the truth may be higher; ~ estimate; +- Monte Carlo standard error",
        "+ better, - worse than the baseline independent (paired t, Holm-corrected p < 0.05)",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("measures", [1, 3, 12])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(width, measures):
    names = tuple(f"nDCG(dcg='log2')@{10 * i}" for i in range(1, measures + 1))
    result = toy_result(measures=names)
    del result["boards"][1]
    result["boards"][0]["systems"][3]["name"] = "検索" * 60
    result["boards"][0]["notes"] = ["word " * 60]
    text = table(result, width=width)
    assert max(map(cells_wide, text.splitlines())) <= width
    for name in names:
        assert sum(name in line.split() for line in text.splitlines()) == 1


def test_every_line_of_a_block_has_its_columns_at_the_same_place():
    lines = table(toy_result()).splitlines()[2:12]
    rule = lines[1]
    edges = [i + 1 for i in range(len(rule)) if rule[i] == "-" and rule[i + 1 : i + 2] in {" ", ""}]
    for line in lines[2:]:
        assert all(line[edge : edge + 2].strip() == "" for edge in edges)


def test_names_that_would_be_cut_alike_keep_their_ends():
    result = toy_result(systems=3)
    for number, system in enumerate(result["boards"][0]["systems"][1:]):
        system["name"] = "a-very-long-name-" * 9 + str(number)
    text = table(result)
    assert "-0 " in text
    assert "-1 " in text


def test_a_terminal_is_not_steered_by_a_name():
    result = toy_result()
    result["boards"][0]["systems"][1]["name"] = "\x1b[2J\x1b]0;owned\x07\r\nx"
    result["boards"][0]["notes"] = ["\x9b31m"]
    assert not [c for c in table(result) if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]


def test_a_board_without_systems_or_measures_is_shown_all_the_same():
    assert table(tiny_result(measures=())) == "lee (350 documents, 1 query)\nno systems"
    assert "a" in table(tiny_result(tiny_system("a", {}), measures=(), baseline=None)).splitlines()


def test_cutting_never_exceeds_the_width():
    assert cut("検索モデル", 8) == "検索..."
    assert cells_wide(cut("検" * 50, 10)) <= 10


def test_marks_by_a_randomisation_test_at_its_floor_say_so():
    least = {"AP": {"mean": 0.4, "delta": 0.1, "p_corrected": 1 / 10_001, "p_randomisation": 1 / 10_001}}
    systems = tiny_system("bm25", {"AP": {"mean": 0.3}}), tiny_system("new", least)
    said = "a randomisation test of 10,000 draws gives no p below 1/10,001, which is that of new on AP"
    for test, there in (("randomisation", True), ("paired t", False)):
        result = tiny_result(*systems, test=test, correction="Bonferroni")
        assert (said in table(result)) == (said in markdown(result)) == there
        assert said in html(result)  # the page shows the p-values of all tests
        assert f"{test}, Bonferroni-corrected p < 0.05" in table(result)
