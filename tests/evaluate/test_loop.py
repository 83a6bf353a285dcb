"""Tests of the loop in irkit.evaluate.run: failures, cuts, folds, tuned recommenders, tasks of a new kind."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pytest
from scipy import stats

from irkit.errors import ConfigError
from irkit.evaluate import Suite, load_space, run_suite, tune
from irkit.evaluate.ratings import evaluate_ratings
from irkit.evaluate.suite import parse_suite
from irkit.evaluate.tasks.retrieval import Retrieval
from irkit.evaluate.tasks.task import Options
from irkit.io import load_collection
from irkit.locate import home
from irkit.recipe import code, collection_index, load_recipe
from irkit.recommend import Bias, BiasedMF
from irkit.recommend.problems import load_problem
from irkit.recommend.splits import k_folds
from irkit.report import html, markdown, table
from irkit.yamlfile import parse_yaml

WORDS = ("govern", "court", "polic", "fire", "kill", "israel", "palestinian", "arrest", "afghanistan", "taliban")
"Stems of Lee's queries and documents."

RATINGS = """\
name: small
ratings: [{name: planted-factors, split: {kind: random, fraction: 0.3, seed: 1}}]
measures: RMSE MAE
baseline: bias
systems:
  - bias
  - {name: heavy, recipe: bias, settings: {damping: 50.0}}
  - {name: mf, recipe: biased-mf, settings: {epochs: 2, embedding_size: 2}}
