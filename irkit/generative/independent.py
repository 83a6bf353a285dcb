"""Independent bits: the baseline that any density model must beat."""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats

INDEPENDENT = "independent bits"
"Its name."


def independent_log_prob(train: Floats, rows: Floats) -> Floats:
    """Return log p of rows of bits under independent bits with add-one frequencies: (m,) float64, nats.

    p_d = (1 + sum over training rows of x_d) / (2 + N)

    Parameters
    ----------
    train : (N, D)
        Bits, or probabilities of bits.
    rows : (m, D)
        Bits.
    """
    p = (train.sum(axis=0, dtype=np.float64) + 1) / (len(train) + 2)
    log_p: Floats = rows @ np.log(p) + (1 - rows) @ np.log1p(-p)
    return log_p
