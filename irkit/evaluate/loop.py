"""The trials of one board: what is known is read, the others are run by an engine, and each is kept when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import repeat
from typing import Any

from irkit.evaluate.engine import Engine
from irkit.evaluate.journal import Journal
from irkit.evaluate.tasks.task import Measured, System, Task, Trial

RUN_BY = "run by"
"Fact of a trial that did not run in this process: what ran it."


def all_trials(task: Task, systems: Sequence[System]) -> list[Trial]:
    """Return every fit of every system, in the order of a board."""
    return [Trial(one, seed, fold) for one in systems for seed in task.seeds(one) for fold in range(task.folds)]


def run_all(
    task: Task, systems: Sequence[System], journal: Journal, engine: Engine, say: Callable[[str], None], bar: Any
) -> tuple[dict[str, list[Measured]], dict[str, Exception], list[str]]:
    """Return what each system gave by seed, folds joined, why others failed, and what ran trials beside this process.

    The engine takes trials as it can run them, so that those of a system that failed meanwhile are left out.
    """
    trials = all_trials(task, systems)
    gave: dict[int, Measured | Exception] = {}
    lost: set[str] = set()

    def left() -> Iterator[list[int]]:
        said = ""
        for batch in _batches(task, trials, engine.workers):
            wanted = [number for number in batch if trials[number].system.name not in lost]
            if not task.together and wanted and (name := trials[wanted[0]].system.name) != said:
                said = name
                say(f"{task.title}: {name}")
            known = journal.known(task, [trials[number] for number in wanted])
            if known is None:
                yield wanted
            gave.update(zip(wanted, known or (), strict=False))
            bar.update(len(batch) - (len(wanted) if known is None else 0))

    def needs(batch: Sequence[int]) -> int | None:
        return max((threads for number in batch if (threads := _threads(trials[number]))), default=None)

    with closing(engine.run(run_trials, (task, trials), left(), needs=needs)) as done:
        for batch, found in done:
            for number, one in zip(batch, repeat(found) if isinstance(found, Exception) else found, strict=False):
                trial = trials[number]
                if isinstance(one, Exception):
                    lost.add(trial.system.name)
                else:
                    task.looked(trial)
                    if engine.note:
                        one = replace(one, facts={**one.facts, RUN_BY: engine.note})
                    journal.keep(task, trial, one)
                gave[number] = one
            bar.update(len(batch))
    by_seed: dict[str, dict[int | None, list[Measured]]] = {system.name: {} for system in systems}
    failed: dict[str, Exception] = {}
    others: dict[str, None] = {}
    for number, trial in enumerate(trials):
        match gave.get(number):
            case Measured() as one:
                by_seed[trial.system.name].setdefault(trial.seed, []).append(one)
                others |= {one.facts[RUN_BY]: None} if RUN_BY in one.facts else {}
            case Exception() as error:
                failed.setdefault(trial.system.name, error)
    joined = {
        name: [task.joined(folds) for folds in own.values()]
        for name, own in by_seed.items()
        if name not in failed and own
    }
    return joined, failed, list(others)


def _batches(task: Task, trials: Sequence[Trial], workers: int) -> list[list[int]]:
    """Put the numbers of trials together that are to be run together.

    Systems that share work are measured beside each other, in as many parts as there are workers, all trials of a
    system in one; others trial by trial.
    """
    if not task.together:
        return [[number] for number in range(len(trials))]
    names = list(dict.fromkeys(trial.system.name for trial in trials))
    parts = [set(names[part::workers]) for part in range(min(workers, len(names)))]
    return [[number for number, trial in enumerate(trials) if trial.system.name in part] for part in parts]


def run_trials(shared: tuple[Task, Sequence[Trial]], numbers: Sequence[int]) -> list[Measured | Exception]:
    """Return what some trials of a task give."""
    task, trials = shared
    return list(task.run([trials[number] for number in numbers]))


def _threads(trial: Trial) -> int | None:
    """Return how many threads the recipe of a trial says that something in it uses, if it says."""
    recipe: Any = trial.recipe
    threads: int | None = recipe.rule().threads if hasattr(recipe, "rule") else None
    return max(_said(getattr(recipe, "stages", [])), default=None) if threads is None else threads


def _said(stages: Any) -> list[int]:
    """List all values of `threads` in stages, those inside of others too."""
    if isinstance(stages, Mapping):
        own = [stages["threads"]] if isinstance(stages.get("threads"), int) else []
        return own + _said(list(stages.values()))
    return [value for one in stages for value in _said(one)] if isinstance(stages, (list, tuple)) else []
