"""How far predicted ratings that stand in a file are off, whoever made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from irkit.errors import FrameError
from irkit.evaluate.ratings import RatingScore, scored_errors
from irkit.table import counted

if TYPE_CHECKING:
    import pandas as pd

PAIR = ["user_id", "item_id"]


def predicted_errors(ratings: pd.DataFrame, predicted: pd.DataFrame, *, seed: int = 42) -> tuple[RatingScore, int]:
    """Measure predictions of some ratings.

    Parameters
    ----------
    ratings : ratings frame
        The truth: every pair of a user and an item once.
    predicted : frame
        `user_id`, `item_id` and `prediction`, every pair once.
    seed : int
        Of the bootstrap over users.

    Returns
    -------
    RatingScore
        Of the pairs of `ratings`.
    int
        How many predictions are of other pairs; they do not count.

    Raises
    ------
    FrameError
        If a rating has no prediction, a pair is predicted twice, there is no rating, or a prediction is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> truth = pd.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "x"], "rating": [4.0, 2.0]})
    >>> guess = pd.DataFrame({"user_id": ["b", "a"], "item_id": ["x", "x"], "prediction": [5.0, 8.0]})
    >>> score, others = predicted_errors(truth, guess)
    >>> round(score.rmse, 4), score.mae, others
    (3.5355, 3.5, 0)
    """
    if ratings.empty:
        raise FrameError("there is no rating to measure predictions by; give one or more")
    twice = predicted[predicted.duplicated(PAIR)]
    if len(twice):
        raise FrameError(f"{_pair(twice)} is predicted twice; keep one line of it")
    both = ratings[[*PAIR, "rating"]].merge(predicted[[*PAIR, "prediction"]], on=PAIR, how="left", indicator=True)
    missing = both[both["_merge"] == "left_only"]
    if len(missing):
        raise FrameError(
            f"{counted(len(missing), 'rating')} of {len(both):,} without a prediction, such as {_pair(missing)}; "
            "predict all of them"
        )
    error = both["prediction"].to_numpy(np.float64) - both["rating"].to_numpy(np.float64)
    if not np.isfinite(error).all():
        raise FrameError(f"the prediction of {_pair(both[~np.isfinite(error)])} is not finite; predict a number")
    user = np.unique(both["user_id"].to_numpy(dtype=object), return_inverse=True)[1]
    return scored_errors(error, user, seed), len(predicted) - len(both)


def _pair(frame: pd.DataFrame) -> str:
    user, item = frame[PAIR].iloc[0]
    return f"item {item} of user {user}"
