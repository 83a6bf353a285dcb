"""Tests of irkit.evaluate.tasks.ratings and lists, on small ratings."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from irkit.errors import ConfigError, IrkitError, NotFoundError
from irkit.evaluate import evaluate, run_suite
from irkit.evaluate.ratings import evaluate_ratings
from irkit.evaluate.suite import parse_suite
from irkit.evaluate.tasks.lists import list_scores
from irkit.evaluate.tasks.ratings import held_out_again
from irkit.evaluate.tasks.task import PAPER
from irkit.evaluate.toplists import top_n_task
from irkit.recommend import ALS, BPR, EASE, AutoRec, Bias, BiasedMF, Popularity
from irkit.recommend.guards import LOOKS
from irkit.recommend.lists import users_frame
from irkit.recommend.problems import Problem, load_problem
from irkit.recommend.splits import RatingSplit, leave_last_out, random_split, split_title, time_split
from irkit.recommend.table import RatingTable
from irkit.yamlfile import parse_yaml
from tests.recommend.ratings_toy import random_table

TEXT = """\
name: tiny
ratings:
  - {name: toy, split: {kind: random, fraction: 0.3, seed: 1}}
measures: RMSE MAE
baseline: bias
systems:
  - bias
  - {name: mf, recipe: biased-mf, settings: {epochs: 3, embedding_size: 2}}
