"""Tests of irkit.experiment_ratings: what a suite gives, from Python, whatever form ratings and systems have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import irkit
from irkit.errors import ConfigError
from irkit.evaluate import run_suite
from irkit.evaluate.ratings import evaluate_ratings
from irkit.evaluate.suite import parse_suite
from irkit.recommend import EASE, PMF, Bias, BiasedMF, RatingTable, load_problem, predefined_split
from irkit.recommend.splits import k_folds, random_split
from irkit.yamlfile import parse_yaml

SUITE = """
name: two
ratings: [{name: planted-factors, folds: 3}]
measures: RMSE MAE
baseline: bias
systems: [bias, item-knn]
"""


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))


def test_it_gives_what_a_suite_gives():
    (board,) = run_suite(parse_suite(parse_yaml(SUITE, "two.yaml"))).boards
    own = irkit.experiment_ratings(["bias", "item-knn"], "planted-factors", "RMSE MAE", folds=3, baseline=0).board
    assert (own.title, own.data_hash, own.sizes) == (board.title, board.data_hash, board.sizes)
    for row, want in zip(own.rows, board.rows, strict=True):
        assert (row.name, row.cells, row.values) == (want.name, want.cells, want.values)
        assert row.notes == want.notes


def test_each_fold_is_held_out_once():
    ratings = irkit.load_ratings("planted-factors")
    done = irkit.experiment_ratings([Bias()], ratings, "RMSE", folds=3, seed=7)
    each = [evaluate_ratings(Bias().fit(split.train), split).rmse for split in k_folds(ratings, 3, 7)]
    assert done.means == {"bias": {"RMSE": pytest.approx(np.mean(each), rel=1e-12)}}
    assert set(done.per_user["user_id"]) == set(ratings.users.names.to_pylist())


def test_ratings_may_be_a_name_a_table_a_frame_or_split():
    ratings = irkit.load_ratings("planted-factors")
    split = random_split(ratings, 0.2, 3)
    how = {"kind": "random", "fraction": 0.2, "seed": 3}
    given = ["planted-factors", ratings, ratings.frame()]
    found = [irkit.experiment_ratings("bias", one, "RMSE", split=how).means for one in given]
    own = predefined_split(split.train, split.test, "mine")
    whole = [split, [split], load_problem("planted-factors", how), own]
    found += [irkit.experiment_ratings("bias", one, "RMSE").means for one in whole]
    assert all(one == found[0] for one in found)
    several = irkit.experiment_ratings("bias", [random_split(ratings, 0.2, seed) for seed in (3, 4)], "RMSE")
    assert several.board.conditions["split"] == "random, fraction 0.2, seed 3, random, fraction 0.2, seed 4"


def test_systems_are_recommenders_pipelines_recipes_or_have_names_of_their_own():
    pipeline = EASE(reg=50) % 20 >> BiasedMF(epochs=2).rater()
    given = {"plain": "ease", "light": EASE(reg=50), "two steps": pipeline}
    done = irkit.experiment_ratings(given, "planted-factors", "nDCG@10", candidates="rated", baseline="plain")
    assert list(done.means) == list(given)
    assert list(done.frame()["system"]) == list(given)
    assert done.board.baseline == "plain"
    assert str(done).splitlines()[4].startswith("plain (baseline)")


def test_it_prints_and_is_published():
    done = irkit.experiment_ratings(["bias", "item-knn"], "planted-factors", "RMSE", folds=3, baseline="bias")
    lines = str(done).splitlines()
    assert lines[0] == "planted-factors (100 items, 200 users, split 3 folds, seed 42)"
    assert lines[2].split() == ["system", "RMSE", "ms/pair", "s/fit", "MB"]
    assert lines[5].split()[:2] == ["item-knn", "*0.6815+"]
    assert r"\toprule" in done.to_latex()
    assert "0.6815" in done._repr_html_()


@pytest.mark.parametrize(
    ("systems", "ratings", "measures", "options", "message"),
    [
        (["ease"], "planted-factors", "RMSE", {}, "experiment: ease predicts no ratings, which RMSE needs; measure"),
        (["bias"], "planted-factors", "RMS", {}, "experiment: measures: "),
        (["bias"], "planted-factors", "RMSE", {"folds": 3, "split": "u1"}, "there is a split and 3 folds"),
        (["bias"], "planted-factors", "RMSE", {"baseline": 1}, "experiment: there is no system 1; their places"),
        (["bias"], load_problem("planted-factors"), "RMSE", {"folds": 3}, "these ratings are split already"),
        (["bias"], [pd.DataFrame()], "RMSE", {}, "folds are splits of ratings"),
        ([], "planted-factors", "RMSE", {}, "experiment: needs one system or more"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_fitted(systems, ratings, measures, options, message):
    with pytest.raises(ConfigError) as caught:
        irkit.experiment_ratings(systems, ratings, measures, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(("values", "counts"), [([1.0] * 40, False), ([1.0, 2.0] * 20, True)])
def test_of_likes_and_counts_every_row_is_relevant_unless_it_is_said(values, counts):
    frame = pd.DataFrame({"user_id": [f"u{i % 8}" for i in range(40)], "item_id": [f"i{i // 8}" for i in range(40)]})
    table = RatingTable.from_frame(frame.assign(rating=values), counts=counts)
    done = irkit.experiment_ratings(["popularity"], table, "nDCG@3", split={"kind": "random", "fraction": 0.3})
    assert "relevant: rated 1 or more in the test part" in " ".join(str(done).split())
    if counts:
        some = irkit.experiment_ratings(
            ["popularity"], table, "nDCG@3", split={"kind": "random", "fraction": 0.3}, liked=2.0
        )
        assert "relevant: rated 2 or more in the test part" in " ".join(str(some).split())


def test_a_seed_that_a_system_states_holds_unless_seeds_are_named():
    split = load_problem("planted-factors", {"kind": "random", "fraction": 0.2}).split
    by_hand = {seed: evaluate_ratings(PMF(seed=seed).fit(split.train), split).rmse for seed in (1, 7, 42)}
    assert len(set(by_hand.values())) == 3
    systems = {"usual": PMF(), "seven": PMF(seed=7), "stated": PMF(seed=42)}
    done = irkit.experiment_ratings(systems, split, "RMSE")
    found = {name: one["RMSE"] for name, one in done.means.items()}
    assert found == {"usual": by_hand[1], "seven": by_hand[7], "stated": by_hand[42]}
    done = irkit.experiment_ratings({"seven": PMF(seed=7)}, split, "RMSE", seeds=[42])
    assert done.means["seven"]["RMSE"] == by_hand[42]


def test_a_suite_keeps_to_the_seeds_that_its_systems_state():
    systems = "[{name: one, recipe: pmf}, {name: seven, recipe: pmf, settings: {seed: 7}}]"
    text = (
        "name: s\nratings: [{name: planted-factors, split: {kind: random, fraction: 0.2}}]\nmeasures: RMSE\nsystems: "
    )
    (board,) = run_suite(parse_suite(parse_yaml(text + systems))).boards
    split = load_problem("planted-factors", {"kind": "random", "fraction": 0.2}).split
    by_hand = {seed: evaluate_ratings(PMF(seed=seed).fit(split.train), split).rmse for seed in (1, 7)}
    found = {row.name: row.cells["RMSE"].mean for row in board.rows}
    assert found == {"one": by_hand[1], "seven": by_hand[7]}


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (3, r"experiment: seeds is a list of whole numbers, got int 3; write \[1, 2, 3\]"),
        ([1, 1], r"experiment: seeds must be one or more and differ, got \[1, 1\]; name each once"),
        ([], "seeds must be one or more and differ"),
    ],
)
def test_seeds_that_are_none_are_refused(seeds, message):
    with pytest.raises(ConfigError, match=message):
        irkit.experiment_ratings(["pmf"], "planted-factors", "RMSE", seeds=seeds)


def test_a_fitted_model_is_fitted_anew_and_that_is_said(caplog):
    split = load_problem("planted-factors", {"kind": "random", "fraction": 0.2}).split
    done = irkit.experiment_ratings({"mine": Bias().fit(split.train)}, split, "RMSE")
    assert "experiment: mine was fitted, and is fitted anew on each training part" in caplog.text
    assert done.means == {"mine": {"RMSE": evaluate_ratings(Bias().fit(split.train), split).rmse}}
