"""A toy adversarial net in public words alone: no likelihood, two phases, pictures."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from irkit.io.kinds import DataSet, Pictures
from irkit.learn import Estimate, Loss, Model, Net, Phase, Quantity
from tests.learn.standing import check_that_it_stands


class GANNet(Net):
    def __init__(self, spec):
        super().__init__()
        self.shape = spec.shape
        self.generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, spec.size), nn.Sigmoid())
        self.critic = nn.Sequential(nn.Flatten(), nn.Linear(spec.size, 8), nn.Tanh(), nn.Linear(8, 1))

    def sample(self, n, rng):
        z = torch.randn(n, 3, generator=rng, device=rng.device)
        return self.generator(z).view(n, *self.shape)

    def critic_loss(self, batch, now):
        fake = softplus(self.critic(self.sample(len(batch), now.rng))).mean()
        return Loss(softplus(-self.critic(batch)).mean() + fake, {"fake": fake})

    def generator_loss(self, batch, now):
        return Loss(softplus(-self.critic(self.sample(len(batch), now.rng))).mean(), {})

    def phases(self):
        critic = Phase("critic", list(self.critic.parameters()), self.critic_loss, repeats=2)
        return [critic, Phase("generator", list(self.generator.parameters()), self.generator_loss)]


class GAN(Model):
    name, takes, abilities = "toy-gan", frozenset({"pictures", "rows"}), frozenset({"sample"})

    quantities = {"distance": Quantity("grey", lower=True)}  # noqa: RUF012

    def build(self, spec):
        return GANNet(spec)

    def values(self, test, *, samples=100):
        apart = test.x[:, None] - self.sample(samples)[None]
        return {"distance": Estimate.exact(np.linalg.norm(apart.reshape(*apart.shape[:2], -1), axis=2).min(1))}


def halves():
    x = np.random.default_rng(0).random((60, 1, 4, 4), dtype=np.float32) / 10 + np.float32([[0.9]] * 2 + [[0]] * 2)
    return DataSet("halves", *(Pictures(part) for part in (x[:40], x[40:50], x[50:])))


def test_it_trains_without_a_likelihood_and_stands_on_a_board_with_pictures(tmp_path):
    trainer = "{epochs: 30, batch_size: 5, optimiser: {learning_rate: 0.01}}"
    fitted, board = check_that_it_stands(GAN, "halves", "distance", trainer, tmp_path)
    upper, lower = fitted.sample(50).mean(0)[0].reshape(2, 8).mean(1)
    assert upper > lower + 0.3
    assert [figure.name for figure in board.rows[1].figures] == ["samples", "learning curve"]
    assert [str(size) for size in board.sizes] == ["40 training pictures", "10 test pictures"]
