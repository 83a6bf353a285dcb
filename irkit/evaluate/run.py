"""Run a suite of any kind and put its boards into one result."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import irkit
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.density_suite import DensityJob, DensitySuite
from irkit.evaluate.rating_suite import RatingJob, RatingSuite
from irkit.evaluate.retrieval_suite import RetrievalJob, RetrievalSuite
from irkit.evaluate.schema import SCHEMA, check_result
from irkit.evaluate.suite import Composite, load_suite
from irkit.evaluate.suitefile import AnySuite
from irkit.io.outputs import check_folder
from irkit.machine import machine

if TYPE_CHECKING:
    from irkit.recipe import Cache


def run_suite(
    suite: AnySuite | str | Path,
    *,
    collections: Sequence[str] | None = None,
    repeats: int | None = None,
    cache: Cache | None = None,
    runs: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run every system of a suite on everything it names.

    Whatever the suite names (recipes, settings, collections, splits, measures) is looked up and checked
    before the first index is built or the first model fitted.

    Parameters
    ----------
    suite : suite, name or path
    collections : sequence of str, optional
        Run on these of the suite's collections, ratings or data sets only.
    repeats : int, optional
        Instead of that of suites of retrieval; others have none.
    cache : irkit.recipe.Cache, optional
        Take results of stages of retrieval from there; times are then not reported.
    runs : path, optional
        Train each density model in a run folder there, named like its recipe, from where it stands: a suite
        that was cut goes on, and what has been trained is not trained again. For density models only.
    progress : function of str, optional
        Told what begins, in a few words.

    Returns
    -------
    dict
        Plain values in the shape of `irkit.evaluate.schema`.
    """
    chosen = suite if isinstance(suite, AnySuite) else load_suite(suite)
    chosen.check()
    parts: Sequence[AnySuite] = chosen.suites if isinstance(chosen, Composite) else [chosen]
    known = [name for part in parts for name in part.boards]
    for name in collections or ():
        if name not in known:
            raise ConfigError(f"suite {chosen.name}: there is no collection {name!r} in it; {near_misses(name, known)}")
    wanted = [part for part in parts if collections is None or set(collections).intersection(part.boards)]
    if runs is not None:
        for part in wanted:
            if not isinstance(part, DensitySuite):
                raise ConfigError(f"suite {part.name}: has no density models to train in run folders; leave out --runs")
    folder = None if runs is None else Path(runs)
    if folder is not None:
        check_folder(folder, who=f"suite {chosen.name}")
    jobs = [_prepare(part, collections, repeats, cache, folder) for part in wanted]
    say = progress or (lambda text: None)
    result = {
        "schema": SCHEMA,
        "suite": chosen.name,
        "about": chosen.about,
        "date": datetime.now(UTC).date().isoformat(),
        "irkit": irkit.__version__,
        "code": _code(),
        "machine": machine(),
        "seed": chosen.seed,
        "command": _command(chosen.name, collections, repeats),
        "boards": [board for job in jobs for board in job.boards(say)],
    }
    check_result(result, who=f"suite {chosen.name}")
    return result


def _prepare(
    suite: AnySuite, only: Sequence[str] | None, repeats: int | None, cache: Cache | None, runs: Path | None
) -> RetrievalJob | RatingJob | DensityJob:
    if isinstance(suite, RatingSuite):
        return RatingJob.prepare(suite, only)
    if isinstance(suite, DensitySuite):
        return DensityJob.prepare(suite, only, runs)
    assert isinstance(suite, RetrievalSuite)
    return RetrievalJob.prepare(suite if repeats is None else suite.changed(repeats=repeats), only, cache)


def _command(suite: str, only: Sequence[str] | None, repeats: int | None) -> str:
    words = ["irkit", "leaderboard", suite]
    for name in only or ():
        words += ["--only", name]
    if repeats is not None:
        words += ["--repeats", str(repeats)]
    return shlex.join(words)


def _code() -> str:
    from irkit.recipe.code import code_digest

    return code_digest()
