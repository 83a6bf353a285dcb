"""What the stages share that rank results again by how like their query they are.

    score(q, d) = (1 - weight) * minmax(first score) + weight * minmax(likeness)

Both are brought to [0, 1] over the results of a query. At the ends nothing is mixed: weight 0 leaves the results as
they are, weight 1 scores them by likeness. Of what is known of no document, or not of the query, the results stay
as they are too; a document of which nothing is known counts the lowest likeness of its list, or 0 where that is
positive, as a list counts for a document that it lacks.

Like `rescore` they score all the results they are given. To rank only the best again, cut before, and append the
rest where it is to stay: `(first % 100 >> again) ^ first`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints, offsets
from irkit.config import Config
from irkit.errors import CompositionError
from irkit.hits import Hits
from irkit.pipeline.fusion import minmax
from irkit.pipeline.missing import missing_values
from irkit.pipeline.stage import Stage
from irkit.rank.encoder import Encoder, texts_of


class RerankConfig(Config):
    """Settings of the stages that rank again by likeness."""

    weight: float = Field(0.5, ge=0, le=1)
    "Of the likeness; the rest is of the score that results come with."


class Reranker(Stage):
    """Base of these stages; a subclass implements `likeness`."""

    needs = ("encoder",)
    config_type: ClassVar[type[Config]] = RerankConfig
    config: Any

    def __init__(self, encoder: Encoder, config: Config | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.encoder = encoder

    def likeness(self, texts: list[str], ptr: Ints, rows: Ints) -> Floats:
        """Return how like its query each document is: (m,) float64, NaN where it is not known.

        Parameters
        ----------
        texts : n strings
            The queries.
        ptr : (n + 1,) int
            The documents of query i are `rows[ptr[i]:ptr[i + 1]]`.
        rows : (m,) int
            Rows of the encoder's `docnos`.
        """
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement likeness")

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        NotFoundError
            If the encoder lacks a document.
        FrameError
            If the results do not hold the queries' texts, as a run file does not.
        """
        weight = self.config.weight
        if not len(flow) or weight == 0:
            return flow
        texts = texts_of(flow.queries, who=self.name)
        score, known = filled(flow.ptr, self.likeness(texts, flow.ptr, flow.on(self.encoder.docnos).doc))
        if weight < 1:
            score = (1 - weight) * minmax(flow.ptr, flow.score) + weight * minmax(flow.ptr, score)
        return flow.rescored(np.where(known[flow.query], score, flow.score))


def filled(ptr: Ints, values: Floats) -> tuple[Floats, Bools]:
    """Let lists count something where a value is not known.

    Parameters
    ----------
    ptr : (n + 1,) int
        List i has the values `ptr[i]:ptr[i + 1]`.
    values : (m,) float64
        NaN where it is not known.

    Returns
    -------
    values : (m,) float64
        With the lowest of its list, or 0 if that is less, in the place of each NaN.
    known : (n,) bool
        Whether any value of a list is known.

    Examples
    --------
    >>> filled(np.array([0, 3, 4]), np.array([0.5, np.nan, -0.25, np.nan]))[0].tolist()
    [0.5, -0.25, -0.25, 0.0]
    """
    here = ~np.isnan(values)
    row = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    counts = np.bincount(row[here], minlength=len(ptr) - 1)
    counted = missing_values(offsets(counts), values[here, None], "auto")[:, 0]
    return np.where(here, values, counted[row]), counts > 0
