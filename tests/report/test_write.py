"""Tests of irkit.report.write."""

import errno
import os

import pytest

from irkit.errors import ConfigError, DataError
from irkit.evaluate import read_results
from irkit.evaluate.board import as_result
from irkit.report import html, markdown, write_report
from tests.report.toy import toy_result


def test_a_folder_gets_one_file_of_each_kind(tmp_path):
    path = write_report(toy_result(), tmp_path / "deep" / "er")
    assert path == tmp_path / "deep" / "er" / "toy.html"
    files = {f"toy.{kind}" for kind in ("html", "md", "json", "tex", "csv")}
    assert {p.name for p in path.parent.iterdir()} == {*files, "charts"}
    assert path.read_text(encoding="utf-8") == html(toy_result())
    assert path.with_suffix(".md").read_text(encoding="utf-8") == markdown(toy_result())
    assert read_results(path.with_suffix(".json")) == as_result(toy_result(), who="test")


@pytest.mark.parametrize("name", ["report.html", "a b.md", "r.json"])
def test_a_named_file_is_the_only_one_written(tmp_path, name):
    assert write_report(toy_result(), str(tmp_path / name)) == tmp_path / name
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("suite", "stem"),
    [
        ("../../evil", "evil"),
        ("a/b c", "a-b-c"),
        ("", "leaderboard"),
        (".hidden", "hidden"),
        ("検索", "検索"),
        ("x" * 300, "x" * 80),
    ],
)
def test_a_suite_name_never_leaves_the_folder(tmp_path, suite, stem):
    path = write_report({**toy_result(), "suite": suite}, tmp_path / "in")
    assert path == tmp_path / "in" / f"{stem}.html"
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_another_ending_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match=r"report: cannot tell what to write, got .*r\.pdf; end it in \.html"):
        write_report(toy_result(), tmp_path / "r.pdf")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot tell what to write"):
        write_report(toy_result(), tmp_path / "file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_result_that_cannot_be_shown_leaves_the_old_report(tmp_path):
    path = write_report(toy_result(), tmp_path)
    old = path.read_bytes()
    with pytest.raises(DataError, match=r"^report: "):
        write_report({**toy_result(), "schema": 9}, tmp_path)
    assert path.read_bytes() == old


def test_a_full_disk_is_reported_and_leaves_the_old_report(tmp_path, monkeypatch):
    path = write_report(toy_result(), tmp_path / "r.html")
    old = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_report({**toy_result(), "date": "2027-01-01"}, path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
