"""Tests of irkit.rank.lists."""

from itertools import pairwise

import numpy as np
import torch

from irkit.rank.lists import Lists

CPU = torch.device("cpu")


def lists(n=40, seed=0):
    rng = np.random.default_rng(seed)
    ptr = np.append(0, np.cumsum(rng.integers(0, 9, n)))
    return Lists(ptr, rng.normal(size=(ptr[-1], 3)), rng.integers(0, 3, ptr[-1]).astype(float))


def documents(x, labels):
    """The documents of a list, whatever their order."""
    return sorted((float(label), *row.tolist()) for row, label in zip(x, labels, strict=True))


def test_batches_hold_every_list_once_and_nothing_else():
    given = lists()
    source = given.source(7, seed=1, device=CPU)
    rng = torch.Generator()
    for epoch in range(2):
        found = []
        for at in range(len(source)):
            batch = source.batch(epoch, at, rng)
            assert batch.x.shape == (*batch.mask.shape, 3)
            assert batch.mask.any(0).all(), "as wide as the longest"
            above = []
            for x, labels, mask in zip(*batch[:3], strict=True):
                n = int(mask.sum())
                assert mask[:n].all()
                assert n > 0
                above.append(int((labels[:n] > labels[:n].min()).sum()))
                found.append(documents(x[:n].numpy(), labels[:n].numpy()))
                assert labels[:n].tolist() == sorted(labels[:n].tolist(), reverse=True)
            assert batch.above == max(above)
        pieces = [slice(a, b) for a, b in pairwise(given.ptr) if b > a]
        x, labels = given.x.astype(np.float32), given.labels.astype(np.float32)
        assert sorted(found) == sorted(documents(x[one], labels[one]) for one in pieces)


def test_lists_of_similar_lengths_are_in_one_batch():
    counts = np.tile([1, 50], 80)
    given = Lists(np.append(0, np.cumsum(counts)), np.zeros((counts.sum(), 1)), np.zeros(counts.sum()))
    source = given.source(16, seed=1, device=CPU)
    cells = sum(source.batch(0, at, torch.Generator()).mask.numel() for at in range(len(source)))
    assert cells == counts.sum(), "no padding at all"


def test_the_identity_is_of_features_labels_and_where_lists_end():
    given = lists()
    other = [
        Lists(given.ptr, given.x + 1, given.labels),
        Lists(given.ptr, given.x, given.labels + 1),
        Lists(np.array([0, given.ptr[-1]]), given.x, given.labels),
    ]
    prints = [one.source(4, seed=1, device=CPU).fingerprint for one in (given, *other)]
    assert len(set(prints)) == 4
    assert lists().source(9, seed=3, device=CPU).fingerprint == prints[0]


def test_lists_of_equal_labels_teach_no_order():
    given = Lists(np.array([0, 2, 2, 5, 6]), np.arange(6.0)[:, None], np.array([1.0, 0, 2, 2, 2, 1]))
    assert given.ordered.tolist() == [True, False, False, False]
    kept = given.kept(given.lengths > 1)
    assert (kept.ptr.tolist(), kept.x[:, 0].tolist(), kept.labels.tolist()) == (
        [0, 2, 5],
        [0, 1, 2, 3, 4],
        [1, 0, 2, 2, 2],
    )
