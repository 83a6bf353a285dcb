"""Run systems on the same queries; measure what they find and what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from irkit.errors import ConfigError, FrameError, IrkitError, near_misses
from irkit.evaluate.beyond import check_train, column
from irkit.evaluate.board import Board, Row, Size
from irkit.evaluate.compare import Comparison, check_baseline, check_test
from irkit.evaluate.corrections import CORRECTION_TITLES, Correction, check_correction
from irkit.evaluate.evaluation import SELF_EXCLUDED, Evaluation, Evaluator, nothing_judged, of_a_run
from irkit.evaluate.leak import check_leak
from irkit.evaluate.measures import USUAL, Measures, parse_measures, said_aliases
from irkit.evaluate.memory import memory_notes
from irkit.evaluate.plan import plan, run_plan
from irkit.evaluate.significance import TEST_TITLES, Test
from irkit.evaluate.systems import check_runs, systems_of, topics_of
from irkit.frames import Qrels, Queries, check_qrels, short
from irkit.pipeline.given import holds_run
from irkit.pipeline.stage import Flow, Stage
from irkit.rng import check_seed
from irkit.table import Cell as Shown
from irkit.table import Column, Table
from irkit.table.numbers import megabytes, milliseconds
from irkit.table.published import Published
from irkit.table.text import text

if TYPE_CHECKING:
    from ir_measures import Measure as RankingMeasure

    from irkit.recipe import Cache
    from irkit.recommend.table import RatingTable

_ALLOW = ", or say allow_leak and the board will say so"


@dataclass(frozen=True)
class Experiment(Published):
    """Systems with their measures, differences and costs; prints as a table."""

    stages: dict[str, Stage]
    "The systems."
    comparison: Comparison
    "What they scored, against the baseline."
    ms_per_query: dict[str, float | None]
    "Median over repeats of the milliseconds per query; None where a cache may have answered, or a run was read."
    peak_memory_mb: dict[str, float | None]
    "Peak resident memory of the process while the system ran, in megabytes; None of a read run, or where unknown."
    notes: tuple[str, ...] = ()
    "What a reader of the numbers should know."
    system_notes: dict[str, tuple[str, ...]] | None = None
    "The same, of one system."

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures."""
        return self.comparison.measures

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        """System -> what it scored."""
        return self.comparison.evaluations

    @cached_property
    def per_query(self) -> pd.DataFrame:
        """One row per system and query: `system`, `qid` and a column per measure that queries have values of."""
        frames = [found.per_query.reset_index().assign(system=name) for name, found in self.evaluations.items()]
        return pd.concat(frames, ignore_index=True)[["system", "qid", *self.comparison.paired]]

    def frame(self) -> pd.DataFrame:
        """Return one row per system: means, and for each measure difference and corrected p against the baseline."""
        rows = []
        for name, cells in self.comparison.cells.items():
            row: dict[str, Any] = {"system": name, **{measure: cell.mean for measure, cell in cells.items()}}
            if self.comparison.baseline is not None:
                for measure, cell in cells.items():
                    row |= {f"{measure} delta": cell.delta, f"{measure} p": cell.p_corrected}
            rows.append({**row, "ms_per_query": self.ms_per_query[name], "peak_memory_mb": self.peak_memory_mb[name]})
        return pd.DataFrame(rows)

    def compare(self, a: str | int, b: str | int) -> Comparison:
        """Compare two of the systems, by their names or places from 0; differences are a minus b."""
        own, other = (str(_named(name, self.stages)) for name in (a, b))
        for name in (own, other):
            if name not in self.stages:
                raise ConfigError(f"experiment: there is no system {name!r}; {near_misses(name, self.stages)}")
        pair = {name: self.evaluations[name] for name in (other, own)}
        return Comparison(pair, other, self.comparison.test, self.comparison.seed, self.comparison.correction)

    def to_board(
        self, *, data: str = "", about: str = "", data_hash: str = "", documents: int | None = None, split: str = ""
    ) -> Board:
        """Return the experiment as a board of a result file.

        The keyword arguments say what the queries were run on; they are copied to the board.
        """
        things = [] if documents is None else [Size(number=documents, one="document", many="documents")]
        return Board(
            kind="retrieval",
            data=data,
            about=about,
            data_hash=data_hash,
            sizes=[*things, Size(number=len(self.comparison.qids), one="query", many="queries")],
            timed="query",
            conditions={"split": split} if split else {},
            measures=[column(name) for name in self.measures],
            baseline=self.comparison.baseline,
            test=TEST_TITLES[self.comparison.test],
            correction=CORRECTION_TITLES[self.comparison.correction],
            interval="95 % bootstrap",
            notes=list(self.notes),
            rows=[self._row(name) for name in self.stages],
        )

    def tables(self) -> list[Table]:
        """Describe the means of all systems, marked where they differ from the baseline's, and costs that are known."""
        (table,) = self.comparison.tables()
        own = [f"{name}: {note}" for name, notes in (self.system_notes or {}).items() for note in notes]
        columns, rows = table.columns, table.rows
        for cost, known, shown in (
            (Column("ms/query"), self.ms_per_query, milliseconds),
            (Column("MB", title="Memory (MB)"), self.peak_memory_mb, megabytes),
        ):
            values = [known[name] for name in self.comparison.cells]
            if any(value is not None for value in values):
                columns = (*columns, cost)
                rows = tuple((*row, Shown(shown(v), v)) for row, v in zip(rows, values, strict=True))
        return [replace(table, columns=columns, rows=rows, notes=(*self.notes, *own))]

    def __str__(self) -> str:
        return "\n\n".join(map(text, self.tables()))

    def _row(self, name: str) -> Row:
        recipe_hash, recipe_yaml = _recipe(self.stages[name], name)
        found = self.evaluations[name]
        return Row(
            name=name,
            recipe=name,
            recipe_hash=recipe_hash,
            recipe_yaml=recipe_yaml,
            cells=self.comparison.cells[name],
            milliseconds=self.ms_per_query[name],
            peak_memory_mb=self.peak_memory_mb[name],
            notes=list((self.system_notes or {}).get(name, ())),
            values={
                measure: dict(zip(self.comparison.qids, found.per_query[measure].tolist(), strict=True))
                if measure in self.comparison.paired
                else {}
                for measure in self.measures
            },
        )


