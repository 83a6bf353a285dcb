"""Tests of irkit.learn.trainer, and of what it keeps: saved, metrics, optimiser, conditions."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from irkit.errors import ConfigError, DataError, DivergedError
from irkit.learn import checkpoint
from irkit.learn.batches import Rows
from irkit.learn.conditions import choose_device, conditions, deferred_interrupt
from irkit.learn.estimate import Estimate
from irkit.learn.metrics import read_metrics
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Phase
from irkit.learn.saved import CHECKPOINT
from irkit.learn.trainer import TrainerConfig, train

SGD = OptimiserConfig(kind="sgd", learning_rate=0.1)


class Regression(nn.Module):
    """y = w x, with dropout (torch's own generator) and noise (the run's) so that both must be restored."""

    def __init__(self, dropout: float = 0.0, noise: float = 0.0):
        super().__init__()
        self.linear = nn.Linear(3, 1, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.drop = nn.Dropout(dropout)
        self.noise = noise

    def loss(self, batch, now):
        x, y = batch[:, :3], batch[:, 3:]
        x = x + self.noise * torch.randn(x.shape, generator=now.rng)
        error = (self.linear(self.drop(x)) - y).square().mean()
        return Loss(error, {"error": error})


def data(n: int = 40) -> torch.Tensor:
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(7))
    return torch.cat([x, x @ torch.tensor([[1.0], [-2.0], [0.5]])], dim=1)


def run(config: TrainerConfig, *, net: Regression | None = None, rows: torch.Tensor | None = None, **options):
    net = net or Regression(dropout=0.2, noise=0.1)
    source = Rows(data() if rows is None else rows, config.batch_size, seed=config.seed)
    if options.pop("validate", True):
        x = data(20)

        def validate():
            return Estimate(-float((net.linear(x[:, :3]) - x[:, 3:]).square().mean()), 0.0, "exact")

        options["validate"] = validate
    return net, train(net, [Phase("net", list(net.parameters()), net.loss)], source, config, **options)


def weights(net: nn.Module) -> list[float]:
    return net.linear.weight.detach().flatten().tolist()


# ------------------------------------------------------------------------------------------------ the loop


def test_plain_sgd_is_the_formula_step_by_step():
    config = TrainerConfig(epochs=3, batch_size=10, optimiser=SGD, seed=4)
    net, training = run(config, net=Regression(), validate=False)
    w = np.zeros(3)
    rows = Rows(data(), 10, seed=4)
    for epoch in range(3):
        for at in range(4):
            batch = rows.batch(epoch, at, torch.Generator()).numpy().astype(np.float64)
            x, y = batch[:, :3], batch[:, 3]
            gradient = np.zeros(3)
            for i in range(10):
                gradient += 2 * (x[i] @ w - y[i]) * x[i] / 10
            w -= 0.1 * gradient
    np.testing.assert_allclose(weights(net), w, rtol=1e-5)
    assert (training.steps, training.epochs, training.stopped) == (12, 3.0, "epochs")


def test_it_learns_and_reports_its_best():
    net, training = run(TrainerConfig(epochs=60, batch_size=10, optimiser=SGD), net=Regression())
    np.testing.assert_allclose(weights(net), [1.0, -2.0, 0.5], atol=1e-3)
    scores = [row["value"] for row in training.rows if row["metric"] == "score"]
    assert training.best == max(scores)


@pytest.mark.parametrize(
    ("budget", "stopped", "steps"),
    [({"epochs": 2}, "epochs", 8), ({"epochs": 9, "steps": 5}, "steps", 5), ({"epochs": None, "steps": 7}, "steps", 7)],
)
def test_the_first_budget_that_is_spent_ends_the_run(budget, stopped, steps):
    _, training = run(TrainerConfig(batch_size=10, **budget))
    assert (training.stopped, training.steps) == (stopped, steps)


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_a_time_budget_ends_the_run(clock):
    _, training = run(TrainerConfig(epochs=None, seconds=0.2, clock=clock))
    assert training.stopped == "seconds"
    assert 0.2 <= getattr(training, clock) < 2


def test_a_run_without_a_budget_is_refused():
    with pytest.raises(ConfigError, match="Trainer: training would never end; set epochs, steps or seconds"):
        TrainerConfig(epochs=None)


def test_early_stopping_restores_the_best_weights():
    net = Regression()
    scores = iter([-5.0, -3.0, -4.0, -4.5, -1.0])
    seen = []

    def validate():
        assert not net.training
        assert not torch.is_grad_enabled()
        seen.append(weights(net))
        return Estimate(next(scores), 0.0, "exact")

    rows = Rows(data(), 10, seed=1)
    config = TrainerConfig(epochs=50, patience=2, batch_size=10, optimiser=SGD)
    training = train(net, [Phase("net", list(net.parameters()), net.loss)], rows, config, validate=validate)
    assert (training.stopped, training.best, training.best_step, training.steps) == ("patience", -3.0, 8, 16)
    assert weights(net) == seen[1] != seen[3]
    assert not net.training


def test_clipping_bounds_the_step_and_the_norm_before_it_is_written_down():
    rule = OptimiserConfig(kind="sgd", learning_rate=1.0, clip=0.01)
    net, training = run(TrainerConfig(epochs=None, steps=1, optimiser=rule), net=Regression(), validate=False)
    assert np.linalg.norm(weights(net)) == pytest.approx(0.01, rel=1e-4)
    assert next(row["value"] for row in training.rows if row["metric"] == "grad_norm") > 1


def test_rates_follow_their_schedules():
    linear = OptimiserConfig(learning_rate=2.0, schedule="linear", hold=0.5, final=0.1)
    assert [linear.rate(t) for t in (0, 0.5, 0.75, 1)] == pytest.approx([2, 2, 1.1, 0.2])
    cosine = OptimiserConfig(learning_rate=2.0, schedule="cosine")
    assert [cosine.rate(t) for t in (0, 0.5, 1)] == pytest.approx([2, 1, 0])
    config = TrainerConfig(epochs=2, batch_size=10, optimiser=linear, every=1)
    _, training = run(config)
    rates = [row["value"] for row in training.rows if row["metric"] == "learning_rate.net"]
    assert rates == pytest.approx([linear.rate(step / 8) for step in range(8)])


@pytest.mark.parametrize(
    ("kind", "theirs"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD), ("rmsprop", torch.optim.RMSprop)]
)
def test_optimisers_are_torchs(kind, theirs):
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    made = OptimiserConfig(kind=kind, learning_rate=0.5, weight_decay=0.1).make([bias, weight])
    assert type(made) is theirs
    decay = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    assert decay == {id(weight): 0.1, id(bias): 0.0}
    assert {group["lr"] for group in made.param_groups} == {0.5}
    (0 * weight.sum() + 0 * bias.sum()).backward()
    made.step()
    assert bool((weight < 1).all())
    assert bias.tolist() == [1, 1]


# ------------------------------------------------------------------------------------------------ phases


class Game(nn.Module):
    """Two players who see each other's parameter: gradients must not cross."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.0))
        self.b = nn.Parameter(torch.tensor(2.0))
        self.seen: list[tuple[str, float]] = []

    def loss(self, name):
        def value(batch, now):
            self.seen.append((name, float(batch[0, 0])))
            return Loss(self.a * self.b * (1 if name == "a" else -1), {})

        return value


