"""What the operators that join result sets share: their parts, and the pool of the parts' hits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from irkit.arrays import Floats, Ints
from irkit.columns import take_rows
from irkit.config import Config
from irkit.errors import CompositionError
from irkit.hits import Hits, common_columns, shared_docnos
from irkit.pipeline.chain import as_stage
from irkit.pipeline.fusion import pool
from irkit.pipeline.missing import FusionConfig, missing_values, reason, weight_of
from irkit.pipeline.stage import Flow, Stage


class Joined(Stage):
    """Base of operators over several pipelines that start from the same input.

    The result carries the queries of the input (what a part rewrites stays inside that part), the
    tie rule of the first part, and the per-hit columns that every part gives, each taken from the
    first part that holds the document; `features` only where an operator says so. A subclass with a
    `run` of its own says `joins = False`.
    """

    sign = ""
    "The operator in Python, if it has one."
    joins = True
    flat: Literal["", "left", "both"] = "left"
    "Which nested operators of the same kind are the same as one: `(a + b) + c` is `sum(a, b, c)`."

    def __init__(self, parts: tuple[Stage, ...], config: Config | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        parts = tuple(as_stage(part, sign=self.sign or self.name) for part in parts)
        if len(parts) < 2:
            raise CompositionError(f"{self.name}: joins two pipelines or more, got {len(parts)}")
        who = self.sign or self.name
        for part in parts:
            if part.gives != "results":
                raise CompositionError(
                    f"{who}: joins results, but {part.name} gives {part.gives}; write {part.name} >> retriever"
                )
            if part.takes != parts[0].takes:
                raise CompositionError(
                    f"{who}: {parts[0].name} takes {parts[0].takes} but {part.name} takes "
                    f"{part.takes}; both sides must start from the same input"
                )
        self.parts = tuple(
            inner
            for place, part in enumerate(parts)
            for inner in (part.parts if self._flattens(part, place) else (part,))
        )
        self.takes = parts[0].takes

    def _flattens(self, part: Stage, place: int) -> bool:
        if type(part) is not type(self) or self.config.given() or part.config.given():
            return False
        return self.flat == "both" or (self.flat == "left" and place == 0)

    @classmethod
    def of(cls, left: Any, right: Any) -> Stage:
        """Build the operator from its two sides as Python hands them over."""
        if not isinstance(left, Stage):
            left = as_stage(left, sign=cls.sign, beside=right)
        return cls((left, as_stage(right, sign=cls.sign, beside=left)))

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct from plain values, as a recipe does."""
        return cls(parts, cls.configured(config))

    def run(self, flow: Flow) -> Hits:
        """Run every part on the same input and join what they give."""
        queries = flow.queries if isinstance(flow, Hits) else flow
        offered = self.offered(flow)
        return self.join([part.run(offered) for part in self.parts], queries)  # type: ignore[misc]

    def join(self, results: Sequence[Hits], queries: pd.DataFrame | None = None) -> Hits:
        """Join what the parts gave.

        Parameters
        ----------
        results : sequence of Hits
            One per part, on any docno tables.
        queries : queries frame, optional
            The queries of the input; default those of the first result set.
        """
        queries = results[0].queries if queries is None else queries
        return self.combine([hits.for_queries(queries) for hits in shared_docnos(results)])

    def combine(self, results: list[Hits]) -> Hits:
        """Join result sets that share one docno table and one queries frame; what a subclass implements."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement combine")


class Filled(Joined):
    """Base of the operators in which a list counts something for a document that it lacks."""

    config_type = FusionConfig
    config: FusionConfig

    def missing(self, results: Sequence[Hits]) -> list[Floats]:
        """Return what each part's lists count for a document that they lack: (n, F) float64, F = 1 for scores."""
        return [
            missing_values(hits.ptr, self.values(hits), self.config.missing, self.weight(part, hits))
            for part, hits in zip(self.parts, results, strict=True)
        ]

    def reasons(self, results: Sequence[Hits]) -> list[str]:
        """Say the same, and why, of each part's list for the one query of `results`."""
        return [
            reason(self.values(hits), counted[0], self.config.missing, self.weight(part, hits))
            for part, hits, counted in zip(self.parts, results, self.missing(results), strict=True)
        ]

    def values(self, hits: Hits) -> Floats:
        """(m, F) float64: what a part gives of each hit."""
        return hits.score[:, None]

    def weight(self, part: Stage, hits: Hits) -> float:
        """Return the factor that the part put on those values."""
        return weight_of(part)


class Pooled:
    """Hits of several systems laid end to end, with their distinct pairs."""

    def __init__(self, results: list[Hits]) -> None:
        self.first = results[0]
        self.sizes = [len(hits) for hits in results]
        self.score = np.concatenate([hits.score for hits in results])
        self.rank = np.concatenate([hits.rank for hits in results])
        query = np.concatenate([hits.query for hits in results])
        doc = np.concatenate([hits.doc for hits in results])
        self.query, self.doc, self.pair = pool(query, doc, len(self.first.docnos))
        self.columns = common_columns([hits.without("features") for hits in results])

    def summed(self, values: Floats) -> Floats:
        """(p,) sums of (m,) values of the hits."""
        return np.asarray(np.bincount(self.pair, weights=values, minlength=len(self.query)), dtype=np.float64)

    def total(self, missing: Sequence[Floats]) -> Floats:
        """(p,) scores of all lists added, for a pair that a list lacks what the list counts: `missing`, (n, 1) each."""
        total, start = np.zeros(len(self.query)), 0
        with np.errstate(over="ignore"):  # an infinite score is refused with its docno
            for size, counted in zip(self.sizes, missing, strict=True):
                own = counted[self.query, 0]
                own[self.pair[start : start + size]] = self.score[start : start + size]
                total += own
                start += size
        return total

    def lists(self) -> Ints:
        """(p,) int: how many lists hold each pair."""
        return np.bincount(self.pair, minlength=len(self.query)).astype(np.int64)

    def best(self) -> Floats:
        """(p,) each pair's best score."""
        out = np.full(len(self.query), -np.inf)
        np.maximum.at(out, self.pair, self.score)
        return out

    def ranked(self, score: Floats, keep: Any = slice(None)) -> Hits:
        """Rank the pairs, or those to `keep`, by (p,) scores."""
        # The first list that holds a pair lends its columns: of several writes to one place the last stays.
        source = np.zeros(len(self.query), dtype=np.int64)
        source[self.pair[::-1]] = np.arange(len(self.pair))[::-1]
        columns = {name: take_rows(column, source[keep]) for name, column in self.columns.items()}
        first = self.first
        return Hits.ranked(
            first.queries, self.query[keep], self.doc[keep], score[keep], first.docnos, first.ties, columns
        )
