"""Tests of irkit.rank.net_ranker and feature_ranker: files, runs that were cut, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch

from irkit.errors import ConfigError, DataError, DivergedError, FrameError, NotFittedError, NotFoundError, ShapeError
from irkit.learn.metrics import read_metrics
from irkit.learn.saved import SavedRun
from irkit.pipeline import Topics
from irkit.rank import FeatureRanker, LambdaMART, ListNet, Pointwise, RankNet
from irkit.rank.lists import Lists
from irkit.rank.scorers import Scorer
from tests.rank.rankers_toy import LINEAR, RANKERS, SHORT, TEST, TRAIN, VALID, assert_same, every, scores, with_features

# ---------------------------------------------------------------- files and folders


@every
def test_a_saved_ranker_is_the_same_ranker(ranker, tmp_path):
    fitted = type(ranker)(ranker.config.changed(normalise="train", missing="indicated")).fit(TRAIN)
    fitted.save(tmp_path / "one")
    for kind in (FeatureRanker, type(ranker)):
        back = kind.load(tmp_path / "one")
        assert type(back) is type(ranker)
        assert_same(back, fitted)
        assert back.fitted_on == fitted.fitted_on
        pd.testing.assert_frame_equal(back(TEST.flow), fitted(TEST.flow), check_exact=True)
    assert back.training is None


@pytest.mark.parametrize(
    ("name", "valid"), [*((name, VALID) for name in RANKERS), ("pairwise-dns", None)], ids=[*RANKERS, "held-out"]
)
def test_killed_after_any_checkpoint_and_resumed_it_is_the_ranker_that_never_stopped(
    name, valid, tmp_path, monkeypatch
):
    ranker = RANKERS[name]
    whole = ranker.fit(TRAIN, valid)
    write = SavedRun.write

    def write_and_die(saved, *given):
        write(saved, *given)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SavedRun, "write", write_and_die)
        for _ in range(2):
            with pytest.raises(SystemExit):
                ranker.fit(TRAIN, valid, folder=tmp_path, resume=True)
    resumed = ranker.fit(TRAIN, valid, folder=tmp_path, resume=True)
    assert_same(resumed, whole)
    assert scores(resumed, valid) == scores(whole, valid)
    assert {row["metric"] for row in read_metrics(tmp_path / "metrics.jsonl")} >= {"loss", "score", "grad_norm"}
    assert not {"_folder", "_resume"} & vars(resumed).keys()


def test_another_run_is_not_gone_on_with(tmp_path):
    LINEAR.fit(TRAIN, VALID, folder=tmp_path)
    unfound = pd.concat([VALID.qrels, VALID.qrels[:1].assign(docno="elsewhere", label=2)], ignore_index=True)
    for given, what in [
        ((RankNet(LINEAR.config.changed(learning_rate=0.01)), TRAIN, VALID), "settings"),
        ((RankNet(LINEAR.config.changed(measure="AP")), TRAIN, VALID), "settings"),
        ((LINEAR, TEST, VALID), "data"),
        ((LINEAR, TRAIN, TEST), "validation data"),
        ((LINEAR, TRAIN, Topics(VALID.flow, unfound)), "validation data"),
    ]:
        with pytest.raises(ConfigError, match=f"belongs to another run: not the same {what};"):
            given[0].fit(*given[1:], folder=tmp_path, resume=True)
    longer = RankNet(LINEAR.config.changed(epochs=6, threads=1))
    assert_same(longer.fit(TRAIN, VALID, folder=tmp_path, resume=True), longer.fit(TRAIN, VALID))


def test_a_file_of_another_kind_is_refused(tmp_path):
    LINEAR.fit(TRAIN).save(tmp_path / "one")
    with pytest.raises(DataError, match="holds a 'ranknet', a 'listnet' is needed; load it with RankNet"):
        ListNet.load(tmp_path / "one")
    with pytest.raises(NotFoundError, match="there is no such checkpoint"):
        RankNet.load(tmp_path / "none")
    with pytest.raises(NotFittedError, match=r"ranknet: is not fitted; call pipeline.fit\(Topics\(queries, qrels\)\)"):
        RankNet().save(tmp_path / "two")
    from irkit.learn import checkpoint

    tree = checkpoint.load(tmp_path / "one", "ranker")
    checkpoint.save(tmp_path / "broken", "ranker", {**tree, "features": 7})
    with pytest.raises(DataError, match=r"broken: does not fit this version's ranknet \(.*\); fit it again"):
        RankNet.load(tmp_path / "broken")
    checkpoint.save(tmp_path / "unknown", "ranker", {**tree, "use": "irgan-2"})
    with pytest.raises(DataError, match="holds a ranker 'irgan-2' that this irkit does not have"):
        FeatureRanker.load(tmp_path / "unknown")


# ---------------------------------------------------------------- what is refused


def test_a_rate_too_high_is_said_in_one_line(tmp_path):
    ranker = RankNet(**{**SHORT, "learning_rate": 1e30, "hidden_size": 0})
    huge = with_features(TRAIN, lambda x: 1e30 * x)
    with pytest.raises(DivergedError) as error:
        RankNet(ranker.config.changed(normalise="none")).fit(huge, folder=tmp_path)
    assert str(error.value).startswith("ranknet: the ")
    assert "; lower learning_rate, got 1e+30, or normalise the features" in str(error.value)
    assert "\n" not in str(error.value)


QRELS = TRAIN.qrels
THREE = with_features(VALID, lambda x: x[:, :3])


@pytest.mark.parametrize("kind", [RankNet, LambdaMART], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda kind: kind()(TEST.flow), NotFittedError, "{}: is not fitted; call pipeline.fit(Topics(quer"),
        (lambda kind: kind().fit(QRELS), FrameError, "{}: train must be Topics, got DataFrame; write Topics(quer"),
        (
            lambda kind: kind().fit(Topics({"q1": "x"}, QRELS)),
            FrameError,
            "{}: is fitted on results with features; fit",
        ),
        (
            lambda kind: kind().fit(Topics(TRAIN.flow.without("features"), QRELS)),
            FrameError,
            "{}: needs the column 'features'; put pipelines side by side before it: a ** b >> {}",
        ),
        (lambda kind: kind().fit(Topics(TRAIN.flow.cut(0), QRELS)), FrameError, "{}: there is no result to learn from"),
        (
            lambda kind: kind().fit(Topics(TRAIN.flow.carrying(features=np.zeros((len(TRAIN.flow), 0))), TRAIN.qrels)),
            FrameError,
            "{}: results have features to learn from, got 0 of each; give one or more",
        ),
        (
            lambda kind: kind().fit(Topics(TRAIN.flow, QRELS.assign(label=0))),
            FrameError,
            "{}: no result of train is judged relevant; give judgements of its queries",
        ),
        (
            lambda kind: kind().fit(TRAIN, Topics(VALID.flow, QRELS)),
            FrameError,
            "{}: no result of valid is judged relevant; give judgements of its queries",
        ),
        (lambda kind: kind().fit(TRAIN, THREE), ShapeError, "{}: was fitted on 4 features, got 3"),
        (lambda kind: kind(validation=0).fit(TRAIN).run(THREE.flow), ShapeError, "{}: was fitted on 4 features, got 3"),
        (lambda kind: kind(validation=1.0), ConfigError, "{}: validation is not valid, got 1.0; it must be below"),
        (lambda kind: kind(seed=True), ConfigError, "{}: seed must be a number, got True"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(kind, run, error, message):
    with pytest.raises(error) as found:
        run(kind)
    line = str(found.value)
    assert line.lower().startswith(message.format(kind.name, kind.name).lower())
    assert "\n" not in line


def test_results_of_one_label_teach_no_order():
    qrels = QRELS.assign(label=1)
    with pytest.raises(FrameError, match="ranknet: no query has results of different labels; give other judgements"):
        RankNet(**SHORT).fit(Topics(TRAIN.flow, qrels))
    Pointwise(**SHORT).fit(Topics(TRAIN.flow, qrels))


def test_a_step_reads_no_number_from_the_device(monkeypatch):
    lists = Lists(TRAIN.flow.ptr, TRAIN.flow.columns["features"], np.arange(len(TRAIN.flow)) % 3.0)
    source, net = lists.source(4, seed=1, device=torch.device("cpu")), Scorer(4, 3)
    batch, rng = source.batch(0, 0, torch.Generator()), torch.Generator()
    reads = []
    for name in ("item", "tolist", "cpu", "__bool__", "__float__", "nonzero"):
        read = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda x, *a, _r=read, _n=name: reads.append(_n) or _r(x, *a))
    for ranker in RANKERS.values():
        ranker.loss(net(batch.x), batch, rng).backward()
    assert not reads
