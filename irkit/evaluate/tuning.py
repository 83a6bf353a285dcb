"""Choose a recipe's settings by cross-validation, never by the queries they are measured on.

In each fold the candidate with the best mean over the other folds' queries is chosen, and only its
values on the held-out queries are reported; put together, they are one value per query. Candidates
share the stages they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.config import digest
from irkit.errors import MissingExtraError
from irkit.evaluate.evaluation import Evaluation, evaluate
from irkit.evaluate.leak import check_leak
from irkit.evaluate.measures import Measures, aggregate, parse_measures
from irkit.evaluate.plan import plan, run_plan
from irkit.evaluate.space import Method, Space
from irkit.evaluate.splits import Folds, folds
from irkit.frames import Qrels, Queries, queries_frame
from irkit.hits import Hits, stacked
from irkit.pipeline.stage import Flow, Stage
from irkit.rng import check_seed

if TYPE_CHECKING:
    from irkit.recipe import Recipe


@dataclass(frozen=True)
class Tuned:
    """What cross-validation chose, and what the choices scored on queries they did not see."""

    recipe: Recipe
    space: Space
    chosen: list[dict[str, Any]]
    "The values chosen in each fold."
    evaluation: Evaluation
    "Every query measured under the settings chosen without it."
    folds: Folds
    candidates: list[dict[str, Any]]
    "All values tried."
    means: Floats
    "(candidates,) float64: mean of the first measure over all queries, for looking at; nothing is chosen by it."
    measure: str
    "The measure that chose."
    train: Any = None
    "What the pipelines are fitted on, if they learn."

    def stage(self, resources: Mapping[str, Any]) -> Stage:
        """Return a pipeline that runs each query with the settings chosen without it."""
        parts = [_candidate(self.recipe, self.space, values, resources, self.train) for values in self.chosen]
        return _ByFold(parts, self.folds)

    def notes(self) -> list[str]:
        """Say in a line per distinct choice what was chosen, and in how many folds."""
        distinct = [values for i, values in enumerate(self.chosen) if values not in self.chosen[:i]]
        tried = f"{len(self.candidates)} candidates of {self.space.name} by {self.measure}, {len(self.folds)} folds"
        return [f"tuned: {tried}"] + [
            f"chosen in {times} fold{'s' * (times > 1)}: "
            + ", ".join(f"{name}={_shown(value)}" for name, value in values.items())
            for values in distinct
            for times in [self.chosen.count(values)]
        ]

    def frame(self) -> pd.DataFrame:
        """Return one row per candidate: its values, its mean, and in how many folds it was chosen."""
        rows = [{**values, self.measure: mean} for values, mean in zip(self.candidates, self.means, strict=True)]
        return pd.DataFrame(rows).assign(chosen=[self.chosen.count(values) for values in self.candidates])

    def __str__(self) -> str:
        lines = [
            f"{self.space.name}: {len(self.candidates)} candidates, {len(self.folds)} folds, chosen by {self.measure}"
        ]
        for number, values in enumerate(self.chosen, 1):
            lines.append(f"fold {number}: " + ", ".join(f"{name}={_shown(value)}" for name, value in values.items()))
        lines.append("held-out queries: " + ", ".join(f"{m} {v:.4f}" for m, v in self.evaluation.means.items()))
        return "\n".join(lines)


def tune(
    recipe: Recipe,
    space: Space,
    queries: Any,
    qrels: Qrels,
    measures: Measures,
    *,
    resources: Mapping[str, Any],
    k: int = 5,
    method: Method = "grid",
    trials: int = 50,
    seed: int = 42,
    exclude_self: bool | None = None,
    train: Any = None,
) -> Tuned:
    """Choose settings fold by fold and measure every query under those chosen without it.

    Parameters
    ----------
    recipe : Recipe
    space : Space
        Of this recipe's settings.
    queries, qrels
        As `experiment` takes them; queries without qrels are left out.
    measures : see `parse_measures`
        The first one chooses, by its mean over the training folds; among equals the earlier candidate wins.
    resources : mapping
        What the recipe needs.
    k : int
        Folds.
    method : {"grid", "random", "optuna"}
    trials : int
        Candidates drawn, in each fold for optuna; a grid tries all.
    seed : int
        Of the folds and the draws.
    exclude_self : bool, optional
        As in `evaluate`.
    train : Topics or RatingTable, optional
        What candidates are fitted on, if they learn; nothing of it may be in `qrels`.

    Raises
    ------
    ConfigError
        If a name is no setting of the recipe, or k exceeds the judged queries.
    """
    check_seed(seed)
    queries = queries_frame(queries)
    queries = queries[queries["qid"].isin(set(qrels["qid"]))].reset_index(drop=True)
    parsed = parse_measures(measures)
    split = folds(queries["qid"], k, seed)
    scored = _Scores(recipe, space, queries, qrels, parsed, resources, exclude_self, train)
    if method == "optuna":
        picks = [_search(scored, split.train(fold), trials, seed + fold) for fold in range(k)]
    else:
        candidates = space.grid() if method == "grid" else space.draws(trials, seed)
        scored.run(candidates)
        picks = [scored.best(split.train(fold)) for fold in range(k)]
    parts = [scored.tables[pick].loc[split.test(fold)] for fold, pick in enumerate(picks)]
    per_query = pd.concat(parts).loc[queries["qid"]]
    names = tuple(map(str, parsed))
    means = {name: aggregate(measure, per_query[name].to_numpy()) for name, measure in zip(names, parsed, strict=True)}
    counts = {"evaluated": len(queries), "without_results": 0, "without_qrels": 0}
    return Tuned(
        recipe,
        space,
        [scored.candidates[pick] for pick in picks],
        Evaluation(names, per_query, means, counts),
        split,
        scored.candidates,
        np.array([table[names[0]].mean() for table in scored.tables]),
        names[0],
        train,
    )


def tune_on(
    recipe: Recipe,
    space: Space,
    candidates: Sequence[Mapping[str, Any]],
    value: Callable[[Recipe], float],
    *,
    lower: bool,
) -> tuple[Recipe, list[str]]:
    """Choose the candidate with the best value on held-out data; among equals the earlier one.

    Parameters
    ----------
    value : function of a recipe
        What it scores on data that it is not measured on afterwards.
    lower : bool
        Small values are good.

    Returns
    -------
    Recipe, list of str
        With the settings chosen, and what a reader should know of the choice.
    """
    recipes = [recipe.with_settings(space.settings(values)) for values in candidates]
    scored = [value(one) for one in recipes]
    best = int(np.argmin(scored) if lower else np.argmax(scored))
    notes = ["chosen: " + ", ".join(f"{name}={_shown(one)}" for name, one in candidates[best].items())]
    if edges := space.edges(candidates[best]):
        notes.append(f"at the edge of its space: {', '.join(edges)}")
    return recipes[best], notes


class _ByFold(Stage):
    """Run each query with the pipeline of the fold that holds it out; other queries find nothing."""

    name = "by-fold"
    takes = "queries"
    gives = "results"

    def __init__(self, parts: Sequence[Stage], split: Folds) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.fold_of = {qid: fold for fold in range(len(split)) for qid in split.test(fold)}

    @property
    def fingerprint(self) -> str:
        """Hash of the pipelines and of which query goes to which."""
        return digest("by-fold", [part.fingerprint for part in self.parts], self.fold_of)

    def run(self, flow: Queries) -> Hits:
        """Run fold by fold and put the results in the order of the queries."""
        fold = flow["qid"].map(self.fold_of).fillna(-1).to_numpy(dtype=np.int64)
        parts = [flow[fold == number].reset_index(drop=True) for number in range(len(self.parts))]
        found = [part.run(own) for part, own in zip(self.parts, parts, strict=True)]
        queries = pd.concat(parts, ignore_index=True)
        return stacked(found, queries).for_queries(flow)  # type: ignore[arg-type]


def _candidate(
    recipe: Recipe, space: Space, values: Mapping[str, Any], resources: Mapping[str, Any], train: Any
) -> Stage:
    pipeline = recipe.with_settings(space.settings(values)).build(**resources)
    return pipeline if train is None else pipeline.fit(train)


class _Scores:
    """Candidates and what each scored on every query."""

    def __init__(
        self,
        recipe: Recipe,
        space: Space,
        queries: pd.DataFrame,
        qrels: Qrels,
        measures: Any,
        resources: Mapping[str, Any],
        exclude_self: bool | None,
        train: Any,
    ) -> None:
        self.recipe, self.space, self.resources, self.train = recipe, space, resources, train
        self.queries, self.qrels, self.measures, self.exclude_self = queries, qrels, measures, exclude_self
        self.candidates: list[dict[str, Any]] = []
        self.tables: list[pd.DataFrame] = []

    def run(self, candidates: list[dict[str, Any]]) -> None:
        """Measure candidates; stages they have in common run once."""
        stages = {
            str(number): _candidate(self.recipe, self.space, values, self.resources, self.train)
            for number, values in enumerate(candidates)
        }
        for stage in stages.values():  # they may have learned from what candidates are chosen by
            check_leak(self.recipe.name, stage, self.queries["qid"], self.qrels, who="tune")
        found: dict[str, pd.DataFrame] = {}

        def receive(number: str, results: Flow) -> None:
            done = evaluate(results, self.qrels, self.measures, queries=self.queries, exclude_self=self.exclude_self)  # type: ignore[arg-type]
            found[number] = done.per_query

        run_plan(plan(stages), self.queries, repeats=1, cache=None, receive=receive)
        self.candidates += candidates
        self.tables += [found[str(number)] for number in range(len(candidates))]

    def best(self, qids: list[str]) -> int:
        """Return the number of the candidate with the best mean over some queries."""
        means = [float(table.loc[qids].iloc[:, 0].mean()) for table in self.tables]
        return int(np.argmax(means))


def _search(scored: _Scores, qids: list[str], trials: int, seed: int) -> int:
    """Let Optuna look for good values, seeing the mean over some queries only; return the best candidate's number."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("tune: method optuna needs the package; pip install 'irkit[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
    tried: list[int] = []

    def objective(trial: Any) -> float:
        values = dict(_suggest(scored.space, trial))
        if values not in scored.candidates:
            scored.run([values])
        tried.append(scored.candidates.index(values))
        return float(scored.tables[tried[-1]].loc[qids].iloc[:, 0].mean())

    study.optimize(objective, n_trials=trials)
    return tried[study.best_trial.number]


def _suggest(space: Space, trial: Any) -> Iterator[tuple[str, Any]]:
    for name, parameter in space.parameters.items():
        if parameter.values:
            yield name, trial.suggest_categorical(name, list(parameter.values))
        elif parameter.whole:
            yield (
                name,
                trial.suggest_int(name, round(parameter.low or 0), round(parameter.high or 0), log=parameter.log),
            )
        else:
            yield name, trial.suggest_float(name, parameter.low or 0.0, parameter.high or 0.0, log=parameter.log)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
