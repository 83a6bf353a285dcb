"""Tests of irkit.evaluate.leftovers: what may go is found, and nothing else."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from irkit.config import digest
from irkit.documents import Document
from irkit.evaluate import leftovers as module
from irkit.evaluate.leftovers import leftovers, remove
from irkit.lucene import Index, build_index
from irkit.recipe.indexes import collection_index, index_path

DEAD = 2**22 + 5  # larger than any process's number
HEX = "0123456789abcdef" * 2


class Toys:
    name, fingerprint = "toys", "toys-1"

    def documents(self):
        return iter([Document("a", "red fox")])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def put(path: Path, size: int = 10, days: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return aged(path, days)


def aged(path: Path, days: float) -> Path:
    for one in (path, *path.rglob("*")):
        os.utime(one, (time.time() - days * 86400,) * 2)
    return path


def names(home, **options):
    return {one.what: one.why for one in leftovers(home, **options)}


def test_an_empty_or_missing_folder_has_none(home):
    assert leftovers(home) == []
    home.mkdir()
    assert leftovers(home, everything=True) == []


def test_an_index_goes_when_other_code_built_it_or_nobody_used_it(home, monkeypatch):
    collection_index(Toys()).close()
    place = f"indexes/{index_path(Toys()).name}"
    assert names(home) == {}
    assert names(home, everything=True) == {place: "can be built again"}
    aged(home / place, 31)
    assert names(home) == {place: "not used for 30 days"}
    collection_index(Toys()).close()
    assert names(home) == {}
    monkeypatch.setattr("irkit.recipe.indexes._code", lambda: "f" * 32)
    (one,) = leftovers(home)
    assert (one.what, one.why) == (place, "built by another version of irkit")
    assert one.size == sum(path.lstat().st_size for path in [home / place, *(home / place).rglob("*")])
    assert remove(one) == []
    assert not (home / place).exists()


def test_indexes_named_as_before_are_of_another_version(home):
    put(home / "indexes" / "lee-0123456789abcdef" / "segments_1")
    put(home / "indexes" / "lee-0123456789abcdef" / "irkit" / "manifest.json")
    assert names(home) == {"indexes/lee-0123456789abcdef": "built by another version of irkit"}


def test_caches_go_by_the_time_of_their_last_use(home):
    for days in (1, 31):
        name = digest(days)
        put(home / "cache" / name[:2] / f"{name}.flow", 1000 * days, days)
        put(home / "similarity" / f"{name}.npy", days, days)
        put(home / "vectors" / f"lee-{name[:16]}.npz", days, days)
        put(home / "encoders" / f"lsa-{name[:16]}.safetensors", days, days)
        put(home / "encoders" / f"lsa-{name[:16]}.faiss", days, days)
        put(home / "encoders" / f"lsa-{name[:16]}.mine", days, days)
        put(home / "texts" / f"mini-{name[:16]}" / f"{name}.npy", days, days)
        put(home / "pretrained" / f"{name}.safetensors", days, days)
        put(home / "crash" / f"hs_err_pid{days}.log", days, days)
    assert names(home) == dict.fromkeys(
        [
            "cache: 1 results of stages",
            "similarity: 1 sums of similarities",
            "vectors: 1 trained word vectors",
            "encoders: 2 trained encoders and indexes of their vectors",
            "texts: 1 files of what models gave for texts",
            "pretrained: 1 pretrained models of documents",
            "crash: 1 crash reports of Java",
        ],
        "not used for 30 days",
    )
    assert leftovers(home)[0].size == 31000
    assert "cache: 2 results of stages" in names(home, everything=True)


def test_sidecars_and_records_go_with_their_index(home, tmp_path):
    def record(subject, sidecar):
        content = {"format": 1, "subject": str(subject), "files": {str(sidecar / "rank.npy"): [1]}}
        path = home / "verified" / f"{digest(str(subject))}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**content, "digest": digest(content)}))

    (tmp_path / "here").mkdir()
    for place, name in ((tmp_path / "gone", HEX), (tmp_path / "here", HEX[::-1])):
        put(home / "sidecars" / name / "manifest.json")
        record(place, home / "sidecars" / name)
    put(home / "sidecars" / ("f" * 32) / "rank.npy", days=99)  # nobody knows of which index
    assert names(home) == {
        f"sidecars/{HEX}": f"its index is gone: {tmp_path / 'gone'}",
        "verified: 1 records": "of indexes that are gone",
    }
    for one in leftovers(home):
        assert remove(one) == []
    assert names(home) == {}
    assert sorted(os.listdir(home / "sidecars")) == sorted([HEX[::-1], "f" * 32])


def test_a_sidecar_of_an_older_commit_goes(home, tmp_path):
    index = put(tmp_path / "index" / "segments_2").parent
    test = module._sidecar_name(index)
    for name in (test, HEX):
        put(home / "sidecars" / name / "manifest.json")
    content = {"format": 1, "subject": str(index)}
    content["files"] = {str(home / "sidecars" / name / "rank.npy"): [1] for name in (test, HEX)}
    put(home / "verified" / f"{HEX}.json").write_text(json.dumps({**content, "digest": digest(content)}))
    assert names(home) == {f"sidecars/{HEX}": f"its index was built again: {index}"}


def test_what_killed_processes_left_goes_when_it_is_an_hour_old(home):
    left = [
        f".checksums.json.{DEAD}-0123abcd.tmp",
        f"cache/01/{HEX}.k2x_9a.part",
        f"similarity/.{HEX}.npy.{DEAD}-0123abcd.part",
        f"similarity/{HEX}.{DEAD}.part",
        f"vectors/.lee-{HEX[:16]}.npz.{DEAD}.part",
        f"verified/{HEX}.{DEAD}-0123abcd.part",
        f"indexes/.lee-{HEX[:16]}.building-{DEAD}-0123abcd/_0.fdt",
        f"indexes/.lee.old-{DEAD}-0123abcd/_0.fdt",
    ]
    for name in left:
        put(home / name, days=0.01)
    put(home / "indexes" / "lee" / "segments_1")
    assert names(home) == {}
    for name in left:
        place = home / name
        aged(place.parent if place.suffix == ".fdt" else place, 0.1)
    expected = {name.removesuffix("/_0.fdt") for name in left}
    assert names(home) == dict.fromkeys(expected, "left by a killed process")


def test_what_somebody_works_on_or_may_miss_stays(home, tmp_path):
    pid = os.getpid()
    stays = [
        f".checksums.json.{pid}-0123abcd.tmp",
        f"indexes/.lee-{HEX[:16]}.building-{pid}-0123abcd/_0.fdt",
        f"indexes/.lee.old-{DEAD}-0123abcd/segments_1",  # the only copy: the rename was interrupted
        "indexes/.lee.lock",
        "collections/lee/corpus.gz.part",
        "collections/lee/corpus.gz.part.version",
        f"collections/lee/.corpus.{DEAD}.part",
        "pipelines/mine.yaml",
        "data/mine.yaml",
        "eval/results/mine.json",
        "checksums.json",
        "vectors/mine.npz",
        "cache/notes.flow",
        "cache/01/notes.flow",
        "crash/core",
        "indexes/mine/segments_1",
        f"indexes/mine-{HEX[:16]}/segments_1",
        f"indexes/mine-{HEX[:16]}/thesis.tex",
        f"indexes/other-{HEX[:16]}/irkit/thesis.tex",
        f"indexes/other-{HEX[:16]}/segments_1",
        f"sidecars/{HEX}/thesis.tex",
    ]
    for name in stays:
        aged(put(home / name), 400)
    for kind in ("indexes", "sidecars", "vectors"):
        link = home / kind / f"linked-{HEX[:16]}"
        link.symlink_to(aged(put(tmp_path / "elsewhere" / "segments_1").parent, 400))
    (home / "cache" / "ab").symlink_to(put(tmp_path / "cached" / f"{HEX}.flow", days=400).parent)
    assert leftovers(home) == []
    assert leftovers(home, everything=True) == []


def test_a_cache_that_is_a_link_is_left_alone(home, tmp_path):
    put(tmp_path / "big" / "ab" / f"{HEX}.flow", days=99)
    home.mkdir()
    (home / "cache").symlink_to(tmp_path / "big")
    assert leftovers(home) == []


def test_what_cannot_be_removed_is_told(home, monkeypatch):
    path = put(home / "similarity" / f"{HEX}.npy", days=99)
    (one,) = leftovers(home)

    def refuse(self, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert [error.filename for error in remove(one)] == [str(path)]
    monkeypatch.undo()
    path.unlink()
    assert remove(one) == []  # gone meanwhile


def test_a_real_sidecar_in_the_users_folder_goes_with_its_index(home, tmp_path):
    index = tmp_path / "index"
    build_index(index, [("a", "red fox")]).close()
    shutil.rmtree(index / "irkit")
    (index / "irkit").write_text("in the way, as a read-only folder would be")
    Index.open(index).close()
    (sidecar,) = (home / "sidecars").iterdir()
    assert names(home) == {}
    shutil.rmtree(index)
    assert names(home) == {
        f"sidecars/{sidecar.name}": f"its index is gone: {index}",
        "verified: 1 records": "of indexes that are gone",
    }
