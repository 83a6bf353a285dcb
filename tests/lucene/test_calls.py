"""Tests of irkit.lucene.calls: what runs in Java hears Ctrl-C and leaves nothing running."""

import gc
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from irkit.deadline import Deadline, within
from irkit.errors import DeadlineError
from irkit.lucene import Analyzer, Index, build_index
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

QUICK = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}

# Each job would take a minute or more; the parent interrupts it, and the index is used afterwards.
CHILD = """
import itertools, sys, time
import numpy as np
from irkit.deadline import Deadline, within
from irkit.errors import DeadlineError
from irkit.lucene import Analyzer, QLDirichlet, build_index
from irkit.lucene.jvm import java

words = np.array([f"w{i:02d}" for i in range(40)])
rows = [(str(i), " ".join(row)) for i, row in enumerate(np.random.default_rng(1).choice(words, (20_000, 8)))]
index = build_index(sys.argv[1], rows, analyzer="whitespace", threads=1)
queries = [" ".join(words)] * 100_000
long = " ".join(words) * 300_000

def endless():
    for i in itertools.count():
        yield f"{i}", long[: i % 5000]

jobs = {
    "bm25": lambda: index.search(queries, 10),
    "wand": lambda: index.search(queries, 10, scorer="wand"),
    "likelihood": lambda: index.search(queries, 10, QLDirichlet(mu=100)),
    "analysis": lambda: Analyzer("english").encode([long]),
    "build": lambda: build_index(sys.argv[1] + "-other", endless(), memory_mb=16),
}
expected = index.search(queries[:3], 10)
for name, job in jobs.items():
    print(name, flush=True)
    try:
        job()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    found = index.search(queries[:3], 10)
    assert all((a == b).all() for a, b in zip(found, expected)), name
from jnius import autoclass
everyone = autoclass("java.lang.Thread").getAllStackTraces
for _ in range(100):
    busy = [t.getName() for t in everyone().keySet().toArray() if t.getName() in {"irkit-search", "irkit-index"}]
    if not busy:
        break
    time.sleep(0.1)
print("left", busy, flush=True)
"""


def last_words(process):
    """What a child said in the end; killed first, for one that goes on would be waited for without end."""
    process.kill()
    return process.stderr.read()


def test_long_work_in_java_is_interrupted_and_the_index_stays_usable(tmp_path):
    child = [sys.executable, "-c", CHILD, str(tmp_path / "index")]
    with subprocess.Popen(child, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUICK) as process:
        try:
            waits = {}
            for _ in range(5):
                name = process.stdout.readline().strip()
                time.sleep(0.3)  # well inside the work
                sent = time.perf_counter()
                process.send_signal(signal.SIGINT)
                assert process.stdout.readline() == "interrupted\n", name + last_words(process)
                waits[name] = time.perf_counter() - sent
            assert process.stdout.readline() == "left []\n", last_words(process)
        finally:
            process.kill()
    assert set(waits) == {"bm25", "wand", "likelihood", "analysis", "build"}
    assert max(waits.values()) < 10, waits  # .3 s on a quiet machine
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".index")) == ["index"]


def test_a_call_longer_than_one_step_is_waited_for():
    text = "storm " * 500_000
    ptr, _, vocabulary = Analyzer("english").encode([text, "rain"])
    assert ptr.tolist() == [0, 500_000, 500_001]
    assert vocabulary.to_pylist() == ["rain", "storm"]


def test_any_failure_of_the_wait_stops_the_work(monkeypatch):
    tickets, stopped = [], []

    class Calls:
        def more(self, ticket):
            raise KeyboardInterrupt

        def stop(self, ticket):
            stopped.append(ticket)

    monkeypatch.setattr("irkit.lucene.calls.java", lambda name: Calls())
    with pytest.raises(KeyboardInterrupt):
        interruptible(lambda ticket, *_: tickets.append(ticket), "x")
    assert stopped == tickets
    assert len(tickets) == 1


def test_a_deadline_that_passed_stops_the_work(monkeypatch):
    tickets, stopped = [], []

    class Calls:
        def stop(self, ticket):
            stopped.append(ticket)

    monkeypatch.setattr("irkit.lucene.calls.java", lambda name: Calls())
    deadline = Deadline(60)

    def method(ticket, *_):
        tickets.append(ticket)
        deadline.stop()

    with within(deadline), pytest.raises(DeadlineError):
        interruptible(method, "x")
    assert stopped == tickets
    assert len(tickets) == 1


def test_a_search_in_a_thread_hears_its_deadline_and_java_ends_it(tmp_path):
    words = " ".join(f"w{number:02d}" for number in range(40))
    with build_index(tmp_path / "index", ((str(row), words) for row in range(2000)), analyzer="whitespace") as index:
        queries = [words] * 200_000  # minutes of work

        def search():
            with within(Deadline(0.2)):
                index.search(queries, 10)

        with ThreadPoolExecutor(1) as pool, pytest.raises(DeadlineError, match=r"not done within 0\.2 s"):
            pool.submit(search).result()
        from jnius import autoclass

        threads = autoclass("java.lang.Thread").getAllStackTraces
        while "irkit-search" in [thread.getName() for thread in threads().keySet().toArray()]:
            time.sleep(0.01)
        assert len(index.search(queries[:1], 10).doc) == 10


def test_a_ticket_nobody_holds_is_refused_and_stopping_it_does_nothing():
    java("Call").stop(2**40)
    with pytest.raises(Exception, match="no call has the ticket 1099511627776"):
        java("Call").more(2**40)


def test_an_interrupted_sidecar_is_made_at_the_next_use(tmp_path, monkeypatch):
    index = build_index(tmp_path / "index", [("a", "red fox"), ("b", "fox")])

    def interrupted(method, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("irkit.lucene.sidecar.interruptible", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _ = index.postings
    assert not [name for name in os.listdir(tmp_path / "index" / "irkit") if name.startswith(".work")]
    assert index.postings.toarray().tolist() == [[1, 1], [1, 0]]


def test_an_interrupted_opening_leaves_no_index_open(tmp_path, monkeypatch):
    build_index(tmp_path / "index", [("a", "red fox")]).close()
    import jnius

    handles = jnius.autoclass("irkit.Handle").OPEN

    class Search:
        def open(self, *arguments):
            java("Search").open(*arguments)
            opened.append(handles.size())
            raise KeyboardInterrupt  # it comes when Java has just returned

        def close(self, handle):
            java("Search").close(handle)

    opened = []
    before = handles.size()
    with monkeypatch.context() as patch:
        patch.setattr("irkit.lucene.index.java", lambda name: Search())
        with pytest.raises(KeyboardInterrupt):
            Index.open(tmp_path / "index")
        gc.collect()
    assert opened == [before + 1]
    assert handles.size() == before
