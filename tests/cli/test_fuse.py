"""`irkit fuse`, against numbers worked by hand."""

from __future__ import annotations

import pytest


@pytest.fixture
def runs(folder):
    (folder / "a.run").write_text("1 Q0 x 1 4.0 a\n1 Q0 y 2 2.0 a\n1 Q0 z 3 0.0 a\n")
    (folder / "b.run").write_text("1 Q0 y 1 9.0 b\n1 Q0 x 2 5.0 b\n2 Q0 x 1 1.0 b\n")
    return folder


def lines(folder):
    rows = [line.split() for line in (folder / "f.run").read_text().splitlines()]
    return [(row[0], row[2], pytest.approx(float(row[4]), rel=1e-6)) for row in rows]


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ([], [("1", "y", 1 / 62 + 1 / 61), ("1", "x", 1 / 61 + 1 / 62), ("1", "z", 1 / 63)]),
        (["--weights", "3 1"], [("1", "x", 3 / 61 + 1 / 62), ("1", "y", 3 / 62 + 1 / 61), ("1", "z", 3 / 63)]),
        (["--method", "combsum", "--normalise", "none"], [("1", "y", 11), ("1", "x", 9), ("1", "z", 0)]),
        (["--method", "combmnz", "--normalise", "none"], [("1", "y", 22), ("1", "x", 18), ("1", "z", 0)]),
        (["--method", "combsum"], [("1", "y", 1.5), ("1", "x", 1), ("1", "z", 0)]),
        (["--method", "combsum", "--weights", "3 1"], [("1", "x", 3), ("1", "y", 2.5), ("1", "z", 0)]),
    ],
)
def test_scores_are_those_worked_by_hand(irkit, runs, options, first):
    done = irkit("fuse", "a.run", "b.run", *options, "-o", "f.run")
    assert done.out == "f.run: 2 queries, 4 lines\n"
    found = lines(runs)
    assert [(qid, docno) for qid, docno, _ in found] == [*[(qid, docno) for qid, docno, _ in first], ("2", "x")]
    assert [score for *_, score in first] == [score for *_, score in found[:3]]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["a.run"], "fuse: needs two run files or more, got 1"),
        (["a.run", "b.run", "--weights", "1 2 3"], "fuse: --weights must be 2 numbers of 0 or more"),
        (["a.run", "b.run", "--method", "combsum", "--weights", "1"], "fuse: --weights must be 2 numbers of 0 or more"),
        (["a.run", "b.rum"], "b.rum"),
    ],
)
def test_mistakes_are_one_line(irkit, runs, arguments, line):
    assert line in irkit("fuse", *arguments, "-o", "f.run", status=2).err
    assert not (runs / "f.run").exists()
