"""Recommenders compared on split ratings or over folds, without a suite: the loop is that of suites."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from irkit.errors import ConfigError
from irkit.evaluate.board import Board, Row
from irkit.evaluate.compare import check_baseline, check_test
from irkit.evaluate.corrections import Correction, check_correction
from irkit.evaluate.measures import split_measures
from irkit.evaluate.significance import Test
from irkit.evaluate.systems import systems_of
from irkit.evaluate.tables import LEVEL, measured
from irkit.evaluate.tasks.ratings import RatingsChoice
from irkit.evaluate.tasks.task import System
from irkit.frames import short
from irkit.recommend.lists import recommenders
from irkit.recommend.problems import problems_of
from irkit.recommend.splits import split_title
from irkit.rng import check_seed
from irkit.table import Cell as Shown
from irkit.table import Column, Table
from irkit.table.numbers import megabytes, milliseconds, seconds
from irkit.table.published import Published
from irkit.table.text import text

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage
    from irkit.recipe import Recipe

_log = logging.getLogger("irkit")


@dataclass(frozen=True)
class RatingsExperiment(Published):
    """Recommenders with their measures, differences and costs; prints as a table."""

    board: Board
    "What a suite's board holds too: cells with intervals and tests, values of single users, costs and notes."

    @property
    def rows(self) -> list[Row]:
        """The systems that have figures, in the order given."""
        return [row for row in self.board.rows if not row.failed]

    @property
    def means(self) -> dict[str, dict[str, float]]:
        """System -> measure -> value, over folds and seeds."""
        return {row.name: {measure: cell.mean for measure, cell in row.cells.items()} for row in self.rows}

    @cached_property
    def per_user(self) -> pd.DataFrame:
        """One row per system and user: `system`, `user_id` and a column per measure that users have values of."""
        frames = [
            pd.DataFrame({name: values for name, values in row.values.items() if values})
            .rename_axis("user_id")
            .reset_index()
            .assign(system=row.name)
            for row in self.rows
        ]
        whole = pd.concat(frames, ignore_index=True)
        return whole[["system", *(name for name in whole if name != "system")]]

    def frame(self) -> pd.DataFrame:
        """Return one row per system and measure with all its statistics."""
        return pd.DataFrame(
            {"system": row.name, "measure": measure, **cell.statistics()}
            for row in self.rows
            for measure, cell in row.cells.items()
        )

    def tables(self) -> list[Table]:
        """Describe the means of all systems, marked where they differ from the baseline's, and what they cost."""
        board, names = self.board, [row.name for row in self.rows]
        columns, rows = measured({row.name: row.cells for row in self.rows}, board.measures)
        for name, field, shown in (
            (f"ms/{board.timed}", "milliseconds", milliseconds),
            ("s/fit", "fit_seconds", seconds),
            ("MB", "peak_memory_mb", megabytes),
        ):
            columns.append(Column(name))
            for row, own in zip(rows, self.rows, strict=True):
                row.append(Shown(shown(getattr(own, field)), getattr(own, field)))
        failed = [f"{row.name} has no figures: {row.failed}" for row in board.rows if row.failed]
        notes = [f"{row.name}: {note}" for row in self.rows for note in row.notes]
        test = f"{board.test}, {board.correction}-corrected p < {LEVEL}"
        return [
            Table(
                tuple(columns),
                tuple(map(tuple, rows)),
                title=board.data,
                facts=(*map(str, board.sizes), *(f"{name} {value}" for name, value in board.conditions.items())),
                ranked=len(rows) > 1,
                baseline=names.index(board.baseline) if board.baseline in names else None,
                against=f"the baseline {board.baseline} ({test})" if board.baseline else "",
                interval=board.interval,
                notes=(*failed, *board.notes, *notes),
            )
        ]

    def __str__(self) -> str:
        return "\n\n".join(map(text, self.tables()))


