"""Tests of irkit.evaluate.tasks.pools and curves, on small pools: features in two folds, and answers to questions."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, IrkitError
from irkit.evaluate import evaluate, run_suite
from irkit.evaluate.board import read_results, write_results
from irkit.evaluate.suite import parse_suite
from irkit.evaluate.tasks.curves import learning_curves
from irkit.evaluate.tasks.pools import hidden
from irkit.evaluate.tasks.task import PAPER, Options
from irkit.io import load_pools
from irkit.io.library.pools_collection import PoolsCollection
from irkit.io.pools.questions import Question, pool_of_questions
from irkit.pipeline import Topics
from irkit.rank import PairwiseDNS, RankNet
from irkit.rank.irgan import IRGANPointwise
from irkit.recipe import load_recipe
from irkit.report import html, markdown, table
from irkit.yamlfile import parse_yaml

MEASURES = "nDCG@3 AP P@2"
SHORT = {"epochs": 3, "hidden_size": 3, "learning_rate": 0.05, "device": "cpu", "threads": 1}
NET = f"{{name: net, recipe: ranknet, settings: {json.dumps(SHORT)}}}"
DNS = f"{{name: dns, recipe: pairwise-dns, settings: {json.dumps(SHORT)}}}"
GAME = {"rounds": 2, "discriminator_passes": 1, "generator_passes": 1, "hidden_size": 3, "evaluate_every": 1}
WRITTEN = {
    "as-given": "about: In the order of the file.\nstages: [{use: scale, weight: 2}]",
    "linear": "about: Linear.\nneeds: [train]\nstages: [{use: learned, model: linear}]",
    "retrieves": "about: BM25.\nneeds: [index]\nstages: [{use: lucene, n: 5}]",
    "game": f"about: IRGAN.\nneeds: [train]\nstages: [{json.dumps({'use': 'irgan-pointwise', **GAME})}]",
    "recommends": "about: Items.\nneeds: [train]\nstages: [{use: popularity}]",
}
FEATURES = """\
name: toy
kind: pools
about: Planted features.
format: letor
folds:
  - {train: [a.txt], valid: [b.txt], test: [c.txt]}
  - {train: [c.txt], valid: [b.txt], test: [a.txt]}
"""
ANSWERS = """\
name: answers
kind: pools
about: Planted answers.
format: wikiqa
folds: [{train: [train/a.toks, train/b.toks, train/sim.txt, train/id.txt],
         test: [test/a.toks, test/b.toks, test/sim.txt, test/id.txt]}]
"""


def letor(path: Path, part: str, queries: int, seed: int) -> None:
    """Write queries of documents whose labels a linear function of the features decides; the last has no right one."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(queries):
        x = rng.normal(size=(int(rng.integers(3, 7)), 3))
        label = np.digitize(x @ [1.0, -0.7, 0.0], [0.5, 1.5]) * (number < queries - 1)
        label[0] = max(label[0], number < queries - 1)
        for place, (row, grade) in enumerate(zip(x, label, strict=True)):
            features = " ".join(f"{at}:{value:.4f}" for at, value in enumerate(row, 1))
            lines.append(f"{grade} qid:{part}{number} {features} # {part}{number}-{place}\n")
    path.write_text("".join(lines))


def questions(folder: Path, part: str, n: int, seed: int) -> None:
    """Write questions whose one right answer of three names their town."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        towns = rng.permutation(8)[:3]
        rows += [
            (f"where is t{towns[0]}", f"in t{town} w{rng.integers(9)} {part}{number}", int(place == 0), number)
            for place, town in enumerate(towns)
        ]
    (folder / part).mkdir()
    for name, column in zip(("a.toks", "b.toks", "sim.txt", "id.txt"), zip(*rows, strict=True), strict=True):
        (folder / part / name).write_text("".join(f"{one}\n" for one in column))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with both pools and some recipes, which one works in."""
    monkeypatch.chdir(tmp_path)
    for folder, card in (("toy", FEATURES), ("answers", ANSWERS)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "card.yaml").write_text(card)
    for part, n, seed in (("a", 9, 0), ("b", 6, 1), ("c", 8, 2)):
        letor(tmp_path / "toy" / f"{part}.txt", part, n, seed)
    questions(tmp_path / "answers", "train", 16, 0)
    questions(tmp_path / "answers", "test", 5, 1)
    for name, text in WRITTEN.items():
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{text}\n")
    return tmp_path


