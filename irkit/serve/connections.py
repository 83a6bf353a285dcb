"""Connections: requests that are turned away before they are read, and an end for those on which nothing moves.

A request of uvicorn is parsed in Python, which costs several times what turning it away does. While the workers have no
room, a GET for one of them that came whole is answered with 503 by its first bytes; all others go the usual way.

There is room for so many connections, and whoever holds one is to use it. One on which no head of a request comes whole
in the time that a request may take is closed, and one whose answers are not taken is cut off.
"""

from __future__ import annotations

import asyncio
import re

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from irkit.serve.guard import BUSY, HEADERS, PROBLEM, RETRY, Guard, problem
from irkit.serve.log import request_id

SLOWEST = 1024
"Bytes a second of answers that whoever asked takes at least."

_BODIES = (b"content-length:", b"transfer-encoding:", b"expect:", b"upgrade:")


def protocol(guard: Guard) -> type[H11Protocol]:
    """Return the protocol of a server before a guard."""
    room = guard.limits.workers + guard.limits.queue
    starts = tuple(f"GET {path}".encode() for path in guard.busy)

    class Connection(H11Protocol):
        late: asyncio.TimerHandle | None = None
        "Closes it if no head comes."
        stuck: asyncio.TimerHandle | None = None
        "Cuts it off if answers are not taken."

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transport.set_write_buffer_limits(0)  # writing pauses whenever the system takes no more
            self._hurry(True)
            if len(self.connections) > guard.limits.connections:
                self._turn_away(None, "-", connection="close")
                transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._hurry(False)
            self._taken()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch(self.transport.get_write_buffer_size())

        def resume_writing(self) -> None:
            self._taken()
            super().resume_writing()

        def _watch(self, left: int) -> None:
            self.stuck = self.loop.call_later(guard.limits.grace, self._look, left)

        def _look(self, before: int) -> None:
            """Cut off one that took little of what was left; nothing more is written meanwhile."""
            left = self.transport.get_write_buffer_size()
            if before - left < SLOWEST * guard.limits.grace:
                self.transport.abort()
            else:
                self._watch(left)

        def _taken(self) -> None:
            if self.stuck is not None:
                self.stuck.cancel()
                self.stuck = None

        def _hurry(self, waits: bool) -> None:
            """Give a connection that waits for a head its time, once; take that back where none is waited for."""
            if waits and self.late is None:
                self.late = self.loop.call_later(guard.limits.seconds, self.transport.close)
            elif not waits and self.late is not None:
                self.late.cancel()
                self.late = None

        def data_received(self, data: bytes) -> None:
            # In one turn of the loop hundreds may come, before any of them has reached the workers: tasks count too.
            full = guard.workers.full or len(self.tasks) - guard.aside >= room
            begins = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
            if full and not guard.stopping and begins and data.startswith(starts) and _whole(data):
                self._turn_away(_given_id(data))
                self._hurry(False)
            else:
                super().data_received(data)
                self._hurry(self.conn.their_state is h11.IDLE)

        def _turn_away(self, given: str | None, method: str = "GET", **more: str) -> None:
            self._unset_keepalive_if_required()
            answer, size, id = refusal(given, **more)
            self.transport.write(answer)
            guard.log.write(id, method, "-", 503, 0.0, size)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    return Connection


def refusal(given: str | None = None, **more: str) -> tuple[bytes, int, str]:
    """Write an answer that turns a request away; return it, the size of its body and the id that it has too.

    Parameters
    ----------
    given : str, optional
        The id that came with the request.
    **more : str
        Further headers.
    """
    id = request_id(given)
    body = problem(503, BUSY, id)
    head = {"content-type": PROBLEM, "content-length": str(len(body)), "retry-after": RETRY, **HEADERS, **more}
    lines = [f"{name}: {value}\r\n" for name, value in {**head, "x-request-id": id}.items()]
    return b"HTTP/1.1 503 Service Unavailable\r\n" + "".join(lines).encode() + b"\r\n" + body, len(body), id


def _given_id(data: bytes) -> str | None:
    """Return the id that stands in the head of a request."""
    found = re.search(rb"\r\nx-request-id:([^\r\n]*)", data, re.IGNORECASE)
    return None if found is None else found[1].decode("latin-1").strip()


def _whole(data: bytes) -> bool:
    """Say whether bytes are one whole request without a body.

    Examples
    --------
    >>> _whole(b"GET /v1/a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"), _whole(b"GET /v1/a HTTP/1.1\\r\\nHost: a\\r\\n")
    (True, False)
    """
    if not data.endswith(b"\r\n\r\n") or data.count(b"\r\n\r\n") > 1 or b" HTTP/1.1\r\n" not in data:
        return False
    head = data.lower()
    return not any(name in head for name in _BODIES)
