"""The folder of an experiment: a run file for each system, what made it, and what came of all.

    bm25.run        what the system bm25 found
    bm25.run.json   what made it: a key of pipeline, queries, code and packages, and a digest of the file
    per-query.tsv   the measures of each query, of the last experiment
    experiment.json the same experiment as a result file, which `irkit.evaluate.read_results` reads

A run that is there with the key that it would get is read and not run again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from os import PathLike
from os.path import samefile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import irkit
from irkit import locks
from irkit.atomic import write_bytes
from irkit.errors import ConfigError
from irkit.evaluate.board import Machine, Result, write_results
from irkit.machine import machine
from irkit.pipeline.given import Run
from irkit.recipe.cache import result_key
from irkit.recipe.code import code_digest

if TYPE_CHECKING:
    from irkit.evaluate.experiment import Experiment
    from irkit.frames import Queries
    from irkit.hits import Hits
    from irkit.pipeline.stage import Stage

_LONGEST = 100  # bytes of a file's name, of which systems allow 255 with all endings


class SavedRuns:
    """The run files of the systems of an experiment.

    Parameters
    ----------
    folder : path
        Made when the first file is written.
    stages : mapping of name to Stage
    queries : queries frame
        All they are run on.
    overwrite : bool
        Run every system, and replace what is there.

    Raises
    ------
    ConfigError
        If a run is there that is another one, or two systems would have one file. Nothing is written then.
    """

    def __init__(
        self, folder: str | PathLike[str], stages: Mapping[str, Stage], queries: Queries, *, overwrite: bool
    ) -> None:
        self.folder, self.stages, self.overwrite = Path(folder), stages, overwrite
        self.paths = {name: self.folder / f"{file_name(name)}.run" for name in stages}
        taken: dict[str, str] = {}
        for name, path in self.paths.items():
            other = taken.setdefault(path.name.casefold(), name)
            if other != name:
                raise ConfigError(f"experiment: {other!r} and {name!r} would both be saved as {path}; name them apart")
        self.keys = {name: result_key(stage, queries) for name, stage in stages.items()}
        self.there = {name: Run(path) for name, path in self.paths.items() if not overwrite and self._is_there(name)}
        "Runs that are there already."

    def write(self, name: str, hits: Hits) -> None:
        """Write what a system found, whole or not at all."""
        path = self.paths[name]
        if name in self.there or _is(self.stages[name], path):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with locks.held(self.folder / ".writing.lock"):
            # Another process may have put another run there since this one began.
            if self.overwrite or not self._is_there(name):
                self._write(name, path, hits)

    def _write(self, name: str, path: Path, hits: Hits) -> None:
        from irkit.io import write_run

        # A folder of our own: another process may put its run in this place before what made ours is written down.
        with TemporaryDirectory(prefix="irkit-") as own:
            write_run(hits, Path(own) / "run", file_name(name))
            data = (Path(own) / "run").read_bytes()
        write_bytes(path, data)
        about = {
            "system": name,
            "pipeline": repr(self.stages[name]),
            "key": self.keys[name],
            "run": _digest(data),
            "queries": len(hits.queries),
            "irkit": irkit.__version__,
        }
        write_bytes(_about(path), (json.dumps(about, indent=1) + "\n").encode(errors="backslashreplace"))

    def finish(self, done: Experiment) -> None:
        """Write what came of all systems."""
        table = done.per_query.to_csv(sep="\t", index=False)
        write_bytes(self.folder / "per-query.tsv", table.encode(errors="surrogateescape"))
        write_results(result_of(done, file_name(self.folder.resolve().name)), self.folder / "experiment.json")

    def _is_there(self, name: str) -> bool:
        """Say whether the run of a system is there; `ConfigError` if another one is."""
        path = self.paths[name]
        if not path.exists() or _is(self.stages[name], path):
            return False
        about = _read(_about(path))
        if about is None:
            why = "nothing says what made it"
        elif self.keys[name] is None:
            why = "whether it is the same cannot be told, as of a function without a key"
        elif about.get("run") != _digest(path.read_bytes()):
            why = "it was changed since it was written"
        elif about.get("key") != self.keys[name]:
            why = "it is of other settings, queries, data or code"
        else:
            return True
        raise ConfigError(
            f"experiment: {path} is there already, and {why}; say overwrite=True or choose another folder"
        )


def result_of(done: Experiment, suite: str) -> Result:
    """Return an experiment as a result file holds it, with a board of its own."""
    return Result(
        suite=suite,
        about="",
        date=datetime.now(UTC).date().isoformat(),
        irkit=irkit.__version__,
        code=code_digest(),
        machine=Machine(**machine()),
        seed=done.comparison.seed,
        command="",
        boards=[done.to_board(data=suite)],
    )


def file_name(name: str) -> str:
    """Return a system's name as that of a file.

    Examples
    --------
    >>> file_name("bm25 >> rm3 >> bm25")
    'bm25-rm3-bm25'
    """
    safe = re.sub(r"[^\w.+-]+", "-", name).strip(".-")
    return safe.encode()[:_LONGEST].decode(errors="ignore") or "system"


def _is(stage: Stage, path: Path) -> bool:
    """Say whether a system is the run in this very file."""
    return isinstance(stage, Run) and bool(stage.origin) and path.exists() and samefile(stage.origin, path)


def _about(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
