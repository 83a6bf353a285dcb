"""Which seeds a pipeline that draws is fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from irkit.evaluate.tasks.task import settings_of

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite


def seeds_of(suite: Suite, recipe: Any) -> Sequence[int | None]:
    """Return the seeds a pipeline is fitted with: those of the suite, or if it names none the one that it states."""
    if not settings_of(recipe, "seed"):
        return [None]
    own = "seeds" not in suite.model_fields_set and _states(recipe.stages, "seed")
    return [None] if own else suite.seeds


def _states(stages: Any, field: str) -> bool:
    """Say whether a stage of a recipe, or of a pipeline inside one, says what a field is."""
    if isinstance(stages, list):
        return any(_states(one, field) for one in stages)
    return field in stages or _states(stages.get("of", []), field)
