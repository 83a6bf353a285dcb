"""Tests of irkit.locate."""

from pathlib import Path

import pytest

from irkit import locate
from irkit.errors import NotFoundError


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A shipped folder and a home with one recipe of the same name, and each one of its own."""
    shipped, home = tmp_path / "shipped", tmp_path / "my home"
    for path in (
        shipped / "pipelines/retrieval/bm25.yaml",
        shipped / "pipelines/ql.yaml",
        home / "pipelines/bm25.yaml",
        home / "pipelines/own.yaml",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("name: x\n")
    monkeypatch.setattr(locate, "shipped", lambda kind: shipped / kind)
    monkeypatch.setenv("IRKIT_HOME", str(home))
    return shipped, home


def test_the_users_files_win_over_shipped_ones(places):
    shipped, home = places
    assert locate.names("pipelines") == {
        "bm25": home / "pipelines/bm25.yaml",
        "ql": shipped / "pipelines/ql.yaml",
        "own": home / "pipelines/own.yaml",
    }
    assert locate.find("pipelines", "bm25") == home / "pipelines/bm25.yaml"
    assert locate.find("pipelines", "ql") == shipped / "pipelines/ql.yaml"


def test_a_path_is_taken_as_it_is(places, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: x\n")
    assert locate.find("pipelines", str(path)) == path
    with pytest.raises(NotFoundError, match=r"pipelines: there is no file 'nowhere/mine.yaml'"):
        locate.find("pipelines", "nowhere/mine.yaml")


def test_a_name_may_have_its_folder_before_it(places):
    shipped, home = places
    assert locate.find("pipelines", "retrieval/bm25") == shipped / "pipelines/retrieval/bm25.yaml"
    (home / "pipelines/retrieval").mkdir()
    (home / "pipelines/retrieval/bm25.yaml").write_text("name: x\n")
    assert locate.find("pipelines", "retrieval/bm25") == home / "pipelines/retrieval/bm25.yaml"
    with pytest.raises(NotFoundError, match="there is no 'search/bm25'"):
        locate.find("pipelines", "search/bm25")


def test_an_unknown_name_lists_near_misses(places):
    with pytest.raises(NotFoundError, match=r"pipelines: there is no 'bm52'; did you mean bm25\?"):
        locate.find("pipelines", "bm52")


def test_a_kind_without_any_folder_is_empty(places):
    assert locate.names("eval") == {}
    with pytest.raises(NotFoundError, match="there is nothing to choose from"):
        locate.find("eval", "x")


def test_home_and_collections_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", "~/elsewhere")
    assert locate.home() == Path.home() / "elsewhere"
    monkeypatch.delenv("IRKIT_HOME")
    assert locate.home() == Path.home() / ".irkit"
    monkeypatch.setenv("IRKIT_DATA", "~/data")
    assert locate.collections_home() == Path.home() / "data"
    monkeypatch.delenv("IRKIT_DATA")
    assert locate.collections_home() is None


@pytest.mark.parametrize("kind", ["pipelines", "data", "eval"])
def test_shipped_folders_stand_beside_the_package_or_inside_a_wheel(kind, tmp_path, monkeypatch):
    assert locate.shipped(kind) == Path(locate.__file__).parent.parent / kind
    monkeypatch.setattr(locate, "_PACKAGE", tmp_path)
    (tmp_path / "_shipped" / kind).mkdir(parents=True)
    assert locate.shipped(kind) == tmp_path / "_shipped" / kind
