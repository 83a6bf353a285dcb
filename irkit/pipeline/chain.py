"""Chaining: `a >> b` and the cut `a % k`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import pairwise
from os import PathLike
from os.path import isfile
from typing import Any

import pandas as pd
from pydantic import Field

from irkit.config import Config
from irkit.deadline import check_deadline
from irkit.errors import CompositionError, FrameError
from irkit.hits import Hits
from irkit.pipeline.stage import Flow, Stage


class CutConfig(Config):
    """Settings of `Cut`."""

    k: int = Field(ge=1)
    "Documents kept per query."


class Cut(Stage):
    """Keep the best k documents of each query: `pipeline % k`."""

    name = "cut"
    config_type = CutConfig
    config: CutConfig

    def run(self, flow: Hits) -> Hits:
        """Cut each query's hits."""
        return flow.cut(self.config.k)

    def limited(self, k: int) -> Stage:
        """Return the tighter of two cuts."""
        return self if k >= self.config.k else Cut(k=k)


class Then(Stage):
    """Stages in a row: `a >> b`. Built flat, so chaining is associative."""

    name = "then"

    def __init__(self, parts: tuple[Stage, ...]) -> None:
        super().__init__()
        self.parts = parts
        self.takes = parts[0].takes
        self.gives = parts[-1].gives

    @classmethod
    def of(cls, *stages: Stage) -> Stage:
        """Chain stages after checking that each takes what the one before gives.

        Raises
        ------
        CompositionError
            If two neighbours do not fit; the message shows what to put between them.
        """
        flat = [part for stage in stages for part in (stage.parts if isinstance(stage, Then) else (stage,))]
        if not flat:
            raise CompositionError(">>: chains one stage or more, got none")
        for left, right in pairwise(flat):
            if left.gives != right.takes:
                between, what = "retriever", "a retriever"
                if left.gives == "results":
                    between, what = "reset()", "a feedback stage or reset()"
                raise CompositionError(
                    f">>: {left.name} gives {left.gives} but {right.name} takes {right.takes}; "
                    f"put {what} between them: {left.name} >> {between} >> {right.name}"
                )
        return flat[0] if len(flat) == 1 else cls(tuple(flat))

    def run(self, flow: Flow) -> Flow:
        """Run the stages in order; a cut right after a stage that can stop early is handed to it."""
        for stage in self.steps():
            check_deadline()
            flow = stage.run(flow)
            if stage.gives == "results" and not isinstance(flow, Hits):
                raise FrameError(
                    f"{stage.name}: gives results, so its run must return Hits, got {type(flow).__name__}; "
                    "return flow.rescored(score), or Hits.from_frame(frame, flow.queries)"
                )
        return flow

    def steps(self) -> Iterator[Stage]:
        """Yield the stages as they are run: `retrieve % k` is one retrieval of k documents."""
        waiting: Stage | None = None
        for stage in self.parts:
            if waiting is not None:
                limited = waiting.limited(stage.config.k) if isinstance(stage, Cut) else None
                if limited is not None:
                    waiting = limited
                    continue
                yield waiting
            waiting = stage
        if waiting is not None:
            yield waiting

    def read(self, frame: Any) -> Flow:
        """Check what a user hands in, as the first stage takes it."""
        return self.parts[0].read(frame)

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Chain the parts."""
        cls.configured(config)
        return cls.of(*parts)

    def spec(self) -> list[dict[str, Any]]:
        """Return the stages in order."""
        return [part.spec() for part in self.parts]  # type: ignore[misc]


def as_stage(
    thing: Any,
    *,
    sign: str = ">>",
    before: Stage | None = None,
    after: Stage | None = None,
    beside: Stage | None = None,
) -> Stage:
    """Accept what may stand next to a stage in an operator: a stage, a run, or a PyTerrier transformer.

    A run is hits, a results frame, or the path of a run file.

    Parameters
    ----------
    sign : str
        The operator, for messages.
    before, after, beside : Stage, optional
        The stage on the other side: `thing` comes before it, after it, or takes and gives the same.

    Raises
    ------
    CompositionError
        For anything else; for a function the message shows how to wrap it.
    """
    if isinstance(thing, Stage):
        return thing
    if any(kind.__module__.split(".")[0] == "pyterrier" for kind in type(thing).__mro__):
        from irkit.pipeline.pyterrier import from_pyterrier

        return from_pyterrier(thing, before=before, after=after, beside=beside)
    if is_run(thing):
        from irkit.pipeline.given import Run

        return Run(thing)
    if inspect.isroutine(thing):
        name = "f" if thing.__name__ == "<lambda>" else thing.__name__
        raise CompositionError(
            f"{sign}: {name} is a plain function; say what it does, as in irkit.pipeline.apply.rerank({name})"
        )
    value = f" {thing!r}" if isinstance(thing, (int, float, str)) else ""
    raise CompositionError(f"{sign}: needs a stage on both sides, got {type(thing).__name__}{value}{_advice(thing)}")


def is_run(thing: Any) -> bool:
    """Say whether something is a run: hits, a frame that is not one of queries, or the path of a file."""
    if isinstance(thing, pd.DataFrame):
        return "query" not in thing or not {"docno", "doc_id", "item_id"}.isdisjoint(thing.columns)
    return isinstance(thing, (Hits, PathLike)) or (isinstance(thing, str) and isfile(thing))


def _advice(thing: Any) -> str:
    """Say what to write instead of some things that people put beside a stage."""
    if isinstance(thing, pd.DataFrame):
        return " of queries; a pipeline is called on them: pipeline(queries)"
    if isinstance(thing, str):
        return (
            "; a recipe is built first: irkit.load_recipe(name).build(index=index); there is no run file of this name"
        )
    return ""
