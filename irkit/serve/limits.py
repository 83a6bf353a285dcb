"""What may be asked for, and how much at once: bounds that hold unless someone chooses others."""

from __future__ import annotations

from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, LockedError, NotFoundError
from irkit.ids import hides
from irkit.lucene.analysis import processors
from irkit.wording import shown


class RequestError(ConfigError):
    """Something was asked for in a way that cannot be answered; whoever asked may read the message."""


class UnknownError(NotFoundError):
    """Something was asked for that is not served; whoever asked may read the message."""


class BusyError(LockedError):
    """There is no room for one more request; whoever asked may read the message and come back."""


class Limits(Config):
    """Bounds of a service."""

    query: int = Field(1000, ge=1)
    "Characters of a query."
    k: int = Field(1000, ge=1)
    "How deep a ranking may be looked into, and how long a list of recommendations may be."
    id: int = Field(512, ge=1)
    "Characters of an id."
    text: int = Field(100_000, ge=1)
    "Characters of one document in one answer; the rest is asked for by its start."
    snippet: int = Field(1000, ge=1)
    "Characters of each document in a list of results that shows texts."
    terms: int = Field(100, ge=1)
    "Terms of a rewritten query, and shares of a score in one step, that are shown, greatest first."
    body: int = Field(64 * 1024, ge=1)
    "Bytes of the body of a request."
    workers: int = Field(default_factory=processors, ge=1)
    "Requests that are worked on at once; default the processors this process may use."
    queue: int = Field(64, ge=0)
    "Requests that wait for a worker; one more is turned away."
    seconds: float = Field(10.0, gt=0)
    "How long a request may wait and be worked on together."
    connections: int = Field(1000, ge=1)
    "Connections that are open at once."
    grace: float = Field(30.0, gt=0)
    "Seconds that what has begun is given to end when the service is stopped."


def check_query(query: str, limits: Limits) -> str:
    """Return a query that may be asked.

    Raises
    ------
    RequestError
        If it is empty, too long or not valid Unicode.
    """
    if not query.strip():
        raise RequestError("query: is empty; write some words")
    if len(query) > limits.query:
        raise RequestError(f"query: has {len(query):,} characters; write {limits.query:,} or fewer")
    return _unicode(query, "query")


def check_id(name: str, what: str, limits: Limits) -> str:
    """Return an id that may be looked for: of a document, a user or an item.

    Raises
    ------
    RequestError
        If it is empty, too long, not valid Unicode, or holds what no id may hold.
    """
    if not name:
        raise RequestError(f"{what}: the id is empty; write one")
    if len(name) > limits.id:
        raise RequestError(f"{what}: the id has {len(name):,} characters; ids have {limits.id:,} or fewer")
    if (hidden := hides(_unicode(name, what))) is not None:
        raise RequestError(f"{what}: the id holds the control or invisible character {hidden}; no id does")
    return name


def check_depth(k: int, start: int, limits: Limits) -> None:
    """Raise `RequestError` unless `k` results from `start` on may be asked for."""
    check_count(k, "k", limits)
    if isinstance(start, bool) or not isinstance(start, int) or start < 0:
        raise RequestError(f"start: must be 0 or more, got {shown(start)}")
    if start + k > limits.k:
        raise RequestError(f"start: {start:,} and {k:,} more is deeper than {limits.k:,}; ask for less")


def check_count(count: int, what: str, limits: Limits) -> None:
    """Raise `RequestError` unless that many results may be asked for."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= limits.k:
        raise RequestError(f"{what}: must be from 1 to {limits.k:,}, got {shown(count)}")


def check_span(start: int, length: int | None, limits: Limits) -> int:
    """Return how many characters of a document are given, from `start` on.

    Raises
    ------
    RequestError
        If one of them is out of range.
    """
    if isinstance(start, bool) or not isinstance(start, int) or start < 0:
        raise RequestError(f"start: must be 0 or more, got {shown(start)}")
    if length is None:
        return limits.text
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= limits.text:
        raise RequestError(f"length: must be from 1 to {limits.text:,} characters, got {shown(length)}")
    return length


def _unicode(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RequestError(f"{what}: is not valid Unicode; it holds half of a surrogate pair") from None
    return text
