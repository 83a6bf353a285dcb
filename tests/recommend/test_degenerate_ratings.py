"""Every recommender on ratings that teach little or too much: a defined result, or one line that says what to do."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import IrkitError
from irkit.recommend import Recommender
from irkit.registry import RECOMMENDERS, STAGES
from tests.recommend.ratings_toy import table

START = 1.7e9
FEW = {
    **{name: {"epochs": 2} for name in ("autorec", "bpr", "cfnade", "dns", "rrn")},
    "bayesian-mf": {"burn_in": 2, "draws": 3},
    "irgan": {"dns_epochs": 2, "rounds": 1, "discriminator_passes": 2, "generator_passes": 2},
}
"Settings for models that would take long."


def grid(rating, users=8, items=6, skip=3, time=lambda user, item: START + 86400 * (3 * user + 5 * item)):
    """Ratings of every pair whose numbers do not add up to a multiple of `skip`; 0 skips none."""
    pairs = [(u, i) for u in range(users) for i in range(items) if not skip or (u + i) % skip]
    rows = [(f"u{u}", f"i{i}", float(rating(u, i)), time(u, i)) for u, i in pairs]
    return table(rows, time=True)


def drawn(low, high, **options):
    values = np.random.default_rng(0).uniform(low, high, (60, 60))
    return grid(lambda user, item: values[user, item], **options)


TABLES = {
    "all equal": grid(lambda user, item: 3),
    "ones": grid(lambda user, item: 1),
    "zeros": grid(lambda user, item: 0),
    "everybody rated everything": grid(lambda user, item: 1 + user * item % 5, skip=0),
    "one user": grid(lambda user, item: 1 + item % 5, users=1, skip=0),
    "one item": grid(lambda user, item: 1 + user % 5, items=1, skip=0),
    "one rating": grid(lambda user, item: 4, users=1, items=1, skip=0),
    "nobody shares an item": grid(lambda user, item: 1 + user % 5, users=5, items=5, skip=0).kept(
        np.arange(25) % 6 == 0
    ),
    "counts": grid(lambda user, item: 1 + (user + 1) ** 3 * item, skip=4),
    "a thousand levels": drawn(-5, 5, users=40, items=40),
    "hundreds of thousands": drawn(1e5, 9e5),
    "beyond all bounds": drawn(1e13, 2e13),
    "far from 0": grid(lambda user, item: 1e9 + user * item % 5),
    "tiny": drawn(1e-30, 9e-30),
    "negative": grid(lambda user, item: -1 - user * item % 5),
    "one moment": grid(lambda user, item: 1 + user * item % 5, time=lambda user, item: START),
}

DIVERGE = "learning diverged in epoch"
NO_NEGATIVE = "every user likes every item, so there is no negative; set threshold"
REFUSED = {
    **{(name, "beyond all bounds"): "ratings must lie within +-1e+12, got one of size" for name in RECOMMENDERS},
    **{(name, "hundreds of thousands"): DIVERGE for name in ("biased-mf", "pmf", "svdpp", "timesvdpp", "rrn")},
    **{
        (name, "far from 0"): "ratings around 1e+09 that differ by 4 have more digits than it learns with"
        for name in ("autorec", "biased-mf", "pmf", "svdpp", "timesvdpp", "rrn")
    },
    **{(name, "counts"): DIVERGE for name in ("biased-mf", "pmf", "svdpp", "timesvdpp", "rrn")},
    **{
        (name, full): NO_NEGATIVE
        for name in ("bpr", "dns", "irgan")
        for full in ("everybody rated everything", "one user", "one item", "one rating")
    },
    ("cfnade", "a thousand levels"): "takes each distinct rating for a level, at most 100, got 1,",
}
"What cannot be learned from what: a part of the line that says so. Everything else has to work."


def test_the_models_are_all_that_are_registered():
    kinds = {name: STAGES.load(name) for name in STAGES if STAGES[name].startswith("irkit.recommend.")}
    assert {name for name, kind in kinds.items() if issubclass(kind, Recommender)} == set(RECOMMENDERS)


@pytest.mark.parametrize("ratings", TABLES)
@pytest.mark.parametrize("name", RECOMMENDERS)
def test_a_defined_result_or_one_line(name, ratings):
    model = STAGES.load(name)(**FEW.get(name, {}), seen="keep")
    train = TABLES[ratings]
    if (name, ratings) in REFUSED:
        with pytest.raises(IrkitError) as caught:
            model.fit(train)
        line = str(caught.value)
        assert line.startswith(f"{name}: ")
        assert REFUSED[name, ratings] in line
        assert ";" in line
        assert "\n" not in line
        return
    fitted = model.fit(train)
    users = [*train.users.names.to_pylist()[:5], "newcomer"]
    lists = fitted.recommend(users)
    assert np.isfinite(lists["score"]).all()
    assert lists.groupby("qid").size().to_dict() == dict.fromkeys(users, min(100, len(fitted.fitted.items)))
    if model.predicts_ratings:
        pairs = [(user, item) for user in users for item in [*train.items.names.to_pylist()[:5], "novelty"]]
        found = fitted.predict(pd.DataFrame(pairs, columns=["user_id", "item_id"]).astype("str"))["prediction"]
        assert found.between(*train.scale).all()


@pytest.mark.parametrize("name", ["bias", "item-knn", "pmf", "biased-mf", "svdpp", "timesvdpp", "cfnade"])
def test_equal_ratings_are_predicted_to_be_equal_again(name):
    fitted = STAGES.load(name)(**FEW.get(name, {})).fit(TABLES["ones"])
    assert fitted.scores(np.arange(8)) == pytest.approx(np.ones((8, 6)), abs=0.05)
