"""The one loop: tasks x systems x seeds x folds, to a result of boards.

Whatever a suite names (recipes, settings, data, splits, measures) is looked up and checked before the first
index is built or the first model fitted. What each trial gives is kept until the suite is done
(`irkit.evaluate.journal`): one that was cut goes on where it stood. A system that fails stands on its board
with the reason, and the others with their figures.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

import numpy as np

import irkit
from irkit.arrays import Floats
from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.evaluate.board import Board, Machine, Result, Row, named_boards
from irkit.evaluate.controls import gains
from irkit.evaluate.corrections import CORRECTION_TITLES
from irkit.evaluate.engine import LOCAL, Engine, EngineName, check_engine, engine_of
from irkit.evaluate.journal import Journal
from irkit.evaluate.loop import all_trials, run_all
from irkit.evaluate.measures import said_aliases
from irkit.evaluate.memory import memory_notes
from irkit.evaluate.significance import TEST_TITLES
from irkit.evaluate.suite import Suite, load_suite
from irkit.evaluate.tasks.task import Measured, Options, System, Task
from irkit.io.outputs import check_folder
from irkit.machine import machine
from irkit.progress import progress as progress_of
from irkit.registry import plugin_of

if TYPE_CHECKING:
    from irkit.recipe import Cache


def run_suite(
    suite: Suite | str | Path,
    *,
    only: Sequence[str] | None = None,
    systems: Sequence[str] | None = None,
    repeats: int | None = None,
    cache: Cache | None = None,
    runs: str | Path | None = None,
    looks: bool = False,
    engine: EngineName = "local",
    address: str | None = None,
    progress: Callable[[str], None] | bool = False,
    finish: Callable[[Result], None] | None = None,
) -> Result:
    """Run every system of a suite on everything it names.

    Parameters
    ----------
    suite : Suite, name or path
    only : sequence of str, optional
        Run on these of what the suite names only: by name, or by name and conditions (`ml-100k:u1`).
    systems : sequence of str, optional
        Run these of its systems only; without the baseline nothing is compared.
    repeats : int, optional
        Instead of that of tasks of retrieval; others have none.
    cache : irkit.recipe.Cache, optional
        Take results of stages of retrieval from there; times are then not reported.
    runs : path, optional
        Train each model in a run folder there, named like its recipe, from where it stands. For suites of training
        recipes only (`data`, `density`).
    looks : bool
        Gather for a page (`irkit.report.write_report`) what the systems found for the queries with the greatest
        differences; no result file has it.
    engine : {"local", "ray"}
        What runs trials: this process, one after the other, or the workers of Ray. Numbers are the same; times are
        those of a worker beside others, and boards say so.
    address : str, optional
        For `ray`: `local`, the default, starts it for this run alone; `auto` or `HOST:PORT` is a cluster that is there.
        Where this process has called `ray.init`, that one is used.
    progress : function of str, or bool
        Told what begins, in a few words; True shows that, how much is left and how long (`irkit.progress`).
    finish : function of a Result, optional
        Writes it down. Where it fails what was measured is kept, and the suite goes on from there when it is run again.

    Raises
    ------
    ConfigError
        If something does not fit, or no system could be measured.
    MissingExtraError
        If Ray is wanted and not installed.
    ClusterError
        If a cluster does not answer, or is lost; what was measured is kept.
    """
    check_engine(engine, address, who="suite")
    chosen = suite if isinstance(suite, Suite) else load_suite(suite)
    chosen.check()
    lend = partial(engine_of, engine, address, who=f"suite {chosen.name}")
    with progress_of(None, chosen.name, " trials", shown=progress is True) as bar:
        say = progress if callable(progress) else bar.set_description_str
        options = Options(repeats, cache, None if runs is None else Path(runs), looks, say)
        return _result(chosen, only, systems, options, lend, bar, finish or (lambda result: None))


def measured_board(task: Task, systems: Sequence[System], *, progress: bool = False) -> Board:
    """Run systems on a task that no file of a suite names, and compare them; both have been checked.

    What each trial gave is kept until all are done, as that of a suite's is. Errors are those of `run_suite`.
    """
    with progress_of(None, task.title, " trials", shown=progress) as bar:
        bar.total = len(all_trials(task, systems))
        with Journal.open(task.suite, whole=False) as journal:
            board = _board(task, systems, journal, LOCAL, Options(), bar)
    rows = [row.model_copy(update={"command": ""}) for row in board.rows]  # no command makes them
    return board.model_copy(update={"rows": rows})


def _result(
    chosen: Suite,
    only: Sequence[str] | None,
    systems: Sequence[str] | None,
    options: Options,
    lend: Callable[[], AbstractContextManager[Engine]],
    bar: Any,
    finish: Callable[[Result], None],
) -> Result:
    from irkit.recipe.code import code_digest

    parts, runs = _chosen(chosen, only, systems), options.runs
    if runs is not None:
        for part in parts:
            if not type(part.tasks[0]).trains:
                raise ConfigError(f"suite {part.name}: trains no models in run folders; leave out --runs")
        check_folder(Path(runs), who=f"suite {chosen.name}")
    loaded = [(part, _tasks(part, options, only)) for part in parts]
    titles = [task.title for _, named in loaded for _, task in named]
    if only is not None and not any(_wanted(named, only, titles) for _, named in loaded):
        raise ConfigError(f"suite {chosen.name}: there is no board {only[0]!r} in it; {near_misses(only[0], titles)}")
    jobs = [job for part, named in loaded for job in _jobs(part, _wanted(named, only, titles), complete=only is None)]
    boards = []
    bar.total = sum(len(all_trials(task, own)) for task, own in jobs)
    whole = only is None and systems is None
    with Journal.open(chosen, whole=whole) as journal, lend() as engine:
        for task, own in jobs:
            try:
                boards.append(_board(task, own, journal, engine, options, bar))
            finally:
                task.close()
        result = Result(
            suite=chosen.name,
            about=chosen.about,
            date=datetime.now(UTC).date().isoformat(),
            irkit=irkit.__version__,
            code=code_digest(),
            machine=Machine(**machine()),
            seed=chosen.seed,
            command=_command(chosen.origin, only, systems, options.repeats),
            boards=boards,
        )
        finish(result)
    return result


def _chosen(suite: Suite, only: Sequence[str] | None, systems: Sequence[str] | None) -> list[Suite]:
    """Return the suites to run, with the systems to run."""
    parts = suite.suites
    standing = [{name for task in part.tasks for name in task.standing} if systems else set() for part in parts]
    rows = list(dict.fromkeys([*sorted(set().union(*standing)), *suite.rows]))
    for wanted, known, what in ((only, suite.boards, "collection"), (systems, rows, "system")):
        for name in wanted or ():
            if name not in known and not (what == "collection" and any(map(partial(_begins, name), known))):
                raise ConfigError(f"suite {suite.name}: there is no {what} {name!r} in it; {near_misses(name, known)}")
    chosen = list(zip(parts, standing, strict=True))
    if only is not None:
        chosen = [one for one in chosen if any(_begins(name, board) for name in only for board in one[0].boards)]
    if systems is None:
        return [part for part, _ in chosen]
    kept = [(part.changed(systems=tuple(s for s in part.systems if s.name in systems)), own) for part, own in chosen]
    found = [part for part, own in kept if part.systems or own.intersection(systems)]
    return [one if one.baseline in one.own_rows else one.changed(baseline=None) for one in found]


def _tasks(suite: Suite, options: Options, only: Sequence[str] | None) -> list[tuple[str, Task]]:
    """Load the tasks of a suite that may be wanted, each after its name in the file."""
    wanted = [choice for choice in suite.tasks if only is None or any(_begins(one, choice.name) for one in only)]
    return [(choice.name, choice.load(suite, options)) for choice in wanted]


def _wanted(named: Sequence[tuple[str, Task]], only: Sequence[str] | None, titles: Sequence[str]) -> list[Task]:
    """Return those that are wanted, by name and conditions or else by name; see `named_boards`."""
    if only is None:
        return [task for _, task in named]
    boards, names = named_boards(only, titles)
    return [task for name, task in named if task.title in boards or not names.isdisjoint({name, task.name})]


def _jobs(suite: Suite, tasks: Sequence[Task], *, complete: bool) -> list[tuple[Task, list[System]]]:
    """Check all that a suite names: tasks, each with the systems that are measured on it.

    Where all of its tasks are there, `complete`, each system must be for one of them.
    """
    systems = [System(choice, type(suite.tasks[0]).recipe(choice)) for choice in suite.systems]
    jobs = [(task, [own for system in systems if (own := task.taken(system)) is not None]) for task in tasks]
    taken = {system.name for _, own in jobs for system in own}
    for system in systems:
        if complete and system.name not in taken:
            raise ConfigError(f"suite {suite.name}: {tasks[0].stray(system)}")
    return jobs


def _begins(wanted: str, name: str) -> bool:
    """Say whether what is wanted is this, or a board of this under some conditions."""
    return wanted == name or wanted.startswith(f"{name}:")


def _board(
    task: Task, systems: Sequence[System], journal: Journal, engine: Engine, options: Options, bar: Any
) -> Board:
    """Run the systems of a task and compare them."""
    suite, extra = task.suite, list(task.extra())
    twice = next((name for name, *_ in extra if name in {system.name for system in systems}), None)
    if twice is not None:
        raise ConfigError(
            f"suite {suite.name}: a system is called {twice!r}, as is a row that stands on every board of "
            f"{task.title}; rename the system"
        )
    found, failed, run_by = run_all(task, systems, journal, engine, options.say, bar)
    if not found and failed:
        raise next(iter(failed.values()))
    measured = {**{name: [one] for name, _, one in extra}, **found}
    baseline = suite.baseline if suite.baseline in measured else None
    compared = task.compare(measured, baseline, suite.test, suite.seed)
    rows = [Row(name=name, about=about, **_costs(task, [one])) for name, about, one in extra]
    for system in systems:
        row = _origin(system, task)
        if system.name in failed:
            rows.append(row.model_copy(update={"failed": _reason(failed[system.name])}))
        else:
            trials = found[system.name]
            notes = _notes(task.seeds(system), trials)
            rows.append(row.model_copy(update={**_costs(task, trials), "notes": notes}))
    for row in rows:
        if row.name in compared:
            row.cells, row.values = compared[row.name]
    said = said_aliases(suite.measures)
    lost = [f"the baseline {suite.baseline} failed: nothing is compared"] if suite.baseline in failed else []
    values = {row.name: row.values[task.measures[0].name] for row in rows if row.values}
    return Board(
        looks=task.looks(measured, values, baseline) if options.looks else None,
        kind=task.kind,
        data=task.name,
        about=task.about,
        data_hash=task.data_hash,
        sizes=task.sizes,
        timed=task.timed,
        each=task.each,
        conditions=task.conditions,
        measures=task.measures,
        baseline=baseline,
        test=TEST_TITLES[suite.test],
        correction=CORRECTION_TITLES[suite.correction],
        interval=task.interval,
        notes=[*lost, *said, *task.notes(measured), *_gained(task, found), *memory_notes(), *run_by],
        rows=rows,
    )


def _gained(task: Task, found: Mapping[str, Sequence[Measured]]) -> list[str]:
    """Say of every system with controls whether what it gains over its start is its own."""
    said = (gains(name, others, found, task.measures[0]) for name, others in task.suite.controls.items())
    return [one for one in said if one is not None]


def _origin(system: System, task: Task) -> Row:
    choice, recipe = system.choice, system.recipe
    return Row(
        name=choice.name,
        about=choice.about or recipe.about,
        recipe=choice.recipe,
        recipe_hash=recipe.hash,
        recipe_yaml=recipe.yaml(),
        command=task.command(system),
    )


def _costs(task: Task, trials: Sequence[Measured]) -> dict[str, Any]:
    """Return what a row says besides its numbers; costs are means over trials, memory is the largest."""

    def known(name: str) -> list[float] | None:
        values = [getattr(one, name) for one in trials]
        return None if None in values else values

    seconds, fitting, peak = known("seconds"), known("fit_seconds"), known("peak_memory_mb")
    return {
        "milliseconds": None if seconds is None else 1000 * float(np.mean(seconds)) / task.times,
        "milliseconds_range": _range([one.facts.get("range") for one in trials], task.times),
        "fit_seconds": None if fitting is None else float(np.mean(fitting)),
        "peak_memory_mb": None if peak is None else max(peak),
        "parameters": trials[0].parameters,
        "figures": list(trials[0].figures),
        "notes": list(dict.fromkeys(note for one in trials for note in one.notes)),
    }


def _range(found: Sequence[Sequence[float] | None], times: int) -> list[float] | None:
    """Return the range of milliseconds over repeats and trials, where it is known of all."""
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    return [1000 * min(low for low, _ in known) / times, 1000 * max(high for _, high in known) / times]


def _notes(seeds: Sequence[int | None], trials: Sequence[Measured]) -> list[str]:
    notes = [note for one in trials for note in one.notes]
    if len(trials) > 1:
        values = {measure: [one.means[measure] for one in trials] for measure in trials[0].means}
        notes.append(spread_note(f"by seed ({', '.join(map(str, seeds))})", values))
    if by_fold := [one.facts["by_fold"] for one in trials if "by_fold" in one.facts]:
        over_seeds = {measure: np.mean([one[measure] for one in by_fold], axis=0) for measure in by_fold[0]}
        notes.append(spread_note("by fold", over_seeds))
    return list(dict.fromkeys(notes))


def spread_note(what: str, values: Mapping[str, Sequence[float] | Floats]) -> str:
    """Say what each seed or fold gave, and the standard deviation over them.

    Examples
    --------
    >>> spread_note("by seed (1, 2)", {"RMSE": [0.91, 0.92]})
    'by seed (1, 2): RMSE 0.9100, 0.9200, sd 0.0071'
    """
    parts = [
        f"{measure} {', '.join(f'{value:.4f}' for value in column)}, sd {stdev(column):.4f}"
        for measure, column in values.items()
    ]
    return f"{what}: {'; '.join(parts)}"


def _reason(error: Exception) -> str:
    """Say in one line why a system has no numbers."""
    text = " ".join(str(error).split())
    if isinstance(error, IrkitError):
        return text
    where = plugin_of(error)
    return f"{type(error).__name__}: {text or 'no reason given'}" + (f", in {where}" if where else "")


def _command(suite: str, only: Sequence[str] | None, systems: Sequence[str] | None, repeats: int | None) -> str:
    words = ["irkit", "leaderboard", suite]
    for option, names in (("--only", only), ("--system", systems)):
        for name in names or ():
            words += [option, name]
    if repeats is not None:
        words += ["--repeats", str(repeats)]
    return shlex.join(words)
