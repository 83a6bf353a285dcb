"""Tests of irkit.recipe.indexes: first uses at once, and an index that is damaged."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from irkit.documents import Document
from irkit.errors import ConfigError, DamagedError, LockedError
from irkit.lucene import Index, build_index
from irkit.recipe.indexes import collection_index, index_path

QUICK = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


class Toys(SimpleNamespace):
    """A collection that counts how often it is read."""

    name, fingerprint, read = "toys", "toys-1", 0

    def documents(self):
        self.read += 1
        return iter([Document("a", "red fox"), Document("b", "red rain")])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def ids(index):
    return index.docnos.take(index.search(["fox"], 10).doc).to_pylist()


# Starts its JVM, waits to be told, then uses the index for the first time.
CHILD = """
import os, signal, sys, time
from irkit.documents import Document
from irkit.recipe.indexes import collection_index
from irkit.lucene.jvm import start

class Toys:
    name, fingerprint = "toys", "toys-1"

    def documents(self):
        print("builds", flush=True)
        sys.stdin.readline()
        if sys.argv[1] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        yield Document("a", "red fox")

start()
print("ready", flush=True)
sys.stdin.readline()
index = collection_index(Toys())
print("found", index.docnos.take(index.search(["fox"], 10).doc).to_pylist(), flush=True)
"""


def child(end, home):
    command = [sys.executable, "-c", CHILD, end]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, text=True, env={**QUICK, "IRKIT_HOME": str(home)}, **pipes)


def tell(process):
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.skipif(sys.platform == "win32", reason="kills processes")
@pytest.mark.parametrize("end", ["well", "die"])
def test_first_uses_at_once_wait_for_one_that_builds(home, end):
    """If the one that builds is killed, the next builds."""
    first, *others = processes = [child(end, home), *(child("well", home) for _ in range(2 if end == "well" else 1))]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        tell(first)
        assert first.stdout.readline() == "builds\n"
        for process in others:
            tell(process)
            said = process.stderr.readline()
            while "waiting" not in said:
                assert said, "it ended without a word"
                said = process.stderr.readline()
            assert said == f"waiting for process {first.pid}, which builds the index of toys\n"
        tell(first)
        if end == "die":
            first.wait(timeout=60)
            tell(others[0])
        else:
            assert first.stdout.readline() == "found ['a']\n", first.stderr.read()
        lines = [process.communicate(timeout=60)[0].splitlines() for process in others]
        assert [each[-1] for each in lines] == ["found ['a']"] * len(others)
        assert sum("builds" in each for each in lines) == (end == "die")
        assert [name for name in os.listdir(home / "indexes") if name.endswith(".turn")] == []
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_damaged_index_is_built_again(home, monkeypatch, caplog):
    toys = Toys()
    collection_index(toys).close()
    real = Index.open

    def damaged(path, *rest):
        if toys.read == 1:
            raise DamagedError(f"index: {path} is damaged; build it again")
        return real(path, *rest)

    monkeypatch.setattr(Index, "open", damaged)
    assert ids(collection_index(toys)) == ["a"]
    assert toys.read == 2
    assert f"the index {index_path(toys)} is damaged and is built again\n" in caplog.text
    assert ids(collection_index(toys)) == ["a"]
    assert toys.read == 2


def test_an_index_without_its_commit_is_built_again(home):
    toys = Toys()
    collection_index(toys).close()
    for path in index_path(toys).glob("segments_*"):
        path.unlink()
    assert ids(collection_index(toys)) == ["a"]
    assert toys.read == 2


def test_what_is_no_damage_is_told(home, monkeypatch):
    toys = Toys()
    collection_index(toys).close()

    def refused(path, *rest):
        raise ConfigError("sidecar: can be written nowhere")

    monkeypatch.setattr(Index, "open", refused)
    with pytest.raises(ConfigError, match="can be written nowhere"):
        collection_index(toys)
    assert toys.read == 1


def test_an_explicit_build_does_not_wait(tmp_path):
    def second():
        with pytest.raises(LockedError, match=r"build_index: .* is building"):
            build_index(tmp_path / "index", [("a", "rain")])
        yield ("a", "rain")

    assert len(build_index(tmp_path / "index", second())) == 1


def test_a_wrong_byte_in_a_kept_index_has_it_built_again(home, caplog):
    toys = Toys()
    collection_index(toys).close()
    file = index_path(toys) / "_0.fdt"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with collection_index(toys) as index:
        assert index.texts(["a"]) == ["red fox"]
    assert toys.read == 2
    assert "is damaged and is built again" in caplog.text


def test_an_index_whose_commit_and_manifest_are_damaged_is_built_again(home):
    toys = Toys()
    collection_index(toys).close()
    for file in (index_path(toys) / "segments_1", index_path(toys) / "irkit" / "manifest.json"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 8
        file.write_bytes(content)
    assert ids(collection_index(toys)) == ["a"]
    assert toys.read == 2


def test_a_damaged_index_beside_anything_else_stays(home):
    toys = Toys()
    collection_index(toys).close()
    (index_path(toys) / "_0.fdt").write_bytes(b"")
    (index_path(toys) / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files than an index, got notes.txt"):
        collection_index(toys)
    assert (index_path(toys) / "notes.txt").read_text() == "mine"


def test_a_flipped_bit_in_any_file_of_the_index_changes_nothing(home):
    """Lucene's files are built again, those of the sidecar made again from them."""
    toys = Toys()
    with collection_index(toys) as index:
        expected = index.search(["fox rain"], 10), index.postings.toarray()
    place = index_path(toys)
    rng, rebuilt = np.random.default_rng(7), 0
    for name in sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()):
        path = place / name
        if not path.is_file() or not path.stat().st_size:
            continue
        content = bytearray(path.read_bytes())
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        before = toys.read
        with collection_index(toys) as index:
            found = index.search(["fox rain"], 10), index.postings.toarray()
        assert all((a == b).all() for a, b in zip(found[0], expected[0], strict=True)), name
        assert (found[1] == expected[1]).all(), name
        assert toys.read - before == (not name.startswith("irkit/")), name
        rebuilt += toys.read - before
    assert rebuilt > 5
