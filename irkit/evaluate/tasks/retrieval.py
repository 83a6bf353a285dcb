"""Retrieval: pipelines on the queries of a collection, its index built once, each shared stage run once.

With `folds` the queries are measured fold by fold: what learns is fitted on the queries of the other folds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.beyond import check_none_beyond
from irkit.evaluate.board import Size
from irkit.evaluate.evaluation import Evaluation, nothing_judged, of_a_run
from irkit.evaluate.experiment import READ, SINGLE_RUN, Together, measured_together
from irkit.evaluate.leak import check_leak
from irkit.evaluate.looks import Looks, contents, first_documents, looks, trail
from irkit.evaluate.measures import measure_names, parse_measures
from irkit.evaluate.nested import InnerFolds, Prefixes, judged
from irkit.evaluate.space import Space, load_space
from irkit.evaluate.splits import Folds, folds
from irkit.evaluate.systems import check_runs
from irkit.evaluate.tasks.ranked import RankedTask
from irkit.evaluate.tasks.run_recipe import RunRecipe
from irkit.evaluate.tasks.task import Measured, Options, System, TaskChoice, Trial, refuse, settings_of
from irkit.evaluate.tuning import tune, tune_on
from irkit.lucene.analysis import check_analyzer
from irkit.pipeline import Topics
from irkit.pipeline.given import holds_run
from irkit.recipe.indexes import collection_index

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite, SystemChoice
    from irkit.frames import Qrels, Queries
    from irkit.io import Collection
    from irkit.lucene import Index
    from irkit.pipeline.stage import Stage


class IndexOptions(Config):
    """How a suite's indexes are built."""

    analyzer: str = "english"
    "See `irkit.lucene.Analyzer`."


class CollectionChoice(TaskChoice):
    """A collection of a suite."""

    field = "collections"
    tunes = True
    ranked: ClassVar[bool] = True
    "Whether a run file may be a system."
    split: str | None = None
    "Which of its splits; default the collection's own default."
    repeats: int = Field(3, ge=1)
    "Runs to take the median time of."
    index: IndexOptions = IndexOptions()
    "How its index is built."
    vectors: str = ""
    "Word vectors for the systems that need them and name none; see `irkit.recipe.vectors.open_vectors`."
    encoder: str = ""
    "An encoder for the systems that need one and name none; see `irkit.recipe.encoders.open_encoder`."
    cross_encoder: str = ""
    "Likewise; see `irkit.recipe.encoders.open_cross_encoder`."
    folds: int | None = Field(None, ge=2)
    "Folds of the queries for systems that learn from judgements."
    allow_leak: bool = False
    "Accept systems fitted on the test queries; the board says so."

    @classmethod
    def check_suite(cls, suite: Suite) -> None:
        """Raise `ConfigError` unless there are measures, all of them known."""
        if not suite.measures:
            raise ConfigError("measures: a suite of retrieval has one or more, got none; write measures: AP nDCG@10")
        check_none_beyond(measure_names(suite.measures))
        for named in {task.index.analyzer for task in suite.tasks} - {IndexOptions().analyzer}:  # type: ignore[attr-defined]
            try:
                check_analyzer(named)
            except ConfigError as error:
                raise ConfigError(f"index: {error}") from None

    @classmethod
    def recipe(cls, choice: SystemChoice) -> Any:
        """Load a system's recipe, or its run."""
        return RunRecipe.of(choice) if choice.run else super().recipe(choice)

    def load(self, suite: Suite, options: Options) -> Retrieval:
        """Find the collection."""
        from irkit.io import load_collection

        collection = load_collection(self.name)
        if self.split is not None and self.split not in collection.splits:
            known = near_misses(self.split, collection.splits)
            raise ConfigError(f"suite {suite.name}: {self.name} has no split {self.split!r}; {known}")
        choice = self if options.repeats is None else self.changed(repeats=options.repeats)
        return Retrieval(suite, choice, collection, options)


