"""Tests of irkit.recipe.registry."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import irkit
from irkit.errors import ConfigError, NotFoundError
from irkit.pipeline.chain import Cut
from irkit.pipeline.stage import Stage
from irkit.recipe import registry
from irkit.recipe.registry import STAGES, stage_class, stage_names

NOT_IN_FILES = {
    "irkit.pipeline.chain:Then": "a list of stages is a chain",
    "irkit.pipeline.apply:Apply": "holds a function",
    "irkit.pipeline.pyterrier:FromPyTerrier": "holds a PyTerrier transformer",
}


class Plugged(Stage):
    name = "plugged"


def stages_in_irkit() -> dict[str, str]:
    """Every public stage class of the package with the name it gives itself."""
    root = Path(irkit.__file__).parent
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        if path.stem not in {"__init__", "__main__"}:
            importlib.import_module(".".join(parts))
    found, waiting = {}, [Stage]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("irkit.") and hasattr(kind, "name") and not kind.__name__.startswith("_"):
            found[f"{kind.__module__}:{kind.__qualname__}"] = kind.name
    return found


@pytest.fixture
def plugins(monkeypatch):
    """Install entry points for the time of a test."""

    def install(*entries: tuple[str, str]) -> None:
        points = [EntryPoint(name, value, registry.GROUP) for name, value in entries]
        monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "irkit.stages" else [])
        registry._plugins.cache_clear()

    yield install
    registry._plugins.cache_clear()


@pytest.mark.slow
def test_the_table_holds_every_stage_under_the_name_it_gives_itself():
    found = stages_in_irkit()
    assert set(NOT_IN_FILES) <= set(found)
    assert {place: name for name, place in STAGES.items()} == {
        place: name for place, name in found.items() if place not in NOT_IN_FILES
    }


@pytest.mark.parametrize("name", sorted(STAGES))
def test_each_name_leads_to_its_class(name):
    kind = stage_class(name)
    assert issubclass(kind, Stage)
    assert f"{kind.__module__}:{kind.__qualname__}" == STAGES[name]
    assert kind.name == name
    assert not {"use", "of"} & set(kind.config_type.model_fields), "words of the recipe language"


def test_names_are_sorted_and_hold_plugins(plugins):
    plugins(("plugged", "tests.recipe.test_registry:Plugged"))
    assert stage_names() == sorted([*STAGES, "plugged"])


def test_an_unknown_name_lists_near_misses():
    with pytest.raises(NotFoundError, match=r"there is no stage 'lucen'; did you mean lucene\?"):
        stage_class("lucen")


def test_a_plugin_is_found_by_name(plugins, monkeypatch):
    monkeypatch.setitem(sys.modules, "own_stages", sys.modules[__name__])
    plugins(("plugged", "own_stages:Plugged"))
    assert stage_class("plugged") is Plugged
    assert stage_class("cut") is Cut


def test_a_broken_plugin_is_an_error_only_when_it_is_used(plugins):
    plugins(("broken", "there_is_no_such_module:X"))
    assert "broken" in stage_names()
    assert stage_class("cut") is Cut
    with pytest.raises(
        ConfigError,
        match=r"stage 'broken': the plug-in an unnamed package \(there_is_no_such_module:X\) cannot be loaded, "
        r"ModuleNotFoundError: No module named 'there_is_no_such_module'; repair or uninstall it",
    ):
        stage_class("broken")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("irkit.config:Config", "is not a stage; it must be a subclass of irkit.Stage"),
        ("irkit.config:digest", "is not a stage"),
        ("irkit.pipeline.chain:Cut", "names itself 'cut'; use one name in both places"),
        ("irkit.pipeline.stage:Stage", "names itself None"),
    ],
)
def test_a_plugin_must_be_a_stage_of_that_name(plugins, value, message):
    plugins(("other", value))
    with pytest.raises(ConfigError, match=rf"stage 'other': the plug-in .* {message}"):
        stage_class("other")


def test_a_plugin_cannot_take_a_shipped_name(plugins):
    plugins(("cut", "own_stages:Cut"))
    with pytest.raises(ConfigError, match=r"stage 'cut': claimed by irkit .* and an unnamed package .*own_stages:Cut"):
        stage_class("cut")
    assert stage_class("lucene").name == "lucene"


def test_two_plugins_cannot_share_a_name(plugins):
    plugins(("x", "a:X"), ("x", "b:X"))
    with pytest.raises(ConfigError, match=r"stage 'x': claimed by .*a:X.* and .*b:X.*; uninstall all but one"):
        stage_class("x")


def test_one_package_found_twice_is_one_claim(plugins):
    value = f"{__name__}:Plugged"
    plugins(("plugged", value), ("plugged", value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, __name__, sys.modules[__name__])
        assert stage_class("plugged") is Plugged


def test_looking_names_up_imports_nothing():
    import subprocess

    code = (
        "import sys, irkit.recipe.registry as r; r.stage_names(); "
        "print([m for m in sys.modules if m.startswith(('irkit.pipeline', 'irkit.lucene', 'pandas', 'torch'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
