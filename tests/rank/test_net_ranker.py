"""Tests of irkit.rank.net_ranker and feature_ranker: what every ranker by features can do."""

import pickle

import numpy as np
import pandas as pd
import pytest

from irkit.errors import FrameError
from irkit.evaluate.leak import learned_from
from irkit.hits import Docnos, Hits
from irkit.learn.memory import OutOfMemoryError
from irkit.pipeline import Topics
from irkit.pipeline.learned import labels_of
from irkit.pipeline.operators import Scale
from irkit.rank import RankNet
from irkit.rank.feature_ranker import held_out
from irkit.rank.measured import Measured
from irkit.rank.scaling import lowest_for_missing, minmax_by_query, standardised, statistics
from irkit.recipe import Recipe
from irkit.testing import check_stage
from tests.rank.pools_toy import empty_queries
from tests.rank.rankers_toy import (
    KINDS,
    LINEAR,
    SHORT,
    TEST,
    TRAIN,
    VALID,
    assert_same,
    effectiveness,
    every,
    scores,
    weights,
    with_features,
)

# ---------------------------------------------------------------- what it learns


@pytest.mark.parametrize("hidden_size", [0, 8])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_features_tell_apart_is_ranked_without_a_fault(kind, hidden_size):
    ranker = kind(hidden_size=hidden_size, normalise="none", learning_rate=0.05, batch_size=4, epochs=20, device="cpu")
    fitted = ranker.fit(TRAIN, VALID)
    assert effectiveness(fitted) > 0.97
    assert effectiveness(fitted, VALID) == pytest.approx(fitted.training.best, abs=1e-6)
    random = Measured(TEST, "nDCG@10").mean(TEST.flow.score)
    assert random < 0.8


@every
def test_a_seed_decides_everything(ranker):
    fitted = ranker.fit(TRAIN, VALID)
    assert_same(ranker.fit(TRAIN, VALID), fitted)
    other = type(ranker)(ranker.config.changed(seed=2)).fit(TRAIN, VALID)
    assert not np.array_equal(weights(other)["hidden.weight"], weights(fitted)["hidden.weight"])
    assert other != fitted
    assert ranker.net is None, "fit returns a copy"
    assert fitted.fit(TRAIN, VALID) == fitted


def test_the_weights_kept_are_the_best_not_the_last():
    ranker = RankNet(epochs=9, learning_rate=0.5, batch_size=4, hidden_size=4, device="cpu", patience=99)
    fitted = ranker.fit(TRAIN, VALID)
    found = scores(fitted, VALID)
    assert len(found) == 9
    assert max(found) > found[-1], "else this test sees nothing"
    assert effectiveness(fitted, VALID) == pytest.approx(max(found), abs=1e-6)
    shorter = RankNet(ranker.config.changed(epochs=1 + int(np.argmax(found)))).fit(TRAIN, VALID)
    for name, value in weights(shorter).items():
        np.testing.assert_array_equal(value, weights(fitted)[name])


def test_patience_ends_it():
    fitted = RankNet(epochs=50, learning_rate=0.5, batch_size=4, device="cpu", patience=3).fit(TRAIN, VALID)
    found = scores(fitted, VALID)
    assert fitted.training.stopped == "patience"
    assert len(found) == 1 + int(np.argmax(found)) + 3


def test_what_it_stops_by_is_the_measure_asked_for():
    for measure in ("AP", "P@1"):
        fitted = RankNet(**SHORT, measure=measure).fit(TRAIN, VALID)
        assert effectiveness(fitted, VALID, measure) == pytest.approx(fitted.training.best, abs=1e-6)


def test_without_others_a_share_of_the_queries_is_held_out_to_stop_by():
    fitted = RankNet(**SHORT, validation=0.3, seed=5).fit(TRAIN)
    rest, chosen = held_out(TRAIN, 0.3, 5)
    assert chosen.qrels["qid"].nunique() == 6
    assert not set(chosen.qrels["qid"]) & set(rest.qrels["qid"])
    assert len(rest.flow) + len(chosen.flow) == len(TRAIN.flow)
    assert_same(RankNet(**SHORT, validation=0.3, seed=5).fit(rest, chosen), fitted)
    assert held_out(TRAIN, 0.3, 6)[1].qrels["qid"].unique().tolist() != chosen.qrels["qid"].unique().tolist()
    last = RankNet(**SHORT, validation=0).fit(TRAIN)
    assert last.training.best is None
    assert last.training.epochs == 4
    for share, queries in ((0.02, 20), (0.9, 1)):  # no query, or all of them
        few = Topics(TRAIN.flow.between(0, queries), TRAIN.qrels)
        assert held_out(few, share, 1) == (few, None)


