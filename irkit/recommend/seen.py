"""Leave out what users have rated, after stages that keep it, such as a fusion or a reranker."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from irkit.config import digest
from irkit.errors import FrameError
from irkit.hits import Hits
from irkit.pipeline.fit import not_fitted
from irkit.pipeline.fusion import member
from irkit.pipeline.stage import Stage
from irkit.recommend.table import RatingTable


class DropSeen(Stage):
    """Drop the items that each user has rated in training; the ranks close up.

    It learns what was rated by `fit`.
    """

    name = "drop-seen"
    learns_from = RatingTable
    train: RatingTable | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of the training ratings."""
        return digest(super().fingerprint, None if self.train is None else self.train.fingerprint)

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
            raise not_fitted(self)
        train = self.train
        used, place = np.unique(flow.doc, return_inverse=True)
        user = train.users.rows(flow.queries["qid"])[flow.query]
        item = train.items.rows(flow.docnos.take(used))[place]
        size = len(train.items)
        seen = (user >= 0) & (item >= 0) & member(user * size + item, train.user * size + train.item)
        return flow.kept(~seen)