def experiment_ratings(
    systems: Any,
    ratings: Any,
    measures: str | Sequence[str],
    *,
    split: Any = None,
    folds: int | None = None,
    baseline: str | int | None = None,
    valid: float | None = None,
    liked: float | None = None,
    candidates: Literal["positives", "rated"] = "positives",
    test: Test = "t",
    correction: Correction = "holm",
    seed: int = 42,
    seeds: Sequence[int] | None = None,
    progress: bool = False,
) -> RatingsExperiment:
    """Fit recommenders and measure them on ratings that they did not learn from, as a suite does.

    Parameters
    ----------
    systems : mapping of name to system, or sequence of systems
        A recommender such as `PMF()`, a pipeline of some, or a recipe's name or path.
    ratings : name, path, RatingTable, frame, Problem, RatingSplit or sequence of RatingSplit
        As `irkit.recommend.problems.problems_of` takes them; several splits are folds.
    measures : str or sequence of str
        Rating errors, such as RMSE, or measures of top-n lists, such as nDCG@10; the first one ranks.
    split : str, mapping or SplitChoice, optional
        How the ratings are split, as in `load_problem`: default the one that the data have, or a random tenth.
    folds : int, optional
        Instead of `split`: parts drawn by `seed`, each of which is held out once.
    baseline : str or int, optional
        The system the others are compared with, by its name, or by its place from 0.
    valid, liked, candidates
        As in a suite (`irkit.evaluate.tasks.ratings.RatingsChoice`).
    test : {"t", "wilcoxon", "randomisation"}
        Paired over users; its p-values are corrected.
    correction : {"holm", "bonferroni", "benjamini-hochberg"}
    seed : int
        Of folds, bootstrap and randomisation.
    seeds : sequence of int, optional
        A system that draws is fitted once with each; numbers are means. Default the seed that a system states, such as
        `PMF(seed=7)`, or 1.
    progress : bool
        Show how many fits are done, and how long the rest may take.

    Raises
    ------
    ConfigError
        If systems, measures and ratings do not fit together. Nothing is fitted in that case.

    Examples
    --------
    >>> done = experiment_ratings(["bias", "item-knn"], "planted-factors", "RMSE", folds=3)
    >>> {name: round(one["RMSE"], 4) for name, one in done.means.items()}
    {'bias': 1.0548, 'item-knn': 0.6815}
    """
    from irkit.evaluate.run import measured_board
    from irkit.evaluate.suite import Suite, SystemChoice
    from irkit.recipe import to_recipe

    stages = systems_of(systems, who="experiment")
    for name, stage in stages.items():
        if any(one.train is not None for one in recommenders(stage)):
            _log.warning("experiment: %s was fitted, and is fitted anew on each training part", name)
    check_test(test, who="experiment")
    check_correction(correction, who="experiment")
    if isinstance(baseline, int):
        if not 0 <= baseline < len(stages):
            raise ConfigError(f"experiment: there is no system {baseline}; their places are 0 to {len(stages) - 1}")
        baseline = list(stages)[baseline]
    check_baseline(baseline, stages, who="experiment")
    problems = problems_of(ratings, split, folds, seed=check_seed(seed), who="experiment")
    how: dict[str, Any] = {"folds": folds} if folds else {"split": tuple(split_title(one.split) for one in problems)}
    how |= {} if liked is None else {"liked": liked}
    choice = RatingsChoice(name=problems[0].name, valid=valid, candidates=candidates, **how)
    suite = Suite(
        name="experiment",
        tasks=(choice,),
        systems=tuple(SystemChoice(name=name, recipe=name) for name in stages),
        measures=split_measures(measures) if isinstance(measures, str) else tuple(measures),
        baseline=baseline,
        test=test,
        correction=correction,
        seed=seed,
        **_seeds(seeds),
    )
    try:
        choice.check_suite(suite)
        task = choice.of(suite, problems)
        recipes = [_stated(stage, to_recipe(stage, _recipe_name(name))) for name, stage in stages.items()]
        taken = [task.taken(System(one, recipe)) for one, recipe in zip(suite.systems, recipes, strict=True)]
    except ConfigError as error:
        raise ConfigError(f"experiment: {str(error).removeprefix('suite experiment: ')}") from None
    return RatingsExperiment(measured_board(task, taken, progress=progress))


def _seeds(seeds: Any) -> dict[str, tuple[int, ...]]:
    """Return the seeds of a suite, if they are given."""
    if seeds is None:
        return {}
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        raise ConfigError(f"experiment: seeds is a list of whole numbers, got {short(seeds)}; write [1, 2, 3]")
    found = tuple(check_seed(seed) for seed in seeds)
    if len(set(found)) < len(found) or not found:
        raise ConfigError(f"experiment: seeds must be one or more and differ, got {list(found)}; name each once")
    return {"seeds": found}


def _stated(stage: Stage, recipe: Recipe) -> Recipe:
    """Return a recipe that says the seed which its pipeline was made with, also where that is the usual one."""
    if stage.parts or "seed" not in stage.config.model_fields_set:
        return recipe
    return recipe.with_settings({"seed": stage.config.seed})  # type: ignore[attr-defined]


def _recipe_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("._+-") or "system"
