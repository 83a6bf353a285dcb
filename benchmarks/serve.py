"""The service under load, over loopback: how much it answers and how fast, what it turns away, what it holds.

The service is a process of its own, and so are its clients: connections that are kept open, each with one request at a
time, in one event loop. Both share the machine's processors, so that figures are of the two together. Every part is
bounded by a number of requests and by seconds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from benchmarks.first_paint import first_paint

CLIENTS = (1, 8, 64)
REQUESTS, SECONDS = 5000, 8.0
"Of each number of clients: what ends it first."
TIMES = 10
"How many times more clients than there is room for."
PARTS, LONG, LONGEST = 5, 10_000, 150.0
"""How often memory and threads are looked at, after so many requests each or so many seconds. Java takes the memory of
its heap bit by bit until it is first full, so that the second part is where they are compared from."""
WARM = 3000
"Requests before anything counts: Java compiles what is called often."
WORKERS, QUEUE = 2, 64
AWAY = 1.0
"Seconds for which one who was turned away stays away, as Retry-After says."
SMALLEST = 0.05


class Answered(NamedTuple):
    """What clients saw."""

    seconds: float
    statuses: Counter[int]
    times: list[float]
    "Seconds each answer with status 200 took, in ascending order."

    def percentile(self, share: float) -> float:
        """Return how many milliseconds that share of the answers took at most."""
        return 1000 * self.times[min(int(share * len(self.times)), len(self.times) - 1)]

    def row(self, what: str, clients: int) -> dict[str, Any]:
        """Return the figures of a table."""
        found = {"load": what, "clients": clients, "answered": self.statuses[200], "away": self.statuses[503]}
        found["answers/s"] = self.statuses[200] / self.seconds
        return found | {"p50 ms": self.percentile(0.5), "p99 ms": self.percentile(0.99)}


def measure(index: Path, queries: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the figures of each load, and those that have a bar."""
    asked = [line.split("\t")[1] for line in queries.read_text().splitlines()]
    paths = [f"/v1/passages/search?query={quote(query)}" for query in asked]
    with service(index) as (port, process):

        def load(clients: int, requests: int, seconds: float, some: list[str] = paths, away: float = AWAY) -> Answered:
            return asyncio.run(_load(port, some, clients, requests, seconds, away))

        load(8, WARM, SECONDS)
        page = first_paint(f"http://127.0.0.1:{port}", asked[0])
        rows = [load(clients, REQUESTS, SECONDS).row("search", clients) for clients in CLIENTS]
        room = WORKERS + QUEUE
        full = load(room, REQUESTS, SECONDS)
        over = load(TIMES * room, TIMES * REQUESTS, SECONDS)
        hasty = load(TIMES * room, TIMES * REQUESTS, SECONDS, away=SMALLEST)
        rows += [full.row("all there is room for", room), over.row(f"{TIMES} times that", TIMES * room)]
        rows.append(hasty.row("the same, back at once", TIMES * room))
        mixed = [*paths, *(f"/v1/passages/search?query={quote(query)}&pipeline=bm25-rm3" for query in asked[:20])]
        mixed += [f"/v1/passages/explain?query={quote(query)}&docno=D0000001" for query in asked[:50]]
        memory, done = [], 0
        for part in range(PARTS):
            long = load(8, LONG, LONGEST, mixed)
            done += sum(long.statuses.values())
            memory.append((done, *held(process.pid)))
            rows.append(long.row(f"search, explain and RM3, part {part + 1} of {PARTS}", 8))
    (first, before, threads), (last, after, later) = memory[1], memory[-1]
    bars = [
        _bar(
            "p99 of the answered under overload / p99 when full", over.percentile(0.99) / full.percentile(0.99), "<= 3"
        ),
        _bar("the same, back at once", hasty.percentile(0.99) / full.percentile(0.99), "<= 3"),
        _bar("answers other than 200 and 503", float(_others(over, hasty)), "<= 0"),
        _bar(f"memory after {last:,} requests / after {first:,}, {before:,.0f} MB", after / before, "<= 1.05"),
        _bar(f"threads more, of {threads}", float(later - threads), "<= 2"),
        *page,
    ]
    return rows, bars


def _bar(figure: str, measured: float, wanted: str) -> dict[str, Any]:
    return {"figure": figure, "measured": measured, "wanted": wanted}


def _others(*loads: Answered) -> int:
    return sum(count for load in loads for status, count in load.statuses.items() if status not in (200, 503))


@contextmanager
def service(index: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start a service on an index, and stop it."""
    words = ["serve", "bm25", "bm25-rm3", "--index", f"passages={index}", "--port", "0"]
    command = [sys.executable, "-m", "irkit", *words, "--workers", str(WORKERS), "--queue", str(QUEUE)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines: list[str] = []
            while not lines or "serving on" not in lines[-1]:
                lines.append(process.stderr.readline())  # type: ignore[union-attr]
                if not lines[-1]:
                    raise RuntimeError("".join(lines))
            yield int(lines[-1].partition("http://127.0.0.1:")[2].partition(";")[0]), process
        finally:
            process.terminate()
            process.wait(60)


def held(pid: int) -> tuple[float, int]:
    """Return the MB of memory and the number of threads, Java's included, that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory, threads = (int(status.partition(f"{name}:")[2].split()[0]) for name in ("VmRSS", "Threads"))
    return memory / 1024, threads


async def _load(port: int, paths: list[str], clients: int, requests: int, seconds: float, away: float) -> Answered:
    """Ask by so many clients at once, until there were so many requests or seconds."""
    left, each = iter(range(requests)), cycle(paths)
    statuses: Counter[int] = Counter()
    times: list[float] = []
    start = time.perf_counter()
    end = start + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end and next(left, None) is not None:
            asked = time.perf_counter()
            writer.write(f"GET {next(each)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            status = await _answer(reader)
            statuses[status] += 1
            if status == 200:
                times.append(time.perf_counter() - asked)
            elif status == 503:
                await asyncio.sleep(away)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(clients)))
    return Answered(time.perf_counter() - start, statuses, sorted(times))


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read an answer and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(b" ", 2)[1])


def alone(index: Path, queries: Path, requests: int = 2000) -> list[dict[str, Any]]:
    """Return where the time of one search goes, each part in the process that serves it."""
    from irkit.lucene.similarity import BM25
    from irkit.serve.library import Library

    asked = [line.split("\t")[1] for line in queries.read_text().splitlines()]
    library = Library.open(["bm25"], [f"passages={index}"])
    opened = library._shelves["passages"].index
    parts: dict[str, Callable[[str], Any]] = {
        "the index alone": lambda query: opened.search([query], 10, BM25()),
        "the library": lambda query: library.search("passages", query),
        "and its answer as JSON": lambda query: library.search("passages", query).model_dump_json(),
    }
    found = []
    for name, ask in parts.items():
        for query in asked[:500]:
            ask(query)
        times = []
        for _, query in zip(range(requests), cycle(asked), strict=False):
            start = time.perf_counter()
            ask(query)
            times.append(time.perf_counter() - start)
        times.sort()
        found.append(
            {"part": name, "p50 ms": 1000 * times[len(times) // 2], "p99 ms": 1000 * times[-len(times) // 100]}
        )
    library.close()
    return found


if __name__ == "__main__":  # for a look at one part: python -m benchmarks.serve INDEX QUERIES
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2])), indent=1))
