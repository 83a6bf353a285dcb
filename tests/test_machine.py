"""Tests of irkit.machine."""

import sys
from types import SimpleNamespace

from irkit.machine import machine


def test_an_accelerator_is_named_where_torch_found_one(monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: True, get_device_name=lambda: "Card 9")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert machine()["accelerator"] == "Card 9"
    monkeypatch.delitem(sys.modules, "torch")
    assert machine().keys() == {"cpu", "cores", "python", "platform"}
