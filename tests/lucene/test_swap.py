"""Tests of irkit.lucene.swap; a segments file and a manifest stand for an index."""

import errno
import os
import subprocess
import sys

import pytest

from irkit.errors import ConfigError, LockedError
from irkit.lucene import owned, swap
from irkit.lucene.manifest import Manifest, read_manifest, write_manifest


def fill(folder, content):
    """Make the smallest folder that proves to be an index of ours."""
    (folder / "irkit").mkdir(parents=True)
    (folder / "segments_1").write_bytes(owned.MAGIC + content.encode())
    facts = dict.fromkeys(("documents", "empty", "terms", "tokens", "postings"), 1)
    names = {"key": "k", "fingerprint": content, "analyzer": "english", "irkit": "0.1", "lucene": "9.9.1"}
    flags = dict.fromkeys(("assumed", "positions", "text"), False)
    manifest = Manifest(files=["segments_1"], parts={}, **facts, **names, **flags)
    write_manifest(folder / "irkit", manifest, folder / "irkit")


def fail(folder, error):
    fill(folder, "half")
    raise error


def content(path):
    return (path / "segments_1").read_bytes()[4:].decode() + read_manifest(path / "irkit").fingerprint


def leftovers(path):
    return sorted(set(os.listdir(path.parent)) - {path.name})


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
    with swap.building(path, overwrite=True) as fresh:
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
    with pytest.raises(type(error)), swap.building(path, overwrite=True) as fresh:
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

    with swap.building(path, overwrite=True) as fresh:
        fill(fresh, "new")
        monkeypatch.setattr(os, "rename", rename)
        with pytest.raises(OSError, match="Input/output"):
            swap.put(fresh, path, {"segments_1"})
        assert content(path) == "oldold"
    assert content(path) == "newnew"
    assert leftovers(path) == []


