"""Files are whole or not there."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

from irkit.atomic import LEFTOVER, hidden, put, replacing, write_bytes, writing
from irkit.errors import DataError, DownloadError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "a"
    with writing(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["a"]


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), writing(path) as file:
        file.writelines([b"half", None])
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_is_reported_and_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(DataError, match=r"a: cannot write: No space left on device; check free space and permissions"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_errors_of_irkit_pass_through_unchanged(tmp_path):
    with pytest.raises(DownloadError, match="mine"), writing(tmp_path / "a"):
        raise DownloadError("mine")
    assert names(tmp_path) == []


def test_a_link_keeps_pointing_at_its_file(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["n" * 250, "\u691c" * 83, b"\xff".decode(errors="surrogateescape") * 120])
def test_a_long_name_fits_whatever_its_letters(tmp_path, name):
    path = tmp_path / name
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_permissions_of_the_file_before_are_kept_from_the_first_byte_on(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with writing(path) as file:
        file.write(b"new")
        assert [stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()] == [0o600, 0o600]
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DataError, match=r"a: cannot write: Permission denied; check free space and permissions"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_pipe_gets_the_bytes_as_they_come_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    (tmp_path / "link").symlink_to("pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    with writing(tmp_path / "link") as file:
        file.write(b"one")
    reader.join(5)
    assert got == [b"one"]
    assert names(tmp_path) == ["link", "pipe"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_into_and_stays_a_device():
    before = os.stat(os.devnull)
    write_bytes(os.devnull, b"gone")
    assert os.stat(os.devnull).st_rdev == before.st_rdev
    if os.path.exists("/dev/full"):
        with pytest.raises(DataError, match="/dev/full: cannot write: No space left on device"):
            write_bytes("/dev/full", b"x")


@pytest.mark.parametrize("path", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output_is_written_into_after_what_was_printed(path, tmp_path):
    code = "import sys; from irkit.atomic import write_bytes; print('a'); write_bytes(sys.argv[1], b'b\\n'); print('c')"
    with open(tmp_path / "out", "wb") as out:  # a file: opening /dev/stdout anew would write over its start
        subprocess.run([sys.executable, "-c", code, path], stdout=out, check=True, cwd=tmp_path)
    assert (tmp_path / "out").read_bytes() == b"a\nb\nc\n"
    assert names(tmp_path) == ["out"]


def test_a_reader_that_stops_is_told_apart_from_a_full_disk():
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        write_bytes(f"/dev/fd/{writer}", b"x")
    os.close(writer)


# ---------------------------------------------------------------------- writers that were killed

KILLED = """
import sys, time
from irkit.atomic import writing
with writing(sys.argv[1]) as file:
    file.write(b"half"); file.flush()
    print("there", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of writing `tmp_path / a`, over an older file."""
    (tmp_path / "a").write_bytes(b"old")
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a")], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        yield process
        process.kill()


def test_a_killed_writer_leaves_the_old_file_and_the_next_one_cleans_up(tmp_path, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert (tmp_path / "a").read_bytes() == b"old"
    left = [name for name in names(tmp_path) if name != "a"]
    assert len(left) == 1
    write_bytes(tmp_path / "b", b"another target")
    assert left[0] in names(tmp_path)
    write_bytes(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_writer_that_works_is_left_alone(tmp_path, writer, monkeypatch):
    def gone(process, number):  # as from another container, where its number means nothing
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    write_bytes(tmp_path / "a", b"new")
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize(
    "name",
    [
        ".a.{own}-0123abcd.tmp",
        ".a.4194400-0123abc.tmp",
        ".a.4194400-0123abcX.tmp",
        ".a.-0123abcd.tmp",
        "a.4194400-0123abcd.tmp",
        ".a.b.4194400-0123abcd.tmp",
        ".a.4194400-0123abcd.tmp.keep",
    ],
)
def test_nothing_is_collected_that_is_not_certainly_a_leftover_of_this_file(tmp_path, name):
    name = name.format(own=os.getpid())
    (tmp_path / name).write_bytes(b"mine")
    write_bytes(tmp_path / "a", b"new")
    assert names(tmp_path) == sorted([name, "a"])
    (tmp_path / ".a.4194400-0123abcd.tmp").write_bytes(b"left")  # above the highest number of a process
    write_bytes(tmp_path / "a", b"new")
    assert names(tmp_path) == sorted([name, "a"])


# ---------------------------------------------------------------------- the raw form, and files made elsewhere


def _interrupted(file):
    file.write(b"half")
    raise KeyboardInterrupt


def test_a_file_that_replaces_another_can_be_read_while_it_is_written_and_errors_are_the_systems(tmp_path):
    path = tmp_path / "new" / "a"
    with replacing(path) as file:
        file.write(b"one")
        file.seek(0)
        assert file.read() == b"one"
        file.write(b" two")
    assert path.read_bytes() == b"one two"
    (tmp_path / "in the way").write_bytes(b"")
    with pytest.raises(NotADirectoryError), replacing(tmp_path / "in the way" / "a"):
        raise AssertionError
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        _interrupted(file)
    assert (path.read_bytes(), names(path.parent)) == (b"one two", ["a"])


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"x")
        with replacing(tmp_path / "b") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o640, 0o640]


def test_a_file_is_on_the_disk_before_its_name_and_its_name_before_put_returns(tmp_path, monkeypatch):
    calls = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(os, step, lambda *given, step=step, real=real: (calls.append(step), real(*given)))
    (tmp_path / "made").write_bytes(b"x")
    put(tmp_path / "made", tmp_path / "a")
    assert calls == (["fsync", "replace", "fsync"] if os.name != "nt" else ["fsync", "replace"])
    assert (names(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"x")


def test_hidden_names_are_told_by_their_form(tmp_path):
    assert LEFTOVER.fullmatch(hidden(tmp_path / "a.txt").name)
    assert not any(map(LEFTOVER.fullmatch, ("a.txt", ".a.tmp", ".a.12-0123abcd.tmp.keep", "a.12-0123abcd.tmp")))
