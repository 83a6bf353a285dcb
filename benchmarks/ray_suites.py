"""Suites by Ray beside the same suites in one process: seconds by the clock, and that the figures are the same.

Each run is a fresh process of one thread, the two engines taking turns; so are Ray's starts, with its first task and
until it is left.
"""

from __future__ import annotations

import statistics
import time

from benchmarks.turns import apart
from irkit.evaluate import Result, load_suite, run_suite

SUITES: dict[str, tuple[str, list[str], list[str], tuple[int, ...]]] = {
    "rating models on ml-100k, three seeds": (
        "ratings-ml-100k",
        ["ml-100k:u1"],
        ["bias", "item-knn", "pmf", "biased-mf", "svdpp"],
        (1, 2, 3),
    ),
    "retrieval on five collections": ("classic", [], [], ()),
}
"What is run: suite, boards and systems (none: all), seeds (none: the suite's own)."


def compare(repeats: int) -> list[dict]:
    """Return a row for each suite and one for Ray itself: medians of seconds."""
    starts = [apart(start) for _ in range(repeats)]
    begun = statistics.median(starts)
    rows = [{"figure": "Ray: start, first task, leaving", "local_s": "", "ray_s": begun, "same": "", "wanted": ""}]
    for name, chosen in SUITES.items():
        apart(run, chosen, "local")  # builds indexes and warms the disk cache
        both = [{engine: apart(run, chosen, engine) for engine in ("local", "ray")} for _ in range(repeats)]
        took = {engine: statistics.median(one[engine][0] for one in both) for engine in ("local", "ray")}
        same = all(one["local"][1] == one["ray"][1] for one in both)
        bar = f"<= {took['local'] + begun:.1f} s, local and Ray's start"
        rows.append({"figure": name, "local_s": took["local"], "ray_s": took["ray"], "same": same, "wanted": bar})
    return rows


def run(chosen: tuple[str, list[str], list[str], tuple[int, ...]], engine: str) -> tuple[float, list]:
    """Return the seconds that a suite takes, Ray's start among them, and its figures."""
    name, boards, systems, seeds = chosen
    suite = load_suite(name)
    suite = suite.changed(seeds=seeds) if seeds else suite
    begun = time.perf_counter()
    result = run_suite(suite, only=boards or None, systems=systems or None, engine=engine)
    return time.perf_counter() - begun, figures(result)


def figures(result: Result) -> list:
    """Return what a result says of its systems: statistics of each measure, and the value of each unit."""
    rows = [row for board in result.boards for row in board.rows]
    return [(row.name, row.failed, {m: cell.statistics() for m, cell in row.cells.items()}, row.values) for row in rows]


def start() -> float:
    """Return the seconds from nothing to the answers of workers that have what suites are run by, and to Ray's end."""
    from irkit.cluster.connection import connected
    from irkit.cluster.tasks import Tasks

    begun = time.perf_counter()
    with connected("local", who="benchmarks") as ray:
        tasks = Tasks(ray, who="benchmarks")
        list(tasks.run(ready, run_suite, range(tasks.workers)))
    return time.perf_counter() - begun


def ready(shared: object, piece: int) -> list:
    """Have a JVM, as retrieval needs one in each worker; what runs suites was imported on the way here."""
    from irkit.lucene import jvm

    jvm.start()
    return []
