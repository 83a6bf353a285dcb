"""Tests of irkit.learn.average, and of training with it."""

import pytest
import torch
from torch import nn

from irkit.errors import ConfigError
from irkit.learn.average import Means
from irkit.learn.batches import Rows
from irkit.learn.estimate import Estimate
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Phase
from irkit.learn.trainer import TrainerConfig, train

CONFIG = TrainerConfig(epochs=6, batch_size=2, optimiser=OptimiserConfig(learning_rate=0.2), average=0.4)


class Noisy(nn.Module):
    """One weight pulled to 0 through noise; `seen` is what it was after each step."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, -2.0]))
        self.register_buffer("calls", torch.zeros(()))
        self.seen: list[list[float]] = []

    def loss(self, batch, now):
        self.calls += 1
        if now.step:
            self.seen.append(self.w.tolist())
        noise = torch.randn(2, generator=now.rng)
        return Loss((self.w + noise).square().sum(), {})


def fit(config=CONFIG, *, validate=None, **options):
    net = Noisy()
    phases = [Phase("net", [net.w], net.loss)]
    score = None if validate is None else lambda: Estimate.exact(validate(net))
    return net, train(net, phases, Rows(torch.zeros(8, 1), 2, seed=1), config, validate=score, **options)


def means(share, start, steps):
    """What the definition gives, number by number, after each step."""
    mean, found = list(start), []
    for t, weights in enumerate(steps, start=1):
        mean = [m + (w - m) / max(1.0, share * t) for m, w in zip(mean, weights, strict=True)]
        found.append(mean)
    return found


def trail():
    """Return the weights after each of the 24 steps of a run that averages nothing."""
    last, _ = fit(CONFIG.changed(average=0.0))
    return [*last.seen, last.w.tolist()]


def test_a_run_ends_with_the_means_and_its_steps_are_those_without():
    net, _ = fit()
    whole = trail()
    assert net.seen == whole[:-1]
    assert net.w.tolist() == pytest.approx(means(0.4, [1.0, -2.0], whole)[-1], rel=1e-5)
    assert net.w.tolist() != whole[-1]
    assert float(net.calls) == 24


def test_the_means_are_validated_and_the_best_of_them_kept():
    scores = iter([1.0, 3.0, 2.0, 3.0, 0.0, 1.0])
    seen = []

    def validate(net):
        seen.append(net.w.tolist())
        return next(scores)

    net, training = fit(validate=validate)
    expected = means(0.4, [1.0, -2.0], trail())[3::4]
    assert [value for pair in seen for value in pair] == pytest.approx(
        [value for pair in expected for value in pair], rel=1e-5
    )
    assert net.w.tolist() == seen[1]  # of equals the first
    assert training.best_step == 8


@pytest.mark.parametrize("validated", [True, False])
def test_averages_resume_bit_for_bit(tmp_path, validated):
    validate = (lambda net: -float(net.w.square().sum())) if validated else None
    whole, training = fit(validate=validate)
    fit(CONFIG.changed(epochs=2), validate=validate, folder=tmp_path)
    parts, resumed = fit(validate=validate, folder=tmp_path, resume=True)
    assert parts.w.tolist() == whole.w.tolist()
    assert resumed.best == training.best
    again, _ = fit(validate=validate, folder=tmp_path, resume=True)  # nothing is left to do
    assert again.w.tolist() == whole.w.tolist()


def test_a_run_is_not_resumed_with_another_average(tmp_path):
    fit(folder=tmp_path)
    for average in (0.0, 0.5):
        with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
            fit(CONFIG.changed(average=average), folder=tmp_path, resume=True)


def test_weights_are_put_back_even_after_an_error():
    net = Noisy()
    averaged = Means(net, 0.5)
    with torch.no_grad():
        net.w.fill_(5.0)

    with pytest.raises(ZeroDivisionError), averaged.applied():
        assert 1 / (net.w.tolist() != [1.0, -2.0])
    assert net.w.tolist() == [5.0, 5.0]
