"""The one walk over a pipeline: the steps it is run in, and every stage it is made of.

A pipeline unfolds into a row of steps, each of which starts from what the one before it gives. A step
that joins holds a row for each pipeline inside it. Whoever runs, keeps, shares or explains the steps of
a pipeline walks over these; what may be unfolded is declared by the stages (`joins`, `transparent`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from irkit.hits import Hits
from irkit.pipeline.chain import Then

if TYPE_CHECKING:
    from irkit.pipeline.stage import Flow, Stage


@dataclass(frozen=True)
class Step:
    """One stage of a row, with the rows inside it."""

    stage: Stage
    inside: tuple[Row, ...] = ()
    "A row for each pipeline whose results it joins; none for a stage that is run as a whole."

    def run(self, flow: Flow, run_row: Callable[[Row, Flow], Flow]) -> Flow:
        """Run the step on what the one before it gave; `run_row` runs the rows inside."""
        if not self.inside:
            return self.stage.run(flow)
        offered = self.stage.offered(flow)
        queries = flow.queries if isinstance(flow, Hits) else flow
        return self.stage.join([run_row(row, offered) for row in self.inside], queries)


Row: TypeAlias = tuple[Step, ...]
"Steps in the order they are run."


def in_row(pipeline: Stage) -> tuple[Stage, ...]:
    """Return the stages of a pipeline in a row, as they were written."""
    return pipeline.parts if isinstance(pipeline, Then) else (pipeline,)


def unfold(pipeline: Stage, *, written: bool = False) -> Row:
    """Unfold a pipeline into the steps it is run in.

    Parameters
    ----------
    pipeline : Stage
    written : bool
        Take the stages as they were written: a cut that a retriever could make itself is a step of its
        own, and a pipeline that runs elsewhere, as in worker processes, is unfolded too.

    Examples
    --------
    >>> from irkit.pipeline.chain import Cut
    >>> [step.stage.label() for step in unfold(Cut(k=20) % 10, written=True)]
    ['cut(k=20)', 'cut(k=10)']
    >>> [step.stage.label() for step in unfold(Cut(k=20) % 10)]
    ['cut(k=10)']
    """
    stages = in_row(pipeline) if written or not isinstance(pipeline, Then) else tuple(pipeline.steps())
    return tuple(
        Step(stage, tuple(unfold(part, written=written) for part in stage.parts))
        if stage.joins or (written and stage.transparent)
        else Step(stage)
        for stage in stages
    )


def every(pipeline: Stage) -> Iterator[Stage]:
    """Yield a pipeline, then every stage inside it, depth first."""
    yield pipeline
    for part in pipeline.parts:
        yield from every(part)
