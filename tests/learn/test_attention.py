"""Tests of irkit.learn.attention."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import ShapeError
from irkit.learn.attention import AdditiveAttention, DotAttention, masked_softmax
from irkit.learn.recurrent import mask

KINDS = ["additive", "dot"]


def made(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return (AdditiveAttention(3, 3, 4) if kind == "additive" else DotAttention()).double()


def batch(lengths=(4, 1, 2), places=4, queries=2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    query = torch.randn(len(lengths), queries, 3, generator=rng, dtype=torch.float64)
    memory = torch.randn(len(lengths), places, 3, generator=rng, dtype=torch.float64)
    return query, memory, mask(torch.tensor(lengths), places)


# By hand


def test_additive_attention_by_hand():
    net = AdditiveAttention(1, 2, 1).double()
    with torch.no_grad():
        net.query.weight.fill_(0.5)
        net.memory.weight.copy_(torch.tensor([[1.0, -1.0]]))
        net.memory.bias.fill_(0.1)
        net.fit.weight.fill_(2.0)
    memory = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]], dtype=torch.float64)
    found = net(torch.tensor([[[1.0]]], dtype=torch.float64), memory, torch.tensor([[True, True, False]]))
    # Fits 2 tanh(.5 + 1 + .1) and 2 tanh(.5 - 1 + .1); the third place is padding.
    one, two = math.exp(2 * math.tanh(1.6)), math.exp(2 * math.tanh(-0.4))
    np.testing.assert_allclose(found.weights.detach(), [[[one / (one + two), two / (one + two), 0]]], rtol=1e-12)
    np.testing.assert_allclose(found.mean.detach(), [[[one / (one + two), two / (one + two)]]], rtol=1e-12)


def test_dot_attention_by_hand():
    memory = torch.tensor([[[1.0, 0, 0, 0], [0, 3, 0, 0]]], dtype=torch.float64)
    query = torch.tensor([[[2.0, 1, 5, 5], [0, 0, 1, 1]]], dtype=torch.float64)
    found = DotAttention()(query, memory, torch.tensor([[True, True]]))
    p = math.exp(1) / (math.exp(1) + math.exp(1.5))  # products 2 and 3 over sqrt(4)
    np.testing.assert_allclose(found.weights, [[[p, 1 - p], [0.5, 0.5]]], rtol=1e-12)
    np.testing.assert_allclose(found.mean, [[[p, 3 * (1 - p), 0, 0], [0.5, 1.5, 0, 0]]], rtol=1e-12)


# Against loops


def test_additive_attention_is_its_formula_in_loops():
    net = made("additive")
    query, memory, valid = batch()
    found = net(query, memory, valid)
    v, w, u, b = net.fit.weight[0], net.query.weight, net.memory.weight, net.memory.bias
    for at in range(3):
        for which in range(2):
            places = [place for place in range(4) if valid[at, place]]
            fits = [
                float((v * torch.tanh(w @ query[at, which] + u @ memory[at, k] + b)).sum().detach()) for k in places
            ]
            total = math.fsum(math.exp(fit) for fit in fits)
            mean = sum(math.exp(fit) / total * memory[at, k] for fit, k in zip(fits, places, strict=True))
            np.testing.assert_allclose(found.mean[at, which].detach(), mean, rtol=1e-10)


# Properties


@pytest.mark.parametrize("kind", KINDS)
def test_weights_sum_to_one_over_valid_places_and_are_exactly_zero_on_padding(kind):
    query, memory, valid = batch()
    weights = made(kind)(query, 30 * memory, valid).weights.detach()
    assert weights.shape == (3, 2, 4)
    np.testing.assert_allclose(weights.sum(2), 1, rtol=1e-12)
    assert (weights[~valid[:, None].expand_as(weights)] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("filler", [0.0, 1e6, math.inf, math.nan])
def test_more_padding_changes_nothing(kind, filler):
    query, memory, valid = batch()
    results = []
    for extra in (0, 3):
        net = made(kind)
        q, m = query.clone().requires_grad_(), memory.clone().requires_grad_()
        wide = torch.where(valid[:, :, None], m, filler)
        wide = torch.cat([wide, wide.new_full((3, extra, 3), filler)], dim=1)
        found = net(q, wide, torch.cat([valid, valid.new_zeros(3, extra)], dim=1))
        (found.mean.square().sum() + found.weights[:, :, :4].cos().sum()).backward()
        results.append([found.mean, found.weights[:, :, :4], q.grad, m.grad, *(p.grad for p in net.parameters())])
    for plain, wide in zip(*results, strict=True):
        assert plain.isfinite().all()
        np.testing.assert_allclose(wide.detach(), plain.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_places_does_not_matter(kind):
    query, memory, valid = batch()
    net, order = made(kind), torch.tensor([2, 0, 3, 1])
    one, other = net(query, memory, valid), net(query, memory[:, order], valid[:, order])
    np.testing.assert_allclose(one.mean.detach(), other.mean.detach(), rtol=1e-10)
    np.testing.assert_allclose(one.weights[:, :, order].detach(), other.weights.detach(), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_memory_gives_zeros_and_a_finite_gradient(kind):
    query, memory, valid = batch(lengths=(0, 2))
    found = made(kind)(query.requires_grad_(), memory, valid)
    assert not found.mean[0].any()
    assert not found.weights[0].any()
    found.mean.sum().backward()
    assert query.grad.isfinite().all()
    assert not query.grad[0].any()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind):
    query, memory, valid = batch()
    net = made(kind)
    names = [name for name, _ in net.named_parameters()]
    start = [parameter.detach().clone().requires_grad_() for parameter in net.parameters()]

    def call(query, memory, *parameters):
        return tuple(torch.func.functional_call(net, dict(zip(names, parameters, strict=True)), (query, memory, valid)))

    assert torch.autograd.gradcheck(call, (query.requires_grad_(), memory.requires_grad_(), *start))


def test_extreme_scores_are_no_problem():
    valid = torch.tensor([True, True, False])
    found = masked_softmax(torch.tensor([1e30, -1e30, 1e35]), valid)
    assert found.tolist() == [1, 0, 0]


# Errors


def test_wrong_shapes_are_refused():
    query, memory, valid = batch()
    for net in (made("additive"), made("dot")):
        for arguments, message in [
            ((query[:, 0], memory, valid), r"query must be \(3, S, 3\), got \(3, 3\); give S queries"),
            ((query[:2], memory, valid), r"query must be \(3, S, 3\), got \(2, 2, 3\)"),
            ((query[..., :2], memory, valid), r"query must be \(3, S, 3\), got \(3, 2, 2\)"),
            ((query, memory[:, 0], valid), r"memory must be \(B, T, 3\), got \(3, 3\); give one row"),
            ((query, memory, valid[:, :3]), r"valid must be \(3, 4\) of bool, got \(3, 3\) of torch.bool; give"),
            ((query, memory, valid.int()), r"valid must be \(3, 4\) of bool, got \(3, 4\) of torch.int32; give"),
        ]:
            with pytest.raises(ShapeError, match=message):
                net(*arguments)
