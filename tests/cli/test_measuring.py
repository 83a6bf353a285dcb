"""`irkit evaluate` and `irkit compare`: what they leave out or count as 0 is said."""

from __future__ import annotations

import json

import pytest

QRELS = "1 0 a 1\n1 0 b 0\n2 0 a 1\n3 0 c 0\n4 0 z 1\n"
RUN = "1 Q0 a 1 2.0 mine\n1 Q0 b 2 1.0 mine\n2 Q0 x 1 1.0 yours\n3 Q0 c 1 1.0 mine\n051 Q0 a 1 1.0 mine\n"
SAID = (
    "1 without results (score 0), 1 without a relevant document (score 0), 1 with results of which none is judged, "
    "1 without judgements (left out), 2 tags: mine yours"
)


@pytest.fixture
def judged(folder):
    (folder / "qrels.txt").write_text(QRELS)
    (folder / "odd.run").write_text(RUN)
    (folder / "even.run").write_text("1 Q0 a 1 2.0 even\n2 Q0 a 1 2.0 even\n3 Q0 c 1 1.0 even\n4 Q0 z 1 1.0 even\n")
    return folder


def test_what_counts_for_nothing_is_said_in_one_line_a_run(irkit, judged):
    *table, odd, even = irkit("evaluate", "qrels.txt", "odd.run", "even.run", "-m", "P@1").lines
    assert [line.split() for line in table[1:]] == [["odd.run", "4", "0.2500"], ["even.run", "4", "0.7500"]]
    assert odd == f"odd.run: {SAID}"
    assert even == "even.run: 1 without a relevant document (score 0)"


def test_json_holds_the_same(irkit, judged):
    found = json.loads(irkit("evaluate", "qrels.txt", "odd.run", "-m", "P@1", "--json").out)
    assert found["queries"] == {
        "evaluated": 4, "without_results": 1, "without_relevant": 1, "without_judged": 1, "without_qrels": 1,
    }  # fmt: skip
    assert found["tags"] == ["mine", "yours"]


def test_a_comparison_says_it_of_every_run(irkit, judged):
    lines = irkit("compare", "qrels.txt", "even.run", "odd.run", "-m", "P@1").lines
    assert lines[-3:] == [
        "even.run: 1 without a relevant document (score 0)",
        f"odd.run: {SAID.rpartition(', ')[0]}",
        "odd.run: 2 tags: mine yours",
    ]


def test_a_run_that_needs_no_remark_gets_none(irkit, judged):
    (judged / "qrels.txt").write_text("1 0 a 1\n2 0 a 1\n3 0 c 1\n4 0 z 1\n")
    assert len(irkit("evaluate", "qrels.txt", "even.run", "-m", "P@1").lines) == 2


def test_scores_closer_than_single_precision_keep_their_order(irkit, judged):
    (judged / "close.run").write_text("1 Q0 a 1 1.00000000002 close\n1 Q0 b 2 1.00000000001 close\n")
    assert irkit("evaluate", "qrels.txt", "close.run", "-m", "RR").lines[1].split()[2] == "0.2500"
    text = " ".join(irkit("evaluate", "--help").out.split())
    assert "trec_eval holds them in single precision" in text


def test_the_collection_says_that_a_document_is_no_answer_to_itself(irkit, folder):
    (folder / "lee.run").write_text("lee-01 Q0 lee-01 1 2.0 x\nlee-01 Q0 lee-08 2 1.0 x\n")
    *_, said, data = irkit("evaluate", "lee", "lee.run", "-m", "NumRet").lines
    assert said.endswith(", each query's own document left out")
    assert data.startswith("lee: data ")


def test_a_correction_is_chosen_by_name(irkit, judged):
    for correction, title in (("bonferroni", "Bonferroni"), ("benjamini-hochberg", "Benjamini-Hochberg")):
        run = irkit("compare", "qrels.txt", "even.run", "odd.run", "-m", "P@1", "--correction", correction)
        assert title in run.lines[0]