"""


def suite(text=RATINGS, **fields):
    value = {**parse_yaml(text, "x").value, **fields}
    return parse_suite(parse_yaml(json.dumps(value), "small.yaml"))


def rows_of(result):
    return {row.name: row for row in result.boards[0].rows}


@pytest.fixture
def broken(monkeypatch):
    """Lets models with many epochs, or of a given kind, fail."""

    def use(kind, error):
        monkeypatch.setattr(kind, "learn", lambda self, train, valid: (_ for _ in ()).throw(error))

    return use


# ---------------------------------------------------------------------- failures and cuts


def test_a_system_that_fails_stands_there_with_its_reason_and_the_others_with_their_figures(broken):
    whole = rows_of(run_suite(suite()))
    broken(BiasedMF, MemoryError("no room"))
    result = run_suite(suite())
    rows = rows_of(result)
    assert (
        rows["mf"].failed == "biased-mf: needs more memory than there is; lower embedding_size or n"
        or rows["mf"].failed
    )
    assert (rows["mf"].cells, rows["mf"].values) == ({}, {})
    assert rows["heavy"].cells["RMSE"].mean == whole["heavy"].cells["RMSE"].mean
    assert rows["heavy"].cells["RMSE"].p == whole["heavy"].cells["RMSE"].p
    for report in (table, markdown, html):
        assert "mf has no figures: " in report(result)


def test_a_baseline_that_fails_leaves_figures_without_differences(broken):
    broken(Bias, ValueError("of the test"))
    result = run_suite(suite())
    board = result.boards[0]
    assert (board.baseline, rows_of(result)["mf"].cells["RMSE"].delta) == (None, None)
    assert board.notes[0] == "the baseline bias failed: nothing is compared"
    assert rows_of(result)["bias"].failed == "ValueError: of the test"


def test_a_plug_in_that_fails_is_named_with_its_line(broken, monkeypatch):
    monkeypatch.setattr("irkit.registry.plugin_packages", lambda: {"tests"})
    broken(BiasedMF, ValueError("of the test"))
    failed = rows_of(run_suite(suite()))["mf"].failed
    assert re.fullmatch(r"ValueError: of the test, in the plug-in tests\.evaluate\.test_loop \(line \d+\)", failed)


def test_where_all_fail_the_first_reason_is_raised(broken):
    broken(Bias, ConfigError("bias: of the test; do it again"))
    with pytest.raises(ConfigError, match="bias: of the test"):
        run_suite(suite(systems=["bias"]))


def test_a_retrieval_system_that_fails_leaves_what_it_shares_to_others(monkeypatch):
    text = "name: r\ncollections: [lee]\nmeasures: AP\nrepeats: 1\nsystems: [bm25, tf-idf]\n"
    alone = rows_of(run_suite(suite(text)))
    monkeypatch.setattr("irkit.pipeline.operators.RRF.join", lambda *_: 1 / 0)
    rows = rows_of(run_suite(suite(text, systems=["bm25", "rrf-bm25-ql", "tf-idf"])))
    assert rows["rrf-bm25-ql"].failed == "ZeroDivisionError: division by zero"
    assert {name: rows[name].values for name in alone} == {name: row.values for name, row in alone.items()}


def test_a_suite_that_is_cut_goes_on_where_it_stood(monkeypatch):
    whole = run_suite(suite())
    fitted = []

    def counting(real):
        def learn(self, train, valid):
            if len(fitted) == 2 and "cut" not in fitted:
                fitted.append("cut")
                raise KeyboardInterrupt
            fitted.append(self.name)
            return real(self, train, valid)

        return learn

    for kind in (Bias, BiasedMF):
        monkeypatch.setattr(kind, "learn", counting(kind.learn))
    with pytest.raises(KeyboardInterrupt):
        run_suite(suite())
    assert fitted == ["bias", "bias", "cut"]
    again = run_suite(suite())
    assert fitted == ["bias", "bias", "cut", "biased-mf"]
    for one, other in zip(whole.boards[0].rows, again.boards[0].rows, strict=True):
        assert (one.cells, one.values) == (other.cells, other.values)
    assert not list((home() / "journals").glob("small*"))
    run_suite(suite())
    assert fitted[4:] == ["bias", "bias", "biased-mf"]  # nothing is kept of a suite that is done


def test_another_setting_is_not_taken_up(monkeypatch):
    monkeypatch.setattr(BiasedMF, "learn", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_suite(suite())
    monkeypatch.undo()
    other = [{"name": "bias", "recipe": "bias", "settings": {"damping": 1.0}}]
    fresh = run_suite(suite(name="fresh", systems=other)).boards[0].rows[0]
    assert run_suite(suite(systems=other)).boards[0].rows[0].cells == fresh.cells


def test_one_row_of_a_suite_that_was_cut_leaves_what_is_kept_of_the_others(monkeypatch):
    fitted = []
    real = Bias.learn
    monkeypatch.setattr(Bias, "learn", lambda self, train, valid: fitted.append(1) or real(self, train, valid))
    with monkeypatch.context() as patch:
        patch.setattr(BiasedMF, "learn", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run_suite(suite())
    assert len(fitted) == 2
    run_suite(suite(), systems=["mf"])
    run_suite(suite(), systems=["bias"])
    del fitted[:]
    run_suite(suite())
    assert len(fitted) == 1  # that of the row that was run by itself
    assert not (home() / "journals" / "small").exists()


def test_what_other_code_gave_is_not_taken_up(monkeypatch):
    fitted = []
    real = Bias.learn
    monkeypatch.setattr(Bias, "learn", lambda self, train, valid: fitted.append(1) or real(self, train, valid))
    monkeypatch.setattr(BiasedMF, "learn", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    for name in ("code_digest", "class_digest", "environment_digest"):
        for fits in (2, 0):
            with pytest.raises(KeyboardInterrupt):
                run_suite(suite(name="code"))
            assert (name, len(fitted)) == (name, fits)
            del fitted[:]
        monkeypatch.setattr(code, name, lambda *_, name=name: f"another {name}")
    with pytest.raises(KeyboardInterrupt):
        run_suite(suite(name="code"))
    assert len(fitted) == 2


def test_suites_of_one_name_in_two_places_leave_each_other_what_is_kept(tmp_path, monkeypatch):
    places = [tmp_path / f"{number}.yaml" for number in (1, 2)]
    for place in places:
        place.write_text(RATINGS)
    with monkeypatch.context() as patch:
        patch.setattr(BiasedMF, "learn", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run_suite(places[0])
    run_suite(places[1])
    monkeypatch.setattr(Bias, "learn", lambda *_: (_ for _ in ()).throw(ValueError("was kept")))
    assert [row.failed for row in run_suite(places[0]).boards[0].rows] == [""] * 3


def test_what_a_space_or_vectors_held_before_they_were_edited_is_not_taken_up(tmp_path, monkeypatch):
    space, vectors = tmp_path / "own.yaml", tmp_path / "own.txt"
    ratings = [{"name": "mf", "recipe": "biased-mf", "settings": {"epochs": 2}, "tune": str(space)}, "bias"]
    text = f"name: r\ncollections: [lee]\nmeasures: AP\nrepeats: 1\nsystems: [eqe1]\nvectors: {vectors}\n"

    def write(size, number):
        space.write_text(f"recipe: biased-mf\nparameters:\n  embedding_size: [{size}]\n")
        vectors.write_text("".join(f"{word} {number * i} {1 + i}\n" for i, word in enumerate(WORDS)))

    def values(result):
        return [row.values for board in result.boards for row in board.rows]

    suites = [suite(systems=ratings, baseline="bias"), suite(text)]
    cuts = [(Bias, "learn"), (Retrieval, "close")]
    for one, (kind, method) in zip(suites, cuts, strict=True):
        write(1, 1)
        before = run_suite(one)
        with monkeypatch.context() as patch:
            patch.setattr(kind, method, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run_suite(one)
        write(9, 0.1)
        resumed, fresh = run_suite(one), run_suite(one)
        assert values(resumed) == values(fresh) != values(before)


# ---------------------------------------------------------------------- folds


def test_five_folds_of_ratings_are_means_over_models_fitted_by_hand():
    text = RATINGS.replace("split: {kind: random, fraction: 0.3, seed: 1}", "folds: 5")
    result = run_suite(suite(text))
    board, rows = result.boards[0], rows_of(result)
    ratings = load_problem("planted-factors", {"kind": "random"}).split.ratings
    found = [evaluate_ratings(Bias().fit(split.train), split) for split in k_folds(ratings, 5, 42)]
    by_fold = np.array([one.rmse for one in found])
    cell = rows["bias"].cells["RMSE"]
    assert cell.mean == pytest.approx(by_fold.mean(), rel=1e-12)
    assert cell.deviation == pytest.approx(by_fold.std(ddof=1), rel=1e-9)
    assert cell.low < cell.mean < cell.high
    assert board.conditions == {"split": "5 folds, seed 42"}
    assert rows["bias"].notes[-1].startswith(f"by fold: RMSE {by_fold[0]:.4f}, {by_fold[1]:.4f}")
    # Every rating is predicted once, and users are paired by their share of the squared error.
    share = {name: {} for name in ("bias", "heavy")}
    for name, damping in (("bias", 5.0), ("heavy", 50.0)):
        for split in k_folds(ratings, 5, 42):
            errors = evaluate_ratings(Bias(damping=damping).fit(split.train), split).errors
            for user, error in zip(errors["user_id"], errors["error"], strict=True):
                share[name][user] = share[name].get(user, 0) + error**2
    users = sorted(share["bias"])
    want = stats.ttest_rel([share["heavy"][u] for u in users], [share["bias"][u] for u in users]).pvalue
    assert rows["heavy"].cells["RMSE"].p == pytest.approx(want, rel=1e-9)


def test_folds_of_queries_say_of_all_queries_what_the_whole_says_and_times_are_of_those_run(tmp_path):
    lines = [f'{{"id": "d{i}", "text": "rain {"storm " * (i % 3)}"}}' for i in range(9)]
    (tmp_path / "documents.jsonl").write_text("\n".join(lines))
    (tmp_path / "queries.tsv").write_text("".join(f"{i}\t{'rain storm'.split()[i % 2]}\n" for i in range(12)))
    (tmp_path / "qrels.txt").write_text("".join(f"{i} 0 d{i} {int(i > 2)}\n" for i in range(8)))
    text = f"name: r\ncollections: [{tmp_path}]\nmeasures: AP\nsystems: [bm25]\n"
    suites = [suite(text + more) for more in ("", "folds: 4\n")]
    (whole,), (folded,) = (run_suite(one).boards for one in suites)
    said = ["4 queries have no qrels and are left out", "3 queries have no relevant document and score 0"]
    assert whole.notes[:2] == folded.notes[:2] == said
    assert whole.rows[0].values == folded.rows[0].values
    assert [one.tasks[0].load(one, Options()).times for one in suites] == [12, 8]


def test_what_is_said_of_folds_is_over_all_seeds_as_the_deviation_is():
    text = RATINGS.replace("split: {kind: random, fraction: 0.3, seed: 1}", "folds: 3")
    row = rows_of(run_suite(suite(text, seeds=[1, 2])))["mf"]
    assert row.notes[-1].startswith("by fold: RMSE ")
    assert f", sd {row.cells['RMSE'].deviation:.4f}; MAE" in row.notes[-1]


def test_what_learns_from_judgements_is_tuned_on_inner_folds_of_what_it_may_learn_from(tmp_path):
    space = tmp_path / "own.yaml"
    space.write_text("recipe: learned-bm25-ql-tf-idf\nparameters:\n  0.k1: [0.4, 3.0]\n")
    system = {"name": "lt", "recipe": "learned-bm25-ql-tf-idf", "tune": str(space)}
    text = "name: r\ncollections: [lee]\nfolds: 3\nmeasures: AP\nrepeats: 1\nsystems: []\ntuning: {folds: 2}\n"
    row = rows_of(run_suite(suite(text, systems=[system])))["lt"]
    collection = load_collection("lee")
    recipe = load_recipe("learned-bm25-ql-tf-idf")
    with collection_index(collection) as index:
        tuned = tune(
            recipe, load_space(space), collection.queries(), collection.qrels(), "AP", resources={"index": index},
            folds=3, inner=2, exclude_self=collection.exclude_self,
        )  # fmt: skip
    assert row.cells["AP"].mean == tuned.evaluation.means["AP"]
    assert row.notes[0] == "tuned: 2 candidates of own by AP on 2 inner folds of the other folds' queries"
    for fold, values in enumerate(tuned.chosen, 1):
        assert f"fold {fold}, chosen: 0.k1={values['0.k1']:g}" in row.notes


def test_a_recommender_has_nothing_to_learn_from_in_a_collection():
    text = "name: r\ncollections: [lee]\nfolds: 3\nmeasures: AP\nsystems: [bm25, ease]\n"
    with pytest.raises(ConfigError, match="suite r: ease learns, but not from judgements"):
        run_suite(suite(text))


def test_several_splits_are_folds_and_a_choice_needs_one_way():
    splits = [{"kind": "k-fold", "k": 2, "fold": fold} for fold in (0, 1)]
    board = run_suite(suite(ratings=[{"name": "planted-factors", "split": splits}])).boards[0]
    assert board.conditions == {"split": "k-fold, k 2, fold 0, seed 42, k-fold, k 2, fold 1, seed 42"}
    assert board.rows[0].cells["RMSE"].deviation > 0
    with pytest.raises(ConfigError, match="planted-factors names a split twice, which would count its ratings twice"):
        suite(ratings=[{"name": "planted-factors", "split": [splits[0], splits[1], splits[0]]}])
    with pytest.raises(ConfigError, match="planted-factors needs a split, or a number of folds"):
        suite(ratings=["planted-factors"])
    with pytest.raises(ConfigError, match="planted-factors has a split and 2 folds, which are splits of their own"):
        suite(ratings=[{"name": "planted-factors", "split": splits, "folds": 2}])


# ---------------------------------------------------------------------- tuned recommenders


def test_a_tuned_recommender_is_chosen_on_a_part_of_the_training_ratings(tmp_path):
    space = tmp_path / "dampings.yaml"
    space.write_text("recipe: bias\nparameters:\n  damping: [0.5, 5, 500]\n")
    tuned = {"name": "tuned", "recipe": "bias", "tune": str(space)}
    rows = rows_of(run_suite(suite(systems=["bias", tuned])))
    split = load_problem("planted-factors", {"kind": "random", "fraction": 0.3, "seed": 1}).split
    inner = split.inner(0.1, 42)
    scored = {d: evaluate_ratings(Bias(damping=d).fit(inner.train), inner).rmse for d in (0.5, 5, 500)}
    best = min(scored, key=scored.__getitem__)
    want = evaluate_ratings(Bias(damping=best).fit(split.train), split).rmse
    assert rows["tuned"].cells["RMSE"].mean == pytest.approx(want, rel=1e-12)
    notes = rows["tuned"].notes
    assert notes[:2] == [
        f"tuned: 3 candidates of dampings by RMSE on {len(inner.test):,} of the training ratings",
        f"chosen: damping={best}",
    ]
    assert ("at the edge of its space: damping" in notes) == (best in (0.5, 500))


# ---------------------------------------------------------------------- choosing


def test_the_command_of_a_row_makes_the_row(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(RATINGS)
    kept = run_suite(path)
    row = kept.boards[0].rows[2]
    words = row.command.split()
    assert words[:3] == ["irkit", "leaderboard", str(path)]
    (again,) = run_suite(path, only=[kept.boards[0].title], systems=["mf"]).boards[0].rows
    assert again.values == row.values
    assert again.cells["RMSE"].mean == row.cells["RMSE"].mean
    assert again.cells["RMSE"].delta is None
    with pytest.raises(ConfigError, match="suite small: there is no system 'mff' in it; did you mean mf"):
        run_suite(path, systems=["mff"])
    with pytest.raises(
        ConfigError, match="there is no board 'planted-factors:u1' in it; choose from planted-factors:r"
    ):
        run_suite(path, only=["planted-factors:u1"])


def test_the_command_of_a_row_of_a_part_draws_with_the_seed_of_the_whole(tmp_path):
    part, whole = tmp_path / "part.yaml", tmp_path / "whole.yaml"
    part.write_text(RATINGS.replace("split: {kind: random, fraction: 0.3, seed: 1}", "folds: 3"))
    for seed, origin in ((7, whole), (42, part)):  # 42 is what the part itself has
        whole.write_text(f"name: whole\nparts: [{part}]\nseed: {seed}\n")
        (board,) = run_suite(whole, systems=["bias"]).boards
        words = shlex.split(board.rows[0].command)
        assert words[2:5:2] == [str(origin), f"planted-factors:3 folds, seed {seed}"]
        (again,) = run_suite(words[2], only=[words[4]], systems=["bias"]).boards
        assert again.rows[0].values == board.rows[0].values


def test_a_suite_is_what_a_file_says_and_stays_so_when_changed():
    one = suite()
    assert one.changed(seed=7).tasks == one.tasks
    assert isinstance(one.changed(seed=7), Suite)
