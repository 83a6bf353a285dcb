"""Small ratings for the tests of recommenders."""

import numpy as np
import pandas as pd

from irkit.recommend.table import RatingTable


def frame(rows, time=False):
    """Ratings from (user, item, rating[, seconds]) tuples."""
    columns = ["user_id", "item_id", "rating", "timestamp"][: 4 if time else 3]
    return pd.DataFrame(rows, columns=columns).astype({"user_id": "str", "item_id": "str"})


def table(rows, time=False, **options):
    return RatingTable.from_frame(frame(rows, time), **options)


def random_table(users=12, items=9, density=0.5, seed=0, time=False, scale=(1, 5)):
    """Random whole-number ratings; every user and item has one."""
    rng = np.random.default_rng(seed)
    mask = rng.random((users, items)) < density
    mask[np.arange(users), np.arange(users) % items] = True
    mask[np.arange(items) % users, np.arange(items)] = True
    user, item = np.nonzero(mask)
    rating = rng.integers(scale[0], scale[1] + 1, len(user)).astype(float)
    rows = [(f"u{u}", f"i{i}", r) for u, i, r in zip(user, item, rating, strict=True)]
    if time:
        rows = [(*row, float(seconds)) for row, seconds in zip(rows, rng.integers(0, 10**7, len(rows)), strict=True)]
    return table(rows, time=time, scale=scale)
