"""Tests of irkit.learn.record and irkit.generative.independent."""

from __future__ import annotations

import json

import numpy as np
import pytest

from irkit.cli.runpage import facts
from irkit.generative import GAN, NADE, RBM, VAE, EoNADE
from irkit.generative.eonade import EoNADEConfig
from irkit.generative.independent import independent_log_prob
from irkit.generative.nade import NADEConfig
from irkit.generative.rbm import RBMConfig
from irkit.generative.vae import VAEConfig
from irkit.io import DensityData, load_data, load_rows
from irkit.learn.judges.modes import Modes
from irkit.learn.record import record
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle

SHORT = TrainerConfig(epochs=2, batch_size=50)


@pytest.fixture(scope="module")
def digits() -> DensityData:
    return load_rows("digits").cut(100, 30, 20)


def test_a_record_says_what_the_number_is_and_what_it_cost(digits):
    model = NADE(NADEConfig(hidden_size=3)).fit(digits, trainer=SHORT)
    found = record(model, digits, test_rows=15)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    independent = round(oracle.independent_bits(digits.train.astype(float), digits.test[:15].astype(float)), 6)
    assert found["measures"] == {
        "log p": {
            "value": round(float(model.log_prob(digits.test[:15]).value.mean()), 6),
            "kind": "exact",
            "unit": "nats",
            "stderr": 0.0,
            "baselines": {"independent bits": independent},
        }
    }
    assert (found["data"], found["binarisation"]) == ("digits[100,30,20]", "threshold")
    assert found["data_hash"] == digits.fingerprint
    assert found["examples"] == {"train": 100, "valid": 30, "test": 15}
    assert found["spec"] == {"kind": "rows", "shape": [64], "picture": [8, 8]}
    assert (found["epochs"], found["steps"], found["stopped"], found["valid"]) == (2, 4, "epochs", model.training.best)
    assert {"irkit", "python", "torch", "numpy"} == found["versions"].keys()
    assert found["device"].split(",")[0] == model.place.device.type
    assert found["machine"].keys() - {"accelerator"} == {"cpu", "cores", "python", "platform"}


def test_what_is_judged_says_by_whom_and_how():
    ring = load_data("ring", binarise="none").cut(100, 20, 20)
    judge = Modes(ring)
    found = record(GAN().fit(ring, validate=False, trainer=SHORT), ring, judge=judge)
    assert found["judged_by"] == {"judge": "modes", "facts": list(judge.facts)}
    assert {name: one["of"] for name, one in found["measures"].items()} == dict.fromkeys(judge.quantities, "5 batches")
    assert facts({**found, "seed": 1})["Judged by"] == f"modes; {judge.facts[0]}"


def test_bounds_and_estimates_come_with_their_errors_and_what_they_are_made_of(digits):
    vae = VAE(VAEConfig(hidden_size=4)).fit(digits.train, trainer=SHORT)
    found = record(vae, digits, evaluate={"samples": 7})
    bound, elbo, near = (found["measures"][name] for name in ("log p", "elbo", "knn_5_accuracy"))
    assert (bound["kind"], found["evaluated_by"]) == ("lower_bound", {"samples": 7})
    assert bound["stderr"] > 0
    assert 0 < bound["ess"] <= 1
    assert "interval" not in bound
    assert (elbo["kind"], elbo["stderr"], elbo["value"] < bound["value"]) == ("lower_bound", None, True)
    assert 0 <= near["value"] <= 1
    single = record(vae, digits, evaluate={"samples": 1})
    assert single["measures"]["log p"]["stderr"] is None  # one sample has no known error
    rbm = RBM(RBMConfig(hidden_size=14)).fit(digits.train, trainer=SHORT)
    found = record(rbm, digits, evaluate={"temperatures": 50, "chains": 20})["measures"]["log p"]
    assert found["kind"] == "estimate"
    low, high = found["interval"]
    assert low < found["value"] < high
    orders = EoNADE(EoNADEConfig(hidden_sizes=(4,), orders=3)).fit(digits.train, trainer=SHORT)
    measures = record(orders, digits)["measures"]
    by_order = orders.log_prob_by_order(digits.test)
    two = np.log(np.exp(by_order[:2].numpy()).mean(0)).mean()
    assert list(measures) == ["log p", "log p by 1 order", "log p by 2 orders"]
    assert measures["log p by 1 order"]["value"] == pytest.approx(float(by_order[0].mean()), abs=1e-6)
    assert measures["log p by 2 orders"]["value"] == pytest.approx(float(two), abs=1e-6)


def test_independent_bits_are_the_frequencies_with_one_added(digits):
    # Of 4 rows 3 and 1 have the bit: (3 + 1) / 6 and (1 + 1) / 6.
    train = np.array([[1, 0], [1, 1], [1, 0], [0, 0]])
    found = np.exp(independent_log_prob(train, np.array([[1, 0], [0, 1], [1, 1]])))
    np.testing.assert_allclose(found, [2 / 3 * 2 / 3, 1 / 3 * 1 / 3, 2 / 3 * 1 / 3])
    assert independent_log_prob(digits.train, digits.test).mean() == pytest.approx(
        oracle.independent_bits(digits.train.astype(float), digits.test), rel=1e-12
    )
