"""The classifier by which pictures are judged: a small convolutional network, trained once on the training part.

Two convolutions of 3 x 3 with 16 and 32 channels, each with ReLU and 2 x 2 max pooling, a hidden layer of 64 ReLU
units, whose values are its features, and a softmax; Adam at .001, a line to 0, batches of 100.
Symbols: n pictures of C channels, H rows and W columns.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from irkit.arrays import Floats, Ints
from irkit.learn.conditions import conditions

FEATURES = 64
SMALLEST = 4
"Pixels that each side of a picture must have."
STEPS, PASSES, BATCH, RATE = 1500, 3, 100, 1e-3
"Updates, or passes over the data where these are more; pictures of a batch; learning rate at the beginning."


class Classifier:
    """A classifier of pictures (n, C, H, W), grey levels or bits, each side 4 pixels or more."""

    net: nn.Sequential

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def fit(self, x: Floats, labels: Ints, *, seed: int = 0, passes: int = PASSES) -> Self:
        """Train on pictures and their classes (n,), on one device with the same bits each time; return itself."""
        pictures, targets = _tensor(x), torch.from_numpy(np.asarray(labels, dtype=np.int64))
        steps = max(STEPS, passes * math.ceil(len(x) / BATCH))
        with conditions(torch.device("cpu"), None, seed):
            self.net = _net(tuple(pictures.shape[1:]), self.classes)
            rule = torch.optim.Adam(self.net.parameters(), RATE)
            order = torch.zeros(0, dtype=torch.int64)
            for step in range(steps):
                if not len(order):
                    order = torch.randperm(len(pictures))
                rows, order = order[:BATCH], order[BATCH:]
                rule.param_groups[0]["lr"] = RATE * (1 - step / steps)
                loss = nn.functional.cross_entropy(self.net(pictures[rows]), targets[rows])
                rule.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                rule.step()
        self.net.eval()
        return self

    @torch.no_grad()
    def predict(self, x: Floats) -> Ints:
        """Return the class of each picture: (n,) int64."""
        found: Ints = torch.cat([self.net(part).argmax(1) for part in torch.split(_tensor(x), 1000)]).numpy()
        return found

    @torch.no_grad()
    def features(self, x: Floats) -> Floats:
        """Return the values of the hidden layer: (n, 64) float64."""
        body = self.net[:-1]
        found: Floats = torch.cat([body(part) for part in torch.split(_tensor(x), 1000)]).double().numpy()
        return found

    def accuracy(self, x: Floats, labels: Ints) -> float:
        """Return the share of pictures whose class is found."""
        return float((self.predict(x) == labels).mean())


def _net(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    channels, rows, columns = shape
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (rows // 4) * (columns // 4), FEATURES),
        nn.ReLU(),
        nn.Linear(FEATURES, classes),
    )


def _tensor(x: Floats) -> Tensor:
    return torch.from_numpy(np.require(x, np.float32, ["C", "W"]))
