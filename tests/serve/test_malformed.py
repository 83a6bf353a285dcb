"""Requests that are wrong, by hand and made from the service's own description: each gets an answer, none a 500."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi", reason="needs irkit[serve]")

JSON = {"Content-Type": "application/json"}
SEARCH, RECOMMEND = "/v1/tiny/search", "/v1/ease/recommend"
WRONG = [
    ("GET", SEARCH, None),
    ("GET", f"{SEARCH}?query=", None),
    ("GET", f"{SEARCH}?query=%20%09", None),
    ("GET", f"{SEARCH}?query=a&k=0", None),
    ("GET", f"{SEARCH}?query=a&k=-1", None),
    ("GET", f"{SEARCH}?query=a&k=1e3", None),
    ("GET", f"{SEARCH}?query=a&k=NaN", None),
    ("GET", f"{SEARCH}?query=a&k=99999999999999999999999", None),
    ("GET", f"{SEARCH}?query=a&k={'9' * 5000}", None),
    ("GET", f"{SEARCH}?query=a&start=-1", None),
    ("GET", f"{SEARCH}?query=a&start=999999999999", None),
    ("GET", f"{SEARCH}?query=a&text=maybe", None),
    ("GET", f"{SEARCH}?query=a&pipeline=", None),
    ("GET", f"{SEARCH}?query=a&pipeline=../../etc/passwd", None),
    ("GET", f"{SEARCH}?query=a&debug=true", None),
    ("GET", f"{SEARCH}?query=a&__class__=x", None),
    ("GET", f"{SEARCH}?query={'a' * 1001}", None),
    ("GET", f"{SEARCH}?query=a&k=1&k=x", None),
    ("GET", "/v1/%00/search?query=a", None),
    ("GET", "/v1/..%2f..%2fetc/search?query=a", None),
    ("GET", "/v1//search?query=a", None),
    ("GET", f"/v1/{'x' * 5000}/search?query=a", None),
    ("GET", "/v1/tiny/doc/", None),
    ("GET", "/v1/tiny/doc/%00", None),
    ("GET", "/v1/tiny/doc/%FF%FE", None),
    ("GET", "/v1/tiny/doc/%ED%A0%80", None),
    ("GET", f"/v1/tiny/doc/{'x' * 5000}", None),
    ("GET", "/v1/tiny/doc/d1?start=-5", None),
    ("GET", "/v1/tiny/doc/d1?length=0", None),
    ("GET", "/v1/tiny/doc/d1?length=100001", None),
    ("GET", "/v1/tiny/doc/..%2f..%2fetc%2fpasswd", None),
    ("GET", "/v1/tiny/explain?query=a", None),
    ("GET", "/v1/tiny/explain?query=a&docno=", None),
    ("GET", "/v1/tiny/explain?query=a&docno=%E2%80%AE", None),
    ("GET", RECOMMEND, None),
    ("GET", f"{RECOMMEND}?user=", None),
    ("GET", f"{RECOMMEND}?user=%1b%5b2J", None),
    ("GET", f"{RECOMMEND}?user=u1&n=0", None),
    ("GET", f"{RECOMMEND}?user=u1&n=1001", None),
    ("GET", "/v1/tiny/recommend?user=u1", None),
    ("GET", "/v1/ease/search?query=a", None),
    ("POST", SEARCH, b""),
    ("POST", SEARCH, b"{"),
    ("POST", SEARCH, b"null"),
    ("POST", SEARCH, b"[]"),
    ("POST", SEARCH, b'"storm"'),
    ("POST", SEARCH, b"\xff\xfe\x00"),
    ("POST", SEARCH, b'{"query": "\\ud800"}'),
    ("POST", SEARCH, b'{"query": null}'),
    ("POST", SEARCH, b'{"query": 1}'),
    ("POST", SEARCH, b'{"query": ["storm"]}'),
    ("POST", SEARCH, b'{"query": "a", "k": 1.5}'),
    ("POST", SEARCH, b'{"query": "a", "k": NaN}'),
    ("POST", SEARCH, b'{"query": "a", "k": 1e400}'),
    ("POST", SEARCH, b'{"query": "a", "k": {"$gt": 0}}'),
    ("POST", SEARCH, b'{"query": "a", "more": 1}'),
    ("POST", SEARCH, b"[" * 30000),
    ("POST", SEARCH, b'{"query": "a"}' + b" " * 70000),
    ("POST", RECOMMEND, b'{"user": "u\\u0000"}'),
    ("POST", RECOMMEND, b'{"user": "\\udfff"}'),
    ("POST", "/health", b"{}"),
    ("PUT", SEARCH, b"{}"),
    ("DELETE", "/v1/tiny/doc/d1", None),
    ("GET", "/boards/..%2fconftest", None),
    ("GET", "/boards/%2e%2e", None),
    ("GET", "/nowhere", None),
    ("GET", "/.git/config", None),
]


@pytest.fixture(scope="module")
def client(door):
    return door()


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
def test_a_wrong_request_gets_a_plain_refusal(client, method, path, body):
    answer = client.request(method, path, content=body, headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert len(problem["detail"]) < 1000
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text


def test_odd_and_fair_requests_are_answered(client):
    for query in ("a" * 1000, "💥 köln", "AND OR NOT (", "storm\x00coast", "a:b^c~", "\u202estorm", "'; DROP TABLE"):
        answer = client.post(SEARCH, json={"query": query})
        assert (answer.status_code, answer.json()["query"]) == (200, query)


@pytest.mark.slow
def test_requests_made_from_the_description_never_break_it(door):
    schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error

    schema = schemathesis.openapi.from_asgi("/openapi.json", door(hosts=()).guard)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 11
    seen, served = set(), {"index": "tiny", "model": "ease"}
    for operation in operations:
        asks = operation.path.startswith("/v1/")  # others take no value that could be of a wrong kind
        for mode in schemathesis.GenerationMode if asks else [schemathesis.GenerationMode.POSITIVE]:

            @settings(
                max_examples=12,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case):
                answer = case.call()
                seen.add(answer.status_code)
                case.validate_response(answer, checks=[not_a_server_error])
                for name in served.keys() & (case.path_parameters or {}).keys():  # so that the rest is looked at too
                    case.path_parameters[name] = served[name]
                    answer = case.call()
                    seen.add(answer.status_code)
                    case.validate_response(answer, checks=[not_a_server_error])

            check()
    assert {200, 404, 422} <= seen <= {200, 400, 404, 405, 413, 415, 422}