def test_a_query_s_own_document_is_no_answer_to_those_held_out_either():
    qrels = TRAIN.qrels.copy()
    qrels.attrs["exclude_self"] = True
    assert all(part.qrels.attrs.get("exclude_self") for part in held_out(Topics(TRAIN.flow, qrels), 0.3, 1))


def test_held_out_queries_are_measured_by_themselves():
    _, chosen = held_out(empty_queries(TRAIN, "none1", "none2"), 0.3, 5)
    some = Topics(chosen.flow, TRAIN.qrels[TRAIN.qrels["qid"].isin(chosen.qrels["qid"])])
    assert Measured(chosen, "AP").queries == 6
    assert Measured(chosen, "AP").mean(chosen.flow.score) == Measured(some, "AP").mean(chosen.flow.score)


def test_it_is_said_what_was_learned_from():
    assert LINEAR.fit(TRAIN).fitted_on == set(TRAIN.flow.queries["qid"])
    fitted = LINEAR.fit(TRAIN, VALID)
    assert fitted.fitted_on == set(TRAIN.flow.queries["qid"]) | set(VALID.flow.queries["qid"])
    assert learned_from(Scale(weight=2) >> fitted) == fitted.fitted_on


def test_a_query_s_own_document_is_no_example_where_the_judgements_say_so():
    queries = pd.DataFrame({"qid": ["d1", "d2"], "query": "x"}, dtype="str")
    x = np.array([[9.0], [1.0], [0.0], [9.0], [1.0], [0.0]])
    docs = [1, 2, 3, 2, 1, 3]
    columns = {"features": x}
    hits = Hits.ranked(
        queries, [0, 0, 0, 1, 1, 1], docs, np.zeros(6), Docnos(["d0", "d1", "d2", "d3"]), columns=columns
    )
    qrels = pd.DataFrame({"qid": ["d1", "d2"], "docno": ["d2", "d1"], "label": [1, 1]})
    misled = LINEAR.fit(Topics(hits, qrels))
    qrels.attrs["exclude_self"] = True
    fitted = LINEAR.fit(Topics(hits, qrels))
    assert misled.net.output.weight.item() < 0 < fitted.net.output.weight.item()


@pytest.mark.parametrize("missing", ["refuse", "lowest"])
def test_a_query_s_own_document_does_not_stretch_the_scale_of_the_others(missing, tmp_path):
    frame = TEST.flow.frame()
    own = frame.drop_duplicates("qid").assign(docno=lambda one: one["qid"])
    own["features"] = [np.array([1e3, -1e3, 0.0, 50.0])] * len(own)
    both = Hits.from_frame(pd.concat([frame, own]))
    qrels = TRAIN.qrels.copy()
    qrels.attrs["exclude_self"] = True
    fitted = RankNet(**SHORT, missing=missing).fit(Topics(TRAIN.flow, qrels))
    fitted.save(tmp_path / "net")
    for ranker in (fitted, RankNet.load(tmp_path / "net")):
        alone, among = ranker(frame), ranker(both.frame())
        among = among[among["docno"] != among["qid"]].reset_index(drop=True)
        assert among["docno"].tolist() == alone["docno"].tolist()
        np.testing.assert_allclose(among["score"], alone["score"], rtol=1e-12)


# ---------------------------------------------------------------- how it scores


def test_scores_are_the_formula_s_in_float64():
    fitted = RankNet(**SHORT).fit(TRAIN)
    values = {name: value.astype(np.float64) for name, value in weights(fitted).items()}
    x = minmax_by_query(TEST.flow.ptr, TEST.flow.columns["features"])
    expected = np.tanh(x @ values["hidden.weight"].T + values["hidden.bias"]) @ values["output.weight"][0]
    np.testing.assert_allclose(fitted.score(TEST.flow), expected, rtol=1e-12)
    frame = fitted(TEST.flow)
    assert sorted(frame["score"]) == pytest.approx(sorted(expected))


def test_memory_that_runs_out_is_said_with_what_to_lower(monkeypatch):
    def full(*given):
        raise MemoryError("Unable to allocate 12.0 GiB")

    monkeypatch.setattr(RankNet, "loss", full)
    with pytest.raises(
        OutOfMemoryError, match=r"ranknet: out of memory, got no 12.0 GiB; lower batch_size or hidden_size"
    ):
        RankNet(**SHORT).fit(TRAIN)


def test_features_are_scaled_as_asked():
    x, ptr = TEST.flow.columns["features"], TEST.flow.ptr
    mean, deviation = statistics(TRAIN.flow.columns["features"])
    expected = {"none": x, "query": minmax_by_query(ptr, x), "train": standardised(x, mean, deviation)}
    for normalise, values in expected.items():
        fitted = RankNet(**SHORT, normalise=normalise, validation=0).fit(TRAIN)
        np.testing.assert_allclose(fitted.normalised(TEST.flow), values, rtol=1e-12)