@dataclass(frozen=True, eq=False)
class Retrieval(RankedTask):
    """The queries of a collection, with their judgements."""

    choice: CollectionChoice
    collection: Collection
    options: Options
    together: ClassVar[bool] = True
    kind = "retrieval"

    @property
    def sizes(self) -> list[Size]:
        """Documents and judged queries."""
        documents = Size(number=self.index.stats.documents, one="document", many="documents")
        return [documents, Size(number=len(self.units()), one="query", many="queries")]

    @property
    def times(self) -> int:
        """All queries, those without judgements too; folds are of the judged ones."""
        return len(self.units()) if self.choice.folds else len(self.queries)

    @property
    def conditions(self) -> dict[str, str]:
        """The split."""
        split = self.choice.split or self.collection.card.default_split
        return {"split": split} if split else {}

    @property
    def folds(self) -> int:  # type: ignore[override]
        """Folds of the queries."""
        return self.choice.folds or 1

    @cached_property
    def queries(self) -> Queries:
        """Of the split."""
        return self.collection.queries(self.choice.split)

    @cached_property
    def qrels(self) -> Qrels:
        """Of the split."""
        return self.collection.qrels(self.choice.split)

    @cached_property
    def index(self) -> Index:
        """Built where there is none."""
        self.options.say(f"{self.name}: index")
        return collection_index(self.collection, self.choice.index.analyzer)

    @cached_property
    def _units(self) -> list[str]:
        judged = self.qrels
        if self.collection.exclude_self:
            judged = judged[judged["qid"].to_numpy() != judged["docno"].to_numpy()]
        known = set(judged["qid"].unique())
        return [qid for qid in self.queries["qid"].tolist() if qid in known]

    def units(self) -> list[str]:
        """Return the judged queries."""
        return self._units

    def taken(self, system: System) -> System:
        """Look whether there are the vectors or the folds that the system needs."""
        super().taken(system)
        if "train" in system.recipe.needs and self.choice.folds is None:  # type: ignore[union-attr]
            raise refuse(self.suite, system.name, "learns from judgements; say over how many folds: folds: 5")
        return system

    def seeds(self, system: System) -> Sequence[int | None]:
        """Return the suite's seeds where it names any and the system draws; else the recipe's own."""
        named = "seeds" in self.suite.model_fields_set and settings_of(system.recipe, "seed")
        return self.suite.seeds if named else [None]

    def fit(self, trial: Trial) -> tuple[Stage, list[str]]:
        """Return a pipeline, tuned or fitted if it is to be, and notes on that."""
        recipe, resources = trial.recipe, self._resources(trial.system)
        if space := trial.system.choice.tune:
            self.options.say(f"{self.name}: tuning {trial.system.name}")
            tuned = self._tuned_learner if Topics in recipe.learns_from else self._tuned
            return tuned(recipe, load_space(space), resources, trial.fold)
        stage = recipe.build(**resources)
        check_runs({trial.system.name: stage}, self.queries)
        if not stage.learns:
            return stage, []
        train = self._split.train(trial.fold)
        fitted = stage.fit(Topics(self._part(train), judged(self.qrels, train)))
        return fitted, fitted.findings()

    def measure(self, fitted: Any, trial: Trial) -> Measured:
        """Measure a single pipeline."""
        (found,) = self._measured([(trial, fitted)])
        if isinstance(found, Exception):
            raise found
        return found

    def run(self, trials: Sequence[Trial]) -> Iterator[Measured | Exception]:
        """Fit all, and measure those of a fold together."""
        self.options.say(f"{self.name}: {len(trials)} systems")
        gave: dict[int, Measured | Exception] = {}
        ready: list[tuple[int, Any, float | None]] = []
        for number, trial in enumerate(trials):
            start = time.perf_counter()
            try:
                fitted = self.fit(trial)
                ready.append((number, fitted, time.perf_counter() - start if fitted[0].learns else None))
            except Exception as error:
                gave[number] = error
        for fold in range(self.folds):
            batch = [one for one in ready if trials[one[0]].fold == fold]
            found = self._measured([(trials[number], fitted) for number, fitted, _ in batch])
            for (number, _, fitting), one in zip(batch, found, strict=True):
                gave[number] = one if isinstance(one, Exception) else replace(one, fit_seconds=fitting)
        return (gave[number] for number in range(len(trials)))

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say which queries are left out or score 0, what times are of, and which vectors there are."""
        counts = next(iter(found.values()))[0].facts["counts"]
        analyzer = self.choice.index.analyzer
        notes = [] if analyzer == IndexOptions().analyzer else [f"indexed by the analyser {analyzer}"]
        unjudged = len(self.queries) - len(self.units())
        if unjudged:
            notes.append(f"{unjudged} queries have no qrels and are left out")
        if counts["without_relevant"]:
            notes.append(f"{counts['without_relevant']} queries have no relevant document and score 0")
        notes += nothing_judged(trials[0].facts["counts"] for trials in found.values())
        if self.options.cache is not None:
            notes.append("results may come from the cache, so times are not reported")
        elif self.choice.repeats == 1:
            notes.append(SINGLE_RUN)
        if self.choice.folds:
            notes.append(f"{self.folds} folds of the queries: what learns was fitted on the others")
        named = dict.fromkeys(one for system in found for one in self._named.get(system, ()))
        return notes + self._sources.notes(self.queries, named)

    def looks(
        self, found: Mapping[str, Sequence[Measured]], values: Mapping[str, Mapping[str, float]], baseline: str | None
    ) -> Looks:
        """Tell what systems found for single queries: of the first seed, documents of the collection's index."""
        first = {name: trials[0].facts["first"] for name, trials in found.items() if "first" in trials[0].facts}
        queries = self.queries.set_index("qid")
        labels: dict[str, dict[str, int]] = {}
        for qid, docno, label in zip(*(self.qrels[name].tolist() for name in ("qid", "docno", "label")), strict=True):
            labels.setdefault(qid, {})[docno] = label

        def why(system: str, qid: str, docno: str) -> str:
            return trail(stage, queries.loc[[qid]].reset_index(), docno) if (stage := self._stage(system)) else ""

        units = self.units()
        texts = dict(zip(units, queries["query"].loc[units].tolist(), strict=True))
        return looks(first, values, baseline, texts, labels, partial(contents, self.index), why)

    # ------------------------------------------------------------------ how

    def _tuned(self, recipe: Any, space: Space, resources: dict[str, Any], _: int) -> tuple[Stage, list[str]]:
        tuning = self.suite.tuning
        tuned = tune(
            recipe,
            space,
            self.queries,
            self.qrels,
            self.suite.measures,
            resources=resources,
            folds=tuning.folds,
            method=tuning.method,
            trials=tuning.trials,
            seed=self.suite.seed,
            exclude_self=self.collection.exclude_self,
        )
        return tuned.stage(resources), tuned.notes()

    def _tuned_learner(
        self, recipe: Any, space: Space, resources: dict[str, Any], fold: int
    ) -> tuple[Stage, list[str]]:
        """Choose by inner folds of a fold's training queries, and fit what was chosen on all of these."""
        tuning, train, measure = self.suite.tuning, self._split.train(fold), str(parse_measures(self.suite.measures)[0])
        inner = InnerFolds(
            self._prefixes,
            train,
            self.qrels,
            measure,
            k=tuning.folds,
            seed=self.suite.seed,
            exclude_self=self.collection.exclude_self,
        )
        chosen = tune_on(
            recipe,
            space,
            lambda one: inner.value(one.build(**resources)),
            measure=measure,
            lower=False,
            held_out=f"{tuning.folds} inner folds of the other folds' queries",
            method=tuning.method,
            trials=tuning.trials,
            seed=self.suite.seed,
        )
        fitted = chosen.recipe.build(**resources).fit(Topics(self._part(train), inner.qrels))
        tried, *said = chosen.notes()
        return fitted, [tried, *(f"fold {fold + 1}, {note}" for note in said), *fitted.findings()]

    @cached_property
    def _prefixes(self) -> Prefixes:
        return Prefixes(self._part(self.units()), self.qrels)

    @cached_property
    def _split(self) -> Folds:
        return folds(pd.Series(self.units()), self.folds, self.suite.seed)

    def _part(self, qids: Sequence[str]) -> Queries:
        return self.queries[self.queries["qid"].isin(qids)].reset_index(drop=True)

    def _measured(self, fitted: Sequence[tuple[Trial, tuple[Stage, list[str]]]]) -> Iterator[Measured | Exception]:
        """Measure the pipelines of one fold."""
        if not fitted:
            return
        queries = self.queries if self.folds == 1 else self._part(self._split.test(fitted[0][0].fold))
        asked = set(queries["qid"])
        tested = [qid for qid in self.units() if qid in asked]
        leaks, stages = {}, {}
        refused: dict[str, Exception] = {}
        for number, (trial, (stage, _)) in enumerate(fitted):
            try:
                note = check_leak(
                    trial.system.name, stage, tested, self.qrels, allow=self.choice.allow_leak, who="suite"
                )
                leaks[str(number)], stages[str(number)] = [note] if note else [], stage
            except ConfigError as error:
                refused[str(number)] = error
        first: dict[str, dict[str, list[str]]] = {}

        def seen(name: str, hits: Any) -> None:
            if self.options.looks:
                first[name] = first_documents(hits, exclude_self=bool(self.collection.exclude_self))

        done = measured_together(
            stages,
            queries,
            self.qrels,
            parse_measures(self.suite.measures),
            exclude_self=self.collection.exclude_self,
            repeats=self.choice.repeats,
            cache=self.options.cache,
            keep_going=True,
            keep=seen,
        )
        for number, (trial, (stage, notes)) in enumerate(fitted):
            name = str(number)
            failed = refused.get(name) or done.failed.get(name)
            if failed is not None:
                yield failed
                continue
            if self.folds == 1:
                self._stages.setdefault(trial.system.name, stage)
            found = self._one(done, name, [*leaks[name], *notes], first.get(name))
            if holds_run(stages[name]):
                facts = {fact: value for fact, value in found.facts.items() if fact != "range"}
                own = (*found.notes, READ, *of_a_run(found.facts["counts"]))
                found = replace(found, seconds=None, peak_memory_mb=None, notes=own, facts=facts)
            yield found

    def _one(self, done: Together, name: str, notes: list[str], first: Any) -> Measured:
        found: Evaluation = done.evaluations[name]
        values = found.per_query.reindex(self.units())
        return Measured(
            {measure: values[measure].to_numpy(dtype=np.float64) for measure in found.measures},
            dict(found.means),
            seconds=done.seconds[name] if self.options.cache is None else None,
            peak_memory_mb=done.peak_memory_mb[name],
            notes=tuple(notes),
            facts={"counts": found.counts, **({"first": first} if first else {}), **self._range(done, name)},
        )

    def _range(self, done: Together, name: str) -> dict[str, list[float]]:
        """Return the range of times over repeats, where there are several and a whole run's is known."""
        known = self.options.cache is None and self.choice.repeats > 1 and self.folds == 1
        return {"range": list(done.ranges[name])} if known else {}

    @cached_property
    def _stages(self) -> dict[str, Stage]:
        """Systems as they were run in this process."""
        return {}

    def _stage(self, name: str) -> Stage | None:
        """Return a system as it was run; where another process ran it, only one that nothing was learned for."""
        if name not in self._stages and self.folds == 1:
            choice = next(one for one in self.suite.systems if one.name == name)
            system = System(choice, type(self.choice).recipe(choice))
            recipe = Trial(system, self.seeds(system)[0]).recipe
            if not (choice.tune or recipe.learns_from):
                self._stages[name] = recipe.build(**self._resources(system))
        return self._stages.get(name)

    def __getstate__(self) -> dict[str, Any]:
        # Built here, once, and opened by whoever gets the task.
        return {**self.__dict__, "index": self.index, "_stages": {}}
