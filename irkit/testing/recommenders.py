"""What every recommender keeps to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from irkit.errors import ConfigError, NotFittedError
from irkit.recipe.recipe import Recipe
from irkit.recommend.base import BRANCHES, Recommender
from irkit.recommend.lists import users_frame
from irkit.recommend.table import RatingTable
from irkit.testing.stages import check_stage
from irkit.testing.toys import toy_ratings


def check_recommender(
    model: Recommender, folder: Path, *, train: RatingTable | None = None, named: bool = True
) -> Recommender:
    """Check a recommender by fitting it to a few ratings, and return it fitted.

    It is refused before `fit`; `fit` returns a copy, twice the same; a list holds no item twice and none that the
    user rated; a user without ratings gets a list; predicted ratings lie on the scale; a saved model is the same
    model; fitted, it is a stage like others.

    Parameters
    ----------
    model : Recommender
        Not fitted.
    folder : path
        For its file.
    train : RatingTable, optional
        Default `toy_ratings`.
    named : bool
        Whether it has a name in recipes: that of a plug-in has one once the package is installed.

    Raises
    ------
    AssertionError
        If it does not keep to something; says to what.
    """
    ratings = toy_ratings() if train is None else train
    _check_unfitted(model)
    if named:
        Recipe(name="check", needs=("train",), stages=[{"use": model.name, **model.config.given()}])
    fitted = model.fit(ratings)
    assert model.train is None, "fit returns a copy"
    _check_same(fitted, model.fit(ratings), "fitted twice to the same ratings it is the same")
    fewer = ratings.kept(np.arange(len(ratings)) > 0)
    assert model.fit(fewer).fingerprint != fitted.fingerprint, "other ratings give another fingerprint"
    check_stage(fitted, users_frame([*_users(ratings)[:5], "a stranger"]), named=False, rtol=1e-5)
    _check_lists(fitted, ratings)
    _check_predictions(fitted, ratings)
    path = folder / "recommender"
    fitted.save(path)
    _check_same(type(model).load(path), fitted, "a saved model is the same model")
    return fitted


def _check_unfitted(model: Recommender) -> None:
    try:
        model.recommend(["u"])
    except NotFittedError:
        return
    raise AssertionError("before fit it is refused by a NotFittedError")


def _check_same(one: Recommender, other: Recommender, what: str) -> None:
    assert one.fingerprint == other.fingerprint, f"{what}: fingerprints"
    users = [*_users(other.fitted), "a stranger"]
    assert one.recommend(users).equals(other.recommend(users)), f"{what}: lists"


def _check_lists(fitted: Recommender, ratings: RatingTable) -> None:
    users = _users(ratings)
    found = fitted.recommend([*users, "a stranger"], n=3)
    assert not found.duplicated(["qid", "docno"]).any(), "a list holds an item once"
    assert found.groupby("qid").size().max() <= 3, "a list holds as many as were asked for at most"
    assert (found["qid"] == "a stranger").any(), "a user without ratings gets a list"
    if fitted.config.seen == "drop":
        rated = ratings.frame()[["user_id", "item_id"]].set_axis(["qid", "docno"], axis=1)
        assert found.merge(rated, on=["qid", "docno"]).empty, "a list holds nothing that the user rated"


def _check_predictions(fitted: Recommender, ratings: RatingTable) -> None:
    known = ratings.frame()[["user_id", "item_id"]][:1]
    stranger = pd.DataFrame({"user_id": ["a stranger"], "item_id": ["nothing"]}, dtype="str")
    pairs = pd.concat([known, stranger], ignore_index=True)
    if not fitted.predicts_ratings:
        try:
            fitted.predict(pairs)
        except ConfigError:
            return
        raise AssertionError("what ranks and predicts no ratings refuses predict by a ConfigError")
    found = fitted.predict(pairs)
    low, high = fitted.fitted.scale
    assert found["prediction"].between(low, high).all(), "predicted ratings lie on the scale"
    assert found["branch"].tolist() == [BRANCHES[0], BRANCHES[-1]], "a prediction says what was known"


def _users(ratings: RatingTable) -> list[str]:
    users: list[str] = ratings.users.take(np.unique(ratings.user)).to_pylist()
    return users
