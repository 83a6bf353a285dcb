"""Tests of irkit.recommend.simulate: the noise floor is what it says, and what is planted is there."""

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.recommend.simulate import planted_factors, planted_item_step, planted_regime_change, planted_user_drift

MAKERS = [planted_factors, planted_item_step, planted_user_drift, planted_regime_change]


@pytest.mark.parametrize("make", MAKERS)
def test_the_floor_is_the_noise_and_one_seed_makes_one_set(make):
    planted = make(noise=0.25)
    everything = np.arange(len(planted.ratings))
    assert planted.floor(everything) == pytest.approx(0.25, rel=0.03)
    assert make(noise=0.25).ratings.fingerprint == planted.ratings.fingerprint
    assert make(noise=0.25, seed=2).ratings.fingerprint != planted.ratings.fingerprint
    assert make(noise=0).floor(everything) == 0


def test_the_product_has_the_planted_rank():
    planted = planted_factors(users=30, items=20, rank=2, per_user=20, noise=0)
    matrix = np.zeros((30, 20))
    matrix[planted.ratings.user, planted.ratings.item] = planted.ratings.rating
    left = matrix - matrix.mean(0)
    left = left - left.mean(1, keepdims=True)  # without deviations, rank 2 remains
    sizes = np.linalg.svd(left, compute_uv=False)
    assert sizes[1] > 1
    assert sizes[2] < 1e-9


def test_items_step_at_day_50():
    steps, level = planted_item_step(step=2.0, noise=0), planted_item_step(step=0.0, noise=0)
    table = steps.ratings
    change = table.rating - level.ratings.rating
    np.testing.assert_allclose(np.abs(change), 1.0)
    late = table.days >= 50
    up = {item for item in range(len(table.items)) if change[late & (table.item == item)][0] > 0}
    assert len(up) == 30
    np.testing.assert_array_equal(change > 0, np.isin(table.item, list(up)) == late)


def test_users_drift_by_the_deviation_function():
    planted = planted_user_drift(noise=0, drift=0.3)
    table = planted.ratings
    dev = np.sign(table.days - 50) * np.abs(table.days - 50) ** 0.4
    item = planted_user_drift(noise=0, drift=0.0)
    np.testing.assert_allclose(np.abs(table.rating - item.ratings.rating), 0.3 * np.abs(dev), atol=1e-4)


def test_half_the_clusters_turn_at_the_change():
    planted = planted_regime_change(noise=0, strength=1.0, change=60)
    table = planted.ratings
    cluster = np.array([int(table.users[row][1:]) % 4 for row in range(len(table.users))])[table.user]
    late = table.days >= 60
    for item in (0, 1):
        for c in range(4):
            rows = (table.item == item) & (cluster == c)
            before, after = table.rating[rows & ~late], table.rating[rows & late]
            assert np.ptp(before) < 1e-9
            assert abs(after[0] - before[0]) == pytest.approx(2.0 if c < 2 else 0.0, abs=1e-9)


def test_planting_nothing_is_refused():
    with pytest.raises(ConfigError, match="users, items and per_user >= 1"):
        planted_factors(users=0)
    with pytest.raises(ConfigError, match="noise is a standard deviation"):
        planted_factors(noise=-1)
    with pytest.raises(ConfigError, match="clusters >= 2"):
        planted_regime_change(clusters=1)