def experiment(
    systems: Any,
    queries: Any,
    qrels: Qrels | None = None,
    measures: Measures = USUAL,
    *,
    baseline: str | int | None = None,
    exclude_self: bool | None = None,
    train: RatingTable | None = None,
    test: Test = "t",
    correction: Correction = "holm",
    repeats: int = 1,
    seed: int = 42,
    cache: Cache | None = None,
    allow_leak: bool = False,
    save_dir: str | PathLike[str] | None = None,
    overwrite: bool = False,
) -> Experiment:
    """Run systems on the same queries and measure them.

    Work that systems have in common (the same stages from the queries on, a fusion's parts included) is
    run once per repeat, and its time is charged to every system that uses it.

    Parameters
    ----------
    systems : mapping of name to system, or sequence of systems
        A system is a pipeline from queries to results or a PyTerrier transformer; a run, which is the path of a run
        file, a results frame or hits; or, with a collection, a recipe's name or path. Those of a sequence are called
        what they are, such as `bm25 >> rm3 >> bm25`.
    queries : queries frame, dict of qid to text, sequence of texts, or Collection
        Of a collection, or its name or path, its queries and judgements are meant.
    qrels : qrels frame
        Left out with a collection. Queries without qrels are run and timed, but left out of the measures.
    measures : see `parse_measures`
    baseline : str or int, optional
        The system the others are compared with, by its name, or by its place from 0.
    exclude_self : bool, optional
        Remove pairs with `docno == qid` before measuring; by default as the collection of the qrels says (`evaluate`).
    train : RatingTable, optional
        What recommenders among the systems were fitted on, for measures beyond accuracy (`evaluate`).
    test : {"t", "wilcoxon", "randomisation"}
        The test whose p-values are corrected; all three are computed.
    correction : {"holm", "bonferroni", "benjamini-hochberg"}
        How they are corrected for the number of systems, measure by measure.
    repeats : int
        Runs to take the median time of. They go round the systems, each begins with another one; where there are
        several, one more comes first and is not timed, so that no system pays for the warm-up.
    seed : int
        Of bootstrap and randomisation.
    cache : irkit.recipe.Cache, optional
        Take results of stages from there; times are then not reported.
    allow_leak : bool
        Accept a system that was fitted on test queries, or on ratings that are judged, and put a note on the board.
    save_dir : path, optional
        A folder for the run file of each system, the measures of each query and the result file. A run that is there
        and is the same, of settings, data, queries and code, is read and not run, and its time is not reported.
    overwrite : bool
        Run all systems and replace what is there; else another run of the same name is refused.

    Raises
    ------
    ConfigError
        If a system is not a pipeline from queries to results, was fitted on test queries, an option does not fit, or
        another run is in its place. Nothing is run in that case.
    FrameError
        If no query has qrels, or a frame is not what its role asks for.
    """
    queries, qrels, collection = topics_of(queries, qrels, who="experiment")
    stages = systems_of(systems, who="experiment", collection=collection)
    baseline = _named(baseline, stages)
    parsed = parse_measures(measures)
    check_train(parsed, train, who="experiment")
    if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
        raise ConfigError(f"experiment: repeats must be a whole number, 1 or more, got {short(repeats)}; write one")
    for option, value in (("allow_leak", allow_leak), ("overwrite", overwrite)):
        if not isinstance(value, bool):
            raise ConfigError(f"experiment: {option} must be True or False, got {short(value)}; write one of them")
    check_runs(stages, queries)
    check_baseline(baseline, stages, who="experiment")
    check_test(test, who="experiment")
    check_correction(correction, who="experiment")
    check_seed(seed)
    check_qrels(qrels, who="qrels")
    judged = set(qrels["qid"].unique())
    tested = [qid for qid in queries["qid"].tolist() if qid in judged]
    if not tested:
        raise FrameError("experiment: none of the queries has qrels; ids are compared as strings, '1' is not '01'")
    leaks = {
        name: check_leak(name, stage, tested, qrels, allow=allow_leak, otherwise=_ALLOW)
        for name, stage in stages.items()
    }

    saved = None
    if save_dir is not None:
        from irkit.evaluate.saved import SavedRuns

        saved = SavedRuns(save_dir, stages, queries, overwrite=overwrite)
    running = {**stages, **saved.there} if saved else stages
    found = measured_together(
        running, queries, qrels, parsed, exclude_self=exclude_self, repeats=repeats, cache=cache, train=train,
        keep=saved.write if saved else None,
    )  # fmt: skip
    evaluations, seconds, peak = found.evaluations, found.seconds, found.peak_memory_mb
    comparison = Comparison({name: evaluations[name] for name in stages}, baseline, test, seed, correction)
    read = {name: READ for name, stage in running.items() if holds_run(stage)}
    milliseconds = {
        name: None if cache or name in read else 1000 * spent / len(queries) for name, spent in seconds.items()
    }
    memory = {name: None if name in read else most for name, most in peak.items()}
    said = {name: tuple(filter(None, (leaks[name], read.get(name)))) for name in stages}
    for name in read:
        if name not in (saved.there if saved else ()):
            said[name] += tuple(of_a_run(evaluations[name].counts))
    system_notes = {name: notes for name, notes in said.items() if notes}
    told = _notes(comparison, milliseconds, repeats, cache is not None, self_said=exclude_self is not None)
    notes = (*said_aliases(measures), *told)
    done = Experiment(stages, comparison, milliseconds, memory, notes, system_notes)
    if saved:
        saved.finish(done)
    return done


