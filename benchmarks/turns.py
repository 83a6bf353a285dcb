"""Systems that take turns, each in a process of its own, which says what a pass took and what the process held.

A system is a function and its arguments: called once in the process, it returns what one pass is. A pass returns
figures; `wall`, `cpu`, `held_mb` and `peak_mb` are added where it has none of its own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Pass = Callable[[], dict[str, Any]]
System = tuple[Callable[..., Pass], tuple[Any, ...]]

_pass: Pass | None = None


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def take_turns(systems: Mapping[str, System], repeats: int, *, warm: bool = True) -> dict[str, dict[str, Any] | str]:
    """Return for each system the medians of its passes, or why it is left out: what it needs is not installed.

    Figures that are no numbers are those of the last pass. With `warm`, a first pass of each does not count.
    """
    found: dict[str, dict[str, Any] | str] = {}
    with ExitStack() as stack:
        workers: dict[str, ProcessPoolExecutor] = {}
        for name, (prepare, arguments) in systems.items():
            worker = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
            missing = worker.submit(_begin, prepare, arguments).result()
            if missing is None:
                workers[name] = worker
            else:
                found[name] = missing
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
        for at in range(repeats + warm):
            for name, worker in workers.items():
                took = worker.submit(_once).result()
                if at >= warm:
                    runs[name].append(took)
    found |= {name: medians(each) for name, each in runs.items()}
    return {name: found[name] for name in systems}


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number over runs; the last of what is none."""
    numbers = {name for name, value in runs[-1].items() if isinstance(value, float)}
    return {**runs[-1], **{name: statistics.median(run[name] for run in runs) for name in numbers}}


def memory_mb(what: str) -> float:
    """Return what this process holds (VmRSS), or held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) / 1024


def _begin(prepare: Callable[..., Pass], arguments: tuple[Any, ...]) -> str | None:
    global _pass
    try:
        _pass = prepare(*arguments)
    except ImportError as error:
        return f"left out: {' '.join(str(error).split())}"
    return None


def _once() -> dict[str, Any]:
    assert _pass is not None
    found, took = timed(_pass)
    return {**took, **found}


def timed(function: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Call a function; return what it does, its seconds and CPU seconds, and the memory held before and at most."""
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins at what is held now
    held, wall, cpu = memory_mb("VmRSS"), time.perf_counter(), time.process_time()
    found = function()
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return found, {**took, "held_mb": held, "peak_mb": memory_mb("VmHWM")}
