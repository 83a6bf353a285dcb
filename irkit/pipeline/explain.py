"""Why a document got its score: the trail through a pipeline, term by term where a stage knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from irkit.errors import FrameError
from irkit.frames import queries_frame
from irkit.hits import Hits
from irkit.ids import document_of
from irkit.pipeline.joined import Filled
from irkit.pipeline.naming import named
from irkit.pipeline.operators import Features
from irkit.pipeline.stage import Stage
from irkit.pipeline.unfold import Row, every, unfold
from irkit.screen import visible
from irkit.table import Cell, Column, Table, words
from irkit.table.published import Published

if TYPE_CHECKING:
    from irkit.pipeline.stage import Flow

Terms: TypeAlias = list[tuple[str, float, float]]
"Rows of (term, weight in the query, contribution to the score)."

SHOWN = 12, 4
"Terms of a rewritten query that are printed, and sources of each."

SHARES = 24
"Shares of a score that are printed, greatest first; a user of a recommender may have rated hundreds of items."


class Origin(NamedTuple):
    """One source of a term of a rewritten query."""

    term: str
    "The index term."
    weight: float
    "Its weight in the rewritten query."
    source: str
    "`query` for the query before, a feedback document, a query term the term is similar to, a latent factor."
    amount: float
    "What the source gave."
    unit: Literal["share", "nats"] = "share"
    "Share of the weight, adding up to 1 over a term's sources; or nats, adding up to its log weight up to a constant."


@dataclass(frozen=True)
class Step:
    """What one stage made of the document."""

    label: str
    "The stage as Python text."
    docno: str | None
    "The document, or its best passage; None where the stage did not give it."
    rank: int | None
    "Its rank, 0 is best."
    score: float | None
    "Its score."
    query: str | None
    "The query a rewriting stage gave; None for a stage that gives results."
    terms: Terms
    "What each query term adds to the score, greatest first, where the stage knows."
    parts: tuple[tuple[Step, ...], ...]
    "The trail through each pipeline inside an operator."
    origins: tuple[Origin, ...] = ()
    "Where the terms of a rewritten query came from, heaviest term first, where the stage knows."
    counted: str = ""
    "What the operator around a pipeline that did not give the document counted in place of its score, and why."
    features: tuple[tuple[str, float], ...] = ()
    "Names and values of the document's features, of a stage that makes such or changes their values."


@dataclass(frozen=True)
class Explanation(Published):
    """The trail of one document through a pipeline; prints as an indented text, ranks from 1."""

    query: str
    "The query as it came in."
    docno: str
    "The document asked about."
    steps: tuple[Step, ...]
    "One per stage, in order."
    asked_of: tuple[str, str] = Stage.asked_of
    "What the document is called, and the query."

    @property
    def score(self) -> float | None:
        """Score at the end of the pipeline; None where the document is not among the results."""
        return self.steps[-1].score

    @property
    def rank(self) -> int | None:
        """Rank at the end of the pipeline, 0 is best; None where the document is not among the results."""
        return self.steps[-1].rank

    def frame(self) -> pd.DataFrame:
        """Return the trail as a frame: `step`, `stage`, `rank`, `score`, `query`.

        Step 2.1.3 is the third stage of the first pipeline inside the second stage.
        """
        rows = [(number, step.label, step.rank, step.score, step.query) for number, step in walk(self.steps)]
        frame = pd.DataFrame(rows, columns=["step", "stage", "rank", "score", "query"])
        return frame.astype({"step": "str", "stage": "str", "rank": "Int64", "score": "float64"})

    def terms(self) -> pd.DataFrame:
        """Return what query terms add to scores as a frame: `step`, `stage`, `term`, `weight`, `contribution`."""
        rows = [(number, step.label, *term) for number, step in walk(self.steps) for term in step.terms]
        frame = pd.DataFrame(rows, columns=["step", "stage", "term", "weight", "contribution"])
        return frame.astype(
            {"step": "str", "stage": "str", "term": "str", "weight": "float64", "contribution": "float64"}
        )

    def features(self) -> pd.DataFrame:
        """Return the features that stages made as a frame: `step`, `stage`, `feature`, `value`."""
        rows = [(number, step.label, *feature) for number, step in walk(self.steps) for feature in step.features]
        frame = pd.DataFrame(rows, columns=["step", "stage", "feature", "value"])
        return frame.astype({"step": "str", "stage": "str", "feature": "str", "value": "float64"})

    def origins(self) -> pd.DataFrame:
        """Return where terms of rewritten queries came from: `step`, `stage` and the fields of `Origin`."""
        rows = [(number, step.label, *origin) for number, step in walk(self.steps) for origin in step.origins]
        frame = pd.DataFrame(rows, columns=["step", "stage", *Origin._fields])
        text = dict.fromkeys(["step", "stage", "term", "source", "unit"], "str")
        return frame.astype(text | {"weight": "float64", "amount": "float64"})

    def tables(self) -> list[Table]:
        """Describe the trail: a row a stage, with what the query's terms or the features add."""
        columns = [Column("step", number=False), Column("stage", number=False), Column("rank"), Column("score")]
        rows = []
        for number, step in walk(self.steps):
            found = [f"{value:.4f} {weight:g} x {term}" for term, weight, value in step.terms]
            found += [f"{value:.4f} {name}" for name, value in step.features]
            found += _sources(step.origins)
            said = [_verdict(step, self.docno)] if step.score is None else []
            rank = Cell("" if step.rank is None else str(step.rank), step.rank)
            score = Cell("" if step.score is None else f"{step.score:.6g}", step.score)
            rows.append((words(number), words(step.label), rank, score, words("\n".join([*said, *found]))))
        columns.append(Column("of what", number=False))
        return [Table(tuple(columns), tuple(rows), title=self._title(), label=self.docno)]

    def __str__(self) -> str:
        lines = [self._title()]
        width = max(2 * number.count(".") + len(step.label) for number, step in walk(self.steps))
        for number, step in walk(self.steps):
            indent = "  " * (number.count(".") + 1)
            lines.append(f"{indent}{step.label:<{width + 2 - len(indent)}}  {_verdict(step, self.docno)}")
            shares, rest = step.terms[:SHARES], step.terms[SHARES:]
            lines += [f"{indent}    {value:10.4f}  {weight:g} x {term}" for term, weight, value in shares]
            if rest:
                lines.append(f"{indent}    {sum(term[2] for term in rest):10.4f}  of {len(rest)} more")
            lines += [f"{indent}    {value:10.4f}  {name}" for name, value in step.features]
            lines += [f"{indent}    {line}" for line in _sources(step.origins)]
        return visible("\n".join(lines), lines=True)

    def _title(self) -> str:
        found, asked = self.asked_of
        return f"{found} {self.docno} for {asked} {self.query!r}"


