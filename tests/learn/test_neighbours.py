"""Tests of irkit.learn.neighbours."""

import itertools

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.io.kinds import Rows
from irkit.learn import neighbours
from irkit.learn.neighbours import knn_accuracy, label_precision, label_values


def test_neighbours_vote_without_the_point_itself():
    points = np.array([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9], [0.4, 0.4]])
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    assert knn_accuracy(points, labels, k=3) == pytest.approx(6 / 7)
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    right = 0
    for i in range(300):
        nearest = sorted((j for j in range(300) if j != i), key=lambda j: ((points[i] - points[j]) ** 2).sum())[:5]
        right += np.bincount(labels[nearest]).argmax() == labels[i]
    assert knn_accuracy(points, labels) == pytest.approx(right / 300)


def test_neighbours_are_asked_of_each_example_that_has_a_label():
    test = np.array([[0.0], [0.1], [0.2], [5], [5.1], [5.2], [9]])
    own = np.array([0, 0, 0, 1, 1, 1, -1])
    given = label_values(Itself(), Rows(test, labels=own), Rows(np.tile(test, (2, 1)), labels=np.tile(own, 2)))
    assert given["label knn 5"].value.tolist() == [1] * 12, "five others of its label are nearer than the rest"
    few = label_values(Itself(), Rows(test, labels=own), Rows(test, labels=own))
    assert few["label knn 5"].value.tolist() == [0] * 6, "of the five others there are, three have another label"
    one = label_values(Itself(), Rows(test, labels=own), Rows(test[:1], labels=own[:1]))
    assert one["label knn 5"].value.shape == (1,)


TRAIN = np.array([[1, 0], [2, 0], [0, 1], [1, 1], [0, 0], [0, 0], [-1, 0]], dtype=np.float32)
KINDS = np.array([0, 1, 0, 1, 1, 0, 2])


def mean_over_orders(query, label, k):
    """The precision of the k nearest, averaged over all orders of the training vectors."""
    shares = []
    for order in itertools.permutations(range(len(TRAIN))):
        lengths = np.linalg.norm(TRAIN, axis=1) * max(np.linalg.norm(query), 1e-9)
        cosines = np.round(TRAIN @ query / np.maximum(lengths, 1e-9), 9)
        nearest = sorted(order, key=lambda at: -cosines[at])[:k]  # sorted keeps the order of equals
        shares.append(np.mean(KINDS[nearest] == label))
    return np.mean(shares)


def test_label_precision_is_the_mean_over_all_orders_of_vectors_that_tie(monkeypatch):
    monkeypatch.setattr(neighbours, "_CELLS", 14)  # two queries at once
    queries = np.array([[3, 0], [0, 0], [1, 2], [-1, 1], [2, 1]], dtype=np.float32)
    labels = np.array([1, 0, 0, 2, 7])
    found = label_precision(TRAIN, KINDS, queries, labels, [1, 2, 5, 7])
    for k, values in zip([1, 2, 5, 7], found, strict=True):
        wanted = [mean_over_orders(query, label, k) for query, label in zip(queries, labels, strict=True)]
        np.testing.assert_allclose(values, wanted, rtol=1e-12)
    assert found[0][0] == 0.5, "two vectors lie in the direction of the first query"


class Itself:
    name = "itself"

    def encode(self, data):
        return data.x


def test_examples_without_a_label_neither_ask_nor_are_ranked():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(130, 3)), rng.normal(size=(4, 3))
    kinds, own = rng.integers(0, 3, 130), np.array([2, -1, 0, 1])
    kinds[::13] = -1  # 120 are left, of which .02 are 2
    found = label_values(Itself(), Rows(train, labels=kinds), Rows(test, labels=own))
    unit = train[kinds >= 0] / np.linalg.norm(train[kinds >= 0], axis=1, keepdims=True)
    nearest = kinds[kinds >= 0][np.argsort(-(test @ unit.T), axis=1)][[0, 2, 3]]
    same = nearest == own[[0, 2, 3], None]
    np.testing.assert_allclose(found["label precision .02"].value, same[:, :2].mean(1))
    np.testing.assert_allclose(found["label precision 50"].value, same[:, :50].mean(1))
    for without in (None, np.full(4, -1)):
        with pytest.raises(ConfigError, match="itself: retrieval by labels needs labels, got none; give data that has"):
            label_values(Itself(), Rows(train, labels=kinds), Rows(test, labels=without))
