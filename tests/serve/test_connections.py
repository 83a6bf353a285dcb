"""Connections as bytes on the wire: those that say nothing, those that are turned away, and HEAD."""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from io import StringIO

import pytest

pytest.importorskip("uvicorn", reason="needs irkit[serve]")

import uvicorn

from irkit.serve.connections import protocol
from irkit.serve.guard import Guard
from irkit.serve.keys import Keys
from irkit.serve.limits import Limits
from irkit.serve.log import RequestLog
from irkit.serve.rest import application
from irkit.serve.run import _make_room
from irkit.serve.workers import Workers

AGES = 60.0
SHORT = 0.5
"Seconds of a request, where its end is waited for."

MANY, DESCRIPTION = 400, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
"Requests in one go, for what is long."

SEARCH = b"GET /v1/tiny/search?query=storm HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def served(library, *, keys=None, **bounds):
    """Serve a library by threads; lend what opens a connection, and the stream of the log."""
    stream, workers = StringIO(), Workers(Limits(**{"workers": 1, "seconds": AGES, "grace": AGES, **bounds}))
    guard = Guard(application(library, workers), workers, log=RequestLog(stream), keys=keys)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        running = uvicorn.Server(uvicorn.Config(guard, http=protocol(guard), log_config=None, lifespan="off"))
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        try:
            yield lambda: socket.create_connection(listener.getsockname(), AGES), stream
        finally:
            running.should_exit = True
            thread.join(AGES)


def answer(connection):
    """Read the head of an answer: its status, the bytes that its body has, and those that came already."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        assert more, data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), int(head.lower().partition(b"content-length:")[2].split()[0]), body


def get(connection, request=b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"):
    """Ask, and return the status once the whole body came."""
    connection.sendall(request)
    status, size, body = answer(connection)
    while len(body) < size:
        body += connection.recv(65536)
    assert len(body) == size
    return status


@pytest.mark.parametrize("said", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_connection_on_which_no_whole_head_comes_is_closed(library, said):
    with served(library, seconds=SHORT) as (connect, _), connect() as connection:
        connection.sendall(said)
        assert connection.recv(100) == b""


def test_bytes_one_by_one_do_not_keep_it_open(library):
    with served(library, seconds=SHORT) as (connect, _), connect() as connection:
        assert get(connection) == 200  # nor does an earlier request
        end = time.monotonic() + AGES
        while not select.select([connection], [], [], SHORT / 50)[0]:
            assert time.monotonic() < end
            connection.sendall(b"x")


def test_one_that_goes_on_asking_stays_open(library, monkeypatch):
    monkeypatch.setattr(Workers, "full", True)
    with served(library, seconds=SHORT) as (connect, _), connect() as connection, connect() as away:
        begun = time.monotonic()
        while time.monotonic() < begun + 3 * SHORT:
            assert get(connection) == 200
            assert get(away, SEARCH) == 503
            time.sleep(SHORT / 5)


@pytest.mark.parametrize("pause", [4 * SHORT, 0.0])
def test_one_whose_answers_are_not_taken_is_cut_off(library, pause):
    """By hand: of answers of more than sockets hold, one who waits too long gets a part, one who does not gets all."""
    with served(library, grace=SHORT) as (connect, _), connect() as connection:
        connection.sendall(DESCRIPTION)
        _, size, body = answer(connection)
        while len(body) < size:
            body += connection.recv(65536)
        connection.sendall(MANY * DESCRIPTION)
        time.sleep(pause)
        got = 0
        with suppress(ConnectionError):
            while got < MANY * size and (more := connection.recv(65536)):
                got += len(more)
                time.sleep(SHORT / 100)
    assert (got >= MANY * size) == (pause == 0)


def test_there_is_an_end_to_connections_that_say_nothing(library):
    with served(library, connections=3) as (connect, stream), ExitStack() as stack:
        silent = [stack.enter_context(connect()) for _ in range(3)]
        for _ in range(2):
            with connect() as more:
                status, size, body = answer(more)
                assert (status, json.loads(body)["status"], len(body)) == (503, 503, size)
                assert more.recv(100) == b""
        assert [get(one) for one in silent] == [200, 200, 200]
    assert [json.loads(line)["status"] for line in stream.getvalue().splitlines()] == [503, 503, 200, 200, 200]


def test_bodies_that_do_not_come_take_no_room_from_searches(library):
    """Five requests whose bodies are awaited, where there is room for one: searches were turned away."""
    with served(library, queue=0) as (connect, _), connect() as connection, ExitStack() as stack:
        assert get(connection, SEARCH) == 200
        for path in (b"/health", b"/v1/tiny/search", b"/v1/tiny/explain", b"/nothing", b"/v1/tiny/search"):
            other = stack.enter_context(connect())
            other.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n" % path)
        assert get(connection) == 200  # by now all were read
        assert get(connection, SEARCH) == 200


def test_who_is_turned_away_finds_the_id_that_was_sent(library, monkeypatch):
    monkeypatch.setattr(Workers, "full", True)
    with served(library) as (connect, stream), connect() as connection:
        for line, kept in ((b"X-Request-ID: mine-1", True), (b"x-request-id:a b", False)):
            connection.sendall(SEARCH.replace(b"\r\nHost", b"\r\n%s\r\nHost" % line))
            status, _, body = answer(connection)
            assert (status, json.loads(body)["request_id"] == "mine-1") == (503, kept)
    assert [json.loads(line)["id"] == "mine-1" for line in stream.getvalue().splitlines()] == [True, False]


@pytest.mark.parametrize("length", [b"Content-Length: %d" % len(SEARCH), b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("full", [False, True])
def test_a_request_that_is_refused_before_its_body_ends_the_connection(library, monkeypatch, full, length):
    """It held one of the connections for as long as it liked; while the service is full, a body that begins like a
    request was answered like one."""
    monkeypatch.setattr(Workers, "full", full)
    head = b"POST /v1/tiny/search HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n" % length
    with served(library, keys=Keys(["a-long-enough-key"])) as (connect, _), connect() as connection:
        assert get(connection, head) == 401
        assert connection.recv(100) == b""


def test_head_is_answered_as_get_is_without_a_body(library):
    asked = {b"/health": 200, b"/v1/tiny/doc/d1": 200, b"/v1/tiny/doc/no": 404, b"/no": 404}
    with served(library) as (connect, stream), connect() as connection:
        for path, status in asked.items():
            connection.sendall(b"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
            found, size, body = answer(connection)
            assert (found, body) == (status, b"")
            assert size > 0
        assert get(connection) == 200
    assert [json.loads(line)["method"] for line in stream.getvalue().splitlines()] == ["HEAD"] * 4 + ["GET"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
@pytest.mark.parametrize(
    ("limits", "wanted", "connections"),
    [
        ((256, -1), (1512, -1), 1000),  # -1: without end
        ((256, 4096), (1512, 4096), 1000),
        ((4096, 4096), None, 1000),
        ((-1, -1), None, 1000),
        ((256, 1024), (1024, 1024), 512),
    ],
)
def test_as_many_files_may_be_open_as_there_are_connections(library, monkeypatch, limits, wanted, connections):
    import resource

    told = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, given: told.append(given))
    workers = Workers(Limits(workers=1))
    guard = Guard(application(library, workers), workers)
    _make_room(guard)
    assert told == ([] if wanted is None else [wanted])
    assert guard.limits.connections == connections
