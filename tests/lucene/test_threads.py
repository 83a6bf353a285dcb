"""Tests of irkit.lucene.threads: a Python thread that ends leaves no Java thread behind."""

import os
import subprocess
import sys

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