def text_of(*systems, pools="./toy", extra=""):
    rows = "".join(f"  - {one}\n" for one in systems)
    return f"name: tiny\npools: [{pools}]\nmeasures: {MEASURES}\n{extra}systems:\n{rows}"


def suite(*systems, pools="./toy", extra=""):
    return parse_suite(parse_yaml(text_of(*systems, pools=pools, extra=extra), "tiny.yaml"))


def rows_of(result, board=0):
    return {row.name: row for row in result.boards[board].rows}


def task_of(suite):
    return suite.tasks[0].load(suite, Options())


def by_hand(model, fold, stops="valid", collection="./toy"):
    """Fit on the training part of a fold and measure on its test part."""
    pools = load_pools(collection)
    train, valid, test = (pools.pool(part, fold) for part in ("train", stops, "test"))
    fitted = model.fit(Topics(train.candidates, train.qrels), Topics(valid.candidates, valid.qrels))
    return evaluate(fitted.run(test.candidates), test.qrels, MEASURES).per_query


AS_GIVEN = "{name: as-given, recipe: ./as-given.yaml}"


# ---------------------------------------------------------------------- figures


def test_every_query_is_measured_once_by_what_was_fitted_on_the_other_fold(here):
    board = run_suite(suite(NET, AS_GIVEN, extra="seeds: [4]\n")).boards[0]
    rows = {row.name: row for row in board.rows}
    wanted = pd.concat([by_hand(RankNet(**SHORT, seed=4), fold) for fold in (0, 1)])
    assert len(wanted) == 17
    for measure in MEASURES.split():
        assert rows["net"].values[measure] == pytest.approx(wanted[measure].to_dict(), abs=1e-6)
        assert rows["net"].cells[measure].mean == pytest.approx(wanted[measure].mean(), rel=1e-12)
    pools = load_pools("./toy")
    given = [pools.pool("test", fold) for fold in (0, 1)]
    plain = pd.concat([evaluate(one.candidates, one.qrels, MEASURES).per_query for one in given])
    assert rows["as-given"].cells["AP"].mean == pytest.approx(plain["AP"].mean(), rel=1e-12)
    folds = [plain["AP"][:8].mean(), plain["AP"][8:].mean()]
    assert rows["as-given"].cells["AP"].deviation == pytest.approx(np.std(folds, ddof=1), rel=1e-9)


def test_the_board_says_what_it_was_measured_on(here):
    board = run_suite(suite(NET, AS_GIVEN)).boards[0]
    pools = load_pools("./toy")
    assert (board.kind, board.data, board.title, board.timed) == ("ranking", "./toy", "./toy", "query")
    assert (board.about, board.data_hash) == ("Planted features.", pools.fingerprint)
    n = sum(len(pools.pool("test", fold).candidates) for fold in (0, 1))
    assert [str(size) for size in board.sizes] == [f"{n} candidates", "17 queries"]
    assert "2 queries have no relevant candidate and score 0" in board.notes
    assert "2 folds, each query tested in one; means are over queries" in board.notes
    row = {one.name: one for one in board.rows}
    assert row["net"].fit_seconds > 0
    assert row["as-given"].fit_seconds is None
    assert row["net"].milliseconds > 0
    assert any(note.startswith("by fold: nDCG@3 0.") for note in row["net"].notes)


