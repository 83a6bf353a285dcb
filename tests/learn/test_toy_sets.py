"""A toy model of sets in public words alone: a code of the whole set, by which its elements are likely."""

import numpy as np
import torch
from torch import nn

from irkit.io.kinds import DataSet, Ragged, Sets
from irkit.learn import Estimate, Model, Padded, Quantity, ScoreNet
from irkit.learn.distributions import gaussian_log_prob
from tests.learn.standing import check_that_it_stands


class GatherNet(ScoreNet):
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
    quantities = {"error": Quantity(lower=True)}  # noqa: RUF012

    def build(self, spec):
        return GatherNet(spec)

    def values(self, test):
        pairs = zip(test.x, self.reconstruct(test), strict=True)
        return {"error": Estimate.exact(np.array([np.abs(own - made).mean() for own, made in pairs]))}


def clouds():
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (90, 2))
    each = [(centre + rng.normal(0, 0.3, (rng.integers(3, 7), 2))).astype(np.float32) for centre in centres]
    return DataSet("clouds", *(Sets(Ragged.of(part)) for part in (each[:60], each[60:75], each[75:])))


def test_it_stands_on_a_board_and_tells_sets_apart_whatever_their_order(tmp_path):
    trainer = "{epochs: 20, batch_size: 10, optimiser: {learning_rate: 0.03}}"
    fitted, board = check_that_it_stands(Gather, "clouds", "error", trainer, tmp_path)
    test = clouds().test
    assert board.rows[1].cells["error"].mean < 1.0 < np.abs(test.x.values).mean()
    turned = Sets(Ragged.of([one[::-1] for one in test.x]))
    np.testing.assert_allclose(fitted.encode(turned), fitted.encode(test), atol=1e-5)
