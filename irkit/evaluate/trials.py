"""What candidates of a tuning space are worth over folds of queries, and what they score on those held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.evaluate.engine import LOCAL, Engine, in_order, pieces_of
from irkit.evaluate.evaluation import Evaluator, evaluate
from irkit.evaluate.leak import check_leak
from irkit.evaluate.nested import InnerFolds, Prefixes, fit_and_run
from irkit.evaluate.plan import plan, run_plan
from irkit.evaluate.splits import Folds
from irkit.pipeline.fit import before_learning
from irkit.pipeline.stage import Flow, Stage

if TYPE_CHECKING:
    from ir_measures import Measure

    from irkit.frames import Qrels, Queries

Values: TypeAlias = dict[str, Any]
"The settings of a candidate."


def _nobody(n: int = 1) -> None:
    """Stand where nobody is told."""


@dataclass
class Trials:
    """Candidates over folds of queries; a subclass says how each is measured."""

    name: str
    "Of the recipe."
    make: Callable[[Mapping[str, Any]], Stage]
    "Builds the pipeline of a candidate."
    queries: Queries
    "With judgements."
    qrels: Qrels
    measures: list[Measure]
    "The first one chooses."
    exclude_self: bool | None
    split: Folds
    told: Callable[..., object] = _nobody
    "Called when one was measured, of those that learn in one fold; or with the number of several."
    candidates: list[Values] = field(default_factory=list)
    "Those tried, in the order they came."

    def number(self, values: Values) -> int:
        """Return the place of a candidate, which is put behind the others if it is new."""
        if values not in self.candidates:
            self.candidates.append(values)
        return self.candidates.index(values)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "told": _nobody}  # who is told lives in this process


@dataclass
class Whole(Trials):
    """Candidates that need none of the queries to learn from: each is measured once, on all of them."""

    tables: dict[int, pd.DataFrame] = field(default_factory=dict)
    "Candidate -> what each query scored."

    @cached_property
    def evaluator(self) -> Evaluator:
        """Measures each candidate against the same judgements."""
        return Evaluator(self.qrels, self.measures, self.queries, self.exclude_self)

    def add(self, some: list[Values]) -> None:
        """Measure candidates; stages they have in common run once."""
        pipelines = {str(self.number(values)): self.make(values) for values in some}
        for pipeline in pipelines.values():  # they may have learned from what candidates are chosen by
            check_leak(self.name, pipeline, self.queries["qid"], self.qrels, who="tune")

        def receive(number: str, results: Flow) -> None:
            self.tables[int(number)] = self.evaluator(results).per_query
            self.told()

        run_plan(plan(pipelines), self.queries, repeats=1, cache=None, receive=receive)

    def add_by(self, engine: Engine, some: list[Values]) -> None:
        """Have an engine measure candidates, neighbours together, which have most stages in common."""
        if engine is LOCAL:
            return self.add(some)
        tables = in_order(engine, _tables, self, pieces_of(some, engine.workers), self.told)
        self.tables |= {self.number(values): table for values, table in zip(some, tables, strict=True)}
        return None

    def value(self, values: Values, fold: int) -> float:
        """Return the mean of the first measure over the queries of the other folds."""
        if self.number(values) not in self.tables:
            self.add([values])
        return float(self.tables[self.number(values)].iloc[:, 0].loc[self.split.train(fold)].mean())

    def held_out(self, values: Values, fold: int) -> pd.DataFrame:
        """Return what each query of a fold scored."""
        return self.tables[self.number(values)].loc[self.split.test(fold)]

    def overall(self) -> Floats:
        """Return the mean of each candidate over all queries."""
        return np.array([self.tables[number].iloc[:, 0].mean() for number in range(len(self.candidates))])


@dataclass
class Nested(Trials):
    """Candidates that learn from judgements: what a fold holds out is neither learned from nor chosen by."""

    inner: int = 5
    "Inner folds of the queries of the other folds."
    found: dict[tuple[int, int], float] = field(default_factory=dict)
    "Candidate and fold -> its value there."

    @cached_property
    def prefixes(self) -> Prefixes:
        """What stages give before anything is learned."""
        return Prefixes(self.queries, self.qrels)

    @cached_property
    def folds(self) -> list[InnerFolds]:
        """The inner folds of each fold."""
        how: dict[str, Any] = {"k": self.inner, "seed": self.split.seed, "exclude_self": self.exclude_self}
        trains = [self.split.train(fold) for fold in range(len(self.split))]
        return [InnerFolds(self.prefixes, train, self.qrels, str(self.measures[0]), **how) for train in trains]

    def add(self, some: list[Values]) -> None:
        """Measure candidates in each fold, those that begin with the same stages one after the other."""
        for values, fold in self._pairs(some):
            self.value(values, fold)

    def add_by(self, engine: Engine, some: list[Values]) -> None:
        """Have an engine measure candidates in each fold, neighbours in the order of `add` together."""
        pairs = self._pairs(some)
        if engine is LOCAL:
            return self.add(some)
        found = in_order(engine, _values, self, pieces_of(pairs, engine.workers), self.told)
        self.found |= {(self.number(values), fold): one for (values, fold), one in zip(pairs, found, strict=True)}
        return None

    def _pairs(self, some: list[Values]) -> list[tuple[Values, int]]:
        for values in some:
            self.number(values)
        return [(values, fold) for values in sorted(some, key=self._beginning) for fold in range(len(self.split))]

    def value(self, values: Values, fold: int) -> float:
        """Return the mean of the first measure over the queries of the other folds, each ranked without it."""
        key = self.number(values), fold
        if key not in self.found:
            self.found[key] = self.folds[fold].value(self.make(values))
            self.told()
        return self.found[key]

    def _beginning(self, values: Values) -> list[str]:
        return [stage.fingerprint for stage in before_learning(self.make(values))[0]]

    def held_out(self, values: Values, fold: int) -> pd.DataFrame:
        """Return what each query of a fold scores under a candidate fitted on those of the others."""
        flow, rest = self.prefixes.split(self.make(values))
        train, test = self.split.train(fold), self.split.test(fold)
        _, hits = fit_and_run(flow, rest, train, test, self.qrels, name=self.name)
        return evaluate(hits, self.qrels, self.measures, queries=hits.queries, exclude_self=self.exclude_self).per_query

    def overall(self) -> Floats:
        """Return the mean of each candidate over the folds that it was tried in."""
        tried: list[list[float]] = [[] for _ in self.candidates]
        for (number, _), value in self.found.items():
            tried[number].append(value)
        return np.array([np.mean(values) for values in tried])


def _tables(whole: Whole, some: list[Values]) -> list[pd.DataFrame]:
    whole.add(some)
    return [whole.tables[whole.number(values)] for values in some]


def _values(nested: Nested, pairs: list[tuple[Values, int]]) -> list[float]:
    return [nested.value(values, fold) for values, fold in pairs]
