"""MNIST at half its size: means of squares of pixels."""

import numpy as np
import pytest

from irkit.io import load_data
from irkit.io.made.shrunk import pooled


def test_pixels_are_means_of_squares():
    x = np.random.default_rng(0).random((3, 36))
    slow = np.array([[[one[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean() for c in range(3)] for r in range(3)]
                     for one in x.reshape(3, 6, 6)])  # fmt: skip
    np.testing.assert_allclose(pooled(x, 2), slow.reshape(3, 9), rtol=1e-12)


@pytest.mark.data
def test_it_is_mnist_in_grey():
    data, whole = load_data("mnist-14"), load_data("mnist", binarise="none")
    assert data.spec.picture == (14, 14)
    assert [len(data.part(part)) for part in ("train", "valid", "test")] == [50_000, 10_000, 10_000]
    for name in ("train", "test"):
        found, large = data.part(name), whole.part(name)
        np.testing.assert_array_equal(found.labels, large.labels)
        np.testing.assert_allclose(found.x.mean(1), large.x.mean(1), atol=1e-6)
        assert ((found.x >= 0) & (found.x <= 1)).all()
    assert found.x.dtype == np.float32
    assert len(np.unique(found.x[:100])) > 200
