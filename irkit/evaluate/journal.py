"""What the trials of a suite gave, kept until the suite is done, so that one that was cut goes on where it stood.

A trial is found again if nothing it depends on has changed: data, conditions, recipe, seed, fold, measures,
code, that of plug-ins too. The journal of a suite is removed once the suite is done; a part of it that is run
by itself takes its own trials away and leaves the others.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from irkit.config import digest
from irkit.evaluate.board import Figure
from irkit.evaluate.tasks.task import Measured, Task, Trial
from irkit.kept import found, keep
from irkit.locate import home
from irkit.registry import MODELS

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite

_PLAIN = ("means", "seconds", "fit_seconds", "peak_memory_mb", "parameters", "notes", "facts")


@dataclass(frozen=True)
class Journal:
    """Trials of one suite."""

    folder: Path
    used: list[Path] = field(default_factory=list)
    "Files of this run's trials."

    @classmethod
    @contextmanager
    def open(cls, suite: Suite, *, whole: bool) -> Iterator[Journal]:
        """Lend the journal of a suite; it is removed when nothing goes wrong meanwhile, if the suite is run whole."""
        journal = cls(_folder(suite))
        yield journal
        if whole:
            shutil.rmtree(journal.folder, ignore_errors=True)
            return
        with suppress(OSError):
            for kept in journal.used:
                kept.unlink(missing_ok=True)
            journal.folder.rmdir()  # unless there are others

    def known(self, task: Task, trials: Sequence[Trial]) -> list[Measured] | None:
        """Return what trials gave before; None unless that is known of all, as those that share work run together."""
        places = [self._place(task, trial) for trial in trials]
        self.used.extend(places)
        before = [one for place in places if (one := found(place, _read)) is not None]
        return before if len(before) == len(trials) else None

    def keep(self, task: Task, trial: Trial, measured: Measured) -> None:
        """Keep what a trial gave."""
        keep(self._place(task, trial), partial(_write, measured))

    def _place(self, task: Task, trial: Trial) -> Path:
        return self.folder / f"{_key(task, trial)}.npz"


def any_kept(suite: Suite) -> bool:
    """Say whether a suite that was cut has trials to go on from."""
    return any(_folder(suite).glob("*.npz"))


def _folder(suite: Suite) -> Path:
    # Files in two places may give their suites one name.
    place = f"-{digest(str(Path(suite.path).resolve()))[:8]}" if suite.path else ""
    return home() / "journals" / f"{suite.name}{place}"


def _key(task: Task, trial: Trial) -> str:
    from irkit.evaluate.tasks.ratings import kinds
    from irkit.recipe.code import class_digest, code_digest, environment_digest

    suite = task.suite
    system = trial.system
    recipe: Any = system.recipe
    made_of = [MODELS.load(recipe.model)] if hasattr(recipe, "model") else kinds(getattr(recipe, "stages", ()))
    return digest(
        task.kind,
        task.title,
        task.data_hash,
        [measure.name for measure in task.measures],
        task.identity(system),
        suite.given() | {"tasks": [], "systems": [], "controls": {}, "about": "", "name": "", "path": ""},
        system.choice.model_dump(mode="json", exclude={"about"}),
        recipe.hash,
        [trial.seed, trial.fold],
        code_digest(),
        environment_digest(),
        [class_digest(kind) for kind in (type(task), type(recipe), *made_of)],  # of a plug-in's code
    )


def _write(measured: Measured, file: BinaryIO) -> None:
    plain = {name: getattr(measured, name) for name in _PLAIN}
    plain["figures"] = [figure.model_dump() for figure in measured.figures]
    plain["values"] = list(measured.values)
    arrays: dict[str, Any] = {f"v{number}": values for number, values in enumerate(measured.values.values())}
    np.savez(file, plain=np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8), **arrays)


def _read(path: Path) -> Measured:
    with np.load(path, allow_pickle=False) as stored:
        plain: dict[str, Any] = json.loads(stored["plain"].tobytes())
        values = {name: stored[f"v{number}"] for number, name in enumerate(plain.pop("values"))}
    figures = tuple(Figure(**figure) for figure in plain.pop("figures"))
    notes = tuple(plain.pop("notes"))
    return replace(Measured(values, plain.pop("means")), **plain, notes=notes, figures=figures)
