"""Outputs that could not be written are refused before any work, and nothing is left behind."""

from __future__ import annotations

import errno
import os
import re
import socket

import pytest

from irkit.errors import ConfigError, DataError
from irkit.io.outputs import check_folder, check_output


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def place(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    return tmp_path


@pytest.mark.parametrize("name", ["new", "file", "folder/new", "deep/er/new", "\u691c" * 83])
def test_what_can_be_written_passes_and_stays_as_it_is(place, name):
    before = tree(place)
    check_output(place / name, who="x")
    assert tree(place) == before
    assert (place / "file").read_bytes() == b"old"


@pytest.mark.parametrize("path", ["-", "/dev/stdout", os.devnull])
def test_streams_pass(path):
    check_output(path, who="x")


def test_a_pipe_is_not_opened_for_the_check(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    check_output(tmp_path / "pipe.npy", who="x", suffixes=(".npy",))  # opening it would wait for a reader


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("folder", "x: -o must be a file, got the folder {}; name a file in it"),
        ("file/new", "{}: cannot write: Not a directory; check free space and permissions"),
        ("n" * 300, "{}: cannot write: File name too long; check free space and permissions"),
        ("socket", "{}: cannot write: No such device or address; check free space and permissions"),
    ],
)
def test_what_cannot_be_written_is_one_line(place, name, line, monkeypatch):
    monkeypatch.chdir(place)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
        before = tree(place)
        with pytest.raises((ConfigError, DataError), match=f"^{re.escape(line.format(place / name))}$"):
            check_output(place / name, who="x", option="-o")
        assert tree(place) == before


def test_the_reading_end_of_a_pipe_is_no_output():
    reader, writer = os.pipe()
    check_output(f"/dev/fd/{writer}", who="x")
    with pytest.raises(DataError, match=rf"/dev/fd/{reader}: cannot write: Bad file descriptor"):
        check_output(f"/dev/fd/{reader}", who="x")
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("name", ["q.tsv", "./q.tsv", "none/../q.tsv", "link", "hard.tsv"])
def test_a_file_that_is_read_is_no_output(place, name, monkeypatch):
    monkeypatch.chdir(place)
    (place / "q.tsv").write_text("1\tfox\n")
    (place / "link").symlink_to("q.tsv")
    os.link("q.tsv", "hard.tsv")
    line = f"x: -o is a file that is read, got {name}; choose another name, or it is lost"
    with pytest.raises(ConfigError, match=f"^{re.escape(line)}$"):
        check_output(name, who="x", option="-o", inputs=[None, "bm25", "q.tsv"])
    assert (place / "q.tsv").read_text() == "1\tfox\n"


def test_other_files_names_and_streams_are_outputs_beside_what_is_read(place, monkeypatch):
    monkeypatch.chdir(place)
    check_output("file", who="x", inputs=["missing.tsv", "new.tsv", "file"])  # a bare `file` is a name
    check_output("new.tsv", who="x", inputs=["new.tsv"])
    check_output(os.devnull, who="x", inputs=[os.devnull])


def test_the_ending_must_say_what_is_written():
    check_output("a.npy", who="x", suffixes=(".npy", ".csv"))
    check_output("a.csv.gz", who="x", suffixes=(".npy", ".csv"), pack=True)
    for name, pack in [("a.txt", True), ("a.csv.gz", False), ("-", True), ("a", False)]:
        with pytest.raises(ConfigError, match=rf"^x: --out must end in \.npy or \.csv, got {name}; rename it$"):
            check_output(name, who="x", suffixes=(".npy", ".csv"), pack=pack, option="--out")


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("check", [check_output, check_folder])
def test_what_the_system_refuses_is_known_before(place, monkeypatch, check, reason):
    def refuse(path, *_):
        raise OSError(reason, os.strerror(reason), str(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match=rf"new: cannot write: {os.strerror(reason)}; check free space"):
        check(place / "new", who="x")


def test_a_file_without_permission_is_known_before(place, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DataError, match="file: cannot write: Permission denied"):
        check_output(place / "file", who="x")
    check_output(place / "new", who="x")


def test_folders(place):
    before = tree(place)
    for name in ("folder", "new", "new/er"):
        check_folder(place / name, who="x")
    assert tree(place) == before
    with pytest.raises(ConfigError, match=r"^x: --to must be a folder, got .*file; choose another name$"):
        check_folder(place / "file", who="x", option="--to")
    with pytest.raises(ConfigError, match="must be a folder, got -;"):
        check_folder("-", who="x")
    with pytest.raises(DataError, match="cannot write: Not a directory"):
        check_folder(place / "file" / "in", who="x")


@pytest.mark.parametrize("name", ["segments_1", "_0.si", "new.run"])
def test_nothing_is_written_into_an_index_that_is_read(tmp_path, monkeypatch, name):
    index = tmp_path / "ix"
    index.mkdir()
    (index / "segments_1").write_bytes(b"old")
    (tmp_path / "link").symlink_to(index)
    monkeypatch.chdir(tmp_path)
    for folder in ("ix", "./ix", str(index), "link"):
        with pytest.raises(
            ConfigError, match=r"x: -o lies in the index that is read, got ix/.*; choose another folder"
        ):
            check_output(f"ix/{name}", who="x", option="-o", inputs=("bm25", folder))
    check_output("beside.run", who="x", option="-o", inputs=("bm25", "ix", tmp_path))
    assert tree(index) == ["segments_1"]
