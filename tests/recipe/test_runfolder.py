"""Tests of irkit.recipe.runfolder: what a run leaves, which folders it refuses, and how it survives being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from irkit.errors import AbilityError, ConfigError, DataError, IrkitError, LockedError, NotFoundError
from irkit.generative.saved import load_model
from irkit.learn.metrics import read_metrics
from irkit.recipe.runfolder import open_model, resume_fit, train_run
from irkit.recipe.training import TrainingRecipe, load_training

VOLATILE = {"wall_seconds", "cpu_seconds", "date"}


def recipe(**values) -> TrainingRecipe:
    trainer = {"epochs": 2, "batch_size": 400, "optimiser": {"learning_rate": 0.01}}
    given = {"name": "tiny", "model": "nade", "config": {"hidden_size": 3}, "data": "digits", "trainer": trainer}
    return TrainingRecipe(**{**given, **values})


def numbers(folder) -> dict:
    """What a run says of itself, without times."""
    return {
        key: value for key, value in json.loads((folder / "RESULT.json").read_text()).items() if key not in VOLATILE
    }


def curve(folder) -> list[dict]:
    rows = read_metrics(folder / "metrics.jsonl")
    return [{key: value for key, value in row.items() if key not in {"wall", "cpu"}} for row in rows]


def same_weights(one, other) -> bool:
    ours, theirs = (load_model(folder / "model.safetensors").net.state_dict() for folder in (one, other))
    return ours.keys() == theirs.keys() and all(bool((ours[name] == theirs[name]).all()) for name in ours)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run that has ended; tests only read its folder."""
    return train_run(recipe(), tmp_path_factory.mktemp("runs") / "deep" / "tiny")


