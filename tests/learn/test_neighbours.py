"""Tests of irkit.learn.neighbours."""

import numpy as np
import pytest

from irkit.learn.neighbours import knn_accuracy


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
