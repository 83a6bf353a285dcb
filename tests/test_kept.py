"""Tests of irkit.kept: a cache's file is what was written, or it is not there."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

import irkit.kept as kept
from irkit.errors import DataError
from irkit.kept import SIGN, found, keep

CONTENT = bytes(range(256)) * 2
END = len(SIGN) + 32


def text(path):
    return path.read_bytes()[:-END]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_told", set())
    return tmp_path / "cache" / "one"


def test_what_was_kept_is_found(path):
    assert found(path, text) is None
    assert keep(path, lambda file: file.write(CONTENT))
    assert found(path, text) == CONTENT
    assert os.listdir(path.parent) == ["one"]
    assert keep(path, lambda file: file.write(b""))
    assert found(path, text) == b""


def test_any_flipped_bit_and_any_cut_is_seen(path):
    keep(path, lambda file: file.write(CONTENT))
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        assert found(path, text) is None, at
    for size in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:size])
        assert found(path, text) is None, size
    path.write_bytes(whole + b"x")
    assert found(path, text) is None
    path.write_bytes(CONTENT)  # as before there were digests
    assert found(path, text) is None
    path.write_bytes(whole)
    assert found(path, text) == CONTENT


def test_numpys_files_are_read_with_the_digest_behind_them(path):
    matrix = np.arange(12.0).reshape(3, 4)

    def read(place):
        with np.load(place) as file:
            return file["matrix"]

    keep(path, lambda file: np.savez(file, matrix=matrix))
    np.testing.assert_array_equal(found(path, read), matrix)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "bad"), ValueError("odd"), DataError("NaN")])
def test_content_that_cannot_be_read_is_as_good_as_none(path, error):
    def read(place):
        raise error

    keep(path, lambda file: file.write(CONTENT))
    assert found(path, read) is None


def refusing(code):
    def write(file):
        file.write(CONTENT[:100])  # half of it is there when the disk is full
        raise OSError(code, os.strerror(code))

    return write


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_place_that_cannot_be_written_is_said_once_and_done_without(path, code, caplog):
    keep(path, lambda file: file.write(b"old"))
    assert not keep(path, refusing(code))
    assert not keep(path, refusing(code))
    (line,) = caplog.messages
    assert line == f"{path.parent} cannot be written, {os.strerror(code)}; results are not kept"
    assert found(path, text) == b"old"
    assert os.listdir(path.parent) == ["one"]


@pytest.mark.parametrize("step", ["mkdir", "fsync", "replace"])
def test_every_step_may_be_refused(path, step, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(*{"mkdir": (type(path), "mkdir")}.get(step, (os, step)), refuse)
    assert not keep(path, lambda file: file.write(CONTENT))
    monkeypatch.undo()
    assert not path.parent.exists() or os.listdir(path.parent) == []


@pytest.mark.skipif(sys.platform == "win32", reason="kills processes")
def test_a_killed_writer_leaves_the_old_file_and_the_next_one_cleans_up(path):
    code = """
import os, signal, sys
from pathlib import Path
from irkit.kept import keep
path = Path(sys.argv[1])
keep(path, lambda file: file.write(b"old"))
def write(file):
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
keep(path, write)
"""
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    assert found(path, text) == b"old"
    assert len(os.listdir(path.parent)) == 2
    assert keep(path, lambda file: file.write(b"new"))
    assert os.listdir(path.parent) == ["one"]
