"""Small data that the checks run on, where a test brings none of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.docnos import Docnos
from irkit.frames import Queries
from irkit.hits import Hits
from irkit.io.kinds import DataSet, Rows

if TYPE_CHECKING:
    from irkit.recommend.table import RatingTable


def toy_queries() -> Queries:
    """Return four queries, one of words that occur nowhere."""
    texts = {"q2": "heat wing heat", "d1": "flutter of speed", "q9": "unheard", "q1": "a"}
    return pd.DataFrame({"qid": list(texts), "query": list(texts.values())}, dtype="str")


def toy_results() -> Hits:
    """Return results of these queries over five documents: ties, a negative score, and a query that found nothing."""
    query, doc = np.array([0, 0, 0, 1, 1, 3]), np.array([2, 1, 0, 0, 4, 3])
    score = np.array([3.0, 1.0, 1.0, 2.5, -0.5, 0.25])
    return Hits.ranked(toy_queries(), query, doc, score, Docnos([f"d{n}" for n in range(1, 6)]))


def toy_ratings() -> RatingTable:
    """Return whole-number ratings from 1 to 5 of 9 items by 12 users, with timestamps; every one of them has some."""
    from irkit.recommend.table import RatingTable

    rng = np.random.default_rng(0)
    rated = rng.random((12, 9)) < 0.5
    rated[np.arange(12), np.arange(12) % 9] = True
    user, item = np.nonzero(rated)
    frame = pd.DataFrame({"user_id": [f"u{u}" for u in user], "item_id": [f"i{i}" for i in item]}, dtype="str")
    times = rng.integers(0, 10**7, len(user)).astype(float)
    return RatingTable.from_frame(frame.assign(rating=rng.integers(1, 6, len(user)) * 1.0, timestamp=times))


def toy_rows() -> DataSet[Rows]:
    """Return 60 rows of 12 bits that are ones ever more often from the first to the last, 40 of them to train on."""
    rows: Floats = (np.random.default_rng(0).random((60, 12)) < np.linspace(0.1, 0.9, 12)).astype(np.float32)
    return DataSet("toy", Rows(rows[:40]), Rows(rows[40:50]), Rows(rows[50:]))
