"""Tests of irkit.learn.model and irkit.testing.models: a model that does not keep its word is found out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from irkit.config import Config
from irkit.errors import AbilityError, ConfigError, DataError, NotFittedError, ShapeError
from irkit.io.kinds import DataSet, Pictures, Rows
from irkit.learn import Estimate, Loss, LossNet, Model, Net, TrainerConfig
from irkit.testing import check_model

X = np.random.default_rng(0).random((60, 3)).astype(np.float32)
DATA = DataSet("toy", Rows(X[:40]), Rows(X[40:50]), Rows(X[50:]))
SHORT = TrainerConfig(epochs=2, batch_size=20)


class LineNet(LossNet):
    """x is said by one number."""

    def __init__(self, size):
        super().__init__()
        self.into, self.out = nn.Linear(size, 1), nn.Linear(1, size)

    def error(self, x):
        return (x - self.reconstruct(x)).square().sum(1)

    def loss(self, batch, now):
        return Loss(self.error(batch).mean(), {})

    def score(self, batch, rng):
        return -self.error(batch)

    def encode(self, x):
        return self.into(x)

    def decode(self, z):
        return self.out(z)

    def reconstruct(self, x):
        return self.decode(self.encode(x))

    def predict(self, x):
        return self.into(x)[:, 0] > 0


class Line(Model):
    name = "line"
    abilities = frozenset({"score", "encode", "decode", "reconstruct", "predict"})

    def build(self, spec):
        return LineNet(spec.size)


def test_a_model_keeps_to_the_contract(tmp_path):
    fitted = check_model(Line(), DATA, tmp_path)
    assert fitted.known == DATA.spec
    np.testing.assert_allclose(fitted.decode(fitted.encode(X)), fitted.reconstruct(X), rtol=1e-6)
    assert fitted.predict(X).tolist() == (fitted.encode(X)[:, 0] > 0).tolist()
    assert fitted.measures(DATA.test) == {}


class Boaster(Line):
    """Declares what its net has not."""

    abilities = Line.abilities | {"sample"}


class Loud(Line):
    """Draws the same whatever the seed, and of another shape."""

    abilities = frozenset({"sample"})

    def sample(self, n, *, seed=1):
        self.need("sample")
        return self.fitted and np.zeros((n, 2), dtype=np.float32)


class Shy(Line):
    """Encodes without saying so."""

    abilities = frozenset({"score"})

    def encode(self, data):
        return np.zeros((len(data), 1), dtype=np.float32)


class Together(Line):
    """Encodes an example by the others beside it."""

    abilities = frozenset({"encode"})

    def encode(self, data):
        found = super().encode(data)
        return found - found.mean(0)


class Relative(Line):
    """Finds an example less likely the likelier the others beside it are."""

    abilities = frozenset({"log_prob"})

    def log_prob(self, data):
        self.need("log_prob")
        scores = -self.fitted.error(self.examples(data).to(self.place)).detach().cpu().double().numpy()
        return Estimate.exact(scores - scores.mean())


class Forgetful(Line):
    """Loses its weights when saved."""

    def save(self, path):
        type(self)().fit(X, trainer=SHORT.changed(seed=9))._save(path)

    def _save(self, path):
        super().save(path)


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (Boaster, AttributeError, "'LineNet' object has no attribute 'sample'"),
        (Loud, AssertionError, "sample: examples look like those of the data"),
        (Shy, AssertionError, "line: does not ... should be raised as AbilityError"),
        (Together, AssertionError, "encode: each example by itself"),
        (Relative, AssertionError, "log_prob: of each example by itself"),
        (Forgetful, AssertionError, "a saved model is the same model"),
    ],
)
def test_one_that_does_not_is_found_out(kind, error, message, tmp_path):
    with pytest.raises(error, match=message):
        check_model(kind(), DATA, tmp_path)


def test_what_a_model_lacks_is_said_in_a_line():
    fitted = Line().fit(DATA, trainer=SHORT)
    assert (fitted.can("encode"), fitted.can("sample")) == (True, False)
    with pytest.raises(
        AbilityError,
        match="line: does not sample; choose another model for that, it can score examples, encode, decode, recon",
    ):
        fitted.sample(1)
    with pytest.raises(NotFittedError, match="line: is not fitted; call fit"):
        Line().encode(X)
    with pytest.raises(
        ShapeError, match=r"^line: learns from rows, got pictures of shape \(1, 3, 1\); give it such data"
    ):
        Line().fit(Pictures(np.zeros((4, 1, 3, 1))))
    with pytest.raises(
        ShapeError, match=r"^line: rows of shape \(3,\) are needed, got rows of shape \(2,\); give it such"
    ):
        fitted.encode(X[:, 1:])
    with pytest.raises(ShapeError, match=r"^line: rows of shape \(3,\) are needed, got none"):
        fitted.encode(X[:0])


def test_the_best_weights_on_the_validation_part_are_kept_unless_told_otherwise():
    fitted = Line().fit(DATA, trainer=SHORT)
    assert fitted.training.best == fitted.score(DATA.valid, seed=1).value
    assert Line().fit(DATA, trainer=SHORT, validate=False).training.best is None
    assert Line().fit(DATA.train, trainer=SHORT).training.best is None
    apart = Line().fit(X[:40], X[40:50], trainer=SHORT)
    assert apart.training.best == fitted.training.best


class ScaledConfig(Config):
    scale: float = 1.0
    "Of the loss."


class ScaledNet(LineNet):
    def __init__(self, size, scale):
        super().__init__(size)
        self.scale = scale

    def error(self, x):
        return self.scale * super().error(x)


class Scaled(Line):
    name, config_type = "scaled", ScaledConfig

    def build(self, spec):
        return ScaledNet(spec.size, self.config.scale)


class Other(Scaled):
    name = "other"


@pytest.mark.parametrize(
    ("model", "options"), [(Scaled(ScaledConfig(scale=9.0)), {}), (Other(), {}), (Scaled(), {"dynamic": True})]
)
def test_a_run_is_not_gone_on_with_by_another_model(model, options, tmp_path):
    Scaled().fit(X, trainer=SHORT, folder=tmp_path)
    longer = SHORT.changed(epochs=4)
    with pytest.raises(ConfigError, match="belongs to another run: not the same settings"):
        model.fit(X, trainer=longer, folder=tmp_path, resume=True, **options)
    assert Scaled().fit(X, trainer=longer, folder=tmp_path, resume=True).training.steps == 12


def test_a_fitted_model_can_be_fitted_to_other_data():
    first = Line().fit(DATA, trainer=SHORT)
    second = first.fit(X[:, 1:], trainer=SHORT)
    assert (first.known.size, second.known.size) == (3, 2)


def test_a_file_of_another_shape_is_refused(tmp_path):
    fitted = Line().fit(DATA, trainer=SHORT)
    fitted.spec = Rows(X[:, 1:]).spec
    fitted.save(tmp_path / "a")
    with pytest.raises(DataError, match="a: does not fit the model 'line'"):
        Line.load(tmp_path / "a")


def test_a_base_cannot_be_made():
    for kind in (Model, Net, LossNet):
        with pytest.raises(TypeError, match="abstract"):
            kind()


def test_reals_of_either_length_become_those_of_the_net():
    found = Line().fit(X.astype(np.float64), trainer=SHORT)
    assert found.place.dtype == torch.float32
    np.testing.assert_array_equal(found.encode(X.astype(np.float64)), found.encode(torch.from_numpy(X)))


def test_settings_are_a_config_of_the_model_or_its_fields_and_not_both():
    class Wide(Config):
        size: int = 1

    class Other(Line):
        config_type = Wide

    assert Other(size=3).config == Other(Wide(size=3)).config
    with pytest.raises(ConfigError, match="line: takes one Wide or its fields, got Wide and size; give either"):
        Other(Wide(), size=3)
    with pytest.raises(ConfigError, match="line: takes one Wide or its fields, got dict; give either"):
        Other({"size": 3})
    with pytest.raises(ConfigError, match="unknown field 'sizes'"):
        Other(sizes=3)


@pytest.mark.parametrize(
    ("z", "says"),
    [
        (np.zeros(2), r"vectors must be numbers of shape \(n, Z\), got \(2,\) of float64; give a row for each"),
        ([["a"]], r"vectors must be numbers of shape \(n, Z\), got \(1, 1\) of <U1"),
        (np.full((1, 1), np.nan), "vectors must be finite, got one that is not; leave it out"),
    ],
)
def test_what_is_no_vector_is_not_decoded(z, says):
    with pytest.raises(ShapeError, match=f"line: {says}"):
        Line().fit(DATA, trainer=SHORT).decode(z)