def test_seeds_are_joined_and_what_draws_nothing_is_fitted_once(here, monkeypatch):
    fits = []
    learn = RankNet.learn
    monkeypatch.setattr(RankNet, "learn", lambda self, *given: fits.append(self.config.seed) or learn(self, *given))
    rows = rows_of(run_suite(suite(NET, AS_GIVEN, extra="seeds: [1, 2]\n")))
    assert fits == [1, 1, 2, 2], "two folds of each seed"
    each = [pd.concat([by_hand(RankNet(**SHORT, seed=seed), fold) for fold in (0, 1)])["AP"].mean() for seed in (1, 2)]
    assert rows["net"].cells["AP"].mean == pytest.approx(np.mean(each), rel=1e-12)
    assert any(note.startswith("by seed (1, 2): ") for note in rows["net"].notes)
    assert not any(note.startswith("by seed") for note in rows["as-given"].notes)


def test_differences_are_those_of_queries_over_all_folds(here):
    board = run_suite(suite(NET, AS_GIVEN, extra="baseline: as-given\n")).boards[0]
    rows = {row.name: row for row in board.rows}
    mine, other = (pd.Series(rows[name].values["AP"]) for name in ("net", "as-given"))
    cell = rows["net"].cells["AP"]
    assert cell.delta == pytest.approx((mine - other).mean(), abs=1e-6)
    assert cell.wins + cell.ties + cell.losses == 17
    assert cell.low < cell.mean < cell.high


def test_answers_are_ranked_in_one_fold_and_an_index_is_made_for_what_needs_one(here):
    systems = ("{name: overlap, recipe: qa-overlap}", AS_GIVEN)
    board = run_suite(suite(*systems, pools="./answers")).boards[0]
    rows = {row.name: row for row in board.rows}
    assert rows["overlap"].cells["AP"].mean == 1
    assert rows["as-given"].cells["AP"].mean < 1
    assert [str(size) for size in board.sizes] == ["15 candidates", "5 queries"]
    assert not any("fold" in note for note in board.notes)
    assert rows["overlap"].cells["AP"].deviation is None


def test_vectors_are_trained_on_the_answers_where_a_system_asks_for_them(here):
    small = {"filters": 8, "epochs": 1, "stems": False, "device": "cpu", "threads": 1}
    system = f"{{name: net, recipe: qacnn-vectors, settings: {json.dumps(small)}}}"
    asking = system.replace("settings", "vectors: 'trained:ppmi-svd', settings")
    board = run_suite(suite(asking, pools="./answers")).boards[0]
    assert len(board.rows[0].values["AP"]) == 5
    assert any(note.startswith("word vectors: trained:ppmi-svd, learned from the documents") for note in board.notes)
    of_pools = run_suite(suite(system, pools="{name: ./answers, vectors: 'trained:ppmi-svd'}")).boards[0]
    assert of_pools.rows[0].values == board.rows[0].values


def test_questions_without_candidates_are_not_measured(here, monkeypatch):
    asked = [Question("1", "who ?", [("a", 1), ("b", 0)]), Question("2", "why ?", []), Question("3", "?", [("c", 0)])]
    monkeypatch.setattr(PoolsCollection, "pool", lambda self, part, fold=0: pool_of_questions(asked))
    result = run_suite(suite(AS_GIVEN, pools="./answers"))
    (row,) = result.boards[0].rows
    assert set(row.values["AP"]) == {"1", "3"}
    assert row.cells["AP"].mean == pytest.approx(np.mean(list(row.values["AP"].values())))
    assert str(result.boards[0].unit) == "2 queries"
    assert "1 query has no relevant candidate and scores 0" in result.boards[0].notes
    assert "1 query has no candidate and no score" in result.boards[0].notes
    write_results(result, here / "kept.json")
    assert rows_of(read_results(here / "kept.json"))["as-given"].values["AP"] == row.values["AP"]


