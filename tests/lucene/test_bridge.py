"""Tests of irkit.lucene.bridge: the bytes that cross."""

import struct

import numpy as np
import pytest

from irkit.errors import ConfigError
from irkit.lucene import bridge


def test_a_text_is_marked_by_a_zero_byte():
    assert bridge.encode("Straße\n", "test") == b"\0" + "Straße\n".encode()


def test_weighted_terms_by_hand():
    block = bridge.encode({"fox": 2.5, "ü": np.float32(1), "none": 0}, "test")
    weights = struct.pack("<bi", 1, 2) + struct.pack("<dd", 2.5, 1.0)
    assert block == weights + struct.pack("<i", 3) + b"fox" + struct.pack("<i", 2) + "ü".encode()


def test_weights_at_their_bounds():
    assert len(bridge.encode({"a": 0}, "test")) == 5
    assert bridge.encode({"a": 1e30}, "test")
    with pytest.raises(
        ConfigError, match=r"test: the weight of term 'a' must be a number from 0 to 1e\+30, got 1.1e\+30"
    ):
        bridge.encode({"a": 1.1e30}, "test")
    with pytest.raises(ConfigError, match="got -1e-300"):
        bridge.encode({"a": -1e-300}, "test")


@pytest.mark.parametrize(("exact", "form"), [(False, "<f4"), (True, "<f8")])
@pytest.mark.parametrize("m", [0, 1, 2, 3])
def test_hits_by_hand(exact, form, m):
    doc, score = np.arange(m, dtype="<i4") + 5, np.arange(m) / 3
    block = np.array([0, 0, m], "<i8").tobytes() + doc.tobytes() + bytes(4 * (m % 2)) + score.astype(form).tobytes()
    found = bridge.decode(block, 2, exact=exact)
    assert found.ptr.tolist() == [0, 0, m]
    assert found.doc.tolist() == doc.tolist()
    assert found.score.tolist() == score.astype(form).tolist()
    assert all(part.flags.aligned and not part.flags.writeable for part in found)


def test_batches_keep_order_and_bounds(monkeypatch):
    monkeypatch.setattr(bridge, "BATCH_HITS", 10)
    assert [len(batch) for batch in bridge.batches(["a"] * 7, 4)] == [3, 3, 1]
    assert [len(batch) for batch in bridge.batches(["a"] * 3, 100)] == [1, 1, 1]
    monkeypatch.setattr(bridge, "BATCH_BYTES", 5)
    assert list(bridge.batches(["abcd", "", "e", "fg"], 1)) == [[b"\0abcd"], [b"\0", b"\0e", b"\0fg"]]


def test_joining_parts():
    part = bridge.Found(np.array([0, 1, 3]), np.array([4, 5, 6], np.int32), np.array([3, 2, 1], np.float32))
    joined = bridge.join([part, part], exact=False)
    assert joined.ptr.tolist() == [0, 1, 3, 4, 6]
    assert joined.doc.tolist() == [4, 5, 6, 4, 5, 6]
    assert joined.score.dtype == np.float32
    empty = bridge.join([], exact=True)
    assert empty.ptr.tolist() == [0]
    assert empty.doc.dtype == np.int32
    assert empty.score.dtype == np.float64


def test_texts_and_shares():
    texts = struct.pack("<i", 1) + b"a" + struct.pack("<i", -1) + struct.pack("<i", 0)
    assert bridge.decode_texts(texts) == ["a", None, ""]
    shares = struct.pack("<ddi", 2.0, 0.5, 3) + b"fox" + struct.pack("<ddi", 1.0, 0.0, 2) + "ü".encode()
    assert bridge.decode_shares(shares) == [("fox", 2.0, 0.5), ("ü", 1.0, 0.0)]
