"""Tests of irkit.report.publish: one description, several writings."""

import csv as reader
import io
import re

from irkit.report.publish import csv, described, latex, markdown
from irkit.report.view import view
from tests.report.toy import density_result, tiny_result, tiny_system, toy_result

BOARD = view(
    tiny_result(
        tiny_system("bm25", {"AP": {"mean": 0.3}, "RMSE": {"mean": 0.91}}, ms_per_query=0.421),
        tiny_system(
            "50%_new",
            {
                "AP": {"mean": 0.35, "low": 0.25, "high": 0.45, "delta": 0.05, "p_corrected": 0.01},
                "RMSE": {"mean": 0.95, "delta": 0.04, "p_corrected": 0.01},
            },
            notes=["slow & sure"],
        ),
        measures=("AP", "RMSE"),
    )
).boards[0]


def test_a_board_in_latex_looks_like_this():
    assert latex(BOARD) == (
        "% \\usepackage{booktabs}\n"
        "\\begin{table}\n"
        "\\centering\n"
        "\\caption{lee (350 documents, 1 query). \\textbf{Bold}: best of its column. $\\downarrow$: lower is better. "
        "$^{+}$ better, $^{-}$ worse than the baseline bm25 (paired t, Holm-corrected p $<$ 0.05); "
        "50\\%\\_new: slow \\& sure.}\n"
        "\\label{tab:lee}\n"
        "\\begin{tabular}{lrrr}\n"
        "\\toprule\n"
        "System & AP & RMSE $\\downarrow$ & ms/query \\\\\n"
        "\\midrule\n"
        "50\\%\\_new & \\textbf{0.3500}$^{+}$ & 0.9500$^{-}$ & -- \\\\\n"
        "bm25 (baseline) & 0.3000\\phantom{$^{+}$} & \\textbf{0.9100}\\phantom{$^{+}$} & 0.42 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
    )


def test_csv_has_every_number_in_full_and_what_belongs_to_a_mean():
    new, old = reader.DictReader(io.StringIO(csv(BOARD)))
    assert new == {
        "system": "50%_new",
        "AP": "0.35",
        "AP low": "0.25",
        "AP high": "0.45",
        "AP delta": "0.05",
        "AP p": "0.01",
        "RMSE": "0.95",
        "RMSE low": "0.0",
        "RMSE high": "1.0",
        "RMSE delta": "0.04",
        "RMSE p": "0.01",
        "ms/query": "",
    }
    assert (old["system"], old["AP p"], old["ms/query"]) == ("bm25", "", "0.421")


def test_markdown_has_the_table_and_what_its_marks_mean():
    lines = markdown(BOARD).splitlines()
    assert lines[:5] == [
        "lee (350 documents, 1 query)",
        "",
        "| System | AP | RMSE ↓ | ms/query |",
        "| --- | ---: | ---: | ---: |",
        "| 50%\\_new | **0.3500** (0.2500–0.4500) ▲ | 0.9500 (0.0000–1.0000) ▼ | – |",
    ]
    assert lines[-1] == "- 50%\\_new: slow &amp; sure"


def test_signs_of_bounds_and_estimates_are_set_as_mathematics():
    text = latex(view(density_result()).boards[0])
    assert r"bound & \textbf{$\geq$ $-$19.125 $\pm$ 0.062}$^{+}$ & 6,464" in text
    assert r"sampled & $\sim$ $-$21.500 $\pm$ 0.250$^{+}$" in text
    assert r"$\geq$ lower bound, the truth may be higher; $\sim$ estimate" in text


def test_a_hostile_name_stays_a_name_in_every_writing():
    name = '\\input{/etc/passwd} %&$#_{}~^[*] "--" <script>alert(1)</script>|x\n\\\\'
    result = toy_result(systems=2)
    result["boards"][0]["systems"][0]["name"] = name
    board = view(result).boards[0]
    text = latex(board)
    commands = "begin|end|centering|caption|label|toprule|midrule|bottomrule|textbf|phantom|usepackage|downarrow"
    commands += "|text(?:backslash|asciitilde|asciicircum|less|greater|bar)"
    assert not re.search(rf"(?<!\\)(?:\\\\)*\\(?!(?:{commands})\b|[\\&%$#_{{}}])", text)
    (row,) = [line for line in text.splitlines() if line.startswith(r"\textbackslash{}input\{/etc/passwd\} \%\&\$\#")]
    assert len(re.findall(r"(?<!\\)&", row)) == len(described(board).columns) - 1
    assert any(row[0] == " ".join(name.split()) for row in reader.reader(io.StringIO(csv(board))))
    assert "<script>" not in markdown(board)


def test_what_would_end_a_row_of_latex_otherwise_is_in_braces():
    board = view(tiny_result(tiny_system("[2pt]", {"AP": {"mean": 0.1}}), baseline=None)).boards[0]
    assert "\n{[}2pt] & 0.1000" in latex(board)


def test_a_board_without_systems_is_its_header():
    board = view(tiny_result(measures=("AP",))).boards[0]
    assert csv(board) == "system,AP,AP low,AP high,AP delta,AP p\n"
    assert "System & AP" in latex(board)