seeds: [1, 2]
"""
LISTS = TEXT.replace("RMSE MAE", "nDCG@3 P@2").replace("bias\n", "popularity\n")
RATINGS = random_table(users=30, items=20, density=0.4, time=True)
SPLIT = random_split(RATINGS, 0.3, 1)


def suite(text=TEXT):
    return parse_suite(parse_yaml(text, "tiny.yaml"))


@pytest.fixture
def toy(monkeypatch):
    """Let `toy` be a problem with some split; load what else is asked for."""

    def use(split, floor=None):
        problem = Problem("toy", "Toys.", split, floor, "fingerprint")
        load = lambda name, chosen: problem if name == "toy" else load_problem(name, chosen)  # noqa: E731
        monkeypatch.setattr("irkit.evaluate.tasks.ratings.load_problem", load)
        monkeypatch.setattr(LOOKS, "counts", {})

    use(SPLIT)
    return use


def rows_of(board):
    return {row.name: row for row in board.rows}


# ---------------------------------------------------------------------- rating errors


def test_numbers_are_those_of_models_fitted_by_hand(toy):
    result = run_suite(suite())
    (board,) = result.boards
    rows = rows_of(board)
    bias = evaluate_ratings(Bias().fit(SPLIT.train), SPLIT)
    assert rows["bias"].cells["RMSE"].mean == pytest.approx(bias.rmse, rel=1e-12)
    assert rows["bias"].cells["RMSE"].low == pytest.approx(bias.parts["all"].rmse_low, rel=1e-12)
    mf = [evaluate_ratings(BiasedMF(epochs=3, embedding_size=2, seed=seed).fit(SPLIT.train), SPLIT) for seed in (1, 2)]
    got = rows["mf"].cells
    assert got["RMSE"].mean == pytest.approx(np.mean([one.rmse for one in mf]), rel=1e-12)
    assert got["MAE"].mean == pytest.approx(np.mean([one.mae for one in mf]), rel=1e-12)
    assert got["RMSE"].delta == pytest.approx(got["RMSE"].mean - bias.rmse, rel=1e-9)
    assert got["RMSE"].low < got["RMSE"].mean < got["RMSE"].high


def test_p_values_are_those_of_other_programs_on_users_shares_of_the_error(toy):
    board = run_suite(suite(TEXT.replace("seeds: [1, 2]", "seeds: [7]"))).boards[0]
    errors = {
        name: evaluate_ratings(model.fit(SPLIT.train), SPLIT).errors
        for name, model in (("bias", Bias()), ("mf", BiasedMF(epochs=3, embedding_size=2, seed=7)))
    }
    users = sorted(set(errors["mf"]["user_id"]))
    share = {
        name: np.array([(frame["error"][frame["user_id"] == user] ** 2).sum() for user in users])
        for name, frame in errors.items()
    }
    cell = rows_of(board)["mf"].cells["RMSE"]
    assert cell.p == pytest.approx(stats.ttest_rel(share["mf"], share["bias"]).pvalue, rel=1e-9)
    assert cell.p_wilcoxon == pytest.approx(stats.wilcoxon(share["mf"], share["bias"]).pvalue, rel=1e-6)
    assert cell.p_corrected == cell.p  # one comparison
    rng = np.random.default_rng(0)
    difference = share["mf"] - share["bias"]
    flips = rng.choice([-1, 1], (20_000, len(users))) @ difference
    assert cell.p_randomisation == pytest.approx((np.abs(flips) >= abs(difference.sum())).mean(), abs=0.015)
    assert cell.wins == (difference < 0).sum()
    assert cell.wins + cell.ties + cell.losses == len(users) == board.unit.number


@pytest.mark.parametrize("measures", ["RMSE", "nDCG@5"])
def test_the_suite_says_how_p_values_are_corrected(toy, measures):
    more = TEXT.replace("measures: RMSE MAE", f"measures: {measures}\ncorrection: bonferroni")
    more = more.replace("seeds:", "  - item-knn\nseeds:")
    board = run_suite(suite(more)).boards[0]
    cells = [row.cells[measures] for row in board.rows if row.name != "bias"]
    assert board.correction == "Bonferroni"
    assert [cell.p_corrected for cell in cells] == [min(1.0, 2 * cell.p) for cell in cells]


def test_the_board_says_what_it_was_measured_on(toy):
    toy(replace(SPLIT, leaky="it is a toy"), floor=0.25)
    result = run_suite(suite())
    (board,) = result.boards
    assert (board.kind, board.data, board.about, board.data_hash) == (
        "ratings",
        "toy",
        "Toys.",
        "fingerprint",
    )
    assert board.conditions["split"] == "random, fraction 0.3, seed 1"
    assert (board.sizes[0].number, board.unit.number) == (len(RATINGS.items), len(SPLIT.test.users))
    assert board.notes[:5] == [
        "best possible RMSE 0.2500: that of whoever knows the planted law",
        f"{len(SPLIT.train)} training and {len(SPLIT.test)} test ratings; predicted from user and item 100.0%",
        "leaky split: it is a toy",
        f"split {SPLIT.hash}",
        "test part looked at 3 times",
    ]
    rows = rows_of(board)
    assert rows["bias"].notes == []
    (note,) = rows["mf"].notes
    assert re.fullmatch(r"by seed \(1, 2\): RMSE \d\.\d{4}, \d\.\d{4}, sd 0\.\d{4}; MAE .*", note)
    assert rows["mf"].fit_seconds > 0
    assert rows["mf"].milliseconds > 0
    assert "epochs: 3" in rows["mf"].recipe_yaml
    assert set(rows["mf"].values["RMSE"]) == set(SPLIT.test.users.names.to_pylist())


def test_parts_are_told_by_the_training_part(toy):
    split = time_split(random_table(users=40, items=25, density=0.03, time=True), fraction=0.4)
    toy(split)
    measures = "RMSE RMSE(warm) RMSE(cold user) MAE(cold item)"
    board = run_suite(suite(TEXT.replace("RMSE MAE", measures))).boards[0]
    want = evaluate_ratings(Bias().fit(split.train), split).parts
    got = rows_of(board)["bias"].cells
    assert got["RMSE(warm)"].mean == pytest.approx(want["warm"].rmse)
    assert got["RMSE(cold user)"].mean == pytest.approx(want["cold user"].rmse)
    assert got["MAE(cold item)"].mean == pytest.approx(want["cold item"].mae)
    assert [m.name for m in board.measures] == ["RMSE", "RMSE(warm)", "RMSE(cold user)", "MAE(cold item)"]
    assert len(rows_of(board)["bias"].values["RMSE(cold user)"]) < board.unit.number


@pytest.mark.slow
def test_held_out_ratings_are_for_models_with_patience_only(toy):
    settings = "{epochs: 3, hidden_size: 4, reg: 1.0}"
    text = TEXT.replace("  - bias\n", f"  - bias\n  - {{name: net, recipe: i-autorec, settings: {settings}}}\n")
    board = run_suite(suite(text.replace("seeds: [1, 2]", "seeds: [1]\nvalid: 0.25"))).boards[0]
    rows = rows_of(board)
    inner = SPLIT.inner(0.25, 42)
    assert f"stopped early by {len(inner.test)} of the training ratings, not learned from" in rows["net"].notes
    assert rows["mf"].notes == []
    model = AutoRec(rows="item", hidden_size=4, reg=1.0, epochs=3).fit(inner.train, inner.test)
    assert rows["net"].cells["RMSE"].mean == pytest.approx(evaluate_ratings(model, SPLIT).rmse, rel=1e-6)
    plain = evaluate_ratings(Bias().fit(SPLIT.train), SPLIT)
    assert rows["bias"].cells["RMSE"].mean == pytest.approx(plain.rmse)


def test_a_waived_guard_is_said_and_another_stops(toy):
    late = RATINGS.days >= np.quantile(RATINGS.days, 0.8)
    leaking = np.zeros(len(RATINGS), dtype=bool)
    leaking[np.flatnonzero(late)[-1]] = True  # one late rating among the training ones
    toy(RatingSplit("time", {"fraction": 0.2}, RATINGS, ~late | leaking, late & ~leaking))
    with pytest.raises(ConfigError, match="guard: bias was fitted on 1 ratings as new as the oldest test rating"):
        run_suite(suite())
    waive = "waive: {future: a test}"
    text = TEXT.replace("- bias", f"- {{name: bias, recipe: bias, {waive}}}").replace("2}}", f"2}}, {waive}}}")
    rows = rows_of(run_suite(suite(text)).boards[0])
    for row in rows.values():
        assert row.notes[0].startswith("future waived (a test): bias" if row.name == "bias" else "future waived")


def test_titles_of_splits():
    assert split_title(RatingSplit("predefined", {"name": "u1"}, RATINGS, SPLIT.in_train, SPLIT.in_test)) == "u1"
    assert split_title(time_split(RATINGS, fraction=0.2)) == "time, fraction 0.2"
    assert split_title(leave_last_out(RATINGS)) == "leave-last-out, n 1"


# ---------------------------------------------------------------------- lists


def test_lists_are_measured_over_all_candidates(toy):
    text = LISTS.replace("biased-mf, settings: {epochs: 3, embedding_size: 2}", "als, settings: {embedding_size: 2}")
    board = run_suite(suite(text + "liked: 3\ncandidates: rated\n")).boards[0]
    task = top_n_task(SPLIT.train, SPLIT.test, threshold=3, exclude="rated")
    rows = rows_of(board)
    want = task.evaluate(Popularity().fit(SPLIT.train), "nDCG@3 P@2")
    assert rows["popularity"].cells["nDCG@3"].mean == pytest.approx(want.means["nDCG@3"])
    assert rows["popularity"].values["P@2"] == want.per_query["P@2"].to_dict()
    als = [task.evaluate(ALS(embedding_size=2, seed=seed).fit(SPLIT.train), "nDCG@3").means for seed in (1, 2)]
    assert rows["mf"].cells["nDCG@3"].mean == pytest.approx(np.mean([one["nDCG@3"] for one in als]))
    assert board.kind == "top-n"
    assert board.unit.number == len(task.users)
    assert board.notes[0] == (
        "candidates: all items but those the user rated in training; relevant: rated 3 or more in the test part"
    )
    assert f"task {task.hash}" in board.notes


def test_a_pipeline_s_lists_keep_their_order_and_what_is_not_listed_counts_for_nothing(toy):
    task = top_n_task(SPLIT.train, SPLIT.test, exclude="rated")
    ease = EASE(n=len(RATINGS.items)).fit(SPLIT.train)
    whole = task.evaluate(list_scores(task, ease), "nDCG@5 AP")
    assert whole.means == pytest.approx(task.evaluate(ease, "nDCG@5 AP").means)
    short = list_scores(task, ease % 2)
    assert (np.isfinite(short).sum(axis=1) == 2).all()
    hits = (ease % 2).run(users_frame(task.users.names.to_pylist()))
    qrels_frame = SPLIT.test.frame().rename(columns={"user_id": "qid", "item_id": "docno", "rating": "label"})
    qrels = qrels_frame[qrels_frame["label"] >= 4].astype({"label": int}).assign(label=1)[["qid", "docno", "label"]]
    assert task.evaluate(short, "P@2").means["P@2"] == pytest.approx(evaluate(hits, qrels, "P@2").means["P@2"])
    text = LISTS.replace(
        "- {name: mf, recipe: biased-mf, settings: {epochs: 3, embedding_size: 2}}", "- ease-popularity"
    )
    row = rows_of(run_suite(suite(text + "candidates: rated\n")).boards[0])["ease-popularity"]
    assert 0 < row.cells["P@2"].mean < 1
    settings = "settings: {0.of.0.0.seen: keep, 0.of.1.0.seen: keep}"
    text = text.replace("- ease-popularity", f"- {{name: kept, recipe: ease-popularity, {settings}}}")
    assert 0 < rows_of(run_suite(suite(text)).boards[0])["kept"].cells["P@2"].mean < 1


# ---------------------------------------------------------------------- refused before any work


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: random", "kind: rnd", r"tiny\.yaml:3: ratings: split: kind is not valid, got 'rnd'"),
        ("fraction: 0.3", "fraction: 2", r"tiny\.yaml:3: ratings: split: fraction is not valid, got 2"),
        (
            "RMSE MAE",
            "RMSE(warn)",
            r"tiny\.yaml:4: measures: there is no measure 'RMSE\(warn\)'; did you mean RMSE\(warm",
        ),
        ("RMSE MAE", "RMSE P@5", r"tiny\.yaml:4: measures: rating errors and top-n lists do not mix, got P@5"),
        ("RMSE MAE", "ERR@5", r"tiny\.yaml:4: measures: computes P, R, nDCG, AP, RR"),
        ("baseline: bias", "baseline: bais", r"tiny\.yaml:5: baseline: the baseline 'bais' is not among the systems"),
        ("seeds: [1, 2]", "seeds: [1, 1]", r"tiny\.yaml:9: seeds: must differ, got 1, 1"),
        ("seeds: [1, 2]", "sedes: [1, 2]", r"tiny\.yaml:9: suite: unknown field 'sedes'; did you mean seeds"),
        (
            "recipe: biased-mf",
            "recip: biased-mf",
            r"tiny\.yaml:8: systems: unknown field 'recip'; did you mean recipe\?",
        ),
        (
            "  - bias\n",
            "  - {name: bias, recipe: bias, waive: {futur: x}}\n",
            r"there is no guard 'futur' to waive; did you",
        ),
    ],
)
def test_wrong_values_are_explained_with_file_and_line(old, new, message):
    assert old in TEXT
    with pytest.raises(IrkitError, match=message) as caught:
        suite(TEXT.replace(old, new))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TEXT.replace("biased-mf, settings: {epochs: 3, embedding_size: 2}", "bm25"),
            r"suite tiny: mf needs index, but a suite supplies train",
        ),
        (
            TEXT.replace("biased-mf, settings: {epochs: 3, embedding_size: 2}", "ease"),
            r"suite tiny: mf predicts no ratings, which RMSE needs; measure its lists",
        ),
        (
            TEXT.replace("biased-mf, settings: {epochs: 3, embedding_size: 2}", "ease-rrn"),
            r"suite tiny: mf predicts no ratings",
        ),
        (
            TEXT.replace("name: toy", "name: planted-factors")
            .replace("biased-mf, settings", "rrn, settings")
            .replace(", embedding_size: 2", ""),
            r"suite tiny: mf uses time, and planted-factors has no timestamps",
        ),
        (
            TEXT.replace("RMSE MAE", "RMSE(cold user)"),
            r"suite tiny: measures: RMSE\(cold user\) has no pair in the test part of toy, random, fraction 0\.3",
        ),
        (
            LISTS.replace("biased-mf, settings: {epochs: 3, embedding_size: 2}", "ease-popularity"),
            r"suite tiny: mf lists no rated item, but those rated below 4 are candidates; set candidates: rated",
        ),
        (LISTS.replace("seeds", "liked: 6\nseeds"), r"suite tiny: top_n: no test rating is 6 or more"),
        (
            TEXT.replace("{kind: random, fraction: 0.3, seed: 1}", "u1").replace("toy", "planted-factors"),
            "no split 'u1'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_fitted(toy, monkeypatch, text, message):
    def refuse(*args):
        raise AssertionError("fitted")

    monkeypatch.setattr("irkit.recommend.base.Recommender.fit", refuse)
    with pytest.raises((ConfigError, NotFoundError), match=message) as caught:
        run_suite(suite(text))
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------- the paper's protocol

BPRS = "  - {name: bpr, recipe: bpr, settings: {epochs: 8, embedding_size: 2, learning_rate: 0.3}}\n"
GAME = {
    "rounds": 2,
    "dns_epochs": 2,
    "discriminator_passes": 1,
    "generator_passes": 1,
    "evaluate_every": 1,
    "embedding_size": 2,
    "device": "cpu",
}


def paper_text(text, *systems):
    return text[: text.index("  - {name: mf")].replace("seed: 1}}", "seed: 1}, protocol: paper}") + "".join(systems)


def test_under_the_paper_s_protocol_the_test_part_stops_what_has_patience_and_the_board_says_so(toy):
    text = paper_text(LISTS, BPRS)
    board = run_suite(suite(text)).boards[0]
    rows = rows_of(board)
    assert board.conditions == {"split": "random, fraction 0.3, seed 1", "protocol": PAPER}
    assert board.title == f"toy:random, fraction 0.3, seed 1:{PAPER}"
    task = top_n_task(SPLIT.train, SPLIT.test)
    model = BPR(epochs=8, embedding_size=2, learning_rate=0.3, seed=1)
    fitted = model.fit(SPLIT.train, SPLIT.test), model.fit(SPLIT.train), Popularity().fit(SPLIT.train)
    users = SPLIT.train.users.rows(task.users.names)
    columns = SPLIT.train.items.rows(task.items.names)
    scores = (np.where(columns >= 0, one.scores_for(users)[:, columns], -np.inf) for one in fitted)
    stopped, whole, plain = (task.evaluate(one, "nDCG@3").means["nDCG@3"] for one in scores)
    assert rows["bpr"].cells["nDCG@3"].mean == pytest.approx(stopped, rel=1e-12)
    assert stopped != whole, "else this test sees nothing"
    assert "stopped by the test part: the paper's protocol" in rows["bpr"].notes
    (waived,) = (note for note in rows["bpr"].notes if "waived" in note)
    n = len(SPLIT.test)
    assert waived.startswith(
        f"test pairs waived ({PAPER}): bpr was stopped early by {n} of the {n} test pairs, such as"
    )
    assert not any("paper" in note or "waived" in note for note in rows["popularity"].notes)
    assert rows["popularity"].cells["nDCG@3"].mean == pytest.approx(plain, rel=1e-12)


def test_under_the_paper_s_protocol_the_reasons_of_a_system_s_own_stay(toy):
    waiving = BPRS.replace("{name: bpr,", "{name: bpr, waive: {test pairs: it is a test},")
    rows = rows_of(run_suite(suite(paper_text(LISTS, waiving))).boards[0])
    assert any(
        note.startswith("test pairs waived (it is a test): bpr was stopped early by") for note in rows["bpr"].notes
    )


def test_pairs_in_both_parts_are_refused_under_the_paper_s_protocol_too(toy):
    both = np.ones(len(RATINGS), dtype=bool)
    half = np.arange(len(RATINGS)) % 3 == 0
    toy(RatingSplit("random", {"fraction": 0.3}, RATINGS, both, half))
    with pytest.raises(ConfigError, match=r"guard: \d+ pairs are in the training and in the test part"):
        run_suite(suite(paper_text(LISTS, BPRS)))


def test_ratings_to_hold_out_and_the_paper_s_protocol_exclude_each_other(toy):
    with pytest.raises(ConfigError) as error:
        suite(paper_text(LISTS, BPRS) + "valid: 0.2\n")
    assert "protocol paper stops training by the test part, so nothing is held out; leave out valid" in str(error.value)


def test_the_players_of_a_game_have_their_curves_on_the_board(toy):
    game = f"  - {{name: game, recipe: irgan, settings: {json.dumps(GAME)}}}\n"
    text = paper_text(LISTS, game)
    row = rows_of(run_suite(suite(text)).boards[0])["game"]
    assert [figure.name for figure in row.figures] == ["learning curve", "players"]
    assert row.figures[1].caption == "P@5 on held-out data of generator and discriminator, by pass."
    alone = rows_of(run_suite(suite(text.replace(", protocol: paper", ""))).boards[0])["game"]
    assert [figure.name for figure in alone.figures] == ["learning curve"], "nothing is held out"


def test_folds_that_hold_out_the_same_are_said_to():
    one, other = (
        RatingTable.from_frame(pd.DataFrame(rows, columns=["user_id", "item_id", "rating"]))
        for rows in ([("a", "x", 1.0), ("b", "y", 2.0)], [("b", "y", 2.0), ("a", "y", 3.0), ("c", "x", 1.0)])
    )
    assert held_out_again([one, other]) == 1
    assert held_out_again([one, one, one]) == 4
    assert held_out_again([one, other.kept(other.rating > 2).compact()]) == 0


def test_files_and_folds_of_ones_own_in_a_suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"u{user};i{item};{1 + (user * item) % 5}" for user in range(9) for item in range(8)]
    for fold in (1, 2):
        (tmp_path / "mine" / f"fold{fold}").mkdir(parents=True)
        for part, own in (("train", rows[fold - 1 :: 2]), ("test", rows[2 - fold :: 2])):
            (tmp_path / "mine" / f"fold{fold}" / f"{part}.csv").write_text("\n".join(own) + "\n")
    ratings = "  - {name: ./mine, split: [fold1, fold2], columns: [user, item, rating], duplicates: last}"
    text = TEXT.replace("  - {name: toy, split: {kind: random, fraction: 0.3, seed: 1}}", ratings)
    (board,) = run_suite(parse_suite(parse_yaml(text, "own.yaml"))).boards
    errors = []
    for name in ("fold1", "fold2"):
        split = load_problem("./mine", name, columns=["user", "item", "rating"]).split
        errors.append(evaluate_ratings(Bias().fit(split.train), split).rmse)
    assert rows_of(board)["bias"].cells["RMSE"].mean == pytest.approx(np.mean(errors), rel=0.01)
    assert "by fold: RMSE " + ", ".join(f"{error:.4f}" for error in errors) in " ".join(rows_of(board)["bias"].notes)


def test_a_board_says_who_does_not_weigh_counts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"u{user},i{item},{1 + user * item}" for user in range(9) for item in range(8) if (user + item) % 3]
    (tmp_path / "plays.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    ratings = "  - {name: ./plays.csv, split: {kind: random, fraction: 0.3}, columns: {count: rating}, liked: 1}"
    text = LISTS.replace("  - {name: toy, split: {kind: random, fraction: 0.3, seed: 1}}", ratings)
    text = text.replace("{name: mf, recipe: biased-mf, settings: {epochs: 3, embedding_size: 2}}", "als")
    (board,) = run_suite(parse_suite(parse_yaml(text, "counts.yaml"))).boards
    said = "counts are taken for likes, whatever their size; als weighs them"
    assert {name: said in row.notes for name, row in rows_of(board).items()} == {"popularity": True, "als": False}
