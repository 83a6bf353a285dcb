"""Tests of irkit.rank.irgan: the game itself is tested in tests/learn/test_game.py."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from irkit.errors import ConfigError, DivergedError, FrameError
from irkit.hits import Hits
from irkit.learn.metrics import read_metrics
from irkit.learn.saved import SavedRun
from irkit.pipeline import Topics
from irkit.rank import FeatureRanker, PairwiseDNS
from irkit.rank.feature_ranker import held_out
from irkit.rank.irgan import IRGANPairwise, IRGANPointwise, Judged, player
from irkit.rank.lists import Lists
from irkit.rank.measured import Measured
from irkit.rank.scaling import lowest_for_missing
from irkit.rank.scorers import Scorer
from irkit.recipe import Recipe
from irkit.testing import check_stage
from tests.rank.pools_toy import empty_queries, pool

TRAIN, VALID, TEST = pool(), pool(8, seed=1, name="v"), pool(10, seed=2, name="t")
KINDS = (IRGANPointwise, IRGANPairwise)
SHORT = {
    "hidden_size": 3,
    "epochs": 2,
    "learning_rate": 0.05,
    "rounds": 2,
    "discriminator_passes": 1,
    "generator_passes": 2,
    "discriminator_rate": 0.05,
    "generator_rate": 0.05,
    "batch_size": 8,
    "evaluate_every": 1,
    "device": "cpu",
    "threads": 1,
}
every = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
CPU = torch.device("cpu")


def made(kind, **settings):
    return kind(**{**SHORT, **settings})


def weights(ranker):
    return {name: value.numpy() for name, value in ranker.net.state_dict().items()}


def assert_same(one, other, curves=True):
    """Assert that two rankers are the same to the last bit, and their curves."""
    mine, theirs = weights(one), weights(other)
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    if curves:
        np.testing.assert_array_equal(one.curve_, other.curve_)


def differ(one, other):
    return not np.array_equal(weights(one)["hidden.weight"], weights(other)["hidden.weight"])


def effectiveness(ranker, topics=TEST, measure="nDCG@10"):
    out = ranker.run(topics.flow)
    return Measured(Topics(out, topics.qrels), measure).mean(out.score)


def with_features(topics, change):
    hits = topics.flow
    return Topics(hits.carrying(features=change(hits.columns["features"].copy())), topics.qrels)


# ---------------------------------------------------------------- pools and players


def test_the_pools_of_lists_by_hand():
    x = np.arange(14.0).reshape(7, 2)
    lists = Lists(np.array([0, 3, 5, 7]), x, np.array([0, 2, 1, 1, 0, 0, 0.0]))
    pools = Judged(lists, CPU).take(torch.tensor([1, 0]), torch.Generator())
    assert pools.query.tolist() == [1, 0]
    assert pools.mask.tolist() == [[True, True, False], [True, True, True]]
    np.testing.assert_array_equal(pools.x[0, :2], x[3:5])
    np.testing.assert_array_equal(pools.x[1], x[:3])
    assert list(zip(pools.row.tolist(), pools.column.tolist(), strict=True)) == [(0, 0), (1, 1), (1, 2)]
    assert pools.counts.tolist() == [1, 2]
    assert pools.positive(3).tolist() == [[True, False, False], [False, True, True]]


def test_the_identity_of_pools_is_that_of_features_relevance_and_lists():
    x, labels, ptr = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 2.0]), np.array([0, 2, 4])
    one = Judged(Lists(ptr, x, labels), CPU).fingerprint
    assert Judged(Lists(ptr, x, np.minimum(labels, 1)), CPU).fingerprint == one, "a grade is no more than relevant"
    for other in (
        Lists(ptr, x + 1, labels),
        Lists(ptr, x, labels[::-1]),
        Lists(np.array([0, 3, 4]), x, labels),
    ):
        assert Judged(other, CPU).fingerprint != one


def test_queries_that_teach_nothing_are_in_no_pool(monkeypatch):
    hits, more = TRAIN.flow, empty_queries(TRAIN, "z1", "z2")
    unjudged = TRAIN.qrels[~TRAIN.qrels["qid"].isin(["q3", "q19"])]
    seen = []
    init = Judged.__init__
    monkeypatch.setattr(Judged, "__init__", lambda self, lists, device: seen.append(lists) or init(self, lists, device))
    for kind in KINDS:
        one = made(kind, validation=0.0, normalise="none").fit(Topics(more.flow, unjudged))
        lists = seen.pop()
        kept = ~np.isin(np.arange(20), [3, 19])
        np.testing.assert_array_equal(lists.lengths, np.diff(hits.ptr)[kept])
        np.testing.assert_array_equal(lists.x, hits.columns["features"][kept[hits.query]])
        assert one.fitted_on >= {"z1", "q3"}, "it has seen them"


def test_a_query_is_no_candidate_of_itself_where_judgements_say_so(monkeypatch):
    frame = pd.DataFrame(
        {"qid": ["d1", "d1", "d2", "d2"], "docno": ["d1", "d2", "d1", "d3"], "score": 1.0, "query": "x"}
    )
    frame["features"] = [[1.0], [2.0], [3.0], [4.0]]
    text = frame.astype({"qid": "str", "docno": "str", "query": "str"})
    qrels = text[["qid", "docno"]].assign(label=[1, 1, 1, 0])
    qrels.attrs["exclude_self"] = True
    seen = []
    monkeypatch.setattr("irkit.rank.irgan.Judged", lambda lists, device: seen.append(lists) or Judged(lists, device))
    made(IRGANPointwise, validation=0.0, normalise="none").fit(Topics(Hits.from_frame(text), qrels))
    assert seen[0].lengths.tolist() == [1, 2]
    assert sorted(seen[0].x[:, 0]) == [2.0, 3.0, 4.0]


def test_a_player_scores_some_candidates_as_it_does_all():
    net = Scorer(4, 3).start(torch.Generator().manual_seed(0))
    one, x = player(net), torch.randn(2, 5, 4)
    np.testing.assert_array_equal(one(x).detach(), net(x).detach())
    row, column = torch.tensor([0, 1, 1, 0]), torch.tensor([4, 0, 0, 2])
    np.testing.assert_allclose(one.pairs(x, row, column).detach(), one(x)[row, column].detach(), rtol=1e-5)
    assert {id(each) for each in one.parameters()} == {id(each) for each in net.parameters()}


# ---------------------------------------------------------------- where it starts


@pytest.mark.parametrize("valid", [None, VALID], ids=["held-out", "given"])
def test_without_a_round_the_pairwise_form_is_pairwise_dns(valid):
    names = ("hidden_size", "epochs", "learning_rate", "batch_size", "device", "threads")
    rest = {"normalise": "train", "weight_decay": 0.01, "candidates": 2, "seed": 3, "measure": "P@5"}
    other = PairwiseDNS(**{name: SHORT[name] for name in names}, **rest).fit(TRAIN, valid)
    one = made(IRGANPairwise, rounds=0, **rest).fit(TRAIN, valid)
    assert_same(one, other, curves=False)
    np.testing.assert_array_equal(one.score(TEST.flow), other.score(TEST.flow))
    assert one.curve_.shape == (0, 3)


def test_without_a_round_the_pointwise_form_is_its_start():
    one = made(IRGANPointwise, rounds=0).fit(TRAIN)
    assert_same(one, made(IRGANPointwise, rounds=0).fit(VALID))
    for name, value in made(IRGANPointwise).scorer(4, 1).state_dict().items():
        np.testing.assert_array_equal(weights(one)[name], value.numpy())
    assert "output.bias" in weights(one)
    assert "output.bias" not in weights(made(IRGANPairwise, rounds=0).fit(TRAIN))


@pytest.mark.parametrize(
    ("kind", "start", "alike"),
    [
        (IRGANPointwise, "random", False),
        (IRGANPairwise, "random", False),
        (IRGANPairwise, "pairwise-dns", True),
    ],
)
def test_players_start_from_weights_of_their_own_or_both_from_pairs(kind, start, alike):
    still = {"discriminator_rate": 1e-30, "generator_rate": 1e-30, "optimiser": "sgd"}
    one, other = (made(kind, start=start, ranker=who, **still).fit(TRAIN) for who in ("generator", "discriminator"))
    assert differ(one, other) is not alike
    assert_same(one, made(kind, start=start, ranker="generator", rounds=0).fit(TRAIN), curves=False)


def test_players_share_a_start_but_no_weights():
    one = made(IRGANPairwise, control="discriminator").fit(TRAIN, VALID)
    start = made(IRGANPairwise, rounds=0).fit(TRAIN, VALID)
    np.testing.assert_allclose(one.curve_[:, 1], effectiveness(start, VALID), atol=1e-6)
    assert differ(one, start)


# ---------------------------------------------------------------- what it learns


@pytest.mark.parametrize(("control", "hidden_size"), [("none", 8), ("discriminator", 0)])
@every
def test_what_features_tell_apart_is_ranked_without_a_fault(kind, control, hidden_size):
    settings = {"normalise": "none", "hidden_size": hidden_size, "epochs": 1, "learning_rate": 1e-3, "rounds": 3}
    passes = {"discriminator_passes": 20, "generator_passes": 20, "optimiser": "adam", "evaluate_every": 20}
    decays = {"discriminator_decay": 0.0, "generator_decay": 0.0}
    fitted = made(kind, control=control, **settings, **passes, **decays).fit(TRAIN, VALID)
    assert effectiveness(fitted) > 0.93
    assert effectiveness(fitted, VALID) == pytest.approx(fitted.training.best, abs=1e-6)


@pytest.mark.parametrize("control", ["constant", "positives"])
@every
def test_without_a_discriminator_the_generator_plays_alone_and_ranks(kind, control):
    fitted = made(kind, control=control).fit(TRAIN, VALID)
    assert_same(fitted, made(kind, control=control, ranker="generator").fit(TRAIN, VALID))
    assert len(set(fitted.curve_[:, 2])) == 1
    assert not any(row["metric"].startswith("discriminator.loss") for row in fitted.training.rows)


@every
def test_the_pass_with_the_best_mean_of_the_player_that_ranks_is_kept(kind):
    fitted = made(kind, rounds=4, discriminator_rate=0.5, generator_rate=0.5).fit(TRAIN, VALID)
    assert fitted.curve_[:, 0].tolist() == list(range(1, 13))
    own = fitted.curve_[:, {"irgan-pointwise": 1, "irgan-pairwise": 2}[kind.name]]
    assert own.max() > own[-1], "else this test sees nothing"
    assert effectiveness(fitted, VALID) == pytest.approx(own.max(), abs=1e-6)
    assert fitted.measured_by == "nDCG@10"


@every
def test_without_queries_to_stop_by_a_share_is_held_out_or_none(kind):
    train, valid = held_out(TRAIN, 0.25, 1)
    shared = made(kind, validation=0.25).fit(TRAIN)
    assert_same(shared, made(kind).fit(train, valid))
    assert shared.fitted_on == set(TRAIN.flow.queries["qid"])
    none = made(kind, validation=0.0).fit(TRAIN)
    assert none.training.best is None
    assert none.curve_.shape == (0, 3)
    assert differ(none, shared)


@every
def test_features_may_be_missing_and_are_scaled_as_asked(kind):
    def holes(x):
        x[::7, 2] = np.nan
        return x

    train, test = with_features(TRAIN, holes), with_features(TEST, holes)
    filled = with_features(test, lambda x: lowest_for_missing(test.flow.ptr, x))
    for normalise in ("none", "query", "train"):
        fitted = made(kind, missing="lowest", normalise=normalise, rounds=1).fit(train, VALID)
        np.testing.assert_array_equal(fitted.score(test.flow), fitted.score(filled.flow))
        assert (fitted.mean is None) is (normalise != "train")
    with pytest.raises(
        FrameError, match=rf"^{kind.name}: feature 3 of 4 of docno .* or set missing to indicated or lowest$"
    ):
        made(kind).fit(train)


# ---------------------------------------------------------------- the contract of stages


@every
def test_a_seed_decides_everything(kind):
    fitted = made(kind).fit(TRAIN, VALID)
    assert_same(made(kind).fit(TRAIN, VALID), fitted)
    assert differ(made(kind, seed=2).fit(TRAIN, VALID), fitted)
    again = fitted.fit(TRAIN, VALID)
    assert_same(again, fitted)
    assert again == fitted
    assert not {"_start", "_folder", "_resume"} & vars(again).keys()


@every
def test_it_keeps_to_the_contract_of_stages(kind):
    ranker = made(kind, rounds=1)
    fitted = ranker.fit(TRAIN)
    check_stage(fitted, TEST.flow, others=(ranker, made(kind, rounds=1, seed=2).fit(TRAIN)), rtol=1e-12)
    back = pickle.loads(pickle.dumps(fitted))
    assert back == fitted
    pd.testing.assert_frame_equal(back(TEST.flow), fitted(TEST.flow), check_exact=True)


@every
def test_its_settings_are_reached_by_name(kind):
    recipe = Recipe(name="own", needs=("train",), stages=[{"use": kind.name, "rounds": 3}])
    changed = recipe.with_settings({"generator_rate": 0.05, "hidden_size": 3, "control": "shuffled"}).build()
    given = {"use": kind.name, "rounds": 3, "generator_rate": 0.05, "hidden_size": 3, "control": "shuffled"}
    assert changed.spec() == given


@every
def test_a_saved_ranker_is_the_same_ranker(kind, tmp_path):
    fitted = made(kind, normalise="train").fit(TRAIN)
    fitted.save(tmp_path / "one")
    back = FeatureRanker.load(tmp_path / "one")
    assert type(back) is kind
    assert_same(back, fitted, curves=False)
    assert back == fitted
    assert back.fitted_on == fitted.fitted_on
    pd.testing.assert_frame_equal(back(TEST.flow), fitted(TEST.flow), check_exact=True)


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize("valid", [None, VALID], ids=["held-out", "given"])
@every
def test_killed_after_any_checkpoint_and_resumed_it_is_the_ranker_that_never_stopped(
    kind, valid, tmp_path, monkeypatch
):
    ranker = made(kind, baseline="learned")
    whole = ranker.fit(TRAIN, valid)
    write = SavedRun.write

    def write_and_die(saved, *given):
        write(saved, *given)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SavedRun, "write", write_and_die)
        for _ in range(3):
            with pytest.raises(SystemExit):
                ranker.fit(TRAIN, valid, folder=tmp_path, resume=True)
    resumed = ranker.fit(TRAIN, valid, folder=tmp_path, resume=True)
    assert_same(resumed, whole)
    assert len(resumed.curve_) == 6
    assert {row["metric"] for row in read_metrics(tmp_path / "metrics.jsonl")} >= {"score", "generator.nDCG@10"}


@every
def test_a_finished_game_is_read_back_and_more_rounds_go_on_from_it(kind, tmp_path):
    fewer = made(kind).fit(TRAIN, VALID, folder=tmp_path)
    assert_same(made(kind).fit(TRAIN, VALID, folder=tmp_path, resume=True), fewer)
    assert_same(
        made(kind, rounds=3).fit(TRAIN, VALID, folder=tmp_path, resume=True), made(kind, rounds=3).fit(TRAIN, VALID)
    )


def test_a_game_from_another_start_is_not_gone_on_with(tmp_path):
    made(IRGANPairwise).fit(TRAIN, VALID, folder=tmp_path)
    for changed in ({"epochs": 3}, {"patience": 1}, {"mix": 0.1}):
        with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
            made(IRGANPairwise, **changed).fit(TRAIN, VALID, folder=tmp_path, resume=True)


@every
def test_a_rate_too_high_is_said_in_one_line_with_both_rates(kind):
    with pytest.raises(DivergedError) as error:
        made(kind, discriminator_rate=1e38, hidden_size=0, discriminator_decay=0.1).fit(TRAIN)
    line = str(error.value)
    assert line.startswith(f"{kind.name}: ")
    assert "; lower discriminator_rate, got 1e+38 and generator_rate, got 0.05, or normalise the features" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (IRGANPointwise, {"loss": "hinge"}, "irgan-pointwise: loss is not valid, got 'hinge'"),
        (IRGANPairwise, {"loss": "pointwise"}, "irgan-pairwise: loss is not valid, got 'pointwise'"),
        (IRGANPairwise, {"mix": 1.0}, "irgan-pairwise: mix is not valid, got 1.0"),
        (IRGANPairwise, {"discriminator_passes": 0, "generator_passes": 0}, "a round has no passes; set discrim"),
    ],
)
def test_settings_that_cannot_be_are_refused(kind, settings, message):
    with pytest.raises(ConfigError, match=message):
        kind(**settings)


def test_results_that_are_all_relevant_have_no_negative_to_start_from_and_none_to_play_against():
    train = Topics(TRAIN.flow, TRAIN.qrels.assign(label=1))
    with pytest.raises(FrameError) as error:
        made(IRGANPairwise).fit(train)
    assert str(error.value) == (
        "irgan-pairwise: its start by pairwise-dns: no query has results of different labels; give other judgements"
    )
    fitted = made(IRGANPairwise, start="random").fit(train)
    assert np.isfinite(fitted.score(TEST.flow)).all()
