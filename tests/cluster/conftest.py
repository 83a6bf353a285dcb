"""One Ray for all tests of this folder, as it takes seconds to start."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def local_ray():
    """Ray with two workers, started for these tests; whatever runs by Ray in this process runs there."""
    pytest.importorskip("ray", reason="the extra ray is not installed")
    from irkit.cluster.connection import connected

    with connected("local", who="tests", cpus=2, resources={"node-a": 1, "node-b": 1}) as ray:
        yield ray
