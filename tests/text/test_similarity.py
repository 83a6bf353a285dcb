"""Tests of irkit.text.similarity: what is kept on disk; the numbers are held by tests/expand/test_eqe.py."""

import errno
import os

import numpy as np
import pytest

import irkit.text.similarity as similarity
from irkit.kept import keep
from irkit.text.similarity import TermSimilarity, delta, log_delta, normalisers
from irkit.text.vectors import Vectors

RNG = np.random.default_rng(3)
VECTORS = Vectors([f"w{i}" for i in range(30)], RNG.normal(size=(30, 5)))


@pytest.fixture
def made(monkeypatch):
    """Count how often normalisers are computed."""
    calls = []

    def counted(*args):
        calls.append(args)
        return normalisers(*args)

    monkeypatch.setattr(similarity, "normalisers", counted)
    return calls


def test_normalisers_are_sums_over_all_terms():
    cosine = VECTORS.matrix.astype(np.float64) @ VECTORS.matrix.T.astype(np.float64)
    slow = [sum(float(delta(np.array([c]), 7.0, 0.8)[0]) for c in row) for row in cosine]
    np.testing.assert_allclose(normalisers(VECTORS.matrix, 7.0, 0.8, block=64), slow, rtol=1e-5)


def test_they_are_computed_once(tmp_path, made):
    first = TermSimilarity(VECTORS, 7.0, 0.8, tmp_path / "kept").mass
    again = TermSimilarity(VECTORS, 7.0, 0.8, tmp_path / "kept").mass
    assert (first == again).all()
    TermSimilarity(VECTORS, 7.0, 0.9, tmp_path / "kept").mass  # noqa: B018
    assert len(made) == 2
    assert len(os.listdir(tmp_path / "kept")) == 2


def test_a_damaged_file_is_made_anew(tmp_path, made):
    right = TermSimilarity(VECTORS, 7.0, 0.8, tmp_path).mass
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    flips = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(0, len(whole), 11)]
    for damaged in [*flips, b"", whole[:-1], whole[:150], whole[: 128 + 8 * len(VECTORS)]]:
        path.write_bytes(damaged)
        del made[:]
        assert (TermSimilarity(VECTORS, 7.0, 0.8, tmp_path).mass == right).all()
        assert len(made) == 1
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "wrong", [np.zeros(29), np.zeros(30, dtype=np.float32), np.full(30, np.nan), np.full(30, np.inf)]
)
def test_numbers_that_cannot_be_right_are_made_anew(tmp_path, made, wrong):
    right = TermSimilarity(VECTORS, 7.0, 0.8, tmp_path).mass
    (path,) = tmp_path.iterdir()

    keep(path, lambda file: np.save(file, wrong))
    assert (TermSimilarity(VECTORS, 7.0, 0.8, tmp_path).mass == right).all()
    assert len(made) == 2


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch, caplog):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    found = TermSimilarity(VECTORS, 7.0, 0.8, tmp_path / "kept").mass
    assert (found == normalisers(VECTORS.matrix, 7.0, 0.8)).all()
    assert caplog.messages == [f"{tmp_path / 'kept'} cannot be written, No space left on device; results are not kept"]


def test_similarities_put_in_the_place_of_the_cosines_are_the_same():
    cosine = np.linspace(-1, 1, 9, dtype=np.float32)
    for function in (delta, log_delta):
        own = cosine.copy()
        assert function(own, 10.0, 0.8, out=own) is own
        np.testing.assert_array_equal(own, function(cosine, 10.0, 0.8))
