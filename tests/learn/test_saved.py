"""Tests of irkit.learn.saved and irkit.learn.metrics: what a run leaves, and how it goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from irkit.errors import ConfigError, DataError
from irkit.learn import checkpoint
from irkit.learn.metrics import read_metrics
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.saved import CHECKPOINT
from irkit.learn.trainer import TrainerConfig
from tests.learn.regression_toy import Regression, data, run, settled, weights


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop"])
def test_ten_epochs_are_five_and_five_more_bit_for_bit(tmp_path, kind):
    rule = OptimiserConfig(kind=kind, learning_rate=0.02, momentum=0.0 if kind == "adam" else 0.5)
    config = TrainerConfig(epochs=10, batch_size=7, optimiser=rule)
    whole, training = run(config, folder=tmp_path / "whole")
    run(config.changed(epochs=5), folder=tmp_path / "parts")
    parts, resumed = run(config, folder=tmp_path / "parts", resume=True)
    assert weights(parts) == weights(whole)
    assert settled(resumed) == settled(training)
    assert resumed.best == training.best
    rows = read_metrics(tmp_path / "parts" / "metrics.jsonl")
    assert settled(training) == [{k: v for k, v in row.items() if k not in {"wall", "cpu"}} for row in rows]


def test_ctrl_c_finishes_the_step_saves_and_resumes_bit_for_bit(tmp_path):
    config = TrainerConfig(epochs=4, batch_size=7)
    whole, training = run(config)

    class Stopped(Regression):
        def loss(self, batch, now):
            if now.step == 8:
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(batch, now)

    with pytest.raises(KeyboardInterrupt):
        run(config, net=Stopped(dropout=0.2, noise=0.1), folder=tmp_path)
    parts, resumed = run(config, folder=tmp_path, resume=True)
    assert weights(parts) == weights(whole)
    assert settled(resumed) == settled(training)


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from regression_toy import Regression, run
from irkit.learn.trainer import TrainerConfig
from pathlib import Path

class Killed(Regression):
    def loss(self, batch, now):
        if now.step == 15:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(batch, now)

run(TrainerConfig(epochs=6, batch_size=7, threads=1), net=Killed(0.2, 0.1), folder=Path(sys.argv[2]))
"""
KILL_CONFIG = TrainerConfig(epochs=6, batch_size=7, threads=1)


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_numbers(tmp_path):
    whole, training = run(KILL_CONFIG)
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert sorted(os.listdir(tmp_path)) == [CHECKPOINT, "metrics.jsonl"]
    parts, resumed = run(KILL_CONFIG, folder=tmp_path, resume=True)
    assert weights(parts) == weights(whole)
    assert settled(resumed) == settled(training)


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    config = TrainerConfig(epochs=3)
    first, training = run(config, folder=tmp_path)
    second, again = run(config, folder=tmp_path, resume=True)
    assert weights(first) == weights(second)
    assert settled(training) == settled(again)


def test_without_resume_a_run_starts_anew(tmp_path):
    config = TrainerConfig(epochs=3)
    _, training = run(config, folder=tmp_path)
    _, again = run(config, folder=tmp_path)
    assert settled(training) == settled(again)
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == len(training.rows)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    config = TrainerConfig(epochs=1)
    run(config, folder=tmp_path)
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings; resume with"):
        run(config.changed(seed=2), folder=tmp_path, resume=True)
    with pytest.raises(ConfigError, match="belongs to another run: not the same data"):
        run(config, rows=data(39), folder=tmp_path, resume=True)
    wider = Regression(0.2, 0.1)
    wider.extra = nn.Linear(2, 2)
    with pytest.raises(ConfigError, match="belongs to another run: not the same network"):
        run(config, net=wider, folder=tmp_path, resume=True)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    config = TrainerConfig(epochs=1)
    run(config, folder=tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="is not a readable checkpoint"):
        run(config, folder=tmp_path, resume=True)


