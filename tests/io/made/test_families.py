"""Sets of four families: the parameters they were drawn from, and the shape of each family."""

import numpy as np
import pytest
from scipy import stats

from irkit.io import load_data
from irkit.io.made.families import FAMILIES, SIZES, families, families_parameters

SHAPES = {"Gaussian": stats.norm, "uniform": stats.uniform, "Laplace": stats.laplace, "exponential": stats.expon}


@pytest.mark.parametrize("name", FAMILIES)
def test_numbers_are_of_their_sets_family_with_its_mean_and_variance(name):
    drawn, test = families_parameters("test", 300), families((1, 1, 300)).test
    rows = np.flatnonzero(drawn.family == FAMILIES.index(name))
    standard = SHAPES[name]()
    centred = np.concatenate([(test.x[row][:, 0] - drawn.mean[row]) / np.sqrt(drawn.variance[row]) for row in rows])
    scaled = centred * standard.std() + standard.mean()
    assert stats.kstest(scaled, standard.cdf).pvalue > 1e-3
    others = [one for one in SHAPES.values() if one is not SHAPES[name]]
    assert all(stats.kstest(centred * one().std() + one().mean(), one().cdf).pvalue < 1e-9 for one in others)


def test_parameters_lie_in_their_ranges_and_parts_differ():
    train, test = families_parameters("train", 5000), families_parameters("test", 5000)
    assert (np.bincount(train.family) > 1100).all()
    assert len(np.bincount(train.family)) == 4
    for values, low, high in ((train.mean, -1, 1), (train.variance, 0.5, 2)):
        assert low <= values.min() < low + 0.01 < high - 0.01 < values.max() <= high
    assert not np.isclose(train.mean, test.mean).any()


def test_a_smaller_part_has_the_first_sets_of_a_greater_one():
    small, large = families((3, 2, 1)), families((7, 5, 4))
    np.testing.assert_array_equal(small.train.x.values, large.train.x.values[: 3 * 200])
    np.testing.assert_array_equal(small.train.labels, families_parameters("train", 3).family)
    assert (len(small.train), len(small.valid), len(small.test)) == (3, 2, 1)
    assert families((3, 2, 1), 50).spec.longest == 50


def test_the_set_that_has_the_name():
    data = load_data("families")
    assert [len(data.part(part)) for part in ("train", "valid", "test")] == list(SIZES)
    assert data.spec.longest == 200
    assert data.fingerprint == families().fingerprint != families((10_000, 500, 1_999)).fingerprint
