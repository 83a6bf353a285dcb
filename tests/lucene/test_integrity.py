"""Tests of irkit.lucene.integrity and examine; flipped bits of every file are in test_bitflips."""

import os
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from irkit import verified
from irkit.errors import ConfigError, DamagedError, NotFoundError
from irkit.lucene import Index, build_index, integrity
from irkit.lucene.examine import examine

DOCUMENTS = [("b", "red fox"), ("a", "red dogs and cats"), ("Z", ""), ("é", "Fox, fox; FOX's 東京")]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    build_index(tmp_path / "index", DOCUMENTS, threads=1).close()
    return tmp_path / "index"


@pytest.fixture
def readings(monkeypatch):
    """Count how often Lucene's files are read, and which of the sidecar's."""
    found = []
    again, digest = integrity.check_again, verified.file_digest
    monkeypatch.setattr(integrity, "check_again", lambda index: found.append("lucene") or again(index))
    monkeypatch.setattr(verified, "file_digest", lambda path: found.append(os.path.basename(path)) or digest(path))
    return found


def reopened(path):
    """Open an index as another process would."""
    verified._here.clear()
    with Index.open(path) as index:
        assert index.forward.sum() == 10


def test_the_first_search_after_a_build_reads_nothing_again(path, readings):
    verified._here.clear()
    Index.open(path).close()
    assert readings == []


def test_a_copied_or_touched_index_is_read_once(path, readings, tmp_path):
    reopened(path)
    readings.clear()
    shutil.copytree(path, tmp_path / "copy")
    reopened(tmp_path / "copy")
    assert sorted(readings) == sorted(
        ["lucene", "docnos.arrow", "rank.npy", "csr_ptr.npy", "csr_term.npy", "csr_tf.npy"]
    )
    readings.clear()
    reopened(tmp_path / "copy")
    reopened(path)
    assert readings == []
    os.utime(path / "_0.fdt")
    reopened(path)
    os.utime(path / "irkit" / "rank.npy")
    reopened(path)
    assert readings == ["lucene", "rank.npy"]


def test_where_nothing_can_be_noted_an_index_is_read_once_a_process(path, readings, tmp_path, monkeypatch):
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "blocked"))
    verified._here.clear()
    for _ in range(2):
        Index.open(path).close()
    assert readings == ["lucene", "docnos.arrow", "rank.npy"]


@pytest.mark.parametrize("sidecar", [True, False])
def test_threads_that_open_a_copy_at_once_all_get_it(path, tmp_path, sidecar):
    shutil.copytree(path, tmp_path / "copy", ignore=None if sidecar else shutil.ignore_patterns("irkit"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reopened(tmp_path / "copy"), range(8)))
    assert [name for name in os.listdir(tmp_path / "copy" / "irkit") if name.startswith(".")] == []


def test_a_missing_file_is_named(path):
    (path / "_0.fnm").unlink()
    with pytest.raises(DamagedError, match=r"is damaged \(_0.fnm: the file is missing\); build it again"):
        Index.open(path)
    build_index(path, DOCUMENTS, overwrite=True).close()
    reopened(path)


def test_many_damaged_files_are_counted(path):
    for name in ("_0.fdt", "_0.fdx", "_0.nvd"):
        os.truncate(path / name, 20)
    with pytest.raises(
        DamagedError, match=r"is damaged \(_0.fdt: codec footer mismatch .*, and 2 more\); build it again"
    ):
        Index.open(path)


@pytest.mark.parametrize("name", ["_0.nvm", "_0.fdt", "_0_Lucene99_0.doc"])
def test_a_file_of_another_index_is_damage_though_it_is_whole(path, tmp_path, name):
    build_index(tmp_path / "other", DOCUMENTS, threads=1).close()
    shutil.copy(tmp_path / "other" / name, path / name)
    with pytest.raises(DamagedError, match=rf"is damaged \({name}: file mismatch, .*\); build it again"):
        Index.open(path)
    lucene = next(examine(path))
    assert "is damaged" in lucene.found
    assert lucene.remedy == "build it again"


def test_damage_that_reading_would_not_notice_is_never_written_into_a_sidecar(path):
    """Made from damaged files, a sidecar would have right digests of wrong numbers."""
    shutil.rmtree(path / "irkit")
    content = bytearray((path / "_0_Lucene90_0.dvd").read_bytes())
    content[content.index(b"b")] ^= 1  # an id
    (path / "_0_Lucene90_0.dvd").write_bytes(content)
    with pytest.raises(DamagedError, match=r"_0_Lucene90_0.dvd: checksum failed"):
        Index.open(path)
    assert not (path / "irkit").exists()


def sealed(content):
    """Give a file of Lucene's the checksum that fits its content."""
    return content[:-8] + zlib.crc32(content[:-8]).to_bytes(8, "big")


def test_another_version_of_lucene_is_named_as_such(path):
    shutil.rmtree(path / "irkit")
    content = (path / "segments_1").read_bytes()
    assert sealed(content) == content
    at = content.index(b"segments") + len("segments")  # the version of the format, four bytes
    (path / "segments_1").write_bytes(sealed(content[:at] + b"\0\0\0\x63" + content[at + 4 :]))
    with pytest.raises(
        ConfigError, match=r"another version of Lucene wrote .* \(segments_1: Format version .*99"
    ) as caught:
        Index.open(path)
    assert "damaged" not in str(caught.value)
    (path / "segments_1").write_bytes(content[:at] + b"\0\0\0\x63" + content[at + 4 :])
    with pytest.raises(DamagedError, match=r"is damaged \(segments_1: checksum failed"):
        Index.open(path)


def test_an_examination_finds_what_no_stamp_shows(path):
    """A disk that returns other bytes than were written changes no time; here the record is made to fit."""
    reopened(path)
    assert [part.name for part in examine(path) if part.remedy] == []
    for name, length in (("_0.fdt", 100), ("irkit/df.npy", 130)):
        content = bytearray((path / name).read_bytes())
        content[length - 1] ^= 4
        (path / name).write_bytes(content)
        known = verified._read(path)
        entry = known[str(path / name)]
        verified._write(
            path, {**known, str(path / name): [*verified.states([str(path / name)])[str(path / name)], entry[-1]]}
        )
    verified._here.clear()
    Index.open(path).close()
    found = {part.name: part for part in examine(path)}
    wrong = {name: part.remedy for name, part in found.items() if part.remedy}
    assert wrong == {"lucene": "build it again", "df.npy": "it is made again when it is next needed"}
    assert "_0.fdt" in found["lucene"].found
    with pytest.raises(DamagedError, match=r"_0\.fdt"):  # it is not believed from then on
        Index.open(path)


def test_an_examination_tells_the_state_of_a_manifest(path):
    file = path / "irkit" / "manifest.json"
    content = file.read_text()
    for wrong, found, problem in [
        (content.replace('"terms": 6', '"terms": 7'), "it is damaged", True),
        (content[:-9], "it is damaged", True),
        ("[]", "it is damaged", True),
        ('{"key": "1"}', "another version of irkit wrote it", False),
    ]:
        file.write_text(wrong)
        parts = list(examine(path))
        assert [part.name for part in parts] == ["lucene", "manifest.json"]
        assert found in parts[1].found
        assert bool(parts[1].remedy) == problem
    file.unlink()
    assert [part.name for part in examine(path)] == ["lucene"]
    with pytest.raises(NotFoundError, match="there is no folder"):
        list(examine(path.parent / "nowhere"))
