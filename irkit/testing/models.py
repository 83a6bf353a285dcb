"""What every density model keeps to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from irkit.errors import NotFittedError

if TYPE_CHECKING:
    from irkit.arrays import Floats
    from irkit.generative.base import Density


def check_model(model: Density, rows: Floats, folder: Path) -> Density:
    """Check a model by training it for four passes, and return it fitted.

    It is refused before `fit`; `fit` returns a copy, twice the same; log-probabilities and samples have their
    shapes and come again with the same seed; a saved model is the same model; a run in two parts is one run.

    Parameters
    ----------
    model : Density
        Not fitted.
    rows : (N, D)
        What it is of, such as `toy_rows()`; the last third validates.
    folder : path
        An empty one.

    Raises
    ------
    AssertionError
        If it does not keep to something; says to what.
    """
    from irkit.learn.trainer import TrainerConfig

    trainer = TrainerConfig(epochs=4, batch_size=25, threads=1)
    cut = 2 * len(rows) // 3
    train, valid = rows[:cut], rows[cut:]
    _check_unfitted(model, valid)
    fitted = model.fit(train, valid, trainer=trainer)
    assert model.net is None, "fit returns a copy"
    _check_shapes(fitted, valid)
    _check_same(fitted, model.fit(train, valid, trainer=trainer), "fitted twice it is the same")
    fitted.save(folder / "model")
    _check_same(fitted, type(model).load(folder / "model"), "a saved model is the same model")
    model.fit(train, valid, trainer=trainer.changed(epochs=2), folder=folder)
    parts = model.fit(train, valid, trainer=trainer, folder=folder, resume=True)
    _check_same(fitted, parts, "a run in two parts is one run")
    return fitted


def _check_unfitted(model: Density, rows: Floats) -> None:
    for ask in (lambda: model.log_prob(rows), lambda: model.sample(1)):
        try:
            ask()
        except NotFittedError:
            continue
        raise AssertionError("before fit it is refused by a NotFittedError")


def _check_shapes(fitted: Density, rows: Floats) -> None:
    found = fitted.log_prob(rows)
    assert np.shape(found.value) == np.shape(found.stderr) == (len(rows),), "log_prob: one number for each row"
    assert np.isfinite(found.value).all(), "log_prob: numbers are finite"
    drawn = fitted.sample(3, seed=3)
    assert drawn.shape == (3, rows.shape[1]), "sample: as many rows as are asked for, as wide as the data"
    assert np.array_equal(drawn, fitted.sample(3, seed=3)), "sample: the same seed gives the same"


def _check_same(one: Density, other: Density, what: str) -> None:
    assert one.config == other.config, f"{what}: settings"
    theirs = other.fitted.state_dict()
    for name, weights in one.fitted.state_dict().items():
        assert bool((weights == theirs[name].to(weights.device)).all()), f"{what}: {name}"
