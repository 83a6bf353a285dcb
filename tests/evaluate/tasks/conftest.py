"""What tests of tasks share."""

from __future__ import annotations

import pytest

from tests.evaluate.tasks.planted_pools import plant


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with planted pools and some recipes, which one works in."""
    monkeypatch.chdir(tmp_path)
    plant(tmp_path)
    return tmp_path
