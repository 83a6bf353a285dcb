"""Tests of irkit.pipeline.fit: one way to fit whatever learns, wherever in a pipeline it stands."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import CompositionError, FrameError, NotFittedError
from irkit.hits import Hits
from irkit.pipeline import Learned, Stage, Topics, rrf
from irkit.pipeline.fit import not_fitted
from irkit.pipeline.operators import Features, Scale, normalise
from irkit.recommend.bias import Bias
from irkit.recommend.popularity import Popularity
from irkit.recommend.rate import Rate
from irkit.recommend.seen import DropSeen
from tests.pipeline.toy import Toy, given, toy
from tests.recommend.ratings_toy import random_table

TABLE = random_table()
USERS = TABLE.users.names.to_pylist()[:6]
QRELS = pd.DataFrame({"qid": USERS, "docno": TABLE.items.take(np.arange(6)).to_pylist(), "label": 1})


class Counter(Stage):
    """Learns how many queries it was fitted on, and adds them to every score."""

    name = "counter"
    learns_from = Topics
    queries = 0

    def fit(self, train, valid=None):
        out = Counter()
        out.queries = len(train.flow.queries if isinstance(train.flow, Hits) else train.flow)
        return out

    def run(self, flow):
        if not self.queries:
            raise not_fitted(self)
        return flow.rescored(flow.score + self.queries)


@pytest.mark.parametrize(
    "pipeline",
    [
        Popularity(),
        Popularity(seen="keep") % 5 >> Bias().rater() >> DropSeen(),
        normalise(Popularity()) + 0.5 * normalise(Bias()),
        rrf(Popularity(), Bias() >> Bias(damping=1.0).rater()).parallel(1),
    ],
    ids=str,
)
def test_recommenders_learn_wherever_they_stand(pipeline):
    with pytest.raises(
        NotFittedError, match=r"is not fitted; call pipeline.fit\(RatingTable.from_frame\(ratings\)\) and"
    ):
        pipeline(USERS)
    fitted = pipeline.fit(TABLE)
    assert len(fitted(USERS)) > 0
    assert repr(fitted) == repr(pipeline)
    assert fitted == pipeline.fit(TABLE) != pipeline
    with pytest.raises(NotFittedError):  # what was fitted is a copy
        pipeline(USERS)


def test_the_held_out_part_reaches_models_inside():
    pipeline = Popularity() >> Bias().rater()
    model = pipeline.fit(TABLE, TABLE).parts[-1].model
    assert model.held_out is not None
    assert pipeline.fit(TABLE).parts[-1].model.held_out is None


def test_a_rater_s_model_is_the_fitted_one():
    fitted = Rate((Bias(),)).fit(TABLE)
    assert fitted.model is fitted.parts[0]
    assert fitted.model.train is not None


def test_a_pipeline_that_learns_from_both_kinds_is_fitted_on_one_after_the_other():
    pipeline = Popularity(seen="keep") ** (Popularity(seen="keep") >> Bias().rater()) >> Learned(model="linear")
    topics = Topics({user: user for user in USERS}, QRELS)
    with pytest.raises(NotFittedError, match="popularity: is not fitted"):
        pipeline.fit(topics)
    half = pipeline.fit(TABLE)
    with pytest.raises(NotFittedError, match=r"learned: is not fitted; call pipeline.fit\(Topics\(queries, qrels\)\)"):
        half(USERS)
    fitted = half.fit(topics)
    assert fitted.parts[0] == half.parts[0]
    assert len(fitted(USERS)) > 0


def test_a_part_that_learns_from_the_other_kind_stays_as_it_is():
    other = given({}) ** given({}) >> Learned(model="linear") >> Scale(weight=2)
    fitted = (normalise(Popularity()) + other).fit(TABLE)
    assert fitted.parts[0].parts[0].train is not None
    assert fitted.parts[1] is other


def test_each_learner_sees_what_the_fitted_ones_before_it_give():
    lists = given({"1": {"a": 1.0}, "2": {"b": 1.0}})
    fitted = (lists >> Counter() >> Scale(weight=10) >> Counter()).fit(Topics({"1": "x", "2": "y"}, QRELS))
    assert fitted({"1": "x"})["score"].tolist() == [(1 + 2) * 10 + 2]


def test_a_cut_before_a_learner_is_made_by_the_retriever_in_fitting_too(monkeypatch):
    asked, run = [], Toy.run
    monkeypatch.setattr(Toy, "run", lambda self, flow: asked.append(self.config.n) or run(self, flow))
    (toy() % 2 >> Counter()).fit(Topics({"1": "heat wing"}, QRELS))
    assert asked == [2]


def test_fitting_on_what_no_stage_learns_from_says_what_to_give():
    with pytest.raises(FrameError) as error:
        (toy() ** toy() >> Learned()).fit(TABLE)
    assert str(error.value) == (
        "fit: no stage learns from a RatingTable; give Topics(queries, qrels), which learned learns from"
    )
    with pytest.raises(
        FrameError, match=r"learns from a list; give RatingTable.from_frame\(ratings\), which popularity"
    ):
        (Popularity() % 5).fit([1])
    with pytest.raises(FrameError, match="learned: train must be Topics, got RatingTable; write Topics"):
        Learned().fit(TABLE)


def test_what_learns_nothing_is_returned_as_it_is():
    pipeline = toy() + toy(n=3)
    assert pipeline.fit(TABLE) is pipeline
    assert not pipeline.learns
    assert (pipeline >> Counter()).learns


def test_a_learner_without_fit_is_told_apart_from_one_that_is_given_the_wrong_thing():
    class Forgot(Scale):
        learns_from = Topics

    with pytest.raises(CompositionError, match="scale: Forgot does not implement fit"):
        (toy() >> Forgot(weight=1)).fit(Topics({"1": "x"}, QRELS))


def test_features_inside_features_are_fitted():
    pipeline = Features((toy(), toy() ** toy(n=2) >> Learned(model="linear"))) >> Learned(model="linear")
    qrels = pd.DataFrame({"qid": ["1"], "docno": ["d3"], "label": [1]})
    fitted = pipeline.fit(Topics({"1": "heat wing"}, qrels))
    assert all(stage.fitted is not None for stage in (fitted.parts[-1], fitted.parts[0].parts[1].parts[-1]))
