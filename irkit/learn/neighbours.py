"""How well vectors tell classes: the vote of the nearest ones, and the share of one's own class among them.

Retrieval by labels: a test example asks for the training examples of its own label, which are ranked by the
cosine of their vectors with its own. The figure is the precision of the nearest ones, a fraction of all or 50.

Source: Larochelle and Lauly, "A neural autoregressive topic model", NIPS 2012, section 5.3; for the fraction .02
Gupta, Chaudhary, Buettner and Schuetze, "Document informed neural autoregressive topic models with distributional
prior", AAAI 2019.
Departure: where vectors tie, the precision is the mean over all orders of those that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from irkit.arrays import Bools, Floats, Ints
from irkit.errors import ConfigError
from irkit.io.kinds import Examples, Ragged
from irkit.learn.estimate import Estimate, Quantity

FRACTION, FIXED = 0.02, 50
"The nearest ones: a share of the training examples, and a number of them."

LABELS = {"label precision .02": Quantity(), "label precision 50": Quantity(), "label knn 5": Quantity()}
"The figures of `label_values`; shares."

VOTES = 5
"Nearest other test examples that vote for a label."

EQUAL = 1e-6
"Cosines of float32 vectors that differ by no more are equal."

_CELLS = 2**24


def knn_right(points: Floats, labels: Ints, k: int = VOTES) -> Bools:
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
        nearest = distance.topk(k, largest=False).indices
        votes = torch.nn.functional.one_hot(classes[nearest], int(classes.max()) + 1).sum(1)
        right.append(votes.argmax(1) == classes[at : at + 1000])
    found: Bools = torch.cat(right).numpy()
    return found


def knn_accuracy(points: Floats, labels: Ints, k: int = VOTES) -> float:
    """Return the share of points that `knn_right` finds."""
    return float(knn_right(points, labels, k).mean())


def label_precision(
    train: Floats, train_labels: Ints, test: Floats, test_labels: Ints, nearest: Sequence[int]
) -> list[Floats]:
    """Return for each number of nearest training vectors the share of them with a test vector's label.

    Parameters
    ----------
    train, test : (N, d), (n, d)
        A vector of zeros has cosine 0 with all.
    train_labels, test_labels : (N,), (n,) int
    nearest : sequence of int, 1 to N each

    Returns
    -------
    list of (n,) float64
    """
    known, asked = (_directions(one) for one in (train, test))
    found: list[Floats] = [np.empty(len(asked)) for _ in nearest]
    step = max(1, _CELLS // len(known))
    for at in range(0, len(asked), step):
        cosines = asked[at : at + step] @ known.T
        same = test_labels[at : at + step, None] == train_labels
        sorted_at = [len(known) - k for k in nearest]
        ends = np.partition(cosines, sorted_at, axis=1)[:, sorted_at]
        for out, k, end in zip(found, nearest, ends.T, strict=True):
            above = cosines > end[:, None] + EQUAL
            level = ~above & (cosines >= end[:, None] - EQUAL)
            rest = (k - above.sum(1)) / level.sum(1)
            out[at : at + step] = ((above & same).sum(1) + rest * (level & same).sum(1)) / k
    return found


def labelled(part: Examples) -> Ints | None:
    """Return the numbers of the examples that have a label; None where there are none of them."""
    if part.labels is None or isinstance(part.labels, Ragged):
        return None
    rows: Ints = np.flatnonzero(np.asarray(part.labels) >= 0)
    return rows if len(rows) else None


def label_values(model: Any, train: Examples, test: Examples) -> dict[str, Estimate]:
    """Return figures of each test example that has a label, in their order.

    label precision    of retrieval by labels
    label knn 5     1 where the 5 nearest other test examples, by distance, vote for its label, else 0

    Parameters
    ----------
    model : a fitted Model that encodes
    train, test : Examples
        What is ranked, and what asks; those without a label do neither.

    Raises
    ------
    ConfigError
        If a part has no labels.
    """
    rows = labelled(train), labelled(test)
    if rows[0] is None or rows[1] is None:
        raise ConfigError(f"{model.name}: retrieval by labels needs labels, got none; give data that has them")
    known, asked = train.take(rows[0]), test.take(rows[1])
    nearest = [max(1, round(FRACTION * len(known))), min(FIXED, len(known))]
    asked_vectors = model.encode(asked)
    found = label_precision(
        model.encode(known), np.asarray(known.labels), asked_vectors, np.asarray(asked.labels), nearest
    )
    right = knn_right(asked_vectors, np.asarray(asked.labels), min(VOTES, len(asked) - 1)).astype(np.float64)
    return {name: Estimate.exact(each) for name, each in zip(LABELS, [*found, right], strict=True)}


def _directions(vectors: Floats) -> Floats:
    """Scale vectors to length 1; those of zeros stay."""
    exact = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(exact, axis=1, keepdims=True)
    found: Floats = exact / np.where(length > 0, length, 1)
    return found
