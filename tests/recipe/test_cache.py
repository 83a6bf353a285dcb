"""Tests of irkit.recipe.cache."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, FrameError
from irkit.hits import Hits
from irkit.pipeline import apply
from irkit.pipeline.chain import Cut
from irkit.pipeline.filters import Drop, Reset
from irkit.pipeline.fit import Topics
from irkit.pipeline.learned import Learned
from irkit.pipeline.operators import normalise, rrf
from irkit.pipeline.retrieve import Retrieve
from irkit.pipeline.stage import Stage
from irkit.pipeline.texts import LoadText
from irkit.recipe import Cache
from irkit.recipe import cache as module
from tests.oracles.fake_index import TEXTS, FakeIndex

QUERIES = pd.DataFrame({"qid": ["1", "2", "3"], "query": ["wing heat", "nothing", "plate over"]}, dtype="str")


class CountedConfig(Config):
    add: float = 1.0
    k: int = Field(1, ge=1)


class Counted(Stage):
    """Adds a number to every score, and counts its runs."""

    name = "counted"
    config_type = CountedConfig
    runs = 0

    def run(self, flow: Hits) -> Hits:
        type(self).runs += 1
        return flow.rescored(flow.score + self.config.add)


class Counted2(Counted):
    name = "counted"


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


def files(cache: Cache) -> list[Path]:
    return sorted(cache.folder.rglob("*.flow"))


def equal(a, b) -> bool:
    frames = [flow.frame() if isinstance(flow, Hits) else flow for flow in (a, b)]
    return frames[0].equals(frames[1])


# ---------------------------------------------------------------------- finding


def test_a_second_run_computes_nothing_and_gives_the_same(cache, index):
    pipeline = Retrieve(index=index) >> Counted() >> LoadText(index=index)
    before = Counted.runs
    first = cache.run(pipeline, QUERIES)
    assert (cache.hits, cache.misses, index.searches, Counted.runs - before) == (0, 3, 1, 1)
    again = Cache(cache.folder)
    second = again.run(pipeline, QUERIES.copy())
    assert (again.hits, again.misses, index.searches, Counted.runs - before) == (1, 0, 1, 1)
    plain = pipeline.run(QUERIES)
    for flow in (first, second):
        assert equal(flow, plain)
        assert flow.score.tobytes() == plain.score.tobytes()
        assert flow.queries["qid"].tolist() == ["1", "2", "3"]
        assert flow.ptr.tolist() == plain.ptr.tolist()


def test_where_and_how_a_stage_runs_is_no_part_of_the_key(cache, index):
    cache.run(Retrieve(index=index) >> Counted(), QUERIES)
    for how in ({"threads": 3}, {"scorer": "taat"}, {"threads": 1, "scorer": "wand"}):
        cache.run(Retrieve(index=index, **how) >> Counted(), QUERIES)
    assert (cache.hits, cache.misses, index.searches) == (3, 2, 1)
    cache.run(Retrieve(index=index, ties="anserini") >> Counted(), QUERIES)
    assert index.searches == 2


def test_the_longest_known_beginning_is_used(cache, index):
    cache.run(Retrieve(index=index) >> Counted(), QUERIES)
    before = Counted.runs
    out = cache.run(Retrieve(index=index) >> Counted() >> Counted(add=5.0), QUERIES)
    assert (index.searches, Counted.runs - before, cache.hits) == (1, 1, 1)
    assert equal(out, (Retrieve(index=index) >> Counted() >> Counted(add=5.0)).run(QUERIES))


def test_a_result_in_the_middle_that_is_gone_does_no_harm(cache, index):
    pipeline = Retrieve(index=index) >> Counted() >> Counted(add=2.0)
    cache.run(pipeline, QUERIES)
    for path in files(cache)[:]:
        path.unlink()
        assert equal(cache.run(pipeline, QUERIES), pipeline.run(QUERIES))


def test_pipelines_inside_operators_are_shared(cache, index):
    first, second = Retrieve(index=index), Retrieve(model="tf-idf", index=index)
    cache.run(first, QUERIES)
    weighted = normalise(first) + 0.5 * second
    for pipeline in (rrf(first, second), first + second, weighted, first ^ second, first**second):
        assert equal(cache.run(pipeline, QUERIES), pipeline.run(QUERIES))
    index.searches = 0
    for pipeline in (rrf(first, second, k=5), first | second, first**second >> Counted()):
        cache.run(pipeline, QUERIES)
    assert index.searches == 0


def test_a_cut_right_after_a_retriever_is_one_step_of_its_own(cache, index):
    pipeline = Retrieve(index=index) % 2
    assert equal(cache.run(pipeline, QUERIES), pipeline.run(QUERIES))
    assert cache.misses == 1
    cache.run(Retrieve(n=2, index=index), QUERIES)
    assert (cache.hits, index.searches) == (1, 2)


def test_what_may_be_run_may_be_cached(cache, index):
    pipeline = Retrieve(index=index)
    assert equal(cache.run(pipeline, ["wing heat"]), cache.run(pipeline, {"1": "wing heat"}))
    hits = pipeline.run(QUERIES)
    assert equal(cache.run(Cut(k=1), hits), cache.run(Cut(k=1), hits.frame().drop(columns="rank")))
    assert isinstance(cache.run(pipeline >> Reset(), QUERIES), pd.DataFrame)
    with pytest.raises(FrameError, match="cut: takes results, got str"):
        cache.run(Cut(k=1), "wing")


def test_weighted_queries_are_told_apart(cache, index):
    weighted = QUERIES.assign(query_toks=pd.Series([{"wing": 1.0, "heat": 0.1}, None, {"plate": 2.0}], dtype=object))
    other = QUERIES.assign(query_toks=pd.Series([{"wing": 1.0, "heat": 0.2}, None, {"plate": 2.0}], dtype=object))
    pipeline = Retrieve(index=index)
    for frame in (weighted, other, weighted):
        assert equal(cache.run(pipeline, frame), pipeline.run(frame))
    assert (cache.hits, cache.misses) == (1, 2)


@pytest.mark.slow
def test_a_feedback_stage_finds_its_documents_in_cached_hits(cache, tmp_path):
    # Cached hits number documents on a table of their own; a stage that reads the index by row must map them.
    from irkit.documents import Document
    from irkit.expand.relevance import RM3
    from irkit.lucene import build_index

    texts = {"unrelated": "sugar prices rise", **TEXTS}
    with build_index(tmp_path / "index", [Document(id, text) for id, text in texts.items()]) as real:
        pipeline = Retrieve(index=real) >> RM3(index=real) >> Retrieve(index=real)
        cache.run(Retrieve(index=real), QUERIES)
        assert equal(cache.run(pipeline, QUERIES), pipeline.run(QUERIES))
        assert cache.hits == 1


# ---------------------------------------------------------------------- missing


def drop(pairs):
    return Drop(pairs=pd.DataFrame(pairs, columns=["qid", "docno"]))


def test_any_change_of_a_parameter_a_resource_or_the_input_is_a_miss(cache):
    one = FakeIndex()
    base = Retrieve(index=one)
    systems = {
        "base": (base, QUERIES),
        "parameter": (Retrieve(k1=1.0, index=one), QUERIES),
        "model": (Retrieve(model="tf-idf", index=one), QUERIES),
        "n": (Retrieve(n=2, index=one), QUERIES),
        "ties": (Retrieve(ties="anserini", index=one), QUERIES),
        "index": (Retrieve(index=FakeIndex(fingerprint="rebuilt")), QUERIES),
        "text of a query": (base, QUERIES.assign(query=["wing", "nothing", "plate over"])),
        "qid": (base, QUERIES.assign(qid=["1", "2", "4"])),
        "order of queries": (base, QUERIES[::-1].reset_index(drop=True)),
        "a query more": (base, pd.concat([QUERIES, QUERIES.assign(qid=["a", "b", "c"])], ignore_index=True)),
        "a column more": (base, QUERIES.assign(timestamp=[1, 2, 3])),
        "later parameter": (base >> Cut(k=1), QUERIES),
        "later stage": (base >> Counted(), QUERIES),
        "another class of the same name": (base >> Counted2(), QUERIES),
        "a later resource": (base >> drop([("1", "d1")]), QUERIES),
        "another later resource": (base >> drop([("1", "d2")]), QUERIES),
        "order of stages": (base >> Counted() >> drop([("1", "d1")]), QUERIES),
        "the other order of stages": (base >> drop([("1", "d1")]) >> Counted(), QUERIES),
    }
    for stage, flow in systems.values():
        assert equal(cache.run(stage, flow), stage.run(flow))
    assert len({path.name for path in files(cache)}) == len(files(cache))
    fresh = Cache(cache.folder)
    for stage, flow in systems.values():  # and each finds its own
        assert equal(fresh.run(stage, flow), stage.run(flow))
    assert fresh.misses == 0


def test_a_change_of_code_or_of_the_packages_beneath_is_a_miss(cache, index, monkeypatch):
    pipeline = Retrieve(index=index)
    cache.run(pipeline, QUERIES)
    for name in ("code_digest", "environment_digest", "class_digest", "holdings_digest"):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, lambda *_: "changed")
            before = index.searches
            cache.run(pipeline, QUERIES)
            assert index.searches == before + 1, name
    before = index.searches
    cache.run(pipeline, QUERIES)
    assert index.searches == before


def test_a_resource_without_a_fingerprint_is_not_kept(cache, index):
    index.fingerprint = None
    for _ in range(2):
        cache.run(Retrieve(index=index) >> Counted(), QUERIES)
    assert index.searches == 2
    assert cache.misses == 1  # what follows is looked up by what the retriever gave
    assert cache.hits == 1


def test_a_function_is_run_each_time_and_what_follows_it_is_looked_up(cache, index):
    calls = []

    def function(row):
        calls.append(row["docno"])
        return float(len(row["docno"]))

    before = Counted.runs
    pipeline = Retrieve(index=index) >> apply.score(function) >> Counted()
    results = [cache.run(pipeline, QUERIES) for _ in range(3)]
    assert len(calls) == 3 * len(results[0])
    assert (index.searches, Counted.runs - before) == (1, 1)
    assert equal(results[0], results[2])
    assert equal(results[0], pipeline.run(QUERIES))


def test_a_function_with_a_key_is_kept_under_its_key(cache, index):
    hits = Retrieve(index=index).run(QUERIES)
    one = apply.score(lambda row: 1.0, key="one")
    assert set(cache.run(one, hits).score) == {1.0}
    assert set(cache.run(apply.score(lambda row: 2.0, key="one"), hits).score) == {1.0}  # the user vouched for it
    assert set(cache.run(apply.score(lambda row: 2.0, key="two"), hits).score) == {2.0}


def test_a_stage_made_inside_a_function_is_not_kept(cache, index):
    class Inside(Counted):
        name = "inside"

    before = Inside.runs
    for _ in range(2):
        cache.run(Retrieve(index=index) >> Inside(), QUERIES)
    assert Inside.runs - before == 2
    assert index.searches == 1


def test_a_model_fitted_on_something_else_is_a_miss(cache, index):
    pipeline = Retrieve(index=index) ** Retrieve(model="tf-idf", index=index) >> Learned(model="linear")
    qrels = pd.DataFrame({"qid": ["1", "1"], "docno": ["d1", "d2"], "label": [1, 0]})
    one = pipeline.fit(Topics(QUERIES, qrels))
    two = pipeline.fit(Topics(QUERIES, qrels.assign(label=[0, 1])))
    for fitted in (one, two, one):
        assert equal(cache.run(fitted, QUERIES), fitted.run(QUERIES))
    assert not equal(one.run(QUERIES), two.run(QUERIES))


def test_values_that_cannot_be_kept_are_passed_on(cache, index, caplog):
    odd = QUERIES.assign(timestamp=pd.Series([object(), None, None], dtype=object))
    with caplog.at_level(logging.DEBUG, logger="irkit"):
        assert equal(cache.run(Retrieve(index=index), odd), Retrieve(index=index).run(odd))
    assert files(cache) == []
    assert "the input cannot be kept, column 'timestamp' holds objects" in caplog.text
    strange = apply.rerank(lambda frame: frame.assign(odd=[object()] * len(frame)), key="k")
    hits = Retrieve(index=index).run(QUERIES)
    with caplog.at_level(logging.DEBUG, logger="irkit"):
        assert "odd" in cache.run(strange, hits).columns
    assert "a result cannot be kept" in caplog.text


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "garbage", "a folder"])
def test_a_damaged_file_is_made_anew(cache, index, damage, caplog):
    pipeline = Retrieve(index=index)
    cache.run(pipeline, QUERIES)
    (path,) = files(cache)
    good = path.read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(
            {
                "truncated": good[:-40],
                "flipped": good[:100] + bytes([good[100] ^ 1]) + good[101:],
                "emptied": b"",
                "garbage": os.urandom(500),
            }[damage]
        )
    with caplog.at_level(logging.DEBUG, logger="irkit"):
        assert equal(cache.run(pipeline, QUERIES), pipeline.run(QUERIES))
    assert "cannot be read and is made anew" in caplog.text
    if damage != "a folder":
        assert path.read_bytes() == good


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, index, caplog):
    (tmp_path / "file").write_text("x")
    cache = Cache(tmp_path / "file")
    assert equal(cache.run(Retrieve(index=index), QUERIES), Retrieve(index=index).run(QUERIES))
    assert "cannot be written, Not a directory; results are not kept" in caplog.text


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path, index, caplog):
    (tmp_path / "file").write_text("x")
    cache = Cache(tmp_path / "file")
    for n in (1, 2, 3):
        cache.run(Retrieve(n=n, index=index), QUERIES)
    assert len(caplog.messages) == 1


def test_a_failed_write_leaves_nothing_behind(cache, index, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    assert equal(cache.run(Retrieve(index=index), QUERIES), Retrieve(index=index).run(QUERIES))
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []
    assert "No space left on device" in caplog.text


def test_what_was_not_used_for_longest_goes_first(tmp_path, index):
    size = 0
    cache = Cache(tmp_path)
    cache.run(Retrieve(n=1, index=index), QUERIES)
    size = cache.size()
    cache = Cache(tmp_path, limit=int(3.5 * size))
    for n in (2, 3):
        cache.run(Retrieve(n=n, index=index), QUERIES)
    for age, path in enumerate(sorted(files(cache), key=lambda path: path.stat().st_mtime_ns)):
        os.utime(path, (time.time() - 100 + age,) * 2)
    cache.run(Retrieve(n=1, index=index), QUERIES)  # used again: now the youngest
    assert cache.hits == 1
    cache.run(Retrieve(n=4, index=index), QUERIES)  # does not fit: n=2 goes
    assert cache.size() <= cache.limit
    searches = index.searches
    for n in (1, 3, 4):
        cache.run(Retrieve(n=n, index=index), QUERIES)
    assert index.searches == searches
    cache.run(Retrieve(n=2, index=index), QUERIES)
    assert index.searches == searches + 1


def test_the_limit_holds_and_too_large_a_result_is_not_kept(tmp_path, index):
    cache = Cache(tmp_path, limit=0)
    assert equal(cache.run(Retrieve(index=index), QUERIES), Retrieve(index=index).run(QUERIES))
    assert cache.size() == 0
    cache = Cache(tmp_path, limit=10_000)
    for n in range(1, 30):
        cache.run(Retrieve(n=n, index=index), QUERIES)
        assert cache.size() <= 10_000
    assert cache.size() > 5_000
    with pytest.raises(ConfigError, match="cache: limit must be 0 or more bytes, got -1"):
        Cache(tmp_path, limit=-1)


def test_clear_removes_everything_and_what_killed_processes_left_goes_in_time(cache, index):
    cache.run(Retrieve(index=index), QUERIES)
    folder = files(cache)[0].parent
    fresh, old = folder / ".a.flow.1-0123abcd.tmp", folder / ".b.flow.1-0123abcd.tmp"
    for path in (fresh, old):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)
    cache.size()
    assert (fresh.exists(), old.exists()) == (True, False)
    cache.clear()
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []
    assert cache.size() == 0
    cache.run(Retrieve(index=index), QUERIES)
    assert index.searches == 2


def test_the_folder_is_the_user_s_unless_another_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    assert Cache().folder == tmp_path / "home" / "cache"
    assert Cache().size() == 0
    assert not (tmp_path / "home").exists()


WORKER = """
import sys
import pandas as pd
from irkit.pipeline.chain import Cut
from irkit.pipeline.operators import Scale
from irkit.recipe import Cache

