"""Compressed files, read and written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess

import pytest

from irkit.atomic import write_bytes, writing
from irkit.errors import DataError
from irkit.io.lines import content, head, raw_lines
from irkit.packing import Damaged, bare, kind_of, packed, unpacked

KINDS = {"gz": "gzip", "bz2": "bzip2", "xz": "xz", "zst": "zstd"}
TEXT = "".join(f"{i} {random.Random(i).random()}\n" for i in range(4_000)).encode()
LINES = TEXT.splitlines()


def pack(kind: str) -> bytes:
    out = io.BytesIO()
    with packed(out, kind) as file:
        file.write(TEXT[:1000])
        file.write(TEXT[1000:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("suffix", "read"), [("gz", gzip.decompress), ("bz2", bz2.decompress), ("xz", lzma.decompress)]
)
def test_other_programs_read_what_is_written(tmp_path, suffix, read):
    path = tmp_path / f"a.{suffix}"
    write_bytes(path, TEXT, pack=True)
    assert read(path.read_bytes()) == TEXT
    write_bytes(tmp_path / f"b.{suffix}", TEXT, pack=True)
    assert (tmp_path / f"b.{suffix}").read_bytes() == path.read_bytes(), "the same bytes, whatever the name and time"
    assert content(path) == TEXT


def test_zstandard_is_what_its_own_program_reads(tmp_path):
    path = tmp_path / "a.zst"
    write_bytes(path, TEXT, pack=True)
    assert path.read_bytes().startswith(b"\x28\xb5\x2f\xfd")
    assert content(path) == TEXT
    if shutil.which("zstd"):
        assert subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout == TEXT


@pytest.mark.parametrize("kind", KINDS.values())
def test_first_bytes_tell_and_parts_one_after_the_other_are_read(kind):
    assert unpacked(io.BytesIO(pack(kind) * 2)).read() == TEXT * 2
    assert sum(1 for _ in unpacked(io.BytesIO(pack(kind)))) == 4_000


@pytest.mark.parametrize("text", [b"BZh9 0 d1 1\n", b"BZh", b"", b"\x1f", b"(\xb5/ text"])
def test_text_that_begins_like_a_packed_file_is_text(text):
    assert unpacked(io.BytesIO(text)).read() == text


@pytest.mark.parametrize(("suffix", "kind"), KINDS.items())
def test_nothing_packed_is_nothing(tmp_path, suffix, kind):
    write_bytes(tmp_path / f"a.{suffix}", b"", pack=True)
    assert (tmp_path / f"a.{suffix}").stat().st_size > 0
    assert head(tmp_path / f"a.{suffix}") == b""


@pytest.mark.parametrize("kind", KINDS.values())
def test_going_back_and_forth_in_what_is_unpacked(kind):
    file = unpacked(io.BytesIO(pack(kind)))
    for at in (70_000, 3, 0, 50_000, 50_001, len(TEXT)):
        assert file.seek(at) == file.tell() == at
        assert file.read(10) == TEXT[at : at + 10]
    assert file.seek(-4, io.SEEK_END) == len(TEXT) - 4
    assert file.read() == TEXT[-4:]
    file.seek(0)
    assert file.readline() == LINES[0] + b"\n"


# What Arrow packs as Zstandard carries no checksum: changed bytes may unpack.
HARMS = [(kind, harm) for kind in KINDS.values() for harm in ("last byte", "half", "start", "middle")]


@pytest.mark.parametrize(("kind", "harm"), [pair for pair in HARMS if pair != ("zstd", "middle")])
def test_a_cut_or_damaged_stream_is_one_line_with_its_place(tmp_path, kind, harm):
    data = pack(kind)
    half = len(data) // 2
    path = tmp_path / "run"
    path.write_bytes(
        {
            "last byte": data[:-1],
            "half": data[:half],
            "start": data[:12],
            "middle": data[:half] + bytes(byte ^ 0xFF for byte in data[half : half + 8]) + data[half + 8 :],
        }[harm]
    )
    with path.open("rb") as file, pytest.raises(Damaged):
        unpacked(file).read()
    got = []
    with pytest.raises(DataError) as caught:
        got.extend(raw for _, raw in raw_lines(path))
    if harm != "middle":
        assert got == LINES[: len(got)], "what is whole comes first"
    place = f"{path}:{len(got) + 1}"
    assert str(caught.value) == f"{place}: the {kind} stream is cut short or damaged; fetch or pack the file again"


def test_a_disk_that_fails_is_not_blamed_on_the_packing(tmp_path, monkeypatch):
    path = tmp_path / "run.gz"
    write_bytes(path, TEXT, pack=True)

    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(size)

    monkeypatch.setattr("irkit.io.lines.open_bytes", lambda path: Broken(path.read_bytes()))
    with pytest.raises(DataError, match=r"run\.gz:1: cannot be read: Input/output error; check the disk"):
        head(path)


def test_names_say_how_a_file_is_packed(tmp_path):
    assert [kind_of(f"a.run.{suffix}") for suffix in KINDS] == list(KINDS.values())
    assert [kind_of(name) for name in ("a.run", "gz", ".gz", "A.RUN.GZ")] == [None, None, None, "gzip"]
    assert str(bare("x/results.json.zst")) == "x/results.json"
    with writing(tmp_path / "kept.gz") as file:  # packed only where it is asked for
        file.write(b"as it came")
    assert (tmp_path / "kept.gz").read_bytes() == b"as it came"
