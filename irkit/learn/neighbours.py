"""How well vectors tell classes: the vote of the nearest ones."""

from __future__ import annotations

import numpy as np
import torch

from irkit.arrays import Bools, Floats, Ints


def knn_right(points: Floats, labels: Ints, k: int = 5) -> Bools:
    """Return which points' k nearest other points vote for their label, a tie for the lower label: (n,) bool.

    Parameters
    ----------
    points : (n, Z)
    labels : (n,) int, not negative
    k : int, less than n
    """
    every = torch.from_numpy(np.ascontiguousarray(points)).double()
    classes = torch.from_numpy(np.ascontiguousarray(labels)).long()
    right = []
    for at in range(0, len(every), 1000):
        distance = torch.cdist(every[at : at + 1000], every)
        here = torch.arange(len(distance))
        distance[here, here + at] = torch.inf
        votes = torch.nn.functional.one_hot(classes[distance.topk(k, largest=False).indices]).sum(1)
        right.append(votes.argmax(1) == classes[at : at + 1000])
    found: Bools = torch.cat(right).numpy()
    return found


def knn_accuracy(points: Floats, labels: Ints, k: int = 5) -> float:
    """Return the share of points that `knn_right` finds."""
    return float(knn_right(points, labels, k).mean())
