"""Pipelines: stages, the operators that join them, and ways to look inside."""

from __future__ import annotations

from irkit.pipeline import apply
from irkit.pipeline.chain import Cut, Then
from irkit.pipeline.explain import Explanation
from irkit.pipeline.filters import Drop, DropSelf, Reset, drop_seen, reset
from irkit.pipeline.fit import Topics
from irkit.pipeline.given import Run
from irkit.pipeline.learned import Learned
from irkit.pipeline.operators import combmnz, combsum, features, interpolate, normalise, rrf
from irkit.pipeline.parallel import Parallel
from irkit.pipeline.parse import parse
from irkit.pipeline.pyterrier import enable_operators, from_pyterrier, to_pyterrier
from irkit.pipeline.rescore import Rescore
from irkit.pipeline.retrieve import Retrieve
from irkit.pipeline.stage import Flow, Role, Stage
from irkit.pipeline.texts import Aggregate, FirstPassage, LoadText, MaxPassage, MeanPassage, Passages, SumPassage

__all__ = [
    "Aggregate",
    "Cut",
    "Drop",
    "DropSelf",
    "Explanation",
    "FirstPassage",
    "Flow",
    "Learned",
    "LoadText",
    "MaxPassage",
    "MeanPassage",
    "Parallel",
    "Passages",
    "Rescore",
    "Reset",
    "Retrieve",
    "Role",
    "Run",
    "Stage",
    "SumPassage",
    "Then",
    "Topics",
    "apply",
    "combmnz",
    "combsum",
    "drop_seen",
    "enable_operators",
    "features",
    "from_pyterrier",
    "interpolate",
    "normalise",
    "parse",
    "reset",
    "rrf",
    "to_pyterrier",
]


def __dir__() -> list[str]:
    return __all__
