"""Tests of irkit.lucene.swap; no JVM is needed, a folder with a segments file stands for an index."""

import os
import subprocess
import sys

import pytest

from irkit.errors import ConfigError, LockedError
from irkit.lucene import swap


def fill(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / "segments_1").write_text(content)
    (folder / "irkit").mkdir()
    (folder / "irkit" / "manifest.json").write_text(content)


def fail(folder, error):
    fill(folder, "half")
    raise error


def content(path):
    return (path / "segments_1").read_text() + (path / "irkit" / "manifest.json").read_text()


def leftovers(path):
    return sorted(set(os.listdir(path.parent)) - {path.name, f".{path.name}.lock"})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "in dex[1]"


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    """Both ways of putting an index in place."""
    if request.param == "two renames":
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    elif not sys.platform.startswith("linux"):
        pytest.skip("only Linux exchanges folders")
    return request.param


def test_a_new_index_appears_at_the_end(path, way):
    with swap.building(path) as fresh:
        fill(fresh, "new")
        assert fresh.parent == path.parent
        assert not path.exists()
    assert content(path) == "newnew"
    assert leftovers(path) == []


def test_an_old_index_is_replaced(path, way):
    fill(path, "old")
    with swap.building(path) as fresh:
        fill(fresh, "new")
        assert content(path) == "oldold"
    assert content(path) == "newnew"
    assert leftovers(path) == []


def test_an_empty_folder_is_taken(path, way):
    path.mkdir()
    with swap.building(path) as fresh:
        fill(fresh, "new")
    assert content(path) == "newnew"


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_a_failed_build_changes_nothing(path, error):
    fill(path, "old")
    with pytest.raises(type(error)), swap.building(path) as fresh:
        fail(fresh, error)
    assert content(path) == "oldold"
    assert leftovers(path) == []


def test_a_failed_second_rename_is_undone(path, monkeypatch):
    fill(path, "old")
    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    real, calls = os.rename, []

    def rename(*names):
        calls.append(names)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(*names)

    with swap.building(path) as fresh:
        fill(fresh, "new")
        monkeypatch.setattr(os, "rename", rename)
        with pytest.raises(OSError, match="Input/output"):
            swap.put(fresh, path)
        assert content(path) == "oldold"
    assert content(path) == "newnew"
    assert leftovers(path) == []


def test_folders_of_others_are_never_touched(path):
    path.mkdir()
    (path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(ConfigError, match=r"holds other files than an index, got thesis.tex; choose another folder"),
        swap.building(path),
    ):
        pass
    fill(path, "old")
    (path / "notes.txt").write_text("")
    (path / "_a").mkdir()
    with pytest.raises(ConfigError, match=r"got notes.txt, thesis.tex; choose another"), swap.building(path):
        pass
    assert (path / "thesis.tex").read_text() == "years of work"


def test_a_file_is_never_touched(path):
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"the path is a file, got .*; choose a folder"), swap.building(path):
        pass
    assert path.read_text() == "mine"


def test_no_overwrite(path):
    fill(path, "old")
    with pytest.raises(ConfigError, match="there is an index already"), swap.building(path, overwrite=False):
        pass
    assert content(path) == "oldold"


def test_leftovers_of_killed_builds_go(path):
    fill(path, "old")
    for kind in ("building", "old"):
        fill(path.parent / f".{path.name}.{kind}-99999-0123abcd", "left")
    strangers = [f".{path.name}.building-x", f".{path.name}x.building-1-0123abcd", "in dex1.building-1-0123abcd"]
    for name in strangers:
        (path.parent / name).mkdir()
    with swap.building(path) as fresh:
        assert leftovers(path) == sorted([*strangers, fresh.name])
        fill(fresh, "new")
    assert leftovers(path) == sorted(strangers)


def test_a_lost_name_is_given_back_by_a_reader(path):
    fill(path.parent / f".{path.name}.old-99999-0123abcd", "old")
    swap.recover(path)
    assert content(path) == "oldold"
    assert leftovers(path) == []
    swap.recover(path)
    assert content(path) == "oldold"


def test_a_lost_name_is_given_back_by_the_next_builder(path):
    fill(path.parent / f".{path.name}.old-99999-0123abcd", "old")
    with pytest.raises(ValueError, match="stop"), swap.building(path):
        fail(path.parent / "elsewhere", ValueError("stop"))
    assert content(path) == "oldold"
    assert leftovers(path) == ["elsewhere"]


def test_a_reader_leaves_a_living_builder_alone(path, monkeypatch):
    """Between the two renames of a builder that holds the lock, a reader waits."""
    monkeypatch.setattr(swap, "PATIENCE", 0.2)
    fill(path.parent / f".{path.name}.old-99999-0123abcd", "old")
    with swap.locked(path), pytest.raises(LockedError):
        swap.recover(path)
    assert not path.exists()


def test_two_builders(path):
    fill(path, "old")
    with swap.building(path) as fresh:
        message = rf"process {os.getpid()} is building .*; wait for it or choose another path"
        with pytest.raises(LockedError, match=message), swap.building(path):
            pass
        assert fresh.is_dir()
        fill(fresh, "new")
    assert content(path) == "newnew"


def test_a_parent_that_cannot_hold_it(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match=r"build_index: cannot write .*: .*; check free space"),
        swap.building(tmp_path / "file" / "index"),
    ):
        pass
    with (
        pytest.raises(ConfigError, match=r"cannot write .*: File name too long"),
        swap.building(tmp_path / ("x" * 250)),
    ):
        pass


def test_paths_are_made_real(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert swap.target("link/index") == swap.target("~/real/index") == tmp_path.resolve() / "real" / "index"


# Ends the process before or after its n-th change to the file system, as a crash would.
CRASH = """
import os, sys
from pathlib import Path
from irkit.lucene import swap

path, way, stop = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
steps = 0

def tick():
    global steps
    if steps == stop:
        os._exit(7)
    steps += 1

def counted(real):
    def step(*args, **options):
        tick()
        done = real(*args, **options)
        tick()
        return done
    return step

os.rename, os.unlink = counted(os.rename), counted(os.unlink)
swap._exchange = counted(swap._exchange) if way == "exchange" else lambda one, other: False
with swap.building(path) as fresh:
    (fresh / "irkit").mkdir()
    for name in ("segments_1", "irkit/manifest.json"):
        (fresh / name).write_text("new")
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new_index(tmp_path, way):
    seen = []
    for stop in range(40):
        path = tmp_path / str(stop) / "index"
        path.parent.mkdir()
        fill(path, "old")
        done = subprocess.run([sys.executable, "-c", CRASH, str(path), way, str(stop)], capture_output=True, text=True)
        assert done.returncode in (0, 7), done.stderr
        swap.recover(path)
        seen.append(content(path))
        with swap.building(path) as fresh:
            fill(fresh, "next")
        assert content(path) == "nextnext"
        assert leftovers(path) == []
        if done.returncode == 0:
            break
    assert len(seen) == {"exchange": 7, "two renames": 9}[way]  # 2 a change: exchange or renames, two files removed
    assert set(seen) == {"oldold", "newnew"}
    assert seen == sorted(seen, reverse=True)  # old until the moment of change, new from then on
