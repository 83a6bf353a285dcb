"""Tests of irkit.serve.rest and guard by the test client: addresses, answers, errors, headers, keys, hosts, log."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import quote

import pytest

pytest.importorskip("fastapi", reason="needs irkit[serve]")

from irkit.deadline import check_deadline
from irkit.errors import ConfigError, DeadlineError
from irkit.serve import answers
from irkit.serve.keys import Keys, read_keys
from irkit.serve.limits import Limits
from tests.serve.conftest import TEXTS

AGES = 60.0
KEY = "k" * 20


@pytest.fixture
def client(door):
    return door()


def test_get_and_post_give_what_the_library_gives(client, library):
    wanted = library.search("tiny", "storm coast", "bm25-rm3", 2, 1, True).model_dump()
    asked = {"query": "storm coast", "pipeline": "bm25-rm3", "k": 2, "start": 1, "text": True}
    assert client.get("/v1/tiny/search", params=asked).json() == wanted
    assert client.post("/v1/tiny/search", json=asked).json() == wanted
    asked = {"query": "storm", "docno": "d1", "pipeline": "bm25-rm3"}
    wanted = library.explain(index="tiny", **asked).model_dump()
    assert client.get("/v1/tiny/explain", params=asked).json() == wanted
    assert client.post("/v1/tiny/explain", json=asked).json() == wanted
    asked = {"user": "u1", "n": 3, "why": True}
    wanted = library.recommend("ease", **asked).model_dump()
    assert client.get("/v1/ease/recommend", params=asked).json() == wanted
    assert client.post("/v1/ease/recommend", json=asked).json() == wanted


@pytest.mark.parametrize("docno", [docno for docno in TEXTS if docno != ".."])
@pytest.mark.parametrize("safe", ["", "/"])
def test_ids_of_documents_hold_anything(client, docno, safe):
    answer = client.get(f"/v1/tiny/doc/{quote(docno, safe=safe)}")
    assert (answer.status_code, answer.json()["text"]) == (200, TEXTS[docno])


def test_a_part_of_a_document(client):
    found = client.get("/v1/tiny/doc/d1?start=6&length=6").json()
    assert (found["text"], found["length"]) == ("damage", len(TEXTS["d1"]))


def test_what_is_served_and_how_it_is(client, library):
    assert client.get("/pipelines").json() == library.catalogue().model_dump()
    health = client.get("/health").json()
    assert (health["status"], health["running"], health["waiting"]) == ("ok", 0, 0)
    assert client.get("/boards").json() == {"boards": []}
    assert client.get("/boards/x").json()["detail"] == "boards: none are served"


def test_the_description_names_every_address_and_loads_nothing_from_elsewhere(client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/v1/{index}/search", "/v1/{index}/doc/{docno}", "/v1/{index}/explain", "/v1/{model}/recommend", "/pipelines",
        "/boards", "/boards/{name}", "/health",
    }  # fmt: skip
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/v1/no/search?query=a", 404, "index: there is none called 'no'; choose from tiny, mute"),
        ("/v1/tiny/search?query=a&pipeline=x", 404, "pipeline: there is none called 'x'; choose from bm25, bm25-rm3"),
        ("/v1/tiny/search", 422, "query: field required"),
        ("/v1/tiny/search?query=+", 422, "query: is empty; write some words"),
        ("/v1/tiny/search?query=a&K=3", 422, "K: extra inputs are not permitted"),
        ("/v1/tiny/search?query=a&k=1e9", 422, "k: input should be a valid integer"),
        ("/v1/tiny/search?query=a&k=2000", 422, "k: must be from 1 to 1,000, got 2000"),
        ("/v1/tiny/doc/d9", 404, "index tiny: there is no document 'd9'"),
        ("/v1/mute/doc/d1", 404, "index mute: holds no texts, only what was made of them"),
        ("/v1/ease/recommend?user=%00", 422, "user: the id holds the control or invisible character U+0000"),
        ("/nothing", 404, "Not Found"),
    ],
)
def test_errors_are_problems_that_say_what_to_do(client, path, status, detail):
    answer = client.get(path, headers={"X-Request-ID": "mine-1"})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["request_id"]) == (status, status, "mine-1")
    assert problem["detail"].startswith(detail)


def test_a_defect_says_its_id_and_no_more(door, caplog):
    def fail(*_, **__):
        raise RuntimeError("/secret/path/index: the trace")

    held = SimpleNamespace(
        catalogue=lambda: answers.Catalogue(indexes=[], pipelines=[], models=[], deepest=1), search=fail
    )
    answer = door(held).get("/v1/tiny/search?query=a")
    assert answer.status_code == 500
    assert answer.json() == {
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the service failed; its log says more under the id of this request",
        "request_id": answer.headers["x-request-id"],
    }
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "/secret/path" in caplog.text


def test_an_error_that_the_request_did_not_cause_is_one_of_the_service(door, caplog):
    def fail(*_, **__):
        raise ConfigError("index: /secret/path is closed")

    held = SimpleNamespace(
        catalogue=lambda: answers.Catalogue(indexes=[], pipelines=[], models=[], deepest=1), search=fail
    )
    answer = door(held).get("/v1/tiny/search?query=a")
    assert (answer.status_code, "secret" in answer.text) == (500, False)


def test_every_answer_has_careful_headers(client):
    for path in ("/health", "/nothing", "/v1/tiny/search?query=storm"):
        head = client.get(path).headers
        assert head["x-content-type-options"] == "nosniff"
        assert head["cache-control"] == "no-store"
        assert "default-src 'none'" in head["content-security-policy"]
        assert "server" not in head
        assert len(head["x-request-id"]) == 16


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("a-b_c.1:2", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a\u00e4".encode(), False),
        ("", False),
    ],
)
def test_an_id_is_taken_over_if_nothing_is_wrong_with_it(client, given, taken):
    shown = client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (shown == given) is taken


def test_the_log_tells_of_a_request_and_nothing_of_what_was_asked(client):
    client.get("/v1/tiny/search?query=topsecret&k=3")
    client.get("/v1/tiny/doc/topsecret")
    client.get("/topsecret")
    client.request("TOPSECRET", "/health")
    text = client.stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/v1/{index}/search", 200),
        ("GET", "/v1/{index}/doc/{docno:path}", 404),
        ("GET", "-", 404),
        ("-", "/health", 405),
    ]
    assert set(lines[0]) == {"time", "id", "method", "path", "status", "ms", "bytes"}
    assert lines[0]["bytes"] == len(client.get("/v1/tiny/search?query=topsecret&k=3").content)
    assert "topsecret" not in text.lower()


# ---------------------------------------------------------------------- who may ask


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "localhost:8000", "localhost:", "localhost.", "[::1]:8000", "LOCALHOST"]
)
def test_a_local_service_goes_by_the_names_of_this_machine(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "localhost:evil"])
def test_it_goes_by_no_other_name(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 421


def test_other_names_pass_where_they_are_named_or_all_do(door):
    assert door(hosts=["search.example"]).get("/health", headers={"Host": "search.example"}).status_code == 200
    assert door(hosts=()).get("/health", headers={"Host": "any.example"}).status_code == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        (f"Basic {KEY}", 401),
        (f"Bearer {KEY}x", 401),
        (b"Bearer \xff\xfe", 401),
        (f"Bearer {KEY}", 200),
        (f"bearer {KEY}", 200),
    ],
)
def test_a_key_lets_in(door, given, status):
    client = door(keys=Keys(["o" * 20, KEY]))
    headers = {} if given is None else {"Authorization": given}
    answer = client.get("/pipelines", headers=headers)
    assert answer.status_code == status
    assert client.get("/health").status_code == 200
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_file_of_keys_is_read_and_its_owner_s_alone(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# people\n\n{KEY}\n{'z' * 30}\n")
    path.chmod(0o600)
    keys = read_keys(path)
    assert (len(keys), keys.let_in(KEY), keys.let_in("z" * 30), keys.let_in("# people")) == (2, True, True, False)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=r"others than its owner may use it, got mode 640; chmod 600 it"):
        read_keys(path)


@pytest.mark.parametrize("text", ["short", f"{KEY} {KEY}"])
def test_a_weak_key_is_refused_and_not_shown(tmp_path, text):
    path = tmp_path / "keys"
    path.write_text(f"#\n{text}\n")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"keys:2: a key is one word of 20 characters or more") as error:
        read_keys(path)
    assert text not in str(error.value)


def test_a_file_without_keys_is_refused(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# none\n")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no key"):
        read_keys(path)


# ---------------------------------------------------------------------- how much


def test_a_body_is_bounded_whether_it_tells_its_size_or_not(door):
    client = door(limits=Limits(body=100, workers=1))
    head = {"Content-Type": "application/json"}
    assert client.post("/v1/tiny/search", content=b" " * 100, headers=head).status_code == 422
    told = client.post("/v1/tiny/search", content=b" " * 101, headers=head)
    assert (told.status_code, told.json()["detail"]) == (413, "the body may have 100 bytes")
    chunks = client.post("/v1/tiny/search", content=iter([b" " * 60] * 2), headers=head)
    assert chunks.status_code == 413


def stuck(library, begun, go):
    """Return the library with a search that says that it has begun and waits to be let go."""

    def search(*args, **kwargs):
        begun.release()
        assert go.wait(AGES)
        return library.search(*args, **kwargs)

    return SimpleNamespace(catalogue=library.catalogue, health=library.health, search=search, document=library.document)


def test_what_there_is_no_room_for_is_turned_away_and_the_rest_is_answered(door, library):
    begun, go = threading.Semaphore(0), threading.Event()
    client = door(stuck(library, begun, go), limits=Limits(workers=1, queue=1, seconds=AGES))
    with client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get, "/v1/tiny/search?query=storm")
        assert begun.acquire(timeout=AGES)
        second = pool.submit(client.get, "/v1/tiny/search?query=coast")
        while not client.workers.full:
            pass
        busy = client.get("/health").json()
        away = client.get("/v1/tiny/search?query=rain")
        go.set()
        found = [first.result(AGES), second.result(AGES)]
    assert (busy["running"], busy["waiting"]) == (1, 1)
    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
    assert [answer.status_code for answer in found] == [200, 200]
    assert found[0].json()["query"] == "storm"


def test_a_request_that_takes_too_long_is_told_and_its_worker_freed(door, library):
    ended = threading.Event()

    def search(*_, **__):
        try:
            while True:
                check_deadline()
        except DeadlineError:
            ended.set()
            raise

    held = SimpleNamespace(catalogue=library.catalogue, health=library.health, search=search)
    client = door(held, limits=Limits(workers=1, queue=0, seconds=0.05))
    answer = client.get("/v1/tiny/search?query=a")
    assert (answer.status_code, answer.json()["detail"]) == (
        504,
        "deadline: was not done within 0.05 s; ask for less, or give it longer",
    )
    assert ended.wait(AGES)
    assert client.workers.close(AGES)


def test_whoever_leaves_frees_the_worker(door, library):
    begun, ended = threading.Event(), threading.Event()

    def search(*_, **__):
        begun.set()
        try:
            while True:
                check_deadline()
        except DeadlineError:
            ended.set()
            raise

    held = SimpleNamespace(catalogue=library.catalogue, health=library.health, search=search)
    client = door(held, limits=Limits(workers=1, queue=0, seconds=AGES))
    scope = {
        "type": "http", "method": "GET", "path": "/v1/tiny/search", "raw_path": b"/v1/tiny/search",
        "query_string": b"query=a", "headers": [(b"host", b"localhost")], "root_path": "", "scheme": "http",
    }  # fmt: skip
    said = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        if (message := next(said, None)) is not None:
            return message
        await asyncio.to_thread(begun.wait, AGES)
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    asyncio.run(client.guard(scope, receive, send))
    assert ended.wait(AGES)
    assert client.workers.close(AGES)
    assert json.loads(client.stream.getvalue())["status"] == 499


def test_a_service_that_stops_closes_connections_and_takes_no_more(door):
    client = door()
    client.guard.stopping = True
    assert client.get("/health").headers["connection"] == "close"
    client.workers.close(AGES)
    assert client.get("/v1/tiny/search?query=a").status_code == 503


def test_a_body_whose_length_is_told_in_two_ways_is_refused(door):
    headers = {"content-length": "5", "transfer-encoding": "chunked"}
    found = door().post("/v1/tiny/search", content=b"0\r\n\r\n", headers=headers)
    assert (found.status_code, found.headers["connection"]) == (400, "close")
    assert found.json()["detail"] == "the body's length is told in two ways; send one"
