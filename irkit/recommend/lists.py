"""Lists of items for users: who is asked for, what is selected, and that it can be ranked.

Symbols: m users, I items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, FrameError, NotFoundError, near_misses
from irkit.frames import Queries, check_queries
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from irkit.pipeline.explain import Explanation
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


def listed(fitted: Stage, users: Sequence[str], n: int) -> pd.DataFrame:
    """Recommend to users: `user_id`, `rank` from 1, `item_id`, `score`, best first."""
    return listed_by(limited(fitted, n), users)


def listed_by(stage: Stage, users: Sequence[str]) -> pd.DataFrame:
    """Recommend to users what a pipeline of recommenders gives, as `listed` does."""
    found = stage(users_frame(users)).rename(columns={"qid": "user_id", "docno": "item_id"})
    return found.assign(rank=found["rank"] + 1)[["user_id", "rank", "item_id", "score"]]


def limited(fitted: Stage, n: int) -> Stage:
    """Return a recommender, or a pipeline of such, whose lists have n items."""
    from irkit.recommend.base import Recommender

    return fitted.limited(n) if isinstance(fitted, Recommender) else fitted % n


def strangers(fitted: Stage, users: Sequence[str]) -> list[str]:
    """Return the users without a rating in training."""
    train = next(recommenders(fitted)).fitted
    return [user for user, row in zip(users, train.users.rows(list(users)), strict=True) if row < 0]


def notes_on_lists(fitted: Stage, users: Sequence[str], rows: pd.DataFrame) -> list[str]:
    """Say who got what is popular for want of anything better, and who got nothing, of what `listed` gave."""
    from irkit.io.reading import listed as named

    train = next(recommenders(fitted)).fitted
    row = train.users.rows(list(users))
    # A model may know fewer of the users than have ratings: those who like something.
    knows = np.all([model.knows(model.fitted.users.rows(list(users))) for model in recommenders(fitted)], axis=0)
    given = [getattr(model.config, "threshold", None) for model in recommenders(fitted)]
    limits = [threshold for threshold in given if threshold is not None]
    least = f"{min(limits):g} or more" if limits else ""
    popular = f"the items most often rated {least}" if limits else "the most rated items"
    counts = np.bincount(train.user, minlength=len(train.users))
    full = (row >= 0) & (counts[row] == len(train.items))
    empty = ~np.isin(np.array(users, dtype=object), rows["user_id"].to_numpy(dtype=object))
    said = {
        f"without ratings, so these are {popular}": (row < 0) & ~empty,
        f"without a rating of {least}, so these are {popular}": (row >= 0) & ~knows & ~empty,
        "rated every item, so that nothing is left to recommend (the setting seen=keep lists them)": full & empty,
        "nothing to recommend for": ~full & empty,
    }
    return [f"{note}: {named(np.array(users, dtype=object)[who])}" for note, who in said.items() if who.any()]


def why_item(fitted: Stage, user: str, item: str, *, who: str) -> Explanation:
    """Explain one item to one user.

    Raises
    ------
    NotFoundError
        If nobody has rated the item.
    """
    known = next(recommenders(fitted)).fitted.items.names.to_pylist()
    if item not in known:
        raise NotFoundError(f"{who}: nobody has rated an item {item!r}; {near_misses(item, known)}")
    return fitted.explain(user, item)
