"""A toy adversarial net in public words alone: no likelihood, two phases, pictures."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from irkit.errors import AbilityError
from irkit.io.kinds import DataSet, Pictures
from irkit.learn import Loss, Model, Net, OptimiserConfig, Phase, TrainerConfig
from irkit.learn.figures import figures
from irkit.learn.record import record
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives


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
    name, takes, abilities = "gan", frozenset({"pictures", "rows"}), frozenset({"sample"})

    def build(self, spec):
        return GANNet(spec)


def test_it_trains_without_a_likelihood_dies_goes_on_and_is_drawn(tmp_path):
    x = np.zeros((60, 1, 4, 4), dtype=np.float32)
    x[:, :, :2] = 1
    data = DataSet("halves", *(Pictures(part) for part in (x[:40], x[40:50], x[50:])))
    check_model(GAN(), data, tmp_path / "checked")
    trainer = TrainerConfig(epochs=30, batch_size=5, optimiser=OptimiserConfig(learning_rate=0.01))
    fitted = check_that_it_survives(GAN(), data, trainer, tmp_path / "run", step=70)
    upper, lower = fitted.sample(50).mean(0)[0].reshape(2, 8).mean(1)
    assert upper > lower + 0.3
    assert [figure.name for figure in figures(fitted, data, seed=1)] == ["samples", "learning curve"]
    assert record(fitted, data)["measures"] == {}
    with pytest.raises(AbilityError, match="gan: does not give log-probabilities; choose another model for that"):
        fitted.log_prob(x)
