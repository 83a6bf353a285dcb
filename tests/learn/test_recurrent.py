"""Tests of irkit.learn.recurrent."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from irkit.errors import ShapeError
from irkit.learn import recurrent as module
from irkit.learn.recurrent import cleared, mask, masked_mean, masked_sum, recurrent, run

D, H = 3, 4
LAYERS = {
    "gru": lambda: recurrent("gru", D, H),
    "lstm": lambda: recurrent("lstm", D, H),
    "two layers": lambda: recurrent("lstm", D, H, layers=2),
    "both ways": lambda: nn.GRU(D, H, batch_first=True, bidirectional=True),
    "two layers, both ways": lambda: nn.LSTM(D, H, num_layers=2, batch_first=True, bidirectional=True),
}


@pytest.fixture(autouse=True, scope="module", params=[module.SHORT, 0], ids=["packed", "in parts"])
def way(request):
    """Run every test with sequences that are packed, and with the same run from end to end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SHORT", request.param)
        yield


def layer_of(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return LAYERS[kind]().double()


def sequences(lengths: list[int], seed: int = 0) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(n, D, generator=rng, dtype=torch.float64) for n in lengths]


def padded(each: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return nn.utils.rnn.pad_sequence(each, batch_first=True), torch.tensor([len(one) for one in each])


def flat(state) -> list[torch.Tensor]:
    return list(state) if isinstance(state, tuple) else [state]


# By hand


def test_masks_sums_and_means():
    valid = mask(torch.tensor([2, 0, 3]), 4)
    assert valid.int().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]]
    assert mask(torch.tensor([2, 1])).shape == (2, 2)
    values = torch.arange(12.0).view(3, 4)
    assert masked_sum(values, valid).tolist() == [1, 0, 27]
    assert masked_mean(values, valid).tolist() == [0.5, 0, 9]
    assert masked_mean(values[..., None].expand(3, 4, 2), valid).tolist() == [[0.5] * 2, [0] * 2, [9] * 2]


def test_what_stands_on_padding_reaches_neither_sum_nor_gradient():
    values = torch.tensor([[1.0, torch.nan], [3.0, 4.0]], requires_grad=True)
    valid = mask(torch.tensor([1, 2]))
    mean = masked_mean(values, valid)
    assert mean.tolist() == [1, 3.5]
    mean.sum().backward()
    assert values.grad.tolist() == [[1, 0], [0.5, 0.5]]
    assert cleared(values.detach(), valid).tolist() == [[1, 0], [3, 4]]


# Against the sequences one by one


@pytest.mark.parametrize("kind", LAYERS)
def test_a_batch_gives_what_each_sequence_gives_alone(kind):
    layer = layer_of(kind)
    lengths = [3, 1, 0, 5, 3]
    alone = sequences(lengths)
    found = run(layer, *padded(alone))
    assert found.outputs.shape[:2] == (5, 5)
    for at, sequence in enumerate(alone):
        outputs = found.outputs[at].detach()
        assert not outputs[lengths[at] :].any()
        if lengths[at] == 0:
            assert all(not part[:, at].any() for part in flat(found.state))
            continue
        expected, state = layer(sequence[None])
        np.testing.assert_allclose(outputs[: lengths[at]], expected[0].detach(), rtol=1e-12, atol=1e-14)
        for ours, theirs in zip(flat(found.state), flat(state), strict=True):
            np.testing.assert_allclose(ours[:, at].detach(), theirs[:, 0].detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_an_initial_state_is_used_and_is_what_an_empty_sequence_ends_with(kind):
    layer = layer_of(kind)
    first = [torch.randn(1, 2, H, dtype=torch.float64) for _ in range(2 if kind == "lstm" else 1)]
    state = tuple(first) if kind == "lstm" else first[0]
    x = sequences([4, 0])
    found = run(layer, *padded(x), state)
    expected, last = layer(x[0][None], tuple(part[:, :1] for part in first) if kind == "lstm" else state[:, :1])
    np.testing.assert_allclose(found.outputs[0].detach(), expected[0].detach(), rtol=1e-12)
    for ours, theirs, begun in zip(flat(found.state), flat(last), first, strict=True):
        np.testing.assert_allclose(ours[:, 0].detach(), theirs[:, 0].detach(), rtol=1e-12)
        assert torch.equal(ours[:, 1], begun[:, 1])


# Padding changes nothing


@settings(deadline=None, max_examples=25)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    more=st.integers(1, 4),
    kind=st.sampled_from(sorted(LAYERS)),
    filler=st.sampled_from([0.0, 1e6, torch.nan]),
)
def test_appending_padding_changes_no_output_state_or_gradient(lengths, more, kind, filler):
    layer = layer_of(kind)
    values, counts = padded(sequences(lengths))

    def traces(extra: int) -> list[torch.Tensor]:
        x = values.clone().requires_grad_()
        wide = torch.cat([x, x.new_full((len(x), extra, D), filler)], dim=1)
        found = run(layer, wide, counts)
        assert found.outputs.shape[1] == wide.shape[1]
        assert not found.outputs[:, values.shape[1] :].any()
        kept = [found.outputs[:, : values.shape[1]], *flat(found.state)]
        weights = [torch.linspace(-1, 1, part.numel(), dtype=part.dtype).view_as(part) for part in kept]
        total = sum((part * weight).sum() for part, weight in zip(kept, weights, strict=True))
        gradients = torch.autograd.grad(total, [x, *layer.parameters()], allow_unused=True)
        return [*kept, *(torch.zeros(0) if one is None else one for one in gradients)]

    for plain, wide in zip(traces(0), traces(more), strict=True):
        if plain.numel():  # the one step that stands for nothing at all leaves gradients of zero
            # To rounding: a product of other shape may be added in another order, on some processors it is.
            torch.testing.assert_close(plain, wide, rtol=1e-12, atol=1e-14)
        else:
            assert not wide.any()


def test_empty_sequences_alone_give_no_outputs_and_no_gradient():
    layer = layer_of("gru")
    found = run(layer, torch.zeros(2, 0, D, dtype=torch.float64), torch.tensor([0, 0]))
    assert found.outputs.shape == (2, 0, H)
    found.state.sum().backward()
    assert all(not parameter.grad.any() for parameter in layer.parameters())


# Errors


def test_wrong_lengths_are_refused():
    x = torch.zeros(2, 4, D, dtype=torch.float64)
    layer = layer_of("gru")
    with pytest.raises(ShapeError, match=r"lengths must be \(2,\), got \(3,\); give one number"):
        run(layer, x, torch.tensor([1, 2, 3]))
    for lengths in ([5, 1], [-1, 2]):
        with pytest.raises(ShapeError, match=f"lengths must be 0 to 4, got {min(lengths)} to {max(lengths)}; count"):
            run(layer, x, torch.tensor(lengths))


@pytest.mark.parametrize("kind", LAYERS)
def test_no_sequences_at_all_give_nothing(kind):
    layer = LAYERS[kind]()
    found, one = (
        run(layer, torch.zeros(0, 2, D), torch.zeros(0, dtype=torch.int64)),
        run(layer, torch.zeros(1, 2, D), torch.ones(1, dtype=torch.int64)),
    )
    assert found.outputs.shape == (0, *one.outputs.shape[1:])
    for none, some in zip(*((s if isinstance(s, tuple) else (s,)) for s in (found.state, one.state)), strict=True):
        assert none.shape == (some.shape[0], 0, some.shape[2])
