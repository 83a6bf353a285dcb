"""A small training run for the tests of training and of what it saves."""

import torch
from torch import nn

from irkit.learn.batches import Rows
from irkit.learn.estimate import Estimate
from irkit.learn.phases import Loss, Phase
from irkit.learn.trainer import TrainerConfig, train


class Regression(nn.Module):
    """y = w x, with dropout (torch's own generator) and noise (the run's) so that both must be restored."""

    def __init__(self, dropout: float = 0.0, noise: float = 0.0):
        super().__init__()
        self.linear = nn.Linear(3, 1, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.drop = nn.Dropout(dropout)
        self.noise = noise

    def loss(self, batch, now):
        x, y = batch[:, :3], batch[:, 3:]
        x = x + self.noise * torch.randn(x.shape, generator=now.rng)
        error = (self.linear(self.drop(x)) - y).square().mean()
        return Loss(error, {"error": error})


def data(n: int = 40) -> torch.Tensor:
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(7))
    return torch.cat([x, x @ torch.tensor([[1.0], [-2.0], [0.5]])], dim=1)


def run(config: TrainerConfig, *, net: Regression | None = None, rows: torch.Tensor | None = None, **options):
    net = net or Regression(dropout=0.2, noise=0.1)
    source = Rows(data() if rows is None else rows, config.batch_size, seed=config.seed)
    if options.pop("validate", True):
        x = data(20)

        def validate():
            return Estimate(-float((net.linear(x[:, :3]) - x[:, 3:]).square().mean()), 0.0, "exact")

        options["validate"] = validate
    return net, train(net, [Phase("net", list(net.parameters()), net.loss)], source, config, **options)


def weights(net: nn.Module) -> list[float]:
    return net.linear.weight.detach().flatten().tolist()


def settled(training):
    return [{k: v for k, v in row.items() if k not in {"wall", "cpu"}} for row in training.rows]
