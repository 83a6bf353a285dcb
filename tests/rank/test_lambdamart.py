"""Tests of irkit.rank.lambdamart: beside LightGBM's own ranker."""

import pickle
import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, DataError, FrameError, MissingExtraError
from irkit.pipeline import Topics
from irkit.pipeline.learned import labels_of
from irkit.rank import FeatureRanker, LambdaMART, RankNet
from irkit.rank.feature_ranker import held_out
from irkit.rank.measured import Measured
from irkit.recipe import Recipe
from irkit.testing import check_stage
from tests.rank.pools_toy import empty_queries, pool

TRAIN, VALID, TEST = pool(60), pool(30, seed=1, name="v"), pool(20, seed=2, name="t")
SHORT = {"trees": 12, "leaves": 4, "min_child_samples": 5, "threads": 1}
RANKER = LambdaMART(**SHORT)


def arrays(topics, greatest=99):
    hits = topics.flow
    return hits.columns["features"], np.minimum(labels_of(hits, topics.qrels), greatest), np.diff(hits.ptr)


def relabelled(topics, change):
    return Topics(topics.flow, topics.qrels.assign(label=change(topics.qrels["label"])))


def test_scores_are_those_of_lightgbm_s_own_ranker():
    for validated in (False, True):
        config = {**SHORT, "trees": 60, "patience": 4, "k": 5, "validation": 0}
        fitted = LambdaMART(**config).fit(TRAIN, VALID if validated else None)
        own = lightgbm.LGBMRanker(
            n_estimators=60, num_leaves=4, learning_rate=0.05, min_child_samples=5, random_state=1, n_jobs=1,
            deterministic=True, force_row_wise=True, verbosity=-1, lambdarank_truncation_level=30,
        )  # fmt: skip
        x, y, group = arrays(TRAIN)
        further = {}
        if validated:
            vx, vy, vgroup = arrays(VALID)
            callbacks = [lightgbm.early_stopping(4, verbose=False)]
            further = {"eval_X": (vx,), "eval_y": (vy,), "eval_group": [vgroup], "eval_at": [5], "callbacks": callbacks}
        own.fit(x, y, group=group, **further)
        assert fitted.booster.num_trees() == (own.best_iteration_ if validated else 60)
        np.testing.assert_array_equal(fitted.score(TEST.flow), own.predict(TEST.flow.columns["features"]))
    assert own.best_iteration_ < 60, "else it was not stopped"
    assert len(fitted.curve) == own.best_iteration_ + 4
    assert np.argmax(fitted.curve) == own.best_iteration_ - 1


def test_what_features_tell_apart_is_ranked_nearly_without_a_fault():
    fitted = LambdaMART(threads=1).fit(TRAIN, VALID)
    out = fitted.run(TEST.flow)
    assert Measured(Topics(out, TEST.qrels), "nDCG@10").mean(out.score) > 0.95


def test_labels_may_be_any_whole_numbers():
    x, _, group = arrays(TRAIN)
    for greatest, gain in ((40, "exponential"), (5000, "linear")):
        train = relabelled(TRAIN, lambda label, top=greatest: label.map({0: -2, 1: 3, 2: top}))
        fitted = LambdaMART(**SHORT, gain=gain, validation=0).fit(train)
        labels = np.maximum(arrays(train, 10**6)[1], 0)
        gains = [2.0**y - 1 if gain == "exponential" else y for y in range(greatest + 1)]
        own = lightgbm.LGBMRanker(
            n_estimators=12, num_leaves=4, learning_rate=0.05, min_child_samples=5, random_state=1, n_jobs=1,
            deterministic=True, force_row_wise=True, verbosity=-1, label_gain=gains,
        ).fit(x, labels, group=group)  # fmt: skip
        np.testing.assert_array_equal(fitted.score(TEST.flow), own.predict(TEST.flow.columns["features"]))
    with pytest.raises(ConfigError, match="lambdamart: labels may be at most 60, got 61; set gain to linear"):
        RANKER.fit(relabelled(TRAIN, lambda label: label.map({0: 0, 1: 3, 2: 61})))


def test_missing_features_are_taken():
    x = TRAIN.flow.columns["features"].copy()
    x[::3, 0] = np.nan
    fitted = RANKER.fit(Topics(TRAIN.flow.carrying(features=x), TRAIN.qrels))
    holes = TEST.flow.columns["features"].copy()
    holes[::2] = np.nan
    assert np.isfinite(fitted.run(TEST.flow.carrying(features=holes)).score).all()
    holes[3, 1] = np.inf
    with pytest.raises(FrameError, match=r"lambdamart: feature 2 of 4 .* got inf; give numbers, or NaN for a missing"):
        fitted.run(TEST.flow.carrying(features=holes))


def test_it_is_held_out_saved_and_sent_as_the_others_are(tmp_path):
    fitted = RANKER.fit(TRAIN)
    rest, chosen = held_out(TRAIN, 0.2, 1)
    assert fitted == RANKER.fit(rest, chosen)
    assert fitted.fitted_on == set(TRAIN.flow.queries["qid"])
    other = LambdaMART(**SHORT, seed=2).fit(TRAIN)
    check_stage(fitted, TEST.flow, others=(RANKER, other, RANKER.fit(VALID)))
    fitted.save(tmp_path / "one")
    for back in (FeatureRanker.load(tmp_path / "one"), pickle.loads(pickle.dumps(fitted))):
        assert back == fitted
        assert back.cacheable
        assert back.fitted_on == fitted.fitted_on
        pd.testing.assert_frame_equal(back(TEST.flow), fitted(TEST.flow), check_exact=True)
    with pytest.raises(DataError, match="holds a 'lambdamart', a 'ranknet' is needed; load it with LambdaMART"):
        RankNet.load(tmp_path / "one")
    more = empty_queries(TRAIN, "z1")
    assert RANKER.fit(more).score(TEST.flow).tolist() == fitted.score(TEST.flow).tolist()


def test_its_settings_are_reached_by_name():
    recipe = Recipe(name="own", needs=("train",), stages=[{"use": "lambdamart"}])
    changed = recipe.with_settings({"leaves": 31, "min_child_samples": 5, "trees": 9}).build()
    assert changed.spec() == {"use": "lambdamart", "leaves": 31, "min_child_samples": 5, "trees": 9}


def test_lists_that_lightgbm_does_not_take_are_refused(monkeypatch):
    monkeypatch.setattr("irkit.rank.lambdamart.LONGEST", 11)
    with pytest.raises(ConfigError, match=r"lambdamart: a query may have 11 results, got 12 of 'q\d+'; cut them"):
        RANKER.fit(TRAIN)


def test_a_package_that_is_not_installed_is_named(monkeypatch, tmp_path):
    RANKER.fit(TRAIN).save(tmp_path / "one")
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert LambdaMART().spec() == {"use": "lambdamart"}
    for run in (lambda: RANKER.fit(TRAIN), lambda: LambdaMART.load(tmp_path / "one")):
        with pytest.raises(
            MissingExtraError,
            match=r"^lambdamart: needs lightgbm, which is not installed; pip install 'irkit\[lightgbm\]'$",
        ):
            run()
