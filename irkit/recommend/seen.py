"""Leave out what users have rated, after stages that keep it, such as a fusion or a reranker."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

import numpy as np

from irkit.config import Config
from irkit.errors import ConfigError, FrameError, NotFittedError
from irkit.hits import Hits
from irkit.pipeline.fusion import member
from irkit.pipeline.stage import Stage
from irkit.recommend.table import RatingTable


class DropSeen(Stage):
    """Drop the items that each user has rated in training; the ranks close up.

    It learns what was rated by `fit`, or is given it as the resource `train` of a recipe.
    """

    name = "drop-seen"
    needs: ClassVar[tuple[str, ...]] = ("train",)

    def __init__(self, config: Config | None = None, *, train: RatingTable | None = None) -> None:
        super().__init__(config)
        self.train = train

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct from plain values, as a recipe does."""
        if parts:
            raise ConfigError(f"drop-seen: holds no pipelines, got {len(parts)}; remove 'of'")
        stage = cls(cls.configured(config))
        return stage.fit(resources["train"]) if resources.get("train") is not None else stage

    @property
    def learns(self) -> bool:
        """True."""
        return True

    def fit(self, train: RatingTable, valid: Any = None) -> DropSeen:
        """Return a copy that knows the training ratings.

        Raises
        ------
        FrameError
            If `train` is no RatingTable.
        """
        if not isinstance(train, RatingTable):
            got = type(train).__name__
            raise FrameError(f"drop-seen: train must be a RatingTable, got {got}; use RatingTable.from_frame")
        fitted = copy(self)
        fitted.train = train.compact()
        return fitted

    def run(self, flow: Hits) -> Hits:
        """Drop the pairs with a rating.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        if self.train is None:
            raise NotFittedError("drop-seen: is not fitted; call fit(train) with a RatingTable first")
        train = self.train
        used, place = np.unique(flow.doc, return_inverse=True)
        user = train.users.rows(flow.queries["qid"])[flow.query]
        item = train.items.rows(flow.docnos.take(used))[place]
        size = len(train.items)
        seen = (user >= 0) & (item >= 0) & member(user * size + item, train.user * size + train.item)
        return flow.kept(~seen)