def explain(stage: Stage, query: Any, docno: str) -> Explanation:
    """Follow one document through a pipeline.

    Parameters
    ----------
    stage : Stage
    query : str or queries frame of one row; results frame or Hits of one query for a stage that takes results
    docno : str
        The document; where a stage cuts documents into passages, its best passage is followed. Or a passage; before
        that stage, and after one that makes documents again, its document is followed.

    Returns
    -------
    Explanation

    Raises
    ------
    FrameError
        If there is not exactly one query.
    NotFoundError
        If the retriever's index has no such document.
    """
    flow = stage.read(query)
    queries = flow.queries if isinstance(flow, Hits) else queries_frame(flow)
    if len(queries) != 1:
        raise FrameError(f"explain: explains one query at a time, got {len(queries)}; pass one row of the queries")
    words = next((one.asked_of for one in every(stage) if one.asked_of != Stage.asked_of), Stage.asked_of)
    return Explanation(_query_text(queries), docno, _trace(unfold(stage, written=True), flow, docno)[0], words)


def _trace(row: Row, flow: Flow, docno: str) -> tuple[tuple[Step, ...], Flow]:
    """Run steps in a row on one query, noting what becomes of the document."""
    noted: list[Step] = []
    names: list[str] = []
    shown: tuple[tuple[str, float], ...] = ()
    for step in row:
        traced: list[tuple[tuple[Step, ...], Any]] = []
        out: Any = step.run(flow, partial(_noted, traced, docno))
        inside = tuple(steps for steps, _ in traced)
        if isinstance(step.stage, Filled) and _row(out, docno) is not None:
            inside = tuple(
                map(_with_reason, inside, step.stage.reasons([hits.for_queries(out.queries) for _, hits in traced]))
            )
        if isinstance(step.stage, Features):  # which shows them side by side itself
            inside = tuple(tuple(replace(one, features=()) for one in steps) for steps in inside)
        own = _step(step.stage, flow, out, docno, inside)
        names = named(step.stage, names)
        features = _features(out, names, docno) if names and isinstance(out, Hits) else ()
        noted.append(own if _same(features, shown) else replace(own, features=features))
        flow, shown = out, features
    return tuple(noted), flow


def _noted(traced: list[tuple[tuple[Step, ...], Any]], docno: str, row: Row, flow: Flow) -> Flow:
    steps, out = _trace(row, flow, docno)
    traced.append((steps, out))
    return out


