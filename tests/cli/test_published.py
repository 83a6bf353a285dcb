"""Tables to publish from the command line."""

from __future__ import annotations

import pytest

QRELS = "".join(f"{q} 0 a 1\n" for q in range(1, 9))
HIT = "".join(f"{q} Q0 a 1 2.0 hit\n" for q in range(1, 9))
MISS = "".join(f"{q} Q0 {'a' if q == 1 else 'b'} 1 2.0 miss\n" for q in range(1, 9))


@pytest.fixture
def judged(folder):
    (folder / "qrels.txt").write_text(QRELS)
    (folder / "hit.run").write_text(HIT)
    (folder / "miss_it.run").write_text(MISS)
    return folder


def test_compare_writes_a_table_with_marks(irkit, judged):
    lines = irkit("compare", "qrels.txt", "miss_it.run", "hit.run", "-m", "P@1", "-o", "t.tex").lines
    assert lines[-1] == "t.tex"
    text = (judged / "t.tex").read_text()
    assert "System & P@1 \\\\\n\\midrule\nmiss\\_it.run (baseline) & 0.1250\\phantom{$^{+}$} \\\\\n" in text
    assert "\nhit.run & \\textbf{1.0000}$^{+}$ \\\\\n" in text


def test_evaluate_writes_what_it_prints(irkit, judged):
    run = irkit("evaluate", "qrels.txt", "miss_it.run", "-m", "P@1", "--per-query", "-o", "t.csv")
    rows = [line.split(",") for line in (judged / "t.csv").read_text().splitlines()]
    assert [[*row[:2], row[2][:3]] for row in rows] == [
        [*line.split()[:2], line.split()[2][:3]] for line in run.lines[:10]
    ]
    assert rows[-1] == ["miss_it.run", "all", "0.125"]
    irkit("evaluate", "qrels.txt", "miss_it.run", "-m", "P@1", "-o", "t.md")
    assert (judged / "t.md").read_text() == (
        "| run | queries | P@1 |\n| --- | ---: | ---: |\n| miss_it.run | 8 | 0.1250 |\n"
    )


def test_an_ending_that_says_nothing_is_refused_before_a_file_is_read(irkit, judged):
    for command in (["compare", "none.txt", "a.run", "b.run"], ["evaluate", "none.txt", "a.run"]):
        run = irkit(*command, "-o", "t.xls", status=2)
        assert run.err == f"irkit: {command[0]}: cannot tell what to write, got -o t.xls; end it in .tex, .csv or .md\n"
    (judged / "taken").write_text("")
    assert "taken" in irkit("evaluate", "none.txt", "hit.run", "-o", "taken/t.tex", status=2).err
