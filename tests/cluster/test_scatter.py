"""An index whose shards are searched by actors gives what the index gives, to the bit, whatever happens to them."""

import os
import signal
import time

import numpy as np
import pytest

from irkit.cluster import open_shards
from irkit.cluster.tasks import AHEAD, Tasks
from irkit.errors import ConfigError
from irkit.frames import queries_frame
from irkit.io import load_collection
from irkit.lucene import BM25, QLDirichlet, QLJelinekMercer, build_index, replace_shard
from irkit.recipe import load_recipe

pytestmark = pytest.mark.slow
QUERIES = ["storm damage in Sydney", "the", {"sydnei": 0.25, "storm": 2.0, "nowher": 1.0}, "yacht race Hobart"]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    path = tmp_path_factory.mktemp("shards") / "many"
    with build_index(path, load_collection("lee").documents(), shards=2) as index:
        yield index


@pytest.fixture(scope="module")
def far(many, local_ray):
    with open_shards(many.path, placement=[{"node-a": 0.5}, {"node-b": 0.5}]) as index:
        yield index


def same(one, other, similarity, k=30):
    left, right = one.search(QUERIES, k, similarity), other.search(QUERIES, k, similarity)
    assert left.ptr.tolist() == right.ptr.tolist()
    assert left.doc.tolist() == right.doc.tolist()
    assert left.score.tobytes() == right.score.tobytes()


def test_an_index_without_shards_is_one(tmp_path, local_ray):
    one = build_index(tmp_path / "one", load_collection("lee").documents())
    with open_shards(tmp_path / "one") as far:
        same(one, far, BM25())


def test_a_shard_that_was_built_again_is_refused(tmp_path, local_ray):
    build_index(tmp_path / "many", [(f"d{i}", "red fox") for i in range(4)], shards=2)
    with open_shards(tmp_path / "many") as far:
        assert len(far.search(["fox"], 9).doc) == 4
        replace_shard(tmp_path / "many", 0, [("new", "fox")]).close()
        os.kill(local_ray.get(far._engine._shards[0].process.remote()), signal.SIGKILL)
        with pytest.raises(ConfigError, match="built again since the index was opened; open it again"):
            far.search(["fox"], 9)


def test_closing_ends_the_actors(tmp_path, local_ray):
    build_index(tmp_path / "many", [("a", "fox"), ("b", "fox")], shards=2)
    far = open_shards(tmp_path / "many")
    pids = [local_ray.get(shard.process.remote()) for shard in far._engine._shards]
    far.close()
    end = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_what_holds_all_processors_is_named_and_nothing_waits_for_it(tmp_path, local_ray):
    """Ray would wait until the actors end: a suite beside an open index, or a second index, never began."""
    folder = tmp_path / "index"
    build_index(folder, [("a", "fox"), ("b", "fox")], shards=2).close()
    message = (
        "the shards of an open index hold 2 of the 2 processors of the Ray cluster; close it, or connect with more"
    )
    with open_shards(folder) as far:
        with pytest.raises(ConfigError, match=f"^open_shards: {message}"):
            open_shards(folder)
        with pytest.raises(ConfigError, match=f"^suite: {message}"):
            Tasks(local_ray, who="suite")
        assert len(far.search(["fox"], 5).doc) == 2
    assert Tasks(local_ray, who="suite").workers == 2
    open_shards(folder).close()


def test_pieces_are_taken_as_there_is_room_for_them(local_ray):
    """Two for each worker are in flight, however many there are."""
    taken = []

    def pieces():
        for number in range(100):
            taken.append(number)
            yield number

    tasks, found, most = Tasks(local_ray, who="test"), [], []
    for done in tasks.run(_double, 2, pieces()):
        found.append(done)
        most.append(len(taken) - len(found))
    assert sorted(found) == [(number, [2 * number]) for number in range(100)]
    assert max(most) < AHEAD * tasks.workers


def _double(factor, piece):
    return [factor * piece]


@pytest.mark.parametrize("similarity", [BM25(), QLDirichlet(), QLJelinekMercer()], ids=lambda one: one.name)
def test_searches_are_those_of_the_index(many, far, similarity):
    same(many, far, similarity)
    rows = many.docnos.rows(["lee-03", "background-200", "lee-03", "background-011"])
    ptr = np.array([0, 1, 1, 4, 4])
    assert far.score(QUERIES, ptr, rows, similarity).tobytes() == many.score(QUERIES, ptr, rows, similarity).tobytes()
    for docno in ("lee-03", "background-200"):
        assert far.explain(QUERIES[0], docno, similarity) == many.explain(QUERIES[0], docno, similarity)
        assert far.texts([docno]) == many.texts([docno])


@pytest.mark.parametrize("recipe", ["bm25-rm3", "rfmf", "rrf-bm25-ql", "qld-rm3-anserini"])
def test_pipelines_run_unchanged(many, far, recipe):
    frame = queries_frame(load_collection("lee").queries()["query"].tolist()[:5])
    found = [load_recipe(recipe).build(index=index).run(frame).frame() for index in (many, far)]
    assert found[0].equals(found[1])
    assert len(found[0]) > 100


def test_an_actor_that_is_killed_is_started_again_and_nothing_is_lost(many, far, local_ray):
    shards = far._engine._shards
    want = many.search(QUERIES * 50, 50, QLDirichlet())
    for turn in range(4):
        pid = local_ray.get(shards[turn % 2].process.remote())
        pending = shards[turn % 2].counts.remote(b"\0\0\0\0")
        os.kill(pid, signal.SIGKILL)
        found = far.search(QUERIES * 50, 50, QLDirichlet())
        assert found.doc.tolist() == want.doc.tolist()
        assert found.score.tobytes() == want.score.tobytes()
        assert local_ray.get(pending).shape == (0, 2)
        assert local_ray.get(shards[turn % 2].process.remote()) != pid


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"threads": 0}, "threads must be a whole number from 1 up, got 0"),
        ({"placement": [{}]}, "placement must be of 2 shards, got 1"),
        ({"placement": [{}, {"node-c": 1}]}, "no node has 1 of 'node-c'"),
        ({"analyzer": "nosuch"}, "there is no analyser 'nosuch'"),
    ],
)
def test_wrong_arguments(many, local_ray, given, message):
    with pytest.raises(ConfigError, match=message):
        open_shards(many.path, **given)