def test_a_checkpoint_of_another_version_is_read_or_refused_in_one_line(tmp_path):
    config = TrainerConfig(epochs=2)
    net, _ = run(config, folder=tmp_path)
    tree = checkpoint.load(tmp_path / CHECKPOINT, "run")
    del tree["run"]["validation data"]
    for name in ("before", "longest"):  # as the first version wrote it
        del tree["counters"][name]
    checkpoint.save(tmp_path / CHECKPOINT, "run", tree)
    assert weights(run(config, folder=tmp_path, resume=True)[0]) == weights(net)
    checkpoint.save(tmp_path / CHECKPOINT, "run", tree)
    with pytest.raises(ConfigError, match="holds 2 epochs in 2 steps and would have ended sooner with epochs 1"):
        run(config.changed(epochs=1), folder=tmp_path, resume=True)
    for change in ({"counters": {"steps": 3}}, {"optimisers": []}):
        checkpoint.save(tmp_path / CHECKPOINT, "run", {**tree, **change})
        with pytest.raises(DataError, match="does not fit this version's training"):
            run(config, folder=tmp_path, resume=True)


def test_a_checkpoint_from_before_turns_and_averages_goes_on_bit_for_bit(tmp_path):
    config = TrainerConfig(epochs=4, batch_size=7)
    whole, training = run(config)

    class Stopped(Regression):
        def loss(self, batch, now):
            if now.step == 8:
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(batch, now)

    with pytest.raises(KeyboardInterrupt):
        run(config, net=Stopped(dropout=0.2, noise=0.1), folder=tmp_path)
    tree = checkpoint.load(tmp_path / CHECKPOINT, "run")
    assert tree["counters"].pop("counts") == {"error": 3, "loss": 3, "grad_norm": 3}
    assert sorted(tree) == ["best", "counters", "net", "optimisers", "rng", "run", "torch_rng"]
    assert sorted(tree["counters"]) == [
        *("before", "best", "best_step", "cpu", "drawn", "evaluated", "longest", "rates", "step", "sums"),
        *("waited", "wall"),
    ]
    assert sorted(tree["run"]["settings"]) == ["batch_size", "every", "optimiser", "seed"]
    checkpoint.save(tmp_path / CHECKPOINT, "run", tree)
    parts, resumed = run(config, folder=tmp_path, resume=True)
    assert weights(parts) == weights(whole)
    assert settled(resumed) == settled(training)


def test_what_else_a_run_is_may_not_change(tmp_path):
    config = TrainerConfig(epochs=1)
    run(config, folder=tmp_path, settings={"reg": 0.1})
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
        run(config, folder=tmp_path, settings={"reg": 0.2}, resume=True)
    run(config, folder=tmp_path, settings={"reg": 0.1}, resume=True)


def test_validation_rows_are_part_of_what_a_run_is(tmp_path):
    config = TrainerConfig(epochs=1)
    run(config, folder=tmp_path, validation_data="one")
    with pytest.raises(ConfigError, match="belongs to another run: not the same validation data; resume with"):
        run(config, folder=tmp_path, validation_data="other", resume=True)
    run(config, folder=tmp_path, validation_data="one", resume=True)


def test_a_curve_that_is_lost_is_not_replaced_by_an_empty_one(tmp_path):
    config = TrainerConfig(epochs=3)
    run(config, folder=tmp_path)
    path = tmp_path / "metrics.jsonl"
    whole = path.read_bytes()
    for kept in (None, whole.split(b"\n", 1)[0] + b"\n"):
        path.unlink() if kept is None else path.write_bytes(kept)
        with pytest.raises(
            DataError, match=r"metrics\.jsonl: lacks the evaluation of step 3; restore the file, or start"
        ):
            run(config, folder=tmp_path, resume=True)
    path.write_bytes(whole)
    run(config, folder=tmp_path, resume=True)


def test_metrics_cut_short_by_a_kill_are_read_and_nonsense_is_refused(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "val')
    assert read_metrics(path) == [{"step": 1}]
    path.write_bytes(b'{"step": 1}\n{"step": 2, "val\n')
    assert read_metrics(path) == [{"step": 1}]
    path.write_bytes(b'{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(DataError, match=r"metrics.jsonl:2: is not a row of metrics"):
        read_metrics(path)