frame = pd.DataFrame({"qid": ["1"] * 200, "docno": [f"d{i}" for i in range(200)], "score": [i / 7 for i in range(200)]})
frame = frame.astype({"qid": "str", "docno": "str"})
cache = Cache(sys.argv[1], limit=int(sys.argv[2]))
for _ in range(4):
    for weight in (1.0, 2.0, 3.0):
        for k in (5, 50):
            got = (Scale(weight=weight) >> Cut(k=k)).run(Cut(k=200).read(frame))
            assert cache.run(Scale(weight=weight) >> Cut(k=k), frame).frame().equals(got.frame())
print("fine")
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10**9, 12_000])
def test_processes_share_a_folder(tmp_path, limit):
    command = [sys.executable, "-c", WORKER, str(tmp_path / "cache"), str(limit)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for worker in workers:
        out, error = worker.communicate(timeout=120)
        assert (out.strip(), error) == ("fine", "")
    assert list((tmp_path / "cache").rglob("*.tmp")) == []


def test_the_sums_of_a_join_do_not_depend_on_where_its_parts_came_from(cache):
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(30)]
    big = FakeIndex({f"d{i}": " ".join(rng.choice(words, 12)) for i in range(60)}, "big")
    texts = [" ".join(rng.choice(words, 4)) for _ in range(4)]
    queries = pd.DataFrame({"qid": list("abcd"), "query": texts}, dtype="str")
    parts = [Retrieve(k1=k1, index=big) for k1 in (0.1, 0.7, 1.3)]
    pipeline = 0.3 * parts[0] + 0.1 * parts[1] + 0.7 * parts[2]
    cold, half, warm = Cache(cache.folder / "1"), Cache(cache.folder / "2"), Cache(cache.folder / "1")
    half.run(parts[1], queries)
    expected = pipeline.run(queries)
    for runner in (cold, half, warm):
        got = runner.run(pipeline, queries)
        assert got.docnos.take(got.doc).equals(expected.docnos.take(expected.doc))
        assert got.score.tobytes() == expected.score.tobytes()
