"""The ring: points where they should be, the same each time."""

import numpy as np

from irkit.io import load_data
from irkit.io.made.ring import centres


def test_points_lie_around_eight_centres():
    data, again = load_data("ring"), load_data("ring")
    assert data.fingerprint == again.fingerprint
    assert [len(data.part(part)) for part in ("train", "valid", "test")] == [50_000, 2_000, 10_000]
    np.testing.assert_allclose(np.linalg.norm(centres(), axis=1), 2)
    train = data.part("train")
    apart = train.x - centres()[train.labels]
    assert abs(apart.std() - 0.02) < 2e-4
    assert np.bincount(train.labels).min() > 6_000
    assert not data.part("valid").same(data.part("test"))
