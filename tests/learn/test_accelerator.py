"""On an accelerator: no step waits for it, a killed run gives the same bits, and networks agree with the processor."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from irkit import locate
from irkit.generative.nade import chunked_logits, dense_logits
from irkit.io.kinds import Ragged, Tokens
from irkit.learn import slices
from irkit.learn.batches import Shuffled
from irkit.learn.conditions import conditions
from irkit.learn.saved import Counters
from irkit.learn.tally import Tally
from irkit.recipe import load_training
from irkit.recommend.autorec import AutoRec
from irkit.recommend.cfnade import CFNADE
from irkit.recommend.cfnade_net import Entries, cell_costs, rating_costs
from irkit.recommend.rrn import RRN
from irkit.represent.deep_docnade import DeepDocNADE, DeepDocNADEConfig
from irkit.represent.docnade import DocNADE, DocNADEConfig
from irkit.represent.docnade_lm import DocNADELM, DocNADELMConfig
from tests.learn.dying import check_that_it_survives
from tests.recommend.ratings_toy import random_table

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

SOFTMAXES = ("full", "tree", "sampled")
RECIPES = sorted(path.stem for path in (locate.shipped("pipelines") / "generate").glob("*-digits.yaml"))
NETWORKS = {
    "autorec": (AutoRec, {"hidden_size": 3, "reg": 0.1}),
    "cfnade": (CFNADE, {"hidden_size": 3}),
    "rrn": (RRN, dict.fromkeys(("hidden_size", "input_size", "dynamic_size", "stationary_size", "mf_epochs"), 2)),
}
TRAIN = random_table(users=14, items=11, density=0.6, time=True)
VALID = random_table(users=14, items=11, density=0.1, seed=1, time=True)


@contextmanager
def allowed(mode):
    """Say what a wait for the accelerator is: "default" for allowed, or "error"."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@pytest.fixture
def steps(monkeypatch):
    """Make any wait for the accelerator within a step an error, but for reading losses and an epoch's first batch."""
    waited = []

    def within(kind, name, mode):
        plain = getattr(kind, name)

        def method(*given, **options):
            with allowed(mode):
                return plain(*given, **options)

        monkeypatch.setattr(kind, name, method)

    plain = Counters.timed

    @contextmanager
    def timed(counters):
        first = counters.step == 0  # the optimiser makes its state
        with plain(counters), allowed("default" if first else "error"):
            waited.append(first)
            yield

    monkeypatch.setattr(Counters, "timed", timed)
    within(Tally, "look", "default")
    within(Shuffled, "order", "default")
    return waited


def digits(name):
    recipe = load_training(name)
    trainer = recipe.rule().model_copy(
        update={"epochs": None, "steps": 6, "every": 3, "device": "cuda", "progress": False}
    )
    return recipe.build(), recipe.load_data(), trainer


@pytest.mark.parametrize("name", RECIPES)
def test_no_step_of_a_model_waits(name, steps):
    model, data, trainer = digits(name)
    fitted = model.fit(data, trainer=trainer, validate=False)
    assert len(steps) >= 6  # some are trained layer by layer first
    assert fitted.place.device.type == "cuda"


@pytest.mark.parametrize("name", RECIPES)
def test_a_killed_model_goes_on_to_the_same_bits(name, tmp_path):
    check_that_it_survives(*digits(name), tmp_path, step=4)


