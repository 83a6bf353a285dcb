"""Remembered digests."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from irkit.errors import DataError
from irkit.io.library import checksums
from irkit.io.library.checksums import hash_file, sha256


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def old(path, data: bytes, seconds: float = 1000.0):
    path.write_bytes(data)
    os.utime(path, (seconds, seconds))
    return path


def test_a_digest_is_remembered_until_size_or_time_change(tmp_path, home, monkeypatch):
    path = old(tmp_path / "a", b"one")
    assert sha256(path) == hashlib.sha256(b"one").hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(checksums, "hash_file", lambda *_: pytest.fail("read again"))
        assert sha256(path) == hashlib.sha256(b"one").hexdigest()
    assert sha256(old(path, b"two", 2000.0)) == hashlib.sha256(b"two").hexdigest()
    assert sha256(old(path, b"three", 2000.0)) == hashlib.sha256(b"three").hexdigest()


def test_a_file_that_just_changed_is_not_remembered(tmp_path, home):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    sha256(path)
    assert not (home / "checksums.json").exists()


@pytest.mark.parametrize("content", [b"", b"{broken", b"[]", b'{"x": 1}'])
def test_a_damaged_memory_costs_time_only(tmp_path, home, content):
    home.mkdir()
    (home / "checksums.json").write_bytes(content)
    path = old(tmp_path / "a", b"one")
    assert sha256(path) == hashlib.sha256(b"one").hexdigest()
    assert str(path) in json.loads((home / "checksums.json").read_text())


def test_a_remembered_digest_that_changed_counts_for_nothing(tmp_path, home):
    path = old(tmp_path / "a", b"one")
    right = sha256(path)
    kept = (home / "checksums.json").read_text()
    (home / "checksums.json").write_text(kept.replace(right, "0" + right[1:]))
    assert sha256(path) == right
    entry = [len(b"one"), 1000 * 10**9, "0" * 64]  # as before entries had a digest
    (home / "checksums.json").write_text(json.dumps({str(path): entry}))
    assert sha256(path) == right
    assert (home / "checksums.json").read_text() == kept


def test_a_home_that_cannot_be_written_costs_time_only(tmp_path, home):
    home.write_text("a file where the folder should be")
    assert sha256(old(tmp_path / "a", b"one")) == hashlib.sha256(b"one").hexdigest()


def test_md5_and_missing_files(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    assert hash_file(tmp_path / "a", "md5") == hashlib.md5(b"one").hexdigest()
    with pytest.raises(DataError, match="b: cannot be read: No such file"):
        hash_file(tmp_path / "b")
