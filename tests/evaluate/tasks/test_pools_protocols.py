"""Tests of irkit.evaluate.tasks.pools: protocols, and hidden labels."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from irkit.evaluate import evaluate, run_suite
from irkit.evaluate.tasks.pools import hidden
from irkit.evaluate.tasks.task import PAPER
from irkit.io import load_pools
from irkit.pipeline import Topics
from irkit.rank import RankNet
from irkit.report import html, markdown, table
from tests.evaluate.tasks.planted_pools import (
    AS_GIVEN,
    FEATURES,
    MEASURES,
    NET,
    SHORT,
    by_hand,
    rows_of,
    suite,
    task_of,
    text_of,
)

# ---------------------------------------------------------------------- protocols


PAPER_POOLS = "{name: ./toy, protocol: paper}"


def test_under_the_paper_s_protocol_the_test_part_stops_and_the_board_says_so(here):
    wild = {**SHORT, "epochs": 9, "learning_rate": 0.5}
    net = f"{{name: net, recipe: ranknet, settings: {json.dumps(wild)}}}"
    result = run_suite(suite(net, AS_GIVEN, "{name: linear, recipe: ./linear.yaml}", pools=PAPER_POOLS))
    board = result.boards[0]
    rows = {row.name: row for row in board.rows}
    wanted = pd.concat([by_hand(RankNet(**wild, seed=1), fold, stops="test") for fold in (0, 1)])
    assert rows["net"].values["AP"] == pytest.approx(wanted["AP"].to_dict(), abs=1e-6)
    usual = rows_of(run_suite(suite(net)))["net"]
    assert usual.values["AP"] != rows["net"].values["AP"]
    assert board.conditions == {"protocol": PAPER}
    assert board.title == f"./toy:{PAPER}"
    assert any(
        note.startswith("paper protocol: the epoch of what is trained was chosen by the test") for note in board.notes
    )
    stopped = "stopped by the test part: the paper's protocol"
    assert stopped in rows["net"].notes
    assert not any(stopped in rows[name].notes for name in ("as-given", "linear")), "they are not stopped by anything"
    for report in (table, markdown, html):
        assert PAPER in report(result)


def test_a_system_that_saw_test_queries_is_refused_under_either_protocol(here):
    (here / "toy" / "card.yaml").write_text(FEATURES.replace("train: [a.txt]", "train: [a.txt, c.txt]"))
    for pools in ("./toy", PAPER_POOLS):
        result = run_suite(suite(NET, AS_GIVEN, pools=pools))
        failed = rows_of(result)["net"].failed
        assert failed.startswith("suite: net was fitted on 8 of the 8 test queries, such as 'c0'"), failed
        assert not rows_of(result)["as-given"].failed


def test_boards_of_both_protocols_stand_beside_each_other_and_rows_are_made_again(here, capsys):
    from irkit.cli import main

    def irkit(*words):
        capsys.readouterr()
        status = main(list(map(str, words)))
        return status, capsys.readouterr()

    text = text_of(NET, AS_GIVEN, pools=f"./toy, {PAPER_POOLS}")
    (here / "s.yaml").write_text(text)
    assert irkit("leaderboard", "s.yaml", "--json", "out.json")[0] == 0
    boards = json.loads(Path("out.json").read_text())["boards"]
    assert [board.get("conditions", {}) for board in boards] == [{}, {"protocol": PAPER}]
    status, printed = irkit("reproduce", "out.json")
    assert status == 0, printed.out + printed.err
    assert [line.split()[0] for line in printed.out.splitlines()] == ["OK"] * 4
    row = next(row for row in boards[1]["rows"] if row["name"] == "net")
    assert shlex.split(row["command"])[1:] == [
        *("leaderboard", str(here / "s.yaml"), "--only", f"./toy:{PAPER}", "--system", "net"),
    ] or shlex.split(row["command"])[3:] == ["--only", f"./toy:{PAPER}", "--system", "net"]
    status, printed = irkit(*shlex.split(row["command"])[1:], "--json", "again.json")
    assert status == 0, printed.err
    (again,) = json.loads(Path("again.json").read_text())["boards"]
    assert again["rows"][0]["values"] == row["values"]
    assert again["conditions"] == {"protocol": PAPER}
    status, printed = irkit("leaderboard", "s.yaml", "--only", "./toy", "--json", "plain.json")
    assert status == 0, printed.err
    assert [board.get("conditions", {}) for board in json.loads(Path("plain.json").read_text())["boards"]] == [{}]
    assert len(irkit("reproduce", "out.json", "--only", "./toy")[1].out.splitlines()) == 2
    status, printed = irkit("leaderboard", "s.yaml", "--only", "./toy:best epoch")
    assert status == 2
    assert f"there is no board './toy:best epoch' in it; did you mean ./toy:{PAPER}" in printed.err


@pytest.mark.parametrize("known", [0.5, 0.9])
def test_hidden_labels_are_a_share_drawn_by_the_seed(here, known):
    qrels = load_pools("./toy").pool("train", 0).qrels
    found = hidden(qrels, known, 3)
    assert len(found) == round(known * len(qrels))
    assert found.equals(hidden(qrels, known, 3))
    assert not found.equals(hidden(qrels, known, 4))
    merged = found.merge(qrels, on=["qid", "docno", "label"])
    assert len(merged) == len(found) == len(found.drop_duplicates(["qid", "docno"]))
    order = pd.Index(qrels["docno"]).get_indexer(found["docno"])
    assert (np.diff(order) > 0).all(), "in the order they had"
    assert hidden(qrels, 1.0, 3) is qrels


def test_only_training_labels_are_hidden_and_the_board_says_how_many(here):
    board = run_suite(suite(NET, pools="{name: ./toy, known: 0.5}", extra="seed: 3\n")).boards[0]
    assert board.title == "./toy:0.5 of the labels"
    assert "0.5 of the training labels are hidden and count as 0" in board.notes
    pools = load_pools("./toy")
    train, valid, test = (pools.pool(part, 0) for part in ("train", "valid", "test"))
    nearly = task_of(suite(NET, pools="{name: ./toy, known: 0.9996}"))
    assert nearly.conditions == {"known": "0.9996 of the labels"}
    task = task_of(suite(NET, pools="{name: ./toy, known: 0.5}"))
    assert len(task.topics("train", 0).qrels) == round(len(train.qrels) / 2)
    assert task.topics("valid", 0).qrels.equals(valid.qrels)
    topics = Topics(train.candidates, hidden(train.qrels, 0.5, 3)), Topics(valid.candidates, valid.qrels)
    (seed,) = suite(NET, extra="seed: 3\n").seeds
    found = evaluate(RankNet(**SHORT, seed=seed).fit(*topics).run(test.candidates), test.qrels, MEASURES).per_query
    own = board.rows[0].values["AP"]
    assert {qid: own[qid] for qid in found.index} == pytest.approx(found["AP"].to_dict(), abs=1e-6)
