"""The bias baseline: the mean rating and damped deviations of users and items, every rating model's fall-back.

Source: Koren, "Factor in the neighbors", TKDD 4(1), 2010, section 2.1 (decoupled estimates).
Symbols: mu mean rating, b_u and b_i deviations of the U users and I items.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.recommend.table import RatingTable


def bias_baseline(train: RatingTable, damping: float) -> tuple[float, Floats, Floats]:
    """Fit mu + b_u + b_i in closed form.

    b_i = sum over users of (r - mu) / (damping + n_i), then b_u = sum over items of (r - mu - b_i) / (damping + n_u).

    Returns
    -------
    mu, (U,) float64, (I,) float64
    """
    mean = float(train.rating.mean())
    items, users = len(train.items), len(train.users)
    residual = train.rating - mean
    b_i = np.bincount(train.item, residual, items) / np.maximum(
        damping + np.bincount(train.item, minlength=items), 1e-12
    )
    residual = residual - b_i[train.item]
    b_u = np.bincount(train.user, residual, users) / np.maximum(
        damping + np.bincount(train.user, minlength=users), 1e-12
    )
    return mean, b_u, b_i