def test_phases_take_turns_and_update_only_their_own_parameters():
    net = Game()
    phases = [
        Phase("a", [net.a], net.loss("a"), OptimiserConfig(kind="sgd", learning_rate=0.1), repeats=2),
        Phase("b", [net.b], net.loss("b"), OptimiserConfig(kind="sgd", learning_rate=0.01)),
    ]
    rows = Rows(torch.arange(6.0)[:, None], 1, seed=1)
    training = train(net, phases, rows, TrainerConfig(epochs=None, steps=1))
    a = 1.0 - 0.1 * 2.0 - 0.1 * 2.0
    assert float(net.a.detach()) == pytest.approx(a)
    assert float(net.b.detach()) == pytest.approx(2.0 + 0.01 * a)
    assert net.a.grad is None
    # The second update of `a` draws a batch of its own; `b` sees the last one.
    order = rows.order(0).tolist()
    assert net.seen == [("a", order[0]), ("a", order[1]), ("b", order[1])]
    assert {row["metric"] for row in training.rows} >= {"a.loss", "b.loss", "learning_rate.a", "learning_rate.b"}


# ------------------------------------------------------------------------------------------------ resuming


def settled(training):
    return [{k: v for k, v in row.items() if k not in {"wall", "cpu"}} for row in training.rows]


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
from test_trainer import KILL_CONFIG, Regression, run
from pathlib import Path

