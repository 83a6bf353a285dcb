"""Run systems on the same queries; measure what they find and what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from irkit.errors import CompositionError, ConfigError, FrameError, IrkitError, near_misses
from irkit.evaluate.beyond import check_train, column
from irkit.evaluate.board import Board, Cell, Row, Size
from irkit.evaluate.compare import LEVEL, Comparison, check_baseline, check_test
from irkit.evaluate.corrections import CORRECTION_TITLES, Correction, check_correction
from irkit.evaluate.evaluation import SELF_EXCLUDED, Evaluation, Evaluator
from irkit.evaluate.leak import check_leak
from irkit.evaluate.measures import Measures, parse_measures
from irkit.evaluate.memory import memory_notes
from irkit.evaluate.plan import plan, run_plan
from irkit.evaluate.significance import TEST_TITLES, Test
from irkit.frames import Qrels, Queries, check_qrels, queries_frame, short
from irkit.hits import Hits
from irkit.pipeline.chain import as_stage
from irkit.pipeline.stage import Flow, Stage
from irkit.rng import check_seed
from irkit.screen import visible
from irkit.table import number, text_table

if TYPE_CHECKING:
    from ir_measures import Measure as RankingMeasure

    from irkit.recipe import Cache
    from irkit.recommend.table import RatingTable

_ALLOW = ", or say allow_leak and the board will say so"


@dataclass(frozen=True)
class Experiment:
    """Systems with their measures, differences and costs; prints as a table."""

    stages: dict[str, Stage]
    "The systems."
    comparison: Comparison
    "What they scored, against the baseline."
    ms_per_query: dict[str, float | None]
    "Median over repeats of the milliseconds per query; None where a cache may have answered."
    peak_memory_mb: dict[str, float]
    "Peak resident memory of the process while the system ran, in megabytes."
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

    def compare(self, a: str, b: str) -> Comparison:
        """Compare two of the systems; differences are a minus b."""
        for name in (a, b):
            if name not in self.stages:
                raise ConfigError(f"experiment: there is no system {name!r}; {near_misses(name, self.stages)}")
        pair = {name: self.evaluations[name] for name in (b, a)}
        return Comparison(pair, b, self.comparison.test, self.comparison.seed, self.comparison.correction)

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

    def __str__(self) -> str:
        rows = []
        for name, cells in self.comparison.cells.items():
            mark = " *" if name == self.comparison.baseline else ""
            means = [number(cell.mean) + _sign(cell) for cell in cells.values()]
            rows.append([name + mark, *means, number(self.ms_per_query[name], 3), number(self.peak_memory_mb[name], 0)])
        lines = [text_table(["system", *(f"{m} " for m in self.measures), "ms/query", "MB"], rows, ruled=True), ""]
        lines.append(f"{len(self.comparison.qids)} queries")
        if self.comparison.baseline is not None:
            title, correction = TEST_TITLES[self.comparison.test], CORRECTION_TITLES[self.comparison.correction]
            lines.append(f"* baseline; + better and - worse than it ({title} test, {correction}-corrected p < {LEVEL})")
        lines += self.notes
        lines += [f"{name}: {note}" for name, notes in (self.system_notes or {}).items() for note in notes]
        return visible("\n".join(lines), lines=True)

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
    systems: Mapping[str, Stage],
    queries: Any,
    qrels: Qrels,
    measures: Measures,
    *,
    baseline: str | None = None,
    exclude_self: bool | None = None,
    train: RatingTable | None = None,
    test: Test = "t",
    correction: Correction = "holm",
    repeats: int = 1,
    seed: int = 42,
    cache: Cache | None = None,
    allow_leak: bool = False,
) -> Experiment:
    """Run systems on the same queries and measure them.

    Work that systems have in common (the same stages from the queries on, a fusion's parts included) is
    run once per repeat, and its time is charged to every system that uses it.

    Parameters
    ----------
    systems : mapping of name to pipeline
        Each takes queries and gives results; PyTerrier transformers may stand in.
    queries : queries frame, dict of qid to text, or sequence of texts
    qrels : qrels frame
        Queries without qrels are run and timed, but left out of the measures.
    measures : see `parse_measures`
    baseline : str, optional
        The system the others are compared with.
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

    Raises
    ------
    ConfigError
        If a system is not a pipeline from queries to results, was fitted on test queries, or an
        option does not fit. Nothing is run in that case.
    FrameError
        If no query has qrels, or a frame is not what its role asks for.
    """
    stages = _stages(systems)
    queries = queries_frame(queries)
    parsed = parse_measures(measures)
    check_train(parsed, train, who="experiment")
    _check(stages, repeats)
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

    found = measured_together(
        stages, queries, qrels, parsed, exclude_self=exclude_self, repeats=repeats, cache=cache, train=train
    )
    evaluations, seconds, peak = found.evaluations, found.seconds, found.peak_memory_mb
    comparison = Comparison({name: evaluations[name] for name in stages}, baseline, test, seed, correction)
    milliseconds = {name: None if cache else 1000 * spent / len(queries) for name, spent in seconds.items()}
    system_notes: dict[str, tuple[str, ...]] = {name: (note,) for name, note in leaks.items() if note}
    notes = tuple(_notes(comparison, repeats, cache is not None, self_said=exclude_self is not None))
    return Experiment(stages, comparison, milliseconds, peak, notes, system_notes)


SINGLE_RUN = "times are of a single run, in which what is run first pays for the warm-up"
"What a board says whose systems were run once."


class Together(NamedTuple):
    """What systems gave that were run side by side."""

    evaluations: dict[str, Evaluation]
    seconds: dict[str, float]
    "Median over repeats."
    peak_memory_mb: dict[str, float]
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
    seen: Callable[[str, Flow], None] = lambda name, results: None,
) -> Together:
    """Run systems, work they have in common once per repeat, and measure them.

    With `keep_going` a system that fails is told in `failed`, and does not raise. `seen` is shown what each found.
    """
    evaluations: dict[str, Evaluation] = {}

    @lru_cache
    def evaluator() -> Evaluator:
        return Evaluator(qrels, measures, queries, exclude_self, train)

    def receive(name: str, results: Flow) -> None:
        evaluations[name] = evaluator()(results)
        seen(name, results)

    todo = plan(stages)
    failed: dict[str, Exception] = {}
    costs = run_plan(
        todo, queries, repeats=repeats, cache=cache, receive=receive, failed=failed if keep_going else None
    )
    spent = {name: costs.of(todo.used[name]) for name in stages if name not in failed}
    seconds, peak = ({name: one[i] for name, one in spent.items()} for i in (0, 1))
    ranges = {name: costs.range(todo.used[name]) for name in spent}
    return Together(evaluations, seconds, peak, failed, ranges)


def _stages(systems: Any) -> dict[str, Stage]:
    """Return the systems by name, after a check of what they are."""
    if not isinstance(systems, Mapping):
        raise ConfigError(
            f"experiment: systems are a dict of name to pipeline, got {type(systems).__name__}; "
            "write {'bm25': bm25, 'mine': mine}"
        )
    return {str(name): _stage(name, system) for name, system in systems.items()}


def _stage(name: Any, system: Any) -> Stage:
    if isinstance(system, (Hits, pd.DataFrame)):
        what = "results that are there are measured by irkit.evaluate.compare({name: results}, qrels, measures)"
        raise ConfigError(f"experiment: {name} must be a pipeline, got results ({type(system).__name__}); {what}")
    try:
        return as_stage(system)
    except CompositionError:
        what = "build a recipe with recipe.build(index=index), wrap a function with irkit.pipeline.apply"
        raise ConfigError(f"experiment: {name} must be a pipeline, got {short(system)}; {what}") from None


def _check(stages: dict[str, Stage], repeats: int) -> None:
    if not stages:
        raise ConfigError("experiment: needs one system or more, got none")
    if repeats < 1:
        raise ConfigError(f"experiment: repeats must be 1 or more, got {repeats}")
    for name, stage in stages.items():
        if stage.takes != "queries" or stage.gives != "results":
            raise ConfigError(
                f"experiment: a system goes from queries to results, but {name} goes from {stage.takes} to "
                f"{stage.gives}; start it with a retriever"
            )


def _notes(comparison: Comparison, repeats: int, cached: bool, *, self_said: bool) -> list[str]:
    notes = []
    first = next(iter(comparison.evaluations.values()))
    if first.counts["without_qrels"]:
        notes.append(f"{first.counts['without_qrels']} queries have no qrels and are left out")
    if first.counts["without_relevant"]:
        notes.append(f"{first.counts['without_relevant']} queries have no relevant document and score 0")
    if first.exclude_self and not self_said:
        notes.append(f"{SELF_EXCLUDED}, as the collection's card says")
    if cached:
        notes.append("results may come from the cache, so times are not reported")
    elif repeats == 1:
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


def _sign(cell: Cell) -> str:
    """Mark a significant difference; a blank keeps the column aligned."""
    if cell.p_corrected is None or cell.p_corrected >= LEVEL or cell.delta is None:
        return " "
    return "+" if cell.delta > 0 else "-"
