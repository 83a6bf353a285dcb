"""What every model keeps to, as a check that a model's test calls: five lines for a model of one's own.

def test_it_keeps_to_the_contract(tmp_path):
    check_model(Mine(), data, tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from irkit.arrays import Floats
from irkit.errors import AbilityError, NotFittedError, ShapeError
from irkit.io.kinds import Examples, Ragged
from irkit.learn.abilities import ABILITIES, Ability
from irkit.learn.data import Data
from irkit.learn.estimate import Estimate
from irkit.learn.model import Model
from irkit.learn.trainer import TrainerConfig

TRAINER = TrainerConfig(epochs=4, batch_size=25, threads=1)
"How models are trained for the check."


def check_model(model: Model, data: Data, folder: Path, *, trainer: TrainerConfig = TRAINER) -> Model:
    """Check a model by training it for a moment, and return it fitted.

    What it declares it does, in the right shapes and again with the same seed; what it does not declare it
    refuses in one line, as it does data of another kind; a saved model is the same model; a run in two parts is
    one run to the bit.

    Parameters
    ----------
    model : Model
        Not fitted.
    data : Data
        Small: the test part should have at least 2 examples.
    folder : path
        An empty one.
    trainer : TrainerConfig
        Of an even number of epochs, or without epochs for a model that is solved at once.

    Raises
    ------
    AssertionError
        If it does not keep to something; says to what.
    """
    assert model.name, "a model has a name"
    assert type(model).abilities <= ABILITIES.keys(), f"abilities are of {', '.join(ABILITIES)}"
    test = data.part("test")
    _check_refusals(model, test)
    fitted = model.fit(data, trainer=trainer)
    assert model.net is None, "fit returns a copy"
    _check_refusals(fitted, test)
    for ability in ABILITIES:
        if fitted.can(ability):
            _CHECKS[ability](fitted, test)
    fitted.save(folder / "saved")
    _check_equal(fitted, type(model).load(folder / "saved"), "a saved model is the same model")
    half = trainer if trainer.epochs is None else trainer.changed(epochs=trainer.epochs // 2)
    model.fit(data, trainer=half, folder=folder)
    parts = model.fit(data, trainer=trainer, folder=folder, resume=True)
    _check_equal(fitted, parts, "a run in two parts is one run to the bit")
    return fitted


def asked(model: Model, ability: Ability, test: Examples) -> Any:
    """Ask a model for what an ability gives: a sample of two, codes or zeros decoded, or the method on examples."""
    if ability == "sample":
        return model.sample(2, seed=3)
    if ability == "decode":
        coded = model.net is not None and model.can("encode")
        return model.decode(model.encode(test) if coded else np.zeros((len(test), model.latent_size or 1)))
    return getattr(model, ability)(test)


def _check_refusals(model: Model, test: Examples) -> None:
    for ability in ABILITIES:
        if not model.can(ability):
            _raises(AbilityError, f"{model.name}: does not ", partial(asked, model, ability, test))
        elif model.net is None:
            _raises(NotFittedError, f"{model.name}: is not fitted", partial(asked, model, ability, test))
    foreign = _Foreign(np.zeros((2, 1)))
    _raises(ShapeError, f"{model.name}: learns from ", lambda: model.examples(foreign))


class _Foreign(Examples):
    """Examples of a kind that no model takes."""

    kind = "foreign"


def _raises(kind: type[Exception], message: str, ask: Callable[[], object]) -> None:
    said = ""
    try:
        ask()
    except kind as error:
        said = str(error)
    assert said, f"{message}... should be raised as {kind.__name__}"
    assert said.startswith(message), f"an error should begin with {message!r}, got {said}"
    assert "\n" not in said, "an error is one line"


def _check_log_prob(model: Model, test: Examples) -> None:
    found = model.log_prob(test)
    assert isinstance(found, Estimate)
    assert np.shape(found.value) == np.shape(found.stderr) == (len(test),), "log_prob: one number for each example"
    assert np.isfinite(found.value).all(), "log_prob: numbers are finite"
    if found.kind == "exact":
        alone = model.log_prob(test.take(np.array([1]))).value
        close = np.isclose(alone, np.asarray(found.value)[1:2], rtol=1e-4, atol=1e-4)
        assert close.all(), "log_prob: of each example by itself, whatever the others are"


def _check_score(model: Model, test: Examples) -> None:
    found = model.score(test, seed=3)
    assert np.shape(found.value) == (), "score: one number for all examples"
    assert found.value == model.score(test, seed=3).value, "score: the same seed gives the same number"


def _check_sample(model: Model, test: Examples) -> None:
    found = model.sample(3, seed=3)
    assert len(found) == 3, "sample: as many as are asked for"
    assert model.known.shape == _values(found, test), "sample: examples look like those of the data"
    assert _same(found, model.sample(3, seed=3)), "sample: the same seed gives the same"
    assert not _same(found, model.sample(3, seed=4)), "sample: another seed gives others"


def _check_encode(model: Model, test: Examples) -> None:
    found = model.encode(test)
    assert found.ndim == 2, "encode: vectors side by side"
    assert len(found) == len(test), "encode: a vector for each example"
    assert found.dtype == np.dtype(np.float32), "encode: float32"
    alone: Floats = model.encode(test.take(np.array([1])))
    np.testing.assert_allclose(alone, found[1:2], rtol=1e-4, atol=1e-5, err_msg="encode: each example by itself")


def _check_decode(model: Model, test: Examples) -> None:
    found = asked(model, "decode", test)
    assert len(found) == len(test), "decode: an example for each vector"
    assert model.known.shape == _values(found, test), "decode: examples look like those of the data"


def _check_reconstruct(model: Model, test: Examples) -> None:
    found = model.reconstruct(test)
    assert len(found) == len(test), "reconstruct: one for each example"
    free = test.kind == "tokens"  # a document that is written again ends where its model ends it
    shapes = [[np.shape(one)[free:] for one in each] for each in (found, test.x)]
    assert shapes[0] == shapes[1], "reconstruct: like the examples"


def _check_predict(model: Model, test: Examples) -> None:
    assert len(model.predict(test)) == len(test), "predict: one for each example"


_CHECKS: dict[Ability, Callable[[Model, Examples], None]] = {
    "log_prob": _check_log_prob,
    "score": _check_score,
    "sample": _check_sample,
    "encode": _check_encode,
    "decode": _check_decode,
    "reconstruct": _check_reconstruct,
    "predict": _check_predict,
}


def _values(found: Any, like: Examples) -> tuple[int, ...]:
    """Return the shape of an example's values, without its length where examples have one."""
    return np.shape(found[0])[1:] if isinstance(like.x, Ragged) else np.shape(found[0])


def _same(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def _check_equal(one: Model, other: Model, what: str) -> None:
    assert one.config == other.config, what
    theirs = other.fitted.state_dict()
    for name, weights in one.fitted.state_dict().items():
        assert torch.equal(weights, theirs[name].to(weights.device)), f"{what}, but for {name}"
