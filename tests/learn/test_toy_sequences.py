"""A toy model of sequences of different lengths in public words alone: likelihoods, samples, codes."""

import numpy as np
import torch
from torch import nn

from irkit.io.kinds import DataSet, Ragged, Sequences
from irkit.learn import Model, Padded, ScoreNet
from irkit.learn.distributions import bernoulli_log_prob
from tests.learn.standing import check_that_it_stands


class EchoNet(ScoreNet):
    def __init__(self, spec):
        super().__init__()
        self.width, self.longest = spec.size, spec.longest
        self.cell = nn.GRU(spec.size + 1, 8, batch_first=True)
        self.out = nn.Linear(8, spec.size + 1)

    def ended(self, batch):
        last = nn.functional.one_hot(batch.lengths - 1, batch.x.shape[1])  # a bit more says whether a step is the last
        return torch.cat([batch.x, last[..., None].to(batch.x)], dim=2)  # (B, T, D + 1)

    def score(self, batch, rng):
        steps = self.ended(batch)
        h, _ = self.cell(nn.functional.pad(steps, (0, 0, 1, 0))[:, :-1])
        return (bernoulli_log_prob(steps, self.out(h)) * batch.mask).sum(1)

    def encode(self, batch):
        h, _ = self.cell(self.ended(batch))
        return h[torch.arange(len(h)), batch.lengths - 1]

    def sample(self, n, rng):
        steps, state = [self.out.weight.new_zeros(n, 1, self.width + 1)], None
        for _ in range(self.longest):
            h, state = self.cell(steps[-1], state)
            steps.append(torch.bernoulli(torch.sigmoid(self.out(h)), generator=rng))
        x = torch.cat(steps[1:], dim=1)
        x[:, -1, -1] = 1  # no sequence is longer
        return Padded(x[..., :-1], x[..., -1].argmax(1) + 1)


class Echo(Model):
    name, takes, abilities = "echo", frozenset({"sequences"}), frozenset({"score", "log_prob", "sample", "encode"})

    def build(self, spec):
        return EchoNet(spec)


def echoes():
    rng = np.random.default_rng(0)
    each = [np.tile(rng.integers(0, 2, 2), (rng.integers(2, 5), 1)).astype(np.float32) for _ in range(90)]
    return DataSet("echoes", *(Sequences(Ragged.of(part)) for part in (each[:60], each[60:75], each[75:])))


def test_it_learns_lengths_stands_on_a_board_and_draws_sequences(tmp_path):
    trainer = "{epochs: 10, batch_size: 10, optimiser: {learning_rate: 0.03}}"
    fitted, board = check_that_it_stands(Echo, "echoes", "log p", trainer, tmp_path)
    assert -4 * np.log(4) < board.rows[1].cells["log p"].mean < 0  # better than three steps of two bits by chance
    assert {len(one) for one in fitted.sample(100)} <= {1, 2, 3, 4}
