"""Tests of irkit.learn.conditions and irkit.learn.devices."""

import os
import signal
import threading

import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn.conditions import choose_device, conditions, deferred_interrupt
from irkit.learn.trainer import TrainerConfig


def test_global_state_is_put_back(monkeypatch):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    with conditions(torch.device("cpu"), 3, seed=9):
        assert torch.get_num_threads() == 3
        first = torch.rand(1)
    with conditions(torch.device("cpu"), None, seed=9):
        assert torch.rand(1) == first
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in {"cpu", "cuda"}
    with pytest.raises(ConfigError, match="device: cannot compute on it, got 'cuda:77'; use auto, cpu"):
        choose_device("cuda:77")
    for name in ("toaster", "meta", "cpu:0", "cuda:x", "xla", "cuda\n"):
        with pytest.raises(ConfigError, match="device: a device is auto, cpu, cuda, cuda:0 and so on, or mps, got"):
            choose_device(name)
        with pytest.raises(ConfigError, match=r"trainer: device is not valid, got .*; a device is auto"):
            TrainerConfig(device=name)


def test_a_second_ctrl_c_interrupts_at_once_and_other_threads_get_none():
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    done = []

    def work():
        with deferred_interrupt() as asked:
            done.append(asked.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]
