"""Tests of irkit.testing.models: models pass, and what breaks the contract is told so."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from irkit.generative import MADE, NADE
from irkit.generative.made import MADEConfig
from irkit.generative.nade import NADEConfig
from irkit.testing import check_model, toy_rows


@pytest.mark.parametrize("model", [NADE(NADEConfig(hidden_size=5)), MADE(MADEConfig(hidden_sizes=(5,)))])
def test_a_shipped_model_passes(model, tmp_path):
    fitted = check_model(model, toy_rows(), tmp_path)
    assert fitted.size == 12


class Broken(NADE):
    """Those below break one thing each."""


class Eager(Broken):
    def sample(self, n, *, seed=1):
        return np.zeros((n, 12)) if self.net is None else super().sample(n, seed=seed)


class Short(Broken):
    def log_prob(self, x):
        return super().log_prob(x).mean()


class Forgetful(Broken):
    @classmethod
    def load(cls, path):
        loaded = super().load(path)
        with torch.no_grad():
            next(loaded.net.parameters()).add_(1.0)
        return loaded


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Eager, "nade: is not fitted... should be raised as NotFittedError"),
        (Short, "log_prob: one number for each example"),
        (Forgetful, "a saved model is the same model"),
    ],
)
def test_a_model_that_breaks_the_contract_is_told_what_it_breaks(kind, message, tmp_path):
    with pytest.raises(AssertionError) as caught:
        check_model(kind(NADEConfig(hidden_size=3)), toy_rows(), tmp_path)
    assert str(caught.value).startswith(message)
