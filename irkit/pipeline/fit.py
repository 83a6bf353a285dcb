"""Fitting a pipeline: each stage that learns finds in the training part it is handed what it learns from.

What stages learn from they declare (`Stage.learns_from`): `Topics`, judged queries, or the `RatingTable`
of recommenders. A pipeline that holds both kinds is fitted on one after the other; the stages that learn
from the other kind stay as they are.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from irkit.errors import CompositionError, FrameError, NotFittedError
from irkit.frames import Qrels, check_qrels, queries_frame
from irkit.hits import Hits
from irkit.pipeline.chain import Then
from irkit.pipeline.unfold import every, in_row

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage


@dataclass(frozen=True, eq=False)
class Topics:
    """What a pipeline is fitted on: queries, and the judgements that say what is right.

    Examples
    --------
    >>> qrels = pd.DataFrame({"qid": ["1"], "docno": ["d7"], "label": [1]})
    >>> topics = Topics({"1": "wing flutter"}, qrels)
    """

    flow: Any
    "Queries as `queries_frame` reads them, or results: for a stage inside a pipeline, what those before it gave."
    qrels: Qrels
    "Judgements; a pair without one counts as not relevant."
    written: ClassVar[str] = "Topics(queries, qrels)"
    "How to write one, for messages."

    def __post_init__(self) -> None:
        if isinstance(self.flow, pd.DataFrame) and "docno" in self.flow:
            object.__setattr__(self, "flow", Hits.from_frame(self.flow))
        elif not isinstance(self.flow, Hits):
            object.__setattr__(self, "flow", queries_frame(self.flow))
        check_qrels(self.qrels, who="topics")

    def through(self, stage: Stage) -> Topics:
        """Return the topics as the stage after `stage` sees them."""
        return Topics(stage.run(self.flow), self.qrels)


def fitted(pipeline: Stage, train: Any, valid: Any = None) -> Stage:
    """Return a fitted copy; see `Stage.fit`."""
    kinds = {stage.learns_from: stage for stage in every(pipeline) if stage.learns_from is not None}
    if not kinds:
        return pipeline
    if pipeline.learns_from is not None and isinstance(train, pipeline.learns_from):
        raise CompositionError(f"{pipeline.name}: {type(pipeline).__name__} does not implement fit")
    if not can_learn(pipeline, train):
        wanted = " or ".join(f"{written(stage)}, which {stage.name} learns from" for stage in kinds.values())
        raise FrameError(f"fit: no stage learns from a {type(train).__name__}; give {wanted}")
    return _fitted(pipeline, train, valid)


def not_fitted(stage: Stage) -> NotFittedError:
    """Return the error of a stage that is used before it has learned."""
    return NotFittedError(f"{stage.name}: is not fitted; call pipeline.fit({written(stage)}) and use what it returns")


def written(stage: Stage) -> str:
    """Say how to write what a stage learns from."""
    return str(getattr(stage.learns_from, "written", getattr(stage.learns_from, "__name__", "train")))


def _fitted(stage: Stage, train: Any, valid: Any) -> Stage:
    if not can_learn(stage, train):
        return stage
    if isinstance(stage, Then):
        return _chain_fitted(stage, train, valid)
    if stage.learns_from is not None and isinstance(train, stage.learns_from):
        return stage.fit(train, valid)
    out = copy(stage)
    out.parts = tuple(_fitted(part, train, valid) for part in stage.parts)
    return out


def _chain_fitted(chain: Then, train: Any, valid: Any) -> Then:
    """Fit the stages that learn in order, each on what the fitted ones before it give."""
    last = max(place for place, stage in enumerate(chain.parts) if can_learn(stage, train))
    done: list[Stage] = []
    gone = 0  # how many of them the training part has gone through
    for stage in chain.parts[: last + 1]:
        if not can_learn(stage, train):
            done.append(stage)
            continue
        if done[gone:]:
            between = Then.of(*done[gone:])
            train, valid = train.through(between), None if valid is None else valid.through(between)
            gone = len(done)
        done.append(_fitted(stage, train, valid))
    return Then((*done, *chain.parts[last + 1 :]))


def before_learning(pipeline: Stage) -> tuple[tuple[Stage, ...], Stage]:
    """Split a pipeline before the first of its stages that learns from judgements, or holds one that does.

    Returns
    -------
    tuple of stages
        In the order they are run; what they give depends on no judgement.
    Stage
        The rest.

    Raises
    ------
    CompositionError
        If no stage learns from judgements.
    """
    row = in_row(pipeline)
    learner = (place for place, stage in enumerate(row) if any(one.learns_from is Topics for one in every(stage)))
    first = next(learner, None)
    if first is None:
        raise CompositionError(f"{pipeline.name}: no stage of it learns from judgements; put such a one at its end")
    before = Then.of(*row[:first]) if first else None
    steps = tuple(before.steps()) if isinstance(before, Then) else (before,) if before is not None else ()
    return steps, Then.of(*row[first:])


def can_learn(pipeline: Stage, train: Any) -> bool:
    """Say whether any stage of a pipeline learns from such a training part."""
    return any(stage.learns_from is not None and isinstance(train, stage.learns_from) for stage in every(pipeline))
