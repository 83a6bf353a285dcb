"""Tests of irkit.evaluate.tune_ratings: choices equal those of a plain loop, and never see the test part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from irkit.errors import ConfigError, MissingExtraError
from irkit.evaluate import tune_ratings
from irkit.evaluate.ratings import evaluate_ratings
from irkit.evaluate.space import Space
from irkit.evaluate.toplists import top_n_task
from irkit.recipe import load_recipe
from irkit.recommend import Bias
from irkit.recommend.problems import load_problem

PROBLEM = load_problem("planted-factors", {"kind": "random", "fraction": 0.3, "seed": 1})
DAMPINGS = (0.5, 5.0, 500.0)
SPACE = Space(name="dampings", recipe="bias", parameters={"damping": {"values": DAMPINGS}})
REGS = Space(name="regs", recipe="ease", parameters={"reg": {"values": (1.0, 100.0, 10_000.0)}})


def tuned(measures="RMSE MAE", recipe="bias", space=SPACE, problem=PROBLEM, **options):
    return tune_ratings(load_recipe(recipe), space, problem, measures, **options)


@pytest.mark.parametrize("valid", [None, 0.3])
def test_the_candidate_with_the_least_error_on_a_part_of_the_training_ratings_is_chosen(valid):
    found = tuned(valid=valid)
    inner = PROBLEM.split.inner(valid or 0.1, 42)
    errors = [evaluate_ratings(Bias(damping=damping).fit(inner.train), inner).rmse for damping in DAMPINGS]
    assert found.chosen.scores == pytest.approx(errors, rel=1e-12)
    best = DAMPINGS[int(np.argmin(errors))]
    assert found.chosen.values == {"damping": best}
    for measured, model in ((found.default, Bias()), (found.tuned, Bias(damping=best))):
        want = evaluate_ratings(model.fit(PROBLEM.split.train), PROBLEM.split)
        assert measured.means == pytest.approx({"RMSE": want.rmse, "MAE": want.mae}, rel=1e-12)
    assert found.frame().columns.tolist() == ["damping", "RMSE", "chosen"]
    assert found.frame()["chosen"].tolist() == [int(damping == best) for damping in DAMPINGS]


def test_the_candidate_with_the_best_lists_is_chosen_and_said():
    found = tuned("nDCG@10 P@5", "ease", REGS, liked=3.5, candidates="rated")
    inner = PROBLEM.split.inner(0.1, 42)
    task = top_n_task(inner.train, inner.test, threshold=3.5, exclude="rated")
    models = [load_recipe("ease").with_settings(values).build().fit(inner.train) for values in found.chosen.candidates]
    scores = [task.evaluate(model, "nDCG@10").means["nDCG@10"] for model in models]
    assert found.chosen.scores == pytest.approx(scores, rel=1e-12)
    best = int(np.argmax(scores))
    assert found.chosen.values == found.chosen.candidates[best]
    lines = str(found).splitlines()
    assert lines[0] == f"tuned: 3 candidates of regs by nDCG@10 on {len(inner.test):,} of the training ratings"
    assert ("at the edge of its space: reg" in lines) == (best != 1)
    means = found.tuned.means
    assert f"tuned on the test part: nDCG@10 {means['nDCG@10']:.4f}, P@5 {means['P@5']:.4f}" in lines


def test_test_ratings_have_no_say_in_the_choice():
    split = PROBLEM.split
    ratings = split.ratings
    turned = np.where(split.in_test, sum(ratings.scale) - ratings.rating, ratings.rating)
    other = replace(PROBLEM, split=replace(split, ratings=replace(ratings, rating=turned)))
    before, after = tuned(), tuned(problem=other)
    assert after.chosen.scores == before.chosen.scores
    assert after.chosen.values == before.chosen.values
    assert after.tuned.means["RMSE"] > before.tuned.means["RMSE"]


def test_draws_follow_the_seed():
    space = Space(name="s", recipe="bias", parameters={"damping": {"low": 1, "high": 100, "log": True}})
    first, again, other = (tuned(space=space, method="random", trials=3, seed=seed) for seed in (1, 1, 2))
    assert first.chosen.candidates == again.chosen.candidates
    assert len(first.chosen.candidates) == 3
    assert first.chosen.candidates != other.chosen.candidates


def test_optuna_is_asked_for_by_name():
    try:
        import optuna  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match=r"pip install 'irkit\[tune\]'"):
            tuned(method="optuna", trials=3)
    else:
        found = tuned(method="optuna", trials=4)
        assert found.chosen.values == found.chosen.candidates[int(np.argmin(found.chosen.scores))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": "RMSE P@5"}, "tune: measures: rating errors and top-n lists do not mix, got P@5; name one kind"),
        ({"measures": "RMSE(warn)"}, r"tune: measures: there is no measure 'RMSE\(warn\)'; did you mean RMSE\(warm"),
        ({"measures": "ERR@5"}, "tune: measures: computes P, R, nDCG, AP, RR"),
        ({"recipe": "ease", "space": REGS}, "tune: ease predicts no ratings, which RMSE needs; measure its lists"),
        ({"recipe": "bm25"}, "tune: bm25 needs index"),
        ({"recipe": "rrn"}, "tune: rrn uses time, and planted-factors has no timestamps"),
        ({"valid": 1.5}, "tune: valid must lie between 0 and 1, got 1.5; 0.1 holds out a tenth"),
        ({"measures": "P@5", "liked": 99}, "tune: top_n: no test rating is 99 or more; lower liked"),
        ({"space": REGS}, "there is no setting 'reg'"),
        ({"method": "random", "trials": 0}, "trials is not valid, got 0|one trial or more, got 0"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_fitted(monkeypatch, options, message):
    def refuse(*args):
        raise AssertionError("fitted")

    monkeypatch.setattr("irkit.recommend.base.Recommender.fit", refuse)
    with pytest.raises(ConfigError, match=message) as caught:
        tuned(**options)
    assert "\n" not in str(caught.value)


def test_a_recommender_and_a_dictionary_are_tuned_as_the_recipe_and_the_space():
    want = tuned()
    for given in ("bias", Bias()):
        found = tune_ratings(given, {"damping": list(DAMPINGS)}, PROBLEM, "RMSE MAE")
        assert found.chosen.values == want.chosen.values
        assert found.chosen.scores == want.chosen.scores
