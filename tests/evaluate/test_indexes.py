"""Tests of irkit.evaluate.indexes."""

import logging

import pytest

from irkit.errors import ConfigError
from irkit.evaluate.indexes import collection_index, index_path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Toys:
    """A collection that counts how often it is read."""

    name, fingerprint, read = "toys", "toys-1", 0

    def documents(self):
        self.read += 1
        return iter([("a", "red fox"), ("b", "red dog")])


def test_an_index_is_built_once_and_again_when_it_is_damaged(caplog):
    toys = Toys()
    for _ in range(2):
        collection_index(toys).close()
    assert toys.read == 1
    path = index_path(toys)
    file = path / "_0.fdt"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with caplog.at_level(logging.WARNING), collection_index(toys) as index:
        assert index.texts(["a"]) == ["red fox"]
    assert toys.read == 2
    assert "is damaged (_0.fdt: " in caplog.text
    assert "it is built again" in caplog.text


def test_a_damaged_index_beside_anything_else_stays(home):
    toys = Toys()
    collection_index(toys).close()
    file = index_path(toys) / "_0.fdt"
    file.write_bytes(b"")
    (index_path(toys) / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files than an index, got notes.txt"):
        collection_index(toys)
    assert (index_path(toys) / "notes.txt").read_text() == "mine"
