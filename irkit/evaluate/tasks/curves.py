"""Learning curves of what a fitted pipeline trained, as figures of a board."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from irkit.evaluate.board import FIGURE_LIMIT, Figure
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage


def learning_curves(stage: Stage) -> Iterator[Figure]:
    """Yield the losses and validation scores of every stage that was trained in this process, and of both players."""
    trained = [one for one in every(stage) if getattr(getattr(one, "training", None), "rows", None)]
    if not trained:
        return
    from irkit.learn.figures import SMALL, game_curve, learning_curve

    for one in trained:
        drawn = [learning_curve(one.training.rows, SMALL)]  # type: ignore[attr-defined]
        curve: Any = getattr(one, "curve_", ())
        if len(curve):
            drawn.append(game_curve(curve, one.measured_by, SMALL))  # type: ignore[attr-defined]
        for figure in drawn:
            embedded = figure.embedded()
            if len(trained) > 1:
                embedded["name"] += f" of {one.name}"
            if len(embedded["content"]) <= FIGURE_LIMIT:
                yield Figure.model_validate(embedded)
