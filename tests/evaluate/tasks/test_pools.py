"""Tests of irkit.evaluate.tasks.pools and curves, on small pools: features in two folds, and answers to questions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, IrkitError
from irkit.evaluate import evaluate, run_suite
from irkit.evaluate.board import read_results, write_results
from irkit.evaluate.suite import parse_suite
from irkit.evaluate.tasks.curves import learning_curves
from irkit.io import load_pools
from irkit.io.library.pools_collection import PoolsCollection
from irkit.io.pools.questions import Question, pool_of_questions
from irkit.pipeline import Topics
from irkit.rank import PairwiseDNS, RankNet
from irkit.rank.irgan import IRGANPointwise
from irkit.recipe import load_recipe
from irkit.report import html
from irkit.yamlfile import parse_yaml
from tests.evaluate.tasks.planted_pools import (
    AS_GIVEN,
    DNS,
    FEATURES,
    GAME,
    MEASURES,
    NET,
    SHORT,
    by_hand,
    rows_of,
    suite,
)

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
    assert runs == [8, 8, 8, 8, 9, 9, 9, 9]  # the first of each fold is not timed
    runs.clear()
    run_suite(suite(AS_GIVEN, pools="{name: ./toy, repeats: 1}"))
    assert runs == [8, 9]
    runs.clear()
    run_suite(suite(AS_GIVEN), repeats=2)
    assert runs == [8, 8, 8, 9, 9, 9]


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
    page = html(result)  # both players are lines of a chart
    assert 'nDCG@10 on held-out data","generator","pass"' in page
    assert 'nDCG@10 on held-out data","discriminator","pass"' in page


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
