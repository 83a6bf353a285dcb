"""Tests of irkit.recipe.shelf."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.recipe import copy_recipe, list_recipes, load_recipe


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_shipped_recipes_are_listed_by_folder(home):
    rows = {row.name: row for row in list_recipes()}
    row = rows["bm25"]
    assert (row.kind, row.needs, row.shipped) == ("retrieval", ("index",), True)
    assert row.about == load_recipe("bm25").about
    assert row.path == load_recipe("bm25").path
    order = [(row.kind, row.name) for row in list_recipes()]
    assert order == sorted(order)


def test_the_user_s_recipes_are_listed_and_win(home):
    folder = home / "pipelines"
    (folder / "own").mkdir(parents=True)
    (folder / "bm25.yaml").write_text("about: mine\nstages: [{use: cut, k: 1}]\n")
    (folder / "own" / "new.yaml").write_text("about: new\nneeds: [index]\nstages: [{use: lucene}]\n")
    rows = {row.name: row for row in list_recipes()}
    assert (rows["bm25"].about, rows["bm25"].kind, rows["bm25"].shipped) == ("mine", "", False)
    assert (rows["new"].about, rows["new"].kind, rows["new"].needs) == ("new", "own", ("index",))
    assert load_recipe("bm25").about == "mine"


def test_a_file_that_cannot_be_read_does_not_hide_the_others(home):
    (home / "pipelines").mkdir(parents=True)
    (home / "pipelines" / "broken.yaml").write_text("a: [1")
    (home / "pipelines" / "odd.yaml").write_text("about: 5\nneeds: index\n")
    rows = {row.name: row for row in list_recipes()}
    assert rows["broken"].about.startswith("cannot be read: ")
    assert "broken.yaml:1: not YAML" in rows["broken"].about
    assert (rows["odd"].about, rows["odd"].needs) == ("5", ())
    assert "bm25" in rows


def test_a_copy_is_the_file_itself(tmp_path):
    path = copy_recipe("rrf-bm25-ql", tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "rrf-bm25-ql.yaml"
    assert path.read_bytes() == load_recipe("rrf-bm25-ql").path.read_bytes()
    assert load_recipe(path) == load_recipe("rrf-bm25-ql")


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "bm25.yaml"
    path.write_text("mine")
    with pytest.raises(
        ConfigError, match=r"pipelines: .*bm25\.yaml exists already; choose another folder or remove it"
    ):
        copy_recipe("bm25", tmp_path)
    assert path.read_text() == "mine"
    with pytest.raises(ConfigError, match=r"pipelines: .*bm25\.yaml exists already"):
        copy_recipe("bm25", path)


def test_an_unknown_recipe_makes_no_folder(tmp_path):
    with pytest.raises(NotFoundError, match="there is no 'bm52'"):
        copy_recipe("bm52", tmp_path / "new")
    assert not (tmp_path / "new").exists()
