"""A toy model of sets in public words alone: a code of the whole set, by which its elements are likely."""

import numpy as np
import torch
from torch import nn

from irkit.io.kinds import DataSet, Ragged, Sets
from irkit.learn import Model, OptimiserConfig, Padded, ScoreNet, TrainerConfig
from irkit.learn.distributions import gaussian_log_prob
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives

FAST = TrainerConfig(epochs=20, batch_size=10, optimiser=OptimiserConfig(learning_rate=0.03))


class GatherNet(ScoreNet):
    """Elements are Gaussian around what a pooled code says."""

    def __init__(self, spec):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(spec.size, 8), nn.Tanh())
        self.code = nn.Linear(8, 3)
        self.mean = nn.Linear(3, spec.size)
        self.log_var = nn.Parameter(torch.zeros(()))

    def encode(self, batch):
        pooled = (self.each(batch.x) * batch.mask[..., None]).sum(1) / batch.lengths[:, None]
        return self.code(pooled)

    def score(self, batch, rng):
        means = self.mean(self.encode(batch))[:, None].expand_as(batch.x)
        return (gaussian_log_prob(batch.x, means, self.log_var) * batch.mask).sum(1)

    def reconstruct(self, batch):
        return Padded(self.mean(self.encode(batch))[:, None].expand_as(batch.x), batch.lengths)


class Gather(Model):
    name, takes = "gather", frozenset({"sets"})
    abilities = frozenset({"score", "encode", "reconstruct"})

    def build(self, spec):
        return GatherNet(spec)


def test_it_learns_dies_goes_on_and_tells_sets_apart_whatever_their_order(tmp_path):
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (90, 2))
    each = [(centre + rng.normal(0, 0.3, (rng.integers(3, 7), 2))).astype(np.float32) for centre in centres]
    data = DataSet("clouds", *(Sets(Ragged.of(part)) for part in (each[:60], each[60:75], each[75:])))
    check_model(Gather(), data, tmp_path / "checked")
    fitted = check_that_it_survives(Gather(), data, FAST, tmp_path / "run", step=70)
    found = np.array([one[0] for one in fitted.reconstruct(data.test)])
    assert np.abs(found - centres[75:]).mean() < 1.0 < np.abs(centres[75:]).mean()
    turned = Sets(Ragged.of([one[::-1] for one in data.test.x]))
    np.testing.assert_allclose(fitted.encode(turned), fitted.encode(data.test), atol=1e-5)
