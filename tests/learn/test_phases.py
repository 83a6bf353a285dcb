"""Tests of irkit.learn.phases: turns by step and by pass, and an optimiser for each."""

import os
import signal

import pytest
import torch
from torch import nn

from irkit.errors import ConfigError
from irkit.learn.batches import Rows
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Phase, in_turn, players
from irkit.learn.trainer import TrainerConfig, train

SGD = {"kind": "sgd", "learning_rate": 0.1}
CONFIG = TrainerConfig(epochs=5, batch_size=1, optimisers={"critic": {"learning_rate": 0.01}})


class Game(nn.Module):
    """The generator lowers g c, the critic raises it: each gradient is the other's parameter."""

    def __init__(self, stop_at: int | None = None):
        super().__init__()
        self.g, self.c = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(2.0))
        self.turns: list[str] = []
        self.stop_at = stop_at

    def loss(self, name, sign):
        def value(batch, now):
            self.turns.append(name)
            if now.step == self.stop_at:
                os.kill(os.getpid(), signal.SIGINT)
            return Loss(sign * self.g * self.c, {"batch": batch.sum()})

        return value

    def phases(self, **kinds):
        settings = {"per": "pass", "optimiser": OptimiserConfig(**SGD)}
        generator = {**settings, "repeats": 2, **kinds.get("generator", {})}
        critic = {**settings, **kinds.get("critic", {})}
        return [
            Phase("generator", [self.g], self.loss("generator", 1), **generator),
            Phase("critic", [self.c], self.loss("critic", -1), **critic),
        ]


def play(config=CONFIG, stop_at=None, **options):
    net = Game(stop_at)
    kinds = options.pop("kinds", {})
    training = train(net, net.phases(**kinds), Rows(torch.arange(3.0)[:, None], 1, seed=1), config, **options)
    return net, training


def settled(training):
    return [{name: value for name, value in row.items() if name not in {"wall", "cpu"}} for row in training.rows]


def test_phases_per_pass_take_turns_pass_by_pass():
    net, training = play()
    assert net.turns == ["generator"] * 6 + ["critic"] * 3 + ["generator"] * 6
    g, c, losses = 1.0, 2.0, {}
    for epoch, who in enumerate(["generator", "generator", "critic", "generator", "generator"], start=1):
        total = 0.0
        for _ in range(3):
            total += g * c if who == "generator" else -g * c
            g, c = (g - 0.1 * c, c) if who == "generator" else (g, c + 0.01 * g)
        losses[epoch] = (f"{who}.loss", total / 3)
    assert (net.g.item(), net.c.item()) == pytest.approx((g, c))
    found = [(row["epoch"], row["metric"], row["value"]) for row in training.rows if row["metric"].endswith(".loss")]
    assert [(epoch, name) for epoch, name, _ in found] == [(epoch, name) for epoch, (name, _) in losses.items()]
    assert [value for *_, value in found] == pytest.approx([value for _, value in losses.values()])
    rates = [(row["metric"], row["value"]) for row in training.rows if row["metric"].startswith("learning_rate")]
    generator, critic = ("learning_rate.generator", 0.1), ("learning_rate.critic", 0.01)
    assert rates == [generator, generator, critic, generator, generator]


def test_a_phase_per_step_goes_along_with_those_per_pass():
    net, _ = play(CONFIG.changed(epochs=3), kinds={"critic": {"per": "step", "repeats": 2}})
    # The generator draws a batch, the critic's second update another; the generator has every pass to itself.
    assert net.turns == ["generator", "critic", "critic"] * 5


def test_means_are_over_the_steps_of_a_turn_however_rows_are_cut():
    _, training = play(CONFIG.changed(epochs=None, steps=8, every=4))
    found = {(row["step"], row["metric"]): row["value"] for row in training.rows if row["metric"].endswith("batch")}
    rows = Rows(torch.arange(3.0)[:, None], 1, seed=1)
    seen = [float(rows.batch(epoch, at, torch.Generator()).sum()) for epoch in range(3) for at in range(3)]
    assert found == {
        (4, "generator.batch"): sum(seen[:4]) / 4,
        (8, "generator.batch"): sum(seen[4:6]) / 2,
        (8, "critic.batch"): sum(seen[6:8]) / 2,
    }


@pytest.mark.parametrize("stop_at", [1, 4, 7, 11])
def test_a_game_stopped_within_a_turn_resumes_bit_for_bit(tmp_path, stop_at):
    whole, training = play()
    with pytest.raises(KeyboardInterrupt):
        play(stop_at=stop_at, folder=tmp_path)
    parts, resumed = play(folder=tmp_path, resume=True)
    assert (parts.g.item(), parts.c.item()) == (whole.g.item(), whole.c.item())
    assert settled(resumed) == settled(training)
    assert parts.turns == whole.turns[stop_at + 1 :]


def test_an_optimiser_is_the_phases_own_or_the_default_with_what_is_changed_by_name():
    net = Game()
    first, second = net.phases(critic={"optimiser": None})
    default = OptimiserConfig(kind="rmsprop", momentum=0.5)
    made = players([first, second], default, {"critic": {"learning_rate": 0.3}, "generator": {"kind": "adam"}})
    assert made[0].rule == OptimiserConfig(kind="adam", learning_rate=0.1)
    assert made[1].rule == OptimiserConfig(kind="rmsprop", momentum=0.5, learning_rate=0.3)
    assert [type(player.optimiser) for player in made] == [torch.optim.Adam, torch.optim.RMSprop]
    assert [player.phase.name for player in in_turn(made, 2)] == ["critic"]


def test_a_default_stated_for_a_phase_counts_against_the_phases_own():
    config = TrainerConfig(optimisers={"generator": {"learning_rate": 1e-3}})
    assert players(Game().phases(), config.optimiser, config.optimisers)[0].rule.learning_rate == 1e-3


def test_optimisers_of_no_phase_and_settings_of_no_optimiser_are_refused(tmp_path):
    wrong = r"train: optimisers must name phases, got 'critik'; did you mean critic\?"
    with pytest.raises(ConfigError, match=wrong):
        play(TrainerConfig(optimisers={"critik": {"learning_rate": 0.1}}), folder=tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match=r"trainer: optimisers: unknown field 'rate'; choose from betas"):
        TrainerConfig(optimisers={"critic": {"rate": 0.1}})
    with pytest.raises(ConfigError, match=r"trainer: optimisers: learning_rate is not valid, got -1"):
        TrainerConfig(optimisers={"critic": {"learning_rate": -1}})


def test_what_a_run_is_knows_optimisers_and_averages_only_where_they_are_used():
    plain = {
        "batch_size": 100,
        "optimiser": OptimiserConfig().model_dump(mode="json", exclude={"warmup"}),
        "every": None,
        "seed": 1,
    }
    budgets = {"epochs": 10, "steps": None, "seconds": None, "clock": "wall", "patience": None}
    assert TrainerConfig().identity() == plain
    assert TrainerConfig(device="cpu", threads=2, progress=True).outcome() == {**plain, **budgets}
    changed = TrainerConfig(optimisers={"critic": {"learning_rate": "0.1", "betas": (0.5, 0.9)}}, average=0.1)
    optimisers = {"critic": {"learning_rate": 0.1, "betas": [0.5, 0.9]}}
    assert changed.identity() == {**plain, "optimisers": optimisers, "average": 0.1}
    warm = TrainerConfig(optimiser=OptimiserConfig(warmup=0.1))
    assert warm.identity() == {**plain, "optimiser": {**plain["optimiser"], "warmup": 0.1}}