def test_there_need_be_no_training_part_for_what_does_not_learn(here):
    card = here / "toy" / "card.yaml"
    card.write_text(FEATURES.replace("train: [c.txt], ", ""))
    assert rows_of(run_suite(suite(AS_GIVEN)))["as-given"].cells["AP"].mean > 0
    with pytest.raises(ConfigError) as error:
        run_suite(suite(NET))
    assert str(error.value) == "suite tiny: net learns, and fold 2 of ./toy has no training part; leave it out"
    card.write_text(FEATURES.replace("valid: [b.txt], ", ""))
    result = run_suite(suite(NET, AS_GIVEN))
    alone = "in 2 of 2 folds there is no validation part: what stops early holds out some of its training queries"
    assert alone in result.boards[0].notes
    assert not any("no validation part" in note for note in run_suite(suite(AS_GIVEN)).boards[0].notes)
    rows = rows_of(result)
    pools = load_pools("./toy")
    train, test = pools.pool("train", 0), pools.pool("test", 0)
    held = RankNet(**SHORT, seed=1).fit(Topics(train.candidates, train.qrels)).run(test.candidates)
    wanted = evaluate(held, test.qrels, MEASURES).per_query["AP"]
    found = pd.Series(rows["net"].values["AP"])[wanted.index]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    card.write_text(FEATURES.replace(", test: [a.txt]", ""))
    with pytest.raises(ConfigError, match=r"suite tiny: ./toy has no test part in fold 2; give it one"):
        run_suite(suite(AS_GIVEN))


def test_times_are_the_median_of_so_many_runs(here, monkeypatch):
    from irkit.pipeline.operators import Scale

    runs = []
    run = Scale.run
    monkeypatch.setattr(Scale, "run", lambda self, flow: runs.append(len(flow.queries)) or run(self, flow))
    run_suite(suite(AS_GIVEN))
    assert runs == [8, 8, 8, 9, 9, 9]
    runs.clear()
    run_suite(suite(AS_GIVEN, pools="{name: ./toy, repeats: 1}"))
    assert runs == [8, 9]
    runs.clear()
    run_suite(suite(AS_GIVEN), repeats=2)
    assert runs == [8, 8, 9, 9]


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


# ---------------------------------------------------------------------- learning curves


def test_learning_curves_stand_on_the_board_and_survive_its_file(here):
    result = run_suite(suite(NET, "{name: game, recipe: ./game.yaml}", AS_GIVEN))
    rows = rows_of(result)
    assert [figure.name for figure in rows["net"].figures] == ["learning curve"]
    assert [figure.name for figure in rows["game"].figures] == ["learning curve", "players"]
    assert rows["as-given"].figures == []
    for figure in (*rows["net"].figures, *rows["game"].figures):
        assert figure.media == "image/svg+xml"
        assert figure.content.startswith("<svg ")
    write_results(result, here / "kept.json")
    assert rows_of(read_results(here / "kept.json"))["game"].figures == rows["game"].figures
    assert rows["game"].figures[1].caption == "nDCG@10 on held-out data of generator and discriminator, by pass."
    assert "players" in html(result)


def test_only_what_was_trained_here_has_a_curve_and_two_have_their_names(here, tmp_path):
    pools = load_pools("./toy")
    train, valid = (Topics(one.candidates, one.qrels) for one in (pools.pool("train", 0), pools.pool("valid", 0)))
    net, dns = RankNet(**SHORT).fit(train, valid), PairwiseDNS(**SHORT).fit(train, valid)
    assert [one.name for one in learning_curves(net >> dns)] == [
        "learning curve of ranknet",
        "learning curve of pairwise-dns",
    ]
    assert not list(learning_curves(RankNet(**SHORT)))
    net.save(tmp_path / "net")
    assert not list(learning_curves(RankNet.load(tmp_path / "net")))
    game = IRGANPointwise(**GAME, device="cpu", validation=0.0).fit(train)
    assert [one.name for one in learning_curves(game)] == ["learning curve"], "nobody looked at the players"


# ---------------------------------------------------------------------- what is refused, and cuts


