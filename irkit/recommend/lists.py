"""Lists of items for users: who is asked for, what is selected, and that it can be ranked.

Symbols: m users, I items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, FrameError
from irkit.frames import Queries, check_queries
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage
    from irkit.recommend.base import Recommender


def users_frame(users: str | Iterable[str]) -> Queries:
    """Make the queries frame of some users: the id is the `qid`, and the text too.

    Raises
    ------
    FrameError
        If these are no ids, an id is not a string, or one occurs twice.

    Examples
    --------
    >>> users_frame(["196", "22"])["qid"].tolist()
    ['196', '22']
    """
    if not isinstance(users, Iterable):
        got = f"{type(users).__name__} {users!r}"
        raise FrameError(f"users: needs the ids of users, got {got}; write a list of strings such as ['196', '22']")
    ids = [users] if isinstance(users, str) else list(users)
    if twice := [user for user, many in Counter(map(str, ids)).items() if many > 1]:
        raise FrameError(f"users: {twice[0]!r} is named twice; name each user once")
    frame = pd.DataFrame({"qid": ids, "query": ids}, dtype=object)
    check_queries(frame, who="users")
    return frame.astype("str")


def best(scores: Floats, n: int, place: Ints) -> tuple[Ints, Ints]:
    """Select each row's n greatest scores; of those equal to the last of them, the ones the tie rule puts first.

    Parameters
    ----------
    scores : (m, I) float
        Minus infinity is not selected.
    n : int
    place : (I,) int
        Position of each column's id in ascending order, as for `irkit.hits.rank_order`.

    Returns
    -------
    row, column : (k,) int64
        In no particular order.
    """
    if n >= scores.shape[1]:
        row, column = np.nonzero(scores > -np.inf)
        return row, column
    last = np.partition(scores, scores.shape[1] - n, axis=1)[:, scores.shape[1] - n, None]
    chosen = scores > last
    ties = (scores == last) & (last > -np.inf)
    left = n - np.count_nonzero(chosen, axis=1)  # how many of the ties there is room for
    order = np.argsort(-place)
    for full in np.flatnonzero(np.count_nonzero(ties, axis=1) > left):
        first = order[np.flatnonzero(ties[full][order])[: left[full]]]
        ties[full] = False
        ties[full, first] = True
    row, column = np.nonzero(chosen | ties)
    return row, column


def check_finite(scores: Floats, user: Ints, model: Recommender) -> None:
    """Raise `ConfigError` if a model's scores (m, I) of some users (m,) cannot be ranked: NaN, or infinite."""
    finite = np.isfinite(scores)
    if finite.all():
        return
    row, item = divmod(int(np.argmin(finite)), scores.shape[1])
    who, what = model.fitted.users[int(user[row])], model.fitted.items[item]
    raise ConfigError(
        f"{model.name}: the score of item {what!r} for user {who!r} must be finite, got {scores[row, item]}; "
        "look at the ratings, and at settings such as learning_rate"
    )


def recommenders(stage: Stage) -> Iterator[Recommender]:
    """Yield every recommender of a pipeline."""
    from irkit.recommend.base import Recommender

    yield from (one for one in every(stage) if isinstance(one, Recommender))


def counts_notes(stage: Stage) -> list[str]:
    """Say what recommenders of a fitted pipeline make of counts they do not weigh."""
    deaf = [one for one in recommenders(stage) if one.fitted.counts and not one.weighs_counts]
    taken = {True: "ratings", False: "likes, whatever their size"}
    said = [f"counts are taken for {taken[rates]}; als weighs them" for rates in {one.predicts_ratings for one in deaf}]
    if any(
        one.predicts_ratings and len(one.fitted) > 1 and not np.ptp(one.fitted.rating) for one in recommenders(stage)
    ):
        said.append("all ratings are equal, so that all predictions are; ease, als, bpr and popularity rank likes")
    return said
