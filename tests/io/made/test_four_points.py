"""Tests of irkit.io.made.four_points."""

import numpy as np

from irkit.io import load_data
from irkit.io.made.four_points import COPIES, loadings


def test_each_point_is_as_frequent_as_the_others_and_nothing_is_to_validate_on():
    data = load_data("four-points")
    assert [len(data.part(name)) for name in ("train", "valid", "test")] == [4 * COPIES, 0, 4]
    np.testing.assert_array_equal(data.test.x, np.eye(4))
    np.testing.assert_array_equal(data.train.x.sum(0), [COPIES] * 4)
    assert data.fingerprint == load_data("four-points").fingerprint


def test_loadings_have_one_length_and_right_angles_and_are_stated():
    given = loadings()
    np.testing.assert_allclose(
        given @ given.T, 36 * np.array([[1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1]])
    )
    stated = np.array(load_data("four-points").details["loadings"].split(), dtype=float)
    np.testing.assert_array_equal(stated.reshape(4, 2), given)
