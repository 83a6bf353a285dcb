"""Tests of irkit.learn.streams: blocks by hand, and a state that is found again."""

import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn.streams import Block, Carried, Streams

TEXT = torch.arange(1, 12)  # eleven symbols: two streams of five, and one that is left out


def test_blocks_are_those_written_out():
    source = Streams(TEXT, 2, 3, opening=0, before=2)
    first, second = source
    assert (len(source), first.first, second.first) == (2, True, False)
    assert first.seen.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert first.next.tolist() == [[1, 2, 3], [6, 7, 8]]
    assert first.before.tolist() == [[0, 0], [4, 5]]
    assert second.seen.tolist() == [[3, 4], [8, 9]]
    assert second.next.tolist() == [[4, 5], [9, 10]]
    assert second.before.tolist() == [[2, 3], [7, 8]]


def test_a_block_is_named_by_its_place_alone():
    source = Streams(TEXT, 2, 3, opening=0)
    assert torch.equal(source.batch(4, 1).next, source.batch(0, 1).next)
    assert source.fingerprint == Streams(TEXT, 1, 4, opening=0).fingerprint
    assert source.fingerprint != Streams(TEXT + 1, 2, 3, opening=0).fingerprint


def test_one_stream_leaves_nothing_out():
    assert torch.cat([block.next[0] for block in Streams(TEXT, 1, 4, opening=0)]).tolist() == TEXT.tolist()


def test_more_streams_than_symbols_are_refused():
    with pytest.raises(ConfigError, match="streams: 11 symbols do not make 12 streams"):
        Streams(TEXT, 12, 3, opening=0)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_state_is_kept_without_its_gradient_and_read_back_for_any_number_of_streams(cell):
    block = Streams(TEXT, 2, 3, opening=0).batch(0, 1)
    h = torch.randn(1, 2, 4, requires_grad=True)
    carried, read = Carried(cell, 1, 4), Carried(cell, 1, 4)
    carried.keep((h, h + 1) if cell == "lstm" else h)
    assert not carried.state.requires_grad
    read.load_state_dict(carried.state_dict())
    found = read.at(block)
    torch.testing.assert_close(found, (h, h + 1) if cell == "lstm" else h)
    assert read.at(Block(block.seen, block.next, block.before, True)) is None


def test_a_state_of_another_size_is_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        Carried("gru", 1, 4).load_state_dict(Carried("gru", 1, 5).state_dict())
