"""Tests of irkit.doors, and of every door of the package."""

from __future__ import annotations

import importlib
import sys

import pytest

from irkit.doors import door

DOORS = ("irkit", "irkit.generative", "irkit.io", "irkit.learn", "irkit.lucene", "irkit.recipe", "irkit.recommend")

SOURCE = """
from typing import TYPE_CHECKING
from irkit.doors import door
own = 1
if TYPE_CHECKING:
    from {0}.inside import Thing as Thing
    from {0}.inside import broken as broken
    from {0} import deeper as deeper
else:
    __getattr__, __dir__, __all__ = door(__name__, "own")
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a door to one module, imported."""
    name = "package_with_a_door"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(SOURCE.format(name))
    (tmp_path / name / "deeper").mkdir()
    (tmp_path / name / "deeper" / "__init__.py").write_text("depth = 1")
    (tmp_path / name / "inside.py").write_text("class Thing:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(name)
    for module in [one for one in sys.modules if one.startswith(name)]:
        del sys.modules[module]


def test_a_name_is_imported_when_it_is_first_used(package):
    inside = f"{package.__name__}.inside"
    assert inside not in sys.modules
    assert package.Thing is sys.modules[inside].Thing


def test_all_public_names_are_listed(package):
    assert package.__all__ == ["Thing", "broken", "own"]
    assert dir(package) == ["Thing", "broken", "deeper", "own"]


def test_a_package_inside_is_imported_when_it_is_first_used(package):
    assert f"{package.__name__}.deeper" not in sys.modules
    assert package.deeper.depth == 1


def test_a_name_that_is_none_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="module 'package_with_a_door' has no attribute 'nothing'"):
        package.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'broken'"):
        package.broken  # noqa: B018


@pytest.mark.parametrize("name", DOORS)
def test_every_name_of_every_door_leads_somewhere(name):
    package = importlib.import_module(name)
    assert len(package.__all__) >= 3
    for public in package.__all__:
        assert getattr(package, public) is not None
    assert [one for one in dir(package) if one in package.__all__] == package.__all__
    assert door(name)[2] == [public for public in package.__all__ if public != "__version__"]
