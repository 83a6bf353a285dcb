"""Real processes that are told to stop: what they have begun is finished, and nothing that came in is lost."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest

pytest.importorskip("uvicorn", reason="needs irkit[serve]")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

AGES = 60.0
QUICK = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}

HELD = """
import sys
from types import SimpleNamespace
from irkit.serve import answers
from irkit.serve.guard import Guard
from irkit.serve.limits import Limits
from irkit.serve.rest import application
from irkit.serve.run import serve
from irkit.serve.workers import Workers

def search(index, query, **_):
    print("begun", flush=True)
    sys.stdin.readline()
    return answers.Results(index=index, pipeline="p", query=query, start=0, hits=[], terms=[])

nothing = answers.Catalogue(indexes=[], pipelines=[], models=[], deepest=1)
workers = Workers(Limits(workers=1, queue=0, seconds=60))
guard = Guard(application(SimpleNamespace(catalogue=lambda: nothing, search=search), workers), workers)
print("finished", serve(guard, "127.0.0.1", 0, ready=lambda url: print(url, flush=True)), flush=True)
"""


@contextmanager
def process(*words, **streams):
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=QUICK, **streams) as child:
        try:
            yield child
        finally:
            child.kill()


def port_of(line: str) -> int:
    found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
    assert found, line
    return int(found[1])


@pytest.mark.slow
def test_what_there_is_no_room_for_is_turned_away_and_what_has_begun_is_finished_at_a_stop():
    with process(sys.executable, "-c", HELD, stdin=subprocess.PIPE) as child:
        port = port_of(child.stdout.readline())
        first = http.client.HTTPConnection("127.0.0.1", port, timeout=AGES)
        first.request("GET", "/v1/a/search?query=storm")
        assert child.stdout.readline() == "begun\n"
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=AGES)) as other:
            for path, method, body in (("/v1/a/search?query=rain", "GET", None), ("/v1/a/search", "POST", b"{}")) * 2:
                other.request(method, path, body)  # a GET is turned away before it is parsed, a POST after that
                away = other.getresponse()
                problem = json.loads(away.read())
                assert (away.status, away.headers["Retry-After"], problem["status"]) == (503, "1", 503)
                assert away.headers["X-Request-ID"] == problem["request_id"]
                assert away.headers["X-Content-Type-Options"] == "nosniff"
            other.request("GET", "/nothing")  # the connection goes on
            assert other.getresponse().status == 404
        child.send_signal(signal.SIGTERM)
        while True:  # until it takes no more
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=AGES)) as late:
                try:
                    late.request("GET", "/nothing")
                    late.getresponse().read()
                except OSError:
                    break
        child.stdin.write("\n")
        child.stdin.flush()
        answer = first.getresponse()
        assert (answer.status, json.loads(answer.read())["query"]) == (200, "storm")
        first.close()
        assert child.stdout.readline() == "finished True\n"
        assert child.wait(AGES) == 0


@pytest.mark.slow
def test_a_stop_under_load_loses_no_request(folders):
    words = ["-m", "irkit", "serve", "bm25", "--index", f"tiny={folders / 'tiny'}", "--port", "0", "--queue", "1000"]
    with process(sys.executable, *words, stderr=subprocess.PIPE) as child:
        line = ""
        while "serving on" not in line:
            line = child.stderr.readline()
            assert line, "it ended before it served"
        port, enough = port_of(line), threading.Semaphore(0)
        told: list[int] = []
        lost: list[str] = []

        def client(keeps: bool) -> None:
            connection: http.client.HTTPConnection | None = None
            while True:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=AGES)
                    try:
                        connection.connect()
                    except OSError:  # it takes no more: nothing was asked
                        return connection.close()
                try:
                    connection.request("GET", "/v1/tiny/search?query=storm+coast")
                    answer = connection.getresponse()
                    assert json.loads(answer.read())["hits"]
                    told.append(answer.status)
                except Exception as error:
                    lost.append(repr(error))
                    return connection.close()
                enough.release()
                if not keeps or answer.will_close:
                    connection.close()
                    connection = None

        log: list[str] = []
        reader = threading.Thread(target=lambda: log.extend(child.stdout))
        clients = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(8)]
        for thread in (reader, *clients):
            thread.start()
        for _ in range(200):
            assert enough.acquire(timeout=AGES)
        child.send_signal(signal.SIGTERM)
        for thread in clients:
            thread.join(AGES)
        assert child.wait(AGES) == 0
        reader.join(AGES)
        assert child.stderr.read().splitlines()[-1] == "irkit: stopped"
    assert lost == []
    assert set(told) == {200}
    statuses = [json.loads(line)["status"] for line in log]
    assert statuses == told
