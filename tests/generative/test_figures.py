"""Tests of irkit.generative.figures and irkit.generative.result."""

from __future__ import annotations

import json

import numpy as np
import pytest

from irkit.generative import NADE, RBM, VAE, EoNADE
from irkit.generative.eonade import EoNADEConfig
from irkit.generative.figures import write_figures
from irkit.generative.nade import NADEConfig
from irkit.generative.rbm import RBMConfig
from irkit.generative.result import independent_log_prob, result
from irkit.generative.vae import VAEConfig
from irkit.io import DensityData, load_rows
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle

SHORT = TrainerConfig(epochs=2, batch_size=50)


@pytest.fixture(scope="module")
def digits() -> DensityData:
    return load_rows("digits").cut(100, 30, 20)


def numbers(path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def test_a_vae_with_a_plane_shows_everything(digits, tmp_path):
    model = VAE(VAEConfig(hidden_size=8)).fit(digits.train, digits.valid, trainer=SHORT)
    found = write_figures(model, digits, tmp_path, seed=3)
    names = ["learning-curves.svg", "samples.png", "reconstructions.png", "latent.svg", "grid.png"]
    assert [figure.path.name for figure in found] == names
    assert all(figure.caption.endswith(".") for figure in found)
    for figure in found:
        assert figure.path.with_suffix(".csv").is_file()
    np.testing.assert_array_equal(numbers(tmp_path / "samples.csv"), model.sample(64, seed=3))
    pairs = numbers(tmp_path / "reconstructions.csv")
    np.testing.assert_array_equal(pairs[:10], digits.test[:10])
    np.testing.assert_allclose(pairs[10:], model.reconstruct(digits.test[:10]), rtol=1e-5)
    plane = numbers(tmp_path / "latent.csv")
    np.testing.assert_allclose(plane[:, :2], model.transform(digits.test), rtol=1e-5)
    np.testing.assert_array_equal(plane[:, 2], digits.test_labels)
    assert numbers(tmp_path / "grid.csv").shape == (400, 64)
    header, *lines = (tmp_path / "learning-curves.csv").read_text().splitlines()
    assert header == "metric,split,epoch,value"
    metrics = {tuple(line.split(",")[:3]) for line in lines}
    assert metrics == {
        (*pair, epoch)
        for pair in (("loss", "train"), ("reconstruction", "train"), ("kl", "train"), ("score", "valid"))
        for epoch in "12"
    }


def test_other_models_show_what_they_have(digits, tmp_path):
    wide = load_rows("digits").cut(60, 0, 12)
    flat = DensityData("flat", "bits", (1, 64), wide.train, wide.valid, wide.test, *[wide.test_labels] * 3)
    nade = NADE(NADEConfig(hidden_size=3)).fit(flat.train, trainer=SHORT)
    assert [one.path.name for one in write_figures(nade, flat, tmp_path)] == ["learning-curves.svg", "samples.png"]
    rbm = RBM(RBMConfig(hidden_size=3)).fit(digits.train, trainer=SHORT)
    rbm.save(tmp_path / "rbm")
    loaded = RBM.load(tmp_path / "rbm")  # which knows no learning curve
    found = write_figures(loaded, digits, tmp_path)
    assert [one.path.name for one in found] == ["samples.png", "reconstructions.png"]


def test_the_reconstruction_of_an_rbm_is_one_pass_of_means(digits):
    model = RBM(RBMConfig(hidden_size=3)).fit(digits.train, trainer=SHORT)
    w, b, c = (getattr(model.net, name).detach().numpy() for name in "wbc")
    hidden = 1 / (1 + np.exp(-(digits.test @ w + c)))
    np.testing.assert_allclose(model.reconstruct(digits.test), 1 / (1 + np.exp(-(hidden @ w.T + b))), rtol=1e-5)
    np.testing.assert_allclose(model.transform(digits.test), hidden, rtol=1e-5)


def test_a_result_says_what_the_number_is_and_what_it_cost(digits):
    model = NADE(NADEConfig(hidden_size=3)).fit(digits.train, digits.valid, trainer=SHORT)
    found = result(model, digits, test_rows=15)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["value"] == round(float(model.log_prob(digits.test[:15]).value.mean()), 4)
    assert (found["kind"], found["stderr"], found["ess"], found["interval"]) == ("exact", 0.0, None, None)
    assert (found["data"], found["binarisation"]) == ("digits[100,30,20]", "threshold")
    assert found["data_hash"] == digits.fingerprint
    assert found["rows"] == {"train": 100, "valid": 30, "test": 15}
    assert found["shape"] == [8, 8]
    assert (found["epochs"], found["steps"], found["stopped"], found["valid"]) == (2, 4, "epochs", model.training.best)
    assert found["independent_bits"] == round(oracle.independent_bits(digits.train, digits.test[:15]), 4)
    assert found["extra"] == {}
    assert {"irkit", "python", "torch", "numpy"} == found["versions"].keys()


def test_bounds_and_estimates_come_with_their_errors_and_reports(digits):
    vae = VAE(VAEConfig(hidden_size=4)).fit(digits.train, trainer=SHORT)
    found = result(vae, digits, evaluate={"samples": 7})
    assert (found["kind"], found["evaluated_by"]) == ("lower_bound", {"samples": 7})
    assert found["stderr"] > 0
    assert 0 < found["ess"] <= 1
    assert 0 <= found["extra"]["knn_5_accuracy"] <= 1
    single = result(vae, digits, evaluate={"samples": 1})
    assert single["stderr"] is None  # one sample has no known error
    rbm = RBM(RBMConfig(hidden_size=14)).fit(digits.train, trainer=SHORT)
    found = result(rbm, digits, evaluate={"temperatures": 50, "chains": 20})
    assert found["kind"] == "estimate"
    low, high = found["interval"]
    assert low < found["value"] < high
    orders = EoNADE(EoNADEConfig(hidden_sizes=(4,), orders=3)).fit(digits.train, trainer=SHORT)
    each = result(orders, digits)["extra"]["each_order"]
    assert each == pytest.approx(orders.log_prob_by_order(digits.test).mean(1).tolist())


def test_independent_bits_are_the_frequencies_with_one_added(digits):
    # Of 4 rows 3 and 1 have the bit: (3 + 1) / 6 and (1 + 1) / 6.
    train = np.array([[1, 0], [1, 1], [1, 0], [0, 0]])
    found = np.exp(independent_log_prob(train, np.array([[1, 0], [0, 1], [1, 1]])))
    np.testing.assert_allclose(found, [2 / 3 * 2 / 3, 1 / 3 * 1 / 3, 2 / 3 * 1 / 3])
    assert independent_log_prob(digits.train, digits.test).mean() == pytest.approx(
        oracle.independent_bits(digits.train.astype(float), digits.test), rel=1e-12
    )
