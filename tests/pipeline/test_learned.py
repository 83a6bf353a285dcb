"""Tests of irkit.pipeline.learned."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from irkit.errors import ConfigError, FrameError, NotFittedError, ShapeError
from irkit.hits import Docnos, Hits
from irkit.pipeline import Cut, Learned, Topics
from irkit.pipeline.learned import _MODELS, LearnedConfig, labels_of
from irkit.pipeline.operators import Normalise, Scale
from tests.pipeline.toy import given, toy

rng = np.random.default_rng(5)
QIDS = [str(i) for i in range(20)]
ONE = {qid: {f"d{i}": float(rng.normal()) for i in range(12)} for qid in QIDS}
TWO = {qid: {f"d{i}": float(rng.normal()) for i in range(12)} for qid in QIDS}
# Relevant is what the second list scores above 0.5, whatever the first says.
QRELS = pd.DataFrame(
    [(qid, docno, int(score > 0.5) + int(score > 1.5)) for qid, docs in TWO.items() for docno, score in docs.items()],
    columns=["qid", "docno", "label"],
)
TRAIN, TEST = dict.fromkeys(QIDS[:14], "x"), dict.fromkeys(QIDS[14:], "x")
FEATURES = given(ONE) ** given(TWO)


def precision(frame, k=3):
    relevant = {(q, d) for q, d, label in QRELS.itertuples(index=False) if label}
    top = frame[frame["rank"] < k]
    return np.mean([pair in relevant for pair in zip(top["qid"], top["docno"], strict=True)])


@pytest.mark.parametrize("model", ["boosting", "forest", "linear", "logistic"])
def test_a_model_learns_which_feature_matters(model):
    pipeline = FEATURES >> Learned(model=model)
    fitted = pipeline.fit(Topics(TRAIN, QRELS))
    assert precision(fitted(TEST)) > 0.9
    assert precision(given(ONE)(TEST)) < 0.6


def test_predictions_are_the_estimators():
    fitted = (FEATURES >> Learned(estimator=LinearRegression())).fit(Topics(TRAIN, QRELS))
    x = np.array([[ONE[q][d], TWO[q][d]] for q in TRAIN for d in ONE[q]])
    labels = {(q, d): label for q, d, label in QRELS.itertuples(index=False)}
    y = np.array([labels[q, d] for q in TRAIN for d in ONE[q]], dtype=float)
    slow = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    frame = fitted(TEST)
    expected = [slow @ [*features, 1.0] for features in frame["features"]]
    np.testing.assert_allclose(frame["score"], expected, rtol=1e-9)


def test_a_classifier_scores_by_the_expected_label():
    fitted = (FEATURES >> Learned(estimator=LogisticRegression())).fit(Topics(TRAIN, QRELS))
    frame = fitted(TEST)
    model = fitted.parts[-1].fitted
    chances = model.predict_proba(np.stack(list(frame["features"])))
    np.testing.assert_allclose(frame["score"], chances[:, 1] + 2 * chances[:, 2], rtol=1e-12)


def test_an_unjudged_result_counts_as_not_relevant():
    queries = pd.DataFrame({"qid": ["1", "2"], "query": ["x", "y"]}, dtype="str")
    hits = Hits.ranked(queries, [0, 0, 1, 1], [0, 1, 1, 0], [2.0, 1.0, 2.0, 1.0], Docnos(["a", "b"]))
    qrels = pd.DataFrame({"qid": ["1", "2", "9", "2"], "docno": ["b", "b", "a", "z"], "label": [2, 1, 5, 5]})
    assert labels_of(hits, qrels).tolist() == [0.0, 2.0, 1.0, 0.0]
    assert labels_of(hits, qrels.iloc[:0]).tolist() == [0.0] * 4
    assert labels_of(hits.cut(1).kept(np.zeros(2, dtype=bool)), qrels).tolist() == []


def test_a_query_s_own_document_is_no_example_where_the_judgements_say_so():
    lists = given({"1": {"1": 9.0, "2": 2.0, "3": 1.0}, "2": {"1": 2.0, "2": 9.0, "3": 1.0}})
    qrels = pd.DataFrame({"qid": ["1", "2"], "docno": ["2", "1"], "label": [1, 1]})
    pipeline = lists**lists >> Learned(estimator=LinearRegression())
    misled = pipeline.fit(Topics({"1": "x", "2": "y"}, qrels))
    qrels.attrs["exclude_self"] = True
    fitted = pipeline.fit(Topics({"1": "x", "2": "y"}, qrels))
    assert fitted({"1": "x"}).set_index("docno")["score"][["2", "3"]].tolist() == pytest.approx([1.0, 0.0])
    assert misled({"1": "x"}).set_index("docno")["score"]["2"] < 0.6
    assert fitted.parts[-1].fitted_on == {"1", "2"}


class Grouped:
    """A ranker that wants to know how many results each query has."""

    def fit(self, X, y, group):
        self.group = list(group)
        return self

    def get_params(self, deep=True):
        return {}

    def predict(self, X):
        return X[:, 0]


def test_a_ranker_is_told_the_groups():
    some = given({"0": {"a": 1.0, "b": 2.0}, "2": {"c": 1.0}})
    judged = pd.DataFrame({"qid": ["0"], "docno": ["a"], "label": [1]})
    fitted = (some**some >> Learned(estimator=Grouped())).fit(Topics({"0": "x", "1": "x", "2": "x"}, judged))
    assert fitted.parts[-1].fitted.group == [2, 1]


def test_fitting_gives_a_copy():
    estimator = LinearRegression()
    pipeline = FEATURES >> Learned(estimator=estimator)
    fitted = pipeline.fit(Topics(TRAIN, QRELS))
    assert not hasattr(estimator, "coef_")
    assert pipeline.parts[-1].fitted is None
    assert fitted != pipeline
    assert fitted == pipeline.fit(Topics(TRAIN, QRELS))
    assert fitted != pipeline.fit(Topics(TEST, QRELS))
    assert fitted.parts[-1].fitted_on == frozenset(TRAIN)
    assert pipeline.parts[-1].fitted_on is None


class Learner(Learned):
    """Remembers what it was fitted on."""

    name = "learner"

    def fit(self, train, valid=None):
        self.seen.append((train.flow, valid.flow if valid else None))
        return super().fit(train, valid)

    runs = 0

    def run(self, flow):
        Learner.runs += 1
        return super().run(flow)

    seen: list = []  # noqa: RUF012


def test_each_stage_is_fitted_on_what_the_fitted_ones_before_it_give():
    Learner.seen.clear()
    first, second = Learner(model="linear"), Learner(model="linear", seed=1)
    pipeline = FEATURES >> first >> Cut(k=4) >> second >> Scale(weight=2)
    fitted = pipeline.fit(Topics(TRAIN, QRELS), Topics(TEST, QRELS))
    assert [len(train) for train, _ in Learner.seen] == [14 * 12, 14 * 4]
    assert [len(valid) for _, valid in Learner.seen] == [6 * 12, 6 * 4]
    scored = (FEATURES >> fitted.parts[1] >> Cut(k=4))(TRAIN)
    assert Learner.seen[1][0].frame().equals(scored)


class Counted(Scale):
    name = "counted"
    runs = 0

    def run(self, flow):
        type(self).runs += 1
        return super().run(flow)


def test_stages_after_the_last_learner_are_not_run_in_fitting():
    Counted.runs = 0
    pipeline = FEATURES >> Counted(weight=2) >> Learned(model="linear") >> Counted(weight=3)
    assert pipeline.learns
    pipeline.fit(Topics(TRAIN, QRELS))
    assert Counted.runs == 1
    twice = FEATURES >> Learner(model="linear") >> Learner(model="linear")
    Learner.runs = 0
    twice.fit(Topics(TRAIN, QRELS))
    assert Learner.runs == 1
    assert not (FEATURES >> Normalise()).learns
    plain = FEATURES >> Normalise()
    assert plain.fit(Topics(TRAIN, QRELS)) == plain


def test_learners_inside_operators_and_workers_are_fitted():
    learner = FEATURES >> Learned(model="linear")
    for pipeline in (0.5 * learner + given(ONE), learner.parallel(1), given(ONE) >> Cut(k=5) >> given_free()):
        fitted = pipeline.fit(Topics(TRAIN, QRELS))
        assert len(fitted(TEST)) > 0
        assert repr(fitted) == repr(pipeline)
    plain = given(ONE) + given(TWO)
    assert plain.fit(Topics(TRAIN, QRELS)) is plain


def given_free():
    """A results-to-results pipeline with a learner inside."""
    return Scale(weight=1) ** Scale(weight=2) >> Learned(model="linear")


@pytest.mark.parametrize(
    ("run", "kind", "message"),
    [
        (
            lambda: (FEATURES >> Learned())(TEST),
            NotFittedError,
            "learned: is not fitted; call pipeline.fit(Topics(quer",
        ),
        (
            lambda: Learned().fit(Topics(TRAIN, QRELS)),
            FrameError,
            "learned: is fitted on results with features; fit the",
        ),
        (
            lambda: (given(ONE) >> Learned()).fit(Topics(TRAIN, QRELS)),
            FrameError,
            "learned: needs the column 'features'; put pipelines side by side before it: a ** b >> learned",
        ),
        (
            lambda: (FEATURES >> Learned()).fit(Topics({"none": "x"}, QRELS)),
            FrameError,
            "learned: there is no result to",
        ),
        (lambda: Learned(estimator=3), ConfigError, "learned: an estimator has fit and predict, got int"),
        (
            lambda: Learned(model="svm"),
            ConfigError,
            "learned: model is not valid, got 'svm'; choose from boosting, ",
        ),
        (
            lambda: Learned(estimator=LinearRegression()).spec(),
            ConfigError,
            "learned: a recipe cannot hold a LinearRegression; name a model: boosting, forest, linear, logistic",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused(run, kind, message):
    with pytest.raises(kind) as error:
        run()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_other_features_than_in_training_are_refused():
    fitted = (FEATURES >> Learned(model="linear")).fit(Topics(TRAIN, QRELS))
    three = given(ONE) ** given(TWO) ** given(ONE) >> fitted.parts[-1]
    with pytest.raises(ShapeError, match="learned: was fitted on 2 features, got 3"):
        three(TEST)
    assert (toy() ** toy() >> fitted.parts[-1])("nothing like it").empty


def test_it_prints_and_has_a_spec():
    assert repr(FEATURES >> Learned(model="forest", seed=1)).endswith(">> learned(model='forest', seed=1)")
    assert Learned(model="forest").spec() == {"use": "learned", "model": "forest"}
    assert Learned(estimator=LinearRegression()).label() == "learned(estimator=LinearRegression())"


@pytest.mark.parametrize("model", ["boosting", "forest", "linear", "logistic"])
def test_features_that_a_model_cannot_take_are_named(model):
    hits = FEATURES.run(pd.DataFrame({"qid": QIDS, "query": "x"}, dtype="str"))
    for value, takes in ((np.nan, model in ("boosting", "forest")), (np.inf, False)):
        features = hits.columns["features"].copy()
        features[5, 1] = value
        topics = Topics(hits.carrying(features=features), QRELS)
        if takes:
            assert len(Learned(model=model).fit(topics).run(topics.flow)) == len(hits)
            continue
        docno, message = hits.docnos[hits.doc[5]], "must be finite, got {}; give numbers"
        expected = f"learned: feature 2 of 2 of docno {docno!r} for qid '0' {message.format(value)}"
        with pytest.raises(FrameError, match=f"^{expected}$"):
            Learned(model=model).fit(topics)


def test_logistic_regression_needs_two_labels():
    with pytest.raises(FrameError, match="learned: logistic needs results of two labels, got 0 alone; judge others"):
        (FEATURES >> Learned(model="logistic")).fit(Topics(TRAIN, QRELS.assign(label=0)))


def test_reg_is_the_weight_of_squared_coefficients():
    made = [_MODELS[model](LearnedConfig(model=model, reg=5.0)) for model in ("linear", "logistic")]
    assert [repr(one) for one in made] == [repr(Ridge(alpha=5.0)), repr(LogisticRegression(C=0.2, random_state=42))]
    with pytest.raises(ConfigError, match="reg"):
        LearnedConfig(reg=0)


@pytest.mark.parametrize("model", ["boosting", "forest", "linear"])
@pytest.mark.parametrize("qrels", [QRELS.assign(label=0), QRELS.assign(docno="x" + QRELS["docno"]), QRELS[:0]])
def test_judgements_that_fit_no_result_are_refused(model, qrels):
    with pytest.raises(FrameError, match="learned: no result of train is judged relevant; give judgements of its quer"):
        (FEATURES >> Learned(model=model)).fit(Topics(TRAIN, qrels))
