"""Tests of irkit.generative.saved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import irkit.generative
import irkit.represent
from irkit.errors import DataError, NotFoundError
from irkit.generative.saved import load_model
from irkit.learn import Model, checkpoint
from irkit.registry import MODELS


def test_every_model_is_found_by_its_own_name_and_none_is_missing():
    kinds = {name: MODELS.load(name) for name in MODELS}
    assert all(kind.name == name for name, kind in kinds.items())
    for door in (irkit.generative, irkit.represent):
        exported = {
            one.name
            for one in (getattr(door, name) for name in door.__all__)
            if isinstance(one, type) and issubclass(one, Model)
        }
        assert exported == {name for name in kinds if MODELS[name].startswith(f"{door.__name__}.")}


def test_a_file_says_which_model_it_holds(tmp_path):
    model = MODELS.load("nade").from_weights(*(torch.zeros(shape) for shape in ((3, 2), 2, (3, 2), 3)))
    model.save(tmp_path / "a")
    assert checkpoint.kind_of(tmp_path / "a") == "nade"
    loaded = load_model(tmp_path / "a")
    assert type(loaded).__name__ == "NADE"
    np.testing.assert_allclose(loaded.log_prob(np.eye(3)).value, 3 * np.log(0.5))


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = MODELS.load("nade").from_weights(*(torch.zeros(shape) for shape in ((3, 2), 2, (3, 2), 3)))
    with torch.no_grad():
        next(model.fitted.parameters()).view(-1)[0] = float("nan")
    model.save(tmp_path / "a")
    with pytest.raises(DataError, match=r"a: the weights '.*' are not all finite; train it again"):
        load_model(tmp_path / "a")


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match=r"there is no model 'nad'; did you mean nade or eonade or docnade\?"):
        MODELS.load("nad")
    checkpoint.save(tmp_path / "run", "run", {"x": torch.zeros(2)})
    with pytest.raises(DataError, match="run: holds a 'run', a density model is needed"):
        load_model(tmp_path / "run")
    (tmp_path / "text").write_text("no model")
    with pytest.raises(DataError, match="text: is not a readable checkpoint"):
        load_model(tmp_path / "text")
    with pytest.raises(NotFoundError, match="none: there is no such checkpoint"):
        load_model(tmp_path / "none")