@pytest.mark.parametrize(
    "model",
    [
        *(DocNADE(DocNADEConfig(hidden_size=5, softmax=kind, dropout=0.3, longest=20)) for kind in SOFTMAXES),
        DeepDocNADE(DeepDocNADEConfig(hidden_sizes=(5, 4), dropout=0.3)),
        *(DocNADELM(DocNADELMConfig(hidden_size=5, softmax=kind, dropout=0.3, longest=20)) for kind in SOFTMAXES),
    ],
    ids=lambda model: f"{model.name}-{getattr(model.config, 'softmax', '')}",
)
def test_no_step_of_a_document_model_waits_and_a_killed_one_goes_on(model, steps, tmp_path):
    rng = np.random.default_rng(0)
    data = Tokens(Ragged.of([rng.integers(50, size=n) for n in rng.integers(1, 30, size=60)]), 50)
    trainer = model.trainer.changed(epochs=3, batch_size=8, device="cuda")
    model.fit(data, trainer=trainer)
    assert len(steps) == 24
    check_that_it_survives(model, data, trainer, tmp_path, step=9)


def network(name, device):
    kind, settings = NETWORKS[name]
    return kind(epochs=5, learning_rate=0.05, batch_size=4, device=device, **settings)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_step_of_a_network_waits(name, steps):
    network(name, "cuda").fit(TRAIN)
    assert len(steps) > 5


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_repeats_itself_and_predicts_what_it_does_on_the_processor(name):
    there, again, here = (network(name, device).fit(TRAIN, VALID) for device in ("cuda", "cuda", "cpu"))
    pairs = TRAIN.frame()[["user_id", "item_id", "timestamp"]]
    predicted = [model.predict(pairs)["prediction"].to_numpy() for model in (there, again, here)]
    np.testing.assert_array_equal(predicted[0], predicted[1])
    np.testing.assert_allclose(predicted[0], predicted[2], atol=2e-3)


def with_gradients(form, weights):
    leaves = [weight.clone().requires_grad_() for weight in weights]
    found = form(*leaves)
    return [found.detach(), *torch.autograd.grad(found.square().sum(), leaves)]


def check_dense(here, there, shapes):
    """Check that a form gives there what another gives on the processor, the same bits each time, without a wait."""
    rng = np.random.default_rng(1)
    weights = [torch.from_numpy(rng.normal(size=shape)) for shape in shapes]
    sent = [weight.to("cuda") for weight in weights]
    with conditions(torch.device("cuda"), None, 1):
        with_gradients(there, sent)  # what is set up once may wait
        with allowed("error"):
            found, again = (with_gradients(there, sent) for _ in range(2))
    for ours, same, theirs in zip(found, again, with_gradients(here, weights), strict=True):
        assert torch.equal(ours, same)
        np.testing.assert_allclose(ours.cpu(), theirs, rtol=1e-9, atol=1e-9)


rows_cut = pytest.mark.parametrize("numbers", [1, slices.NUMBERS], ids=["cut", "whole"])


@rows_cut
def test_the_dense_form_of_nade_is_the_chunked_one(numbers, monkeypatch):
    monkeypatch.setattr(slices, "NUMBERS", numbers)
    x = torch.from_numpy((np.random.default_rng(0).random((12, 50)) < 0.4) * 1.0)
    there = x.to("cuda")
    shapes = [(50, 9), (9,), (50, 9), (50,)]
    check_dense(lambda *given: chunked_logits(x, *given), lambda *given: dense_logits(there, *given), shapes)


@rows_cut
def test_the_costs_of_all_cells_are_those_of_the_ratings(numbers, monkeypatch):
    monkeypatch.setattr(slices, "NUMBERS", numbers)
    rng = np.random.default_rng(0)
    row, column = np.nonzero(rng.random((12, 20)) < 0.5)
    parts = [torch.from_numpy(part) for part in (row, column, rng.integers(5, size=len(row)))]
    entries, given = Entries(parts[0], parts[1], parts[2], 12), torch.from_numpy(rng.random(len(row)) < 0.4)
    shapes = {"input": (5, 20, 9), "hidden_bias_1": (9,), "output": (5, 20, 9), "level_bias": (5, 20)}

    def costs(form):
        return lambda *weights: form(dict(zip(shapes, weights, strict=True)), entries, given)

    check_dense(costs(rating_costs), costs(cell_costs), shapes.values())
