"""Tuning of one recommender, without a suite: settings chosen on a part of the training ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from irkit.errors import ConfigError
from irkit.evaluate.engine import EngineName, engine_of
from irkit.evaluate.measures import split_measures
from irkit.evaluate.space import Method, Space
from irkit.evaluate.tasks.ratings import RatingsChoice
from irkit.evaluate.tasks.task import Measured, System, Trial
from irkit.evaluate.tuning import Chosen, check_tuned_by
from irkit.recommend.problems import problems_of
from irkit.recommend.splits import split_title
from irkit.rng import check_seed
from irkit.table import Table
from irkit.table.published import Published

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from irkit.pipeline.stage import Stage
    from irkit.recipe import Recipe


@dataclass(frozen=True)
class TunedRatings(Published):
    """Settings chosen on a part of the training ratings, beside the recipe's own on the test part."""

    chosen: Chosen
    default: Measured
    "Of the recipe as it is, on the test part."
    tuned: Measured
    "Of the settings chosen, on the test part, by which nothing was chosen."
    notes: list[str]
    "What a reader of both should know."

    @property
    def best(self) -> dict[str, Any]:
        """The settings chosen, by the names of the space."""
        return self.chosen.values

    @property
    def pipeline(self) -> Stage:
        """The recommender with the settings chosen, to be fitted on whatever ratings it is to learn from."""
        return self.chosen.recipe.build()

    def frame(self) -> pd.DataFrame:
        """Return one row per candidate: its values, its score on the held-out data, and 1 if it was chosen."""
        return self.chosen.frame()

    def tables(self) -> list[Table]:
        """Describe every candidate, and below them what the choice and the recipe as it is score on the test part."""
        (table,) = self.chosen.tables()
        return [replace(table, notes=(*table.notes, *self._said()))]

    def __str__(self) -> str:
        return "\n".join([*self.chosen.notes(), *self._said()])

    def _said(self) -> list[str]:
        parts = {"default": self.default, "tuned": self.tuned}
        means = {name: ", ".join(f"{m} {v:.4f}" for m, v in one.means.items()) for name, one in parts.items()}
        said = [f"{name}: {note}" for name, one in parts.items() for note in one.notes]
        figures = [f"{name} on the test part: {found}" for name, found in means.items()]
        return [*figures, *self.notes, *said]


def tune_ratings(
    recipe: Recipe | Stage | str | Path,
    space: Space | Mapping[str, Any] | str | Path,
    ratings: Any,
    measures: str | Sequence[str],
    *,
    split: Any = None,
    valid: float | None = None,
    liked: float | None = None,
    candidates: Literal["positives", "rated"] = "positives",
    method: Method = "grid",
    trials: int = 50,
    seed: int = 42,
    engine: EngineName = "local",
    address: str | None = None,
    progress: bool = False,
) -> TunedRatings:
    """Choose a recommender's settings on a part of the training ratings, and measure them on the test part.

    It is what `tune` does in a suite; so are `valid`, `liked` and `candidates` (see `RatingsChoice`).

    Parameters
    ----------
    recipe : Recipe, its name or path, or a recommender such as `PMF()`
    space : mapping of setting to values, Space, or name or path of one
        As in `tune`: `{"reg": [0.02, 0.1], "factors": [10, 50]}`.
    ratings : name, path, RatingTable, frame, Problem or RatingSplit
        As `irkit.recommend.problems.problems_of` takes them.
    measures : str or sequence of str
        Rating errors, such as RMSE, or measures of top-n lists, such as nDCG@10; the first one chooses.
    split : str, mapping or SplitChoice, optional
        As in `load_problem`; default the one that the data have, or a random tenth.
    valid : float, optional
        Share of the training ratings to choose on, default a tenth. If it is given, models with the setting
        `patience` are stopped early by as many.
    method : {"grid", "random", "optuna"}
    trials : int
        Candidates drawn; a grid tries all.
    seed : int
        Of the part to choose on and the draws.
    engine, address
        As in `tune`.
    progress : bool
        Show how much was tried, and how long the rest may take.

    Raises
    ------
    ConfigError
        If measures, recipe, space and ratings do not fit together.
    """
    from irkit.evaluate.grid import space_of, written
    from irkit.evaluate.suite import Suite, SystemChoice, Tuning

    check_tuned_by(engine, address, method)
    recipe = written(recipe)
    space = space_of(space, recipe.name)
    if valid is not None and not 0 < valid < 1:
        raise ConfigError(f"tune: valid must lie between 0 and 1, got {valid:g}; 0.1 holds out a tenth")
    problem, *others = problems_of(ratings, split, who="tune")
    if others:
        raise ConfigError(f"tune: chooses on one split, got {1 + len(others)}; give one of them")
    threshold = {} if liked is None else {"liked": liked}
    choice = RatingsChoice(
        name=problem.name, split=split_title(problem.split), valid=valid, candidates=candidates, **threshold
    )
    suite = Suite(
        name="tune",
        tasks=(choice,),
        systems=(SystemChoice(name=recipe.name, recipe=recipe.name),),
        measures=split_measures(measures) if isinstance(measures, str) else tuple(measures),
        tuning=Tuning(method=method, trials=trials),
        seed=check_seed(seed),
    )
    try:
        choice.check_suite(suite)
        task = choice.of(suite, (problem,))
        trial = Trial(task.taken(System(suite.systems[0], recipe)))
    except ConfigError as error:
        raise ConfigError(f"tune: {str(error).removeprefix('suite tune: ')}") from None
    with engine_of(engine, address, who="tune") as running:
        chosen = task.tuned(recipe, space, engine=running, progress=progress)
    default, tuned = (task.measure(task.learned(one), trial) for one in (recipe, chosen.recipe))
    for _ in (default, tuned):
        task.looked(trial)
    return TunedRatings(chosen, default, tuned, task.notes({}))
