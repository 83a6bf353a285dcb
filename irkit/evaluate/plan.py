"""Run several systems so that work they have in common is done once and timed once.

Systems are unfolded into steps: chains into their stages, fusions into their parts and the joining.
Two steps are one when the stage and everything before it are the same by fingerprint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from irkit.config import digest
from irkit.evaluate.memory import peak_memory_mb, reset_peak
from irkit.frames import Queries
from irkit.hits import Hits
from irkit.pipeline.stage import Flow, Stage
from irkit.pipeline.unfold import Row, unfold

if TYPE_CHECKING:
    from irkit.recipe import Cache


@dataclass(frozen=True)
class Step:
    """One stage with what it starts from."""

    stage: Stage
    source: int
    "Number of the step whose output it starts from; -1 for the queries."
    parts: tuple[int, ...] = ()
    "Numbers of the steps whose results it joins; none for a stage that is run as a whole."

    @property
    def inputs(self) -> tuple[int, ...]:
        """Numbers of all steps whose output it reads."""
        return tuple(number for number in (self.source, *self.parts) if number >= 0)


@dataclass(frozen=True)
class Plan:
    """Distinct steps in an order that can be run, and which of them each system uses."""

    steps: tuple[Step, ...]
    last: dict[str, int]
    "System -> the step that gives its results."
    used: dict[str, frozenset[int]]
    "System -> all its steps."


@dataclass(frozen=True)
class Costs:
    """What the steps of a plan cost."""

    seconds: np.ndarray
    "(repeats, steps) float64."
    peak_mb: np.ndarray
    "(steps,) float64: peak resident memory of the process during the step, over all runs; 0 where it is not known."

    def of(self, steps: frozenset[int]) -> tuple[float, float | None]:
        """Return seconds (median over repeats of the steps' sum) and peak megabytes, if known, of some steps."""
        numbers = sorted(steps)
        return float(np.median(self.seconds[:, numbers].sum(axis=1))), float(self.peak_mb[numbers].max()) or None

    def range(self, steps: frozenset[int]) -> tuple[float, float]:
        """Return the least and the greatest of the repeats' seconds of some steps."""
        spent = self.seconds[:, sorted(steps)].sum(axis=1)
        return float(spent.min()), float(spent.max())


def plan(systems: Mapping[str, Stage]) -> Plan:
    """Unfold systems into distinct steps."""
    steps: list[Step] = []
    known: dict[str, int] = {}
    keys: list[str] = []

    def place(step: Step) -> int:
        key = digest(step.stage.fingerprint, [keys[number] for number in step.inputs])
        if key not in known:
            known[key] = len(steps)
            keys.append(key)
            steps.append(step)
        return known[key]

    def follow(row: Row, source: int) -> int:
        for step in row:
            shared = step.inside if step.stage.shares_input else ()
            source = place(Step(step.stage, source, tuple(follow(inner, source) for inner in shared)))
        return source

    last = {name: follow(unfold(stage), -1) for name, stage in systems.items()}
    return Plan(tuple(steps), last, {name: _upstream(steps, number) for name, number in last.items()})


def run_plan(
    plan: Plan,
    queries: Queries,
    *,
    repeats: int,
    cache: Cache | None,
    receive: Callable[[str, Flow], None],
    failed: dict[str, Exception] | None = None,
) -> Costs:
    """Run every step once per repeat, the systems in turn; each repeat begins with another system.

    What runs first in a process pays for what is loaded and compiled then. So where there are several repeats, all
    systems are run once before them, and that run is not timed. A single run is timed as it is.

    Parameters
    ----------
    repeats : int
        Runs that are timed.
    cache : Cache, optional
        Stages that are run as a whole are looked up there first; times then say nothing, and nothing is warmed up.
    receive : function of (system, results)
        Called for each system in the first run; results are not kept beyond that.
    failed : dict, optional
        Where to put why systems fail; the others are run on. Without it the first failure is raised.
    """
    seconds = np.zeros((repeats, len(plan.steps)))
    peak = np.zeros(len(plan.steps))
    broken: set[str] = set()
    readers = np.bincount([i for step in plan.steps for i in step.inputs], minlength=len(plan.steps))
    untimed = 1 if repeats > 1 and cache is None else 0
    for run in range(untimed + repeats):
        flows: dict[int, Flow] = {}
        left = readers.copy()
        for number in _order(plan, max(run - untimed, 0)):
            step = plan.steps[number]
            if not broken.issuperset(_systems(plan, number)):
                try:
                    reset_peak()
                    start = time.perf_counter()
                    flows[number] = _run(step, flows, queries, cache)
                    spent = time.perf_counter() - start
                    if run >= untimed:
                        seconds[run - untimed, number] = spent
                    peak[number] = max(peak[number], peak_memory_mb() or 0)
                    if run == 0:
                        for name, ending in plan.last.items():
                            if ending == number:
                                receive(name, flows[number])
                except Exception as error:
                    if failed is None:
                        raise
                    for name in _systems(plan, number) - broken:
                        failed[name] = error
                        broken.add(name)
            for i in step.inputs:
                left[i] -= 1
            for i in {number, *step.inputs}:
                if not left[i]:
                    flows.pop(i, None)
    return Costs(seconds, peak)


def _order(plan: Plan, first: int) -> list[int]:
    """Return the numbers of all steps, system by system, from the system with the number `first` on and round."""
    names = list(plan.used)
    at = first % len(names) if names else 0
    numbers = [number for name in (*names[at:], *names[:at]) for number in sorted(plan.used[name])]
    return list(dict.fromkeys(numbers))


def _run(step: Step, flows: Mapping[int, Flow], queries: Queries, cache: Cache | None) -> Flow:
    source = flows[step.source] if step.source >= 0 else queries
    if step.parts:
        queries = source.queries if isinstance(source, Hits) else source
        return step.stage.join([flows[i] for i in step.parts], queries)
    return cache.run(step.stage, source) if cache is not None else step.stage.run(source)


def _systems(plan: Plan, number: int) -> set[str]:
    """Return the systems that use a step."""
    return {name for name, used in plan.used.items() if number in used}


def _upstream(steps: list[Step], number: int) -> frozenset[int]:
    return frozenset({number}).union(*(_upstream(steps, i) for i in steps[number].inputs))
