"""How far word vectors cover the queries they expand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from irkit.expand.eqe import aligned
from irkit.expand.feedback import query_counts
from irkit.frames import Queries
from irkit.text.vectors import Vectors

if TYPE_CHECKING:
    from irkit.lucene import Index


def without_vector(index: Index, vectors: Vectors, queries: Queries) -> tuple[int, int]:
    """Count the distinct index terms of the queries: those without a vector, and all.

    Terms that the index lacks are not counted; no model can score them.

    Returns
    -------
    missing, all : int
    """
    used = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *[q.terms for q in query_counts(index, queries)]]))
    covered = index.vocabulary.ids(aligned(index, vectors).words)
    return int(len(used) - np.isin(used, covered).sum()), len(used)
