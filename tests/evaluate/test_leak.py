"""Tests of irkit.evaluate.leak and of every door by which a learner could see what it is measured on."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.evaluate import experiment
from irkit.evaluate.leak import check_leak, learned_from
from irkit.evaluate.ratings import evaluate_ratings
from irkit.evaluate.toplists import top_n_task
from irkit.pipeline.operators import rrf
from irkit.recommend import Recommender
from irkit.recommend.guards import checked, scale_notes
from irkit.recommend.seen import DropSeen
from irkit.recommend.splits import time_split
from irkit.recommend.table import RatingTable
from irkit.registry import RECOMMENDERS, STAGES
from tests.recommend.ratings_toy import random_table

SPLIT = time_split(random_table(users=14, items=10, time=True, seed=4), fraction=0.3)
TASK = top_n_task(SPLIT.train, SPLIT.test, threshold=1.0)
TINY = {
    "als": {"embedding_size": 2, "epochs": 1},
    "autorec": {"hidden_size": 2, "epochs": 1},
    "bayesian-mf": {"embedding_size": 2, "draws": 1},
    "biased-mf": {"epochs": 1},
    "bpr": {"epochs": 1},
    "cfnade": {"hidden_size": 2, "epochs": 1},
    "dns": {"epochs": 1},
    "irgan": {"dns_epochs": 1, "rounds": 1, "discriminator_passes": 1, "generator_passes": 1},
    "pmf": {"epochs": 1},
    "rrn": {"hidden_size": 2, "input_size": 2, "dynamic_size": 1, "stationary_size": 1, "mf_epochs": 1, "epochs": 1},
    "svdpp": {"epochs": 1},
    "timesvdpp": {"epochs": 1, "bins": 2},
}
QRELS = SPLIT.test.frame().rename(columns={"user_id": "qid", "item_id": "docno", "rating": "label"})
QRELS = QRELS[["qid", "docno", "label"]]


def model(name):
    return STAGES.load(name)(**TINY.get(name, {}))


def with_rows(rows):
    """The training part and some more ratings."""
    both = pd.concat([SPLIT.train.frame(), rows], ignore_index=True)
    return RatingTable.from_frame(both, scale=(1, 5), time_unit="s")


def one_test_pair():
    return with_rows(SPLIT.test.frame().head(1).assign(timestamp=0.0))


def a_rating_of_later():
    later = SPLIT.test.frame().head(1).assign(user_id="stranger")
    return with_rows(later)


def ratings_by_strangers():
    """What popularity would count: older than every test rating, and of nobody in the split."""
    item = SPLIT.train.items[0]
    rows = [(f"stranger{number}", item, 3.0, float(number)) for number in range(9)]
    return with_rows(pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]))


LEAKS = {
    "training": (lambda m: m.fit(one_test_pair()), "was fitted on 1 of the"),
    "early stopping": (lambda m: m.fit(SPLIT.train, SPLIT.test), r"was stopped early by \d+ of the"),
    "statistics": (lambda m: m.fit(ratings_by_strangers()), r"counted \d+ ratings of item 'i\d', and \d+ were known"),
    "the future": (lambda m: m.fit(a_rating_of_later()), "ratings as new as the oldest test rating|counted"),
}


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("name", RECOMMENDERS)
def test_every_recommender_is_refused_whatever_it_saw_the_test_part_for(name, leak, tmp_path):
    fit, message = LEAKS[leak]
    leaky = fit(model(name))
    with pytest.raises(ConfigError, match=f"guard: {name} .*({message})"):
        checked(leaky, SPLIT)
    with pytest.raises(ConfigError, match="guard: "):
        evaluate_ratings(leaky, SPLIT)
    waived = checked(leaky, SPLIT, dict.fromkeys(("future", "popularity", "test pairs", "duplicates"), "to see"))
    assert any("waived (to see)" in note for note in waived)
    if leak in ("training", "early stopping"):
        with pytest.raises(ConfigError, match=f"top_n: {name} {message} {int(TASK.relevant.sum())} positives"):
            TASK.evaluate(leaky, "AP")
        with pytest.raises(ConfigError, match=rf"experiment: a {message} {len(QRELS)} judged pairs, such as user '"):
            experiment({"a": leaky}, sorted_users(), QRELS, "AP")
    if leak == "early stopping":  # what a file says of it is what it was
        leaky.save(tmp_path / "m")
        with pytest.raises(ConfigError, match=f"guard: {name} {message}"):
            checked(Recommender.load(tmp_path / "m"), SPLIT)


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_every_recommender_fitted_on_the_training_part_passes_every_door(name):
    inner = SPLIT.inner(0.2)
    clean = model(name).fit(inner.train, inner.test)
    assert checked(clean, SPLIT) == []
    assert check_leak("a", clean, QRELS["qid"], QRELS) is None
    assert TASK.evaluate(clean, "AP").means["AP"] > 0
    assert "new" not in clean.fitted.users.names.to_pylist()


def sorted_users():
    users = sorted(set(QRELS["qid"]))
    return pd.DataFrame({"qid": users, "query": users}).astype("str")


def test_the_vocabulary_is_that_of_the_training_part():
    whole = SPLIT.ratings
    fitted = model("bias").fit(whole.kept(whole.item != 0))  # the item keeps its number in the table
    assert whole.items[0] not in fitted.fitted.items.names.to_pylist()
    assert len(fitted.item_bias_) == len(whole.items) - 1


def test_a_leak_is_waived_in_print():
    leaky = model("bias").fit(one_test_pair())
    done = experiment({"a": leaky}, sorted_users(), QRELS, "AP", allow_leak=True)
    assert f"a: fitted on 1 of the {len(QRELS)} judged pairs" in str(done)
    found = evaluate_ratings(leaky, SPLIT, waive={"test pairs": "an upper bound", "popularity": "the same"})
    assert str(found).count("waived") == 2
    np.testing.assert_allclose(TASK.evaluate(TASK.scores_of(leaky), "AP").means["AP"], 0.5, atol=0.5)


def test_stages_inside_others_are_looked_at_and_filters_too():
    ease = model("ease")
    fused = rrf(ease.fit(SPLIT.train), model("popularity").fit(one_test_pair()))
    with pytest.raises(ConfigError, match=r"experiment: both was fitted on 1 of the .* judged pairs"):
        check_leak("both", fused, QRELS["qid"], QRELS)
    dropped = ease.fit(SPLIT.train) >> DropSeen().fit(SPLIT.ratings)
    with pytest.raises(ConfigError, match=f"was fitted on {len(QRELS)} of the {len(QRELS)} judged pairs"):
        check_leak("dropped", dropped, QRELS["qid"], QRELS)
    assert learned_from(fused) == frozenset()


def test_a_scale_known_from_the_test_part_alone_is_said():
    frame = SPLIT.ratings.frame()
    frame.attrs.clear()  # among them the scale that is stated
    frame.loc[SPLIT.in_train, "rating"] = frame.loc[SPLIT.in_train, "rating"].clip(2, 4)
    for scale, notes in (
        (None, ["the scale 1..5 is that of all ratings; those of the training part lie in 2..4"]),
        ((1, 5), []),
    ):
        split = time_split(RatingTable.from_frame(frame, scale=scale), fraction=0.3)
        assert scale_notes(split) == notes
        found = evaluate_ratings(model("bias").fit(split.train), split)
        assert list(found.notes) == notes


def test_settings_are_not_chosen_by_pairs_that_were_learned_from():
    from irkit.evaluate import tune
    from irkit.evaluate.space import Parameter, Space
    from irkit.recipe import load_recipe

    space = Space(name="n", recipe="popularity", parameters={"n": Parameter(values=(2, 5))})
    recipe, users = load_recipe("popularity").with_settings({"seen": "keep"}), sorted_users()
    with pytest.raises(
        ConfigError, match=f"tune: popularity was fitted on {len(QRELS)} of the {len(QRELS)} judged pairs"
    ):
        tune(recipe, space, users, QRELS, "AP", resources={}, train=SPLIT.ratings, folds=2)
    tuned = tune(recipe, space, users, QRELS, "AP", resources={}, train=SPLIT.train, folds=2)
    assert len(tuned.chosen) == 2
