"""Rankers by features with small settings, and what tests ask of them."""

import numpy as np
import pytest

from irkit.pipeline import Topics
from irkit.rank import LambdaRank, ListNet, PairwiseDNS, Pointwise, RankNet
from irkit.rank.measured import Measured
from tests.rank.pools_toy import pool

TRAIN, VALID, TEST = pool(), pool(8, seed=1, name="v"), pool(10, seed=2, name="t")
KINDS = (Pointwise, RankNet, LambdaRank, ListNet, PairwiseDNS)
SHORT = {"epochs": 4, "learning_rate": 0.05, "batch_size": 4, "hidden_size": 3, "device": "cpu"}
RANKERS = {kind.name: kind(**SHORT) for kind in KINDS}
every = pytest.mark.parametrize("ranker", RANKERS.values(), ids=RANKERS)
LINEAR = RankNet(**{**SHORT, "hidden_size": 0, "normalise": "none"})


def weights(ranker):
    return {name: value.numpy() for name, value in ranker.net.state_dict().items()}


def assert_same(one, other):
    """Assert that two rankers are the same to the last bit."""
    mine, theirs = weights(one), weights(other)
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    assert one.fingerprint == other.fingerprint


def effectiveness(ranker, topics=TEST, measure="nDCG@10"):
    out = ranker.run(topics.flow)
    return Measured(Topics(out, topics.qrels), measure).mean(out.score)


def scores(ranker, topics):
    return [row["value"] for row in ranker.training.rows if row["metric"] == "score"]


def with_features(topics, change):
    hits = topics.flow
    return Topics(hits.carrying(features=change(hits.columns["features"].copy())), topics.qrels)
