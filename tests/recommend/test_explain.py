"""Why an item was recommended: contributions that sum to the score, and print as explanations of retrieval do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import irkit
from irkit.recommend import ALS, EASE, PMF, Bias, BiasedMF, ItemKNN, RatingTable, SVDpp

RATINGS = irkit.load_ratings("planted-factors")
MODELS = [
    Bias(),
    ItemKNN(),
    ItemKNN(k=3, shrinkage=5.0),
    EASE(reg=50),
    EASE(threshold=4),
    BiasedMF(epochs=2),
    SVDpp(epochs=2),
    ALS(epochs=3),
    ALS(epochs=3, cg_steps=0, threshold=3),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_contributions_sum_to_the_score(model):
    fitted = model.fit(RATINGS)
    users = np.flatnonzero(fitted.knows(np.arange(len(fitted.fitted.users))))[:5]
    for user in users:
        scores = fitted.scores(np.array([user]))[0]
        for item in (0, 17, 99):
            terms = fitted.contributions(int(user), item)
            assert sum(share for _, _, share in terms) == pytest.approx(scores[item], abs=1e-5)


def test_the_items_of_a_linear_model_are_those_that_the_user_likes():
    fitted = EASE(reg=50, threshold=4).fit(RATINGS)
    train = fitted.fitted
    mine = RATINGS.kept((RATINGS.user == 3) & (RATINGS.rating >= 4))
    why = fitted.explain(RATINGS.users[3], "i17").terms()
    assert set(why["term"]) == set(mine.items.take(mine.item).to_pylist())
    (first,) = why["term"][:1]
    assert why["contribution"][0] == fitted.weights_[train.items.rows([first])[0], train.items.rows(["i17"])[0]]


def test_the_neighbours_of_an_item_are_no_more_than_k_and_their_weights_sum_to_one():
    why = ItemKNN(k=4).fit(RATINGS).explain("u3", "i17").terms().set_index("term")
    neighbours = why.drop(["mean rating", "the user's level", "the item's"])
    assert len(neighbours) == 4
    assert neighbours["weight"].sum() == pytest.approx(1)


def test_solved_factors_leave_nothing_over_and_counts_weigh():
    rows = [("a", "x", 3.0), ("a", "y", 1.0), ("b", "x", 1.0), ("b", "z", 9.0), ("c", "y", 2.0), ("c", "z", 1.0)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rating"])
    table = replace(RatingTable.from_frame(frame), counts=True)
    fitted = ALS(embedding_size=2, reg=0.1, cg_steps=0, epochs=300).fit(table)
    why = {term: (weight, share) for term, weight, share in fitted.contributions(0, 2)}
    assert why["factors not settled"][1] == pytest.approx(0, abs=1e-3)
    assert (why["x"][0], why["y"][0]) == (4.0, 2.0)  # 1 + alpha times the count


def test_an_explanation_prints_as_that_of_a_document_does():
    fitted = EASE(reg=50).fit(RATINGS)
    first = fitted.search("u3", n=1)
    why = fitted.explain("u3", first["docno"].item())
    assert why.score == first["score"].item()
    assert why.rank == 0
    assert why.terms()["contribution"].sum() == pytest.approx(why.score)
    lines = str(why).splitlines()
    assert lines[0] == f"item {first['docno'].item()} for user 'u3'"
    assert lines[1].split()[:3] == ["ease(reg=50.0)", "rank", "1"]
    assert lines[2].split()[1:3] == ["1", "x"]
    shares = len(why.terms())
    assert lines[-1].split()[1:] == ["of", str(shares - 24), "more"]
    assert sum(float(line.split()[0]) for line in lines[2:]) == pytest.approx(why.score, abs=1e-4 * 26)


def test_a_rating_in_a_pipeline_is_explained_too():
    pipeline = (EASE(reg=50) % 5 >> Bias().rater()).fit(RATINGS)
    (item,) = pipeline.search("u3", n=1)["docno"]
    why = pipeline.explain("u3", item)
    shares = why.terms().groupby("stage")["contribution"].sum()
    assert shares["ease(reg=50.0)"] == pytest.approx(why.steps[0].score)
    assert shares["rate()"] == pytest.approx(why.score)


def test_of_an_unknown_user_popularity_is_all_there_is_and_of_an_unknown_item_nothing():
    fitted = EASE().fit(RATINGS)
    (item,) = fitted.search("nobody", n=1)["docno"]
    why = fitted.explain("nobody", item)
    assert why.terms()[["term", "contribution"]].to_numpy().tolist() == [["popularity", why.score]]
    assert fitted.explain("u3", "nothing").terms().empty
    assert fitted.explain("u3", "nothing").score is None


def test_a_model_that_is_no_such_sum_says_nothing():
    fitted = PMF(epochs=1).fit(RATINGS)
    assert fitted.explain("u3", fitted.search("u3", n=1)["docno"].item()).terms().empty


def test_lists_are_for_everybody_where_nobody_is_named():
    fitted = EASE().fit(RATINGS)
    assert fitted.recommend(n=2).equals(fitted.recommend(RATINGS.users.names.to_pylist(), 2))
