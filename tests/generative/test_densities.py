"""What every density model keeps to, tested on all of them."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import irkit.generative
import irkit.learn
from irkit.errors import AbilityError, DataError, NotFittedError, ShapeError
from irkit.generative import AVB, DARN, DBM, DRAW, MADE, NADE, RBM, VAE, EoNADE
from irkit.generative.avb import AVBConfig
from irkit.generative.base import Density
from irkit.generative.darn import DARNConfig
from irkit.generative.dbm import DBMConfig
from irkit.generative.draw import DRAWConfig
from irkit.generative.eonade import EoNADEConfig
from irkit.generative.made import MADEConfig
from irkit.generative.nade import NADEConfig
from irkit.generative.rbm import RBMConfig
from irkit.generative.vae import VAEConfig
from irkit.io.kinds import DataSet, Rows
from irkit.learn.trainer import TrainerConfig
from irkit.testing import check_model

MODELS: dict[str, Density] = {
    "nade": NADE(NADEConfig(hidden_size=5, order="random")),
    "made": MADE(MADEConfig(hidden_sizes=(5, 6))),
    "eonade": EoNADE(EoNADEConfig(hidden_sizes=(5, 4), orders=2)),
    "eonade-dropout": EoNADE(EoNADEConfig(hidden_sizes=(5, 4), dropout=0.3)),
    "rbm-cd": RBM(RBMConfig(hidden_size=5, chains=None)),
    "rbm-pcd": RBM(RBMConfig(hidden_size=5, chains=7)),
    "dbm": DBM(DBMConfig(hidden_sizes=(5, 4), chains=7, pretrain_epochs=1)),
    "darn-st": DARN(DARNConfig(hidden_sizes=(4, 3))),
    "darn-gumbel": DARN(DARNConfig(hidden_sizes=(4, 3), estimator="gumbel", temperature=0.5)),
    "darn-reinforce": DARN(DARNConfig(hidden_sizes=(4,), estimator="reinforce", deterministic=3)),
    "avb": AVB(AVBConfig(latent_size=2, hidden_size=5, basis=3, noise_size=2, adversary_size=6)),
    "avb-plain": AVB(
        AVBConfig(latent_size=2, hidden_size=5, encoder="black-box", noise_size=2, contrast="plain", moment_draws=9)
    ),
    "vae": VAE(VAEConfig(hidden_size=5, encoder="conv", shape=(3, 4))),
    "draw": DRAW(DRAWConfig(steps=2, latent_size=2, hidden_size=5, read=2, write=2, stride=1.0, shape=(3, 4))),
    "vrae": VAE(VAEConfig(hidden_size=5, encoder="lstm", decoder="gru", shape=(3, 4))),
}
X = (np.random.default_rng(0).random((60, 12)) < np.linspace(0.1, 0.9, 12)).astype(np.float32)
CONFIG = TrainerConfig(epochs=4, batch_size=25)

models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@models
def test_a_run_in_two_parts_is_one_run_to_the_bit(model, tmp_path):
    whole = model.fit(X[:50], X[50:], trainer=CONFIG)
    model.fit(X[:50], X[50:], trainer=CONFIG.changed(epochs=2), folder=tmp_path)
    parts = model.fit(X[:50], X[50:], trainer=CONFIG, folder=tmp_path, resume=True)
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, parts.net.state_dict()[name]), name
    assert parts.training.best == whole.training.best


@models
def test_it_keeps_to_the_contract_of_models(model, tmp_path):
    data = DataSet("toy", *(Rows(part, picture=(3, 4)) for part in (X[:50], X[50:], X[::3])))
    fitted = check_model(model, data, tmp_path)
    assert {"log_prob", "score", "sample"} <= fitted.abilities


@models
def test_fitting_returns_a_copy_that_repeats_itself(model):
    fitted = model.fit(X, trainer=CONFIG)
    assert model.net is None
    again = model.fit(X, trainer=CONFIG)
    np.testing.assert_array_equal(fitted.log_prob(X).value, again.log_prob(X).value)
    other = model.fit(X, trainer=CONFIG.changed(seed=2))
    assert not np.array_equal(fitted.log_prob(X).value, other.log_prob(X).value)


@models
def test_a_saved_model_is_the_same_model(model, tmp_path):
    fitted = model.fit(X, trainer=CONFIG)
    fitted.net.cpu()  # where a loaded one is
    fitted.save(tmp_path / "a")
    loaded = type(model).load(tmp_path / "a")
    assert loaded.config == model.config
    ours, theirs = loaded.log_prob(X), fitted.log_prob(X)
    assert ours.kind == theirs.kind
    np.testing.assert_array_equal(ours.value, theirs.value)
    np.testing.assert_array_equal(loaded.sample(5), fitted.sample(5))
    path = tmp_path / "a"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="is not a readable checkpoint"):
        type(model).load(path)


@models
def test_log_probabilities_and_samples_have_their_shapes(model):
    fitted = model.fit(X, trainer=CONFIG)
    estimate = fitted.log_prob(X[:7])
    assert estimate.value.shape == estimate.stderr.shape == (7,)
    assert estimate.value.dtype == np.float64
    assert (estimate.value < 0).all()
    samples = fitted.sample(9, seed=3)
    assert (samples.shape, samples.dtype) == ((9, 12), np.float32)
    assert set(np.unique(samples)) <= {0.0, 1.0}
    np.testing.assert_array_equal(samples, fitted.sample(9, seed=3))
    assert not np.array_equal(samples, fitted.sample(9, seed=4))


WIDTHS = {
    "nade": 5,
    "eonade": 4,
    "eonade-dropout": 4,
    "rbm-cd": 5,
    "rbm-pcd": 5,
    "dbm": 9,
    "darn-st": 4,
    "darn-gumbel": 4,
    "darn-reinforce": 4,
    "avb": 2,
    "avb-plain": 2,
    "vae": 2,
    "draw": 4,
    "vrae": 2,
}


@pytest.mark.parametrize("name", MODELS)
def test_rows_become_vectors_each_by_itself(name):
    fitted = MODELS[name].fit(X, trainer=CONFIG)
    if name == "made":  # whose hidden units each see a part of the row
        with pytest.raises(
            AbilityError, match="made: does not encode; choose another model for that, it can give log-pr"
        ):
            fitted.encode(X)
        return
    vectors = fitted.encode(X)
    assert (vectors.shape, vectors.dtype) == ((60, WIDTHS[name]), np.float32)
    np.testing.assert_allclose(fitted.encode(X[7:8]), vectors[7:8], rtol=1e-5, atol=1e-6)
    assert vectors.std(0).max() > 0


@models
def test_what_does_not_fit_is_refused(model):
    with pytest.raises(NotFittedError, match=f"{model.name}: is not fitted; call fit"):
        model.log_prob(X)
    with pytest.raises(NotFittedError):
        model.sample(1)
    fitted = model.fit(X, trainer=CONFIG)
    with pytest.raises(ShapeError, match=rf"{model.name}: rows must have shape \(n, 12\), got \(60, 11\)"):
        fitted.log_prob(X[:, 1:])
    with pytest.raises(DataError, match=f"{model.name}: rows must hold 0 and 1, got 0.5 in row 0, column 0"):
        fitted.log_prob(X * 0 + 0.5)
    with pytest.raises(ShapeError, match=rf"{model.name}: rows must have shape \(n, 12\), got \(60, 11\)"):
        model.fit(X, X[:, 1:], trainer=CONFIG)


@models
def test_training_ends_better_than_it_began(model):
    fitted = model.fit(X, X, trainer=TrainerConfig(epochs=15, batch_size=20))
    scores = [row["value"] for row in fitted.training.rows if row["metric"] == "score"]
    assert max(scores[5:]) >= scores[0] - 0.05
    assert fitted.training.best == max(scores)


def test_the_doors_open_and_load_nothing_heavy():
    for door in (irkit.generative, irkit.learn):
        for name in door.__all__:
            assert getattr(door, name).__name__ == name
        assert dir(door) == door.__all__ or set(dir(door)) == set(door.__all__)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            door.nothing  # noqa: B018
    code = "import irkit.generative, irkit.learn.estimate, irkit.io.rows.data, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
