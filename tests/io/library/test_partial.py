"""Partial downloads: what is on record is continued, all else is begun anew, whenever the process dies."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from irkit.errors import DownloadError
from irkit.io.library import partial
from irkit.io.library.download import download
from irkit.io.library.partial import Part
from tests.io.library.test_download import DATA, SHA256, get, names, server

__all__ = ["server"]

KEPT = 200_000


def record(folder: Path) -> dict:
    return json.loads((folder / "file.bin.part.json").read_text())


@pytest.fixture
def cut(server, tmp_path):
    """A folder with a download of which 200,000 of 512,000 bytes have come."""
    server.script = ["cut", "cut"]
    with pytest.raises(DownloadError):
        get(server, tmp_path, attempts=2)
    server.asked.clear()
    return tmp_path


def asked(server) -> list[str | None]:
    return [wanted for _, wanted in server.asked]


def test_the_record_says_what_is_there(server, cut):
    assert record(cut) == {
        "url": server.url,
        "version": '"v1"',
        "total": len(DATA),
        "bytes": KEPT,
        "sha256": hashlib.sha256(DATA[:KEPT]).hexdigest(),
    }


def test_a_torn_part_with_the_right_etag_is_begun_anew(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(bytes(1_000_000))
    (tmp_path / "file.bin.part.version").write_text('"v1"')
    assert get(server, tmp_path) == SHA256
    assert asked(server) == [None]
    assert (tmp_path / "file.bin").read_bytes() == DATA


@pytest.mark.parametrize("at", [0, 1, 99_999, KEPT - 1])
def test_one_other_bit_and_the_part_is_begun_anew(server, cut, at):
    part = bytearray(DATA[:KEPT])
    part[at] ^= 4
    (cut / "file.bin.part").write_bytes(part)
    assert get(server, cut) == SHA256
    assert asked(server) == [None]


def test_bytes_beyond_the_record_are_cut_off(server, cut):
    (cut / "file.bin.part").write_bytes(DATA[:KEPT] + bytes(50_000))
    assert get(server, cut) == SHA256
    assert asked(server) == [f"bytes={KEPT}-"]


def test_a_part_shorter_than_its_record_is_begun_anew(server, cut):
    (cut / "file.bin.part").write_bytes(DATA[: KEPT - 1])
    assert get(server, cut) == SHA256
    assert asked(server) == [None]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1/other.bin"},
        {"version": ""},
        {"bytes": -1},
        {"bytes": "200000"},
        {"bytes": True},
        {"bytes": KEPT - 1},
        {"total": -1},
        {"sha256": "0" * 64},
        {"sha256": None},
    ],
)
def test_a_record_that_does_not_fit_is_not_believed(server, cut, change):
    (cut / "file.bin.part.json").write_text(json.dumps({**record(cut), **change}))
    assert get(server, cut) == SHA256
    assert asked(server) == [None]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"null"])
def test_a_damaged_record_is_not_believed(server, cut, content):
    (cut / "file.bin.part.json").write_bytes(content)
    assert get(server, cut) == SHA256
    assert asked(server) == [None]


def test_a_whole_part_takes_its_place_without_asking(server, cut):
    (cut / "file.bin.part").write_bytes(DATA)
    known = {**record(cut), "bytes": len(DATA), "sha256": SHA256}
    (cut / "file.bin.part.json").write_text(json.dumps(known))
    assert get(server, cut) == SHA256
    assert asked(server) == []
    assert names(cut) == ["file.bin"]


def test_another_length_under_the_same_etag_is_begun_anew(server, cut):
    server.data = DATA + b"more"
    assert get(server, cut) == hashlib.sha256(server.data).hexdigest()
    assert asked(server) == [f"bytes={KEPT}-", None]


def test_a_file_changed_on_the_disk_meanwhile_is_not_taken(server, tmp_path, monkeypatch):
    real = Part.write

    def write(part, block):
        real(part, block)
        part._file.flush()
        with part.path.open("rb+") as file:
            file.write(b"\xff")

    monkeypatch.setattr(Part, "write", write)
    with pytest.raises(DownloadError, match="was changed on the disk while it was written"):
        get(server, tmp_path)
    assert names(tmp_path) == []


# A process of its own that dies without any clean-up at the step that KILL counts: writes, syncs, renames, removals.
DYING = """
import os, sys
from pathlib import Path
from irkit.io.library import partial
from irkit.io.library.download import download

partial.FLUSH_BYTES = 1 << 17
left = int(os.environ.get("KILL", "-1"))


def dying(real):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return real(*arguments, **options)

    return step


for name in ("fsync", "replace", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
Part = partial.Part
Part.write = dying(Part.write)
if "FULL" in os.environ:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FULL"]),) * 2)
try:
    print(download(sys.argv[1], Path(sys.argv[2]), pause=0.0, attempts=1))
except Exception as error:
    print(error)
"""


def run(server, folder, **environment) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", DYING, server.url, str(folder / "file.bin")]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)


@pytest.mark.parametrize("step", [2, 6, 11, 16, 21])
def test_a_process_killed_at_any_step_leaves_nothing_that_is_wrongly_believed(server, tmp_path, step):
    died = run(server, tmp_path, KILL=str(step))
    assert died.returncode in {0, 9}, died.stderr
    target = tmp_path / "file.bin"
    assert not target.exists() or target.read_bytes() == DATA
    part, known = tmp_path / "file.bin.part", tmp_path / "file.bin.part.json"
    if part.exists():  # a power cut: what was not brought to the disk is lost
        sure = record(tmp_path)["bytes"] if known.exists() else 0
        part.write_bytes(part.read_bytes()[:sure] + bytes(max(part.stat().st_size - sure, 0)))
    assert get(server, tmp_path) == SHA256
    assert target.read_bytes() == DATA


def test_a_full_disk_is_one_line_and_the_next_call_continues(server, tmp_path):
    full = run(server, tmp_path, FULL="300000")
    assert "cannot write" in full.stdout
    assert full.stdout.count("\n") == 1, full.stderr
    kept = record(tmp_path)["bytes"]
    assert 0 < kept <= 300_000
    server.asked.clear()
    assert get(server, tmp_path) == SHA256
    assert asked(server) == [f"bytes={kept}-"]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_a_place_that_may_not_be_written_is_one_line(server, tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DownloadError, match=rf"cannot write .*: {error.strerror}; check free space and permissions"):
        get(server, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(partial.Part, "appending", refuse)
    with pytest.raises(DownloadError, match=rf"cannot write .*: {error.strerror}"):
        get(server, tmp_path)
    assert "file.bin" not in names(tmp_path)


def test_a_record_that_cannot_be_written_costs_the_continuation_only(server, tmp_path, monkeypatch):
    from irkit.errors import DataError

    def refuse(*_):
        raise DataError("no")

    monkeypatch.setattr(partial, "write_bytes", refuse)
    server.script = ["cut"]
    assert download(server.url, tmp_path / "file.bin", pause=0.0) == SHA256
