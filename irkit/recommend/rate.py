"""Rerank by a recommender: results in, the same pairs with the model's scores out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.errors import ConfigError
from irkit.hits import Hits
from irkit.pipeline.stage import Stage
from irkit.recommend.base import Recommender
from irkit.recommend.why import explained

if TYPE_CHECKING:
    from irkit.pipeline.explain import Terms


class Rate(Stage):
    """Score given items for their users by a recommender: `model.rater()`.

    A pair the model does not know gets the fall-back of a rating model; one that only ranks gives a
    user it does not know the item's popularity, and an item it does not know 0.
    """

    name = "rate"
    asked_of = ("item", "user")

    def __init__(self, parts: tuple[Stage, ...]) -> None:
        super().__init__()
        if len(parts) != 1 or not isinstance(parts[0], Recommender):
            raise ConfigError(f"rate: holds one recommender, got {', '.join(part.name for part in parts) or 'none'}")
        self.parts = parts

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct from plain values, as a recipe does."""
        return cls(parts)

    @property
    def model(self) -> Any:
        """The recommender."""
        return self.parts[0]

    def explain_terms(self, flow: Hits, docno: str) -> Terms | None:
        """Return what the score of a pair that the model knows is the sum of."""
        return explained(self.model, flow.queries["qid"], docno, in_lists=False)

    def run(self, flow: Hits) -> Hits:
        """Score every pair anew."""
        model, train = self.model, self.model.fitted
        user = train.users.rows(flow.queries["qid"])[flow.query]
        used, inverse = np.unique(flow.doc, return_inverse=True)
        item = train.items.rows(flow.docnos.take(used))[inverse]
        days = model.days_of(flow.queries)
        return flow.rescored(model.rows_scored(user, item, None if days is None else days[flow.query]))
