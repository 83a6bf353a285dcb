"""An index in shards: how it lies on disk, is added to, mended, replaced and refused."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

from irkit.errors import ConfigError, DamagedError, DataError, LockedError, NotFoundError
from irkit.lucene import Index, add_shard, build_index, replace_shard, swap
from irkit.lucene.examine import examine
from irkit.lucene.manifest import commit_key
from irkit.lucene.shards import FORM, shard_folders

DOCUMENTS = [(f"d{i}", f"red {'fox ' * (i % 3)}") for i in range(10)]


@pytest.fixture
def path(tmp_path):
    build_index(tmp_path / "many", DOCUMENTS, shards=3, threads=1).close()
    return tmp_path / "many"


def ids(index):
    return sorted(index.docnos.names.to_pylist())


def names(path):
    return sorted(os.listdir(path))


def test_documents_are_spread_evenly_and_each_shard_is_an_index(path):
    folders = shard_folders(path)
    assert [FORM.fullmatch(folder.name) is not None for folder in folders] == [True] * 3
    shards = [Index.open(folder) for folder in folders]
    assert [len(shard) for shard in shards] == [4, 3, 3]
    assert sorted(docno for shard in shards for docno in shard.docnos.names.to_pylist()) == ids(Index.open(path))
    assert names(path) == sorted(["irkit", "shards.json", *(folder.name for folder in folders)])


def test_small_batches_are_spread_evenly_too(tmp_path):
    long = [(f"d{i}", "word " * 900_000) for i in range(4)]  # each fills a batch
    index = build_index(tmp_path / "many", long, shards=2, store_text=False)
    assert [len(Index.open(folder)) for folder in shard_folders(index.path)] == [2, 2]


def test_a_plain_index_has_itself_for_a_shard(tmp_path):
    build_index(tmp_path / "one", DOCUMENTS)
    assert shard_folders(tmp_path / "one") == [tmp_path / "one"]


def test_one_thread_builds_the_same_shards_again(path, tmp_path):
    again = build_index(tmp_path / "again", DOCUMENTS, shards=3, threads=1)
    assert again.fingerprint == Index.open(path).fingerprint


@pytest.mark.parametrize(
    ("documents", "shards", "error", "message"),
    [
        (DOCUMENTS[:2], 3, DataError, "3 shards need as many documents, got 2; take fewer shards"),
        (DOCUMENTS, 0, ConfigError, "shards must be a whole number from 1 to 256, got 0"),
        (DOCUMENTS, 10**20, ConfigError, "shards must be a whole number from 1 to 256, got 1000000"),
        (DOCUMENTS, 2.0, ConfigError, "shards must be a whole number from 1 to 256, got 2.0"),
        (DOCUMENTS * 2, 3, DataError, "row 11: the id 'd0' comes a second time; ids must be unique"),
        ([], 3, DataError, "there are no documents; check the source"),
    ],
)
def test_what_cannot_be_built_leaves_nothing(tmp_path, documents, shards, error, message):
    with pytest.raises(error, match=message):
        build_index(tmp_path / "many", documents, shards=shards)
    assert [name for name in names(tmp_path) if not name.endswith(".lock")] == []


def test_a_shard_is_added_and_readers_keep_what_they_opened(path):
    before = Index.open(path)
    found = before.search(["fox"], 20).score.tolist()
    after = add_shard(path, [("new", "fox fox fox")])
    assert ids(after) == sorted([*ids(before), "new"])
    assert after.stats.tokens == before.stats.tokens + 3
    assert before.search(["fox"], 20).score.tolist() == found
    assert before.texts(["d1"]) == after.texts(["d1"])
    assert len(shard_folders(path)) == 4


def test_a_shard_is_replaced_in_its_place(path):
    old = shard_folders(path)
    index = replace_shard(path, 1, [("new", "blue")])
    now = shard_folders(path)
    assert [now[0], now[2]] == [old[0], old[2]]
    assert not old[1].exists()
    assert len(index) == 8
    assert index.texts(["new"]) == ["blue"]


def test_a_lost_shard_is_named_and_can_be_built_again(path):
    shutil.rmtree(shard_folders(path)[2])
    with pytest.raises(
        DamagedError, match=r"shard-2-.* is missing\); build that shard again with replace_shard, shard 2"
    ):
        Index.open(path)
    assert len(replace_shard(path, 2, [("new", "blue")])) == 8


def test_lost_shards_are_built_again_one_after_the_other(path):
    for number in (0, 2):
        shutil.rmtree(shard_folders(path)[number])
    for change in (Index.open, lambda path: add_shard(path, [("new", "blue")])):
        with pytest.raises(
            DamagedError, match=r"\(shard-0-\w+ is missing, and 1 more\); build .* replace_shard, shard 0,"
        ):
            change(path)
    with pytest.raises(
        DamagedError, match=r"\(shard-2-\w+ is missing\); build that shard again with replace_shard, shard 2"
    ):
        replace_shard(path, 0, [("new", "blue")])
    with pytest.raises(DataError, match="the id 'new' is in"):
        replace_shard(path, 2, [("new", "green")])
    assert replace_shard(path, 2, [("newer", "green")]).texts(["new", "newer"]) == ["blue", "green"]


def test_an_index_that_cannot_be_locked_is_said_to_be_read_only(path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("irkit.locks.held", refuse)
    for change in (add_shard, lambda path, documents: replace_shard(path, 0, documents)):
        with pytest.raises(ConfigError, match=f"cannot write {path}: Read-only file system; check free space, limits"):
            change(path, [("new", "blue")])


def test_a_damaged_shard_can_be_built_again(path):
    [big, *_] = sorted(shard_folders(path)[0].glob("_*.fdt"), key=lambda file: -file.stat().st_size)
    big.write_bytes(big.read_bytes()[:-3] + b"xyz")
    with pytest.raises(
        DamagedError, match=r"shard-0-\w+ is damaged .*; build that shard again with replace_shard, shard 0"
    ):
        Index.open(path)
    assert len(replace_shard(path, 0, [("new", "blue")])) == 7


@pytest.mark.parametrize("content", [b"", b"{}", b'{"shards": ["../../etc"], "format": 1, "digest": "x"}', b"\xff"])
def test_a_damaged_list_of_shards_is_no_index(path, content):
    (path / "shards.json").write_bytes(content)
    for what in (lambda: Index.open(path), lambda: add_shard(path, DOCUMENTS), lambda: commit_key(path)):
        with pytest.raises(DamagedError, match=r"shards.json: it is not what irkit wrote"):
            what()


def test_names_that_climb_out_are_refused_whatever_their_digest(path):
    from irkit.config import digest

    content = {"format": 1, "shards": ["../other"]}
    (path / "shards.json").write_text(json.dumps({**content, "digest": digest(content)}))
    with pytest.raises(DamagedError, match="it is not what irkit wrote"):
        Index.open(path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda path: add_shard(path, [("d3", "fox")]),
            DataError,
            "the id 'd3' is in .*shard-0.* already; ids must be",
        ),
        (lambda path: add_shard(path, []), DataError, "there are no documents"),
        (lambda path: replace_shard(path, 3, DOCUMENTS), ConfigError, "has the shards 0 to 2, got 3"),
        (lambda path: replace_shard(path, True, DOCUMENTS), ConfigError, "has the shards 0 to 2, got True"),
        (lambda path: replace_shard(path, 1, DOCUMENTS[:1]), DataError, "the id 'd0' is in .*shard-0.* already"),
        (lambda path: add_shard(path / "nowhere", DOCUMENTS), NotFoundError, "there is no folder"),
    ],
)
def test_what_cannot_be_added_changes_nothing(path, change, error, message):
    before = (names(path), commit_key(path))
    with pytest.raises(error, match=message):
        change(path)
    assert (names(path), commit_key(path)) == before


def test_a_plain_index_is_not_added_to(tmp_path):
    build_index(tmp_path / "one", DOCUMENTS)
    with pytest.raises(ConfigError, match="is not in shards; build it with shards, of 1 or more"):
        add_shard(tmp_path / "one", [("new", "fox")])


def test_an_added_shard_is_written_like_the_others(tmp_path):
    build_index(tmp_path / "many", [("a", "Laufen läuft")], shards=1, analyzer="de", store_text=False, positions=True)
    index = add_shard(tmp_path / "many", [("b", "laufend")])
    assert index.analyzer.name == "de"
    with pytest.raises(ConfigError, match="has no stored text"):
        index.texts(["b"])


def test_shards_of_different_analysers_are_refused(path):
    other = build_index(path.parent / "other", [("x", "fox")], analyzer="whitespace")
    shard = shard_folders(path)[0]
    shutil.rmtree(shard)
    shutil.copytree(other.path, shard)
    with pytest.raises(ConfigError, match="different analysers, got english and whitespace; build them alike"):
        Index.open(path)


def test_builders_keep_apart(path):
    with swap.locked(path), pytest.raises(LockedError, match="another process is building"):
        add_shard(path, [("new", "fox")])


def test_what_a_killed_builder_left_is_cleared_by_the_next(path):
    code = f"""
