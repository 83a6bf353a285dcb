"""What the columns of `features` are called: read off the pipeline that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.pipeline.apply import Apply
from irkit.pipeline.operators import Features
from irkit.pipeline.unfold import in_row

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage


def feature_names(pipeline: Stage, width: int) -> list[str]:
    """Name the features that a pipeline gives.

    Parameters
    ----------
    pipeline : Stage
    width : int
        How many there are. Where the pipeline does not tell, as where a function gives several numbers, they are
        called `feature 1`, `feature 2`, ...

    Examples
    --------
    >>> from irkit.pipeline import Cut, apply
    >>> from irkit.pipeline.operators import Normalise
    >>> feature_names(Cut(k=5) ** (Normalise() >> Cut(k=3)) ** apply.feature(len) >> Cut(k=2), 3)
    ['cut(k=5)', 'normalise() % 3', 'apply.feature(len)']
    """
    names: list[str] = []
    for stage in in_row(pipeline):
        names = named(stage, names)
    return names if len(names) == width else [f"feature {number}" for number in range(1, width + 1)]


def named(stage: Stage, before: list[str]) -> list[str]:
    """Name the features after a stage, given the names of those that come to it."""
    if isinstance(stage, Features):
        return [name for part in stage.parts for name in _of_part(part)]
    if isinstance(stage, Apply) and stage.config.kind == "feature":
        return [*before, stage.label()]
    return [*before, *stage.makes]


def _of_part(part: Stage) -> list[str]:
    """Name what a part of `**` contributes: the features that it makes, else its score."""
    names: list[str] = []
    for stage in in_row(part):
        names = named(stage, names)
    return names or [repr(part)]
