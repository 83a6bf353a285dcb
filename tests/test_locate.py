"""Tests of irkit.locate."""

from pathlib import Path

import pytest

from irkit import locate
from irkit.errors import ConfigError, NotFoundError


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


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("fiqa", None),
        ("./fiqa", "fiqa"),
        ("sub/fiqa", "sub/fiqa"),
        ("../fiqa", "../fiqa"),
        (".", "."),
        ("..", ".."),
        ("mine", "mine"),
        ("mine.jsonl", "mine.jsonl"),
        ("a.b", None),
        ("here.b", "here.b"),
        ("", "."),
        ("a\0b", "a\0b"),
        ("~/fiqa", str(Path.home() / "fiqa")),
        (Path("fiqa"), "fiqa"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_what_is_a_path_and_what_a_name(tmp_path, monkeypatch, text, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.b").write_text("x")
    found = locate.given_path(text, {"fiqa", "a.b", "here.b", ".", "~/fiqa", "x/y"})
    assert found == (None if path is None else Path(path))


@pytest.mark.parametrize("kind", ["file", "folder", "broken link"])
def test_what_lies_here_under_a_known_name_is_mentioned_once_and_not_taken(tmp_path, monkeypatch, caplog, kind):
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "fiqa"
    {"file": here.touch, "folder": here.mkdir, "broken link": lambda: here.symlink_to("nowhere")}[kind]()
    for _ in range(2):
        assert locate.given_path("fiqa", {"fiqa"}) is None
    if kind != "broken link":
        assert locate.given_path("./fiqa", {"fiqa"}) == Path("fiqa")
    assert [record.getMessage() for record in caplog.records] == [
        "fiqa: is taken as a name; what lies here as ./fiqa is not meant, write ./fiqa for it"
    ]


def test_in_the_folder_of_irkit_data_nothing_is_mentioned(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path))
    (tmp_path / "fiqa").mkdir()
    assert locate.given_path("fiqa", {"fiqa"}) is None
    assert not caplog.records


def test_a_file_here_is_not_taken_for_a_recipe_of_that_name(places, tmp_path, monkeypatch):
    shipped, home = places
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bm25").write_text("name: other\n")
    (tmp_path / "other").write_text("name: other\n")
    assert locate.find("pipelines", "bm25") == home / "pipelines/bm25.yaml"
    assert locate.find("pipelines", "./bm25") == Path("bm25")
    assert locate.find("pipelines", "other") == Path("other")
    (tmp_path / "retrieval").mkdir()  # a folder is no recipe
    assert locate.find("pipelines", "retrieval/bm25") == shipped / "pipelines/retrieval/bm25.yaml"


def test_two_files_of_the_user_with_one_name_are_refused(places):
    _, home = places
    for folder in ("a", "b"):
        (home / "pipelines" / folder).mkdir()
        (home / "pipelines" / folder / "twin.yaml").write_text("name: x\n")
    with pytest.raises(ConfigError, match=r"has a/twin\.yaml and b/twin\.yaml, both called 'twin'; rename one"):
        locate.find("pipelines", "twin")
    assert locate.find("pipelines", "b/twin") == home / "pipelines/b/twin.yaml"


@pytest.mark.parametrize("name", ["../own", "retrieval/../../own", "/own", "retrieval/\0"])
def test_a_folder_before_a_name_leads_nowhere_else(places, name):
    with pytest.raises(NotFoundError):
        locate.find("pipelines", name)


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


def test_files_below_a_folder_are_found_behind_links_and_once(tmp_path):
    inside, outside = tmp_path / "texts", tmp_path / "elsewhere"
    for path in (inside / "a.txt", inside / "sub" / "b.txt", inside / ".git" / "c", outside / "d.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (inside / "linked").symlink_to(outside)
    (inside / "sub" / "round").symlink_to(inside)
    (inside / "up").symlink_to(tmp_path)
    found = {path.relative_to(inside).as_posix() for path in locate.files_below(inside)}
    assert found == {"a.txt", "sub/b.txt", "linked/d.txt"}
    assert inside / ".git" / "c" in set(locate.files_below(inside, hidden=True))


def test_a_link_that_leads_nowhere_is_an_error_wherever_it_is_named_or_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gone.txt").symlink_to("nowhere")
    Path("one").symlink_to("other")
    Path("other").symlink_to("one")
    for name, behind in (("./gone.txt", "nowhere"), ("one", "other")):
        with pytest.raises(NotFoundError, match=f"is a link to {behind}, which leads to no file; mend the link"):
            locate.given_path(name, {})
    Path("one").unlink()
    Path("other").unlink()
    with pytest.raises(NotFoundError, match=r"gone\.txt: is a link to nowhere"):
        list(locate.files_below(tmp_path))


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def refuse(place):
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(PermissionError):
        list(locate.files_below(tmp_path))