SINGLE_RUN = "times are of a single run, in which what is run first pays for the warm-up"
"What a board says whose systems were run once."

READ = "a run that was read: its time and memory, and what it may have been fitted on, are not known"
"What it says of a system that is a run, or holds one."


class Together(NamedTuple):
    """What systems gave that were run side by side."""

    evaluations: dict[str, Evaluation]
    seconds: dict[str, float]
    "Median over repeats."
    peak_memory_mb: dict[str, float | None]
    failed: dict[str, Exception]
    "Why others gave nothing."
    ranges: dict[str, tuple[float, float]]
    "Least and greatest seconds over repeats."


def measured_together(
    stages: Mapping[str, Stage],
    queries: Queries,
    qrels: Qrels,
    measures: list[RankingMeasure],
    *,
    exclude_self: bool | None,
    repeats: int,
    cache: Cache | None,
    train: RatingTable | None = None,
    keep_going: bool = False,
    keep: Callable[[str, Any], None] | None = None,
) -> Together:
    """Run systems, work they have in common once per repeat, and measure them.

    What a system found is handed to `keep` as soon as it is there. With `keep_going` a system that fails is told in
    `failed`, and does not raise.
    """
    evaluations: dict[str, Evaluation] = {}

    @lru_cache
    def evaluator() -> Evaluator:
        return Evaluator(qrels, measures, queries, exclude_self, train)

    def receive(name: str, results: Flow) -> None:
        evaluations[name] = evaluator()(results)
        if keep is not None:
            keep(name, results)

    todo = plan(stages)
    failed: dict[str, Exception] = {}
    costs = run_plan(
        todo, queries, repeats=repeats, cache=cache, receive=receive, failed=failed if keep_going else None
    )
    spent = {name: costs.of(todo.used[name]) for name in stages if name not in failed}
    seconds = {name: one for name, (one, _) in spent.items()}
    peak = {name: most for name, (_, most) in spent.items()}
    ranges = {name: costs.range(todo.used[name]) for name in spent}
    return Together(evaluations, seconds, peak, failed, ranges)


