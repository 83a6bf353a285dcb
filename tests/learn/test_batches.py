"""Tests of irkit.learn.batches."""

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn.batches import Drawn, Rows, fingerprint, near_in_length, resample

X = torch.arange(10.0)[:, None]
RNG = torch.Generator().manual_seed(0)


def test_an_epoch_is_every_row_once():
    rows = Rows(X, 4, seed=1)
    batches = [rows.batch(0, at, RNG) for at in range(len(rows))]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(torch.cat(batches)[:, 0].tolist()) == list(range(10))


def test_the_order_depends_on_seed_and_epoch_alone():
    one, two = Rows(X, 4, seed=1), Rows(X, 4, seed=1)
    one.batch(0, 0, RNG)
    assert torch.equal(one.batch(3, 1, RNG), two.batch(3, 1, RNG))
    assert not torch.equal(one.order(0), one.order(1))
    assert not torch.equal(one.order(0), Rows(X, 4, seed=2).order(0))


def test_dynamic_binarisation_draws_each_batch_anew():
    gray = torch.full((2000, 3), 0.3)
    rows = Rows(gray, 2000, seed=1, draw=resample)
    first, second = rows.batch(0, 0, RNG), rows.batch(0, 0, RNG)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert abs(float(first.mean()) - 0.3) < 0.03
    assert not torch.equal(first, second)


def test_the_fingerprint_sees_shape_type_and_content():
    changed = X.clone()
    changed[3] += 1e-6
    assert len({fingerprint(x) for x in (X, changed, X.reshape(2, 5), X.double())}) == 4
    assert fingerprint(X) == fingerprint(X.clone())


def test_no_rows_are_refused():
    with pytest.raises(ConfigError, match="there are no examples to learn from, got 0; give some"):
        Rows(torch.zeros(0, 3), 4, seed=1)


def test_drawn_batches_are_those_of_one_stream_of_numbers_asked_for_in_any_order():
    def draw(rng):
        yield "first", rng.permutation(5).tolist()
        yield "second", rng.random()

    rng = np.random.default_rng(3)
    rng.random(4)  # what the weights took
    drawn = Drawn(draw, 2, rng, "data")
    stream = [batch for _ in range(4) for batch in draw(rng)]
    assert len(drawn) == 2
    for place in (0, 1, 2, 3, 7, 6, 6, 0, 5):
        assert drawn.batch(*divmod(place, 2), RNG) == stream[place]
    assert drawn.fingerprint == "data"


def test_batches_of_similar_lengths_hold_every_example_once_and_little_padding():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, size=1003)
    order = rng.permutation(1003)
    found = near_in_length(order, lengths, 10, np.random.default_rng(1))
    assert sorted(found) == list(range(1003))
    assert found[1000:].tolist() == order[1000:].tolist(), "a smaller last batch is left as it is"

    def padding(numbers):
        each = lengths[numbers[:1000]].reshape(100, 10)
        return 1 - each.sum() / (each.max(1) * 10).sum()

    assert padding(found) < padding(order) / 5
    means = lengths[found[:1000]].reshape(100, 10).mean(1)
    assert abs(np.corrcoef(means, np.arange(100))[0, 1]) < 0.4, "short batches do not all come first"


def test_fewer_examples_than_a_batch_are_one_batch():
    assert near_in_length(np.array([2, 0, 1]), np.array([1, 2, 3]), 5, np.random.default_rng(0)).tolist() == [2, 0, 1]
