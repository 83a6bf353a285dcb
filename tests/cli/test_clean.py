"""Tests of `irkit data clean`."""

import os
import time
from pathlib import Path

import pytest

HEX = "0123456789abcdef" * 2


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    for name, size in ((f"similarity/{HEX}.npy", 1_234_567), (f"crash/hs_err_pid{7}.log", 50)):
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (time.time() - 40 * 86400,) * 2)
    return tmp_path / "home"


def test_it_shows_before_it_removes(irkit, home):
    shown = irkit("data", "clean").lines
    assert [line.split("  ")[0] for line in shown[1:3]] == ["1.2 MB", "50 B"]
    assert shown[1].endswith("similarity: 1 sums of similarities  not used for 30 days")
    assert shown[3:] == [f"1.2 MB in {home}; nothing is removed without --yes"]
    assert (home / "similarity" / f"{HEX}.npy").exists()
    assert irkit("data", "clean", "--yes").lines == [*shown[:3], f"1.2 MB removed from {home}"]
    assert os.listdir(home / "similarity") == os.listdir(home / "crash") == []
    assert irkit("data", "clean").lines == [f"{home}: nothing is old"]


def test_all_lists_what_can_be_made_again(irkit, home):
    os.utime(home / "similarity" / f"{HEX}.npy")
    assert len(irkit("data", "clean").lines) == 3
    assert "can be made again" in irkit("data", "clean", "--all").out
    irkit("data", "clean", "--all", "--yes")
    assert irkit("data", "clean", "--all").lines == [f"{home}: nothing is there that irkit can make again"]


def test_what_cannot_be_removed_is_told_and_the_rest_removed(irkit, home, monkeypatch):
    real = Path.unlink

    def refuse(self, **options):
        if self.suffix == ".npy":
            raise PermissionError(13, "Permission denied", str(self))
        real(self, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    done = irkit("data", "clean", "--yes", status=1)
    assert done.err == f"irkit: {home / 'similarity' / HEX}.npy cannot be removed: Permission denied\n"
    assert os.listdir(home / "crash") == []
    assert os.listdir(home / "similarity") == [f"{HEX}.npy"]