def _named(baseline: str | int | None, stages: Mapping[str, Stage]) -> str | None:
    """Return the name of the baseline, which may be given by its place."""
    if baseline is None or isinstance(baseline, str):
        return baseline
    if not 0 <= baseline < len(stages):
        raise ConfigError(f"experiment: there is no system {baseline}; their places are 0 to {len(stages) - 1}")
    return list(stages)[baseline]


def _notes(
    comparison: Comparison, milliseconds: Mapping[str, float | None], repeats: int, cached: bool, *, self_said: bool
) -> list[str]:
    notes = []
    first = next(iter(comparison.evaluations.values()))
    if first.counts["without_qrels"]:
        notes.append(f"{first.counts['without_qrels']} queries have no qrels and are left out")
    if first.counts["without_relevant"]:
        notes.append(f"{first.counts['without_relevant']} queries have no relevant document and score 0")
    notes += nothing_judged(one.counts for one in comparison.evaluations.values())
    if first.exclude_self and not self_said:
        notes.append(f"{SELF_EXCLUDED}, as the collection's card says")
    if cached:
        notes.append("results may come from the cache, so times are not reported")
    elif repeats == 1 and any(spent is not None for spent in milliseconds.values()):
        notes.append(SINGLE_RUN)
    return [*notes, *memory_notes()]


def _recipe(stage: Stage, name: str) -> tuple[str, str]:
    """Return hash and text of a pipeline's recipe; of one that cannot be a recipe, its expression."""
    from irkit.recipe import to_recipe

    try:
        recipe = to_recipe(stage, re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("._+-") or "system")
    except IrkitError:
        return stage.fingerprint, repr(stage)
    return recipe.hash, recipe.yaml()