def _step(stage: Stage, flow: Flow, out: Flow, docno: str, parts: tuple[tuple[Step, ...], ...]) -> Step:
    if not isinstance(out, Hits):
        origins = tuple(stage.explain_rewrite(flow) or ())
        return Step(stage.label(), None, None, None, _query_text(out), [], parts, origins)
    row = _row(out, docno)
    # A retriever can say why it did not give a document; a later stage knows only what it was given.
    asked = out.docnos[out.doc[row]] if row is not None else docno if stage.takes == "queries" else None
    terms = (stage.explain_terms(flow, asked) if asked is not None else None) or []
    terms = sorted(terms, key=lambda term: -term[2])
    if row is None:
        return Step(stage.label(), None, None, None, None, terms, parts)
    return Step(stage.label(), out.docnos[out.doc[row]], row, float(out.score[row]), None, terms, parts)


def _features(hits: Hits, names: list[str], docno: str) -> tuple[tuple[str, float], ...]:
    """Return a document's features by name, or by number where the names do not tell them."""
    row = _row(hits, docno)
    if row is None or "features" not in hits.columns:
        return ()
    values = hits.columns["features"][row].tolist()
    known = names if len(names) == len(values) else [f"feature {number}" for number in range(1, len(values) + 1)]
    return tuple(zip(known, values, strict=True))


def _same(features: tuple[tuple[str, float], ...], before: tuple[tuple[str, float], ...]) -> bool:
    """Say whether a stage left a document's features as they were, names and values."""
    own, other = (np.array([value for _, value in one]) for one in (features, before))
    return [name for name, _ in features] == [name for name, _ in before] and np.array_equal(own, other, equal_nan=True)


def _with_reason(steps: tuple[Step, ...], reason: str) -> tuple[Step, ...]:
    """Say at the end of a pipeline that did not give the document what was counted for it."""
    return steps if steps[-1].score is not None else (*steps[:-1], replace(steps[-1], counted=reason))


def _row(hits: Hits, docno: str) -> int | None:
    """Return where the document, or its best passage, stands among the hits of one query; of a passage, its document
    where there are no passages.
    """
    names: list[str] = hits.docnos.take(hits.doc).to_pylist()
    if docno in names:
        return names.index(docno)
    found = (row for row, name in enumerate(names) if document_of(name) == docno or name == document_of(docno))
    return next(found, None)


def _query_text(queries: pd.DataFrame) -> str:
    """Say a query in one line: its weighted terms if it has any, else its text."""
    toks = queries["query_toks"].iloc[0] if "query_toks" in queries else None
    if isinstance(toks, dict):
        heaviest = sorted(toks.items(), key=lambda item: -item[1])
        shown = " ".join(f"{term}^{weight:.3g}" for term, weight in heaviest[:12])
        return shown + (f" and {len(heaviest) - 12} more" if len(heaviest) > 12 else "")
    return str(queries["query"].iloc[0]) if "query" in queries else ""


def _verdict(step: Step, docno: str) -> str:
    if step.query is not None:
        return f"query {step.query!r}"
    if step.score is None:
        return "not among the results" + (f"; {step.counted}" if step.counted else "")
    passage = f"  ({step.docno})" if step.docno != docno else ""
    rank = None if step.rank is None else step.rank + 1  # from 1, as on every screen
    return f"rank {rank}  score {np.format_float_positional(step.score, 6, trim='0')}{passage}"


def _sources(origins: tuple[Origin, ...]) -> Iterator[str]:
    """Say in a line per term where it came from, greatest amounts first."""
    terms = [list(own) for _, own in groupby(origins, lambda origin: origin.term)]
    for own in terms[: SHOWN[0]]:
        best = sorted(own, key=lambda origin: (origin.unit == "nats", -origin.amount))
        said = ", ".join(
            f"{o.source} {o.amount:.0%}" if o.unit == "share" else f"{o.source} {o.amount:+.2f}"
            for o in best[: SHOWN[1]]
        )
        rest = f" and {len(own) - SHOWN[1]} more" if len(own) > SHOWN[1] else ""
        unit = " nats" if best[-1].unit == "nats" else ""
        yield f"{own[0].weight:10.4f}  {own[0].term} from {said}{rest}{unit}"
    if len(terms) > SHOWN[0]:
        yield f"{'':10}  and {len(terms) - SHOWN[0]} more terms"


def walk(steps: tuple[Step, ...], above: str = "") -> Iterator[tuple[str, Step]]:
    """Yield every step with its number, operators before their parts."""
    for place, step in enumerate(steps, 1):
        number = f"{above}{place}"
        yield number, step
        for which, part in enumerate(step.parts, 1):
            yield from walk(part, f"{number}.{which}.")
