"""Why an item has its score for a user: what the score is the sum of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from irkit.pipeline.explain import Terms
    from irkit.recommend.base import Recommender


def explained(model: Recommender, users: Any, item: str, *, in_lists: bool) -> Terms | None:
    """Return what an item's score for a user is the sum of, as `Stage.explain_terms` does.

    Parameters
    ----------
    model : Recommender
    users : series of one user's id
    item : str
    in_lists : bool
        Whether the score is that of a list, which is popularity for a user whom the model does not know.
    """
    user, row = model.fitted.users.rows(users), int(model.fitted.items.rows([item])[0])
    if row < 0:
        return None
    if model.knows(user)[0]:
        return model.contributions(int(user[0]), row)
    return [("popularity", 1.0, float(model.popularity[row]))] if in_lists else None


def bias_terms(mean: float, user: float, item: float) -> Terms:
    """Name the parts of mu + b_u + b_i: what, weight, contribution."""
    return [("mean rating", 1.0, float(mean)), ("the user's level", 1.0, float(user)), ("the item's", 1.0, float(item))]
