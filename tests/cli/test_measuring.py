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


RATINGS = "user,item,rating\nu,a,5\nv,a,4\nw,a,1\nu,b,2\nv,c,5\n"


@pytest.fixture
def listed(folder):
    """Write the lists of two users, what they like, and the ratings that lists are learned from."""
    (folder / "likes.txt").write_text("u 0 c 1\nv 0 b 1\n")
    (folder / "lists.run").write_text("u Q0 a 1 2.0 x\nu Q0 c 2 1.0 x\nv Q0 b 1 2.0 x\n")
    (folder / "other.run").write_text("u Q0 a 1 2.0 y\nv Q0 a 1 2.0 y\n")
    (folder / "train.csv").write_text(RATINGS)
    return folder


def test_lists_are_measured_beyond_accuracy(irkit, listed):
    given = ("likes.txt", "lists.run", "-m", "HitRate@2 Coverage@2 Novelty@2", "--train", "train.csv")
    lines = irkit("evaluate", *given).lines
    assert lines[0].split() == ["run", "queries", "Success@2", "Coverage@2", "Novelty@2"]
    # a was rated by all of the three users, b and c by one: 0 and log2(3) bits
    assert lines[1].split() == ["lists.run", "2", "1.0000", "1.0000", "1.1887"]
    assert lines[2:] == ["HitRate@2 is called Success@2"]
    rows = [line.split() for line in irkit("evaluate", *given, "--per-query").lines[1:-1]]
    assert rows[0] == ["lists.run", "u", "1.0000", "-", "0.7925"]
    assert rows[-1] == ["lists.run", "all", "1.0000", "1.0000", "1.1887"]
    found = json.loads(irkit("evaluate", *given, "--per-query", "--json").out)
    assert (list(found["measures"]), list(found["per_query"])) == (
        ["Success@2", "Coverage@2", "Novelty@2"],
        ["Success@2", "Novelty@2"],
    )


def test_a_comparison_has_no_test_of_all_lists_together(irkit, listed):
    given = ("likes.txt", "lists.run", "other.run", "-m", "Gini@2", "--train", "train.csv")
    assert irkit("compare", *given).lines[3].split() == ["other.run", "0.6667", "+0.6667"]
    cell = json.loads(irkit("compare", *given, "--json").out)["other.run"]["Gini@2"]
    assert (cell["mean"], cell["low"], cell["p"], cell["wins"]) == (pytest.approx(2 / 3), None, None, None)


def test_ratings_are_asked_for_where_they_are_needed_and_nowhere_else(irkit, listed):
    for command in (("evaluate", "likes.txt"), ("compare", "likes.txt", "lists.run")):
        lacking = irkit(*command, "other.run", "-m", "Gini@2", status=2)
        assert lacking.err.strip().endswith("learned from; give --train, a file or a collection's name")
        vain = irkit(*command, "other.run", "-m", "AP", "--train", "train.csv", status=2)
        assert "--train is for measures of lists" in vain.err


def test_the_ratings_that_lists_were_learned_from_are_laid_out_as_said(irkit, folder):
    rows = [line.split(",")[:2] for line in RATINGS.splitlines()[1:]]
    (folder / "train.csv").write_text(RATINGS)
    (folder / "bare.csv").write_text("".join(f"{user};{item}\n" for user, item in [*rows, rows[0]]))
    (folder / "likes.txt").write_text("u1 0 i1 1\n")
    (folder / "lists.run").write_text("u1 Q0 i1 1 1.0 x\n")
    for command, inputs in (("evaluate", ["lists.run"]), ("compare", ["lists.run", "lists.run"])):
        if command == "compare":
            (folder / "other.run").write_text("u1 Q0 i2 1 1.0 y\n")
            inputs = ["lists.run", "other.run"]
        given = (command, "likes.txt", *inputs, "-m", "Novelty@2", "--train")
        named = irkit(*given, "train.csv").lines
        layout = ("--columns", "user,item", "--duplicates", "last")
        assert irkit(*given, "bare.csv", *layout).lines == named
        vain = irkit(command, "likes.txt", *inputs, "-m", "AP", *layout, status=2)
        assert "--columns is for the ratings of --train; leave it out, or give --train" in vain.err
