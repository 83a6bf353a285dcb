"""Sources whose bytes can be had only once."""

from __future__ import annotations

import gc
import io
import os
import threading

import pytest

from irkit.streams import descriptor, held_by_command, hold, is_stream, on_disk, open_bytes, readable, to_stdout

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
DATA = os.urandom(200_000)


@pytest.fixture
def pipe(tmp_path):
    """A named pipe into which DATA is written once."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(DATA,), daemon=True)
    writer.start()
    yield path
    writer.join(5)
    assert not writer.is_alive()


def substitution(data: bytes) -> str:
    """What a shell makes of `<(...)`: the path of the reading end of a pipe."""
    reader, writer = os.pipe()
    threading.Thread(target=lambda: (os.write(writer, data), os.close(writer)), daemon=True).start()
    return f"/dev/fd/{reader}"


def test_a_pipe_is_something_to_read_and_a_folder_is_not(pipe, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert [is_stream(tmp_path / name) for name in ("pipe", "file", "none", "")] == [True, False, False, False]
    assert [readable(tmp_path / name) for name in ("pipe", "file", "none", "")] == [True, True, False, False]
    assert is_stream(os.devnull)
    assert open_bytes(pipe).read() == DATA


def test_paths_that_name_an_open_file_are_known_through_links(tmp_path):
    (tmp_path / "out").symlink_to("/dev/stdout")
    (tmp_path / "again").symlink_to("out")
    (tmp_path / "round").symlink_to("round")
    assert [descriptor(p, 1) for p in ("-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/7")] == [1, 0, 63, 7]
    assert [descriptor(tmp_path / p, 1) for p in ("again", "round", "none", "-")] == [1, None, None, None]
    assert [to_stdout(p) for p in ("-", tmp_path / "again", "/dev/stderr", None)] == [True, True, False, False]


def test_a_pipe_is_read_once_and_given_twice_while_it_is_held(pipe):
    held = hold(pipe)
    with open_bytes(pipe) as first:
        assert first.read(10) == DATA[:10]
    with open_bytes(pipe) as second, open_bytes(pipe) as third:
        assert second.read() == DATA
        third.seek(-5, io.SEEK_END)
        assert third.read() == DATA[-5:]
        assert third.seek(7) == 7
        assert third.read(3) == DATA[7:10]
    assert held is hold(pipe)


def test_a_pipe_is_read_no_further_than_asked():
    reader, writer = os.pipe()
    os.write(writer, b"one\n")
    with open_bytes(f"/dev/fd/{reader}") as file:
        assert file.readline() == b"one\n"  # the writer has not ended: reading on would wait for ever
        os.write(writer, b"two\n")
        assert file.readline() == b"two\n"
    os.close(writer)
    os.close(reader)


def test_a_pipe_that_does_not_wait_is_waited_for():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    later = threading.Timer(0.1, lambda: (os.write(writer, b"late"), os.close(writer)))
    later.start()
    assert open_bytes(f"/dev/fd/{reader}").read() == b"late"
    later.join()
    os.close(reader)


def test_what_nobody_holds_is_forgotten_and_its_files_are_closed(pipe):
    gc.collect()  # what other tests left goes before it is counted
    before = len(os.listdir("/dev/fd"))
    open_bytes(pipe).read()
    gc.collect()
    assert len(os.listdir("/dev/fd")) == before
    again = threading.Thread(target=pipe.write_bytes, args=(b"new",), daemon=True)
    again.start()
    assert open_bytes(pipe).read() == b"new"
    again.join(5)


def test_a_command_holds_every_stream_to_its_end():
    path = substitution(b"a: 1\n")
    with held_by_command():
        assert open_bytes(path).read() == b"a: 1\n"
        gc.collect()
        assert open_bytes(path).read() == b"a: 1\n"
    gc.collect()
    assert open_bytes(path).read() == b""
    os.close(int(path.rsplit("/", 1)[1]))


def test_code_that_opens_by_name_gets_a_path(pipe, tmp_path):
    place, _held = on_disk(pipe)
    for _ in range(2):
        assert place.read_bytes() == DATA
    assert on_disk(tmp_path / "file") == (tmp_path / "file", None)


def test_kept_bytes_lie_in_no_folder(pipe, tmp_path, monkeypatch):
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    with open_bytes(pipe) as file:
        assert file.read(5) == DATA[:5]
        assert list(spool.iterdir()) == []
        file.read()
