"""Averaged weights: means over the last steps, which wander less than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Means:
    """Running means of a network's parameters.

    After step t they are mean + (weights - mean) / max(1, share t), so that they reach back over about the
    last `share` of all steps.

    Parameters
    ----------
    net : nn.Module
        On its device.
    share : float, in [0, 1)
        0 averages nothing, and the means are the weights.
    """

    def __init__(self, net: nn.Module, share: float) -> None:
        self.share = share
        self._weights = dict(net.named_parameters()) if share else {}
        self.values: dict[str, Tensor] = {name: weights.detach().clone() for name, weights in self._weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the means towards the weights after step `step`, counted from 1."""
        for name, mean in self.values.items():
            mean.lerp_(self._weights[name], 1 / max(1.0, self.share * step))

    @torch.no_grad()
    def load(self, values: dict[str, Tensor]) -> None:
        """Replace the means; an error of torch's if they are of another network."""
        if values.keys() != self.values.keys():
            raise KeyError("the averaged weights are of another network")
        for name, mean in self.values.items():
            mean.copy_(values[name])

    @torch.no_grad()
    def apply(self) -> None:
        """Put the means in the place of the weights."""
        for name, mean in self.values.items():
            self._weights[name].copy_(mean)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the means in the place of the weights for a while."""
        kept = {name: weights.detach().clone() for name, weights in self._weights.items()}
        self.apply()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, weights in kept.items():
                    self._weights[name].copy_(weights)
