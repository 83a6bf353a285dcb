"""Choose a recipe's settings, never by what they are measured on.

Retrieval (`tune`): in each fold the candidate with the best mean over the other folds' queries is chosen, and
only its values on the held-out queries are reported; put together, they are one value per query. Candidates
share the stages they have in common. A recipe that learns from judgements is fitted on these other queries; what
a candidate is worth there inner folds say (`irkit.evaluate.nested`). Whatever else can be measured (`tune_on`): the
candidate with the best value on held-out data is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.errors import ConfigError
from irkit.evaluate.byfold import ByFold
from irkit.evaluate.engine import LOCAL, Engine, EngineName, check_engine, engine_of, in_order
from irkit.evaluate.evaluation import Evaluation
from irkit.evaluate.grid import Template, recipe_of, space_of
from irkit.evaluate.leak import check_leak
from irkit.evaluate.measures import USUAL, Measures, aggregate, parse_measures
from irkit.evaluate.nested import judged, part_of
from irkit.evaluate.search import search
from irkit.evaluate.space import Method, Space, check_method
from irkit.evaluate.splits import Folds
from irkit.evaluate.splits import folds as parted
from irkit.evaluate.systems import index_of, resources_for, topics_of
from irkit.evaluate.tables import tried as tried_table
from irkit.evaluate.trials import Nested, Whole
from irkit.frames import Qrels
from irkit.pipeline.chain import Then
from irkit.pipeline.fit import Topics
from irkit.pipeline.stage import Stage
from irkit.pipeline.unfold import in_row
from irkit.progress import progress as progress_of
from irkit.rng import check_seed
from irkit.table import Table, counted
from irkit.table.published import Published

if TYPE_CHECKING:
    from irkit.recipe import Recipe


@dataclass(frozen=True)
class Tuned(Published):
    """What cross-validation chose, and what the choices scored on queries they did not see."""

    recipe: Recipe | Template
    "What was tuned."
    space: Space
    chosen: list[dict[str, Any]]
    "The values chosen in each fold."
    evaluation: Evaluation
    "Every query measured under the settings chosen without it."
    folds: Folds
    candidates: list[dict[str, Any]]
    "All values tried."
    means: Floats
    """(candidates,) float64: mean of the first measure over all queries, of such as learn over folds and inner folds,
    for looking at; nothing is chosen by it."""
    measure: str
    "The measure that chose."
    train: Any = None
    "What the pipelines are fitted on, if they learn."
    topics: Topics | None = None
    "The queries and judgements of which they are fitted on those of the other folds, if they learn from such."
    inner: int = 0
    "Inner folds by which such were chosen."
    resources: Mapping[str, Any] | None = None
    "What the recipe was built on."

    @property
    def best(self) -> dict[str, Any]:
        """The values with the best mean over all queries; `evaluation` says what such a choice is worth."""
        return self.candidates[int(np.argmax(self.means))]

    @cached_property
    def pipeline(self) -> Stage:
        """The pipeline for other queries: with the best values, and fitted on all of these queries if it learns.

        It knows the judgements that it was chosen by, so that `experiment` refuses to measure it on these queries.
        """
        train = self.topics or self.train
        found = _pipeline(self.recipe, self.space, self.best, self.resources or {}, train)
        first, *others = in_row(found)
        first = copy(first)
        qids = frozenset(self.evaluation.per_query.index)
        first.fitted_on = qids | (getattr(first, "fitted_on", None) or frozenset())  # type: ignore[attr-defined]
        return Then.of(first, *others)

    def stage(self, resources: Mapping[str, Any] | None = None) -> Stage:
        """Return a pipeline that runs each query with the settings chosen without it, fitted without it."""
        resources = resources or self.resources or {}
        if self.topics is None:
            parts = [_pipeline(self.recipe, self.space, values, resources, self.train) for values in self.chosen]
            return ByFold(parts, self.folds)
        flow, qrels = self.topics.flow, self.topics.qrels
        fitted = []
        for fold, values in enumerate(self.chosen):
            train = self.folds.train(fold)
            topics = Topics(part_of(flow, train), judged(qrels, train))
            fitted.append(_pipeline(self.recipe, self.space, values, resources, topics))
            check_leak(self.recipe.name, fitted[-1], self.folds.test(fold), qrels, who="tune")
        return ByFold(fitted, self.folds, guarded=True)

    def notes(self) -> list[str]:
        """Say in a line per distinct choice what was chosen, and in how many folds."""
        inner = f" and {self.inner} inner folds of the others" if self.inner else ""
        tried = (
            f"{counted(len(self.candidates), 'candidate')} of {self.space.name} by {self.measure}, "
            f"{len(self.folds)} folds{inner}"
        )
        times = {_said(values) + _edges(self.space, values, ", "): self.chosen.count(values) for values in self.chosen}
        return [f"tuned: {tried}"] + [f"chosen in {n} fold{'s' * (n > 1)}: {said}" for said, n in times.items()]

    def frame(self) -> pd.DataFrame:
        """Return one row per candidate: its values, its mean, and in how many folds it was chosen."""
        return _frame(self.candidates, self.measure, self.means, self.chosen)

    def tables(self) -> list[Table]:
        """Describe every candidate: its values, its mean, and in how many folds it was chosen."""
        title, *notes = str(self).splitlines()
        how = {"label": self.space.name, "title": title}
        return [tried_table(self.candidates, self.measure, self.means, self.chosen, notes=notes, **how)]

    def __str__(self) -> str:
        tried = f"{self.space.name}: {counted(len(self.candidates), 'candidate')}, {len(self.folds)} folds"
        tried += f", {self.inner} inner folds" if self.inner else ""
        said = [_said(values) + _edges(self.space, values, ", ") for values in self.chosen]
        chosen = [f"fold {number}: {one}" for number, one in enumerate(said, 1)]
        held_out = ", ".join(f"{measure} {value:.4f}" for measure, value in self.evaluation.means.items())
        return "\n".join([f"{tried}, chosen by {self.measure}", *chosen, f"held-out queries: {held_out}"])


@dataclass(frozen=True)
class Chosen(Published):
    """The candidate with the best value on held-out data."""

    recipe: Recipe
    "With the settings chosen."
    space: Space
    values: dict[str, Any]
    "Those settings, by the names of the space."
    candidates: list[dict[str, Any]]
    "All values tried."
    scores: list[float]
    "What each candidate scored on the held-out data."
    measure: str
    "The measure that chose."
    held_out: str
    "What it was measured on, in a few words."

    @property
    def tried(self) -> str:
        """What was chosen from, by what."""
        return f"{counted(len(self.candidates), 'candidate')} of {self.space.name} by {self.measure} on {self.held_out}"

    def notes(self) -> list[str]:
        """Say what was chosen from what, and what of it lies at the edge of the space."""
        edges = _edges(self.space, self.values)
        return [f"tuned: {self.tried}", f"chosen: {_said(self.values)}", *[edges] * bool(edges)]

    def frame(self) -> pd.DataFrame:
        """Return one row per candidate: its values, its score on the held-out data, and 1 if it was chosen."""
        return _frame(self.candidates, self.measure, self.scores, [self.values])

    def tables(self) -> list[Table]:
        """Describe every candidate: its values, its score on the held-out data, and 1 if it was chosen."""
        return [
            tried_table(
                self.candidates,
                self.measure,
                self.scores,
                [self.values],
                label=self.space.name,
                title=self.tried,
                notes=self.notes()[1:],
            )
        ]


def tune(
    pipeline: Stage | Recipe | str | Path,
    space: Space | Mapping[str, Any] | str | Path,
    queries: Any,
    qrels: Qrels | None = None,
    measures: Measures = USUAL,
    *,
    resources: Mapping[str, Any] | None = None,
    folds: int = 5,
    method: Method = "grid",
    trials: int = 50,
    seed: int = 42,
    exclude_self: bool | None = None,
    train: Any = None,
    inner: int = 5,
    engine: EngineName = "local",
    address: str | None = None,
    progress: bool = False,
) -> Tuned:
    """Choose settings fold by fold and measure every query under those chosen without it.

    A recipe that learns from judgements is fitted without it too: in each fold candidates are compared by inner
    folds of the other folds' queries, and the chosen one is fitted on all of these.

    Parameters
    ----------
    pipeline : Stage, Recipe, or name or path of a recipe
    space : mapping of setting to values, Space, or name or path of one
        `{"k1": [0.9, 1.2], "b": [0.4, 0.75]}` tries all combinations; where several stages have a setting, say which
        by the stage or its place, `rm3.mu` or `0.mu` (`Stage.with_settings`). A range is
        `{"low": 25, "high": 1200, "log": True}`, for draws at random.
    queries, qrels
        As `experiment` takes them, a collection too; queries without qrels are left out.
    measures : see `parse_measures`
        The first one chooses, by its mean over the training folds; among equals the earlier candidate wins.
    resources : mapping, optional
        What a recipe needs; with a collection its index is at hand.
    folds : int
        Parts the queries are split into, each of which is held out once.
    method : {"grid", "random", "optuna"}
    trials : int
        Candidates drawn, in each fold for optuna; a grid tries all.
    seed : int
        Of the folds and the draws.
    exclude_self : bool, optional
        As in `evaluate`.
    train : Topics or RatingTable, optional
        What candidates are fitted on, if they learn; nothing of it may be in `qrels`. Without it those that learn
        from judgements are fitted on those of the other folds.
    inner : int
        Inner folds of such.
    engine, address
        What tries candidates, as in `run_suite`: this process, or the workers of Ray. Those of optuna depend on what
        the ones before them gave, so it is not for Ray.
    progress : bool
        Show how much was tried, and how long the rest may take.

    Raises
    ------
    ConfigError
        If a name is no setting of the pipeline or may be several, or there are more folds than judged queries.

    Examples
    --------
    Take what is best on these queries to others; `print(tuned)` says what such a choice is worth:

        tuned = tune(bm25, {"k1": [0.9, 1.2], "b": [0.4, 0.75]}, queries, qrels, "AP")
        tuned.pipeline(others)
    """
    check_method(method, who="tune")
    check_tuned_by(engine, address, method)
    check_seed(seed)
    queries, qrels, collection = topics_of(queries, qrels, who="tune")
    recipe = recipe_of(pipeline)
    space = space_of(space, recipe.name)
    resources = resources_for(recipe, "tune", index_of(collection), resources)
    queries = queries[queries["qid"].isin(set(qrels["qid"]))].reset_index(drop=True)
    parsed = parse_measures(measures)
    names = tuple(map(str, parsed))
    split = parted(queries["qid"], folds, seed)
    make = partial(_pipeline, recipe, space, resources=resources)
    learns = train is None and Topics in recipe.learns_from
    how = (queries, qrels, parsed, exclude_self, split)
    tried = (
        Nested(recipe.name, make, *how, inner=inner) if learns else Whole(recipe.name, partial(make, train=train), *how)
    )
    candidates = tried.candidates

    def best(fold: int) -> int:
        if method == "optuna":
            found = search(space, lambda values: tried.value(values, fold), trials, seed + fold, lower=False)
            return candidates.index(found)
        return max(range(len(candidates)), key=lambda number: tried.value(candidates[number], fold))

    some = [] if method == "optuna" else space.candidates(method, trials, seed)
    total = (len(some) or trials * folds) * (folds if learns and some else 1)
    with progress_of(total, f"{space.name}: trying", " fits" if learns else " candidates", shown=progress) as bar:
        tried.told = bar.update
        if some:
            with engine_of(engine, address, who="tune") as running:
                tried.add_by(running, some)
        chosen = [candidates[best(fold)] for fold in range(folds)]
    parts = [tried.held_out(values, fold) for fold, values in enumerate(chosen)]
    per_query = pd.concat(parts).loc[queries["qid"]]
    means = {name: aggregate(one, per_query[name].to_numpy()) for name, one in zip(names, parsed, strict=True)}
    evaluation = Evaluation(
        names, per_query, means, {"evaluated": len(queries), "without_results": 0, "without_qrels": 0}
    )
    topics = Topics(queries, qrels) if learns else None
    return Tuned(
        recipe, space, chosen, evaluation, split, candidates, tried.overall(), names[0], train, topics,
        inner if learns else 0, resources,
    )  # fmt: skip


def tune_on(
    recipe: Recipe,
    space: Space,
    value: Callable[[Recipe], float],
    *,
    measure: str,
    lower: bool,
    held_out: str,
    method: Method = "grid",
    trials: int = 50,
    seed: int = 42,
    engine: Engine = LOCAL,
    progress: bool = False,
) -> Chosen:
    """Choose the candidate with the best value on held-out data; among equals the earlier one.

    Parameters are those of `tune`, but for these.

    Parameters
    ----------
    value : function of a recipe
        What it scores on data that it is not measured on afterwards. An engine that is not this process must be able to
        send it to others.
    measure, held_out : str
        What `value` gives and on what, for those who read of the choice.
    lower : bool
        Small values are good.
    """
    candidates: list[dict[str, Any]] = []
    scores: list[float] = []

    def counted(values: dict[str, Any]) -> float:
        if values not in candidates:
            scores.append(value(space.applied(recipe, values)))
            candidates.append(values)
        bar.update()
        return scores[candidates.index(values)]

    some = [] if method == "optuna" else space.candidates_for(recipe, method, trials, seed)
    with progress_of(len(some) or trials, f"{space.name}: trying", " candidates", shown=progress) as bar:
        if some:
            candidates += [one for number, one in enumerate(some) if one not in some[:number]]
            bar.update(len(some) - len(candidates))
            recipes = [space.applied(recipe, values) for values in candidates]
            scores += in_order(engine, _value_of, value, recipes, bar.update)
        else:
            search(space, counted, trials, seed, lower=lower)
    best = candidates[int(np.argmin(scores) if lower else np.argmax(scores))]
    return Chosen(space.applied(recipe, best), space, best, candidates, scores, measure, held_out)


def check_tuned_by(engine: str, address: str | None, method: Method) -> None:
    """Raise `ConfigError` unless there is such an engine, and it can try the candidates of a method."""
    check_engine(engine, address, who="tune")
    if engine != "local" and method == "optuna":
        raise ConfigError("tune: optuna chooses a candidate by those before it, one by one; leave out the engine")


def _value_of(value: Callable[[Recipe], float], recipe: Recipe) -> list[float]:
    return [value(recipe)]


def _pipeline(
    recipe: Recipe | Template, space: Space, values: Mapping[str, Any], resources: Mapping[str, Any], train: Any = None
) -> Stage:
    pipeline: Stage = space.applied(recipe, values).build(**resources)
    return pipeline if train is None else pipeline.fit(train)


def _frame(
    candidates: Sequence[Mapping[str, Any]], measure: str, scores: Sequence[float] | Floats, chosen: Sequence[Any]
) -> pd.DataFrame:
    rows = [{**values, measure: score} for values, score in zip(candidates, scores, strict=True)]
    return pd.DataFrame(rows).assign(chosen=[chosen.count(values) for values in candidates])


def _edges(space: Space, values: Mapping[str, Any], before: str = "") -> str:
    """Say which of some values lie at the edge of their space; empty where none does."""
    found = ", ".join(space.edges(values))
    return f"{before}at the edge of its space: {found}" if found else ""


def _said(values: Mapping[str, Any]) -> str:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())
