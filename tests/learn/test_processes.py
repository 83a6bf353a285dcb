"""Tests of irkit.learn.processes: shares add up to the whole, and no process is left alone."""

import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from irkit.config import Config
from irkit.errors import AbilityError, ConfigError, IrkitError
from irkit.learn import TrainerConfig, processes
from irkit.learn.data import as_data
from irkit.learn.metrics import read_metrics
from irkit.learn.phases import Now
from irkit.learn.processes import Group
from irkit.learn.saved import CHECKPOINT
from irkit.recipe import load_training
from irkit.recommend import CFNADE, AutoRec
from irkit.recommend.neural import Network
from irkit.represent.deep_docnade import DeepDocNADE
from irkit.represent.docnade import DocNADE
from irkit.represent.docnade_lm import DocNADELM
from irkit.represent.lstm_classifier import LSTMClassifier
from irkit.represent.tfidf_classifier import TfidfClassifier
from irkit.represent.vector_classifier import VectorClassifier
from tests.learn.sharing_toy import TRAINER, documents, troubled
from tests.recommend.ratings_toy import random_table

SPLITS = pytest.mark.parametrize(("rows", "size"), [(7, 2), (8, 2), (5, 3), (1, 2), (2, 4)])

DOCUMENT_MODELS = {
    "docnade": DocNADE(hidden_size=3, longest=6),
    "tree": DocNADE(hidden_size=3, softmax="tree"),
    "sampled": DocNADE(hidden_size=3, softmax="sampled", negatives=5),
    "docnade-lm": DocNADELM(hidden_size=3, embedding_size=2, longest=6),
    "deep-docnade": DeepDocNADE(hidden_sizes=[4, 3]),
    "docnade, dropout": DocNADE(hidden_size=3, longest=6, dropout=0.5),
    "docnade-lm, dropout": DocNADELM(hidden_size=3, embedding_size=2, longest=6, dropout=0.5),
    "deep-docnade, dropout": DeepDocNADE(hidden_sizes=[4, 3], dropout=0.5),
}


# ------------------------------------------------------------------------------------------------ exact


def shares_add_up(phase, parameters, batch, size):
    """Compare loss and gradients of a batch with the sums of those of its shares."""

    def computed(mine):
        torch.manual_seed(5)  # dropout draws from torch's own generator
        now = Now(3, 0, 0.1, torch.Generator().manual_seed(5), mine)
        total = phase.loss(batch, now).total
        found = torch.autograd.grad(total, parameters)
        return [total.detach(), *found], torch.cat([now.rng.get_state(), torch.get_rng_state()])

    whole, drawn = computed(slice(None))
    parts = [computed(Group(size, rank).mine) for rank in range(size)]
    for number, values in enumerate(zip(*(part for part, _ in parts), strict=True)):
        torch.testing.assert_close(sum(values), whole[number], rtol=1e-10, atol=1e-12)
    assert all(torch.equal(drawn, after) for _, after in parts)


@SPLITS
@pytest.mark.parametrize("name", DOCUMENT_MODELS)
def test_shares_of_a_batch_of_documents_add_up_to_it(name, rows, size):
    model = DOCUMENT_MODELS[name].untrained(as_data(documents()), trainer=TRAINER)
    net = model.net.double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    (batch,) = model.batches(documents(rows, seed=rows))
    (phase,) = net.phases()
    assert phase.shares
    shares_add_up(phase, phase.parameters, batch, size)


@SPLITS
@pytest.mark.parametrize("model", [AutoRec, CFNADE])
def test_shares_of_a_batch_of_ratings_add_up_to_it(model, rows, size, monkeypatch):
    seen = []
    monkeypatch.setattr(Network, "train_net", lambda self, *given: seen.append(given))
    model(hidden_size=3, batch_size=rows, device="cpu").fit(random_table())
    net, (phase,), source, *_ = seen[0]
    for parameter in net.double().parameters():
        torch.nn.init.normal_(parameter)
    shares_add_up(phase, phase.parameters, source.batch(0, 0, None), size)


