"""Ranking of candidates that queries come with: feature files, and answers to questions.

A system takes results, the candidates, and gives them in another order. What learns is fitted on the training part of
a fold, stops early by its validation part, and is measured on its test part; every query is tested in one fold.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from irkit.errors import ConfigError
from irkit.evaluate.beyond import check_none_beyond
from irkit.evaluate.board import Size
from irkit.evaluate.evaluation import Evaluation, evaluate
from irkit.evaluate.leak import check_leak
from irkit.evaluate.measures import measure_names
from irkit.evaluate.memory import peak_memory_mb, reset_peak
from irkit.evaluate.space import Space, load_space
from irkit.evaluate.tasks.curves import learning_curves
from irkit.evaluate.tasks.ranked import RankedTask
from irkit.evaluate.tasks.seeds import seeds_of
from irkit.evaluate.tasks.task import (
    PAPER,
    STOPPED_BY_TEST,
    Measured,
    Options,
    System,
    TaskChoice,
    Trial,
    refuse,
)
from irkit.evaluate.tuning import Chosen, tune_on
from irkit.pipeline import Topics
from irkit.recipe.indexes import collection_index
from irkit.rng import generator

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite
    from irkit.frames import Qrels
    from irkit.io import Pool, PoolsCollection
    from irkit.lucene import Index
    from irkit.pipeline.stage import Stage
    from irkit.recipe import Recipe


class PoolChoice(TaskChoice):
    """Pools of a suite."""

    field = "pools"
    tunes = True
    repeats: int = Field(3, ge=1)
    "Runs to take the median time of."
    protocol: Literal["validation", "paper"] = "validation"
    "Which part training is stopped early by: the validation part, or as some papers do the test part; boards say so."
    known: float = Field(1.0, gt=0, le=1)
    "Share of the training labels that are given; others, drawn by the suite's seed, count as 0."
    vectors: str = ""
    "Word vectors for the systems that need them and name none; see `irkit.recipe.vectors.open_vectors`."
    encoder: str = ""
    "An encoder for the systems that need one and name none; see `irkit.recipe.encoders.open_encoder`."
    cross_encoder: str = ""
    "Likewise; see `irkit.recipe.encoders.open_cross_encoder`."

    @classmethod
    def check_suite(cls, suite: Suite) -> None:
        """Raise `ConfigError` unless there are measures, all of them known."""
        if not suite.measures:
            raise ConfigError("measures: a suite of pools has one or more, got none; write measures: nDCG@10 AP")
        check_none_beyond(measure_names(suite.measures))

    def load(self, suite: Suite, options: Options) -> PoolTask:
        """Find the pools; each fold must have a test part, of queries that no other fold tests."""
        from irkit.io import load_pools

        collection = load_pools(self.name)
        lacking = [fold for fold in range(collection.folds) if "test" not in collection.parts(fold)]
        if lacking:
            raise ConfigError(f"suite {suite.name}: {self.name} has no test part in fold {lacking[0] + 1}; give it one")
        choice = self if options.repeats is None else self.changed(repeats=options.repeats)
        task = PoolTask(suite, choice, collection, options)
        task.check_folds()
        return task


@dataclass(frozen=True, eq=False)
class PoolTask(RankedTask):
    """Pools, and what ranks them."""

    choice: PoolChoice
    collection: PoolsCollection
    options: Options
    kind = "ranking"
    _pools: dict[tuple[str, int], Pool] = field(default_factory=dict)

    @property
    def conditions(self) -> dict[str, str]:
        """What differs from the usual: the protocol, and hidden labels."""
        found = {"protocol": PAPER} if self._by_paper else {}
        return found | ({"known": f"{self.choice.known:.6g} of the labels"} if self.choice.known < 1 else {})

    @property
    def sizes(self) -> list[Size]:
        """Candidates and queries of the test parts."""
        candidates = sum(len(self.pool("test", fold).candidates) for fold in range(self.folds))
        return [
            Size(number=candidates, one="candidate", many="candidates"),
            Size(number=len(self.units()), one="query", many="queries"),
        ]

    @property
    def times(self) -> int:
        """Queries of every fold's test part."""
        return sum(len(self.pool("test", fold)) for fold in range(self.folds))

    @property
    def folds(self) -> int:  # type: ignore[override]
        """Those of the collection."""
        return self.collection.folds

    @cached_property
    def _units(self) -> list[str]:
        pools = [self.pool("test", fold) for fold in range(self.folds)]
        judged = (pool.queries["qid"][pool.queries["qid"].isin(pool.qrels["qid"])] for pool in pools)
        return list(dict.fromkeys(qid for qids in judged for qid in qids))

    def units(self) -> list[str]:
        """Return the queries of the test parts that have candidates."""
        return self._units

    def check_folds(self) -> None:
        """Raise `ConfigError` if a query is tested in two folds, or two queries of different folds have one name."""
        tested: dict[str, int] = {}
        for fold in range(self.folds) if self.folds > 1 else ():
            for qid in self.pool("test", fold).queries["qid"]:
                if tested.setdefault(qid, fold) != fold:
                    where = f"in the folds {tested[qid] + 1} and {fold + 1} of {self.name}"
                    what = f"the query {qid!r} is tested {where}; test each query in one"
                    raise ConfigError(f"suite {self.suite.name}: {what}")

    def pool(self, part: str, fold: int) -> Pool:
        """Return the candidates of a part, read once."""
        if (part, fold) not in self._pools:
            self._pools[part, fold] = self.collection.pool(part, fold)
        return self._pools[part, fold]

    def topics(self, part: str, fold: int) -> Topics:
        """Return what rankers learn from, or stop by."""
        pool = self.pool(part, fold)
        qrels = hidden(pool.qrels, self.choice.known, self.suite.seed) if part == "train" else pool.qrels
        return Topics(pool.candidates, qrels)

    @cached_property
    def index(self) -> Index:
        """Of the candidates' texts, built where there is none."""
        self.options.say(f"{self.name}: index")
        return collection_index(self.collection)

    def taken(self, system: System) -> System:
        """Look whether the system ranks results, and there is what it needs."""
        recipe: Any = system.recipe
        if recipe.takes != "results":
            what = "begins with queries, and candidates are given; leave out the retriever"
            raise refuse(self.suite, system.name, what)
        super().taken(system)
        lacking = [fold for fold in range(self.folds) if "train" not in self.collection.parts(fold)]
        if "train" in recipe.needs and lacking:
            what = f"learns, and fold {lacking[0] + 1} of {self.name} has no training part; leave it out"
            raise refuse(self.suite, system.name, what)
        if system.choice.tune:
            self._check_tunable(system)
        return system

    def seeds(self, system: System) -> Sequence[int | None]:
        """Return those of a system that draws; see `seeds_of`."""
        return seeds_of(self.suite, system.recipe)

    def fit(self, trial: Trial) -> tuple[Stage, list[str]]:
        """Return a pipeline, tuned or fitted if it is to be, and notes on that."""
        if not (space := trial.system.choice.tune):
            return self._fitted(trial.recipe, trial)
        chosen = self._tuned(load_space(space), trial)
        stage, notes = self._fitted(chosen.recipe, trial)
        tried, *said = chosen.notes()
        part = self.part(trial)
        return stage, [tried, *(part + note for note in said), *notes]

    def run(self, trials: Sequence[Trial]) -> Iterator[Measured | Exception]:
        """Fit and measure one after the other; what fails gives its error."""
        for trial in trials:
            reset_peak()
            try:
                start = time.perf_counter()
                fitted = self.fit(trial)
                spent = time.perf_counter() - start
                found = self.measure(fitted, trial)
                yield replace(found, fit_seconds=spent if fitted[0].learns else None, peak_memory_mb=peak_memory_mb())
            except Exception as error:
                yield error

    def measure(self, fitted: tuple[Stage, list[str]], trial: Trial) -> Measured:
        """Rank the candidates of the test part of a fold; values of other folds' queries are NaN."""
        (stage, notes), pool = fitted, self.pool("test", trial.fold)
        allow = self._by_paper
        if check_leak(trial.system.name, stage, pool.queries["qid"], pool.qrels, allow=allow, who="suite"):
            notes = [STOPPED_BY_TEST, *notes]
        spent: list[float] = []
        untimed = 1 if self.choice.repeats > 1 else 0  # what runs first pays for what is loaded and compiled then
        for _ in range(untimed + self.choice.repeats):
            start = time.perf_counter()
            results = stage.run(pool.candidates)
            spent.append(time.perf_counter() - start)
        found: Evaluation = evaluate(results, pool.qrels, self.suite.measures, queries=pool.queries)
        values = found.per_query.reindex(self.units())
        first = trial.fold == 0 and trial.seed in (None, self.suite.seeds[0])
        return Measured(
            {measure: values[measure].to_numpy(dtype=np.float64) for measure in found.measures},
            dict(found.means),
            seconds=float(np.median(spent[untimed:])),
            notes=tuple(notes),
            facts={"counts": found.counts},
            figures=tuple(learning_curves(stage)) if first else (),
        )

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say how queries without a relevant candidate count, and what training was stopped by."""
        import pandas as pd

        counts = next(iter(found.values()))[0].facts["counts"]
        notes = []
        if n := counts["without_relevant"]:
            many, scores = ("1 query has", "scores") if n == 1 else (f"{n} queries have", "score")
            notes.append(f"{many} no relevant candidate and {scores} 0")
        if n := counts["without_qrels"]:
            notes.append(f"{n} {'query has' if n == 1 else 'queries have'} no candidate and no score")
        if self.folds > 1:
            notes.append(f"{self.folds} folds, each query tested in one; means are over queries")
        if self._by_paper:
            notes.append("paper protocol: the epoch of what is trained was chosen by the test part it is measured on")
        elif lacking := sum(self._learns_alone(fold, found) for fold in range(self.folds)):
            where = f"in {lacking} of {self.folds} folds there is" if self.folds > 1 else "there is"
            notes.append(f"{where} no validation part: what stops early holds out some of its training queries")
        if self.choice.known < 1:
            notes.append(f"{1 - self.choice.known:.6g} of the training labels are hidden and count as 0")
        named = dict.fromkeys(one for system in found for one in self._named.get(system, ()))
        if not named:
            return notes
        queries = pd.concat([self.pool("test", fold).queries for fold in range(self.folds)], ignore_index=True)
        return [*notes, *self._sources.notes(queries, named)]

    # ------------------------------------------------------------------ how

    def _fitted(self, recipe: Recipe, trial: Trial) -> tuple[Stage, list[str]]:
        """Return the pipeline of a recipe, fitted on a fold if it learns."""
        stage = recipe.build(**self._resources(trial.system))
        if not stage.learns:
            return stage, []
        stops = "test" if self._by_paper else "valid"
        train = self.topics("train", trial.fold)
        valid = self.topics(stops, trial.fold) if stops in self.collection.parts(trial.fold) else None
        self._check_apart("train", trial, "was fitted on", "fit it on")
        fitted = stage.fit(train, valid)
        return fitted, fitted.findings()

    def _check_tunable(self, system: System) -> None:
        """Refuse to tune without a validation part, or under a protocol that does not use it."""
        if self._by_paper:
            what = "is tuned by a validation part, and protocol paper has none; leave out tune"
            raise refuse(self.suite, system.name, what)
        lacking = [fold for fold in range(self.folds) if "valid" not in self.collection.parts(fold)]
        if lacking:
            what = f"is to be tuned, and fold {lacking[0] + 1} of {self.name} has no validation part; leave out tune"
            raise refuse(self.suite, system.name, what)

    def _tuned(self, space: Space, trial: Trial) -> Chosen:
        """Choose settings by the first measure on the validation part of a fold, by which what learns stops too."""
        self._check_apart("valid", trial, "is tuned by", "validate by")
        pool, tuning, measure = self.pool("valid", trial.fold), self.suite.tuning, self.measures[0]

        def value(recipe: Recipe) -> float:
            results = self._fitted(recipe, trial)[0].run(pool.candidates)
            return evaluate(results, pool.qrels, measure.name, queries=pool.queries).means[measure.name]

        return tune_on(
            trial.recipe,
            space,
            value,
            measure=measure.name,
            lower=measure.lower,
            held_out="the validation part",
            method=tuning.method,
            trials=tuning.trials,
            seed=self.suite.seed,
        )

    def _learns_alone(self, fold: int, found: Mapping[str, Sequence[Measured]]) -> bool:
        """Whether something learned in a fold that has nothing to stop by."""
        learned = any(one.fit_seconds is not None for trials in found.values() for one in trials)
        return learned and "valid" not in self.collection.parts(fold)

    @property
    def _by_paper(self) -> bool:
        return self.choice.protocol == "paper"

    def _check_apart(self, part: str, trial: Trial, how: str, instead: str) -> None:
        """Refuse queries of a part that are tested; a fitted system may not tell all that it was chosen by."""
        test = self.pool("test", trial.fold).queries["qid"]
        both = test[test.isin(self.pool(part, trial.fold).queries["qid"])]
        if len(both):
            what = f"{how} {len(both)} of the {len(test)} test queries, such as {both.iloc[0]!r}"
            raise ConfigError(f"suite: {trial.system.name} {what}; {instead} other queries")


def hidden(qrels: Qrels, known: float, seed: int) -> Qrels:
    """Leave out judgements at random, all but a share of them.

    Parameters
    ----------
    qrels : qrels frame
    known : float in (0, 1]
        Share that stays.
    seed : int
        Of the draw.
    """
    if known == 1:
        return qrels
    stay = generator(seed, "known labels").permutation(len(qrels))[: round(known * len(qrels))]
    return qrels.iloc[np.sort(stay)].reset_index(drop=True)
