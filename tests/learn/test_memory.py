"""Tests of irkit.learn.memory: running out of it is said in one line, whoever notices."""

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, IrkitError
from irkit.generative.nade import NADE, NADENet
from irkit.learn.memory import OutOfMemoryError, enough_memory
from irkit.learn.trainer import TrainerConfig
from irkit.recommend import BPR, EASE
from tests.recommend.ratings_toy import random_table

HUGE = 1 << 60


def by_numpy():
    np.ones(HUGE // 8)


def by_torch():
    torch.empty(HUGE, dtype=torch.uint8)


def by_an_accelerator():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of")


@pytest.mark.parametrize(
    ("fails", "got"),
    [(by_numpy, "1.00 EiB"), (by_torch, "1152921504606846976 bytes"), (by_an_accelerator, "20.00 GiB")],
)
def test_every_kind_is_one_line(fails, got):
    with pytest.raises(OutOfMemoryError) as caught, enough_memory("thing", "lower it"):
        fails()
    assert str(caught.value) == f"thing: out of memory, got no {got}; lower it"
    assert isinstance(caught.value, (IrkitError, MemoryError))


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ConfigError("a: b"), KeyError("x")])
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as caught, enough_memory("thing", "lower it"):
        raise error
    assert caught.value is error


def test_models_name_the_setting_to_lower(monkeypatch):
    for model, advice in (
        (BPR(), "lower batch_size or embedding_size, or take"),
        (EASE(), "give it less data, or take"),
    ):
        monkeypatch.setattr(type(model), "learn", lambda *given: by_numpy())
        with pytest.raises(OutOfMemoryError, match=f"{model.name}: out of memory, got no 1.00 EiB; {advice}"):
            model.fit(random_table())
    monkeypatch.setattr(NADENet, "score", lambda *given: by_torch())
    with pytest.raises(
        OutOfMemoryError, match=r"nade: out of memory, got no .* bytes; lower batch_size or hidden_size"
    ):
        NADE().fit(np.eye(4, dtype=np.float32), trainer=TrainerConfig(epochs=1))