def test_rows_of_all_processes_are_all_rows_once():
    for size in (1, 2, 3):
        rows = [np.arange(10)[Group(size, rank).mine] for rank in range(size)]
        np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(10))


# ------------------------------------------------------------------------------------------------ refusals


def test_what_cannot_be_shared_is_refused_before_any_process_starts(monkeypatch, tmp_path):
    from irkit.generative.vae import VAE

    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    rows = (np.random.default_rng(0).random((20, 6)) < 0.5).astype(np.float32)
    with pytest.raises(AbilityError, match=r"^vae: does not train across processes, as no batch of it"):
        VAE().fit(rows, trainer=TRAINER.changed(processes=2), folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_classifiers_without_batches_to_share_say_so_before_they_are_pretrained(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    given = replace(documents(), labels=np.arange(len(documents())) % 2)
    pretrained = LSTMClassifier(embedding_size=2, hidden_size=2, pretraining={"kind": "lm"})
    for model in (TfidfClassifier(), VectorClassifier(), pretrained):
        with pytest.raises(AbilityError, match=f"^{model.name}: does not train across processes, as no batch of it"):
            model.fit(given, trainer=TRAINER.changed(processes=2))


def test_each_process_needs_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(processes, "choose_device", torch.device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [Group(2, rank).device("cuda") for rank in (0, 1)] == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert Group(1).device("cuda:1") == torch.device("cuda", 1)
    for name, size in (("cuda", 3), ("cuda:1", 2), ("mps", 2)):
        with pytest.raises(ConfigError, match=f"^train: {size} processes on {name} need {size} GPUs, one each"):
            Group(size).device(name)


def test_threads_of_one_process_are_shared_out():
    assert Group(1).threads(None) is None
    assert Group(2).threads(3) == 3
    assert Group(2).threads(None) == max(1, torch.get_num_threads() // 2)


def test_data_that_cannot_be_sent_is_refused():
    class Locked(type(documents())):
        def __reduce__(self):
            raise TypeError("it is mine")

    given = documents()
    with pytest.raises(
        ConfigError, match=r"^train: model or data cannot be sent to another process, it is mine; leave"
    ):
        DocNADE(hidden_size=3).fit(Locked(given.x, given.vocabulary), trainer=TRAINER.changed(processes=2))


def test_a_group_of_torchs_is_left_alone(tmp_path):
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        with pytest.raises(ConfigError, match=r"^train: this process is in a process group of torch's already; start"):
            DocNADE(hidden_size=3).fit(documents(), trainer=TRAINER.changed(processes=2))
    finally:
        torch.distributed.destroy_process_group()


def test_how_many_processes_does_not_change_what_a_run_is():
    recipe = load_training("docnade-tree")
    two = recipe.with_settings({"trainer.processes": 2})
    assert two.rule().processes == 2
    assert (two.hash, two.run_hash) == (recipe.hash, recipe.run_hash)
    for config in (AutoRec().config, CFNADE().config):
        several: Config = config.changed(processes=2)
        assert (several.essence(), several.identity()) == (config.essence(), config.identity())


# ------------------------------------------------------------------------------------------------ for real


@pytest.fixture
def started(monkeypatch):
    """List the processes that are started; at the end none may be left."""
    found = []

    class Noted(subprocess.Popen):
        def __init__(self, *given, **more):
            super().__init__(*given, **more)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    yield found
    assert found
    assert all(process.returncode is not None for process in found)


def close(one, other):
    for name, weights in one.net.state_dict().items():
        torch.testing.assert_close(other.net.state_dict()[name], weights, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_one_goes_on_where_two_stood(tmp_path, started):
    model, data, valid = DocNADE(hidden_size=3, dropout=0.3), documents(), documents(20, seed=9)
    fit = partial(model.fit, data, valid)
    rule = TRAINER.changed(average=0.2, patience=2)
    whole = fit(trainer=rule, folder=tmp_path / "one")
    short = fit(trainer=rule.changed(processes=2, epochs=2), folder=tmp_path / "two")
    assert (short.training.steps, short.training.stopped) == (12, "epochs")
    assert len(started) == 1
    resumed = fit(trainer=rule, folder=tmp_path / "two", resume=True)
    close(whole, resumed)
    assert resumed.training.best_step == whole.training.best_step
    for one, other in zip(*(read_metrics(tmp_path / run / "metrics.jsonl") for run in ("one", "two")), strict=True):
        assert {**one, "wall": 0, "cpu": 0, "value": 0} == {**other, "wall": 0, "cpu": 0, "value": 0}
        assert other["value"] == pytest.approx(one["value"], rel=1e-4)
    assert {path.name for path in (tmp_path / "two").iterdir()} == {CHECKPOINT, "metrics.jsonl"}


@pytest.mark.slow
def test_two_processes_fit_the_recommender_that_one_does(started):
    ratings, held_out = random_table(), random_table(seed=4)
    fitted = [
        AutoRec(hidden_size=4, epochs=6, patience=3, batch_size=4, device="cpu", threads=1, processes=n).fit(
            ratings, held_out
        )
        for n in (1, 2)
    ]
    one, two = (each.scores(np.arange(len(each.fitted.users))) for each in fitted)
    np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fitted[1].errors_, fitted[0].errors_, rtol=1e-4)
    np.testing.assert_allclose(fitted[1].losses_, fitted[0].losses_, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tree", "deep-docnade, dropout", "docnade-lm, dropout"])
def test_two_processes_train_each_kind_of_model_as_one_does(name, started):
    model, rule = DOCUMENT_MODELS[name], TRAINER.changed(epochs=2)
    close(*(model.fit(documents(), trainer=rule.changed(processes=n)) for n in (1, 2)))


@pytest.mark.slow
def test_two_processes_fit_cfnade_as_one_does(started):
    fit = partial(CFNADE, hidden_size=3, epochs=2, batch_size=8, device="cpu", threads=1)
    one, two = (fit(processes=n).fit(random_table()) for n in (1, 2))
    users = np.arange(len(one.fitted.users))
    np.testing.assert_allclose(two.scores(users), one.scores(users), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_three_processes_end_together_by_the_clock_of_the_first(started):
    rule = TrainerConfig(epochs=None, seconds=0.3, batch_size=2, device="cpu", threads=1, processes=3)
    fitted = DocNADE(hidden_size=3).fit(documents(), trainer=rule)
    assert fitted.training.stopped == "seconds"
    assert len(started) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "how"), [("kill", "was ended by SIGKILL"), ("refuse", "failed: ValueError: no such word")]
)
def test_a_process_that_fails_ends_all_and_leaves_the_last_checkpoint(trouble, how, tmp_path, started):
    with pytest.raises(IrkitError, match=f"^train: process 2 of 2 {how}; resume from the last checkpoint"):
        troubled(trouble, rank=1, step=15).fit(documents(), trainer=TRAINER.changed(processes=2), folder=tmp_path)
    rest(tmp_path, 12)


@pytest.mark.slow
def test_an_interrupt_finishes_the_step_and_ends_all(tmp_path, started):
    model = troubled("interrupt", rank=0, step=15)
    with pytest.raises(KeyboardInterrupt):
        model.fit(documents(), trainer=TRAINER.changed(processes=2), folder=tmp_path)
    rest(tmp_path, 16)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux lets one wait for a process that is no child")
def test_processes_end_with_the_first_one(tmp_path):
    command = [sys.executable, "-m", "tests.learn.sharing_toy", str(tmp_path / "run")]
    private = tmp_path / "private"
    private.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(private)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as first:
        other = os.pidfd_open(int(first.stdout.readline()))
        assert first.wait() == -signal.SIGKILL
        assert select.select([other], [], [], 60)[0]  # readable once it has ended
        os.close(other)
    assert not list(private.iterdir())
    rest(tmp_path / "run", 12)


def rest(folder, step):
    """Check that a checkpoint is of a step, and that one process goes on from there to what was never stopped."""
    from irkit.learn import checkpoint

    assert checkpoint.load(folder / CHECKPOINT, "run")["counters"]["step"] == step
    calm = troubled("", rank=0, step=-1)
    close(calm.fit(documents(), trainer=TRAINER), calm.fit(documents(), trainer=TRAINER, folder=folder, resume=True))
