"""The log of a service: one line of JSON a request. It holds neither queries nor ids of documents or users."""

from __future__ import annotations

import contextlib
import secrets
import time
from datetime import UTC, datetime
from typing import TextIO

from irkit.screen import json_line

LONGEST = 64
"Characters of an id that is taken over from a request."


def request_id(given: str | None) -> str:
    """Return the id of a request: the one that came with it if nothing is wrong with it, else a new one.

    Examples
    --------
    >>> request_id("trace-1.2:3")
    'trace-1.2:3'
    >>> len(request_id("a b"))
    16
    """
    if (
        given
        and len(given) <= LONGEST
        and given.isascii()
        and given.replace("-", "").replace(":", "").replace(".", "").replace("_", "").isalnum()
    ):
        return given
    return secrets.token_hex(8)


class RequestLog:
    """Writes a line for each request that was answered.

    Parameters
    ----------
    stream : text stream or None
        None writes nothing.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def write(self, id: str, method: str, path: str, status: int, seconds: float, size: int) -> None:
        """Write a line; a log that cannot be written stops no service.

        Parameters
        ----------
        id, method : str
        path : str
            The template of the address, `/v1/{index}/search`, which tells nothing of what was asked.
        status : int
        seconds : float
            From the first byte of the request that was read to the last of the answer.
        size : int
            Bytes of the answer's body.
        """
        if self.stream is None:
            return
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json_line(
            {
                "time": now, "id": id, "method": method, "path": path, "status": status,
                "ms": round(1000 * seconds, 2), "bytes": size,
            },
            ascii_only=True,
        )  # fmt: skip
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(line + "\n")
            self.stream.flush()
