"""A toy model of documents in public words alone: terms in their order, likelihoods, samples, codes."""

import numpy as np
import torch
from torch import nn

from irkit.config import Config
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import Model, Padded, ScoreNet
from tests.learn.standing import check_that_it_stands


class PairsConfig(Config):
    embedding_size: int = 6


class PairsNet(ScoreNet):
    # Each term given the one before; term V stands before the first.
    def __init__(self, spec, config):
        super().__init__()
        self.vocabulary, self.longest = spec.vocabulary, spec.longest
        self.embed = nn.Embedding(spec.vocabulary + 1, config.embedding_size)
        self.out = nn.Linear(config.embedding_size, spec.vocabulary)

    def score(self, batch, rng):
        before = nn.functional.pad(batch.x, (1, 0), value=self.vocabulary)[:, :-1]
        log_p = self.out(self.embed(before)).log_softmax(2).gather(2, batch.x[..., None])[..., 0]
        return (log_p * batch.mask).sum(1)

    def encode(self, batch):
        return (self.embed(batch.x) * batch.mask[..., None]).sum(1) / batch.lengths[:, None]

    def sample(self, n, rng):
        x = torch.full((n, 1), self.vocabulary, device=rng.device)
        for _ in range(self.longest):
            p = self.out(self.embed(x[:, -1])).softmax(1)
            x = torch.cat([x, torch.multinomial(p, 1, generator=rng)], dim=1)
        return Padded(x[:, 1:], torch.full((n,), self.longest))


class Pairs(Model):
    name, config_type, takes = "pairs", PairsConfig, frozenset({"tokens"})
    abilities = frozenset({"score", "log_prob", "sample", "encode"})

    def build(self, spec):
        return PairsNet(spec, self.config)


def counting():
    rng = np.random.default_rng(0)
    each = [(rng.integers(5) + np.arange(rng.integers(3, 9))) % 5 for _ in range(90)]  # counts upwards, and around
    return DataSet("counting", *(Tokens(Ragged.of(part), 5) for part in (each[:60], each[60:75], each[75:])))


def test_it_learns_stands_on_a_board_and_writes_documents(tmp_path):
    trainer = "{epochs: 20, batch_size: 10, optimiser: {learning_rate: 0.03}}"
    fitted, board = check_that_it_stands(Pairs, "counting", "log p", trainer, tmp_path)
    assert str(board.sizes[1]) == "15 test documents"
    steps = np.concatenate([np.diff(one) % 5 for one in fitted.sample(50)])
    assert (steps == 1).mean() > 0.5
