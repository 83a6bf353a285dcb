"""Results kept on disk, found again by everything they depend on.

The key of a result is a hash of the stages (kind, parameters, resources' content), of the flow that
went in, of every file of irkit (and of the plug-in a stage comes from), and of the versions of the
packages beneath. Whatever changes, the key is another, so there is nothing to invalidate.
Stages in a row, and pipelines inside operators, are kept one by one: what two pipelines begin with
is computed once. A stage made of a function without a `key` is run each time; what follows it
is looked up by what it gave.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from irkit import locate
from irkit.atomic import LEFTOVER, replacing
from irkit.config import digest
from irkit.errors import ConfigError
from irkit.pipeline.stage import Flow, Stage
from irkit.pipeline.unfold import Row, every, unfold
from irkit.recipe.code import class_digest, code_digest, environment_digest, holdings_digest
from irkit.recipe.flowfile import Damaged, Unwritable, flow_bytes, flow_digest, read_flow

log = logging.getLogger(__name__)

LIMIT = 5_000_000_000
"Default size of a cache, in bytes."

_ENDING = ".flow"
_LEFT_BEHIND = 3600  # seconds after which an unfinished file is taken for one of a killed process


class Cache:
    """A folder of results; processes may share it.

    Parameters
    ----------
    folder : path, optional
        Default `cache` in the user's folder (`IRKIT_HOME`).
    limit : int, optional
        Bytes the folder may hold; what was not used for longest goes first.

    Attributes
    ----------
    hits, misses : int
        Results this object found and computed, counting only those it may keep.
    """

    def __init__(self, folder: str | Path | None = None, limit: int = LIMIT) -> None:
        if limit < 0:
            raise ConfigError(f"cache: limit must be 0 or more bytes, got {limit}")
        self.folder = Path(folder) if folder is not None else locate.home() / "cache"
        self.limit = limit
        self.hits = self.misses = 0
        self._told = False  # that the folder cannot be written
        self._room = 0  # bytes this object may write before it looks at the folder again

    def run(self, stage: Stage, flow: Any) -> Flow:
        """Return what `stage` makes of a flow, computing only what is not here.

        Parameters
        ----------
        stage : Stage
        flow : frame, hits, or whatever the stage may be called on

        Returns
        -------
        queries frame or Hits
            Bitwise what the stage gives; docnos may lie in another table.
        """
        return self._run(unfold(stage), stage.read(flow))

    def size(self) -> int:
        """Return the bytes in use."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
        """Remove every result."""
        for path, _, _ in self._entries(unfinished=True):
            _remove(path)

    # ------------------------------------------------------------------ running

    def _run(self, steps: Row, flow: Flow) -> Flow:
        """Run steps in a row, from the last one whose result is here."""
        while steps:
            keys = self._keys(steps, flow)
            done = len(keys)
            found = None
            while done and (found := self._read(keys[done - 1])) is None:
                done -= 1
            if found is not None:
                flow = found
                self.hits += 1
            for step, key in zip(steps[done:], keys[done:], strict=False):
                flow = step.run(flow, self._run)
                self.misses += 1
                self._write(key, flow)
            steps = steps[len(keys) :]
            if steps and not keys:
                flow, steps = steps[0].run(flow, self._run), steps[1:]
        return flow

    def _keys(self, steps: Row, flow: Flow) -> list[str]:
        """Return the key of the result after each of the leading steps that can be kept."""
        known: list[str] = []
        for step in steps:
            identity = _identity(step.stage)
            if identity is None:
                break
            known.append(identity)
        if not known:
            return []
        try:
            start = flow_digest(flow)
        except Unwritable as reason:
            log.debug("cache: the input cannot be kept, %s", reason)
            return []
        ground = (code_digest(), environment_digest(), start)
        return [digest(ground, known[: i + 1]) for i in range(len(known))]

    # ------------------------------------------------------------------ files

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{_ENDING}"

    def _read(self, key: str) -> Flow | None:
        path = self._path(key)
        try:
            flow = read_flow(path.read_bytes())
        except FileNotFoundError:
            return None
        except (Damaged, OSError) as error:
            log.debug("cache: %s cannot be read and is made anew, %s", path, error)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of last use
        log.debug("cache: %s is taken as it was kept", path)
        return flow

    def _write(self, key: str, flow: Flow) -> None:
        """Keep a result; where that is not possible the run goes on without."""
        try:
            content = flow_bytes(flow)
        except Unwritable as reason:
            log.debug("cache: a result cannot be kept, %s", reason)
            return
        if len(content) > self.limit:
            return
        path = self._path(key)
        try:
            with replacing(path) as file:
                file.write(content)
        except OSError as error:
            if not self._told:
                self._told = True
                why = error.strerror or error
                log.warning("cache: %s cannot be written, %s; results are not kept", self.folder, why)
            return
        self._room -= len(content)
        if self._room < 0:
            self._shrink()

    def _shrink(self) -> None:
        """Remove what was not used for longest until the rest is within the limit."""
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        total = sum(size for _, size, _ in entries)
        for path, size, _ in entries:
            if total <= self.limit:
                break
            _remove(path)
            total -= size
        self._room = min(self.limit - total, self.limit // 20)  # other processes write here too

    def _entries(self, unfinished: bool = False) -> Iterator[tuple[Path, int, float]]:
        """Yield path, size and time of last use of each result; clear away what killed processes left."""
        old = time.time() - _LEFT_BEHIND
        for path in self.folder.glob("??/*"):
            try:
                state = path.stat()
            except OSError:  # another process removed it
                continue
            left = LEFTOVER.fullmatch(path.name) is not None
            if left and state.st_mtime < old:
                _remove(path)
            elif (left and unfinished) or path.suffix == _ENDING:
                yield path, state.st_size, state.st_mtime


def result_key(pipeline: Stage, flow: Flow) -> str | None:
    """Return the key of what a pipeline gives for a flow: of both, the code and the packages; None if it has none."""
    identity = _identity(pipeline)
    try:
        return None if identity is None else digest(code_digest(), environment_digest(), flow_digest(flow), identity)
    except Unwritable as reason:
        log.debug("cache: the input cannot be kept, %s", reason)
        return None


def _identity(stage: Stage) -> str | None:
    """Hash what a stage's output depends on besides its input; None if that is not known."""
    if not stage.cacheable:
        return None
    code: set[str] = set()
    for one in every(stage):
        kinds = [kind for kind in type(one).__mro__ if issubclass(kind, Stage)]
        for own in (*map(class_digest, kinds), holdings_digest(vars(one).values())):
            if own is None:
                return None
            code.add(own)
    return digest(stage.fingerprint, sorted(code))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