def test_folders_of_others_are_never_touched(path):
    path.mkdir()
    (path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(ConfigError, match=r"holds other files than an index, got thesis.tex; choose another folder"),
        swap.building(path, overwrite=True),
    ):
        pass
    fill(path, "old")
    (path / "notes.txt").write_text("")
    (path / "_a").mkdir()
    with (
        pytest.raises(ConfigError, match=r"got _a, notes.txt, thesis.tex; choose another"),
        swap.building(path, overwrite=True),
    ):
        pass
    assert (path / "thesis.tex").read_text() == "years of work"


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["irkit/.git/HEAD", "_build/index.html"], "_build, irkit/.git"),  # a checkout of irkit beside its built pages
        (["_config.yml", "_posts/2026.md", "segments_1"], "_config.yml, _posts, segments_1"),
        (["segments_1/notes.txt"], "segments_1"),
        (["irkit/manifest.json"], "irkit/manifest.json"),
        (["irkit/rank.npy", "write.lock"], "irkit, write.lock"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_names_like_ours_prove_nothing(path, names, said, overwrite):
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("" if name == "write.lock" else "years of work")
    before = tree(path)
    with (
        pytest.raises(ConfigError, match=rf"holds other files than an index, got {said}"),
        swap.building(path, overwrite=overwrite),
    ):
        pass
    assert tree(path) == before


@pytest.mark.parametrize(
    "name", ["irkit/notes.txt", "irkit/deep/notes.txt", "irkit/.work-1-0123abcd/notes.txt", "_1.fdt"]
)
def test_one_stranger_deep_inside_saves_the_whole(path, name):
    fill(path, "old")
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_text("years of work")
    before = tree(path)
    with (
        pytest.raises(ConfigError, match=r"holds other files than an index, got "),
        swap.building(path, overwrite=True),
    ):
        pass
    assert tree(path) == before


def test_what_comes_while_the_index_is_built_is_not_removed(path):
    fill(path, "old")
    with (  # noqa: PT012
        pytest.raises(ConfigError, match=r"holds other files than an index, got notes.txt"),
        swap.building(path, overwrite=True) as fresh,
    ):
        fill(fresh, "new")
        (path / "notes.txt").write_text("written meanwhile")
    assert content(path) == "oldold"
    assert tree(path) == ["irkit", "irkit/manifest.json", "notes.txt", "segments_1"]
    assert leftovers(path) == []


def test_a_folder_that_comes_while_the_index_is_built_is_not_replaced(path):
    with (  # noqa: PT012
        pytest.raises(ConfigError, match="there is an index already"),
        swap.building(path) as fresh,
    ):
        fill(fresh, "new")
        fill(path, "other")
    assert content(path) == "otherother"


def test_what_comes_in_the_last_moment_stays(path, way, monkeypatch, caplog):
    fill(path, "old")
    real = owned.discard

    def late(folder, known=()):
        (folder / "notes.txt").write_text("written meanwhile")
        real(folder, known)

    monkeypatch.setattr(owned, "discard", late)
    with swap.building(path, overwrite=True) as fresh:
        fill(fresh, "new")
    assert content(path) == "newnew"
    (left,) = leftovers(path)
    assert tree(path.parent / left) == ["notes.txt"]
    assert "holds ['notes.txt'], which is not of an index, and stays" in caplog.text


def test_a_damaged_index_of_ours_may_be_replaced(path, way):
    """An intact manifest proves the whole, whatever has become of Lucene's files."""
    fill(path, "old")
    (path / "segments_1").write_bytes(b"\0" * 20)
    with swap.building(path, overwrite=True) as fresh:
        fill(fresh, "new")
    assert content(path) == "newnew"
    assert leftovers(path) == []


def test_a_file_is_never_touched(path):
    path.write_text("mine")
    with (
        pytest.raises(ConfigError, match=r"the path is a file, got .*; choose a folder"),
        swap.building(path, overwrite=True),
    ):
        pass
    assert path.read_text() == "mine"


def test_no_overwrite(path):
    fill(path, "old")
    with (
        pytest.raises(ConfigError, match=r"there is an index already, got .*; pass overwrite=True"),
        swap.building(path),
    ):
        pass
    assert content(path) == "oldold"


def test_leftovers_of_killed_builds_go(path):
    fill(path, "old")
    for kind in ("building", "old"):
        fill(path.parent / f".{path.name}.{kind}-99999-0123abcd", "left")
    strangers = [f".{path.name}.building-x", f".{path.name}x.building-1-0123abcd", "in dex1.building-1-0123abcd"]
    for name in strangers:
        (path.parent / name).mkdir()
    with swap.building(path, overwrite=True) as fresh:
        assert leftovers(path) == sorted([*strangers, fresh.name, f".{path.name}.lock"])
        fill(fresh, "new")
    assert leftovers(path) == sorted(strangers)


def test_leftovers_that_hold_anything_else_stay(path):
    fill(path, "old")
    kept = []
    for number, name in enumerate(["notes.txt", "_0.fdt", "irkit/notes.txt", "_0/fdt"]):
        folder = path.parent / f".{path.name}.building-99999-0123abc{number}"
        fill(folder, "left")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("years of work")
        kept.append((folder, tree(folder)))
    with swap.building(path, overwrite=True) as fresh:
        fill(fresh, "new")
    assert [(folder, tree(folder)) for folder, _ in kept] == kept


def test_a_half_built_leftover_goes(path):
    """Without manifest and commit, a file has the name and the first bytes that Lucene gives, or nothing in it."""
    folder = path.parent / f".{path.name}.building-99999-0123abcd"
    (folder / "irkit" / ".work-99999-0123abcd").mkdir(parents=True)
    (folder / "irkit" / ".work-99999-0123abcd" / "docnos.ptr").write_text("half")
    (folder / "_0_Lucene90FieldsIndex-doc_ids_0.tmp").write_bytes(owned.MAGIC + b"half")
    for name in ("_0.fdt", "pending_segments_1", "write.lock"):
        (folder / name).write_bytes(b"")
    with swap.building(path) as fresh:
        fill(fresh, "new")
    assert leftovers(path) == []


def test_a_lost_name_is_given_back_by_a_reader(path):
    fill(path.parent / f".{path.name}.old-99999-0123abcd", "old")
    swap.recover(path)
    assert content(path) == "oldold"
    assert leftovers(path) == []
    swap.recover(path)
    assert content(path) == "oldold"


def test_a_lost_name_is_given_back_by_the_next_builder(path):
    fill(path.parent / f".{path.name}.old-99999-0123abcd", "old")
    with pytest.raises(ValueError, match="stop"), swap.building(path, overwrite=True):
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
    with swap.building(path, overwrite=True) as fresh:
        message = rf"process {os.getpid()} is building .*; wait for it or choose another path"
        with pytest.raises(LockedError, match=message), swap.building(path, overwrite=True):
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


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_may_not_be_written_is_one_line(path, monkeypatch, number):
    fill(path, "old")

    def refuse(*args, **options):
        raise OSError(number, os.strerror(number))

    for module, name in [(swap.locks, "held"), (swap.Path, "mkdir"), (swap, "_exchange")]:
        with (  # noqa: PT012
            monkeypatch.context() as broken,
            pytest.raises(ConfigError, match=rf"cannot write .*: {os.strerror(number)}; check free space, limits"),
        ):
            if name != "_exchange":
                broken.setattr(module, name, refuse)
            with swap.building(path, overwrite=True) as fresh:
                fill(fresh, "new")
                broken.setattr(module, name, refuse)
        assert content(path) == "oldold"
        assert leftovers(path) == []


def test_an_old_index_that_may_not_be_removed_goes_with_the_next_build(path, way, monkeypatch):
    fill(path, "old")
    with swap.building(path, overwrite=True) as fresh:
        fill(fresh, "new")
        monkeypatch.setattr(owned.Path, "rmdir", lambda folder: os.rmdir(folder / "not"))
    assert content(path) == "newnew"
    assert len(leftovers(path)) == 1
    monkeypatch.undo()
    with swap.building(path, overwrite=True) as fresh:
        fill(fresh, "next")
    assert content(path) == "nextnext"
    assert leftovers(path) == []


def test_paths_are_made_real(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert swap.target("link/index") == swap.target("~/real/index") == tmp_path.resolve() / "real" / "index"


# Ends the process before or after its n-th change to the file system, as a crash would.
CRASH = """
import os, shutil, sys
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
with swap.building(path, overwrite=True) as fresh:
    shutil.copytree(path.parent / "new", fresh, dirs_exist_ok=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new_index(tmp_path, way):
    seen = []
    for stop in range(40):
        path = tmp_path / str(stop) / "index"
        path.parent.mkdir()
        fill(path, "old")
        fill(path.parent / "new", "new")
        done = subprocess.run([sys.executable, "-c", CRASH, str(path), way, str(stop)], capture_output=True, text=True)
        assert done.returncode in (0, 7), done.stderr
        swap.recover(path)
        seen.append(content(path))
        with swap.building(path, overwrite=True) as fresh:
            fill(fresh, "next")
        assert content(path) == "nextnext"
        assert leftovers(path) == ["new"]
        if done.returncode == 0:
            break
    # 2 a change: exchange or renames, three files removed, the lock's among them
    assert len(seen) == {"exchange": 9, "two renames": 11}[way]
    assert set(seen) == {"oldold", "newnew"}
    assert seen == sorted(seen, reverse=True)  # old until the moment of change, new from then on