class Killed(Regression):
    def loss(self, batch, now):
        if now.step == 15:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(batch, now)

run(KILL_CONFIG, net=Killed(0.2, 0.1), folder=Path(sys.argv[2]))
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
    path.write_bytes(b'{"step": 1}\nnonsense\n')
    with pytest.raises(DataError, match=r"metrics.jsonl:2: is not a row of metrics"):
        read_metrics(path)


# ------------------------------------------------------------------------------------------------ trouble


def test_a_nan_names_its_part_and_leaves_the_checkpoint(tmp_path):
    class Broken(Regression):
        def loss(self, batch, now):
            total, parts = super().loss(batch, now)
            kl = torch.tensor(float("nan") if now.step == 6 else 0.0)
            return Loss(total + kl, {**parts, "kl": kl})

    with pytest.raises(DivergedError, match=r"train: net: the loss part 'kl' is nan at step 6; lower the .* is .*sa"):
        run(TrainerConfig(epochs=5, batch_size=10), net=Broken(), folder=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert {row["step"] for row in rows} == {4}
    assert (tmp_path / CHECKPOINT).is_file()


def test_an_infinite_gradient_is_noticed_too():
    class Broken(Regression):
        def loss(self, batch, now):
            return Loss(self.linear.weight.abs().sqrt().sum(), {})

    with pytest.raises(DivergedError, match=r"the gradient's norm is (inf|nan) at step 0; lower the learning rate"):
        run(TrainerConfig(epochs=1), net=Broken(), validate=False)


def test_a_parameter_without_a_gradient_is_left_alone():
    net = Regression()
    net.unused = nn.Parameter(torch.ones(2))
    run(TrainerConfig(epochs=1), net=net)
    assert net.unused.tolist() == [1, 1]


def test_plain_lines_go_to_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="irkit.learn.trainer"):
        run(TrainerConfig(epochs=2))
    assert [record.message.split(":")[0][:22] for record in caplog.records] == [
        "step 1, epoch 1.00, 0 ",
        "step 2, epoch 2.00, 0 ",
    ]
    assert "valid -" in caplog.text


# ------------------------------------------------------------------------------------------------ conditions


def test_global_state_is_put_back(monkeypatch):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    with conditions(torch.device("cpu"), 3, seed=9):
        assert torch.get_num_threads() == 3
        first = torch.rand(1)
    with conditions(torch.device("cpu"), None, seed=9):
        assert torch.rand(1) == first
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in {"cpu", "cuda"}
    with pytest.raises(ConfigError, match="device: cannot compute on it, got 'cuda:77'; use auto, cpu"):
        choose_device("cuda:77")
    for name in ("toaster", "meta", "cpu:0", "cuda:x", "xla", "cuda\n"):
        with pytest.raises(ConfigError, match="device: a device is auto, cpu, cuda, cuda:0 and so on, or mps, got"):
            choose_device(name)
        with pytest.raises(ConfigError, match=r"Trainer: device is not valid, got .*; a device is auto"):
            TrainerConfig(device=name)


def test_a_second_ctrl_c_interrupts_at_once_and_other_threads_get_none():
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    done = []

    def work():
        with deferred_interrupt() as asked:
            done.append(asked.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]


@pytest.mark.parametrize(
    ("terminal", "asked", "drawn"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_a_bar_is_drawn_on_a_terminal_if_asked_for(monkeypatch, capsys, terminal, asked, drawn):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    run(TrainerConfig(epochs=1, progress=asked))
    assert ("training" in capsys.readouterr().err) is drawn
