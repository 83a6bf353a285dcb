"""Archives: wanted files come out, nothing climbs out."""

from __future__ import annotations

import hashlib
import io
import random
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from irkit.errors import DataError
from irkit.io.library.archive import extract


def tar(path: Path, entries: list[tuple[str, bytes | tarfile.TarInfo]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in entries:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tuple[str, tarfile.TarInfo]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return name, entry


def zipped(path: Path, entries: list[tuple[str, bytes]], mode: int | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode is not None:
                info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def held(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("make", [tar, zipped, lambda p, e: tar(p, e, "w"), lambda p, e: tar(p, e, "w:xz")])
def test_only_wanted_files_come_out_whatever_folder_encloses_them(tmp_path, make):
    archive = make(tmp_path / "a", [("top/docs.all", b"docs"), ("top/qrels/test.tsv", b"qrels"), ("top/other", b"no")])
    out = tmp_path / "out"
    assert extract(archive, out, ["qrels/test.tsv", "docs.all"]) == [out / "qrels/test.tsv", out / "docs.all"]
    assert held(out) == ["docs.all", "qrels/test.tsv"]
    assert (out / "docs.all").read_bytes() == b"docs"


CLIMBING = ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "..\\evil", "c:evil"]


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("make", [tar, zipped])
def test_a_name_that_climbs_out_spoils_the_whole_archive(tmp_path, make, name):
    archive = make(tmp_path / "a", [("good", b"good"), (name, b"evil")])
    with pytest.raises(DataError, match="would land outside the folder; do not trust this archive"):
        extract(archive, tmp_path / "out", ["good"])
    assert held(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused_where_a_file_is_wanted_and_overlooked_elsewhere(tmp_path, kind):
    archive = tar(tmp_path / "a", [("docs", b"docs"), special("link", kind)])
    out = tmp_path / "out"
    with pytest.raises(DataError, match="entry 'link' is a link or device; a plain file is needed there"):
        extract(archive, out, ["docs", "link"])
    assert not out.exists()
    extract(archive, out, ["docs"])
    assert held(out) == ["docs"]


def test_a_link_in_a_zip_is_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", [("link", b"/etc/passwd")], stat.S_IFLNK | 0o777)
    with pytest.raises(DataError, match="entry 'link' is a link or device"):
        extract(archive, tmp_path / "out", ["link"])


@pytest.mark.parametrize("make", [tar, zipped])
def test_an_archive_that_unpacks_to_too_much_is_refused_before_anything_is_written(tmp_path, make):
    archive = make(tmp_path / "a", [("docs", b"x"), ("bomb", b"\0" * 1_000_000)])
    assert archive.stat().st_size < 5000
    with pytest.raises(DataError, match="unpacks to more than 100,000 bytes"):
        extract(archive, tmp_path / "out", ["docs", "bomb"], limit=100_000)
    assert held(tmp_path) == ["a"]


def test_a_zip_entry_that_lies_about_its_size_is_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", [("docs", b"\0" * 1_000_000)])
    data = archive.read_bytes()
    archive.write_bytes(data.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10)))
    with pytest.raises(DataError, match=r"a\.zip: "):
        extract(archive, tmp_path / "out", ["docs"], limit=100_000)
    assert held(tmp_path) == ["a.zip"]


def test_missing_and_double_members(tmp_path):
    archive = tar(tmp_path / "a", [("x/docs", b"1"), ("y/docs", b"2")])
    with pytest.raises(DataError, match="there is no file 'qrels' in it; its layout may have changed"):
        extract(archive, tmp_path / "out", ["qrels"])
    with pytest.raises(DataError, match="'docs' is there twice, as 'x/docs' and 'y/docs'"):
        extract(archive, tmp_path / "out", ["docs"])


@pytest.mark.parametrize("make", [tar, zipped])
def test_damaged_archives(tmp_path, make):
    whole = make(tmp_path / "a", [("docs", bytes(range(256)) * 4000)]).read_bytes()
    for data in (b"", b"no archive", whole[: len(whole) // 2], whole[:200] + b"xxxxxxxx" + whole[208:]):
        (tmp_path / "b").write_bytes(data)
        with pytest.raises(DataError, match=r"b: "):
            extract(tmp_path / "b", tmp_path / "out", ["docs"])
    assert held(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_claims_much_memory_is_refused_before_it_is_read(tmp_path, kind):
    """Two megabytes here; gzip packs four gigabytes of it into four megabytes."""
    entry = tarfile.TarInfo("facts")
    entry.type, entry.size = kind, 2 << 20
    with tarfile.open(tmp_path / "a", "w:gz") as archive:
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    with pytest.raises(DataError, match=r"it has a header of 2,097,152 bytes; do not trust this archive"):
        extract(tmp_path / "a", tmp_path / "out", ["docs"])
    assert not (tmp_path / "out").exists()


def test_a_member_with_another_digest_never_gets_its_place(tmp_path):
    archive = tar(tmp_path / "a", [("docs", b"docs"), ("qrels", b"qrels")])
    good = hashlib.sha256(b"docs").hexdigest()
    with pytest.raises(DataError, match=f"qrels has the SHA-256 .*, expected {'0' * 64}; do not trust"):
        extract(archive, tmp_path / "out", ["docs", "qrels"], digests={"docs": good, "qrels": "0" * 64})
    assert held(tmp_path / "out") == ["docs"]
    assert extract(archive, tmp_path / "out", ["qrels"], digests={"qrels": None}) == [tmp_path / "out" / "qrels"]


def mutated(rng: random.Random) -> bytes:
    """A small archive with a few bytes changed, and then the checksums of a tar file's headers made right again."""
    data = io.BytesIO()
    if rng.random() < 0.5:
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("docs", b"x" * 40)
    else:
        with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
            entry = tarfile.TarInfo("docs")
            entry.size = 40
            if rng.random() < 0.5:
                entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "5"}
            archive.addfile(entry, io.BytesIO(b"1234\n" * 8))
    out = bytearray(data.getvalue())
    for _ in range(rng.randint(0, 4)):
        out[rng.randrange(len(out))] = rng.choice([0, 255, ord("9"), 10, rng.randrange(256)])
    for start in range(0, len(out) - 511, 512):
        if out[start + 257 : start + 262] == b"ustar":
            header = out[start : start + 512]
            out[start + 148 : start + 156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    return bytes(out)


def test_whatever_the_damage_it_is_one_line(tmp_path):
    rng = random.Random(7)
    said = []
    for number in range(400):
        (tmp_path / "a").write_bytes(mutated(rng))
        try:
            extract(tmp_path / "a", tmp_path / str(number), ["docs"])
        except DataError as error:
            said.append(str(error))
    assert 50 < len(said) < 350
    assert not [message for message in said if "\n" in message or len(message) > 400]
