"""Tests of irkit.registry."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import irkit
from irkit import names, registry
from irkit.errors import ConfigError, NotFoundError
from irkit.pipeline.chain import Cut
from irkit.pipeline.stage import Stage
from irkit.registry import DOCUMENTS, MEASURES, MODELS, QRELS, QUERIES, STAGES, Names

NOT_IN_FILES = {
    "irkit.pipeline.chain:Then": "a list of stages is a chain",
    "irkit.pipeline.apply:Apply": "holds a function",
    "irkit.pipeline.pyterrier:FromPyTerrier": "holds a PyTerrier transformer",
    "irkit.pipeline.given:Run": "holds results",
    "irkit.evaluate.byfold:ByFold": "holds pipelines and folds of queries",
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
        points = [EntryPoint(name, value, STAGES.group) for name, value in entries]
        monkeypatch.setattr(names, "entry_points", lambda group: points if group == "irkit.stages" else [])
        registry.plugins_of.cache_clear()

    yield install
    registry.plugins_of.cache_clear()


@pytest.mark.slow
def test_the_table_holds_every_stage_under_the_name_it_gives_itself():
    found = stages_in_irkit()
    assert set(NOT_IN_FILES) <= set(found)
    assert {place: name for name, place in STAGES.shipped.items()} == {
        place: name for place, name in found.items() if place not in NOT_IN_FILES
    }


@pytest.mark.parametrize("name", sorted(STAGES))
def test_each_name_leads_to_its_class(name):
    kind = STAGES.load(name)
    assert issubclass(kind, Stage)
    assert f"{kind.__module__}:{kind.__qualname__}" == STAGES[name]
    assert kind.name == name
    assert not {"use", "of"} & set(kind.config_type.model_fields), "words of the recipe language"


def test_names_are_those_of_the_table_and_then_of_plugins(plugins):
    plugins(("plugged", "tests.test_registry:Plugged"))
    assert list(STAGES) == [*STAGES.shipped, "plugged"]
    assert len(STAGES) == len(STAGES.shipped) + 1
    assert STAGES["plugged"] == "tests.test_registry:Plugged"


def test_an_unknown_name_lists_near_misses():
    with pytest.raises(NotFoundError, match=r"there is no stage 'lucen'; did you mean lucene\?"):
        STAGES.load("lucen")


def test_a_plugin_is_found_by_name(plugins, monkeypatch):
    monkeypatch.setitem(sys.modules, "own_stages", sys.modules[__name__])
    plugins(("plugged", "own_stages:Plugged"))
    assert STAGES.load("plugged") is Plugged
    assert STAGES.load("cut") is Cut


def test_a_broken_plugin_is_an_error_only_when_it_is_used(plugins):
    plugins(("broken", "there_is_no_such_module:X"))
    assert "broken" in list(STAGES)
    assert STAGES.load("cut") is Cut
    with pytest.raises(
        ConfigError,
        match=r"stage 'broken': the plug-in an unnamed package \(there_is_no_such_module:X\) cannot be loaded, "
        r"ModuleNotFoundError: No module named 'there_is_no_such_module'; repair or uninstall it",
    ):
        STAGES.load("broken")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("irkit.config:Config", "is not a stage; it must be a subclass of irkit.pipeline.stage.Stage"),
        ("irkit.config:digest", "is not a stage"),
        ("irkit.pipeline.chain:Cut", "names itself 'cut'; use one name in both places"),
        ("irkit.pipeline.stage:Stage", "names itself None"),
    ],
)
def test_a_plugin_must_be_a_stage_of_that_name(plugins, value, message):
    plugins(("other", value))
    with pytest.raises(ConfigError, match=rf"stage 'other': the plug-in .* {message}"):
        STAGES.load("other")


def test_a_plugin_cannot_take_a_shipped_name(plugins):
    plugins(("cut", "own_stages:Cut"))
    with pytest.raises(ConfigError, match=r"stage 'cut': claimed by irkit .* and an unnamed package .*own_stages:Cut"):
        STAGES.load("cut")
    assert STAGES.load("lucene").name == "lucene"


def test_two_plugins_cannot_share_a_name(plugins):
    plugins(("x", "a:X"), ("x", "b:X"))
    with pytest.raises(ConfigError, match=r"stage 'x': claimed by .*a:X.* and .*b:X.*; uninstall all but one"):
        STAGES.load("x")


def test_one_package_found_twice_is_one_claim(plugins):
    value = f"{__name__}:Plugged"
    plugins(("plugged", value), ("plugged", value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, __name__, sys.modules[__name__])
        assert STAGES.load("plugged") is Plugged


@pytest.mark.parametrize("table", [MODELS, DOCUMENTS, QUERIES, QRELS], ids=lambda table: table.group)
def test_each_name_of_the_other_tables_leads_to_what_it_says(table):
    for name in table.shipped:
        found = table.load(name)
        assert callable(found)
        assert not table.base or found.name == name


def test_a_plugin_that_ends_the_process_is_told_in_one_line(plugins, monkeypatch, tmp_path):
    (tmp_path / "quitting_stages.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    plugins(("quits", "quitting_stages:X"), ("no-place", "not a place"))
    with pytest.raises(ConfigError, match=r"stage 'quits': the plug-in .* cannot be loaded, SystemExit: 3; repair or"):
        STAGES.load("quits")
    with pytest.raises(
        ConfigError, match=r"stage 'no-place': the plug-in .* cannot be loaded, .*; repair or uninstall"
    ):
        STAGES.load("no-place")
    assert STAGES.load("cut") is Cut


def test_a_kind_without_a_base_takes_whatever_can_be_called(plugins):
    table = Names("thing", "irkit.stages", {})
    plugins(("two", "irkit.registry:at"), ("doc", "irkit.registry:__doc__"))
    assert table.load("two") is registry.at
    with pytest.raises(ConfigError, match=r"thing 'doc': the plug-in .* is not a thing, got str; it must be callable"):
        table.load("doc")
    with pytest.raises(NotFoundError, match="there is no measure 'x'; there is nothing to choose from"):
        MEASURES.load("x")


def test_looking_names_up_imports_nothing():
    import subprocess

    code = "import sys, irkit.registry as r; list(r.STAGES); print(*(m for m in sys.modules if m.startswith('irkit')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["irkit", "irkit.doors", "irkit.errors", "irkit.names", "irkit.registry"]
