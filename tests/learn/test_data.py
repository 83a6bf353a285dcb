"""Tests of irkit.learn.data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from irkit.errors import ShapeError
from irkit.io.kinds import Bags, Captioned, DataSet, Features, Pictures, Ragged, Rows, Sequences, Tokens
from irkit.learn.data import Padded, arrays, as_data, batch, cut, held, identity, shuffled

LIKE = torch.zeros(1, dtype=torch.float64)
RNG = torch.Generator().manual_seed(0)
X = np.random.default_rng(0)
STEPS = [X.random((n, 2)).astype(np.float32) for n in (3, 1, 2, 4)]


def test_a_batch_is_a_tensor_a_padded_one_or_several():
    pictures = Pictures(X.random((4, 1, 2, 3)).astype(np.float32))
    found = batch(pictures, LIKE)
    assert (found.dtype, found.shape) == (torch.float64, (4, 1, 2, 3))
    assert batch(Bags(Ragged.of([[0, 2], [1]]), 3), LIKE).tolist() == [[1, 0, 1], [0, 1, 0]]
    found = batch(Sequences(Ragged.of(STEPS)), LIKE)
    assert found.lengths.tolist() == [3, 1, 2, 4]
    assert found.mask.sum(1).tolist() == [3, 1, 2, 4]
    np.testing.assert_array_equal(found.x[1], [*STEPS[1], [0, 0], [0, 0], [0, 0]])
    found = batch(Tokens(Ragged.of([[2, 1], [0]]), 3), LIKE)
    assert (found.x.dtype, found.x.tolist()) == (torch.int64, [[2, 1], [0, 0]])
    found = batch(Captioned(pictures.x[:2], 3, Ragged.of([[2, 1], [0]])), LIKE)
    assert list(found) == ["x", "caption"]
    assert found["caption"].lengths.tolist() == [2, 1]
    found = batch(Features(Ragged.of(STEPS), Ragged.of([np.ones(len(one), dtype=int) for one in STEPS])), LIKE)
    assert found["labels"].x.sum().item() == 10


def test_examples_of_a_models_own_say_themselves_what_a_batch_is():
    class Doubled(Rows):
        def batch(self, like):
            return 2 * torch.as_tensor(self.x).to(like)

    like = torch.zeros(1, dtype=torch.float64)
    assert batch(Doubled(np.ones((2, 1))), like).tolist() == [[2.0], [2.0]]
    assert batch(Rows(np.ones((2, 1))), like).tolist() == [[1.0], [1.0]]


def test_arrays_come_back_as_they_went_in():
    back = arrays(batch(Sequences(Ragged.of(STEPS)), torch.zeros(1)))
    assert all(map(np.array_equal, back, STEPS))
    assert arrays(torch.zeros(2, dtype=torch.float64)).dtype == np.float32
    assert arrays(torch.arange(2)).dtype == np.int64


@pytest.mark.parametrize("examples", [Rows(X.random((4, 2))), Sequences(Ragged.of(STEPS))], ids=["rows", "sequences"])
def test_an_epoch_is_every_example_once_in_an_order_of_seed_and_epoch(examples):
    def told(one):
        return [row.sum().item() for row in (one.x if isinstance(one, Padded) else one)]

    whole = [number for one in cut(held(examples), 3, LIKE) for number in told(one)]
    source = shuffled(held(examples), 3, seed=1, like=LIKE)
    epochs = [[told(source.batch(epoch, at, RNG)) for at in range(len(source))] for epoch in range(6)]
    for first, second in epochs:
        assert (len(first), len(second)) == (3, 1)
        assert sorted(first + second) == pytest.approx(sorted(whole))
    assert len({tuple(one[1]) for one in epochs}) > 1
    again = shuffled(held(examples), 3, seed=1, like=LIKE)
    assert told(again.batch(4, 1, RNG)) == epochs[4][1]
    assert source.fingerprint == identity(held(examples))


def test_bits_are_drawn_anew_for_each_batch_where_there_are_probabilities():
    steps = Ragged.of([np.full((n, 50), 0.3) for n in (9, 4)])
    source = shuffled(Sequences(steps), 2, seed=1, like=LIKE, dynamic=True)
    first, second = source.batch(0, 0, RNG), source.batch(0, 0, RNG)
    assert set(first.x.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first.x, second.x)
    assert first.x[~first.mask].sum() == 0
    assert float(first.x[first.mask].mean()) == pytest.approx(0.3, abs=0.1)
    pictures = Captioned(np.full((2, 1, 9, 9), 0.3), 3, Ragged.of([[2, 1], [0]]))
    found = shuffled(held(pictures), 2, seed=1, like=LIKE, dynamic=True).batch(0, 0, RNG)
    assert set(found["x"].unique().tolist()) == {0.0, 1.0}
    assert found["caption"].x.sum().item() == 3


def test_rows_and_examples_are_let_in_by_one_door():
    x = X.random((4, 2))
    data = as_data(x, x[:2], dynamic=True)
    assert data.part("train").x is x
    assert [len(data.part(name)) for name in ("train", "valid", "test")] == [4, 2, 0]
    assert (data.part("train").dynamic, data.part("valid").dynamic) == (True, False)
    assert len(as_data(Sequences(Ragged.of(STEPS))).part("valid")) == 0
    whole = DataSet("toy", Rows(x), Rows(x), Rows(x))
    assert as_data(whole) is whole
    tensor = torch.zeros(3, 2, dtype=torch.float64)
    assert as_data(tensor).part("train").x is tensor
    for wrong in (x[:, 0], np.array([["a"]]), np.array([[None]]), torch.zeros(3)):
        with pytest.raises(ShapeError, match=r"^rows: numbers of shape \(n, D\) are needed, got \([\d, ]+\) of "):
            as_data(wrong)
