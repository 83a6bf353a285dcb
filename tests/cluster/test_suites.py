"""Tests of suites and tuning by Ray: what is measured is what this process measures, whatever happens to workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit import tune
from irkit.errors import ClusterError, ConfigError, MissingExtraError
from irkit.evaluate import run_suite, tune_ratings
from irkit.evaluate.journal import Journal, any_kept
from irkit.evaluate.suite import parse_suite
from irkit.io import load_collection
from irkit.yamlfile import parse_yaml
from tests.evaluate.tasks.planted_pools import AS_GIVEN, NET, plant
from tests.evaluate.tasks.planted_pools import suite as planted
from tests.plugins import installed

PLUGIN = Path(__file__).parent / "fragile_plugin"
COSTS = {"milliseconds", "milliseconds_range", "fit_seconds", "peak_memory_mb"}

RATINGS = """\
name: ray-ratings
ratings: [{name: planted-factors, folds: 3}]
measures: RMSE MAE
baseline: bias
seeds: [1, 2]
systems: [bias, {name: mf, recipe: biased-mf, settings: {epochs: 2, embedding_size: 2}}]
"""
SEARCH = """\
name: ray-search
collections: [{name: lee, folds: 2}]
measures: AP nDCG@10
repeats: 1
baseline: bm25
systems: [bm25, bm25-rm3, ql-dirichlet, bm25-features-linear]
"""
TRAINED = """\
name: ray-trained
density: [digits]
seeds: [1, 2]
systems: [{name: made, recipe: made-digits, settings: {trainer.epochs: 1, config.hidden_sizes: [8]}}]
"""
FRAGILE = """\
name: ray-fragile
ratings: [{name: planted-factors, split: {kind: random, fraction: 0.3, seed: 1}}]
measures: RMSE
seeds: [1, 2]
systems: [bias, {name: fragile, recipe: RECIPE, settings: SETTINGS}]
"""

pytestmark = pytest.mark.slow


def suite(text, **fields):
    value = {**parse_yaml(text, "x").value, **fields}
    return parse_suite(parse_yaml(json.dumps(value), "small.yaml"))


def told(result):
    """What a result says, without costs and the note on them."""
    boards = []
    for board in result.boards:
        rows = [row.model_dump(mode="json", exclude=COSTS) for row in board.rows]
        notes = [note for note in board.notes if not note.startswith(("run by Ray", "test part looked at"))]
        boards.append({**board.model_dump(mode="json"), "rows": rows, "notes": notes})
    return boards


@pytest.fixture(scope="module", autouse=True)
def plugin():
    """Installed for all: workers that know other packages are other workers, and take seconds to start."""
    with installed(PLUGIN):
        yield


@pytest.fixture
def fragile(tmp_path, local_ray):
    """A suite with a system of a plug-in that this process and the workers can import, and the log of its fits."""
    recipe = tmp_path / "fragile.yaml"
    recipe.write_text("name: fragile\nabout: Dies or fails.\nneeds: [train]\nstages: [{use: fragile}]\n")
    log = tmp_path / "fits"

    def made(**settings):
        log.unlink(missing_ok=True)
        settings = json.dumps({"log": str(log), **settings})
        return suite(FRAGILE.replace("RECIPE", str(recipe)).replace("SETTINGS", settings))

    return made, log


# ---------------------------------------------------------------------- the same digits


@pytest.mark.parametrize("text", [RATINGS, SEARCH], ids=["folds and seeds of ratings", "retrieval that shares work"])
def test_a_suite_by_ray_says_what_this_process_says(local_ray, text):
    here, there = run_suite(suite(text)), run_suite(suite(text), engine="ray")
    assert told(there) == told(here)
    assert all(row.cells for board in there.boards for row in board.rows)
    assert (
        f"run by Ray {local_ray.__version__}, up to 2 at once: times and memory are those of a worker among them"
        in (there.boards[0].notes)
    )
    assert not any("Ray" in note for note in here.boards[0].notes)


def test_pools_are_the_same_too_and_paths_are_of_the_folder_one_works_in(local_ray, tmp_path, monkeypatch):
    plant(tmp_path)
    monkeypatch.chdir(tmp_path)
    chosen = planted(NET, AS_GIVEN, extra="seeds: [4]\n")
    assert told(run_suite(chosen, engine="ray")) == told(run_suite(chosen))


def test_models_that_are_trained_are_the_same_too(local_ray):
    here, there = run_suite(suite(TRAINED)), run_suite(suite(TRAINED), engine="ray")
    assert told(there) == told(here)
    assert there.boards[0].rows[1].figures, "pictures travel"


def test_looks_at_a_test_part_in_workers_are_counted(local_ray, monkeypatch):
    from irkit.recommend.guards import LOOKS

    notes = []
    for engine in ("local", "ray"):
        monkeypatch.setattr(LOOKS, "counts", {})
        board = run_suite(suite(RATINGS), engine=engine).boards[0]
        notes.append([note for note in board.notes if note.startswith("test part looked at")])
    assert notes == [["test part looked at 3 times"]] * 2  # of the first fold: bias, and mf with two seeds


def test_a_page_shows_the_same_of_single_queries(local_ray):
    text = "name: looks\ncollections: [lee]\nmeasures: AP\nrepeats: 1\nbaseline: bm25\nsystems: [bm25, bm25-rm3]\n"
    here, there = (run_suite(suite(text), engine=engine, looks=True).boards[0].looks for engine in ("local", "ray"))
    assert there == here
    assert here is not None


# ---------------------------------------------------------------------- tuning


@pytest.mark.parametrize("recipe", ["bm25", "bm25-features-linear"], ids=["that shares stages", "that learns"])
def test_settings_of_retrieval_are_chosen_alike(local_ray, recipe):
    space = {"0.k1": [0.6, 0.9, 1.2], "0.b": [0.2, 0.4]} if recipe == "bm25" else {"0.k1": [0.6, 1.2]}
    lee, how = load_collection("lee"), {"folds": 2, "inner": 2}
    here, there = (tune(recipe, space, lee, measures="AP", engine=engine, **how) for engine in ("local", "ray"))
    assert there.frame().equals(here.frame())
    assert there.evaluation.per_query.equals(here.evaluation.per_query)
    assert str(there) == str(here)


def test_settings_of_recommenders_are_chosen_alike(local_ray):
    space, how = {"damping": [1.0, 5.0, 25.0]}, {"split": {"kind": "random", "fraction": 0.3}}
    here, there = (
        tune_ratings("bias", space, "planted-factors", "RMSE", engine=engine, **how) for engine in ("local", "ray")
    )
    assert there.frame().equals(here.frame())
    assert (there.best, there.tuned.means) == (here.best, here.tuned.means)


def test_an_error_of_a_candidate_is_the_one_it_is_here(local_ray):
    space = {"k1": [0.6, -1.0]}
    with pytest.raises(ConfigError) as here:
        tune("bm25", space, load_collection("lee"), measures="AP")
    with pytest.raises(ConfigError) as there:
        tune("bm25", space, load_collection("lee"), measures="AP", engine="ray")
    assert str(there.value) == str(here.value)


def test_optuna_is_not_for_ray():
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.raises(ConfigError, match="tune: optuna chooses a candidate by those before it, one by one"):
        tune("bm25", {"k1": [1.0]}, load_collection("lee"), method="optuna", engine="ray")


# ---------------------------------------------------------------------- what goes wrong


def test_a_trial_whose_worker_is_killed_is_tried_again_and_nothing_is_lost_or_doubled(fragile):
    made, log = fragile
    chosen = made(dies="once")
    there = run_suite(chosen, engine="ray")
    fits = [line.split() for line in log.read_text().splitlines()]
    assert len({pid for pid, _ in fits}) >= 2
    assert sorted(seed for _, seed in fits) in (["1", "1", "2"], ["1", "2", "2"])
    assert told(there) == told(run_suite(chosen))  # whose log is there: nobody dies


def test_a_trial_whose_worker_always_dies_is_a_row_that_failed(fragile):
    made, log = fragile
    chosen = made(dies="always").changed(seeds=(1,))
    rows = {row.name: row for row in run_suite(chosen, engine="ray").boards[0].rows}
    assert rows["fragile"].failed == (
        "the worker process died in the middle of it each of the 3 times that it was tried"
    )
    assert rows["bias"].cells
    assert len(log.read_text().splitlines()) == 3


def test_a_system_that_fails_says_what_it_says_here(fragile):
    made, _ = fragile
    here, there = run_suite(made(fails=True)), run_suite(made(fails=True), engine="ray")
    assert told(there) == told(here)
    failed = there.boards[0].rows[1].failed
    assert failed.startswith("Odd: it is so, in ")
    assert ", in the plug-in fragile_plugin (line " in failed


def test_a_suite_by_ray_that_is_cut_goes_on_where_it_stood(fragile, monkeypatch):
    made, log = fragile
    whole, chosen = run_suite(made()), made()
    real, kept = Journal.keep, []

    def cut(self, task, trial, measured):
        real(self, task, trial, measured)
        if trial.system.name == "fragile":
            kept.append(str(trial.seed))
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "keep", cut)
        with pytest.raises(KeyboardInterrupt):
            run_suite(chosen, engine="ray")
    assert any_kept(chosen)
    again = run_suite(chosen, engine="ray")
    seeds = [line.split()[1] for line in log.read_text().splitlines()]
    assert [seeds.count(seed) for seed in kept] == [1]
    assert set(seeds) == {"1", "2"}
    assert told(again) == told(whole)
    assert not any_kept(chosen)


def test_where_the_head_of_a_cluster_does_not_answer_the_run_ends(local_ray, monkeypatch):
    monkeypatch.setattr("irkit.cluster.connection.answers", lambda place: False)
    monkeypatch.setattr("irkit.cluster.connection.WAIT", 0.1)
    monkeypatch.setattr(local_ray, "wait", lambda flying, **how: ([], flying))  # nothing is ever done
    with pytest.raises(ClusterError, match="suite ray-ratings: the Ray cluster was lost, its head no longer answers"):
        run_suite(suite(RATINGS), engine="ray")


def test_without_ray_and_with_words_that_mean_nothing_there_is_one_line(monkeypatch):
    with pytest.raises(ConfigError, match="suite: there is no engine 'rey'; did you mean ray"):
        run_suite(suite(RATINGS), engine="rey")
    with pytest.raises(ConfigError, match="suite: an address is for the engine ray"):
        run_suite(suite(RATINGS), address="auto")
    with pytest.raises(ConfigError, match="suite: the address of a cluster is auto, local or HOST:PORT, got 'there'"):
        run_suite(suite(RATINGS), engine="ray", address="there")
    monkeypatch.setattr("irkit.cluster.connection.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"suite: Ray is not installed; pip install 'irkit\[ray\]'"):
        run_suite(suite(RATINGS), engine="ray")