def test_a_run_leaves_what_the_module_promises(done):
    names = {path.name for path in done.folder.iterdir()} - {".lock"}
    assert names == {
        *("config.yaml", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors", "figures", "RESULT.json")
    }
    stated = load_training(done.folder / "config.yaml")
    assert stated.hash == recipe().hash
    assert stated.trainer["batch_size"] == 400
    assert stated.config["activation"] == "sigmoid"  # defaults too
    result = json.loads((done.folder / "RESULT.json").read_text())
    assert result == done.result
    assert (result["recipe"], result["recipe_hash"]) == ("tiny", recipe().hash)
    assert (result["seed"], result["budget"]) == (1, {"epochs": 2})
    data = recipe().load_data()
    loaded = load_model(done.folder / "model.safetensors")
    assert result["measures"]["log p"]["value"] == pytest.approx(loaded.log_prob(data.test).mean().value, abs=1e-6)
    assert result["data_hash"] == data.fingerprint
    assert {path.name for path in (done.folder / "figures").iterdir()} == {
        f"{stem}.{kind}" for stem, kind in [("learning-curve", "svg"), ("samples", "png")] for kind in (kind, "csv")
    }


def test_the_same_recipe_gives_the_same_run_whatever_the_random_state(done, tmp_path):
    import torch

    torch.manual_seed(99)
    before = torch.get_rng_state()
    train_run(recipe(), tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert numbers(tmp_path) == numbers(done.folder)
    assert curve(tmp_path) == curve(done.folder)
    assert same_weights(tmp_path, done.folder)


def test_a_run_goes_on_with_more_epochs_and_ends_as_if_it_never_stopped(done, tmp_path):
    train_run(recipe(trainer={**recipe().trainer, "epochs": 1}), tmp_path)
    train_run(recipe(), tmp_path, resume=True)
    assert numbers(tmp_path) == numbers(done.folder)
    train_run(recipe(), tmp_path, resume=True)  # nothing is left to do
    assert numbers(tmp_path) == numbers(done.folder)
    assert curve(tmp_path) == curve(done.folder)


def test_resuming_where_there_is_no_run_says_where_there_is_one(done, tmp_path):
    with pytest.raises(NotFoundError, match="tinny holds no run to go on with; did you mean tiny"):
        train_run(recipe(), done.folder.parent / "tinny", resume=True)
    assert not (done.folder.parent / "tinny").exists()
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(NotFoundError, match="holds no run to go on with; leave out --resume to begin one"):
            train_run(recipe(), tmp_path / name, resume=True)
    assert files(tmp_path) == {}


def test_a_suite_begins_where_there_is_no_run(done, tmp_path):
    resume_fit(recipe(), recipe().load_data(), tmp_path / "new")
    assert curve(tmp_path / "new") == curve(done.folder)


# --------------------------------------------------------------------------------------------- what is refused


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("resume", "change", "message"),
    [
        (False, {}, "holds a run of 'tiny'; go on with it by --resume, or choose another folder"),
        (True, {"config": {"hidden_size": 4}}, "holds another run, of 'tiny'; resume it with the settings"),
        (True, {"binarise": "sample"}, "holds another run"),
        (True, {"trainer": {**recipe().trainer, "seed": 2}}, "holds another run"),
    ],
)
def test_a_folder_with_another_run_is_refused_and_left_as_it_is(done, resume, change, message):
    before = files(done.folder)
    with pytest.raises(ConfigError, match=f"train: .*tiny {message}"):
        train_run(recipe(**change), done.folder, resume=resume)
    assert files(done.folder) == before


def test_what_fit_left_in_a_folder_is_taken_up_if_that_is_asked_for(done, tmp_path):
    recipe().fit(folder=tmp_path)
    with pytest.raises(ConfigError, match="is not empty and holds no run; choose another folder"):
        train_run(recipe(), tmp_path)
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
        resume_fit(recipe(config={"hidden_size": 4}), recipe().load_data(), tmp_path)
    assert not (tmp_path / "config.yaml").exists()
    resume_fit(recipe(), recipe().load_data(), tmp_path)
    assert load_training(tmp_path / "config.yaml").hash == recipe().hash
    train_run(recipe(), tmp_path, resume=True)
    assert same_weights(tmp_path, done.folder)
    assert numbers(tmp_path) == numbers(done.folder)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("chapter 1")
    with pytest.raises(ConfigError, match="is not empty and holds no run; choose another folder"):
        train_run(recipe(), tmp_path)
    with pytest.raises(NotFoundError, match="holds no run to go on with"):
        train_run(recipe(), tmp_path, resume=True)
    assert files(tmp_path) == {"thesis.tex": b"chapter 1"}
    (tmp_path / "config.yaml").write_text("site: mine\n")
    for resume in (False, True):
        with pytest.raises(IrkitError, match=r"config\.yaml"):
            train_run(recipe(), tmp_path, resume=resume)
    assert (tmp_path / "config.yaml").read_text() == "site: mine\n"


@pytest.mark.parametrize(
    "budget",
    [
        {"epochs": 1},
        {"epochs": None, "steps": 3},
        {"epochs": None, "seconds": 1e-9},
        {"epochs": 9, "patience": 1},
    ],
    ids=str,
)
def test_a_run_is_not_said_to_have_had_less_than_it_had(tmp_path, budget):
    waiting = {**recipe().trainer, "epochs": 3, "optimiser": {"learning_rate": 1e-12}}
    train_run(recipe(trainer=waiting), tmp_path)
    before = files(tmp_path)
    with pytest.raises(
        ConfigError, match=r"holds 3 epochs in 12 steps and would have ended sooner with \w+ [\de.-]+; all"
    ):
        train_run(recipe(trainer={**waiting, **budget}), tmp_path, resume=True)
    with pytest.raises(ConfigError, match="would have ended sooner"):
        resume_fit(recipe(trainer={**waiting, **budget}), recipe().load_data(), tmp_path)
    assert files(tmp_path) == before


ANNEALED = {"hidden_size": 4, "latent_size": 2, "kl": {"shape": "linear"}}


@pytest.mark.parametrize(
    "change",
    [
        {"trainer": {**recipe().trainer, "optimiser": {"learning_rate": 0.01, "schedule": "linear"}}},
        {"model": "vae", "config": ANNEALED},
    ],
    ids=["learning rate", "KL term"],
)
def test_a_schedule_is_not_stretched_afterwards(tmp_path, change):
    """With more epochs the first ones would have been others, so that no config would give the run again."""
    short = recipe(**change)
    longer = short.with_settings({"trainer.epochs": 4})
    train_run(short, tmp_path)
    before = files(tmp_path)
    with pytest.raises(
        ConfigError, match="is of a run whose schedule goes over another budget; resume with the budget"
    ):
        train_run(longer, tmp_path, resume=True)
    assert files(tmp_path) == before
    train_run(short, tmp_path, resume=True)
    assert curve(tmp_path) == [
        {key: value for key, value in json.loads(line).items() if key not in {"wall", "cpu"}}
        for line in before["metrics.jsonl"].splitlines()
    ]


@pytest.mark.parametrize("part", ["train", "valid"])
def test_rows_that_changed_since_are_noticed(tmp_path, monkeypatch, part):
    train_run(recipe(), tmp_path)
    before = files(tmp_path)
    data = recipe().load_data()
    other = replace(data, **{part: 1 - getattr(data, part)})
    monkeypatch.setattr(TrainingRecipe, "load_data", lambda self: other)
    what = {"train": "data", "valid": "validation data"}[part]
    longer = recipe(trainer={**recipe().trainer, "epochs": 4})
    with pytest.raises(ConfigError, match=f"belongs to another run: not the same {what}; resume with"):
        train_run(longer, tmp_path, resume=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize("part", ["train", "valid"])
def test_test_rows_are_not_learned_from(tmp_path, part):
    data = recipe().load_data()
    leak = replace(data, **{part: data.test, f"{part}_labels": data.test_labels})
    name = {"train": "training", "valid": "validation"}[part]
    with pytest.raises(ConfigError, match=f"the {name} rows of digits are its test rows; give each part its own"):
        recipe().fit(leak)
    if part == "valid":
        recipe(validate=False).fit(leak)


PARTS = ("config.yaml", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors", "RESULT.json")


@pytest.mark.parametrize("lost", PARTS)
def test_a_finished_run_that_lost_a_file_is_not_trained_over(tmp_path, lost):
    train_run(recipe(), tmp_path)
    (tmp_path / lost).unlink()
    before = files(tmp_path)
    missing = f"holds a run whose {lost} is missing; restore it, or choose another folder"
    refusal = missing if lost in ("config.yaml", "checkpoint.safetensors") else "holds a run of 'tiny'; go on with it"
    with pytest.raises(ConfigError, match=refusal):
        train_run(recipe(), tmp_path)
    assert files(tmp_path) == before
    if lost in ("model.safetensors", "RESULT.json"):  # made again from the checkpoint
        train_run(recipe(), tmp_path, resume=True)
        assert set(before) | {lost} <= set(files(tmp_path))
        return
    with pytest.raises((ConfigError, DataError), match=lost):
        train_run(recipe(), tmp_path, resume=True)
    assert files(tmp_path) == before


def test_a_run_that_lost_its_checkpoint_before_it_ended_is_not_begun_anew(tmp_path, monkeypatch):
    from irkit.learn.model import Model

    with monkeypatch.context() as broken:
        broken.setattr(Model, "save", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_run(recipe(), tmp_path)
    (tmp_path / "checkpoint.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"holds a run whose checkpoint\.safetensors is missing"):
        train_run(recipe(), tmp_path)


def test_a_run_says_at_once_what_it_goes_on_with(tmp_path, monkeypatch):
    train_run(recipe(), tmp_path)
    longer = recipe(trainer={**recipe().trainer, "epochs": 5})
    with monkeypatch.context() as broken:
        broken.setattr("irkit.learn.trainer._evaluate", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_run(longer, tmp_path, resume=True)
    assert load_training(tmp_path / "config.yaml").hash == longer.hash
    assert json.loads((tmp_path / "RESULT.json").read_text())["recipe_hash"] == recipe().hash
    train_run(longer, tmp_path, resume=True)
    assert json.loads((tmp_path / "RESULT.json").read_text())["recipe_hash"] == longer.hash


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"data": "mnist"}, NotFoundError),
        ({"data": "debd/none"}, NotFoundError),
        ({"model": "vae", "config": {"encoder": "conv", "shape": [3, 3]}}, ConfigError),
        ({"judge": "modes"}, ConfigError),  # of data
        ({"judge": "posterior", "data": "four-points"}, AbilityError),  # of models
    ],
)
def test_bad_input_leaves_no_folder(tmp_path, monkeypatch, change, error):
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path / "none"))
    with pytest.raises(error):
        train_run(recipe(**change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_judged_says_how_to_train_it(tmp_path, monkeypatch):
    def fit(*arguments, **settings):
        raise AssertionError("trained")

    monkeypatch.setattr(TrainingRecipe, "fit", fit)
    with pytest.raises(ConfigError, match=r"'tiny': modes: .*, or train without a judge, by judge: null$"):
        train_run(recipe(judge="modes"), tmp_path / "run")
    with pytest.raises(AssertionError, match="trained"):
        train_run(recipe(judge="modes").with_settings({"judge": None}), tmp_path / "run")


def test_two_processes_cannot_train_in_one_folder(done):
    from filelock import FileLock

    with FileLock(done.folder / ".lock"), pytest.raises(LockedError, match="another process trains in"):
        train_run(recipe(), done.folder, resume=True)


def test_a_run_that_failed_before_its_first_checkpoint_is_no_obstacle(done, tmp_path, monkeypatch):
    import irkit.generative.nade

    with monkeypatch.context() as broken:
        broken.setattr(irkit.generative.nade.NADENet, "score", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_run(recipe(config={"hidden_size": 9}), tmp_path)
    train_run(recipe(), tmp_path)
    assert numbers(tmp_path) == numbers(done.folder)


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "config.yaml", "metrics.jsonl"])
def test_a_damaged_run_is_not_resumed(tmp_path, name):
    train_run(recipe(), tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    path.write_bytes(b"\x80\x04garbage\n" + whole[12:])
    with pytest.raises(DataError):
        train_run(recipe(), tmp_path, resume=True)
    path.write_bytes(whole)
    train_run(recipe(), tmp_path, resume=True)


# ------------------------------------------------------------------------------------------------- opening


def test_a_run_and_a_models_file_are_opened(done):
    opened = open_model(done.folder)
    assert (opened.model.known.picture, opened.recipe.name) == ((8, 8), "tiny")
    bare = open_model(done.folder / "model.safetensors")
    assert (bare.model.known.picture, bare.recipe) == ((8, 8), None)
    x = recipe().load_data().test
    np.testing.assert_array_equal(opened.model.log_prob(x).value, bare.model.log_prob(x).value)


def test_what_cannot_be_opened_says_why(done, tmp_path):
    with pytest.raises(NotFoundError, match=r"holds no model\.safetensors, it is no run"):
        open_model(tmp_path)
    (tmp_path / "config.yaml").write_bytes((done.folder / "config.yaml").read_bytes())
    with pytest.raises(NotFoundError, match=r"its run has not ended; go on with irkit train --resume"):
        open_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((done.folder / "model.safetensors").read_bytes())
    assert open_model(tmp_path).recipe.name == "tiny"


# ------------------------------------------------------------------------------------------------- killed


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_numbers(tmp_path):
    from irkit.cli import main

    def words(folder, *more):
        settings = ["--set", "trainer.epochs=4", "--set", "trainer.every=2", "--set", "trainer.threads=1"]
        return ["train", "nade-digits", "--run", str(folder), "--seed", "3", *settings, *more]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command = [sys.executable, "-m", "irkit", *words(parts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        limit = time.monotonic() + 120
        metrics = parts / "metrics.jsonl"
        while not (metrics.is_file() and metrics.read_bytes().count(b"\n") > 40) and time.monotonic() < limit:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (parts / "RESULT.json").exists()
    assert main(words(parts, "--resume")) == 0
    assert main(words(whole)) == 0
    assert numbers(parts) == numbers(whole)
    assert curve(parts) == curve(whole)
    assert same_weights(parts, whole)
    for name in ("figures/samples.csv", "figures/learning-curve.csv", "config.yaml"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"judge": "modes"}, "modes: the modes of digits are not known"),
        ({"data": "four-points", "judge": "posterior"}, "posterior: judges models that encode, which made does not"),
    ],
)
def test_what_a_judge_cannot_judge_is_refused_before_training(tmp_path, values, message):
    given = {"model": "made", "config": {"hidden_sizes": [2]}, **values}
    with pytest.raises(IrkitError, match=message):
        train_run(recipe(**given), tmp_path / "run")
    assert not (tmp_path / "run").exists()
