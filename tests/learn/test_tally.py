"""Tests of irkit.learn.tally: nothing is read from the device within a step, and a NaN is found all the same."""

import json
import os
import signal

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from irkit.errors import ConfigError, DivergedError
from irkit.learn import tally
from irkit.learn.batches import Rows
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Phase
from irkit.learn.saved import CHECKPOINT
from irkit.learn.trainer import TrainerConfig, train

SGD = OptimiserConfig(kind="sgd", learning_rate=0.01, momentum=0.5, clip=1.0)


class Pair(nn.Module):
    """Two parameters, each with a phase; `parts(now, name)` adds to what a phase writes down."""

    def __init__(self, parts=lambda now, name: {}):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        self.parts = parts

    def phase(self, name, repeats=1):
        weights = getattr(self, name)

        def loss(batch, now):
            error = (batch - weights).square().mean()
            parts = {"error": error, **self.parts(now, name)}
            return Loss(sum(parts.values()), parts)

        return Phase(name, [weights], loss, repeats=repeats)


def run(net, config, names="ab", **options):
    x = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    phases = [net.phase(name, repeats=2 if name == "b" else 1) for name in names]
    return train(net, phases, Rows(x, 2, seed=1), config, **options)


class Reads(TorchDispatchMode):
    """Counts the operations by which a number gets from a tensor into Python: `item`, `float`, `bool`, `tolist`."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += "_local_scalar_dense" in str(operation) or "is_nonzero" in str(operation)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("average", [0.0, 0.2])
def test_a_step_reads_no_number_from_the_device(average):
    with Reads() as reads:
        assert float(torch.ones(1)) == 1
        assert bool(torch.ones(1))
    assert reads.count == 2
    with Reads() as reads:
        run(Pair(), TrainerConfig(epochs=None, steps=40, every=40, optimiser=SGD, average=average))
    assert reads.count == 0


def test_the_means_are_those_of_numbers_read_one_by_one():
    seen = []

    def parts(now, name):
        found = {"noise": torch.rand((), generator=now.rng), "big": torch.rand((), generator=now.rng).double() * 1e9}
        seen.append((name, {part: value.item() for part, value in found.items()}))
        return found

    training = run(Pair(parts), TrainerConfig(epochs=None, steps=30, every=10, optimiser=SGD))
    found = [(row["metric"], row["value"]) for row in training.rows if row["metric"].endswith(("noise", "big"))]
    slow = []
    for start in range(0, 90, 30):
        sums = dict.fromkeys(["a.noise", "a.big", "b.noise", "b.big"], 0.0)
        for name, values in seen[start : start + 30]:
            for part, value in values.items():
                sums[f"{name}.{part}"] += value / (2 if name == "b" else 1)
        slow += [(name, value / 10) for name, value in sums.items()]
    assert found == slow  # to the last bit


def test_a_part_of_some_steps_is_a_mean_over_these():
    updates = []

    def parts(now, name):
        updates.append(name)
        # Of b's two updates in a step the second alone, and of every other step.
        return {"late": torch.tensor(now.step + 1.0)} if len(updates) % 6 == 3 else {}

    training = run(Pair(parts), TrainerConfig(epochs=None, steps=6, every=6, optimiser=SGD))
    found = {row["metric"]: row["value"] for row in training.rows}
    assert found["b.late"] == (1 + 3 + 5) / 3 / 2
    assert "a.late" not in found


def test_a_part_that_is_a_parameter_is_written_down_as_it_was():
    seen = []

    def parts(now, name):
        seen.append(net.a[0].item())
        return {"weight": net.a[0]}

    net = Pair(parts)
    training = run(net, TrainerConfig(epochs=None, steps=3, optimiser=SGD), names="a")
    mean = next(row["value"] for row in training.rows if row["metric"] == "weight")
    assert mean == pytest.approx(sum(seen) / 3)
    assert len(set(seen)) == 3


@pytest.mark.parametrize(("name", "value"), [("a", "nan"), ("b", "inf"), ("b", "-inf")])
def test_the_first_number_that_is_none_is_named_before_anything_is_written(tmp_path, name, value):
    def parts(now, phase):
        broken = float(value) if phase == name and now.step >= 5 else 0.0
        return {"kl": torch.tensor(broken), "late": torch.tensor(float("nan") if now.step == 6 else 0.0)}

    wrong = rf"train: {name}: the loss part 'kl' is {value} at step 5; lower the .*; the last good state is .*safetens"
    with pytest.raises(DivergedError, match=wrong):
        run(Pair(parts), TrainerConfig(epochs=9, optimiser=SGD, batch_size=2), folder=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    # Two batches a step, four in a pass.
    assert {row["step"] for row in rows} == {2, 4}
    good = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(DivergedError, match="at step 5"):
        run(Pair(parts), TrainerConfig(epochs=9, optimiser=SGD, batch_size=2), folder=tmp_path, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == good


def test_a_run_whose_rows_are_far_apart_ends_soon_after_it_diverged(monkeypatch):
    monkeypatch.setattr(tally, "MOST", 6)
    steps = []

    def parts(now, name):
        steps.append(now.step)
        return {"kl": torch.tensor(float("nan") if now.step == 3 else 0.0)}

    config = TrainerConfig(epochs=None, steps=1000, every=1000, optimiser=SGD)
    with pytest.raises(DivergedError, match="train: a: the loss part 'kl' is nan at step 3"):
        run(Pair(parts), config, names="a")
    assert max(steps) == 5


def test_an_operation_that_refuses_a_nan_does_not_hide_where_it_came_from():
    def parts(now, name):
        p = (net.a[0] * (float("nan") if now.step == 2 else 1.0)).sigmoid()
        if now.step > 2:
            torch.bernoulli(net.a.sigmoid())  # refuses a NaN
        return {"p": p}

    net = Pair(parts)
    with pytest.raises(DivergedError, match="train: a: the loss part 'p' is nan at step 2"):
        run(net, TrainerConfig(epochs=None, steps=50, every=50, optimiser=SGD), names="a")


def test_an_error_of_another_kind_stays_what_it_is():
    def parts(now, name):
        raise ConfigError("toy: something else")

    with pytest.raises(ConfigError, match="toy: something else"):
        run(Pair(parts), TrainerConfig(epochs=1))


def test_ctrl_c_after_a_nan_keeps_the_last_good_state(tmp_path):
    def parts(now, name):
        if now.step == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return {"kl": torch.tensor(float("nan") if now.step == 5 else 0.0)}

    with pytest.raises(DivergedError, match="at step 5"):
        run(Pair(parts), TrainerConfig(epochs=9, optimiser=SGD), names="a", folder=tmp_path)
    with pytest.raises(DivergedError, match="at step 5"):
        run(Pair(parts), TrainerConfig(epochs=9, optimiser=SGD), names="a", folder=tmp_path, resume=True)
