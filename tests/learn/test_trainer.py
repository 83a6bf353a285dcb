"""Tests of irkit.learn.trainer and irkit.learn.optimiser."""

import json
import logging
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

from irkit.errors import ConfigError, DivergedError
from irkit.learn.batches import Rows
from irkit.learn.estimate import Estimate
from irkit.learn.metrics import read_metrics
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Phase
from irkit.learn.saved import CHECKPOINT
from irkit.learn.trainer import TrainerConfig, train
from tests.learn.regression_toy import Regression, data, run, weights

SGD = OptimiserConfig(kind="sgd", learning_rate=0.1)


def test_decays_that_torch_would_refuse_are_refused_when_they_are_written_down():
    for betas in ([2, 0.9], [0.9, 1.0], [-0.1, 0.9]):
        with pytest.raises(ConfigError, match=r"^optimiser: betas.* is not valid, got "):
            OptimiserConfig(betas=betas)


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
    with pytest.raises(ConfigError, match="trainer: training would never end; set epochs, steps or seconds"):
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
    warm = linear.changed(warmup=0.25)
    assert [warm.rate(t) for t in (0, 0.125, 0.25, 0.75)] == pytest.approx([0, 1, 2, 1.1])
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


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_validation_score_that_no_later_one_could_beat_is_named(wrong, tmp_path):
    def scored(*scores, **options):
        net, left = Regression(), iter(scores)
        phases = [Phase("net", list(net.parameters()), net.loss)]
        config = TrainerConfig(epochs=2, batch_size=10)
        validate = lambda: Estimate(next(left), 0.0, "exact")  # noqa: E731
        return train(net, phases, Rows(data(), 10, seed=1), config, validate=validate, **options)

    with pytest.raises(DivergedError, match=f"the validation score is {wrong} at step 8; lower .*; the last good"):
        scored(-1.0, wrong, folder=tmp_path)
    assert {row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")} == {4}
    assert scored(-math.inf, -2.0).best == -2.0


def test_figures_beside_the_score_are_written_down_and_choose_nothing(tmp_path):
    net, left = Regression(), iter([(3.0, 1.0), (2.0, 5.0), (2.5, 9.0)])

    def validate():
        score, other = next(left)
        return {"other": Estimate(other, 0.5, "estimate"), "score": Estimate.exact(score)}

    phases = [Phase("net", list(net.parameters()), net.loss)]
    config = TrainerConfig(epochs=3, batch_size=10)
    training = train(net, phases, Rows(data(), 10, seed=1), config, validate=validate, folder=tmp_path)
    assert (training.best, training.best_step) == (3.0, 4)
    rows = [row for row in read_metrics(tmp_path / "metrics.jsonl") if row["split"] == "valid"]
    assert [(row["metric"], row["value"], row["kind"]) for row in rows[:2]] == [
        ("other", 1.0, "estimate"),
        ("score", 3.0, "exact"),
    ]
    assert [row["value"] for row in rows if row["metric"] == "other"] == [1.0, 5.0, 9.0]
    assert training.rows == read_metrics(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize(
    ("phases", "got"),
    [([], "none"), ([("a", 1), ("a", 2)], "a x 1, a x 2"), ([("a", 0)], "a x 0")],
)
def test_phases_that_nobody_could_tell_apart_or_that_do_nothing_are_refused(phases, got):
    net = Regression()
    named = [Phase(name, list(net.parameters()), net.loss, repeats=repeats) for name, repeats in phases]
    with pytest.raises(ConfigError, match=f"phases need names of their own and 1 repeat or more, got {got}; name"):
        train(net, named, Rows(data(), 10, seed=1), TrainerConfig())


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


@pytest.mark.parametrize(
    ("terminal", "asked", "drawn"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_a_bar_is_drawn_on_a_terminal_if_asked_for(monkeypatch, capsys, terminal, asked, drawn):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    run(TrainerConfig(epochs=1, progress=asked))
    assert ("training" in capsys.readouterr().err) is drawn