def test_standardised_features_make_units_of_no_account():
    unit = 10.0 ** np.array([3, -3, 0, 2])
    one = RankNet(**SHORT, normalise="train").fit(TRAIN)
    other = RankNet(**SHORT, normalise="train").fit(with_features(TRAIN, lambda x: x * unit + 5))
    scaled = with_features(TEST, lambda x: x * unit + 5)
    np.testing.assert_allclose(other.score(scaled.flow), one.score(TEST.flow), rtol=1e-3)


def test_missing_features_are_refused_or_the_lowest():
    def holes(x):
        x[::7, 2] = np.nan
        return x

    train, test = with_features(TRAIN, holes), with_features(TEST, holes)
    qid, docno = train.flow.queries["qid"][0], train.flow.docnos[train.flow.doc[0]]
    with pytest.raises(FrameError) as error:
        RankNet(**SHORT).fit(train)
    assert str(error.value) == (
        f"ranknet: feature 3 of 4 of docno {docno!r} for qid {qid!r} must be finite, got nan; "
        "give numbers, or set missing to indicated or lowest"
    )
    with pytest.raises(FrameError, match="ranknet: feature 3 of 4 of docno"):
        RankNet(**SHORT).fit(TRAIN).run(test.flow)
    for normalise in ("none", "query", "train"):
        fitted = RankNet(**SHORT, missing="lowest", normalise=normalise).fit(train, VALID)
        filled = with_features(test, lambda x: lowest_for_missing(test.flow.ptr, x))
        np.testing.assert_array_equal(fitted.score(test.flow), fitted.score(filled.flow))
    shown = RankNet(**SHORT, missing="indicated").fit(train, VALID)
    lowest = minmax_by_query(test.flow.ptr, lowest_for_missing(test.flow.ptr, test.flow.columns["features"]))
    missing = np.isnan(test.flow.columns["features"])
    np.testing.assert_array_equal(shown.normalised(test.flow), np.concatenate([lowest, missing], axis=1))
    assert (shown.features, shown.inputs) == (4, 8)
    infinite = with_features(TRAIN, lambda x: np.where(x == x.max(), np.inf, x))
    with pytest.raises(FrameError, match=r"must be finite, got inf; give numbers$"):
        RankNet(**SHORT, missing="lowest").fit(infinite)


def test_what_only_a_missing_feature_says_is_learned_from_its_input():
    def holes(topics):
        labels = labels_of(topics.flow, topics.qrels)
        return with_features(topics, lambda x: np.where(np.arange(4) == labels[:, None], np.nan, np.sign(x)))

    train, valid = holes(TRAIN), holes(VALID)
    config = {**SHORT, "epochs": 12, "hidden_size": 0}
    found = {way: RankNet(**config, missing=way).fit(train, valid).training.best for way in ("lowest", "indicated")}
    assert found["indicated"] == pytest.approx(1.0)
    assert found["lowest"] < 0.98


def test_queries_without_results_do_no_harm():
    more = empty_queries(TRAIN, "z1", "z2")
    fitted = LINEAR.fit(more)
    assert_same(fitted, LINEAR.fit(TRAIN))
    assert "z1" in fitted.fitted_on
    assert len(fitted.run(more.flow).queries) == 22


# ---------------------------------------------------------------- the contract of stages


@every
def test_it_keeps_to_the_contract_of_stages(ranker):
    fitted = ranker.fit(TRAIN)
    others = (ranker, type(ranker)(ranker.config.changed(seed=2)).fit(TRAIN), ranker.fit(VALID))
    check_stage(fitted, TEST.flow, others=others, rtol=1e-12)
    back = pickle.loads(pickle.dumps(fitted))
    assert back == fitted
    assert back.cacheable
    pd.testing.assert_frame_equal(back(TEST.flow), fitted(TEST.flow), check_exact=True)


@every
def test_it_is_fitted_inside_a_pipeline(ranker):
    pipeline = Scale(weight=2) >> ranker >> Scale(weight=3)
    fitted = pipeline.fit(TRAIN)
    assert_same(fitted.parts[1], ranker.fit(TRAIN))
    assert repr(fitted) == repr(pipeline)
    assert list(fitted(TEST.flow)["score"]) == list(3 * ranker.fit(TRAIN)(TEST.flow)["score"])


@every
def test_its_settings_are_reached_by_name(ranker):
    recipe = Recipe(name="own", needs=("train",), stages=[{"use": ranker.name, "learning_rate": 0.1}])
    changed = recipe.with_settings({"learning_rate": 0.05, "hidden_size": 3, "patience": 4}).build()
    assert changed.spec() == {"use": ranker.name, "learning_rate": 0.05, "hidden_size": 3, "patience": 4}
