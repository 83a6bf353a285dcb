"""What runs trials: this process, one after the other, or the workers of Ray."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from irkit.errors import ConfigError, IrkitError, near_misses

EngineName: TypeAlias = Literal["local", "ray"]

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")


class Engine(Protocol):
    """Runs pieces of work; `irkit.cluster.tasks.Tasks` says more of each."""

    @property
    def workers(self) -> int:
        """Pieces that it runs at once."""

    @property
    def note(self) -> str:
        """What a reader of times should know; empty where there is nothing."""

    def run(
        self,
        work: Callable[[Shared, Piece], list[Any]],
        shared: Shared,
        pieces: Iterable[Piece],
        *,
        needs: Callable[[Piece], int | None] = ...,
    ) -> Generator[tuple[Piece, list[Any] | IrkitError], None, None]:
        """Yield pieces with what work gives of them, or why they were lost, in the order in which they are done.

        Closing it ends what has begun.
        """


class Local:
    """Runs pieces in this process, each when the one before it is done."""

    workers = 1
    note = ""

    def run(
        self,
        work: Callable[[Shared, Piece], list[Any]],
        shared: Shared,
        pieces: Iterable[Piece],
        *,
        needs: Callable[[Piece], int | None] = lambda piece: None,
    ) -> Generator[tuple[Piece, list[Any] | IrkitError], None, None]:
        """Yield pieces with what work gives of them, in their order."""
        for piece in pieces:
            yield piece, work(shared, piece)


LOCAL = Local()


def in_order(
    engine: Engine,
    work: Callable[[Shared, Piece], list[Any]],
    shared: Shared,
    pieces: Sequence[Piece],
    told: Callable[[int], object],
) -> list[Any]:
    """Return what work gives of all pieces, in their order; `told` is called with how much each of them was.

    Raises
    ------
    IrkitError
        If a piece was lost.
    """

    gave: dict[int, list[Any]] = {}
    with closing(engine.run(_numbered, (work, shared, pieces), range(len(pieces)))) as done:
        for number, found in done:
            if isinstance(found, IrkitError):
                raise found
            gave[number] = found
            told(len(found))
    return [one for number in range(len(pieces)) for one in gave[number]]


def _numbered(shared: tuple[Callable[[Any, Any], list[Any]], Any, Sequence[Any]], number: int) -> list[Any]:
    work, own, pieces = shared
    return work(own, pieces[number])


def pieces_of(some: list[Piece], workers: int) -> list[list[Piece]]:
    """Split a list into pieces of neighbours, two for each worker: the second evens out what takes long."""
    size = max(1, math.ceil(len(some) / (2 * workers)))
    return [some[start : start + size] for start in range(0, len(some), size)]


def check_engine(engine: str, address: str | None, *, who: str) -> None:
    """Raise `ConfigError` unless there is such an engine, and an address only where it is for Ray."""
    if engine not in ("local", "ray"):
        raise ConfigError(f"{who}: there is no engine {engine!r}; {near_misses(engine, ['local', 'ray'])}")
    if engine == "local":
        if address is not None:
            raise ConfigError(f"{who}: an address is for the engine ray; name that, or leave it out")
        return
    from irkit.cluster.connection import check_address, check_installed

    check_address(address or "local", who=who)
    check_installed(who=who)


@contextmanager
def engine_of(engine: str, address: str | None, *, who: str) -> Iterator[Engine]:
    """Lend an engine by its name; `address` is that of a cluster, as `irkit.cluster.connection.connected` takes it."""
    if engine == "local":
        yield LOCAL
        return
    from irkit.cluster.connection import connected
    from irkit.cluster.tasks import Tasks

    with connected(address or "local", who=who) as ray:
        yield Tasks(ray, who=who)
