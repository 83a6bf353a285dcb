"""Tests of irkit.report.markdown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.errors import DataError
from irkit.report.markdown import code, code_block, escape, leaderboard, markdown
from tests.report.toy import density_result, toy_result


def rows_of(text):
    """Split the first table into its cells."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE).group()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]


def test_the_table_has_a_row_per_system_best_first():
    header, rule, *rows = rows_of(markdown(toy_result()))
    assert header == ["System", "AP", "nDCG@10", "P@10", "ms/query", "Memory (MB)"]
    assert rule == ["---"] + ["---:"] * 5
    assert len(rows) == 8
    means = [float(re.search(r"0\.\d{4}", row[1]).group()) for row in rows]
    assert means == sorted(means, reverse=True)
    assert re.fullmatch(r"\*\*0\.\d{4}\*\* \(0\.\d{4}–0\.\d{4}\) ▲", rows[0][1])
    assert [row[0] for row in rows if "baseline" in row[0]] == ["bm25 (baseline)"]


def test_a_document_says_where_its_numbers_come_from():
    text = markdown(toy_result())
    assert text.startswith("# toy\n")
    for part in ("2026-11-21", "irkit 0.1.0", "`3f9a1c0d5be247c68f12`", "2 cores", "seed 42", "irkit leaderboard toy"):
        assert part in text
    assert "350 documents, 50 queries, data `c0ffee5eed`." in text
    assert "▲ better, ▼ worse than the baseline bm25 (paired t, Holm-corrected p &lt; 0.05)." in text
    assert "irkit run rrf lee" in text
    assert "- rfmf: Fitted on the training split." in text


def test_a_board_without_baseline_or_costs_has_neither_column_nor_legend():
    text = markdown(toy_result()).split("## cranfield")[1]
    assert rows_of(text)[0] == ["System", "AP"]
    assert "▲" not in text


def test_a_bound_and_an_estimate_say_so():
    text = markdown(density_result())
    header, _, *rows = rows_of(text)
    assert header == ["System", "log p", "Parameters", "ms/row", "s/fit"]
    assert [row[1].split(" (")[0] for row in rows] == [
        "**≥ -19.125 ± 0.062**",
        "-19.250",
        r"\~ -21.500 ± 0.250",
        "-25.500",
        "≥ -26.000",
    ]
    assert r"≥ lower bound, the truth may be higher; \~ estimate; ± Monte Carlo standard error" in text


def test_the_leaderboard_joins_suites_by_name_and_says_how_it_was_made():
    results = [{**toy_result(), "suite": "zeta"}, {**toy_result(), "suite": "alpha"}]
    text = leaderboard(results, command="irkit leaderboard --write")
    first, second = text.split("\n\n")[:2]
    assert first == "# Leaderboards"
    assert second.startswith("Generated from `eval/results/*.json` by `irkit leaderboard --write`; do not edit")
    assert text.index("\n## alpha\n") < text.index("\n### lee\n") < text.index("\n## zeta\n")
    assert text == leaderboard(results[::-1], command="irkit leaderboard --write")


def test_a_hostile_name_stays_in_its_cell():
    result = toy_result()
    system = result["boards"][0]["systems"][1]
    system["name"] = "a|b\n| c | <img src=x onerror=alert(1)> `code` [x](javascript:alert(1)) **b**"
    system["command"] = "true\n```\n<script>alert(1)</script>"
    result["boards"][0]["split"] = "<b>test</b>"
    text = markdown(result)
    assert {len(row) for row in rows_of(text)} == {6}
    fenced = re.search(r"(?ms)^(````+)sh\n.*?^\1$", text).group()
    assert "<script>" in fenced
    outside = re.sub(r"(?ms)^(```+)sh\n.*?^\1$", "", text)
    assert "<" not in outside
    assert "](" not in outside.replace("\\](", "")


@given(st.text(alphabet="`a ", max_size=20))
def test_code_is_closed_by_its_own_fence_only(text):
    fence = re.match("`+", code_block("\n" + text, "sh")).group()
    assert fence not in text
    delimiter = re.match("`+", code("a" + text + "a")).group()
    assert delimiter not in re.findall("`+", text)


@given(st.text(max_size=40).map(lambda text: " ".join(text.split())))
def test_escaped_text_has_no_active_tag_and_no_bare_bar(text):
    shown = escape(text)
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", shown)


def test_another_schema_is_refused():
    with pytest.raises(DataError, match=r"^report: "):
        markdown({**toy_result(), "schema": 0})