@pytest.mark.parametrize(
    ("system", "pools", "message"),
    [
        (
            "{name: r, recipe: ./retrieves.yaml}",
            "./toy",
            "suite tiny: r begins with queries, and candidates are given; leave out the retriever",
        ),
        (
            "{name: r, recipe: ./recommends.yaml}",
            "./toy",
            "suite tiny: r begins with queries, and candidates are given; leave out the retriever",
        ),
        (
            "qacnn-vectors",
            "./answers",
            "suite tiny: qacnn-vectors needs vectors; name some with vectors: trained:ppmi-svd",
        ),
    ],
)
def test_what_cannot_rank_candidates_is_refused_in_one_line(here, system, pools, message):
    with pytest.raises(ConfigError) as error:
        run_suite(suite(system, pools=pools))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("pools: [./toy]", "measures: a suite of pools has one or more, got none; write measures: nDCG@10 AP"),
        ("pools: [./toy]\nmeasures: nDGC@3", "nDGC@3"),
        ("pools: [{name: ./toy, known: 0}]\nmeasures: AP", "known"),
        ("pools: [{name: ./toy, protocol: test}]\nmeasures: AP", "protocol"),
        ("pools: [./nothing]\nmeasures: AP", "nothing"),
    ],
)
def test_suites_that_make_no_sense_are_refused_in_one_line(here, fields, message):
    with pytest.raises(IrkitError) as error:
        run_suite(parse_suite(parse_yaml(f"name: tiny\n{fields}\nsystems: [{AS_GIVEN}]\n", "tiny.yaml")))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_query_that_two_folds_test_is_refused_before_anything_is_run(here):
    (here / "toy" / "card.yaml").write_text(FEATURES + "  - {train: [b.txt], test: [c.txt]}\n")
    with pytest.raises(ConfigError) as error:
        run_suite(suite(AS_GIVEN))
    assert str(error.value) == (
        "suite tiny: the query 'c0' is tested in the folds 1 and 3 of ./toy; test each query in one"
    )


def test_a_net_of_answers_on_features_fails_alone(here):
    rows = rows_of(run_suite(suite("qa-overlap", AS_GIVEN)))
    assert "text" in rows["qa-overlap"].failed
    assert not rows["as-given"].failed


def test_a_cut_to_some_systems_has_the_same_figures(here):
    whole = rows_of(run_suite(suite(NET, DNS, AS_GIVEN, extra="baseline: as-given\n")))
    cut = run_suite(suite(NET, DNS, AS_GIVEN, extra="baseline: as-given\n"), systems=["dns"], only=["./toy"])
    assert [row.name for row in cut.boards[0].rows] == ["dns"]
    assert rows_of(cut)["dns"].values == whole["dns"].values
    assert cut.boards[0].baseline is None


def test_a_suite_that_is_cut_goes_on_where_it_stood(here, monkeypatch):
    whole = rows_of(run_suite(suite(NET, DNS)))
    fitted = []

    def counting(kind):
        learn = kind.learn

        def counted(self, *given):
            if len(fitted) == 3 and "cut" not in fitted:
                fitted.append("cut")
                raise KeyboardInterrupt
            fitted.append(kind.name)
            return learn(self, *given)

        monkeypatch.setattr(kind, "learn", counted)

    counting(RankNet)
    monkeypatch.setattr("irkit.evaluate.journal.EVERY", 0, raising=False)
    with pytest.raises(KeyboardInterrupt):
        run_suite(suite(NET, DNS, extra="seeds: [1, 2]\n"))
    rows = rows_of(run_suite(suite(NET, DNS, extra="seeds: [1, 2]\n")))
    assert fitted.count("ranknet") == 4, "what was measured is not fitted again"
    assert [figure.name for figure in rows["net"].figures] == ["learning curve"]
    assert set(rows["net"].values["AP"]) == set(whole["net"].values["AP"])
    recipe = load_recipe("ranknet")
    assert rows["net"].recipe_hash != recipe.hash
