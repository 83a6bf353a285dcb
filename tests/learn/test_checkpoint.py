"""Tests of irkit.learn.checkpoint."""

import errno
import json
import os
import pickle
import struct
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.learn import checkpoint

TREE = {
    "net": {"weight": torch.arange(6.0).reshape(2, 3), "empty": torch.zeros(0, 4), "scalar": torch.tensor(2.5)},
    "optimisers": [{"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999)}]}],
    "rng": torch.get_rng_state(),
    "best": None,
    "worst": float("-inf"),
    "@odd": {"@tensor": "not a tensor"},
    "flags": [True, 1, "one"],
}


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_everything_comes_back(tmp_path):
    checkpoint.save(tmp_path / "a", "thing", TREE)
    assert same(checkpoint.load(tmp_path / "a", "thing"), TREE)
    assert os.listdir(tmp_path) == ["a"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(tree=st.dictionaries(st.text(max_size=8), values, max_size=3))
def test_any_tree_of_plain_values_comes_back(tree, tmp_path_factory):
    path = tmp_path_factory.mktemp("tree") / "a"
    checkpoint.save(path, "thing", tree)
    assert same(checkpoint.load(path, "thing"), tree)


def test_tensors_that_share_memory_are_saved_apart(tmp_path):
    x = torch.randn(3, 3)
    checkpoint.save(tmp_path / "a", "thing", {"x": x, "again": x, "row": x[1], "turned": x.T})
    assert same(checkpoint.load(tmp_path / "a", "thing"), {"x": x, "again": x, "row": x[1], "turned": x.T})


def test_a_failed_write_leaves_the_old_file(tmp_path):
    checkpoint.save(tmp_path / "a", "thing", {"x": 1})
    with pytest.raises(ConfigError, match="checkpoint: cannot hold a set at /y/1; turn it into plain values"):
        checkpoint.save(tmp_path / "a", "thing", {"y": [0, {1, 2}]})
    assert checkpoint.load(tmp_path / "a", "thing") == {"x": 1}


def test_every_damaged_byte_is_noticed(tmp_path):
    path = tmp_path / "a"
    checkpoint.save(path, "thing", {"x": torch.arange(4.0), "n": 7})
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :])
        with pytest.raises(DataError) as caught:
            checkpoint.load(path, "thing")
        assert "\n" not in str(caught.value)


def test_a_file_cut_short_is_refused(tmp_path):
    path = tmp_path / "a"
    checkpoint.save(path, "thing", {"x": torch.arange(4.0)})
    whole = path.read_bytes()
    for length in (0, 4, 20, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="is not a readable checkpoint"):
            checkpoint.load(path, "thing")


def test_a_header_that_could_not_be_read_back_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "HEADER", 50)
    with pytest.raises(ConfigError, match="checkpoint: plain values may take 50 bytes, got 60; keep them as tensors"):
        checkpoint.save(tmp_path / "a", "thing", {"x": "y" * 51})
    assert os.listdir(tmp_path) == []


class Trap:
    def __reduce__(self):
        return os.abort, ()


def test_a_pickle_is_refused_and_not_run(tmp_path):
    (tmp_path / "a").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match="is not a readable checkpoint"):
        checkpoint.load(tmp_path / "a", "thing")


def test_foreign_files_are_refused_by_what_they_are(tmp_path):
    import safetensors.torch

    safetensors.torch.save_file({"x": torch.zeros(2)}, tmp_path / "foreign")
    with pytest.raises(DataError, match="was not written by irkit"):
        checkpoint.load(tmp_path / "foreign", "thing")
    checkpoint.save(tmp_path / "other", "other", {})
    with pytest.raises(DataError, match="holds a 'other', a 'thing' is needed"):
        checkpoint.load(tmp_path / "other", "thing")
    with pytest.raises(NotFoundError, match="there is no such checkpoint"):
        checkpoint.load(tmp_path / "none", "thing")
    safetensors.torch.save_file({}, tmp_path / "new", {"irkit": "99", "kind": "thing", "tree": "", "digest": ""})
    with pytest.raises(DataError, match="has format 99, this irkit reads 1"):
        checkpoint.load(tmp_path / "new", "thing")


def test_a_well_signed_file_that_makes_no_sense_is_refused(tmp_path):
    import safetensors.torch

    for tree in ("[" * 100_000, '{"x": {"@tensor": "missing"}}', "[]", '{"x": {"@dict": 3}}', "no json"):
        digest = checkpoint._digest("thing", tree, {})
        safetensors.torch.save_file({}, tmp_path / "a", {"irkit": "1", "kind": "thing", "tree": tree, "digest": digest})
        with pytest.raises(DataError, match="does not match its digest"):
            checkpoint.load(tmp_path / "a", "thing")


def test_the_file_is_plain_safetensors_with_json(tmp_path):
    checkpoint.save(tmp_path / "a", "thing", {"x": torch.zeros(2), "n": 7})
    raw = (tmp_path / "a").read_bytes()
    header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
    assert json.loads(header["__metadata__"]["tree"]) == {"x": {"@tensor": "/x"}, "n": 7}


# --------------------------------------------------------------------------- disks that are full, processes that die


@pytest.fixture
def little_room():
    """Let the system refuse files of more than 8 KiB, as a full disk would."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new(tmp_path, little_room):
    checkpoint.save(tmp_path / "a", "thing", {"x": torch.zeros(10)})
    with pytest.raises(DataError, match="a: cannot write: File too large; check free space and permissions"):
        checkpoint.save(tmp_path / "a", "thing", {"x": torch.zeros(10_000)})
    assert os.listdir(tmp_path) == ["a"]
    assert same(checkpoint.load(tmp_path / "a", "thing"), {"x": torch.zeros(10)})


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_whatever_the_system_refuses_is_one_line(tmp_path, monkeypatch, number, call):
    checkpoint.save(tmp_path / "a", "thing", {"x": 1})

    def refuse(*given):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(
            DataError, match=f"a: cannot write: {os.strerror(number)}; check free space and permissions"
        ):
            checkpoint.save(tmp_path / "a", "thing", {"x": 2})
    assert os.listdir(tmp_path) == ["a"]
    assert checkpoint.load(tmp_path / "a", "thing") == {"x": 1}


WRITER = """
import itertools, sys, torch
from irkit.learn import checkpoint
for number in itertools.count(1):
    checkpoint.save(sys.argv[1], "thing", {"number": number, "x": torch.full((200_000,), float(number))})
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "a"
    for round in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(3 + round):
                writer.stdout.readline()
            time.sleep(0.001 * round)
            writer.kill()
        tree = checkpoint.load(path, "thing")
        assert torch.equal(tree["x"], torch.full((200_000,), float(tree["number"])))