import os, signal
from irkit.lucene import add_shard
def documents():
    yield "new", "fox"
    os.kill(os.getpid(), signal.SIGKILL)
add_shard({str(path)!r}, documents())
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert len(Index.open(path)) == 10
    assert len(shard_folders(path)) == 3 < len([name for name in names(path) if FORM.fullmatch(name)])
    assert len(add_shard(path, [("new", "fox")])) == 11
    assert {name for name in names(path) if FORM.fullmatch(name)} == {folder.name for folder in shard_folders(path)}


def test_an_index_in_shards_is_overwritten_as_a_whole(path):
    with pytest.raises(ConfigError, match="there is an index already"):
        build_index(path, DOCUMENTS)
    old = shard_folders(path)
    build_index(path, DOCUMENTS[:3], overwrite=True)
    assert not any(folder.exists() for folder in old)
    assert len(Index.open(path)) == 3
    build_index(path, DOCUMENTS, shards=2, overwrite=True)
    assert not list(path.glob("segments_*"))
    assert len(Index.open(path)) == 10


def test_what_is_not_of_an_index_is_never_removed(path):
    (shard_folders(path)[1] / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files than an index, got shard-1-\w+/notes.txt"):
        build_index(path, DOCUMENTS, overwrite=True)
    kept = shard_folders(path)[1]
    replace_shard(path, 1, [("new", "blue")])
    assert names(kept) == ["notes.txt"]


def test_examine_looks_into_shards(path):
    Index.open(path).vocabulary.df.tolist()
    parts = list(examine(path))
    assert not [part for part in parts if part.remedy]
    assert parts[0].found.endswith("bytes, as Lucene wrote them")


@pytest.mark.slow
def test_readers_see_all_of_a_change_or_nothing_of_it(tmp_path):
    path, done, seen = tmp_path / "many", threading.Event(), []

    def documents(shard, version):
        return [(f"s{shard}-{version}-{i}", "fox") for i in range(5)]

    def change():
        for version in range(1, 9):
            replace_shard(path, version % 2, documents(version % 2, version), threads=1).close()
        done.set()

    build_index(path, documents(0, 0), shards=1, threads=1).close()
    add_shard(path, documents(1, 0), threads=1).close()
    writer = threading.Thread(target=change)
    writer.start()
    while not done.is_set():
        with Index.open(path) as index:
            versions = {docno.rsplit("-", 1)[0] for docno in index.docnos.names.to_pylist()}
            seen.append((len(versions), len(index.search(["fox"], 99).doc), len(index.docnos)))
    writer.join()
    assert set(seen) == {(2, 10, 10)}
