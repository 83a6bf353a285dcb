"""What stands before every application that is served: who may ask, how much, and what is said of it.

It gives each request an id, refuses what comes under a strange name, without a key, too large or too much at once,
reads the body, adds the headers that keep browsers careful, and writes the log. It is plain ASGI, and knows no routes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from http import HTTPMethod, HTTPStatus
from typing import Any, TypeAlias

from irkit.serve.keys import Keys
from irkit.serve.log import RequestLog, request_id
from irkit.serve.workers import Workers

log = logging.getLogger(__name__)

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

PROBLEM = "application/problem+json"
"The kind of every error: RFC 9457."

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"Names of this machine to itself."

OPEN = frozenset({"/health"})
"What is answered without a key."

LEFT = 499
"What the log says where whoever asked has left; nobody gets it."

RETRY = "1"
"Seconds after which one who was turned away may come back."

BUSY = "the service is busy; come back later"
"What one who is turned away is told."

HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
"Of every answer, unless it has its own."


class Guard:
    """An application behind its guard.

    Parameters
    ----------
    app : ASGI application
    workers : Workers
        Those that do its work; while they have no room, what would need one is turned away unread.
    keys : Keys, optional
        Whoever shows one of them is let in; without keys, everyone is.
    hosts : collection of str, optional
        Names under which the service may be asked for; default those of this machine to itself, against pages of
        others whose name was turned to this machine (DNS rebinding). Empty lets every name pass.
    log : RequestLog, optional
    open : collection of str
        Paths that need no key.
    busy : collection of str
        Beginnings of the paths that need a worker.
    """

    def __init__(
        self,
        app: App,
        workers: Workers,
        *,
        keys: Keys | None = None,
        hosts: Collection[str] = LOCAL,
        log: RequestLog | None = None,
        open: Collection[str] = OPEN,
        busy: Collection[str] = ("/v1/", "/boards"),
    ) -> None:
        self.app, self.workers, self.limits = app, workers, workers.limits
        self.keys, self.hosts, self.log = keys, frozenset(host.lower() for host in hosts), log or RequestLog(None)
        self.open, self.busy = frozenset(open), tuple(busy)
        self.stopping = False
        self.aside = 0
        "Requests that no worker is needed for now: they are read or answered, or are for what needs none."

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Refused(Exception):
    """A request that is answered by the guard itself."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        self.status, self.detail = status, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class _Exchange:
    """One request and its answer."""

    def __init__(self, guard: Guard, scope: Message, receive: Receive, send: Send) -> None:
        self.guard, self.receive, self.send = guard, receive, send
        self.method = scope["method"]
        # HEAD is answered as GET is: the server, which has its own scope, keeps the body back.
        self.scope = {**scope, "method": "GET"} if self.method == "HEAD" else scope
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.id = request_id(self.headers.get("x-request-id"))
        self.began, self.status, self.size = time.perf_counter(), 0, 0
        # Of a body that nobody reads no end is waited for.
        self.unread = self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers
        self.scope.setdefault("state", {})["request_id"] = self.id
        self.busy = self.scope["path"].startswith(guard.busy)
        self.is_aside = False

    async def run(self) -> None:
        self.step_aside(True)
        try:
            self.check()
            body = await self.body()
            self.step_aside(not self.busy)
            await self.guard.app(self.scope, self.replayed(body), self.answer)
        except _Refused as refused:
            await self.refuse(refused.status, refused.detail, refused.headers)
        except Exception:
            log.exception("request %s failed", self.id)
            if not self.status:
                await self.refuse(500, FAILED, {})
        finally:
            self.step_aside(False)
            route = self.scope.get("route")
            self.guard.log.write(
                self.id, _known(self.method), getattr(route, "path", "-"), self.status,
                time.perf_counter() - self.began, self.size,
            )  # fmt: skip

    def step_aside(self, aside: bool) -> None:
        """Count it among those that need no worker, or no more."""
        self.guard.aside += aside - self.is_aside
        self.is_aside = aside

    def check(self) -> None:
        """Refuse who may not ask, and what there is no room for."""
        guard, path = self.guard, self.scope["path"]
        host = self.headers.get("host", "").lower()
        if guard.hosts and _without_port(host) not in guard.hosts:
            raise _Refused(
                421, "this service does not go by that name; ask under its own, or name it with --allow-host"
            )
        if "transfer-encoding" in self.headers and "content-length" in self.headers:  # which of them counts?
            raise _Refused(400, "the body's length is told in two ways; send one")
        if guard.keys is not None and path not in guard.open:
            scheme, _, key = self.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not guard.keys.let_in(key.strip()):
                raise _Refused(401, "a key is needed, as in Authorization: Bearer KEY", www_authenticate="Bearer")
        if self.busy and guard.workers.full:
            raise _Refused(503, BUSY, retry_after=RETRY)

    async def body(self) -> bytes:
        """Read the body, no more of it than may be sent and no longer than a request may take."""
        most = self.guard.limits.body
        told = self.headers.get("content-length", "")
        if told.isdecimal() and int(told[:20]) > most:
            raise _Refused(413, f"the body may have {most:,} bytes")
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self.guard.limits.seconds):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise _Refused(LEFT, "whoever asked has left")
                    parts.append(message.get("body", b""))
                    if sum(map(len, parts)) > most:
                        raise _Refused(413, f"the body may have {most:,} bytes")
                    if not message.get("more_body"):
                        self.unread = False
                        return b"".join(parts)
        except TimeoutError:
            raise _Refused(408, "the body did not come in time") from None

    def replayed(self, body: bytes) -> Receive:
        """Return what gives the body at once, and then what the server says."""
        left = [body]

        async def receive() -> Message:
            if left:
                return {"type": "http.request", "body": left.pop(), "more_body": False}
            return await self.receive()

        return receive

    async def answer(self, message: Message) -> None:
        """Pass an answer on, with our headers at its head."""
        self.step_aside(True)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name for name, _ in message.get("headers", ())}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in own]
            more.append((b"x-request-id", self.id.encode()))
            if self.guard.stopping:
                more.append((b"connection", b"close"))
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        elif message["type"] == "http.response.body" and self.method != "HEAD":
            self.size += len(message.get("body", b""))
        await self.send(message)

    async def refuse(self, status: int, detail: str, headers: dict[str, str]) -> None:
        """Answer by an error."""
        body = problem(status, detail, self.id)
        head = {"content-type": PROBLEM, "content-length": str(len(body)), **headers}
        if self.unread:
            head["connection"] = "close"
        raw = [(name.encode(), value.encode()) for name, value in head.items()]
        await self.answer({"type": "http.response.start", "status": status, "headers": raw})
        await self.answer({"type": "http.response.body", "body": body})


FAILED = "the service failed; its log says more under the id of this request"
"All that is said of a defect."


def problem(status: int, detail: str, request: str) -> bytes:
    """Write an error as RFC 9457 has it, with the id of the request."""
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    return json.dumps({"title": title, "status": status, "detail": detail, "request_id": request}).encode()


def _known(method: str) -> str:
    """Return a method, and of one that HTTP does not know no more than that."""
    return method if method in set(HTTPMethod) else "-"


def _without_port(host: str) -> str:
    """Return a host without its port, and without the dot that ends a full name.

    Examples
    --------
    >>> _without_port("localhost:8000"), _without_port("[::1]:80"), _without_port("[::1]"), _without_port("a.org.:")
    ('localhost', '[::1]', '[::1]', 'a.org')
    """
    name, colon, port = host.rpartition(":")
    plain = colon and (port.isdecimal() or not port)
    return (name if plain and not host.endswith("]") else host).removesuffix(".")
