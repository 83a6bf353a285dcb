"""Tests of threads: one that ends leaves no Java thread behind, and none takes what is another's."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import irkit
from irkit.lucene import Analyzer, build_index
from irkit.lucene.engine import Joiner

QUICK = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}

CHILD = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from irkit.lucene import build_index
{start}
index = build_index(sys.argv[1], [("a", "red fox"), ("b", "blue fox"), ("c", "rain")], threads=1)
from jnius import autoclass
count = autoclass("java.lang.management.ManagementFactory").getThreadMXBean().getThreadCount

def search(_=None):
    assert index.docnos.take(index.search(["red fox"], 10).doc).to_pylist() == ["a", "b"]

def threads(n, together):
    for _ in range(n // together):
        started = [threading.Thread(target=search) for _ in range(together)]
        for one in started:
            one.start()
        for one in started:
            one.join()

search()
before = count()
threads({n}, 1)
threads(200, 20)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(search, range(400)))
search()
print(count() - before)
"""

IN_A_THREAD = """
def first():
    from irkit.lucene.jvm import start
    start()
thread = threading.Thread(target=first)
thread.start()
thread.join()
"""


def left(folder, n, start=""):
    code = CHILD.replace("{start}", start).replace("{n}", str(n))
    child = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=120, env=QUICK)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_thousands_of_short_threads_leave_java_as_it_was(tmp_path):
    assert left(tmp_path / "index", 2000) < 20  # without `attached` 2,200; Java's own come and go


def test_the_thread_that_started_java_may_end(tmp_path):
    assert left(tmp_path / "index", 100, IN_A_THREAD) < 20


def test_a_thread_may_go_on_after_it_was_detached(tmp_path):
    code = """
import sys, threading
from irkit.lucene import Analyzer
Analyzer("english").analyze(["a storm"])
def work():
    import jnius
    for _ in range(3):
        print(Analyzer("english").analyze(["a storm"]), flush=True)
        jnius.detach()
thread = threading.Thread(target=work)
thread.start()
thread.join()
daemon = threading.Thread(target=lambda: (Analyzer("english").analyze(["rain"]), threading.Event().wait()), daemon=True)
daemon.start()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=QUICK)
    assert (done.returncode, done.stdout) == (0, "[['storm']]\n" * 3), done.stderr


SOURCES = Path(irkit.__file__).parent


def test_what_python_calls_of_the_bridge_is_static():
    """Pyjnius binds an object to the method of its class, where another thread may put its own before the call."""
    called = set(re.findall(r'java\("(\w+)"\)', "".join(path.read_text() for path in SOURCES.rglob("*.py"))))
    assert {"Analysis", "IndexBuilder", "Join", "Search"} <= called
    for name in called:
        lines = (SOURCES / "lucene" / "java" / f"{name}.java").read_text().splitlines()
        bound = [line for line in lines if re.match(r"  public (?!static |final |record )", line)]
        assert bound == []


@pytest.fixture
def busy():
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def side_by_side(jobs, times):
    """Do each job so often in a thread of its own; return what went wrong."""
    wrong = []

    def do(job):
        for _ in range(times):
            try:
                wrong.extend(job())
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=do, args=(job,)) for job in jobs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return wrong


def test_threads_that_analyse_do_not_take_each_others_texts(busy):
    """Of 20,000 such calls eighty failed, and two gave the terms of another text."""
    analyzer = Analyzer("english")

    def job(number, count):
        words = [f"word{number}x{i}" for i in range(count)]
        return lambda: [found for found in [analyzer.analyze(words)] if found != [[word] for word in words]]

    assert side_by_side([job(number, count) for number, count in enumerate((1, 3, 200))], 400) == []


def test_threads_that_build_and_threads_that_join_do_not_meet(busy, tmp_path):
    def build(number):
        ids = [f"{number}-{i}" for i in range(20)]
        folder = tmp_path / str(number)

        def job():
            with build_index(folder, [(name, f"fox w{number}") for name in ids], shards=2, overwrite=True) as index:
                return [] if sorted(index.docnos) == sorted(ids) else [list(index.docnos)]

        return job

    assert side_by_side([build(0), build(1)], 5) == []
    one_hit = np.array([0, 1], "<i8").tobytes() + np.array([0, 0], "<i4").tobytes() + np.array([1], "<f4").tobytes()
    joiners = [Joiner(np.array(rank, np.int32), np.array([0, 1])) for rank in ([0, 1], [1, 0])]

    def join(joiner, wanted):
        def job():
            found = joiner.join([one_hit] * 2, 1, 2, "trec", exact=False).doc.tolist()
            return [] if found == wanted else [found]

        return job

    assert side_by_side([join(joiners[0], [1, 0]), join(joiners[1], [0, 1])], 1000) == []
